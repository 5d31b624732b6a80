"""Values of Futures anywhere in a structure, and digests of values, in the workspace that holds."""

from __future__ import annotations

import contextlib
from typing import Any, TypeVar, overload

from merkl_serializers import UnserializableError

from merkl._base.errors import SerializationError
from merkl.graph.future import Future
from merkl.graph.session import sessions
from merkl.graph.task import evaluate_given
from merkl.workspace.workspace import Workspace

__all__ = ["digest", "evaluate"]

K = TypeVar("K")
T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")


@overload
def evaluate(structure: Future[T], *, target: int | str | None = None) -> T: ...
@overload
def evaluate(structure: tuple[Future[T], Future[U]], *, target: int | str | None = None) -> tuple[T, U]: ...
@overload
def evaluate(
    structure: tuple[Future[T], Future[U], Future[V]], *, target: int | str | None = None
) -> tuple[T, U, V]: ...
@overload
def evaluate(structure: list[Future[T]], *, target: int | str | None = None) -> list[T]: ...
@overload
def evaluate(structure: dict[K, Future[T]], *, target: int | str | None = None) -> dict[K, T]: ...
@overload
def evaluate(structure: T, *, target: int | str | None = None) -> Any: ...
def evaluate(structure: Any, *, target: int | str | None = None) -> Any:
    """Return a structure with the value of every Future in it, in one run.

    Futures may be nested in lists, tuples, dicts, sets, dataclasses and NamedTuples. The calls run where the workspace says,
    or on `target`: a number of processes here, or a name from pyproject.toml.

    >>> from merkl import evaluate, task
    >>> @task
    ... def double(x: int) -> int:
    ...     return 2 * x
    >>> evaluate({"a": double(1), "b": [double(2), 5]})
    {'a': 2, 'b': [4, 5]}
    """
    session = sessions.current()
    with (
        session.use_target(target)
        if isinstance(session, Workspace) and target is not None
        else contextlib.nullcontext()
    ):
        return evaluate_given(structure)


def digest(value: object) -> str:
    """Return the hex digest of the canonical bytes of a value: equal for equal type and value, in every process.

    Dicts and sets have no order here. Raises `SerializationError` for a value that has no canonical bytes.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    >>> digest(1) == digest(True)
    False
    """
    try:
        return sessions.current().registry.digest(value)
    except UnserializableError as error:
        raise SerializationError(
            f"value{error.path}: {error}", path=error.path, remedy=error.remedy
        ) from error
