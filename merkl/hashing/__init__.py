"""Digests and keys: the only place where key formulas live; pure, and each with a format version."""
