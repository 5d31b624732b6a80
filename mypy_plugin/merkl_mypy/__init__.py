"""The mypy plugin of MerkL: `plugins = ["merkl_mypy"]`."""

from __future__ import annotations

from mypy.plugin import Plugin

from merkl_mypy.plugin import MerklPlugin

__all__ = ["plugin"]


def plugin(version: str) -> type[Plugin]:
    """The entry point that mypy looks for."""
    return MerklPlugin
