"""Shell commands as typed tasks."""
