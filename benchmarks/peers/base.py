"""What an adapter offers; a method that is not there shows as a dash."""

from __future__ import annotations

from typing import Any

__all__ = ["Adapter"]


class Adapter:
    """One framework, with its cache in `folder`."""

    #: What the figures of this framework leave out or add.
    note = ""
    #: The longest chain and the widest fan that it does in bearable time.
    most = 100_000

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def open(self) -> None:
        """Open the cache and wrap the bodies; not timed."""

    def close(self) -> None:
        """Make durable what was stored; timed with `run`."""

    def build(self, n: int) -> int:
        """Make a chain of n calls with their keys, run nothing, and return the number of keys."""
        raise NotImplementedError

    def run(self, n: int) -> int:
        """Return the last value of a chain of n calls, from the cache where it is there."""
        raise NotImplementedError

    def run_all(self, n: int) -> list[bytes]:
        """Return the results of n calls of 100 bytes each."""
        raise NotImplementedError

    def run_big(self) -> Any:
        """Return the result of a call that gives an array of 100 MB."""
        raise NotImplementedError

    def hash(self, value: Any) -> object:
        """Return the key of a value."""
        raise NotImplementedError
