"""One walk over one value: dispatch by type, cycles, shared parts, and the path for errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from merkl_serializers.errors import UnserializableError
from merkl_serializers.wire import all_scalars, array_header, bulk, framed, pack, seal

if TYPE_CHECKING:
    from types import FunctionType

__all__ = ["Encoder", "Walk"]

#: Turns a value into its encoding, asking the walk for the encodings of its parts.
Encoder: TypeAlias = "Callable[[Any, Walk], bytes]"

#: Parts with shorter encodings are encoded again where they are met again: cheaper than to remember them.
_WORTH_KEEPING = 256


class Walk:
    """The state of one `encode` call; encoders get it to encode parts and to note what they met."""

    __slots__ = (
        "_active",
        "_back_references",
        "_depth",
        "_find",
        "_kept",
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
        *,
        resolve: Callable[[Any], bytes] | None = None,
        keep_dict_order: bool = False,
        hook_function: Callable[[FunctionType], bytes] | None = None,
    ) -> None:
        self._table = table
        self._find = find
        self._active: dict[int, int] = {}
        self._kept: dict[int, tuple[object, bytes]] = {}
        self._depth = 0
        self._back_references = 0
        self.resolve = resolve
        self.keep_dict_order = keep_dict_order
        self.hook_function = hook_function
        self.is_mutable = False
        self.classes: set[type] = set()

    def value(self, value: object) -> bytes:
        """Return the encoding of any value."""
        cls = type(value)
        encode = self._table.get(cls)
        if encode is None:
            encode = self._find(cls)
        return encode(value, self)

    def part(self, value: object, step: str) -> bytes:
        """Return the encoding of a part; an error in it gets `step` in front of its path."""
        try:
            return self.value(value)
        except UnserializableError as error:
            error.under(step)
            raise

    def items(self, values: list[Any] | tuple[Any, ...]) -> bytes:
        """Return the encoding of items in order, as an array."""
        data = bulk(values)
        if data is not None:
            return data
        parts = [array_header(len(values))]
        try:
            for item in values:
                parts.append(self.value(item))
        except UnserializableError as error:
            error.under(f"[{len(parts) - 1}]")
            raise
        return b"".join(parts)

    def unordered(self, values: Iterable[Any]) -> bytes:
        """Return the encoding of items whose order means nothing."""
        items = list(values)
        kinds = set(map(type, items))
        if len(kinds) == 1 and (int in kinds or str in kinds):
            items.sort()
            return self.items(items)
        return array_header(len(items)) + b"".join(sorted([self.part(item, "{...}") for item in items]))

    def mapping(self, mapping: Mapping[Any, Any], *, ordered: bool = False) -> bytes:
        """Return the encoding of keys and values: keys sorted first unless the order of them counts."""
        keys = list(mapping)
        texts = {str}.issuperset(map(type, keys))
        if not ordered:
            if texts:
                keys.sort()
            else:
                return self._sorted_pairs(mapping)
        values = [mapping[key] for key in keys] if texts else list(mapping.values())
        head = self.items(keys)
        data = bulk(values)
        if data is not None:
            return head + data
        parts = [head, array_header(len(values))]
        try:
            for item in values:
                parts.append(self.value(item))
        except UnserializableError as error:
            error.under(f"[{_short(keys[len(parts) - 2])}]")
            raise
        return b"".join(parts)

    def _sorted_pairs(self, mapping: Mapping[Any, Any]) -> bytes:
        pairs = []
        for key, item in mapping.items():
            step = f"[{_short(key)}]"
            pairs.append((self.part(key, step), self.part(item, step)))
        pairs.sort()
        size = array_header(len(pairs))
        return b"".join([size, *[key for key, _ in pairs], size, *[item for _, item in pairs]])

    def attributes(self, names: Iterable[str], values: Iterable[object], head: bytes) -> bytes:
        """Return the encoding of named parts, behind the encoding of their names."""
        items = tuple(values)
        data = bulk(items)
        if data is not None:
            return head + data
        parts = [head, array_header(len(items))]
        try:
            for item in items:
                parts.append(self.value(item))
        except UnserializableError as error:
            error.under(f".{list(names)[len(parts) - 2]}")
            raise
        return b"".join(parts)

    def inside(self, value: object, encode: Callable[[], bytes]) -> bytes:
        """Return what `encode` gives for a container, once per container, with references to itself made finite.

        A container met inside itself is written as how many containers further out it is. One met twice side by
        side is written twice: shared and equal are the same value.
        """
        key = id(value)
        outer = self._active.get(key)
        if outer is not None:
            self._back_references += 1
            return b"\xc1R" + pack(self._depth - outer)
        kept = self._kept.get(key)
        if kept is not None:
            return kept[1]
        before = self._back_references
        self._active[key] = self._depth
        self._depth += 1
        try:
            data = seal(encode())
        finally:
            self._depth -= 1
            del self._active[key]
        # With a reference to further out, the encoding belongs to this place only.
        if len(data) >= _WORTH_KEEPING and self._back_references == before:
            self._kept[key] = (value, data)
        return data

    def user_output(self, head: bytes, output: object) -> bytes:
        """Return the encoding of what a registered serializer returned, so that it equals nothing else."""
        return b"\xc1X" + head + self.value(output)

    def refuse(self, value: object, reason: str) -> UnserializableError:
        """Return the error to raise for a value that has no canonical bytes."""
        return refusal(type(value), reason)


def refusal(cls: type, reason: str) -> UnserializableError:
    """Return the error for a type, with the registration to paste."""
    module, name = cls.__module__, cls.__qualname__
    line = "    ...  # bytes, or a simpler value that says all that matters"
    source = "" if module == "builtins" else f"from {module} import {name.partition('.')[0]}\n"
    remedy = (
        f"Declare one:\n\nfrom merkl import arg_serializer\n{source}\n@arg_serializer({name})\n"
        f"def serialize(value: {name}) -> bytes:\n{line}"
    )
    return UnserializableError(reason, type_name=f"{module}.{name}", remedy=remedy)


def _short(key: object) -> str:
    text = repr(key) if isinstance(key, str | bytes | int | float) else f"<{type(key).__name__}>"
    return text if len(text) <= 60 else text[:57] + "..."


_ = (all_scalars, framed)
