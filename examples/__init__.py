"""Pipelines over real data; each runs with `merkl run`."""
