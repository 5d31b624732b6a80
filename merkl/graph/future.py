"""`Future[T]`: the handle for one output of one call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from merkl._base.errors import AbsentOutError, FutureAccessError
from merkl._base.lazy import LazyModule
from merkl.graph.building import building
from merkl.graph.operators import FutureMeta, ValueMisuse
from merkl.graph.session import sessions
from merkl.graph.surface import TaskSurface
from merkl.graph.writes import Write, full_path, pending_writes
from merkl.hashing.keys import hash_out

if TYPE_CHECKING:
    from merkl._base import type_forms
    from merkl.graph import io, shown
    from merkl.graph.call import Call
    from merkl.graph.takes import Takes1
    from merkl.graph.task import Task

    class _Misuse:
        """Type checkers see no operators on a Future, so that they report their use."""

        def _misused(self, what: str, *, remedy: str = ...) -> FutureAccessError: ...
else:
    _Misuse = ValueMisuse
    type_forms = LazyModule("merkl._base.type_forms")
    shown = LazyModule("merkl.graph.shown")
    io = LazyModule("merkl.graph.io")

__all__ = ["Future"]

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


class Future(_Misuse, Generic[T_co], metaclass=FutureMeta):
    """One output of one call that has not necessarily run.

    Calling a task gives Futures; `eval()` or `v` gives the value, from the cache or by running what is needed.
    Anything else that one does with a value raises `FutureAccessError`.

    >>> from merkl import task
    >>> @task
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> f = double(double(10))
    >>> f.v
    40
    >>> len(f.hash)
    64
    """

    __slots__ = ("__weakref__", "_call", "_key", "_out", "_value")

    _call: Call
    _out: str | None
    _key: bytes | None
    _value: tuple[T_co] | None

    def __init__(self, call: Call, out: str | None = None) -> None:
        self._call = call
        self._out = out
        self._key = None
        self._value = None

    def eval(self) -> T_co:
        """Return the value: from the cache, else by running this call and whatever of its ancestors is needed.

        Raises `TaskFailedError` where a body raised; the body's exception is its cause.
        """
        # What a body of a pipeline asks for is noted there.
        if self._value is not None and building.get() is None:
            return self._value[0]
        value = sessions.current().evaluate_futures([self])[0]
        if type(value) is AbsentOutError:
            raise value
        return value  # type: ignore[no-any-return]

    @property
    def v(self) -> T_co:
        """The value; short for `eval()`."""
        return self.eval()

    @property
    def hash(self) -> str:
        """The key as 64 hex digits, known without running anything."""
        return self.__merkl_key__().hex()

    @property
    def type(self) -> Any:
        """The type of the value, as declared."""
        return self._call.outs.type_of(self._out)

    @property
    def task(self) -> Task[..., Any, Any]:
        """The task that was called."""
        return self._call.task

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments of the call by parameter, defaults applied, Futures as they are."""
        return MappingProxyType(self._call.arguments())

    @property
    def out(self) -> str | None:
        """The name of this out; None where the call has one only."""
        return self._out

    @property
    def parents(self) -> tuple[Future[Any], ...]:
        """The Futures among the arguments, in order, each once."""
        return self._call.parents()

    def in_cache(self) -> bool:
        """Say whether the value is in the cache."""
        return sessions.current().is_cached(self)

    def clear_cache(self) -> None:
        """Remove the result from the cache; equal contents of other results stay."""
        self._value = None
        sessions.current().forget(self)

    def write(self, path: str | os.PathLike[str], *, sidecar: bool = False) -> Self:
        """Have the value written to a file whenever it is evaluated; returns the Future itself.

        A str is written as UTF-8, bytes as they are, a FileRef or DirRef is cloned, anything else as its codec's bytes.
        The file is replaced as a whole, and only if it is not up to date. With `sidecar=True` a `path.merkl` beside it
        says what made it, so that `Future.from_file` can load it.

        Raises `GraphError` where another Future waits to be written there.
        """
        write = Write(self, full_path(path), sidecar)
        if building.get() is None:
            pending_writes.claim(write)
        self._call.add_write(write)
        return self

    @staticmethod
    def from_file(path: str | os.PathLike[str]) -> Future[Any]:
        """Return the Future that was written to a file with a sidecar, with the key that it had there.

        Its value is taken from the cache, else from the file.

        Raises `MissingInputError` where file or sidecar is missing, `InputChangedError` where the file is not what
        was written.
        """
        return io.future_from_file(path)

    def __gt__(self, path: str | os.PathLike[str]) -> Self:
        """`future > "path"` is `future.write("path")`."""
        return self._write_to(path, sidecar=False)

    def __rshift__(self, path: str | os.PathLike[str]) -> Self:
        """`future >> "path"` is `future.write("path", sidecar=True)`."""
        return self._write_to(path, sidecar=True)

    def __or__(self, task: Takes1[T_co, R], /) -> R:
        """`future | task` is `task(future)`.

        >>> from merkl import task
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> (double(10) | double | double).v
        80
        """
        if isinstance(task, TaskSurface):
            return NotImplemented  # `Task.__ror__` makes the call
        if not callable(task):
            raise self._misused("used in arithmetic")
        name = getattr(task, "__name__", None)
        told = name if isinstance(name, str) and name.isidentifier() else "function"
        raise self._misused(
            f"piped into {told}, which is no task",
            remedy=f"Write `future | task({told})`, or call .eval() to have the value",
        )

    def _write_to(self, path: str | os.PathLike[str], *, sidecar: bool) -> Self:
        if isinstance(path, (str, os.PathLike)) and not isinstance(path, Future):
            return self.write(path, sidecar=sidecar)
        raise self._misused("compared")

    def __merkl_key__(self) -> bytes:
        """The key as 32 bytes: the protocol by which lower layers meet a Future."""
        key = self._key
        if key is None:
            key = self._call.key()
            if self._out is not None:
                key = hash_out(key, self._out)
            if self._call.is_keyed:
                self._key = key
        return key

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Future):
            return self is other or self.__merkl_key__() == other.__merkl_key__()
        raise self._misused("compared")

    def __ne__(self, other: object) -> bool:
        return not self.__eq__(other)

    def __hash__(self) -> int:
        return hash(self.__merkl_key__())

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __repr__(self) -> str:
        out = f"[{self._out!r}]" if self._out is not None else ""
        return f"<Future[{type_forms.format_type(self.type)}] of {self._call.task.name}{out}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Show the call in a notebook; the value is not asked for."""
        return shown.show_future(self)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Tools probe dunders, `_repr_html_` and the like: they must see plain absence.
            if name.startswith(("__", "_ipython_")) or (name.startswith("_repr_") and name.endswith("_")):
                raise AttributeError(f"Future has no attribute {name!r}")
            raise self._misused(f"asked for its attribute {name!r}")

    def _misused(
        self, what: str, *, remedy: str = "Pass it to another task, or call .eval() to have the value"
    ) -> FutureAccessError:
        task = self._call.task.name
        return FutureAccessError(
            f"the Future of task {task!r} ({self._call.place()}) was {what}: a Future is the handle of a result, "
            f"not the result. {remedy}",
            task=task,
            misuse=what,
        )
