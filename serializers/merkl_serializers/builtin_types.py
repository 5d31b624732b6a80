"""Python's own types: scalars, containers, dates, numbers, paths."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import pathlib
import re
import struct
import types
import uuid
import zoneinfo
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from merkl_serializers.names import class_header, is_builtin_module
from merkl_serializers.objects import state_of
from merkl_serializers.walk import Encoder, Walk, refusal
from merkl_serializers.wire import (
    bulk,
    framed,
    hash_buffer,
    pack,
    pack_bytes,
    pack_int,
    pack_str,
    scalar,
    seal,
)

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def _encode_list(value: list[Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    data = bulk(value)
    return seal(data) if data is not None else walk.inside(value, lambda: walk.items(value))


def _encode_tuple(value: tuple[Any, ...], walk: Walk) -> bytes:
    data = bulk(value)
    return (
        seal(b"\xc1t" + data)
        if data is not None
        else walk.inside(value, lambda: b"\xc1t" + walk.items(value))
    )


def _encode_dict(value: dict[Any, Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    if walk.keep_dict_order:
        return walk.inside(value, lambda: b"\xc1e" + walk.mapping(value, ordered=True))
    return walk.inside(value, lambda: b"\xc1d" + walk.mapping(value))


def _encode_set(value: set[Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(value, lambda: b"\xc1s" + walk.unordered(value))


def _encode_frozenset(value: frozenset[Any], walk: Walk) -> bytes:
    return walk.inside(value, lambda: b"\xc1z" + walk.unordered(value))


def _encode_bytearray(value: bytearray, walk: Walk) -> bytes:
    walk.is_mutable = True
    return b"\xc1y" + pack_bytes(bytes(value))


def _encode_memoryview(value: memoryview, walk: Walk) -> bytes:
    walk.is_mutable = not value.readonly or walk.is_mutable
    buffer = value if value.c_contiguous else memoryview(value.tobytes())
    shape = value.shape or ()
    return b"\xc1v" + pack_str(value.format) + pack(list(shape)) + hash_buffer(buffer)


def _encode_complex(value: complex, walk: Walk) -> bytes:
    return b"\xc1c" + struct.pack("<dd", value.real, value.imag)


def _encode_range(value: range, walk: Walk) -> bytes:
    return b"\xc1r" + pack_int(value.start) + pack_int(value.stop) + pack_int(value.step)


def _encode_slice(value: slice, walk: Walk) -> bytes:
    return b"\xc1l" + walk.items((value.start, value.stop, value.step))


def _encode_name(value: object, walk: Walk) -> bytes:
    return b"\xc1n" + pack_str(repr(value))


def _encode_decimal(value: decimal.Decimal, walk: Walk) -> bytes:
    # str(value) would depend on the context of the moment.
    sign, digits, exponent = value.as_tuple()
    return b"\xc1D" + pack(sign) + pack_str("".join(map(str, digits))) + pack(exponent)


def _encode_fraction(value: fractions.Fraction, walk: Walk) -> bytes:
    return b"\xc1q" + pack_int(value.numerator) + pack_int(value.denominator)


def _encode_uuid(value: uuid.UUID, walk: Walk) -> bytes:
    return b"\xc1u" + value.bytes


def _encode_path(value: pathlib.PurePath, walk: Walk) -> bytes:
    return b"\xc1p" + pack_str(type(value).__name__) + pack_str(str(value))


def _encode_date(value: datetime.date, walk: Walk) -> bytes:
    return b"\xc1Cd" + pack(value.toordinal())


def _encode_time(value: datetime.time, walk: Walk) -> bytes:
    fields = (value.hour, value.minute, value.second, value.microsecond, value.fold)
    return b"\xc1Ct" + pack(fields) + walk.part(value.tzinfo, ".tzinfo")


def _encode_datetime(value: datetime.datetime, walk: Walk) -> bytes:
    fields = (
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        value.fold,
    )
    return b"\xc1Cm" + pack(fields) + walk.part(value.tzinfo, ".tzinfo")


def _encode_timedelta(value: datetime.timedelta, walk: Walk) -> bytes:
    return b"\xc1Cl" + pack((value.days, value.seconds, value.microseconds))


def _encode_timezone(value: datetime.timezone, walk: Walk) -> bytes:
    return b"\xc1Cz" + walk.items(value.__getinitargs__())  # type: ignore[attr-defined]


def _encode_zone(value: zoneinfo.ZoneInfo, walk: Walk) -> bytes:
    if value.key is None:
        raise refusal(zoneinfo.ZoneInfo, "a zone that was read from a file has no key to name it by")
    return b"\xc1Ck" + pack_str(value.key)


def _encode_pattern(value: re.Pattern[Any], walk: Walk) -> bytes:
    return b"\xc1P" + walk.items((value.pattern, value.flags))


def _encode_ordered_dict(value: collections.OrderedDict[Any, Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(value, lambda: b"\xc1O" + walk.mapping(value, ordered=True))


def _encode_deque(value: collections.deque[Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(value, lambda: b"\xc1Q" + walk.value(value.maxlen) + walk.items(list(value)))


def _encode_counter(value: collections.Counter[Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(value, lambda: b"\xc1N" + walk.mapping(value, ordered=walk.keep_dict_order))


def _encode_default_dict(value: collections.defaultdict[Any, Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(
        value,
        lambda: (
            b"\xc1f" + walk.value(value.default_factory) + walk.mapping(value, ordered=walk.keep_dict_order)
        ),
    )


def _encode_mapping_proxy(value: types.MappingProxyType[Any, Any], walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(value, lambda: b"\xc1m" + walk.mapping(value, ordered=walk.keep_dict_order))


def _encode_namespace(value: types.SimpleNamespace, walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(value, lambda: b"\xc1a" + walk.mapping(vars(value)))


def _encode_scalar(value: object, walk: Walk) -> bytes:
    data = scalar(value)
    assert data is not None
    return data


#: Type -> its encoder, and how to get the plain value out of an instance of a subclass.
_EXACT: dict[type, tuple[Encoder, Callable[[Any], object]]] = {
    type(None): (_encode_scalar, lambda v: v),
    bool: (_encode_scalar, lambda v: v),
    int: (_encode_scalar, int.__int__),
    float: (_encode_scalar, float.__float__),
    str: (_encode_scalar, str.__str__),
    bytes: (_encode_scalar, lambda v: bytes.join(b"", [v])),
    complex: (_encode_complex, lambda v: complex(v.real, v.imag)),
    list: (_encode_list, lambda v: list(list.__iter__(v))),
    tuple: (_encode_tuple, lambda v: tuple(tuple.__iter__(v))),
    dict: (_encode_dict, lambda v: {k: dict.__getitem__(v, k) for k in dict.__iter__(v)}),
    set: (_encode_set, lambda v: set(set.__iter__(v))),
    frozenset: (_encode_frozenset, lambda v: frozenset(frozenset.__iter__(v))),
    bytearray: (_encode_bytearray, lambda v: bytearray(memoryview(v))),
    memoryview: (_encode_memoryview, lambda v: v),
    range: (_encode_range, lambda v: v),
    slice: (_encode_slice, lambda v: v),
    type(...): (_encode_name, lambda v: v),
    type(NotImplemented): (_encode_name, lambda v: v),
    decimal.Decimal: (_encode_decimal, decimal.Decimal),
    fractions.Fraction: (_encode_fraction, lambda v: fractions.Fraction(v.numerator, v.denominator)),
    uuid.UUID: (_encode_uuid, lambda v: uuid.UUID(bytes=v.bytes)),
    datetime.date: (_encode_date, lambda v: datetime.date(v.year, v.month, v.day)),
    datetime.time: (
        _encode_time,
        lambda v: datetime.time(v.hour, v.minute, v.second, v.microsecond, v.tzinfo, fold=v.fold),
    ),
    datetime.datetime: (
        _encode_datetime,
        lambda v: datetime.datetime.combine(
            datetime.date(v.year, v.month, v.day),
            datetime.time(v.hour, v.minute, v.second, v.microsecond, v.tzinfo, fold=v.fold),
        ),
    ),
    datetime.timedelta: (_encode_timedelta, lambda v: datetime.timedelta(v.days, v.seconds, v.microseconds)),
    datetime.timezone: (_encode_timezone, lambda v: v),
    zoneinfo.ZoneInfo: (_encode_zone, lambda v: v),
    re.Pattern: (_encode_pattern, lambda v: v),
    collections.OrderedDict: (
        _encode_ordered_dict,
        lambda v: collections.OrderedDict(
            (k, dict.__getitem__(v, k)) for k in collections.OrderedDict.__iter__(v)
        ),
    ),
    collections.deque: (_encode_deque, lambda v: collections.deque(collections.deque.__iter__(v), v.maxlen)),
    collections.Counter: (_encode_counter, lambda v: collections.Counter(dict(dict.items(v)))),
    collections.defaultdict: (
        _encode_default_dict,
        lambda v: collections.defaultdict(v.default_factory, dict(dict.items(v))),
    ),
    types.MappingProxyType: (_encode_mapping_proxy, lambda v: v),
    types.SimpleNamespace: (_encode_namespace, lambda v: types.SimpleNamespace(**vars(v))),
}

_PATHS = (
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
    pathlib.PosixPath,
    pathlib.WindowsPath,
)


def _maker(base: type, encode: Encoder, plain: Callable[[Any], object]) -> Callable[..., Encoder | None]:
    def make(cls: type, registry: CanonicalRegistry) -> Encoder | None:
        return encode if cls is base else _subclass_encoder(cls, encode, plain)

    return make


def _subclass_encoder(cls: type, encode: Encoder, plain: Callable[[Any], object]) -> Encoder | None:
    """Return an encoder for a subclass of a builtin: its name, the builtin's value, and the attributes added."""
    from_object = [getattr(cls, name, None) for name in ("__getnewargs_ex__", "__getstate__")]
    del from_object
    head = b"\xc1V" + class_header(cls)
    is_own = is_builtin_module(cls.__module__)

    def encode_subclass(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        if not is_own:
            walk.classes.add(type(value))

        def body() -> bytes:
            return head + encode(plain(value), walk) + state_of(value, walk)

        return walk.inside(value, body)

    return encode_subclass


def _make_path(cls: type, registry: CanonicalRegistry) -> Encoder | None:
    return _encode_path if cls in _PATHS else None


def install(registry: CanonicalRegistry) -> None:
    """Register the encoders of this file."""
    for base, (encode, plain) in _EXACT.items():
        registry.add_maker(base, _maker(base, encode, plain))
    registry.add_maker(pathlib.PurePath, _make_path)


_ = framed
