"""Replies as bytes: as plain tuples where that does, since pickling objects takes several times as long."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
from msgspec.structs import astuple

from merkl.cache import Record
from merkl.execution.results import FreshResult
from merkl.execution.targets.base import KnownResult, Reply

__all__ = ["dump_reply", "load_reply"]

#: The place of the outs among the fields of a reply.
_OUTS = Reply.__struct_fields__.index("outs")


def dump_reply(reply: Reply) -> bytes:
    """Return a reply as bytes that `load_reply` makes an equal one of."""
    fields = list(astuple(reply))
    fields[_OUTS] = [(key, *_dump_known(known)) for key, known in reply.outs.items()]
    try:
        return pickle.dumps(fields, protocol=5)
    except Exception:  # noqa: BLE001 - classes that only cloudpickle can take
        return cloudpickle.dumps(fields, protocol=5)


def load_reply(data: bytes) -> Reply:
    """Return the reply that `dump_reply` made bytes of."""
    fields: list[Any] = pickle.loads(data)
    fields[_OUTS] = {key: _load_known(*known) for key, *known in fields[_OUTS]}
    return Reply(*fields)


def _dump_known(known: KnownResult) -> tuple[Any, ...]:
    fresh = known.fresh
    # Most are told with the record that they have themselves.
    is_own = fresh is not None and fresh.record is known.record
    rest = (fresh.value, fresh.encoded, fresh.is_stored) if fresh is not None and is_own else fresh
    return astuple(known.record), is_own, rest, known.is_tainted


def _load_known(record: tuple[Any, ...], is_own: bool, rest: Any, is_tainted: bool) -> KnownResult:
    made = Record(*record)
    return KnownResult(made, FreshResult(made, *rest) if is_own else rest, is_tainted)
