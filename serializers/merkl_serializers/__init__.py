"""Canonical bytes: the one byte string that a value hashes to."""
