"""What a call is made of, in one form for calls of this process and for those that only the ledger remembers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from merkl._base.places import shown_place
from merkl.cache import ArgumentPreview, Ledger, Metadata
from merkl.execution.chronicle import classes_of_call, describe_callables, describe_component, describe_task
from merkl.execution.outlines import outline_value
from merkl.execution.previews import UNKEYED, describe_arguments, describe_extras
from merkl.graph.call import Call
from merkl.graph.session import sessions
from merkl.graph.shown import plain_text

__all__ = ["CallState", "describe_state", "place_components", "state_of_call", "state_of_record", "task_name"]

Components = tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class CallState:
    """All that enters the key of a call, and where it comes from.

    `components` is None where what the fingerprint was made of is not known; `outlines` are the parts of structured
    arguments by parameter and path, `callables` what functions among the arguments are made of; `unkeyed` are the
    parameters that are no part of the key.
    """

    key: str
    task: str
    out: str | None
    fingerprint: str
    components: Components | None
    extras: tuple[str, ...]
    classes: Components
    arguments: tuple[ArgumentPreview, ...]
    outlines: dict[str, dict[str, str]]
    callables: dict[str, Components]
    parents: tuple[str, ...]
    location: str
    run: str = ""
    created: float = 0.0
    unkeyed: frozenset[str] = frozenset()


def place_components(components: Iterable[dict[str, str]], root: Path) -> Components:
    """Return the parts of a fingerprint with their places as they are shown; in the ledger they are those in the project."""
    return tuple({**one, "location": shown_place(one["location"], base=root)} for one in components)


def task_name(call: Call) -> str:
    """Return a task's name as metadata have it."""
    return f"{call.task.__module__}.{call.task.name}"


def state_of_call(call: Call) -> CallState:
    """Return what a call is made of."""
    fingerprinter = sessions.current().fingerprinter
    classes: dict[tuple[str, str], dict[str, str]] = {}
    for cls in classes_of_call(call) if call.extras else ():
        if fingerprinter.digest_class(cls) in call.extras:
            for component in fingerprinter.describe(cls).components:
                classes[component.name, component.digest] = describe_component(component)
    root = sessions.current().root
    parameters = call.task.signature.parameters
    shown = [(p, value) for p, value in zip(parameters, call.values, strict=True) if not p.is_secret]
    outlines = {p.name: outline_value(value) or {} for p, value in shown}
    callables = {
        p.name: place_components(describe_callables(value), root) for p, value in shown if p.is_keyed
    }
    key = call.key().hex()
    return CallState(
        key=key,
        task=task_name(call),
        out=None,
        fingerprint=call.fingerprint.hex() if call.fingerprint else "",
        components=place_components(describe_task(call.task), root),
        extras=describe_extras(call),
        classes=place_components(classes.values(), root),
        arguments=describe_arguments(call),
        outlines=outlines,
        callables=callables,
        parents=tuple(dict.fromkeys(f.hash for f in call.inputs())),
        location=plain_text(call.location()),
        unkeyed=frozenset(p.name for p in parameters if not p.is_keyed),
    )


def state_of_record(
    ledger: Ledger,
    key: str,
    metadata: Metadata,
    successors: Mapping[bytes, Sequence[bytes]] = MappingProxyType({}),
) -> CallState:
    """Return what a result was made of, as far as the ledger knows.

    `successors` are the newer fingerprints that were declared to compute the same: its code is taken to be the latest.
    """
    root = ledger.database.path.parent.parent
    fingerprint, components = _latest_code(ledger, metadata.fingerprint, successors)
    # A class that another one holds is among its parts and among the classes.
    classes = {
        (one["name"], one["digest"]): one
        for extra in metadata.extras
        if len(extra) == 64
        for one in ledger.components(extra) or ()
    }
    outlines: dict[str, dict[str, str]] = {}
    callables: dict[str, Components] = {}
    for argument in metadata.arguments:
        content = ledger.blob(f"outline:{argument.digest}") if argument.digest else None
        outlines[argument.name] = json.loads(content) if content is not None else {}
        if argument.digest not in ("", UNKEYED):
            parts = ledger.components(argument.digest) or ()
            callables[argument.name] = place_components(parts, root)
    return CallState(
        key=key,
        task=metadata.task,
        out=metadata.out,
        fingerprint=fingerprint,
        components=None if components is None else place_components(components, root),
        extras=metadata.extras,
        classes=place_components(classes.values(), root),
        arguments=metadata.arguments,
        outlines=outlines,
        callables=callables,
        parents=metadata.parents,
        location=metadata.location,
        run=metadata.run,
        created=metadata.created,
    )


def _latest_code(
    ledger: Ledger, fingerprint: str, successors: Mapping[bytes, Sequence[bytes]]
) -> tuple[str, Any]:
    components = ledger.components(fingerprint) if fingerprint else None
    seen = {fingerprint}
    while newer := successors.get(bytes.fromhex(fingerprint)):
        following = newer[-1].hex()
        known = ledger.components(following)
        if following in seen or known is None:
            break
        seen.add(following)
        fingerprint, components = following, known
    return fingerprint, components


def describe_state(state: CallState) -> dict[str, Any]:
    """Return the few fields that name an earlier result."""
    return {"key": state.key, "task": state.task, "run": state.run, "created": state.created}
