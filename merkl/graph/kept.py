"""Graphs of pipelines that are kept: written down when a body has run, and given again without running it."""

from __future__ import annotations

import dataclasses
import io
import math
import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import msgspec

from merkl._base.errors import ImpurePipelineError
from merkl.files.reads import FileRead
from merkl.graph.batch import BatchTask, ItemTask
from merkl.graph.building import CallRecorder
from merkl.graph.call import Call, take_sequence
from merkl.graph.future import Future
from merkl.graph.nested import find_futures
from merkl.graph.reading import SeenPath
from merkl.graph.task import MapTask, Task
from merkl.graph.writes import Write
from merkl.hashing.keys import hash_task_identity

if TYPE_CHECKING:
    from merkl.fingerprint import Fingerprint

__all__ = [
    "SHORT",
    "GraphKeeper",
    "KeptGraph",
    "KnownGraph",
    "RecalledCall",
    "RecalledGraph",
    "are_the_same",
    "file_reads",
    "read_graph",
]

#: Raised with every change of what is written down.
VERSION = 2
#: Bytes that are kept of the key of a call behind those that are known: to count each once.
SHORT = 12
#: The module of the tasks that read files, as they are shown.
_IO = "merkl"


class KeptCall(msgspec.Struct, frozen=True, array_like=True):
    """A call that is given again: its task by number, its place in the body's program order, what is written of it."""

    key: bytes
    task: int
    place: float
    location: str
    writes: tuple[tuple[str | None, str, bool], ...] = ()


class KeptGraph(msgspec.Struct, frozen=True, array_like=True):
    """What a body gave, as plain data.

    `structure` is a pickle of what was returned, in which a number stands for each Future: of those in `futures` (call and
    out), or, if it is negative, of those among the arguments. `calls` are the outputs, members of stages, and calls
    made for their effect; `hidden` are the beginnings of the keys of those behind them. `span` is how many places in program
    order the body took; they are fit in between two others when the graph is given again.
    `tasks` names all tasks of the graph, where they can be found by name, with digests of what they are; the
    rest is what the body looked at.
    """

    version: int
    structure: bytes
    futures: tuple[tuple[int, str | None], ...]
    calls: tuple[KeptCall, ...]
    stages: tuple[tuple[int, ...], ...]
    span: float
    hidden: bytes
    tasks: tuple[tuple[str, bytes], ...]
    paths: tuple[SeenPath, ...]
    files: tuple[tuple[str, str, bool], ...]
    values: tuple[tuple[bytes, bytes], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class KnownGraph:
    """A kept graph with the tasks that it names, and those of its calls that are still in use in this process."""

    kept: KeptGraph
    tasks: Sequence[Task[..., Any, Any]]
    alive: WeakValueDictionary[bytes, Call]


class RecalledGraph:
    """A graph given again; `rebuild` runs the body and returns what it recorded."""

    __slots__ = ("_alive", "_calls", "_hidden", "_rebuild", "base", "name", "span")

    def __init__(self, name: str, known: KnownGraph, base: int, rebuild: Callable[[], CallRecorder]) -> None:
        self.name = name
        self._hidden = known.kept.hidden
        self.span = known.kept.span
        self.base = base
        self._alive = known.alive
        self._rebuild = rebuild
        self._calls: dict[bytes, Call] | None = None

    @property
    def is_rebuilt(self) -> bool:
        """Whether the body has run again, so that all its calls are known."""
        return self._calls is not None

    def hidden_keys(self) -> set[bytes]:
        """Return the beginnings, `SHORT` bytes, of the keys of the calls behind those that are known."""
        return {self._hidden[start : start + SHORT] for start in range(0, len(self._hidden), SHORT)}

    def real_call(self, key: bytes) -> Call:
        """Return the call of that key, as the body makes it.

        Raises `ImpurePipelineError` where it makes none.
        """
        call = self._alive.get(key)
        if call is not None:
            return call
        if self._calls is None:
            self._calls = self._make_calls()
            self._alive.update(self._calls)
        call = self._calls.get(key)
        if call is None:
            raise ImpurePipelineError(
                f"pipeline {self.name!r} is impure: its body ran again, because a result of it is not in the cache any more, "
                f"with the same code, arguments and files, and made other calls than before (none has the key {key.hex()[:12]}"
                "…). What it does must follow from its arguments and from what it reads: pass in what changes, such as the time, "
                "chance or the environment"
            )
        return call

    def adopt(self, call: Call) -> None:
        """Take a call that is complete now for the one of its key."""
        self._alive[call.key()] = call

    def place(self, place: float, span: float) -> float:
        """Return where a call is in program order: before all that was made after the graph was given."""
        return self.base + place / (span + 1)

    def _make_calls(self) -> dict[bytes, Call]:
        start = take_sequence()
        made = sorted(self._rebuild().calls, key=lambda call: call.sequence)
        span = take_sequence() - start
        found: dict[bytes, Call] = {}
        latest = float(self.base)
        for call in made:
            latest = max(self.place(call.sequence - start, span), math.nextafter(latest, math.inf))
            call.sequence = latest
            found.setdefault(call.key(), call)
        return found


class RecalledCall(Call):
    """A call of which only key, task and place are known, until something else is asked: then the body runs."""

    __slots__ = ("graph",)

    def __init__(
        self, graph: RecalledGraph, kept: KeptCall, task: Task[..., Any, Any], fingerprint: Fingerprint
    ) -> None:
        self.graph: RecalledGraph | None = graph
        self.task = task
        self.sequence = graph.place(kept.place, graph.span)
        self.stages = ()
        self.batch = None
        self.is_settled = True
        self.files = ()
        self.fingerprint = fingerprint.digest
        self.held = fingerprint
        self._code = kept.location
        self._lasti = 0
        self._key = kept.key
        self.outs = task.outs_of(())
        self.writes = tuple(Write(Future(self, out), path, sidecar) for out, path, sidecar in kept.writes)

    @property
    def is_recalled(self) -> bool:
        """Whether nothing else has been asked of it yet."""
        return self.graph is not None

    def known_inputs(self) -> Iterable[Future[Any]]:
        return () if self.graph is not None and not self.graph.is_rebuilt else self.inputs()

    def __getattr__(self, name: str) -> Any:
        # Only asked where nothing was set: the first time that something else than the key is needed.
        if name not in _FILLED or self.graph is None:
            raise AttributeError(name)
        self._fill()
        return getattr(self, name)

    def _fill(self) -> None:
        assert self.graph is not None
        assert self._key is not None
        real = self.graph.real_call(self._key)
        for slot in _FILLED:
            setattr(self, slot, getattr(real, slot))
        self.sequence = real.sequence
        self.graph.adopt(self)
        self.graph = None

    def __getstate__(self) -> dict[str, Any]:
        if self.graph is not None:
            self._fill()
        return super().__getstate__()


#: What is taken over from the call that the body makes: all but what is known of it.
_FILLED = frozenset(Call.__slots__) - {"__weakref__", "_key", "sequence", "stages", "task", "writes"}


class GraphKeeper:
    """Writes down what the body of a pipeline made, and reads it again.

    `given` are the Futures among the arguments.
    """

    def __init__(self, name: str, given: Iterable[Future[Any]]) -> None:
        self.name = name
        self.given = list({future.__merkl_key__(): future for future in given}.values())
        self._given_keys = {future.__merkl_key__(): number for number, future in enumerate(self.given)}

    # -- writing down --------------------------------------------------------------------------------------

    def keep(self, returned: Any, recorder: CallRecorder, start: int) -> KnownGraph | None:
        """Return what a body made; None where it cannot be given again."""
        reading = recorder.reading
        if reading is None or reading.volatile:
            return None
        outputs = find_futures(returned)
        members = [future for stage in recorder.stages for future in stage.futures]
        made = {call.key() for call in recorder.calls}
        shown: dict[bytes, Call] = {}
        for call in recorder.calls:
            if call.writes or call.task.signature.returns in (None, type(None)):
                shown.setdefault(call.key(), call)
        for future in (*outputs, *members):
            call = future._call
            if future.__merkl_key__() in self._given_keys:
                continue
            if call.key() not in made or not call.is_keyed:
                return None
            shown.setdefault(call.key(), call)
        calls = sorted(shown.values(), key=lambda call: call.sequence)
        tasks, numbers = _number_tasks(recorder, calls)
        if tasks is None:
            return None
        position = {call.key(): number for number, call in enumerate(calls)}
        numbered: dict[tuple[int, str | None], int] = {}

        def number_of(future: Future[Any]) -> int:
            given = self._given_keys.get(future.__merkl_key__())
            if given is not None:
                return -1 - given
            return numbered.setdefault((position[future._call.key()], future.out), len(numbered))

        structure = _pickle(returned, number_of)
        stages = tuple(tuple(map(number_of, stage.futures)) for stage in recorder.stages)
        if structure is None:
            return None
        kept = KeptGraph(
            VERSION,
            structure,
            tuple(numbered),
            tuple(_keep_call(call, numbers[id(call.task)], start) for call in calls),
            stages,
            take_sequence() - start,
            b"".join(_hidden_keys(calls)),
            tuple((_name_of(task) or "", _identity_of(task) or b"") for task in tasks),
            tuple(reading.paths.values()),
            tuple((read.path, read.content_hash, read.is_directory) for read in reading.files.values()),
            tuple(reading.values.items()),
        )
        alive = WeakValueDictionary(shown)
        return KnownGraph(kept, tasks, alive)

    # -- giving again --------------------------------------------------------------------------------------

    def give(
        self, known: KnownGraph, graph: RecalledGraph
    ) -> tuple[Any, list[RecalledCall], list[list[Future[Any]]]]:
        """Return what the body returned, the calls of it that are known, and its stages."""
        kept, tasks = known.kept, known.tasks
        fingerprints = {id(task): task.fingerprint() for task in tasks}
        calls = [
            RecalledCall(graph, call, tasks[call.task], fingerprints[id(tasks[call.task])])
            for call in kept.calls
        ]
        futures: list[Future[Any]] = [Future(calls[number], out) for number, out in kept.futures]

        def future_of(number: int) -> Future[Any]:
            return futures[number] if number >= 0 else self.given[-1 - number]

        returned = _Unpickler(kept.structure, future_of).load()
        stages = [[future_of(number) for number in stage] for stage in kept.stages]
        return returned, calls, stages


def read_graph(content: bytes) -> KnownGraph | None:
    """Return a graph from the bytes of a `KeptGraph`; None where a task that it names is not to be found."""
    try:
        kept = msgspec.msgpack.decode(content, type=KeptGraph)
    except (msgspec.ValidationError, msgspec.DecodeError):  # of another version
        return None
    tasks = [_task_named(name) for name, _ in kept.tasks]
    found = [task for task in tasks if task is not None]
    return KnownGraph(kept, found, WeakValueDictionary()) if len(found) == len(tasks) else None


def are_the_same(known: KnownGraph) -> bool:
    """Say whether the tasks of a graph are what they were when it was kept."""
    kept = known.kept
    return kept.version == VERSION and all(
        _identity_of(task) == identity for task, (_, identity) in zip(known.tasks, kept.tasks, strict=True)
    )


def file_reads(kept: KeptGraph) -> list[FileRead]:
    """Return the files that entered keys of a kept graph."""
    return [FileRead(*read) for read in kept.files]


def _keep_call(call: Call, task: int, start: int) -> KeptCall:
    writes = tuple((write.future.out, write.path, write.sidecar) for write in call.writes)
    return KeptCall(call.key(), task, call.sequence - start, call.location(), writes)


def _hidden_keys(calls: Sequence[Call]) -> set[bytes]:
    """Return the beginnings of the keys of the calls behind these, those behind graphs that were given to these included."""
    seen: set[Call] = set(calls)
    stack = list(calls)
    hidden: set[bytes] = set()
    while stack:
        call = stack.pop()
        if isinstance(call, RecalledCall) and call.graph is not None:
            hidden.update(call.graph.hidden_keys())
        for future in call.known_inputs():
            if future._call not in seen:
                seen.add(future._call)
                stack.append(future._call)
    hidden.update(call.key()[:SHORT] for call in seen)
    return hidden.difference(call.key()[:SHORT] for call in calls)


# -- tasks by name -------------------------------------------------------------------------------------------


def _number_tasks(
    recorder: CallRecorder, calls: Sequence[Call]
) -> tuple[list[Task[..., Any, Any]] | None, dict[int, int]]:
    """Return the tasks of all calls of a graph, and their numbers by identity; None where one cannot be compared."""
    by_identity: dict[tuple[str, bytes], int] = {}
    tasks: list[Task[..., Any, Any]] = []
    numbers: dict[int, int] = {}
    shown = {id(call.task) for call in calls}
    for task in dict.fromkeys((*(call.task for call in recorder.calls), *recorder.tasks)):
        if task.__module__ == _IO and id(task) not in shown:
            continue  # they never change, and nothing is asked of them
        identity = _identity_of(task)
        if identity is None:
            return None, {}
        name = _name_of(task) or f"?{id(task)}"
        number = by_identity.setdefault((name, identity), len(tasks))
        if number == len(tasks):
            tasks.append(task)
        numbers[id(task)] = number
    return tasks, numbers


def _identity_of(task: Task[..., Any, Any]) -> bytes | None:
    """Return a digest of all that the keys and outs of a task's calls follow from, their arguments aside."""
    options = task.options
    if options.extra_key is not None or callable(options.outs):
        return None
    if any(parameter.serializer is not None for parameter in task.signature.parameters):
        return None
    fingerprint = task.fingerprint()
    if not fingerprint.is_complete:
        return None
    described = (task.name, repr(options.outs), repr(task.signature.signature), repr(options.ignore_args))
    return hash_task_identity(fingerprint.digest, task.class_digests(), described)


def _name_of(task: Task[..., Any, Any]) -> str | None:
    """Return a name by which a task can be found in another process, None where there is none."""
    if isinstance(task, MapTask):
        inner = _name_of(task.inner)
        return None if inner is None else f"map {inner}"
    if isinstance(task, ItemTask):
        inner = _name_of(task.whole)
        return None if inner is None else f"item {inner}"
    module = sys.modules.get(task.__module__)
    if module is None:
        return None
    qualified = getattr(task.fn, "__qualname__", "")
    if "<" not in qualified and _look_up(module, qualified) is task:
        return f"{task.__module__}:{qualified}"
    for name, value in vars(module).items():
        if value is task:
            return f"{task.__module__}:{name}"
    return None


def _task_named(name: str) -> Task[..., Any, Any] | None:
    kind, blank, rest = name.partition(" ")
    if blank:
        inner = _task_named(rest)
        if kind == "map":
            return None if inner is None else MapTask(inner)
        return inner.item_task if isinstance(inner, BatchTask) else None
    module, colon, qualified = name.partition(":")
    found = _look_up(sys.modules.get(module), qualified) if colon else None
    return found if isinstance(found, Task) else None


def _look_up(found: Any, qualified: str) -> Any:
    for part in qualified.split("."):
        found = vars(found).get(part) if found is not None and hasattr(found, "__dict__") else None
    return found


# -- structures ----------------------------------------------------------------------------------------------


def _pickle(returned: Any, number_of: Callable[[Future[Any]], int]) -> bytes | None:
    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> int | None:
            return number_of(obj) if type(obj) is Future else None

    buffer = io.BytesIO()
    try:
        Pickler(buffer, protocol=5).dump(returned)
    except Exception:  # noqa: BLE001 - whatever an object of the user's raises when it is pickled
        return None
    return buffer.getvalue()


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, future_of: Callable[[int], Future[Any]]) -> None:
        super().__init__(io.BytesIO(content))
        self._future_of = future_of

    def persistent_load(self, pid: Any) -> Future[Any]:
        return self._future_of(pid)
