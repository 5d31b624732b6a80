"""The results that the ledger remembers, as calls, and which of them is nearest to a call of now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from merkl.cache import ArgumentPreview, Ledger, Metadata
from merkl.render.call_states import CallState

__all__ = ["EarlierCall", "EarlierCalls"]

#: How many of a task's latest results are looked at.
_MOST = 20_000
#: How many of them are compared one by one, where no other has the same constants.
_MOST_COMPARED = 500


@dataclass(slots=True)
class EarlierCall:
    """A call of which results are known; `outs` are the keys of its results."""

    key: str
    metadata: Metadata
    outs: dict[str | None, str] = field(default_factory=dict)


class EarlierCalls:
    """Earlier calls by task, those apart that the graph at hand makes again.

    `keys` are the keys of that graph; `records` restricts the search to these results.
    """

    def __init__(
        self, ledger: Ledger | None, keys: Collection[str], records: Mapping[str, Metadata] | None = None
    ) -> None:
        self._ledger = ledger
        self._keys = keys
        self._records = records
        self._tasks: dict[str, _OfTask] = {}

    def nearest(self, state: CallState, matches: Mapping[str, str]) -> EarlierCall | None:
        """Return the earlier call that is most like this one: by constants, then inputs, then place, then age.

        `matches` says for keys of this graph which earlier results they stand in for.
        """
        if self._ledger is None:
            return None
        if state.task not in self._tasks:
            self._tasks[state.task] = _OfTask(self._of(self._ledger, state.task))
        return self._tasks[state.task].nearest(state, matches)

    def _of(self, ledger: Ledger, task: str) -> list[EarlierCall]:
        """Return the calls of a task, newest first, the outs of each together."""
        if self._records is None:
            rows = ledger.log(task=task, limit=_MOST)
        else:
            rows = sorted(self._records.items(), key=lambda row: -row[1].created)
        calls: dict[object, EarlierCall] = {}
        for key, metadata in rows:
            if metadata.task == task and key not in self._keys:
                identity = (metadata.fingerprint, metadata.arguments, metadata.parents, metadata.extras)
                call = calls.setdefault(identity, EarlierCall(key, metadata))
                call.outs.setdefault(metadata.out, key)
        return list(calls.values())


class _OfTask:
    """The earlier calls of one task, found by their constants and by their inputs."""

    def __init__(self, calls: list[EarlierCall]) -> None:
        self._calls = calls
        self._by_constants: dict[object, list[EarlierCall]] = {}
        self._by_parent: dict[tuple[object, str], EarlierCall] = {}
        self._by_parents: dict[tuple[object, tuple[str, ...]], EarlierCall] = {}
        for call in calls:
            constants = _constants(call.metadata.arguments)
            self._by_constants.setdefault(constants, []).append(call)
            self._by_parents.setdefault((constants, call.metadata.parents), call)
            for parent in call.metadata.parents:
                self._by_parent.setdefault((constants, parent), call)

    def nearest(self, state: CallState, matches: Mapping[str, str]) -> EarlierCall | None:
        constants = _constants(state.arguments)
        parents = tuple(matches.get(parent, parent) for parent in state.parents)
        exact = self._by_parents.get((constants, parents))
        if exact is not None:
            return exact
        for parent in parents:
            found = self._by_parent.get((constants, parent))
            if found is not None:
                return found
        same = self._by_constants.get(constants)
        if same is not None:
            here = [call for call in same[:_MOST_COMPARED] if call.metadata.location == state.location]
            return (here or same)[0]
        return self._most_alike(state)

    def _most_alike(self, state: CallState) -> EarlierCall | None:
        now = {a.name: a for a in _constants(state.arguments)}
        best: EarlierCall | None = None
        best_score = (-1.0, False)
        for call in self._calls[:_MOST_COMPARED]:
            then = _constants(call.metadata.arguments)
            alike = sum(_likeness(now[a.name], a) for a in then if a.name in now)
            score = (alike, call.metadata.location == state.location)
            if score > best_score:
                best, best_score = call, score
        return best


def _likeness(one: ArgumentPreview, other: ArgumentPreview) -> float:
    """Return 1 for equal arguments, else the share of their texts that they begin and end with in common, halved."""
    if one == other:
        return 1.0
    a, b = one.preview, other.preview
    shortest = min(len(a), len(b))
    start = next((i for i in range(shortest) if a[i] != b[i]), shortest)
    end = next((i for i in range(shortest - start) if a[-1 - i] != b[-1 - i]), shortest - start)
    return (start + end) / max(len(a), len(b), 1) / 2


def _constants(arguments: tuple[ArgumentPreview, ...]) -> tuple[ArgumentPreview, ...]:
    return tuple(a for a in arguments if not a.preview.startswith("<Future of "))
