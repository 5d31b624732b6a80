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
from merkl.graph.task import Task

__all__ = ["CallState", "CallStates", "describe_state", "place_components", "task_name"]

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


class CallStates:
    """Makes states of calls and of earlier results; what many of them share is looked up and put into form once.

    `successors` are the newer fingerprints that were declared to compute the same as older ones: of a result made with one of
    these the code is taken to be the latest.
    """

    def __init__(
        self, ledger: Ledger | None, successors: Mapping[bytes, Sequence[bytes]] = MappingProxyType({})
    ) -> None:
        self._ledger = ledger
        self._successors = successors
        self._of_tasks: dict[Task[..., Any, Any], Components] = {}
        self._known: dict[str, Components | None] = {}
        self._outlines: dict[str, dict[str, str]] = {}
        self._latest: dict[str, tuple[str, Components | None]] = {}

    def of_call(self, call: Call) -> CallState:
        """Return what a call is made of."""
        root = sessions.current().root
        if call.task not in self._of_tasks:
            self._of_tasks[call.task] = place_components(describe_task(call.task), root)
        parameters = call.task.signature.parameters
        shown = [(p, value) for p, value in zip(parameters, call.values, strict=True) if not p.is_secret]
        callables = {p.name: describe_callables(value) for p, value in shown if p.is_keyed}
        return CallState(
            key=call.key().hex(),
            task=task_name(call),
            out=None,
            fingerprint=call.fingerprint.hex() if call.fingerprint else "",
            components=self._of_tasks[call.task],
            extras=describe_extras(call),
            classes=self._classes_of(call) if call.extras else (),
            arguments=describe_arguments(call),
            outlines={p.name: outline_value(value) or {} for p, value in shown},
            callables={
                name: place_components(found, root) if found else () for name, found in callables.items()
            },
            parents=tuple(dict.fromkeys(f.hash for f in call.inputs())),
            location=plain_text(call.location()),
            unkeyed=frozenset(p.name for p in parameters if not p.is_keyed),
        )

    def _classes_of(self, call: Call) -> Components:
        fingerprinter = sessions.current().fingerprinter
        classes: dict[tuple[str, str], dict[str, str]] = {}
        for cls in classes_of_call(call):
            digest = fingerprinter.digest_class(cls)
            if digest in call.extras:
                name = f"class {digest.hex()}"
                if name not in self._known:
                    components = map(describe_component, fingerprinter.describe(cls).components)
                    self._known[name] = place_components(components, sessions.current().root)
                classes.update(((one["name"], one["digest"]), one) for one in self._known[name] or ())
        return tuple(classes.values())

    def of_record(self, key: str, metadata: Metadata) -> CallState:
        """Return what a result was made of, as far as the ledger knows."""
        fingerprint, components = self._latest_code(metadata.fingerprint)
        # A class that another one holds is among its parts and among the classes.
        classes = {
            (one["name"], one["digest"]): one
            for extra in metadata.extras
            if len(extra) == 64
            for one in self._components(extra) or ()
        }
        keyed = [a for a in metadata.arguments if a.digest not in ("", UNKEYED)]
        return CallState(
            key=key,
            task=metadata.task,
            out=metadata.out,
            fingerprint=fingerprint,
            components=components,
            extras=metadata.extras,
            classes=tuple(classes.values()),
            arguments=metadata.arguments,
            outlines={a.name: self._outline(a.digest) for a in metadata.arguments},
            callables={a.name: self._components(a.digest) or () for a in keyed},
            parents=metadata.parents,
            location=metadata.location,
            run=metadata.run,
            created=metadata.created,
        )

    def _outline(self, digest: str) -> dict[str, str]:
        if digest not in self._outlines:
            content = self._ledger.blob(f"outline:{digest}") if digest and self._ledger is not None else None
            self._outlines[digest] = json.loads(content) if content is not None else {}
        return self._outlines[digest]

    def _components(self, digest: str) -> Components | None:
        if digest not in self._known:
            found = None if self._ledger is None else self._ledger.components(digest)
            if self._ledger is not None and found is not None:
                found = place_components(found, self._ledger.database.path.parent.parent)
            self._known[digest] = found
        return self._known[digest]

    def _latest_code(self, fingerprint: str) -> tuple[str, Components | None]:
        if fingerprint not in self._latest:
            self._latest[fingerprint] = self._follow(fingerprint)
        return self._latest[fingerprint]

    def _follow(self, fingerprint: str) -> tuple[str, Components | None]:
        components = self._components(fingerprint) if fingerprint else None
        seen = {fingerprint}
        while newer := self._successors.get(bytes.fromhex(fingerprint)):
            following = newer[-1].hex()
            known = self._components(following)
            if following in seen or known is None:
                break
            seen.add(following)
            fingerprint, components = following, known
        return fingerprint, components


def describe_state(state: CallState) -> dict[str, Any]:
    """Return the few fields that name an earlier result."""
    return {"key": state.key, "task": state.task, "run": state.run, "created": state.created}
