"""Results that a person declared to hold for a newer version of the code: found under the keys that they had before.

A declaration maps a task's new fingerprint to its old one. A call that is not in the cache is looked for under the key that it
would have with the old fingerprints, its own and those of all calls above it; what is found is stored under its new key too. So
what is downstream of a migrated task follows by itself, and keys stay what code and arguments make them.
"""

from __future__ import annotations

from collections.abc import Mapping

from merkl.cache import Ledger
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.task import MapTask
from merkl.hashing.keys import hash_map_call, hash_out

__all__ = ["ADOPTED", "DECLARED", "Migrations", "declared_successors", "load_migrations"]

#: Kinds of notes in the ledger: a declared pair of fingerprints, a result that was taken over.
DECLARED = "migration"
ADOPTED = "migrated"

#: How many declarations in a row are followed.
_DEEPEST = 8


class Migrations:
    """From new fingerprints to old ones, and from calls to the keys that they had.

    >>> bool(Migrations({}))
    False
    """

    def __init__(self, fingerprints: Mapping[bytes, bytes]) -> None:
        self._fingerprints = fingerprints
        # For each level the old keys of calls by their keys; what did not change is its own old key.
        self._known: list[dict[bytes, bytes]] = [{} for _ in range(min(_DEEPEST, len(fingerprints)))]

    def __bool__(self) -> bool:
        return bool(self._fingerprints)

    def earlier_keys(self, future: Future[object]) -> list[bytes]:
        """Return the keys that a Future had before declared edits, the latest first."""
        found: list[bytes] = []
        for level in range(len(self._known)):
            key = self._earlier_key(future, level)
            if key != future.__merkl_key__() and key not in found:
                found.append(key)
        return found

    def _earlier_key(self, future: Future[object], level: int) -> bytes:
        key = self._earlier_call_key(future._call, level)
        return key if future.out is None else hash_out(key, future.out)

    def _earlier_call_key(self, call: Call, level: int) -> bytes:
        known = self._known[level]
        stack = [call]
        while stack:
            one = stack[-1]
            above = [f._call for f in one.inputs() if f._call.key() not in known]
            if above:
                stack += above
                continue
            stack.pop()
            if one.key() not in known:
                known[one.key()] = self._compute(one, level)
        return known[call.key()]

    def _compute(self, call: Call, level: int) -> bytes:
        before = self._fingerprint_before(call, level)
        known = self._known[level]
        if before == call.fingerprint and all(known[f._call.key()] == f._call.key() for f in call.inputs()):
            return call.key()

        def resolve(future: Future[object]) -> bytes:
            key = known[future._call.key()]
            return key if future.out is None else hash_out(key, future.out)

        return call.key_under(before, resolve)

    def _fingerprint_before(self, call: Call, level: int) -> bytes:
        key = call.key()  # settles the fingerprint
        assert key
        assert call.fingerprint is not None
        task = call.task
        if isinstance(task, MapTask):
            inner = task.inner.fingerprint().digest
            if hash_map_call(inner) == call.fingerprint:
                return hash_map_call(self._follow(inner, level))
        return self._follow(call.fingerprint, level)

    def _follow(self, fingerprint: bytes, level: int) -> bytes:
        for _ in range(level + 1):
            fingerprint = self._fingerprints.get(fingerprint, fingerprint)
        return fingerprint


def declared_successors(ledger: Ledger) -> dict[bytes, list[bytes]]:
    """Return for each old fingerprint the newer ones that were declared to compute the same."""
    found: dict[bytes, list[bytes]] = {}
    for new, note in ledger.notes(DECLARED):
        found.setdefault(bytes.fromhex(note["from"]), []).append(bytes.fromhex(new))
    return found


def load_migrations(ledger: Ledger) -> Migrations:
    """Return what was declared in a project."""
    if not ledger.database.path.exists():
        return Migrations({})
    pairs = {bytes.fromhex(new): bytes.fromhex(note["from"]) for new, note in ledger.notes(DECLARED)}
    return Migrations(pairs)
