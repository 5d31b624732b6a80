"""The classes that occur in an annotation."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

__all__ = ["iter_classes"]


def iter_classes(hint: Any) -> Iterator[type]:
    """Yield every class that occurs anywhere in an annotation, each once.

    >>> sorted(cls.__name__ for cls in iter_classes(dict[str, list[int] | None]))
    ['NoneType', 'dict', 'int', 'list', 'str']
    """
    seen: set[int] = set()
    stack = [hint]
    while stack:
        form = stack.pop()
        if id(form) in seen:
            continue
        seen.add(id(form))
        origin = typing.get_origin(form)
        if isinstance(form, type) and origin is None:
            yield form
        elif isinstance(origin, type):
            stack.append(origin)
        if isinstance(form, (list, tuple)):
            stack.extend(reversed(form))
        elif origin is typing.Annotated:
            stack.append(typing.get_args(form)[0])
        elif origin is not typing.Literal:
            stack.extend(reversed(typing.get_args(form)))
        stack.extend(_hidden_forms(form))


def _hidden_forms(form: Any) -> list[Any]:
    """Return what a type variable, a NewType or a named alias stands for."""
    found = [getattr(form, name, None) for name in ("__bound__", "__supertype__", "__value__")]
    if isinstance(form, type):
        return []
    return [*(f for f in found if f is not None), *getattr(form, "__constraints__", ())]
