"""Checks one bound argument against its annotation; Futures may stand anywhere inside it.

A Future is compared by the type that it will give (`assignability`), everything else by the value itself
(`validation`). A container that holds Futures is walked together with its hint, down to the leaves.
"""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, get_args, get_origin

from merkl._base.containers import DICT_VIEWS
from merkl._base.hints import resolve_class_hints
from merkl._base.named_types import alias_value, supertype_of
from merkl._base.type_forms import (
    bare_hint,
    format_type,
    format_types,
    is_named,
    is_typed_dict,
    is_union,
    substitute,
    union_members,
)
from merkl._base.typed_dicts import typed_dict_keys
from merkl.assignability import Verdict, relate
from merkl.validation import Items, Problem, compile_validator

__all__ = ["ArgumentCheck", "ArgumentProblem", "check_each", "compile_argument_check"]


@dataclass(frozen=True, slots=True)
class ArgumentProblem:
    """Why an argument does not fit: `path` leads into it (empty: the argument itself)."""

    path: str
    expected: str
    actual: str
    reason: str = ""

    def message(self, name: str) -> str:
        """Say it in one line, for the parameter called `name`.

        >>> ArgumentProblem("item 3", "float", "str").message("xs")
        "item 3 of 'xs' is str, wanted float"
        """
        line = Problem(self.path, self.expected, self.actual).message(name)
        return f"{line} ({self.reason})" if self.reason else line


ArgumentCheck = Callable[[Any, bool], "ArgumentProblem | None"]


def compile_argument_check(hint: Any, *, items: Items = "first") -> ArgumentCheck:
    """Compile the check `(value, holds_futures) -> ArgumentProblem | None` of one parameter; it never raises.

    `holds_futures` is True when the value is a container with Futures in it; a value that is a Future is seen
    either way. `items` is how far values are looked into (see `validate_value`); Futures are always checked.

    >>> check = compile_argument_check(list[int])
    >>> check([1, 2], False) is None
    True
    >>> check(["1"], False).message("xs")
    "item 0 of 'xs' is str, wanted int"
    """
    place = _Place(hint, items)
    validate = place.validate
    # A class is its own proof, but a NamedTuple has fields to look at, and so has what is looked at in full.
    plain = type(hint) is type and get_origin(hint) is None and not issubclass(hint, tuple)
    plain = plain and (items != "all" or hint.__module__ == "builtins")

    def check(value: Any, holds_futures: bool) -> ArgumentProblem | None:
        kind = type(value)
        if kind is hint and plain and not holds_futures:
            return None
        if hasattr(kind, "__merkl_key__"):
            return place.check_future(value)
        if not holds_futures:
            problem = validate(value)
            return None if problem is None else _as_argument(problem)
        try:
            return place.check(value)
        except RecursionError:
            return None

    return check


def check_each(hint: Any, *, items: Items) -> ArgumentCheck:
    """Compile the check of `*args` or `**kwargs`, in which each value is an argument of this type.

    >>> check_each(int, items="first")((1, "x"), False).message("xs")
    "item 1 of 'xs' is str, wanted int"
    """
    check_one = compile_argument_check(hint, items=items)

    def check(value: Any, holds_futures: bool) -> ArgumentProblem | None:
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, item in steps:
            problem = check_one(item, holds_futures)
            if problem is not None:
                return _within(f"key {step!r}" if isinstance(value, dict) else f"item {step}", problem)
        return None

    return check


def _as_argument(problem: Problem | None) -> ArgumentProblem | None:
    return None if problem is None else ArgumentProblem(problem.path, problem.expected, problem.actual)


def _within(step: str, problem: ArgumentProblem) -> ArgumentProblem:
    return dataclasses.replace(problem, path=f"{problem.path} of {step}" if problem.path else step)


class _Place:
    """One hint and the places of its items, made when first needed."""

    __slots__ = ("_parts", "hint", "items", "validate")

    def __init__(self, hint: Any, items: Items) -> None:
        self.hint = bare_hint(hint)
        self.items: Items = items
        self.validate = compile_validator(self.hint, items=items)
        self._parts: dict[Any, _Place] = {}

    def part(self, hint: Any) -> _Place:
        """The place of an item with this hint."""
        try:
            found = self._parts.get(hint)
            if found is None:
                found = self._parts[hint] = _Place(hint, self.items)
            return found
        except TypeError:  # an unhashable hint
            return _Place(hint, self.items)

    def check_future(self, future: Any) -> ArgumentProblem | None:
        hint, source = self.hint, future.type
        if source is hint:
            return None
        head = get_origin(hint) or hint
        if isinstance(head, type) and hasattr(head, "__merkl_key__"):
            hint = (*get_args(hint), Any)[0]  # the parameter asks for the Future itself
        relation = relate(source, hint)
        if relation.verdict is not Verdict.NO:
            return None
        actual, expected = format_types(source, hint)
        return ArgumentProblem("", expected, f"Future[{actual}]", relation.reason)

    def check(self, value: Any) -> ArgumentProblem | None:
        if hasattr(type(value), "__merkl_key__"):
            return self.check_future(value)
        if self.hint is Any or self.hint is object or isinstance(self.hint, TypeVar):
            return None
        if not _is_container(value) or not _holds_futures(value):
            return _as_argument(self.validate(value))
        if is_union(self.hint):
            return self._check_union(value)
        if alias_value(self.hint) is not None:
            return self.part(alias_value(self.hint)).check(value)
        problem = self._check_shape(value)
        if problem is not None:
            return problem
        for step, item, hint in _items(value, self.hint):
            found = self.part(hint).check(item)
            if found is not None:
                return _within(step, found)
        return None

    def _check_union(self, value: Any) -> ArgumentProblem | None:
        deepest: ArgumentProblem | None = None
        for member in union_members(self.hint):
            found = self.part(member).check(value)
            if found is None:
                return None
            if found.path and (deepest is None or len(found.path) > len(deepest.path)):
                deepest = found
        return deepest or self._misfit(value)

    def _misfit(self, value: Any) -> ArgumentProblem:
        return ArgumentProblem("", format_type(self.hint), format_type(type(value)))

    def _check_shape(self, value: Any) -> ArgumentProblem | None:
        """Whether the container itself is of the kind that the hint wants, its items aside."""
        head = get_origin(self.hint) or self.hint
        if is_typed_dict(head):
            if not isinstance(value, dict):
                return self._misfit(value)
            keys = typed_dict_keys(head)
            missing = sorted(name for name, key in keys.items() if key.required and name not in value)
            if missing:
                return ArgumentProblem("", format_type(self.hint), f"a dict without the key {missing[0]!r}")
            return None
        if hasattr(self.hint, "__supertype__"):
            return self.part(supertype_of(self.hint))._check_shape(value)
        if not isinstance(head, type) or head is type:
            return None if _says_nothing(head) else self._misfit(value)
        try:
            fits = isinstance(value, head)
        except TypeError:  # a protocol that cannot be asked
            return None
        if not fits:
            return self._misfit(value)
        wanted = _fixed_items(self.hint)
        if wanted is not None and isinstance(value, tuple) and len(value) != len(wanted):
            return ArgumentProblem("", format_type(self.hint), f"a tuple of {len(value)}")
        return None


def _says_nothing(head: Any) -> bool:
    """Whether a special form allows containers at all (Literal does not, a protocol or a ParamSpec may)."""
    return not is_named(head, "Literal")


_SEQUENCES = (list, tuple, set, frozenset, collections.deque, *DICT_VIEWS)
_CONTAINERS = (dict, *_SEQUENCES)


def _is_container(value: Any) -> bool:
    return isinstance(value, _CONTAINERS) or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def _holds_futures(value: Any) -> bool:
    stack = [value]
    seen: set[int] = set()
    while stack:
        item = stack.pop()
        if hasattr(type(item), "__merkl_key__"):
            return True
        if not _is_container(item) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, _CONTAINERS):
            stack.extend(item)
        else:
            stack.extend(getattr(item, f.name, None) for f in dataclasses.fields(item))
    return False


def _items(value: Any, hint: Any) -> Iterator[tuple[str, Any, Any]]:
    """(step, item, its hint) for each item of a container."""
    while hasattr(hint, "__supertype__"):
        hint = supertype_of(hint)
    if isinstance(value, dict):
        yield from _dict_items(value, hint)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from _field_items(value, getattr(value, "_fields"), hint)  # noqa: B009 - a plain tuple has none
    elif isinstance(value, _SEQUENCES):
        fixed = _fixed_items(hint)
        element = _element(hint)
        for index, item in enumerate(value):
            step = "an item" if isinstance(value, (set, frozenset)) else f"item {index}"
            yield step, item, fixed[index] if fixed is not None else element
    else:
        yield from _field_items(value, [f.name for f in dataclasses.fields(value)], hint)


def _dict_items(value: dict[Any, Any], hint: Any) -> Iterator[tuple[str, Any, Any]]:
    head, args = get_origin(hint) or hint, get_args(hint)
    if is_typed_dict(head):
        hints = resolve_class_hints(head)
        for key, item in value.items():
            yield f"key {key!r}", item, hints.get(key, Any)
        return
    if head is collections.Counter and len(args) == 1:
        args = (args[0], int)
    key_hint, value_hint = args if len(args) == 2 else (_element(hint), Any)
    for key, item in value.items():
        shown = "of a Future" if hasattr(type(key), "__merkl_key__") else repr(key)
        yield f"the key {shown}", key, key_hint
        yield f"key {shown}", item, value_hint


def _field_items(value: Any, names: Any, hint: Any) -> Iterator[tuple[str, Any, Any]]:
    """The fields of a NamedTuple or dataclass; type variables take the arguments of the hint when it is that class."""
    cls = type(value)
    hints = resolve_class_hints(cls)
    known: dict[Any, Any] = {}
    if get_origin(hint) is cls:
        known = dict(zip(getattr(cls, "__parameters__", ()), get_args(hint), strict=False))
    wanted = _fixed_items(hint)
    element = _element(hint) if get_origin(hint) is not cls else Any
    for index, name in enumerate(names):
        field = substitute(hints.get(name, Any), known) if known else hints.get(name, Any)
        if wanted is not None and index < len(wanted):
            field = wanted[index]
        elif isinstance(value, tuple) and element is not Any:
            field = element
        if hasattr(value, name):
            yield f"field {name!r}", getattr(value, name), field


_ELEMENT_FIRST: frozenset[Any] = frozenset(
    {list, set, frozenset, tuple, dict, collections.deque}
    | {
        getattr(collections.abc, n)
        for n in ("Sequence", "MutableSequence", "Set", "MutableSet", "Collection")
    }
    | {
        getattr(collections.abc, n)
        for n in (
            "Iterable",
            "Container",
            "Reversible",
            "Mapping",
            "MutableMapping",
            "KeysView",
            "ValuesView",
        )
    }
)


def _element(hint: Any) -> Any:
    args = get_args(hint)
    return args[0] if args and get_origin(hint) in _ELEMENT_FIRST else Any


def _fixed_items(hint: Any) -> tuple[Any, ...] | None:
    """The item hints of a tuple of fixed length, else None."""
    args = get_args(hint)
    if get_origin(hint) is not tuple or Ellipsis in args:
        return None
    if any(getattr(a, "__unpacked__", False) is True or is_named(get_origin(a), "Unpack") for a in args):
        return None
    return args
