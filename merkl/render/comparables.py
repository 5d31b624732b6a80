"""Calls of now and those that the ledger remembers, as they are compared: by constants and by the results they are given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

from merkl.cache import ArgumentPreview, Metadata
from merkl.execution.outlines import outline_value
from merkl.execution.previews import UNKEYED, describe_arguments
from merkl.graph.call import Call
from merkl.render.call_states import task_name
from merkl.render.matching import Comparable

__all__ = ["comparable_call", "comparable_record"]

#: Arguments with up to so many parts are compared part by part.
_MOST_DETAILS = 20

_FUTURE = "<Future of "

Outliner: TypeAlias = Callable[[ArgumentPreview], dict[str, str] | None]


def comparable_call(call: Call) -> Comparable:
    """Return a call of now as it is compared with others."""
    parameters = call.task.signature.parameters
    unkeyed = [p.name for p in parameters if not p.is_keyed]
    values = dict(zip((p.name for p in parameters), call.values, strict=True))
    parents = dict.fromkeys(future.hash for future in call.inputs())
    found = _comparable(
        call.key().hex(),
        task_name(call),
        describe_arguments(call),
        parents,
        unkeyed,
        lambda argument: outline_value(values[argument.name]),
    )
    found.outs.update((future.out, future.hash) for future in call.futures())
    return found


def comparable_record(
    key: str, metadata: Metadata, unkeyed: Collection[str] = (), outline: Outliner = lambda argument: None
) -> Comparable:
    """Return an earlier call, known by one of its results, as it is compared with others.

    `outline` gives the parts of an argument by their paths, None where it has none.
    """
    found = _comparable(key, metadata.task, metadata.arguments, metadata.parents, unkeyed, outline)
    found.outs[metadata.out] = metadata.interrupted or key
    return found


def _comparable(
    key: str,
    task: str,
    arguments: Iterable[ArgumentPreview],
    parents: Iterable[str],
    unkeyed: Collection[str],
    outline: Outliner,
) -> Comparable:
    constants: list[tuple[str, str]] = []
    links: list[tuple[str, str]] = []
    details: dict[str, dict[str, str]] = {}
    shown: list[tuple[str, str]] = []
    for argument in arguments:
        if argument.digest == UNKEYED or argument.name in unkeyed:
            continue
        if argument.preview.startswith(_FUTURE):
            links.append((argument.name, argument.digest))
            continue
        constants.append((argument.name, argument.digest or argument.preview))
        shown.append((argument.name, argument.preview))
        parts = outline(argument) if argument.digest else None
        if parts and len(parts) <= _MOST_DETAILS and not any("<Future" in text for text in parts.values()):
            details[argument.name] = parts
    given = {key for _, key in links}
    inside = tuple(parent for parent in parents if parent not in given)
    return Comparable(key, task, tuple(constants), tuple(links), inside, {}, details, tuple(shown))
