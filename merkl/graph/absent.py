"""Keys that a TypedDict does not require and that the body did not give: what was made of it goes without them.

A call whose result is a TypedDict gives a dict with a Future for each key. Where that dict is evaluated, or stands where
a TypedDict with such a key is wanted, a key that the body left out is left out there too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args, get_origin

from merkl._base.errors import AbsentOutError
from merkl._base.named_types import alias_value
from merkl._base.type_forms import bare_hint, is_typed_dict, is_union, union_members
from merkl._base.typed_dicts import typed_dict_keys
from merkl.graph.future import Future
from merkl.graph.nested import find_futures, replace_futures

__all__ = ["is_optional", "replace_present", "without_absent"]


def is_optional(future: Future[Any]) -> bool:
    """Say whether the body may leave out what a Future is for."""
    return future.out is not None and future.out in getattr(future._call.outs, "optional", ())


def replace_present(structure: Any, value_of: Callable[[Future[Any]], Any]) -> Any:
    """Replace Futures by their values; an entry of a dict whose value is an `AbsentOutError` goes, if it has that key.

    Raises that error where the Future stands anywhere else.
    """
    absent = {id(f) for f in find_futures(structure) if type(value_of(f)) is AbsentOutError}

    def value(future: Future[Any]) -> Any:
        found = value_of(future)
        if type(found) is AbsentOutError:
            raise found
        return found

    return replace_futures(_without_own_keys(structure, absent) if absent else structure, value)


def _without_own_keys(structure: Any, absent: set[int]) -> Any:
    if type(structure) is dict:
        return {
            key: _without_own_keys(value, absent)
            for key, value in structure.items()
            if not (id(value) in absent and value.out == key)
        }
    if type(structure) in (list, tuple):
        return type(structure)(_without_own_keys(item, absent) for item in structure)
    return structure


def without_absent(value: Any, hint: Any, is_absent: Callable[[Future[Any]], bool]) -> Any:
    """Return an argument without the keys that its hint does not require and that are absent."""
    hint = bare_hint(hint)
    if is_union(hint):
        for member in union_members(hint):
            value = without_absent(value, member, is_absent)
        return value
    if alias_value(hint) is not None:
        return without_absent(value, alias_value(hint), is_absent)
    head, args = get_origin(hint) or hint, get_args(hint)
    if type(value) is dict and is_typed_dict(head):
        keys = typed_dict_keys(head)
        return {
            name: without_absent(item, keys[name].hint, is_absent) if name in keys else item
            for name, item in value.items()
            if not (type(item) is Future and name in keys and not keys[name].required and is_absent(item))
        }
    if type(value) is dict and len(args) == 2:
        return {key: without_absent(item, args[1], is_absent) for key, item in value.items()}
    if type(value) is list and args:
        return [without_absent(item, args[0], is_absent) for item in value]
    if type(value) is tuple and args:
        hints = args if len(args) == len(value) and args[-1] is not ... else (args[0],) * len(value)
        return tuple(without_absent(item, each, is_absent) for item, each in zip(value, hints, strict=True))
    return value
