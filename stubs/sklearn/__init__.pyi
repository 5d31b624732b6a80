"""Partial."""
