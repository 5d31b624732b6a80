"""Writes into the ledger what a run did: when, how it ended, what it was asked for, and what its tasks were made of."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import platform
import socket
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import msgspec

from merkl._base.errors import CacheFormatError, MerklWarning, SelectionError, WouldRunError
from merkl._base.hash_mode import HashMode
from merkl._base.hint_classes import iter_classes
from merkl._base.readable import readable
from merkl._base.tracebacks import locate_error
from merkl.cache import Ledger, Run
from merkl.execution.events import Observer, Status
from merkl.execution.failed_calls import details_of_error, line_of_error, note_failed_call
from merkl.execution.outlines import outline_value
from merkl.execution.plan import Plan
from merkl.execution.previews import digest_argument, digest_shape
from merkl.fingerprint import Component
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.session import sessions
from merkl.graph.shown import plain_text
from merkl.graph.task import Task
from merkl.hashing.digests import hash_content

__all__ = [
    "Chronicle",
    "classes_of_call",
    "describe_callables",
    "describe_classes",
    "describe_component",
    "describe_task",
    "installed_versions",
]

_SCALARS = frozenset((int, float, str, bool, type(None), bytes, Future))

#: Parts of an argument among which callables are looked for.
_MOST_LOOKED_AT = 100
#: Seconds between two rows of a session whose evaluations find all in the cache.
_OFTEN = 1.0
#: Roots beyond this many are not kept.
_MOST_ROOTS = 200_000


class Chronicle(Observer):
    """One run in the ledger: `merkl run`, or all that a script or notebook evaluates while its workspace is open.

    Nothing is written before a call must run, or the run ends: a process that only builds graphs leaves no trace.
    `prepare` is called before the first row.
    """

    def __init__(
        self, ledger: Ledger, *, root: Path, prepare: Callable[[], None], command: Sequence[str] = ()
    ) -> None:
        self.ledger = ledger
        self.run_id = uuid.uuid4().hex
        self._prepare = prepare
        self._run = Run(
            id=self.run_id,
            started=time.time(),
            command=tuple(map(readable, command)) or command_of_process(),
            root=readable(str(root)),
            host=socket.gethostname(),
            pid=os.getpid(),
            python=platform.python_version(),
            status="running",
        )
        self._is_begun = False
        self._is_dirty = False
        self._written = 0.0
        self._roots_written = 0
        self._roots: dict[bytes, None] = {}
        self._known: set[object] = set()
        self._counts: dict[str, int] = {}
        self._failure: tuple[BaseException, str] | None = None
        self._lock = threading.Lock()

    def plan_made(self, plan: Plan) -> None:
        """Note what is asked for, and what the calls that must run are made of."""
        with self._lock:
            if len(self._roots) < _MOST_ROOTS:
                self._roots.update((future.__merkl_key__(), None) for future in plan.wanted)
            if plan.missing:
                self._begin()
                try:
                    for call in plan.missing:
                        self._note_call(call)
                except CacheFormatError:
                    raise
                except Exception as error:  # noqa: BLE001 - user's classes may do anything while they are looked at
                    warnings.warn(
                        f"what the calls of this run are made of could not all be written down: {error!r}",
                        MerklWarning,
                        stacklevel=2,
                    )

    def call_ended(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        """Note a failed call, also where the run goes on after it."""
        if status == "failed" and error is not None:
            # Told of each item of a batch, it is one failure.
            if self._failure is None or self._failure[0] is not error:
                self._failure = error, details_of_error(error)
            note_failed_call(self.ledger, call, error, run=self.run_id, details=self._failure[1])

    def ended(
        self,
        status: str,
        counts: Mapping[str, int | float],
        *,
        error: BaseException | None = None,
        is_built: bool = True,
    ) -> None:
        """Write down how the run, or an evaluation of it, ended; the figures of evaluations are summed.

        Evaluations that found all in the cache are written down together. What made no calls and did not fail leaves no
        trace, nor does what was asked for in vain.
        """
        with self._lock:
            for name, count in counts.items():
                if isinstance(count, int):
                    self._counts[name] = self._counts.get(name, 0) + count
            is_refused = isinstance(error, (SelectionError, WouldRunError))
            if not counts.get("calls") and (is_refused or status == "done"):
                return
            now = time.time()
            self._run = msgspec.structs.replace(
                self._run,
                ended=now,
                status=status,
                error="" if error is None else line_of_error(error),
                details="" if error is None else self.ledger.save_blob(details_of_error(error).encode()),
                location=_place_of(error),
                is_built=is_built,
                counts=dict(self._counts),
            )
            self._is_dirty = True
            if now - self._written > _OFTEN or status != "done" or counts["calls"] != counts.get("cached"):
                self._write()

    def settle(self) -> None:
        """Write down what was not yet."""
        with self._lock:
            if self._is_dirty or len(self._roots) != self._roots_written:
                self._write(is_last=True)
        with contextlib.suppress(OSError):
            self.ledger.flush()

    def _write(self, *, is_last: bool = False) -> None:
        self._begin()
        grown = len(self._roots) - self._roots_written
        if grown > self._roots_written // 2 + 10 or (grown and (is_last or not self._roots_written)):
            self._roots_written = len(self._roots)
            self._run = msgspec.structs.replace(self._run, roots=self.ledger.save_keys(self._roots.keys()))
        self.ledger.save_run(self._run)
        self._is_dirty = False
        self._written = time.time()

    def _begin(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            self._prepare()
            versions = msgspec.json.encode(installed_versions())
            self._run = msgspec.structs.replace(self._run, environment=self.ledger.save_blob(versions))
            self.ledger.save_run(self._run)

    # -- what calls are made of ----------------------------------------------------------------------------

    def _note_call(self, call: Call) -> None:
        """Keep, once each: the components of the fingerprint, those of the classes among the arguments, and outlines."""
        known = self._known
        if call.fingerprint not in known:
            known.add(call.fingerprint)
            self._note_task(call)
        if call.extras and call.extras not in known:
            known.add(call.extras)
            self._note_classes(call)
        for index, (value, encoded) in enumerate(zip(call.values, call.encodings, strict=True)):
            if type(value) in _SCALARS:
                continue
            if type(encoded) is bytes:
                if encoded and encoded not in known:
                    known.add(encoded)
                    self._note_outline(value, digest_argument(value, encoded))
            elif call.task.signature.parameters[index].is_keyed:
                self._note_outline(value, digest_shape(call, index))

    def _note_outline(self, value: object, digest: str) -> None:
        if digest not in self._known:
            self._known.add(digest)
            outline = outline_value(value)
            if outline is not None:
                self.ledger.save_blob(msgspec.json.encode(outline), f"outline:{digest}")
            components = describe_callables(value)
            if components:
                self.ledger.save_components(digest, "", components)

    def _note_task(self, call: Call) -> None:
        fingerprint = call.task.fingerprint()
        if fingerprint.digest == call.fingerprint:
            task = f"{call.task.__module__}.{call.task.name}"
            self.ledger.save_components(fingerprint.digest.hex(), task, describe_task(call.task))

    def _note_classes(self, call: Call) -> None:
        """Keep the components of the user's classes whose digests entered the key."""
        fingerprinter = sessions.current().fingerprinter
        for cls in classes_of_call(call):
            digest = fingerprinter.digest_class(cls)
            if digest in call.extras and digest not in self._known:
                self._known.add(digest)
                components = list(map(describe_component, fingerprinter.describe(cls).components))
                self.ledger.save_components(digest.hex(), cls.__qualname__, components)


def _place_of(error: BaseException | None) -> str:
    found = None if error is None else locate_error(error)
    return "" if found is None else plain_text(f"{found[0]}:{found[1]}")


def classes_of_call(call: Call) -> set[type]:
    """Return the classes among the annotations and the arguments of a call, as far as they are found quickly."""
    signature = call.task.signature
    found = {
        cls
        for hint in (*(p.hint for p in signature.parameters), signature.returns)
        for cls in iter_classes(hint)
    }
    stack: list[Any] = list(call.values)
    seen = 0
    while stack and seen < 1000:
        value = stack.pop()
        seen += 1
        if isinstance(value, (list, tuple, set, frozenset)):
            stack.extend(list(value)[:100])
        elif isinstance(value, dict):
            stack.extend(list(value.values())[:100])
        found.add(value if isinstance(value, type) else type(value))
        stack.extend(
            vars(value).values() if hasattr(value, "__dict__") and not isinstance(value, type) else ()
        )
    return found


def describe_task(task: Task[..., Any, Any]) -> list[dict[str, str]]:
    """Return what the fingerprint of a task is made of: its components, and the options that enter it."""
    components = _without_doubles(map(describe_component, task.fingerprint().components))
    # The default of a secret may come from the environment: it must not be written down.
    secrets = _secret_defaults(task)
    for component in components if secrets else ():
        if component["kind"] == "constant" and component["text"] in secrets:
            component["text"] = "***"
    options: dict[str, object] = {
        "code_version": task.options.code_version,
        "hash_key": task.options.hash_key,
    }
    if task.options.hash_mode is not HashMode.FIND_DEPS:
        options["hash_mode"] = task.options.hash_mode
    if task.command is not None:
        for kind, name, counted, text in task.command.describe(sessions.current().files.content_hash):
            part = {
                "name": readable(name) or task.name,
                "kind": kind,
                "digest": counted.hex(),
                "location": readable(task.location) if not name else "",
                "text": readable(text),
            }
            components.append(part)
    for name, value in options.items():
        if value is not None:
            text = str(value.value) if isinstance(value, HashMode) else repr(value)
            digest = hash_content(f"{name}={text}".encode())
            components.append(
                {"name": name, "kind": "option", "digest": digest, "location": "", "text": text}
            )
    return components


def _without_doubles(components: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Return components each once: a constant may be reached through several modules."""
    return list({tuple(component.items()): component for component in components}.values())


def describe_callables(value: object) -> list[dict[str, str]]:
    """Return what the functions and other callables are made of that an argument is, or holds."""
    fingerprinter = sessions.current().fingerprinter
    components: list[dict[str, str]] = []
    for one in _callables_in(value):
        components += map(describe_component, fingerprinter.describe(one).components)
    return _without_doubles(components)


def _callables_in(value: object) -> Iterator[object]:
    stack = [value]
    seen = 0
    while stack and seen < _MOST_LOOKED_AT:
        item = stack.pop()
        seen += 1
        if isinstance(item, (FunctionType, MethodType, functools.partial)):
            yield item
        elif isinstance(item, (list, tuple, set, frozenset)):
            stack += list(item)[:_MOST_LOOKED_AT]
        elif isinstance(item, dict):
            stack += list(item.values())[:_MOST_LOOKED_AT]
        elif dataclasses.is_dataclass(item) and not isinstance(item, type):
            stack += vars(item).values() if hasattr(item, "__dict__") else ()


def describe_classes(task: Task[..., Any, Any]) -> list[dict[str, str]]:
    """Return what the user's classes among the annotations of a task are made of: their methods enter keys, as they may run."""
    fingerprinter = sessions.current().fingerprinter
    hints = (*(p.hint for p in task.signature.parameters), task.signature.returns)
    found: dict[tuple[str, str], dict[str, str]] = {}
    for cls in dict.fromkeys(cls for hint in hints for cls in iter_classes(hint)):
        if fingerprinter.owns_class(cls):
            for component in map(describe_component, fingerprinter.describe(cls).components):
                found.setdefault((component["name"], component["digest"]), component)
    return list(found.values())


def _secret_defaults(task: Task[..., Any, Any]) -> set[str]:
    declared = task.signature.signature.parameters
    return {repr(declared[p.name].default) for p in task.signature.parameters if p.is_secret}


def describe_component(component: Component) -> dict[str, str]:
    """Return a component as the ledger keeps it; a constant has the name that it has where it is bound."""
    is_constant = component.kind in ("constant", "enum")
    name = sessions.current().fingerprinter.home_of(component.name) if is_constant else component.name
    return {
        "name": readable(name),
        "kind": component.kind,
        "digest": component.digest,
        "location": readable(component.location),
        "text": readable(component.text),
    }


def command_of_process() -> tuple[str, ...]:
    """Return what started this process, without its arguments: they may hold a password."""
    script = Path(sys.argv[0]).name if sys.argv and sys.argv[0] not in ("", "-c") else ""
    return ("python", readable(script)) if script else ("python",)


def installed_versions() -> dict[str, str]:
    """Return the versions of all distributions on `sys.path`, read off the names of their folders."""
    found: dict[str, str] = {}
    for folder in sys.path:
        with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
            for entry in entries:
                stem, dot, kind = entry.name.rpartition(".")
                if dot and kind in ("dist-info", "egg-info"):
                    name, dash, version = stem.partition("-")
                    if dash:
                        found.setdefault(name.lower().replace("_", "-"), version.partition("-py3")[0])
    return dict(sorted(found.items()))
