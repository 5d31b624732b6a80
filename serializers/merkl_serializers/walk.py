"""One walk over one value: dispatch by type, cycles, shared parts, and the path for errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from merkl_serializers.errors import UnserializableError, refusal
from merkl_serializers.wire import array_header, bulk, pack, seal

if TYPE_CHECKING:
    from types import FunctionType

__all__ = ["Encoder", "HookError", "TangledError", "Walk", "mutable"]

#: Turns a value into its encoding, asking the walk for the encodings of its parts.
Encoder: TypeAlias = "Callable[[Any, Walk], bytes]"

#: Parts with shorter encodings are encoded again where they are met again: cheaper than to remember them.
_WORTH_KEEPING = 256
#: How often parts of cycles are written again, as the same tree, before they are numbered instead.
_MAX_REPEATS = 1_000


class TangledError(Exception):
    """Too many cycles cross in a value to write it out as a tree; walk it again, numbered."""


class HookError(Exception):
    """What a caller's hook raised (`resolve`, `hook_function`), on its way past the values around it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Walk:
    """The state of one `encode` call; encoders get it to encode parts and to note what they met."""

    __slots__ = (
        "_active",
        "_back_references",
        "_depth",
        "_find",
        "_kept",
        "_numbers",
        "_repeats",
        "_table",
        "classes",
        "hook_function",
        "is_mutable",
        "keep_dict_order",
        "resolve",
    )

    def __init__(
        self,
        table: dict[type, Encoder],
        find: Callable[[type], Encoder],
        resolve: Callable[[Any], bytes] | None = None,
        keep_dict_order: bool = False,
        hook_function: Callable[[FunctionType], bytes | None] | None = None,
        *,
        numbered: bool = False,
    ) -> None:
        self._table = table
        self._find = find
        self._active: dict[int, int] = {}
        self._kept: dict[int, tuple[object, bytes | None]] = {}
        self._depth = 0
        self._back_references = 0
        self._repeats = 0
        self._numbers: dict[int, int] | None = {} if numbered else None
        self.resolve = resolve
        self.keep_dict_order = keep_dict_order
        self.hook_function = hook_function
        self.is_mutable = False
        self.classes: set[type] = set()

    def value(self, value: object) -> bytes:
        """Return the encoding of any value."""
        cls = type(value)
        try:
            encode = self._table.get(cls)
            if encode is None:
                encode = self._find(cls)
            return encode(value, self)
        except Exception as error:  # noqa: BLE001 - whatever the value's own code raises
            failure = _failure(value, error)
            raise failure from failure.__cause__

    def part(self, value: object, step: str) -> bytes:
        """Return the encoding of a part; an error in it gets `step` in front of its path."""
        try:
            return self.value(value)
        except UnserializableError as error:
            error.under(step)
            raise

    def items(self, values: list[Any] | tuple[Any, ...]) -> bytes:
        """Return the encoding of items in order, as an array."""
        return bulk(values) or self._one_by_one(values, lambda index: f"[{index}]")

    def attributes(self, names: Sequence[str], values: list[Any] | tuple[Any, ...]) -> bytes:
        """Return the encoding of the values of attributes, as an array without their names."""
        return bulk(values) or self._one_by_one(values, lambda index: f".{names[index]}")

    def _one_by_one(self, values: Sequence[Any], step: Callable[[int], str]) -> bytes:
        parts = [array_header(len(values))]
        append, table, find = parts.append, self._table, self._find
        item: object = None
        try:
            for item in values:
                encode = table.get(type(item)) or find(type(item))
                append(encode(item, self))
        except Exception as error:  # noqa: BLE001 - whatever the item's own code raises
            failure = _failure(item, error)
            if isinstance(failure, UnserializableError):
                failure.under(step(len(parts) - 1))
            raise failure from failure.__cause__
        return b"".join(parts)

    def unordered(self, values: Iterable[Any]) -> bytes:
        """Return the encoding of items whose order means nothing."""
        items = list(values)
        kinds = set(map(type, items))
        if len(kinds) == 1 and (int in kinds or str in kinds):
            items.sort()
            return self.items(items)
        return array_header(len(items)) + b"".join(sorted([self.part(item, "{...}") for item in items]))

    def mapping(self, mapping: Mapping[Any, Any], ordered: bool = False) -> bytes:
        """Return the encoding of all keys, then all values; sorted by key unless the order counts."""
        keys = list(mapping)
        if not ordered:
            if not {str}.issuperset(map(type, keys)):
                return self._sorted_pairs(mapping)
            keys.sort()
        values = list(map(mapping.__getitem__, keys)) if not ordered else list(mapping.values())
        data = bulk(values) or self._one_by_one(values, lambda index: _step(keys[index]))
        return self.items(keys) + data

    def _sorted_pairs(self, mapping: Mapping[Any, Any]) -> bytes:
        pairs = []
        for key, item in mapping.items():
            step = _step(key)
            pairs.append((self.part(key, step), self.part(item, step)))
        pairs.sort()
        size = array_header(len(pairs))
        return b"".join([size, *[key for key, _ in pairs], size, *[item for _, item in pairs]])

    def inside(self, value: object, body: Encoder) -> bytes:
        """Return what `body` gives for a container, once, with references to itself made finite.

        A container met inside itself is written as how many containers further out it is. One met twice side
        by side is written twice: shared and equal are the same value. (Where that would take for ever, and
        the walk is a numbered one, a part of a cycle is written once and goes by its number after that.)
        """
        key = id(value)
        active = self._active
        if key in active:
            self._back_references += 1
            return b"\xc1R" + pack(self._depth - active[key])
        kept = self._kept.get(key)
        if kept is not None:
            if kept[1] is not None:
                return kept[1]
            if self._numbers is not None:
                self._back_references += 1
                return b"\xc1r" + pack(self._numbers[key])
            self._repeats += 1
            if self._repeats > _MAX_REPEATS:
                raise TangledError
        before = self._back_references
        active[key] = self._depth
        self._depth += 1
        try:
            data = seal(body(value, self))
        finally:
            self._depth -= 1
            del active[key]
        # Where it refers to something further out, the encoding belongs to this place only.
        if self._back_references != before:
            self._kept[key] = (value, None)
            if self._numbers is not None:
                self._numbers.setdefault(key, len(self._numbers))
        elif len(data) >= _WORTH_KEEPING:
            self._kept[key] = (value, data)
        return data


def mutable(content: Encoder) -> Encoder:
    """Return the encoder of values that can be changed, and may hold themselves, given that of what is in them."""

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        return walk.inside(value, content)

    return encode


def _failure(value: object, error: Exception) -> Exception:
    """Return the error to raise where encoding a value raised one: whatever the value's own code raises is a refusal."""
    cls = type(value)
    if isinstance(error, UnserializableError):
        error.held_by(cls)
        return error
    if isinstance(error, HookError | TangledError | RecursionError | MemoryError):
        return error
    if type(cls).__hash__ is None:
        return refusal(
            cls,
            f"its class cannot be hashed ({error})",
            remedy=f"Give the metaclass {type(cls).__qualname__}, which defines __eq__, a __hash__ too.",
        )
    failure = refusal(cls, f"reading it failed ({type(error).__name__}: {error})")
    failure.__cause__ = error
    return failure


def _step(key: object) -> str:
    text = repr(key) if isinstance(key, str | bytes | int | float) else f"<{type(key).__name__}>"
    return f"[{text}]" if len(text) <= 60 else f"[{text[:57]}...]"
