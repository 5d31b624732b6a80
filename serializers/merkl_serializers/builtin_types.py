"""Python's own types: scalars, containers, dates and times, paths, patterns."""

from __future__ import annotations

import collections
import copyreg
import datetime
import pathlib
import re
import struct
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from merkl_serializers.names import class_header
from merkl_serializers.objects import reducing_encoder, state_encoder
from merkl_serializers.walk import Encoder, Walk, mutable
from merkl_serializers.wire import (
    bulk,
    hash_buffer,
    pack,
    pack_bytes,
    pack_int,
    pack_names,
    pack_str,
    scalar,
    seal,
)

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry, Maker

__all__ = ["exact", "install", "subclass_encoder"]


# -- scalars


def _encode_scalar(value: object, walk: Walk) -> bytes:
    data = scalar(value)
    assert data is not None
    return data


def _encode_complex(value: complex, walk: Walk) -> bytes:
    return b"\xc1c" + struct.pack("<dd", value.real, value.imag)


def _encode_bytearray(value: bytearray, walk: Walk) -> bytes:
    walk.is_mutable = True
    return b"\xc1y" + pack_bytes(bytes(value))


def _encode_memoryview(value: memoryview, walk: Walk) -> bytes:
    walk.is_mutable = True
    # BLAKE3 reads nothing but bytes.
    is_readable = value.c_contiguous and value.nbytes > 0
    buffer = value.cast("B") if is_readable else memoryview(value.tobytes())
    return b"\xc1v" + pack_str(value.format) + pack(value.shape) + hash_buffer(buffer)


def _encode_struct(value: struct.Struct, walk: Walk) -> bytes:
    return b"\xc1(" + pack_str(value.format)


def _encode_range(value: range, walk: Walk) -> bytes:
    return b"\xc1," + pack_int(value.start) + pack_int(value.stop) + pack_int(value.step)


def _encode_slice(value: slice, walk: Walk) -> bytes:
    return b"\xc1l" + walk.items((value.start, value.stop, value.step))


def _encode_by_name(value: object, walk: Walk) -> bytes:
    return b"\xc1n" + pack_str(repr(value))


# -- containers


def _encode_list(value: list[Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    data = bulk(value)
    return walk.inside(value, _list_body) if data is None else seal(data)


def _list_body(value: list[Any], walk: Walk) -> bytes:
    return walk.items(value)


def _encode_tuple(value: tuple[Any, ...], walk: Walk) -> bytes:
    data = bulk(value)
    return walk.inside(value, _tuple_body) if data is None else seal(b"\xc1t" + data)


def _tuple_body(value: tuple[Any, ...], walk: Walk) -> bytes:
    return b"\xc1t" + walk.items(value)


def _encode_dict(value: dict[Any, Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    if len(value) < 64 and {str}.issuperset(map(type, value)):
        names = list(value) if walk.keep_dict_order else sorted(value)
        data = bulk(list(map(value.__getitem__, names)))
        if data is not None:
            return seal((b"\xc1e" if walk.keep_dict_order else b"\xc1d") + pack_names(names) + data)
    return walk.inside(value, _dict_body)


def _dict_body(value: dict[Any, Any], walk: Walk) -> bytes:
    if walk.keep_dict_order:
        return b"\xc1e" + walk.mapping(value, ordered=True)
    return b"\xc1d" + walk.mapping(value)


def _encode_set(value: set[Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(value, _set_body)


def _set_body(value: set[Any], walk: Walk) -> bytes:
    return b"\xc1s" + walk.unordered(value)


def _encode_frozenset(value: frozenset[Any], walk: Walk) -> bytes:
    return walk.inside(value, _frozenset_body)


def _frozenset_body(value: frozenset[Any], walk: Walk) -> bytes:
    return b"\xc1z" + walk.unordered(value)


def _changeable(body: Encoder) -> Encoder:
    """Return the encoder of a container that can be changed in place, from what gives its content."""

    return mutable(body)


def _ordered_dict_body(value: collections.OrderedDict[Any, Any], walk: Walk) -> bytes:
    return b"\xc1O" + walk.mapping(value, ordered=True)


def _deque_body(value: collections.deque[Any], walk: Walk) -> bytes:
    return b"\xc1Q" + walk.value(value.maxlen) + walk.items(list(value))


def _counter_body(value: collections.Counter[Any], walk: Walk) -> bytes:
    return b"\xc1N" + walk.mapping(value, ordered=walk.keep_dict_order)


def _default_dict_body(value: collections.defaultdict[Any, Any], walk: Walk) -> bytes:
    factory = walk.part(value.default_factory, ".default_factory")
    return b"\xc1f" + factory + walk.mapping(value, ordered=walk.keep_dict_order)


def _view_encoder(kind: bytes) -> Encoder:
    """Return the encoder of a view of a dict, which has the order of the dict."""

    def body(value: Any, walk: Walk) -> bytes:
        return kind + walk.items(list(value))

    return _changeable(body)


def _mapping_proxy_body(value: types.MappingProxyType[Any, Any], walk: Walk) -> bytes:
    return b"\xc1m" + walk.mapping(dict(value), ordered=walk.keep_dict_order)


def _namespace_body(value: types.SimpleNamespace, walk: Walk) -> bytes:
    return b"\xc1a" + walk.mapping(vars(value))


# -- dates and times, paths, patterns


def _encode_date(value: datetime.date, walk: Walk) -> bytes:
    return b"\xc1Cd" + pack(value.toordinal())


def _encode_time(value: datetime.time, walk: Walk) -> bytes:
    fields = (value.hour, value.minute, value.second, value.microsecond, value.fold)
    return b"\xc1Ct" + pack(fields) + walk.part(value.tzinfo, ".tzinfo")


def _encode_datetime(value: datetime.datetime, walk: Walk) -> bytes:
    day = (value.year, value.month, value.day)
    time = (value.hour, value.minute, value.second, value.microsecond, value.fold)
    return b"\xc1Cm" + pack(day + time) + walk.part(value.tzinfo, ".tzinfo")


def _encode_timedelta(value: datetime.timedelta, walk: Walk) -> bytes:
    return b"\xc1Cl" + pack((value.days, value.seconds, value.microseconds))


def _encode_timezone(value: datetime.timezone, walk: Walk) -> bytes:
    # Zones of one offset are equal whatever their names, but the names show in tzname().
    return b"\xc1Cz" + walk.items((value.utcoffset(None), value.tzname(None)))


def _encode_path(value: pathlib.PurePath, walk: Walk) -> bytes:
    return b"\xc1p" + pack_str(type(value).__name__) + pack_str(str(value))


def _encode_pattern(value: re.Pattern[Any], walk: Walk) -> bytes:
    return b"\xc1P" + walk.items((value.pattern, value.flags))


# -- registration


def exact(base: type, encode: Encoder, plain: Callable[[Any], object] | None = None) -> Maker:
    """Return a maker for one builtin type.

    With `plain`, which gets the builtin's value out of an instance of a subclass, it serves those too.
    """

    def make(cls: type, registry: CanonicalRegistry) -> Encoder | None:
        if cls is base:
            return encode
        return None if plain is None else subclass_encoder(cls, encode, plain)

    return make


def subclass_encoder(
    cls: type, encode: Encoder, plain: Callable[[Any], object], *, without: frozenset[str] = frozenset()
) -> Encoder:
    """Return the encoder of a subclass of a builtin: class, the builtin's value, and the attributes added."""
    if hasattr(cls, "n_sequence_fields"):
        # A struct sequence (os.stat_result): not all its fields are items.
        return reducing_encoder(cls)
    head = b"\xc1V" + class_header(cls)
    encode_state = state_encoder(cls, without=without)

    def body(value: Any, walk: Walk) -> bytes:
        return head + encode(plain(value), walk) + encode_state(value, walk)

    return mutable(body)


def _plain_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    return {key: dict.__getitem__(value, key) for key in dict.__iter__(value)}


def _plain_ordered(value: collections.OrderedDict[Any, Any]) -> collections.OrderedDict[Any, Any]:
    keys = collections.OrderedDict.__iter__(value)
    return collections.OrderedDict((key, dict.__getitem__(value, key)) for key in keys)


def _plain_time(value: datetime.time | datetime.datetime) -> datetime.time:
    return datetime.time(
        value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold
    )


def _plain_date(value: datetime.date) -> datetime.date:
    return datetime.date(value.year, value.month, value.day)


#: Type -> its encoder, and how to get the builtin's value out of an instance of a subclass.
_TYPES: dict[type, tuple[Encoder, Callable[[Any], object] | None]] = {
    type(None): (_encode_scalar, None),
    bool: (_encode_scalar, None),
    int: (_encode_scalar, int.__int__),
    float: (_encode_scalar, float.__float__),
    str: (_encode_scalar, str.__str__),
    bytes: (_encode_scalar, lambda v: b"".join([v])),
    complex: (_encode_complex, complex.__complex__),
    list: (_encode_list, lambda v: list(list.__iter__(v))),
    tuple: (_encode_tuple, lambda v: tuple(tuple.__iter__(v))),
    dict: (_encode_dict, _plain_dict),
    set: (_encode_set, lambda v: set(set.__iter__(v))),
    frozenset: (_encode_frozenset, lambda v: frozenset(frozenset.__iter__(v))),
    bytearray: (_encode_bytearray, lambda v: bytearray(memoryview(v))),
    memoryview: (_encode_memoryview, None),
    range: (_encode_range, None),
    slice: (_encode_slice, None),
    struct.Struct: (_encode_struct, None),
    type(...): (_encode_by_name, None),
    type(NotImplemented): (_encode_by_name, None),
    datetime.date: (_encode_date, _plain_date),
    datetime.time: (_encode_time, _plain_time),
    datetime.datetime: (
        _encode_datetime,
        lambda v: datetime.datetime.combine(_plain_date(v), _plain_time(v)),
    ),
    datetime.timedelta: (
        _encode_timedelta,
        lambda v: datetime.timedelta(v.days, v.seconds, v.microseconds),
    ),
    datetime.timezone: (_encode_timezone, None),
    re.Pattern: (_encode_pattern, None),
    collections.OrderedDict: (_changeable(_ordered_dict_body), _plain_ordered),
    collections.deque: (
        _changeable(_deque_body),
        lambda v: collections.deque(collections.deque.__iter__(v), v.maxlen),
    ),
    collections.Counter: (_changeable(_counter_body), lambda v: collections.Counter(_plain_dict(v))),
    collections.defaultdict: (
        _changeable(_default_dict_body),
        lambda v: collections.defaultdict(v.default_factory, _plain_dict(v)),
    ),
    type({}.keys()): (_view_encoder(b"\xc1(k"), None),
    type({}.values()): (_view_encoder(b"\xc1(v"), None),
    type({}.items()): (_view_encoder(b"\xc1(i"), None),
    type(collections.OrderedDict().keys()): (_view_encoder(b"\xc1(K"), None),
    type(collections.OrderedDict().values()): (_view_encoder(b"\xc1(V"), None),
    type(collections.OrderedDict().items()): (_view_encoder(b"\xc1(I"), None),
    types.MappingProxyType: (_changeable(_mapping_proxy_body), None),
    types.SimpleNamespace: (_changeable(_namespace_body), lambda v: types.SimpleNamespace(**vars(v))),
}


def _path_maker(base: type[pathlib.PurePath]) -> Maker:
    """Return a maker for one kind of paths; by what attributes a path works differs between versions of Python."""
    own = frozenset(copyreg._slotnames(base))  # type: ignore[attr-defined]
    pure = pathlib.PurePosixPath if issubclass(base, pathlib.PurePosixPath) else pathlib.PureWindowsPath

    def make(cls: type, registry: CanonicalRegistry) -> Encoder | None:
        return _encode_path if cls is base else subclass_encoder(cls, _encode_path, pure, without=own)

    return make


def install(registry: CanonicalRegistry) -> None:
    """Register the encoders of this file."""
    for base, (encode, plain) in _TYPES.items():
        registry.add_maker(base, exact(base, encode, plain))
    for path in (pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath):
        registry.add_maker(path, _path_maker(path))
