"""Which content keys a database can hold: of a task that is new to it, only those that this process has put there."""

from __future__ import annotations

import time

from merkl.cache.database import Database

__all__ = ["ContentKeys"]

#: Seconds for which it is believed that no other process has written.
RECENT = 0.02
#: Content keys of this process that are known; with more of them each is looked up again.
MOST_KNOWN = 100_000


class ContentKeys:
    """Says of a content key whether it is worth the look: in a first run of a task none is, but for equal inputs.

    The file holds the fingerprints of all rows that have a content key. A fingerprint that is not among them has those
    content keys alone that were noted here since, for as long as no other process writes to the file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._table = database.table("content_fingerprints", ("fingerprint",), conflict="IGNORE")
        #: The content keys that this process has put, by fingerprint: of those that the file had none of.
        self._own: dict[str, set[bytes]] = {}
        self._count = 0
        #: Fingerprints that the file has content keys of.
        self._there: set[str] = set()
        self._state: object = None
        self._looked = float("-inf")

    def note(self, fingerprint: str, content_key: bytes) -> None:
        """Note the content key of a row that is about to be put; call it with the database's lock held."""
        self._table.pending[fingerprint] = (fingerprint,)
        own = self._own.get(fingerprint)
        if own is None:  # nobody has asked yet, and to put a row must not wait for the file
            self._there.add(fingerprint)
            return
        own.add(content_key)
        self._count += 1
        if self._count > MOST_KNOWN:
            self._forget()

    def note_unknown(self) -> None:
        """Note that a row is about to be put that may be found by a content key, of whatever task."""
        self._forget()
        self._table.pending[""] = ("",)

    def may_hold(self, fingerprint: str, content_key: bytes) -> bool:
        """Say whether a row may have that content key, of a task with that fingerprint."""
        if not fingerprint:
            return True
        if time.monotonic() - self._looked > RECENT:
            self._look_again()
        own = self._own.get(fingerprint) or self._own_of(fingerprint)
        return own is None or content_key in own

    def _own_of(self, fingerprint: str) -> set[bytes] | None:
        """Return the content keys of a fingerprint that were noted here, None where the file may hold others."""
        own = self._own.get(fingerprint)
        if own is None and fingerprint not in self._there:
            with self._database.lock:
                # A file that is only read may be of an older version, without that table.
                if self._database.read_only or self._table.has(fingerprint) or self._table.has(""):
                    self._there.add(fingerprint)
                else:
                    own = self._own[fingerprint] = set()
        return own

    def _look_again(self) -> None:
        """Forget what is known where another connection has written to the file, or this one is a new one."""
        with self._database.lock:
            version = self._database.fetch("PRAGMA data_version")
            state = (self._database.connection, version)
            if state != self._state:
                self._state = state
                self._forget()
            self._looked = time.monotonic()

    def _forget(self) -> None:
        self._own.clear()
        self._there.clear()
        self._count = 0
