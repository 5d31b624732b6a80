"""Calls of one batch as one call: what runs their common body, and takes its results apart again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from merkl.execution.body import BodyOutcome, split_outs, validate_outs
from merkl.graph.batch import BatchOuts, BatchTask
from merkl.graph.call import Call, Nested
from merkl.graph.future import Future
from merkl.hashing.keys import hash_batch

__all__ = ["BatchCall", "gather_batches", "take_apart"]


class BatchCall(Call):
    """One run of a batch's body for several missing items, `parts`; it is in no cache, its parts are."""

    __slots__ = ("_parts", "whole")

    def __init__(self, whole: BatchTask, parts: Sequence[Call]) -> None:
        first = parts[0]
        futures = tuple(future for part in parts for future in part.inputs())
        values: Any = ([part.values for part in parts],)
        outs = BatchOuts([Any] * len(parts))
        encoded = Nested(futures) if futures else b""
        code: Any = first.location()
        super().__init__(whole.body_task, values, (encoded,), outs, (), (), code, 0)
        self._parts = tuple(parts)
        self.whole = whole
        self.sequence = first.sequence
        self.stages = first.stages
        self.files = tuple(read for part in parts for read in part.files)
        self.mutable = (0,) if any(part.mutable for part in parts) else ()
        self.adopt_key(first.fingerprint or b"", hash_batch(part.key() for part in parts))

    @property
    def parts(self) -> tuple[Call, ...]:
        return self._parts

    def futures(self) -> list[Future[Any]]:
        return [future for part in self._parts for future in part.futures()]

    def out_keys(self) -> list[bytes]:
        return [key for part in self._parts for key in part.out_keys()]

    def changed_arguments(self) -> list[str]:
        return [name for part in self._parts for name in part.changed_arguments()]

    def has_changed_code(self) -> bool:
        return any(part.has_changed_code() for part in self._parts)

    def adopt_code(self) -> None:
        for part in self._parts:
            part.adopt_code()

    def without(self, done: Sequence[Call]) -> BatchCall | None:
        """Return the call for the parts that are not done; None if all are."""
        gone = frozenset(done)
        rest = [part for part in self._parts if part not in gone]
        if len(rest) == len(self._parts):
            return self
        return BatchCall(self.whole, rest) if rest else None


def take_apart(call: Call, outcome: BodyOutcome) -> Sequence[tuple[Call, BodyOutcome]]:
    """Return each call that ran with what the body gave for it; items of a batch have equal shares of the time.

    Raises `TypeMismatchError` and `TaskOutsError` for an item that is not what the single task declares.
    """
    if not isinstance(call, BatchCall):
        return ((call, outcome),)
    share = outcome.duration / len(call.parts)
    taken: list[tuple[Call, BodyOutcome]] = []
    for part, value in zip(call.parts, outcome.outs.values(), strict=True):
        outs = split_outs(part, value)
        validate_outs(part, outs)
        taken.append((part, BodyOutcome(outs, share, outcome.tags, outcome.is_pure, "", outcome.peak_memory)))
    return taken


def gather_batches(calls: Sequence[Call]) -> list[Call]:
    """Put calls of one batch that follow each other together, as many as its body takes at once."""
    gathered: list[Call] = []
    group: list[Call] = []

    def close() -> None:
        if group and group[0].batch is not None:
            gathered.append(BatchCall(group[0].batch.task, group))
        group.clear()

    for call in calls:
        if call.batch is None:
            close()
            gathered.append(call)
            continue
        whole = call.batch.task
        is_full = bool(group) and whole.max_size is not None and len(group) >= whole.max_size
        if is_full or (group and group[0].batch is not call.batch):
            close()
        group.append(call)
    close()
    return gathered
