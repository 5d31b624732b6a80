"""How many outs a call has, what they are called and typed, and how a return value is taken apart into them."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from merkl._base.errors import TaskOutsError
from merkl._base.type_forms import format_type, is_typed_dict
from merkl._base.typed_dicts import typed_dict_keys

__all__ = ["NamedOuts", "Outs", "OutsOption", "PositionalOuts", "SingleOut", "resolve_outs"]

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

    def split(self, task: str, value: Any) -> Iterator[tuple[str | None, Any]]:
        """Yield each out with its part of the value."""
        yield None, value

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
            said = "; ".join(
                f"{word} {_listed(names)}"
                for word, names in (("missing", missing), ("undeclared", extra))
                if names
            )
            raise TaskOutsError(
                f"task {task!r} declares the outs {_listed(self._types)} and returned {_listed(value)}: {said}",
                task=task,
                expected=list(self._types),
                actual=list(value),
            )
        for name in self._types:
            if name in value:
                yield name, value[name]

    def describe(self) -> str:
        return f"the keys {_listed(self._types)}"


Outs = SingleOut | PositionalOuts | NamedOuts


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
