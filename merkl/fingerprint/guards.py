"""What must be unchanged for a digest to hold: bindings, loaded code, closure cells, and what mutable constants hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import is_
from types import CellType, FunctionType
from typing import Any

__all__ = ["MISSING", "Content", "Guards", "Identical", "raw_items"]

MISSING: Any = type("Missing", (), {"__slots__": (), "__repr__": lambda self: "<missing>"})()


#: What an object holds that could be taken apart once, and cannot any more.
_UNREADABLE = object()


class Content:
    """What a mutable object held when it was last looked at: its items by identity, or its canonical bytes."""

    __slots__ = ("_items", "_look", "_subject")

    def __init__(self, subject: Any, look: Callable[[Any], object] | None = None) -> None:
        self._subject = subject
        self._look = look
        self.take()

    def take(self) -> None:
        """Look at the object: what it holds now is what it is to hold."""
        subject = self._subject
        self._items: Any
        if self._look is not None:
            self._items = self._looked_at()
        elif isinstance(subject, Mapping):
            self._items = (list(subject), list(subject.values()))
        else:
            self._items = list(subject)

    def _looked_at(self) -> object:
        assert self._look is not None
        try:
            return self._look(self._subject)
        except Exception:  # noqa: BLE001 - a client of a service that a body has opened, say
            return _UNREADABLE

    @classmethod
    def of_subclass(cls, subject: Any, base: type) -> Content:
        """Return the content of an instance of a subclass of a container, whatever the subclass has changed."""
        return cls(subject, lambda value: Identical(raw_items(value, base)))

    def holds(self) -> bool:
        """Tell whether the object still holds what it held."""
        subject, items = self._subject, self._items
        try:
            if self._look is not None:
                return bool(self._looked_at() == items)
            if isinstance(subject, Mapping):
                keys, values = items
                return (
                    len(subject) == len(keys)
                    and all(map(is_, subject, keys))
                    and all(map(is_, subject.values(), values))
                )
            return len(subject) == len(items) and all(map(is_, subject, items))
        except Exception:  # noqa: BLE001 - changed while it was looked at, or an encoder that fails now
            return False


def raw_items(value: Any, base: Any) -> list[Any]:
    """Return what an instance of a subclass of a container holds, keys and values of a dict in turn."""
    if base is dict:
        return [part for pair in dict.items(value) for part in pair]
    return list(base.__iter__(value))


class Identical:
    """Items that are equal only to the same ones."""

    __slots__ = ("_items",)

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Identical)
            and len(self._items) == len(other._items)
            and all(map(is_, self._items, other._items))
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Guards:
    """What the digest of one node was taken from."""

    bindings: list[tuple[Any, str, object]] = field(default_factory=list)
    #: Functions with their code, their defaults (by position, by keyword), and how many attributes they have.
    codes: list[tuple[FunctionType, object, object, object, int]] = field(default_factory=list)
    #: Classes with their bases, and how many attributes they have: a new one may hide an inherited one.
    shapes: list[tuple[type, tuple[type, ...], int]] = field(default_factory=list)
    cells: list[tuple[CellType, object]] = field(default_factory=list)
    contents: list[Content] = field(default_factory=list)

    def hold(self) -> bool:
        """Tell whether all of it is as it was."""
        for namespace, name, value in self.bindings:
            if namespace.get(name, MISSING) is not value:
                return False
        for fn, code, defaults, kwdefaults, count in self.codes:
            if (
                fn.__code__ is not code
                or fn.__defaults__ is not defaults
                or fn.__kwdefaults__ is not kwdefaults
                or len(fn.__dict__) != count
            ):
                return False
        for cls, bases, count in self.shapes:
            if cls.__bases__ is not bases or len(cls.__dict__) != count:
                return False
        for content in self.contents:
            if not content.holds():
                return False
        return not self.cells or all(_content(cell) is value for cell, value in self.cells)

    def adopt(self) -> None:
        """Take what is there now for what was there before: a body that is cached changed it, as a side effect."""
        self.bindings[:] = [(space, name, space.get(name, MISSING)) for space, name, _ in self.bindings]
        self.codes[:] = [
            (fn, code, defaults, fn.__kwdefaults__, len(fn.__dict__))
            for fn, code, defaults, _, _ in self.codes
        ]
        self.shapes[:] = [(cls, bases, len(cls.__dict__)) for cls, bases, _ in self.shapes]
        self.cells[:] = [(cell, _content(cell)) for cell, _ in self.cells]
        for content in self.contents:
            if not content.holds():
                content.take()


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING
