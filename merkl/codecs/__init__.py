"""Result <-> bytes, chosen by the value and guided by its declared type."""
