"""The mypy plugin of MerkL: `plugins = ["merkl_mypy"]`; for mypy 1.18 to 2.4, and newer ones until they change."""

from __future__ import annotations

from mypy.plugin import Plugin

__all__ = ["OLDEST", "plugin"]

OLDEST = (1, 18)


def plugin(version: str) -> type[Plugin]:
    """The entry point that mypy looks for; SystemExit with one line where mypy is too old."""
    if tuple(int(part) for part in version.split("+")[0].split(".")[:2]) < OLDEST:
        raise SystemExit(
            f"merkl_mypy: mypy {version} is not supported; install mypy {OLDEST[0]}.{OLDEST[1]} or newer"
        )
    # Only now: an older mypy may not have what the plugin imports.
    from merkl_mypy.hooks import MerklPlugin

    return MerklPlugin
