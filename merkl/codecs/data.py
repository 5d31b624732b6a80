"""Nested values of standard and data types, exactly: MessagePack with a tag on whatever it does not tell apart.

Layout: magic, length of the head, head (MessagePack of classes, body and a table of parts), then the parts, each on a
64-byte boundary. A part holds what another codec made (an array, a frame), so that it can be mapped in place.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from merkl.codecs.base import Codec, DecodeError, Encoded
from merkl.codecs.classes import ClassInfo, class_info
from merkl.codecs.definitions import class_name, resolve_class
from merkl.codecs.numpy_scalars import build_scalar, is_scalar, take_scalar
from merkl.codecs.plain import MOST_EXPANSION, SCALARS
from merkl.codecs.registry import CodecRegistry
from merkl.codecs.standard import BUILDERS, TAGS, TAKERS, Tag

__all__ = ["DataCodec"]

Ext = msgspec.msgpack.Ext
MAGIC = b"merkl\x01\n\x00"
ALIGNMENT = 64

_pack = msgspec.msgpack.Encoder().encode


class NotData(Exception):
    """Something inside is not data that this codec gives back exactly."""


class DataCodec(Codec):
    """Tuples, sets, dates, decimals, paths, enums, dataclasses, models … at any depth, with arrays and frames inside.

    Args:
        registry: asked for a safe codec for anything else met inside.

    >>> codec = DataCodec(CodecRegistry())
    >>> content = codec.encode({"a": (1, {2, 3})}, dict).content
    >>> codec.decode(b"".join(content), "")
    {'a': (1, {2, 3})}
    """

    name = "data"

    def __init__(self, registry: CodecRegistry) -> None:
        self._registry = registry

    def bound_to(self, registry: CodecRegistry) -> DataCodec:
        """Return the same codec, asking another registry."""
        return DataCodec(registry)

    def encode(self, value: Any, declared: Any) -> Encoded | None:
        """Return the value with tags, None if a part of it is no data."""
        for careful in (False, True):
            lowering = _Lowering(self._registry, careful)
            try:
                head = _pack((lowering.classes, lowering.lower(value), lowering.offsets()))
            except (UnicodeEncodeError, OverflowError):
                continue  # a lone surrogate or a long int: look at every scalar
            except (NotData, RecursionError, ValueError):
                return None
            decode_type = class_name(type(value)) if type(value) not in TAGS and lowering.classes else ""
            code = tuple(lowering.code)
            return Encoded(_layout(head, lowering.parts), self.name, self.version, decode_type, code=code)
        return None

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the value.

        Raises:
            DecodeError: a class is gone or has other fields, or the content is damaged.
        """
        view = memoryview(content)
        if view[:8] != MAGIC:
            raise DecodeError("the content does not begin as codec 'data' writes it")
        start = 16 + int.from_bytes(view[8:16], "little")
        return _Raising(self._registry, view, start).value(view[16:start])


def _layout(head: bytes, parts: list[list[Any]]) -> list[Any]:
    pieces: list[Any] = [MAGIC, len(head).to_bytes(8, "little"), head]
    position = 16 + len(head)
    for part in parts:
        gap = -position % ALIGNMENT
        pieces.append(bytes(gap))
        pieces.extend(part)
        position += gap + sum(len(piece) for piece in part)
    return pieces


class _Lowering:
    """One walk over a value that replaces what MessagePack does not tell apart by tagged bytes."""

    def __init__(self, registry: CodecRegistry, careful: bool, whole: _Lowering | None = None) -> None:
        self.classes: list[tuple[str, str, tuple[str, ...]]] = []
        self.parts: list[list[Any]] = []
        self.code: dict[type, None] = {}
        self._careful = careful
        self._registry = registry
        self._infos: dict[type, tuple[int, ClassInfo]] = {}
        #: the walk over the whole value, where this one is over a part of it
        self._whole = whole or self
        self._nodes = 0
        self._unique: set[int] = set()
        #: sets by id, with their items in order
        self._orders: dict[int, tuple[Any, list[Any]]] = {}

    def offsets(self) -> list[int]:
        """Return the length of every part; with the alignment that says where each is."""
        return [sum(len(piece) for piece in part) for part in self.parts]

    def lower(self, value: Any) -> Any:
        kind = type(value)
        if kind in SCALARS:
            return self._scalar(value, kind) if self._careful else value
        self._count(value)
        if kind is list:
            return self._items(value)
        if kind is dict:
            return self._dict(value)
        tag = TAGS.get(kind)
        if tag is not None:
            return self._tagged(tag, value)
        if issubclass(kind, Enum):
            return self._enum(kind, value)
        info = self._info(kind)
        if info is not None:
            state = info[1].take(value)
            if state is None:
                raise NotData
            return Ext(Tag.OBJECT, _pack((info[0], self._items(state))))
        if is_scalar(kind):
            state = take_scalar(value)  # type: ignore[assignment]
            if state is None:
                raise NotData
            return Ext(Tag.NUMPY_SCALAR, _pack(self._items(state)))
        return self._part(value, kind)

    def _count(self, value: Any) -> None:
        whole = self._whole
        whole._nodes += 1
        whole._unique.add(id(value))
        if whole._nodes > MOST_EXPANSION and whole._nodes > 10 * len(whole._unique):
            raise NotData  # shares so much with itself that writing every use would explode

    def _scalar(self, value: Any, kind: type) -> Any:
        if kind is int and not -(1 << 63) <= value < 1 << 64:
            return Ext(Tag.INT, value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))
        if kind is str and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                return Ext(Tag.STR, value.encode("utf-8", "surrogatepass"))
        return value

    def _items(self, values: Any) -> list[Any]:
        if not self._careful and SCALARS.issuperset(map(type, values)):
            return values if type(values) is list else list(values)
        lower = self.lower
        return [lower(value) for value in values]

    def _dict(self, value: dict[Any, Any]) -> Any:
        if not self._careful and SCALARS.issuperset(map(type, value)):
            return dict(zip(value, self._items(value.values()), strict=True))
        return Ext(Tag.DICT, _pack((self._items(value), self._items(value.values()))))

    def _tagged(self, tag: int, value: Any) -> Any:
        if tag == Tag.SET or tag == Tag.FROZENSET:
            return Ext(tag, self._set(value))
        state = TAKERS[tag](value)
        if state is None:
            raise NotData
        return Ext(tag, _pack(self._items(state)))

    def _set(self, value: Any) -> bytes:
        """Return the items of a set in an order that follows from them: the one that it has is chance.

        It is that of the bytes that they have without what is around, because the numbers of classes and parts follow from it.
        """
        known = self._whole._orders.get(id(value))
        if known is None:
            apart = _Lowering(self._registry, self._careful, self._whole)
            packed = list(map(_pack, apart._items(value)))
            if not apart.classes and not apart.parts:
                return _pack_all(sorted(packed))
            if len(apart.classes) > 1 or apart.parts:
                packed = [self._bytes_alone(item) for item in value]
            pairs = sorted(zip(packed, value, strict=True), key=lambda pair: pair[0])
            known = self._whole._orders[id(value)] = (value, [item for _, item in pairs])
        return _pack(self._items(known[1]))

    def _bytes_alone(self, item: Any) -> bytes:
        alone = _Lowering(self._registry, self._careful, self._whole)
        head = _pack((alone.lower(item), alone.classes, alone.offsets()))
        return head + b"".join(bytes(piece) for part in alone.parts for piece in part)

    def _enum(self, kind: type[Enum], value: Enum) -> Any:
        index = self._class(kind, "enum", ())
        if value._name_ is not None and kind._member_map_.get(value._name_) is value:
            return Ext(Tag.ENUM, _pack((index, value._name_, None)))
        return Ext(Tag.ENUM, _pack((index, None, self.lower(value._value_))))

    def _info(self, kind: type) -> tuple[int, ClassInfo] | None:
        known = self._infos.get(kind)
        if known is None:
            info = class_info(kind)
            if info is None:
                return None
            known = self._infos[kind] = (self._class(kind, info.kind, info.fields), info)
        return known

    def _class(self, kind: type, label: str, fields: tuple[str, ...]) -> int:
        self.code[kind] = None
        described = (class_name(kind), label, fields)
        if described not in self.classes:
            if label == "enum" and resolve_class(described[0]) is not kind:
                raise NotData
            self.classes.append(described)
        return self.classes.index(described)

    def _part(self, value: Any, kind: type) -> Any:
        for codec in self._registry.special(kind):
            content = codec.encode(value, Any) if codec.is_safe else None
            if content is None:
                continue
            encoded = content if isinstance(content, Encoded) else Encoded(content, codec.name, codec.version)
            pieces = [encoded.content] if isinstance(encoded.content, bytes) else list(encoded.content)
            self.parts.append(pieces)
            return Ext(
                Tag.PART,
                _pack((len(self.parts) - 1, encoded.codec, encoded.codec_version, encoded.decode_type)),
            )
        raise NotData


def _pack_all(packed: list[bytes]) -> bytes:
    """Return the MessagePack array of items that are packed already."""
    return b"\xdd" + len(packed).to_bytes(4, "big") + b"".join(packed)


class _Raising:
    """The way back: tagged bytes to values, innermost first."""

    def __init__(self, registry: CodecRegistry, view: memoryview, start: int) -> None:
        self._registry = registry
        self._view = view
        self._position = start
        self._parts: list[memoryview] = []
        self._builders: list[Callable[[list[Any]], Any]] = []
        self._enums: list[type[Enum]] = []
        self._decode = msgspec.msgpack.Decoder(ext_hook=self._raise).decode

    def value(self, head: memoryview) -> Any:
        classes, body, lengths = msgspec.msgpack.decode(head, type=tuple[list[Any], msgspec.Raw, list[int]])
        self._classes = [self._load(*described) for described in classes]
        position = self._position
        for length in lengths:
            position += -position % ALIGNMENT
            self._parts.append(self._view[position : position + length])
            position += length
        if position > len(self._view):
            raise DecodeError("the content is shorter than its head says")
        return self._decode(body)

    def _load(self, name: str, label: str, fields: list[str]) -> Any:
        kind = resolve_class(name)
        if label == "enum":
            if not issubclass(kind, Enum):
                raise DecodeError(f"{name} is no Enum any more")
            return kind
        info = class_info(kind)
        if info is None or info.kind != label or list(info.fields) != fields:
            raise DecodeError(f"the fields of {name} are not those of the stored result")
        return info.build

    def _raise(self, code: int, data: memoryview) -> Any:
        if code == Tag.INT:
            return int.from_bytes(data, "little", signed=True)
        if code == Tag.STR:
            return bytes(data).decode("utf-8", "surrogatepass")
        state = self._decode(data)
        if code == Tag.OBJECT:
            return self._classes[state[0]](state[1])
        if code == Tag.ENUM:
            index, name, value = state
            return self._classes[index](value) if name is None else self._classes[index][name]
        if code == Tag.DICT:
            return dict(zip(*state, strict=True))
        if code == Tag.PART:
            index, codec, version, decode_type = state
            found = self._registry.get(codec)
            if found is None or found.needs_trust(decode_type):
                raise DecodeError(f"a part of the content is for codec {codec!r}, which data does not use")
            return self._registry.decode(codec, version, decode_type, self._parts[index])
        if code == Tag.NUMPY_SCALAR:
            return build_scalar(*state)
        return BUILDERS[code](state)
