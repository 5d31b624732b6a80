"""Reads a constant back from the short text that the ledger has of it: a literal, or an object whose text says how it is made."""

from __future__ import annotations

import ast
import contextlib
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from merkl._base.hint_classes import iter_classes

__all__ = ["read_back"]


def read_back(text: str, hint: Any) -> Any:
    """Return the value that a text like `Discount(percent=5.0, codes=('spring',))` shows.

    Its classes are those of the annotation, and of the fields of these. Whether it is the value that it was, the caller
    has to find out.

    >>> read_back("complex(1.0, -2.5)", complex)
    (1-2.5j)

    Raises:
        ValueError: it is no such text.
    """
    try:
        return _value_of(ast.parse(text, mode="eval").body, _classes_in(hint))
    except SyntaxError as error:
        raise ValueError(text) from error


def _value_of(node: ast.expr, classes: Mapping[str, type]) -> Any:
    if isinstance(node, ast.Call):
        cls = classes.get(ast.unparse(node.func))
        keywords = {word.arg: _value_of(word.value, classes) for word in node.keywords if word.arg}
        if cls is None or len(keywords) != len(node.keywords):
            raise ValueError(ast.unparse(node))
        arguments = [_value_of(argument, classes) for argument in node.args]
        try:
            return cls(*arguments, **keywords)
        except Exception as error:
            raise ValueError(ast.unparse(node)) from error
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(_value_of(item, classes) for item in node.elts)
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = (_value_of(key, classes) for key in node.keys if key is not None)
        return dict(zip(keys, (_value_of(value, classes) for value in node.values), strict=True))
    return ast.literal_eval(node)


def _classes_in(hint: Any) -> dict[str, type]:
    """Return the classes in an annotation, and in the annotations of their fields, by the names that texts have of them."""
    found: dict[str, type] = {}
    pending: list[type] = list(iter_classes(hint))
    seen = set(pending)
    while pending:
        cls = pending.pop()
        found.setdefault(cls.__name__, cls)
        found.setdefault(cls.__qualname__, cls)
        if cls.__module__ != "builtins":
            new = [one for one in _classes_of_fields(cls) if one not in seen]
            seen.update(new)
            pending += new
    return found


def _classes_of_fields(cls: type) -> Iterable[type]:
    with contextlib.suppress(Exception):  # an annotation that cannot be evaluated names no class
        return [one for hint in typing.get_type_hints(cls).values() for one in iter_classes(hint)]
    return []
