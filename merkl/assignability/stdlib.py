"""Facts of typeshed that classes of the standard library don't tell at run time: generic bases, variance, members.

Only what usual signatures use stands here; for the rest the rules ask pycroscope, which reads typeshed itself.
"""

# Types are values here, which type checkers do not expect.
# pyright: reportGeneralTypeIssues=false
# mypy: disable-error-code="valid-type"
from __future__ import annotations

import collections
import collections.abc as abc
import contextlib
import fractions
import os
import pathlib
import types
import typing
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import typing_extensions

__all__ = ["GENERIC_BASES", "PROTOCOLS", "STUB_PROTOCOLS", "TUPLE_LIKE", "UNHASHABLE", "ClassFacts"]

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")
T_co = TypeVar("T_co", covariant=True)
K_co = TypeVar("K_co", covariant=True)
V_co = TypeVar("V_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)
S_contra = TypeVar("S_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """The type parameters of a class, its bases in terms of them, and the defaults of parameters left out."""

    parameters: tuple[Any, ...]
    bases: tuple[Any, ...]
    defaults: tuple[Any, ...] = ()


def _facts(parameters: tuple[Any, ...], *bases: Any, defaults: tuple[Any, ...] = ()) -> ClassFacts:
    return ClassFacts(parameters, bases, defaults)


# mypy takes the subscripts below for annotations, where type variables would need a class around them.
# mypy: disable-error-code="valid-type"

GENERIC_BASES: dict[type, ClassFacts] = {
    abc.Iterable: _facts((T_co,)),
    abc.Iterator: _facts((T_co,), abc.Iterable[T_co]),
    abc.Reversible: _facts((T_co,), abc.Iterable[T_co]),
    abc.Container: _facts((T_co,)),
    abc.Collection: _facts((T_co,), abc.Iterable[T_co], abc.Container[T_co]),
    abc.Sequence: _facts((T_co,), abc.Reversible[T_co], abc.Collection[T_co]),
    abc.MutableSequence: _facts((T,), abc.Sequence[T]),
    abc.Set: _facts((T_co,), abc.Collection[T_co]),
    abc.MutableSet: _facts((T,), abc.Set[T]),
    abc.Mapping: _facts((K, V_co), abc.Collection[K]),
    abc.MutableMapping: _facts((K, V), abc.Mapping[K, V]),
    abc.MappingView: _facts((), abc.Sized),
    abc.KeysView: _facts((K_co,), abc.MappingView, abc.Set[K_co]),
    abc.ValuesView: _facts((V_co,), abc.MappingView, abc.Collection[V_co]),
    abc.ItemsView: _facts((K_co, V_co), abc.MappingView, abc.Set[tuple[K_co, V_co]]),
    abc.Awaitable: _facts((T_co,)),
    abc.Coroutine: _facts((T_co, S_contra, R_co), abc.Awaitable[R_co]),
    abc.AsyncIterable: _facts((T_co,)),
    abc.AsyncIterator: _facts((T_co,), abc.AsyncIterable[T_co]),
    abc.Generator: _facts((T_co, S_contra, R_co), abc.Iterator[T_co], defaults=(None, None)),
    abc.AsyncGenerator: _facts((T_co, S_contra), abc.AsyncIterator[T_co], defaults=(None,)),
    abc.Sized: _facts(()),
    abc.Hashable: _facts(()),
    contextlib.AbstractContextManager: _facts((T_co, R_co), defaults=(bool | None,)),
    contextlib.AbstractAsyncContextManager: _facts((T_co, R_co), defaults=(bool | None,)),
    os.PathLike: _facts((T_co,)),
    typing.SupportsAbs: _facts((T_co,)),
    typing.SupportsRound: _facts((T_co,)),
    list: _facts((T,), abc.MutableSequence[T]),
    set: _facts((T,), abc.MutableSet[T]),
    frozenset: _facts((T_co,), abc.Set[T_co]),
    tuple: _facts((T_co,), abc.Sequence[T_co]),
    dict: _facts((K, V), abc.MutableMapping[K, V]),
    str: _facts((), abc.Sequence[str]),
    bytes: _facts((), abc.Sequence[int]),
    bytearray: _facts((), abc.MutableSequence[int]),
    memoryview: _facts((T,), abc.Sequence[T], defaults=(int,)),
    range: _facts((), abc.Sequence[int]),
    slice: _facts((T_co, K_co, V_co)),
    collections.deque: _facts((T,), abc.MutableSequence[T]),
    collections.Counter: _facts((T,), dict[T, int]),
    collections.OrderedDict: _facts((K, V), dict[K, V]),
    collections.defaultdict: _facts((K, V), dict[K, V]),
    collections.ChainMap: _facts((K, V), abc.MutableMapping[K, V]),
    collections.UserDict: _facts((K, V), abc.MutableMapping[K, V]),
    collections.UserList: _facts((T,), abc.MutableSequence[T]),
    collections.UserString: _facts((), abc.Sequence[collections.UserString]),
    types.MappingProxyType: _facts((K_co, V_co), abc.Mapping[K_co, V_co]),
    pathlib.PurePath: _facts((), os.PathLike[str]),
    type: _facts(()),
    fractions.Fraction: _facts((), *fractions.Fraction.__bases__),
}
"""What typeshed says of the classes whose bases are not in `__orig_bases__`."""

TUPLE_LIKE = (tuple, abc.Iterable, abc.Container, abc.Sequence, abc.Reversible)
"""The classes that a tuple fits item by item."""

STUB_PROTOCOLS = frozenset({abc.Generator, abc.AsyncGenerator, abc.Coroutine})
"""Classes that typeshed makes protocols, and Python doesn't; their members are read from there."""

UNHASHABLE = (list, dict, set, bytearray, collections.deque, collections.UserList, types.MappingProxyType)


class _Iterable(Protocol[T_co]):
    def __iter__(self) -> abc.Iterator[T_co]: ...


class _Iterator(_Iterable[T_co], Protocol[T_co]):
    def __next__(self) -> T_co: ...


class _Reversible(_Iterable[T_co], Protocol[T_co]):
    def __reversed__(self) -> abc.Iterator[T_co]: ...


class _Container(Protocol[T_co]):
    def __contains__(self, x: object, /) -> bool: ...


class _Sized(Protocol):
    def __len__(self) -> int: ...


class _Hashable(Protocol):
    def __hash__(self) -> int: ...


class _Collection(_Iterable[T_co], _Container[T_co], Protocol[T_co]):
    def __len__(self) -> int: ...


class _Awaitable(Protocol[T_co]):
    def __await__(self) -> abc.Generator[Any, Any, T_co]: ...


class _AsyncIterable(Protocol[T_co]):
    def __aiter__(self) -> abc.AsyncIterator[T_co]: ...


class _AsyncIterator(_AsyncIterable[T_co], Protocol[T_co]):
    def __anext__(self) -> abc.Awaitable[T_co]: ...


class _SupportsInt(Protocol):
    def __int__(self) -> int: ...


class _SupportsFloat(Protocol):
    def __float__(self) -> float: ...


class _SupportsComplex(Protocol):
    def __complex__(self) -> complex: ...


class _SupportsBytes(Protocol):
    def __bytes__(self) -> bytes: ...


class _SupportsIndex(Protocol):
    def __index__(self) -> int: ...


class _SupportsAbs(Protocol[T_co]):
    def __abs__(self) -> T_co: ...


class _PathLike(Protocol[T_co]):
    def __fspath__(self) -> T_co: ...


class _ContextManager(Protocol[T_co, R_co]):
    def __enter__(self) -> T_co: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: types.TracebackType | None,
        /,
    ) -> R_co: ...


class _AsyncContextManager(Protocol[T_co, R_co]):
    def __aenter__(self) -> abc.Awaitable[T_co]: ...
    def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: types.TracebackType | None,
        /,
    ) -> abc.Awaitable[R_co]: ...


class _Buffer(Protocol):
    def __buffer__(self, flags: int, /) -> memoryview: ...


PROTOCOLS: dict[type, type] = {
    typing_extensions.Buffer: _Buffer,
    abc.Iterable: _Iterable,
    abc.Iterator: _Iterator,
    abc.Reversible: _Reversible,
    abc.Container: _Container,
    abc.Sized: _Sized,
    abc.Hashable: _Hashable,
    abc.Collection: _Collection,
    abc.Awaitable: _Awaitable,
    abc.AsyncIterable: _AsyncIterable,
    abc.AsyncIterator: _AsyncIterator,
    typing.SupportsInt: _SupportsInt,
    typing.SupportsFloat: _SupportsFloat,
    typing.SupportsComplex: _SupportsComplex,
    typing.SupportsBytes: _SupportsBytes,
    typing.SupportsIndex: _SupportsIndex,
    typing.SupportsAbs: _SupportsAbs,
    os.PathLike: _PathLike,
    contextlib.AbstractContextManager: _ContextManager,
    contextlib.AbstractAsyncContextManager: _AsyncContextManager,
}
"""Protocols of the standard library that are no protocols at run time, or whose members have no annotations."""
