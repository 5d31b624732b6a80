"""`@pipeline`: a function that makes calls and returns their Futures; as a generator it yields execution order."""

# The first overload is for the mypy plugin, so mypy finds the later ones unreachable; they are for other checkers.
# mypy: disable-error-code="overload-cannot-match, overload-overlap"
# pyright: reportOverlappingOverload=false
from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import os
import pickle
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from types import CodeType, GeneratorType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack, overload

import msgspec

from merkl._base.code_places import describe_site
from merkl._base.containers import is_container
from merkl._base.errors import (
    ArgumentMutatedError,
    BindError,
    GraphError,
    InputChangedError,
    SerializationError,
)
from merkl._base.places import shown_path
from merkl.files.reads import changed_reads
from merkl.graph.arguments import encode_arguments
from merkl.graph.building import CallRecorder, building, record_calls
from merkl.graph.call import Call, take_sequence
from merkl.graph.future import Future
from merkl.graph.kept import (
    GraphKeeper,
    KeptGraph,
    KnownGraph,
    RecalledGraph,
    are_the_same,
    file_reads,
    read_graph,
)
from merkl.graph.nested import find_futures
from merkl.graph.options import TaskOptions, make_options
from merkl.graph.outs import SingleOut
from merkl.graph.reading import Reading, watch_reads
from merkl.graph.session import sessions
from merkl.graph.task import Task
from merkl.graph.volatile import find_volatile
from merkl.hashing.keys import hash_graph, hash_pipeline

if TYPE_CHECKING:
    from merkl.fingerprint import Fingerprint, Fingerprinter
    from merkl.graph.option_types import PipelineOptionTypes
    from merkl.graph.surface import PipelineDecorator

__all__ = ["Pipeline", "collect_stages", "pipeline"]

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Out_co = TypeVar("Out_co", covariant=True)

#: The options that mean something for a function that only builds a graph.
_OPTIONS = frozenset(
    {
        "deps",
        "hash_mode",
        "code_version",
        "hash_key",
        "ignore_args",
        "extra_key",
        "arg_serializers",
        "validate",
    }
)


#: What is raised where a kept graph names classes that are not there (any more).
_STALE = (pickle.UnpicklingError, AttributeError, ImportError, EOFError, LookupError, TypeError, ValueError)
#: How many graphs a pipeline remembers in one process.
_MOST_REMEMBERED = 64
#: Bytes of a graph that is kept for other processes.
_LARGEST = 64 << 20


class Pipeline(Task[P, R_co, Out_co]):
    """A function under `@pipeline`: a call gives what its body returns, which makes calls.

    The graph is kept under the pipeline's code, all that it reaches, and the arguments, with what the body looked at. As
    long as all that is unchanged, a call gives it again without running the body; the body runs where a result is not
    in the cache any more.
    """

    is_pipeline = True

    def __init__(self, fn: Callable[P, R_co], options: TaskOptions) -> None:
        super().__init__(fn, options)
        self._memory: dict[bytes, KnownGraph] = {}
        self._volatile: str | None = None

    def _make_fingerprint(self, fingerprinter: Fingerprinter) -> Fingerprint:
        self._volatile = None
        fingerprint = super()._make_fingerprint(fingerprinter)
        return dataclasses.replace(fingerprint, digest=hash_pipeline(fingerprint.digest))

    def _make_call(self, args: tuple[Any, ...], kwargs: dict[str, Any], code: CodeType, lasti: int) -> Any:
        signature = self.signature
        try:
            values = signature.bind(*args, **kwargs)
        except TypeError as error:
            where = describe_site(code, lasti)
            raise BindError(f"{error} (called at {where})", task=self.name, location=where) from None
        outer = building.get()
        if outer is not None and outer.is_eager:
            return collect_stages(self.name, self.fn(*args, **kwargs), None)
        call = self._identify(values, code, lasti)
        run = _Run(self, args, kwargs, call, outer)
        if (
            call is None
            or not sessions.current().keeps_graphs
            or (outer is not None and not outer.may_recall)
        ):
            return run.build(None)
        # A body may use the paths of files, of which keys know the contents alone; relative ones start here.
        key = hash_graph(
            call.key(), [os.fsencode(path) for path in (os.getcwd(), *(f.path for f in call.files))]
        )
        known = self._memory.get(key) or _read_kept(key)
        if known is not None and _holds(known):
            with contextlib.suppress(*_STALE):
                return run.recall(known)
        return run.build(key)

    def _identify(self, values: tuple[Any, ...], code: CodeType, lasti: int) -> Call | None:
        """Return a call that stands for this one of the pipeline; None where an argument has no canonical bytes."""
        fingerprint, extras = self._hold()[1:]
        outs = SingleOut(Any)
        try:
            call = encode_arguments(self, self.signature, fingerprint, extras, values, outs, code, lasti)
        except SerializationError:
            return None
        return call if call.is_keyed else None

    def volatile_name(self) -> str:
        """Return what the body asks for that is another thing each time, "" for nothing."""
        if self._volatile is None:
            secret = next((p.name for p in self.signature.parameters if p.is_secret), "")
            self._volatile = secret or find_volatile(self.fn)
        return self._volatile

    def remember(self, key: bytes, known: KnownGraph) -> None:
        """Keep a graph, in this process and for later ones."""
        if len(self._memory) >= _MOST_REMEMBERED:
            del self._memory[next(iter(self._memory))]
        self._memory[key] = known
        if not any(name.startswith("?") for name, _ in known.kept.tasks):
            content = msgspec.msgpack.encode(known.kept)
            if len(content) <= _LARGEST:
                sessions.current().keep_graph(key.hex(), content)

    def taken_apart(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Pipeline, (self.fn, self.options)

    def __repr__(self) -> str:
        return super().__repr__().replace("<task", "<pipeline", 1)


class _Run:
    """One call of a pipeline: its graph given again, or built by the body."""

    def __init__(
        self,
        whole: Pipeline[..., Any, Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        call: Call | None,
        outer: CallRecorder | None,
    ) -> None:
        self.whole = whole
        self.args = args
        self.kwargs = kwargs
        self.call = call
        self.outer = outer
        self.keeper = GraphKeeper(whole.name, call.inputs() if call is not None else ())

    def _run_body(self, recorder: CallRecorder) -> Any:
        try:
            with record_calls(recorder):
                return collect_stages(self.whole.name, self.whole.fn(*self.args, **self.kwargs), recorder)
        finally:
            # What the body itself changes (a counter of its own) makes it no other pipeline.
            if self.call is not None:
                self.call.adopt_code()

    def build(self, key: bytes | None) -> Any:
        """Run the body; its graph is kept under a key, if it can be."""
        watch_reads()
        start = take_sequence()
        reading = Reading()
        reading.volatile = self.whole.volatile_name() if key is not None else "it has no key"
        recorder = CallRecorder(outer=self.outer, start=start, reading=reading)
        try:
            returned = self._run_body(recorder)
            if not reading.volatile:  # only now the modules are there that the body imports
                reading.volatile = find_volatile(self.whole.fn, *self.args, *self.kwargs.values())
        finally:
            # Where the body ended early, the calls that it made are part of the graph all the same.
            for call in recorder.calls:
                reading.note_files(call.files)
            self._tell_outer(recorder, reading, recorder.tasks)
        if recorder.stages:
            _attach_stages(find_futures(returned), recorder, start)
        if (
            key is not None
            and recorder.may_run
            and self.call is not None
            and not self.call.changed_arguments()
        ):
            known = self.keeper.keep(returned, recorder, start)
            if known is not None:
                self.whole.remember(key, known)
        return returned

    def recall(self, known: KnownGraph) -> Any:
        """Give a kept graph again."""
        kept = known.kept
        start = take_sequence()
        graph = RecalledGraph(self.whole.name, known, start, functools.partial(self._rebuild, kept))
        returned, calls, stages = self.keeper.give(known, graph)
        recorder = CallRecorder(outer=self.outer, start=start)
        recorder.calls += calls
        for stage in stages:
            recorder.add_stage(stage)
        reading = Reading()
        reading.paths = {seen.path: seen for seen in kept.paths}
        reading.note_files(file_reads(kept))
        reading.values = dict(kept.values)
        self._tell_outer(recorder, reading, known.tasks)
        if stages:
            _attach_stages(find_futures(returned), recorder, start)
        return returned

    def _rebuild(self, kept: KeptGraph) -> CallRecorder:
        changed = self.call.changed_arguments() if self.call is not None else []
        if changed:
            raise ArgumentMutatedError(
                f"pipeline {self.whole.name!r}, parameter {changed[0]!r}: the argument was changed after the call, and the body "
                "must run again because a result of it is not in the cache any more; pass a copy",
                task=self.whole.name,
                parameter=changed[0],
            )
        gone = _changed_paths(kept)
        if gone:
            raise InputChangedError(
                f"{gone[0]} changed after pipeline {self.whole.name!r} was called, and its body must run again because a "
                "result of it is not in the cache any more; start again"
            )
        recorder = CallRecorder(start=take_sequence(), may_recall=False)
        self._run_body(recorder)
        return recorder

    def _tell_outer(
        self, recorder: CallRecorder, reading: Reading, tasks: Sequence[Task[..., Any, Any]]
    ) -> None:
        if self.outer is None:
            return
        self.outer.calls += recorder.calls
        self.outer.tasks += tasks
        if self.outer.reading is not None:
            self.outer.reading.add(reading)


def _attach_stages(outputs: Iterable[Future[Any]], recorder: CallRecorder, start: int) -> None:
    """Have the outputs of a pipeline bring its stages with them, wherever they are evaluated."""
    stages = tuple(recorder.stages)
    for future in outputs:
        if future._call.sequence >= start:
            future._call.stages = stages


def _read_kept(key: bytes) -> KnownGraph | None:
    content = sessions.current().recall_graph(key.hex())
    return None if content is None else read_graph(content)


def _holds(known: KnownGraph) -> bool:
    """Say whether all that a body looked at, and the tasks that it called, are what they were."""
    session = sessions.current()
    return (
        are_the_same(known)
        and not _changed_paths(known.kept)
        and all(session.content_identity(key) == identity for key, identity in known.kept.values)
    )


def _changed_paths(kept: KeptGraph) -> list[str]:
    looked = [seen.path for seen in kept.paths if not seen.holds()]
    return looked + changed_reads(file_reads(kept), sessions.current().files)


def collect_stages(name: str, made: Any, recorder: CallRecorder | None) -> Any:
    """Return what a function returned; of a generator each yielded Future, or all in a list, is noted as a stage.

    The items of a generator expression are what it gives. Raises `GraphError` for a generator that yields something else.
    """
    if not isinstance(made, GeneratorType):
        return made
    if made.gi_code.co_name == "<genexpr>":
        return list(made)
    while True:
        try:
            yielded = next(made)
        except StopIteration as stop:
            return stop.value
        if recorder is None:
            continue
        futures = find_futures(yielded)
        if not futures and not (is_container(yielded) and not yielded):
            line = made.gi_frame.f_lineno if made.gi_frame is not None else "?"
            made.close()
            place = f"{shown_path(made.gi_code.co_filename)}:{line}"
            raise GraphError(
                f"{name!r} yielded {type(yielded).__name__} ({place}): a pipeline yields the "
                "Futures that are to run next, one or a list of them; what it gives is returned"
            )
        recorder.add_stage(futures)


if TYPE_CHECKING:

    @overload
    def pipeline(fn: Callable[P, Generator[Any, Any, R]], /) -> Task[P, R, R]: ...
    @overload
    def pipeline(fn: Callable[P, Iterator[Any]], /) -> Task[P, None, None]: ...
    @overload
    def pipeline(fn: Callable[P, R], /) -> Task[P, R, R]: ...
    @overload
    def pipeline(**options: Unpack[PipelineOptionTypes]) -> PipelineDecorator: ...
    def pipeline(fn: Any = None, /, **options: Any) -> Any:
        """Make a pipeline of a function."""

    def pipeline_options(**options: Unpack[PipelineOptionTypes]) -> PipelineDecorator:
        """What the mypy plugin checks `pipeline(…)` against, where it is given no function."""
        raise NotImplementedError
else:

    def pipeline(fn: Any = None, /, **options: Any) -> Any:
        """Make a pipeline of a function that calls tasks and returns their Futures, in any containers.

        Calling it gives what it returns. A generator may yield Futures, or lists of them, before: each is a stage that is
        complete before the next begins. `yield` itself runs nothing; the value of a Future (`.v`) runs the stages
        so far.

        Options are those of `@task` that say what the code depends on: deps, hash_mode, code_version, hash_key,
        ignore_args, extra_key, arg_serializers, validate.

        >>> from merkl import pipeline, task
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> @pipeline
        ... def quadruple(x: int):
        ...     return double(double(x))
        >>> quadruple(4).eval()
        16
        """
        if fn is None:
            return lambda fn: pipeline(fn, **options)
        if isinstance(fn, Task):
            raise GraphError(f"{fn.name!r} is a {'pipeline' if isinstance(fn, Pipeline) else 'task'} already")
        if isinstance(fn, staticmethod):
            return staticmethod(pipeline(fn.__func__, **options))
        if isinstance(fn, classmethod):
            raise GraphError(
                f"put @classmethod above @pipeline, not below it, at {fn.__func__.__qualname__!r}"
            )
        if not callable(fn):
            raise GraphError(f"@pipeline wants a function, not {fn!r}; options are given by name")
        name = getattr(fn, "__qualname__", None) or repr(fn)
        if inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn):
            raise GraphError(
                f"pipeline {name!r}: the body of a pipeline makes calls and waits for nothing: write `def`"
            )
        idle = [option for option in options if option in TaskOptions._fields and option not in _OPTIONS]
        if idle:
            raise GraphError(
                f"pipeline {name!r}: {idle[0]}= says how a call runs, and a pipeline only makes calls: give it to the tasks"
            )
        return Pipeline(fn, make_options(name, options))
