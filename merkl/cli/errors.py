"""A user's mistake on the command line."""

from __future__ import annotations

from merkl._base.errors import MerklError

__all__ = ["UsageError"]


class UsageError(MerklError, ValueError):
    """The command line makes no sense: exit code 2 and one clear line."""
