"""`@pipeline`: a function that makes calls and returns their Futures; as a generator it yields execution order."""

# The first overload is for the mypy plugin, so mypy finds the later ones unreachable; they are for other checkers.
# mypy: disable-error-code="overload-cannot-match, overload-overlap"
# pyright: reportOverlappingOverload=false
from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from types import CodeType, GeneratorType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack, overload

from merkl._base.containers import is_container
from merkl._base.errors import BindError, GraphError
from merkl.graph.building import CallRecorder, building, record_calls
from merkl.graph.call import describe_site, next_sequence
from merkl.graph.nested import find_futures
from merkl.graph.options import TaskOptions, make_options
from merkl.graph.task import Task

if TYPE_CHECKING:
    from merkl.graph.surface import AnyFunction, PipelineDecorator, PipelineOptionTypes

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


class Pipeline(Task[P, R_co, Out_co]):
    """A function under `@pipeline`: calling it runs its body, which makes calls, and gives what it returns."""

    def __init__(self, fn: Callable[P, R_co], options: TaskOptions) -> None:
        super().__init__(fn, options)

    def _make_call(self, args: tuple[Any, ...], kwargs: dict[str, Any], code: CodeType, lasti: int) -> Any:
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            where = describe_site(code, lasti)
            raise BindError(f"{error} (called at {where})", task=self.name, location=where) from None
        outer = building.get()
        if outer is not None and outer.is_eager:
            return collect_stages(self.name, self.fn(*args, **kwargs), None)
        return self._build(outer, args, kwargs)

    def _build(self, outer: CallRecorder | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        start = next_sequence()
        recorder = CallRecorder(outer=outer, start=start)
        try:
            with record_calls(recorder):
                returned = collect_stages(self.name, self.fn(*args, **kwargs), recorder)
        finally:
            # Where the body ended early, the calls that it made are part of the graph all the same.
            if outer is not None:
                outer.calls += recorder.calls
        if recorder.stages:
            stages = tuple(recorder.stages)
            for future in find_futures(returned):
                if future._call.sequence > start:
                    future._call.stages = stages
        return returned

    def __repr__(self) -> str:
        return super().__repr__().replace("<task", "<pipeline", 1)


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
            raise GraphError(
                f"{name!r} yielded {type(yielded).__name__} ({made.gi_code.co_filename}:{line}): a pipeline yields the "
                "Futures that are to run next, one or a list of them; what it gives is returned"
            )
        recorder.add_stage(futures)


if TYPE_CHECKING:

    @overload
    def pipeline(fn: AnyFunction, /) -> Any: ...
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
