"""A plain view of a graph, and its text forms."""
