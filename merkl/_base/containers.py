"""Walking and rebuilding nested containers: list, tuple, NamedTuple, dict and its views, set, frozenset, deque, dataclass."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from operator import is_
from typing import Any

__all__ = ["DICT_VIEWS", "is_container", "iter_leaves", "list_children", "map_leaves"]

_empty: dict[Any, Any] = {}
_KEYS, _VALUES, _ITEMS = type(_empty.keys()), type(_empty.values()), type(_empty.items())
#: The classes of what `keys()`, `values()` and `items()` of a dict give; those of an OrderedDict derive from them.
DICT_VIEWS = (_KEYS, _VALUES, _ITEMS)
_PLAIN = (list, tuple, dict, set, frozenset, deque, *DICT_VIEWS)


def is_container(value: object) -> bool:
    """Say whether `iter_leaves` looks into a value: subclasses of the builtin containers and dataclass instances."""
    return isinstance(value, _PLAIN) or hasattr(type(value), "__dataclass_fields__")


def list_children(value: Any) -> list[Any]:
    """Return what a container holds itself."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, _PLAIN):
        return list(value)
    return [getattr(value, name) for name in _field_names(value)]


def _field_names(value: Any) -> list[str]:
    # The module is loaded already where there is a dataclass; here it would slow down `import merkl`.
    import dataclasses

    return [f.name for f in dataclasses.fields(value) if hasattr(value, f.name)]


def iter_leaves(value: object, *, atom: type | None = None) -> Iterator[Any]:
    """Yield what is no container, in order, at any depth; each container is entered once, so cycles end.

    Instances of the class `atom` are known to be none.

    >>> list(iter_leaves([1, (2, {"a": 3})]))
    [1, 2, 'a', 3]
    """
    seen: set[int] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is atom or not is_container(item):
            yield item
        elif id(item) not in seen:
            seen.add(id(item))
            stack.extend(reversed(list_children(item)))


def map_leaves(value: Any, change: Callable[[Any], Any], *, only: type | None = None) -> Any:
    """Return a structure in which every leaf, or those of the class `only`, is what `change` makes of it.

    Containers in which nothing changes are returned as they are, not copied.

    >>> map_leaves([1, (2, {"a": 3})], lambda x: x * 2 if isinstance(x, int) else x)
    [2, (4, {'a': 6})]
    """
    return change(value) if type(value) is only else _map(value, change, only, set())


def _map(value: Any, change: Callable[[Any], Any], only: type | None, active: set[int]) -> Any:
    if not is_container(value):
        return change(value) if only is None else value
    if id(value) in active:
        return value
    active.add(id(value))
    try:
        old = list_children(value)
        new = [change(item) if type(item) is only else _map(item, change, only, active) for item in old]
    finally:
        active.discard(id(value))
    return value if all(map(is_, old, new)) else _rebuild(value, new)


def _rebuild(value: Any, new: list[Any]) -> Any:
    if isinstance(value, dict):
        half = len(new) // 2
        return _rebuild_dict(value, dict(zip(new[:half], new[half:], strict=True)))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)._make(new)  # type: ignore[attr-defined]
    if isinstance(value, deque):
        copy = value.copy()
        copy.clear()
        copy.extend(new)
        return copy
    if isinstance(value, DICT_VIEWS):
        return _rebuild_view(value, new)
    if isinstance(value, _PLAIN):
        return type(value)(new)
    return _rebuild_dataclass(value, new)


def _rebuild_view(value: Any, new: list[Any]) -> Any:
    """A view of the same class, of a dict that is made for it."""
    make = dict if type(value) in DICT_VIEWS else OrderedDict
    if isinstance(value, _KEYS):
        return make.fromkeys(new).keys()
    if isinstance(value, _VALUES):
        return make(enumerate(new)).values()
    return make(new).items()


def _rebuild_dict(value: dict[Any, Any], items: dict[Any, Any]) -> Any:
    if isinstance(value, defaultdict):
        return defaultdict(value.default_factory, items)
    if type(value) in (dict, OrderedDict):
        return type(value)(items)
    copy = value.copy()
    copy.clear()
    copy.update(items)
    return copy


def _rebuild_dataclass(value: Any, new: list[Any]) -> Any:
    # Not dataclasses.replace: __post_init__ has run on the Futures already and need not run twice.
    names = _field_names(value)
    copy = object.__new__(type(value))
    for name in getattr(value, "__dict__", {}):
        object.__setattr__(copy, name, value.__dict__[name])
    for name, item in zip(names, new, strict=True):
        object.__setattr__(copy, name, item)
    return copy
