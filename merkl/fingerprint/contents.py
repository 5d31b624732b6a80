"""What values hold: the items of containers, the attributes of instances, and a short text of a constant."""

from __future__ import annotations

import contextvars
import enum
import re
import types
import typing
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping
from typing import Any

from merkl_serializers.remembered import remembered_by

from merkl.fingerprint.guards import MISSING, Content
from merkl.fingerprint.naming import mangled, name_of

__all__ = [
    "ATOMS",
    "CONTAINERS",
    "MAPPINGS",
    "SEQUENCES",
    "SETS",
    "WEAK",
    "attributes_of",
    "contents_in",
    "current_value",
    "given_to_member",
    "is_plain",
    "ordered",
    "preview",
    "reduced",
    "remembered_by",
    "state_of",
    "weakly_held",
]

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented)})
SEQUENCES: tuple[type, ...] = (list, tuple, deque)
SETS: tuple[type, ...] = (set, frozenset)
MAPPINGS: tuple[type, ...] = (dict, OrderedDict, defaultdict, types.MappingProxyType)
WEAK: tuple[type, ...] = (weakref.WeakValueDictionary, weakref.WeakKeyDictionary, weakref.WeakSet)
CONTAINERS: tuple[type, ...] = (*SEQUENCES, *SETS, *MAPPINGS)
#: Constants are looked at before each call, so only those of up to this many items.
_QUICKLY_COMPARED = 10_000
_SECRET = re.compile(r"(password|passwd|secret|token|api_?key|credential)", re.IGNORECASE)
_PREVIEW = 200


def preview(value: object, name: str) -> str:
    """Return a short text for a constant; a secret's text says nothing."""
    if _SECRET.search(name.rpartition(".")[2]) or "Secret" in type(value).__name__:
        return "<secret>"
    try:
        text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    except Exception:  # noqa: BLE001 - a user's __repr__ may raise anything
        text = f"<{name_of(type(value))}>"
    return text if len(text) <= _PREVIEW else text[: _PREVIEW - 3] + "..."


def current_value(variable: contextvars.ContextVar[object]) -> object:
    try:
        return variable.get()
    except LookupError:
        return None


def given_to_member(member: enum.Enum) -> list[tuple[str, object]]:
    """Return what a member of an enum holds beside what enum itself keeps there, such as a label."""
    return [
        (name, value)
        for name, value in sorted(vars(member).items())
        if not (name.startswith("_") and name.endswith("_"))
    ]


def is_plain(value: object) -> bool:
    """Tell whether a container holds, at any depth, nothing but atoms; without a loop where types are uniform."""
    pending: list[object] = [value]
    seen: set[int] = set()
    while pending:
        item = pending.pop()
        kind = type(item)
        if kind in ATOMS:
            continue
        if id(item) in seen:
            return False  # shared or recursive: what is inside what then counts
        seen.add(id(item))
        if kind is list or kind is tuple or kind is set or kind is frozenset:
            parts = typing.cast("list[object]", item)
            if not ATOMS.issuperset(map(type, parts)):
                pending.extend(parts)
        elif kind is dict:
            mapping = typing.cast("dict[object, object]", item)
            for parts in (mapping.keys(), mapping.values()):  # type: ignore[assignment]
                if not ATOMS.issuperset(map(type, parts)):
                    pending.extend(parts)
        else:
            return False
    return True


def contents_in(value: object) -> list[Content]:
    """Return guards of the mutable containers in a container of plain values, as long as looking at them is quick."""
    found: list[Content] = []
    pending: list[object] = [value]
    total = 0
    seen: set[int] = set()
    while pending:
        item = pending.pop()
        if id(item) in seen or not isinstance(item, CONTAINERS):
            continue
        seen.add(id(item))
        items = typing.cast("typing.Collection[object]", item)
        total += len(items)
        if total > _QUICKLY_COMPARED:
            break
        if not isinstance(item, tuple | frozenset):
            found.append(Content(item))
        pending.extend(items.values() if isinstance(items, Mapping) else items)
    return found


def ordered(value: object) -> object:
    """Return a plain container with the order of its dicts made visible: code can see it."""
    kind = type(value)
    if kind is list or kind is tuple:
        parts = typing.cast("list[object]", value)
        if ATOMS.issuperset(map(type, parts)):
            return value
        fresh = [ordered(part) for part in parts]
        return value if all(a is b for a, b in zip(fresh, parts, strict=True)) else fresh
    if kind is dict:
        mapping = typing.cast("dict[object, object]", value)
        return ("dict", ordered(list(mapping)), ordered(list(mapping.values())))
    return value


def attributes_of(value: object) -> dict[str, object] | None:
    """Return the dictionary of attributes of an instance, None if it has none (or hides it)."""
    try:
        found = value.__dict__
    except Exception:  # noqa: BLE001 - a user's `__dict__` or `__getattr__` may raise anything
        return None
    return found if isinstance(found, dict) else None


def reduced(value: object) -> list[object]:
    """Return what an object says of itself when it is taken apart, without its attributes: they are taken as they are."""
    try:
        parts = value.__reduce_ex__(2)
    except Exception:  # noqa: BLE001 - an object that cannot be taken apart is its attributes
        return []
    if isinstance(parts, str):
        return [parts]
    reduced: list[Any] = [*parts, None, None][:5]
    _, arguments, state, *items = reduced
    is_attributes = isinstance(state, dict) or (isinstance(state, tuple) and len(state) == 2)
    contents: list[object] = [list(arguments), None if is_attributes else state]
    return contents + [None if part is None else list(part) for part in items]


def state_of(value: object) -> list[tuple[str, object]]:
    """Return the attributes of an instance, from its dictionary and its slots, without what it only remembers."""
    state: dict[str, object] = dict(attributes_of(value) or {})
    for name in remembered_by(type(value)):
        state.pop(name, None)
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in {"__dict__", "__weakref__"}:
                continue
            attribute = mangled(base.__name__, name)
            found = getattr(value, attribute, MISSING)
            if found is not MISSING:
                state[attribute] = found
    return sorted(state.items())


def weakly_held(container: Any) -> list[tuple[object, object]]:
    """Return the functions and classes in a weak container with their keys; of other objects each class once."""
    pairs = (
        list(container.items()) if isinstance(container, Mapping) else [(None, item) for item in container]
    )
    found: dict[tuple[str, str], tuple[object, object]] = {}
    for key, item in pairs:
        is_table = _is_code(key) or _is_code(item)
        kept = [
            part if _is_code(part) or (is_table and type(part) in ATOMS) else type(part)
            for part in (key, item)
        ]
        found[_label(kept[0]), _label(kept[1])] = (kept[0], kept[1])
    return [found[label] for label in sorted(found)]


def _is_code(value: object) -> bool:
    return isinstance(value, type | types.FunctionType)


def _label(value: object) -> str:
    return name_of(value) if _is_code(value) else repr(value)
