"""The mypy plugin of MerkL."""
