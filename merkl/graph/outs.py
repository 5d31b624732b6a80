"""How many outs a call has, what they are called and typed, and how a return value is taken apart into them."""

from __future__ import annotations

import os
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from merkl._base.errors import TaskOutsError
from merkl._base.type_forms import format_type, is_typed_dict
from merkl._base.typed_dicts import typed_dict_keys
from merkl.files import DirRef, FileRef
from merkl.files.suffix import suffix_of

__all__ = ["FileOuts", "NamedOuts", "Outs", "OutsOption", "PositionalOuts", "SingleOut", "resolve_outs"]

#: What `outs=` takes: a number, names, or a function of the task's parameters that gives one of these.
OutsOption = int | Sequence[str] | Callable[..., "int | Sequence[str]"]


class SingleOut:
    """One Future for the whole value."""

    __slots__ = ("type",)
    is_single = True

    def __init__(self, type_: Any) -> None:
        self.type = type_

    def names(self) -> tuple[str | None, ...]:
        return (None,)

    def type_of(self, out: str | None) -> Any:
        return self.type

    def wrap(self, make: Callable[[str | None], Any]) -> Any:
        """Return what a call gives, from a function that makes the Future of an out."""
        return make(None)

    def split(self, task: str, value: Any) -> Iterable[tuple[str | None, Any]]:
        """Give each out with its part of the value."""
        return ((None, value),)

    def describe(self) -> str:
        return "one value"


class PositionalOuts:
    """A tuple of Futures, one for each element of the tuple returned."""

    __slots__ = ("types",)
    is_single = False

    def __init__(self, types: Sequence[Any]) -> None:
        self.types = tuple(types)

    def names(self) -> tuple[str | None, ...]:
        return tuple(map(str, range(len(self.types))))

    def type_of(self, out: str | None) -> Any:
        return self.types[int(out)] if out is not None else Any

    def wrap(self, make: Callable[[str | None], Any]) -> Any:
        return tuple(make(name) for name in self.names())

    def split(self, task: str, value: Any) -> Iterator[tuple[str | None, Any]]:
        wanted = len(self.types)
        if not isinstance(value, (tuple, list)):
            raise TaskOutsError(
                f"task {task!r} declares {wanted} outs, so it must return a tuple of {wanted}; it returned "
                f"{format_type(type(value))}. Return a tuple, or say outs=1",
                task=task,
                expected=wanted,
                actual=type(value).__name__,
            )
        if len(value) != wanted:
            raise TaskOutsError(
                f"task {task!r} declares {wanted} outs and returned {len(value)}. Change outs= (or the return annotation), "
                "or return as many values",
                task=task,
                expected=wanted,
                actual=len(value),
            )
        for index, item in enumerate(value):
            yield str(index), item

    def describe(self) -> str:
        return f"{len(self.types)} values"


class NamedOuts:
    """A dict of Futures, one for each key of the mapping returned; `optional` keys may be absent."""

    __slots__ = ("_types", "optional")
    is_single = False

    def __init__(self, types: Mapping[str, Any], optional: Iterable[str] = ()) -> None:
        self._types = dict(types)
        self.optional = frozenset(optional)

    def names(self) -> tuple[str | None, ...]:
        return tuple(self._types)

    def type_of(self, out: str | None) -> Any:
        return self._types[out] if out is not None else Any

    def wrap(self, make: Callable[[str | None], Any]) -> Any:
        return {name: make(name) for name in self._types}

    def split(self, task: str, value: Any) -> Iterator[tuple[str | None, Any]]:
        if not isinstance(value, Mapping):
            raise TaskOutsError(
                f"task {task!r} declares the outs {_listed(self._types)}, so it must return a dict with these keys; it "
                f"returned {format_type(type(value))}",
                task=task,
                expected=list(self._types),
                actual=type(value).__name__,
            )
        missing = [name for name in self._types if name not in value and name not in self.optional]
        extra = [name for name in value if name not in self._types]
        if missing or extra:
            raise TaskOutsError(
                f"task {task!r} declares the outs {_listed(self._types)} and returned {_listed(value)}: "
                f"{_difference(missing, extra)}",
                task=task,
                expected=list(self._types),
                actual=list(value),
            )
        for name in self._types:
            if name in value:
                yield name, value[name]

    def describe(self) -> str:
        return f"the keys {_listed(self._types)}"


class FileOuts(NamedOuts):
    """A dict of Futures, one for each file of the directory returned; a name that ends in a slash is a directory in it."""

    __slots__ = ()

    def __init__(self, task: str, names: Sequence[str]) -> None:
        super().__init__({name: _type_of_file(task, name) for name in names})

    def split(self, task: str, value: Any) -> Iterator[tuple[str | None, Any]]:
        names = [str(name) for name in self.names()]
        if not isinstance(value, DirRef):
            raise TaskOutsError(
                f"task {task!r} declares the files {_listed(names)} as outs, so it must return a DirRef that holds them; it "
                f"returned {format_type(type(value))}",
                task=task,
                expected=names,
                actual=type(value).__name__,
            )
        top = os.fspath(value)
        there = [os.path.relpath(file, top) for file in value.files]
        folders = tuple(name for name in names if name.endswith("/"))
        missing = [name for name in names if not _is_there(value, name)]
        extra = [name for name in there if name not in self._types and not name.startswith(folders)]
        if missing or extra:
            raise TaskOutsError(
                f"task {task!r} declares the files {_listed(names)} as outs, and the directory that it returned holds "
                f"{_listed(there)}: {_difference(missing, extra)}",
                task=task,
                expected=names,
                actual=there,
            )
        for name in names:
            yield name, value.directory(name) if name.endswith("/") else value.file(name)

    def describe(self) -> str:
        return f"the files {_listed(self._types)}"


Outs = SingleOut | PositionalOuts | NamedOuts


def _type_of_file(task: str, name: str) -> Any:
    if os.path.normpath(name) != name.rstrip("/") or os.path.isabs(name) or name.split("/")[0] == "..":
        raise TaskOutsError(
            f"task {task!r} has the out {name!r}; wanted is a path inside of the directory that it returns, in its "
            "shortest form",
            task=task,
            actual=name,
        )
    if name.endswith("/"):
        return DirRef
    suffix = suffix_of(name)
    return FileRef[Literal[suffix]] if suffix else FileRef  # type: ignore[valid-type]


def _is_there(directory: DirRef, name: str) -> bool:
    return os.path.isdir(directory / name) if name.endswith("/") else os.path.isfile(directory / name)


def _difference(missing: Iterable[str], extra: Iterable[str]) -> str:
    said = (("missing", list(missing)), ("undeclared", list(extra)))
    return "; ".join(f"{word} {_listed(names)}" for word, names in said if names)


def _listed(names: Iterable[object]) -> str:
    return ", ".join(repr(name) for name in names) or "nothing"


def _strip_annotated(hint: Any) -> Any:
    while typing.get_origin(hint) in (typing.Annotated, typing.Required, typing.NotRequired, typing.Final):
        hint = typing.get_args(hint)[0]
    return hint


def _fixed_tuple(hint: Any) -> tuple[Any, ...] | None:
    if typing.get_origin(hint) is not tuple:
        return None
    items = typing.get_args(hint)
    if not items or items[-1] is Ellipsis:
        return None
    if any(
        typing.get_origin(item) is typing.Unpack or getattr(item, "__unpacked__", False) for item in items
    ):
        return None
    return items


def _typed_dict_outs(hint: Any) -> NamedOuts | None:
    origin = typing.get_origin(hint) or hint
    if not is_typed_dict(origin):
        return None
    keys = typed_dict_keys(origin)
    return NamedOuts(
        {name: key.hint for name, key in keys.items()},
        (name for name, key in keys.items() if not key.required),
    )


def _declared_outs(hint: Any) -> Outs:
    plain = _strip_annotated(hint)
    items = _fixed_tuple(plain)
    if items is not None:
        return PositionalOuts(items)
    return _typed_dict_outs(plain) or SingleOut(hint)


def _count_outs(task: str, hint: Any, number: int) -> Outs:
    if number < 1:
        raise TaskOutsError(
            f"task {task!r} has outs={number}; a task has one out at least", task=task, actual=number
        )
    if number == 1:
        return SingleOut(hint)
    plain = _strip_annotated(hint)
    items = _fixed_tuple(plain)
    if items is not None and len(items) != number:
        raise TaskOutsError(
            f"task {task!r} has outs={number}, but is annotated to return {format_type(hint)}: {len(items)} values",
            task=task,
            expected=len(items),
            actual=number,
        )
    if items is not None:
        return PositionalOuts(items)
    arguments = typing.get_args(plain)
    origin = typing.get_origin(plain)
    is_sequence = isinstance(origin, type) and issubclass(origin, Sequence) and bool(arguments)
    return PositionalOuts([arguments[0] if is_sequence else Any] * number)


def _name_outs(task: str, hint: Any, names: Sequence[str]) -> Outs:
    if not names or len(set(names)) != len(names) or not all(isinstance(name, str) for name in names):
        raise TaskOutsError(
            f"task {task!r} has outs={list(names)!r}; wanted are different names", task=task, actual=names
        )
    plain = _strip_annotated(hint)
    if isinstance(plain, type) and issubclass(plain, DirRef):
        return FileOuts(task, names)
    declared = _typed_dict_outs(plain)
    if declared is not None:
        unknown = [name for name in names if name not in declared.names()]
        if unknown:
            raise TaskOutsError(
                f"task {task!r} has outs={list(names)!r}, but {format_type(hint)} has no key {_listed(unknown)}",
                task=task,
                expected=list(declared.names()),
                actual=list(names),
            )
        return NamedOuts({name: declared.type_of(name) for name in names}, declared.optional)
    origin, arguments = typing.get_origin(plain), typing.get_args(plain)
    is_mapping = isinstance(origin, type) and issubclass(origin, Mapping) and len(arguments) == 2
    return NamedOuts(dict.fromkeys(names, arguments[1] if is_mapping else Any))


def resolve_outs(task: str, hint: Any, option: int | Sequence[str] | None) -> Outs:
    """Return the outs of a task from its return annotation and what `outs=` says (or its function gave).

    Raises `TaskOutsError` where the two disagree.
    """
    if option is None:
        return _declared_outs(hint)
    if isinstance(option, bool) or not isinstance(option, (int, Sequence)):
        raise TaskOutsError(
            f"task {task!r} has outs={option!r}; wanted is a number, a list of names, or a function that gives one",
            task=task,
            actual=option,
        )
    if isinstance(option, int):
        return _count_outs(task, hint, option)
    if isinstance(option, str):
        return _name_outs(task, hint, [option])
    return _name_outs(task, hint, option)
