"""The fields of objects: dataclasses, attrs, msgspec Structs and pydantic models, and the check of each field."""

from __future__ import annotations

import dataclasses
import inspect
import threading
import types
from collections.abc import Callable, Collection
from typing import Any, get_args, get_origin

from merkl._base.hints import resolve_class_hints
from merkl._base.type_forms import substitute
from merkl.validation.checker import Check, Checker, has_class_test
from merkl.validation.columns import by_columns, field_part
from merkl.validation.problem import Problem, within

__all__ = ["Walk", "fields_of", "has_fields", "object_checker"]


def fields_of(cls: type, arguments: tuple[Any, ...] = ()) -> list[tuple[str, Any]]:
    """Give the name and the hint of each field that an instance of `cls` holds; none for other classes.

    `arguments` are the types that its type variables stand for.

    >>> @dataclasses.dataclass
    ... class Point:
    ...     x: int
    >>> fields_of(Point)
    [('x', <class 'int'>)]
    """
    models = getattr(cls, "__pydantic_fields__", None)
    if isinstance(models, dict) and not dataclasses.is_dataclass(cls):
        return [(name, field.annotation) for name, field in models.items()]
    names = _names(cls)
    if not names:
        return []
    hints = resolve_class_hints(cls)
    known = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
    return [
        (name, substitute(hints[name], known) if known else hints[name])
        for name in names
        if name in hints and not _is_computed(cls, name)
    ]


def has_fields(cls: type) -> bool:
    """Say whether instances of a class hold declared fields."""
    return bool(_names(cls)) or isinstance(getattr(cls, "__pydantic_fields__", None), dict)


def _names(cls: type) -> list[str]:
    if dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls)]
    attributes = getattr(cls, "__attrs_attrs__", None)
    if isinstance(attributes, tuple):
        return [attribute.name for attribute in attributes]
    names = getattr(cls, "__struct_fields__", None)
    return list(names) if isinstance(names, tuple) else []


def _is_computed(cls: type, name: str) -> bool:
    """Whether a descriptor gives the value: the annotation is then the descriptor's, as `Mapped[int]` is."""
    held = inspect.getattr_static(cls, name, None)
    return hasattr(type(held), "__set__") and not isinstance(held, types.MemberDescriptorType)


class Walk(threading.local):
    """The objects that a thread is looking into, so that those which hold each other are looked at once."""

    def __init__(self) -> None:
        self.seen: set[tuple[int, int]] = set()
        self.in_bulk: set[int] = set()
        self.depth = 0


def object_checker(hint: Any, outer: Check, compile_hint: Callable[[Any], Checker], walk: Walk) -> Checker:
    """Compile the check of an object of a class and of its fields, those of a derived class included."""
    cls, arguments = get_origin(hint) or hint, get_args(hint)
    compiled: dict[type, list[tuple[str, Checker]]] = {}

    def fields(kind: type) -> list[tuple[str, Checker]]:
        found = compiled.get(kind)
        if found is None:
            declared = fields_of(kind, arguments if kind is cls else ())
            found = compiled[kind] = [(name, compile_hint(each)) for name, each in declared]
        return found

    def one(value: object) -> Problem | None:
        problem = outer(value)
        if problem is not None:
            return problem
        wanted = fields(type(value))
        key = (id(value), id(compiled))
        if not wanted or key in walk.seen:
            return None
        walk.seen.add(key)
        walk.depth += 1
        problem = None
        try:
            problem = _first_problem(value, wanted)
        finally:
            walk.depth -= 1
            if problem is not None:
                walk.seen.discard(key)  # another member of a union may ask again
            if not walk.depth:
                walk.seen.clear()
        return problem

    columns = by_columns(cls, lambda: [field_part(*each) for each in fields(cls)])

    def many(values: Collection[Any]) -> bool:
        if has_fields(cls):
            if id(compiled) in walk.in_bulk:  # objects that may hold themselves go one by one
                return False
            walk.in_bulk.add(id(compiled))
            try:
                if columns(values):
                    return True
            finally:
                walk.in_bulk.discard(id(compiled))
        kinds = set(map(type, values))
        return not any(map(has_fields, kinds)) and all(issubclass(kind, cls) for kind in kinds)

    return Checker(one, many if has_class_test(cls) or has_fields(cls) else None)


def _first_problem(value: object, fields: list[tuple[str, Checker]]) -> Problem | None:
    for name, checker in fields:
        try:
            content = getattr(value, name)
        except AttributeError:  # a field that is not set
            continue
        found = checker.one(content)
        if found is not None:
            return within(f"field {name!r}", found)
    return None
