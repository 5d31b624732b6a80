"""The standard library's value types as short lists of simpler values, and back."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import pathlib
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

__all__ = ["BUILDERS", "TAGS", "TAKERS", "Tag"]


class Tag:
    """What follows in a tagged value; stored, so never renumbered."""

    TUPLE = 1
    SET = 2
    FROZENSET = 3
    DICT = 4
    INT = 5
    STR = 6
    COMPLEX = 7
    BYTEARRAY = 8
    DATETIME = 9
    DATE = 10
    TIME = 11
    TIMEDELTA = 12
    TIMEZONE = 13
    ZONEINFO = 14
    DECIMAL = 15
    UUID = 16
    PATH = 17
    FRACTION = 18
    RANGE = 19
    SLICE = 20
    ELLIPSIS = 21
    ORDERED_DICT = 22
    DEFAULT_DICT = 23
    COUNTER = 24
    DEQUE = 25
    OBJECT = 26
    ENUM = 27
    PART = 28
    NUMPY_SCALAR = 29
    MEMORYVIEW = 30


def _take_timezone(value: datetime.timezone) -> Any:
    state = value.__getinitargs__()  # type: ignore[attr-defined]
    return state


def _take_defaultdict(value: collections.defaultdict[Any, Any]) -> Any:
    factory = value.default_factory
    name = None if factory is None else FACTORY_NAMES.get(factory)
    if factory is not None and name is None:
        return None
    return (name, list(value), list(value.values()))


def _take_memoryview(value: memoryview) -> Any:
    if value.format not in NATIVE_FORMATS or (value.ndim != 1 and not value.nbytes):
        return None
    return (value.readonly, value.format, value.shape, value.tobytes())


def _build_memoryview(state: list[Any]) -> memoryview:
    is_readonly, form, shape, content = state
    flat = memoryview(content if is_readonly else bytearray(content))
    return flat.cast(form) if len(shape) == 1 else flat.cast(form, shape)


def _build_zone(state: list[Any]) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(state[0])


FACTORIES: dict[str, Any] = {
    kind.__name__: kind for kind in (int, float, str, bytes, bool, list, dict, set, tuple)
}
FACTORY_NAMES: dict[Any, str] = {kind: name for name, kind in FACTORIES.items()}
PATHS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)
}

#: What a view can be cast to.
NATIVE_FORMATS = frozenset("bBcdfhHiIlLnNPqQ?")

TAGS: dict[type, int] = {
    tuple: Tag.TUPLE,
    set: Tag.SET,
    frozenset: Tag.FROZENSET,
    complex: Tag.COMPLEX,
    bytearray: Tag.BYTEARRAY,
    memoryview: Tag.MEMORYVIEW,
    datetime.datetime: Tag.DATETIME,
    datetime.date: Tag.DATE,
    datetime.time: Tag.TIME,
    datetime.timedelta: Tag.TIMEDELTA,
    datetime.timezone: Tag.TIMEZONE,
    zoneinfo.ZoneInfo: Tag.ZONEINFO,
    decimal.Decimal: Tag.DECIMAL,
    uuid.UUID: Tag.UUID,
    fractions.Fraction: Tag.FRACTION,
    range: Tag.RANGE,
    slice: Tag.SLICE,
    type(Ellipsis): Tag.ELLIPSIS,
    collections.OrderedDict: Tag.ORDERED_DICT,
    collections.defaultdict: Tag.DEFAULT_DICT,
    collections.Counter: Tag.COUNTER,
    collections.deque: Tag.DEQUE,
    **dict.fromkeys(PATHS.values(), Tag.PATH),
}

#: Tag -> the value as simpler ones, None if they would not give it back.
TAKERS: dict[int, Callable[[Any], Any]] = {
    Tag.TUPLE: lambda value: value,
    Tag.COMPLEX: lambda value: (value.real, value.imag),
    Tag.BYTEARRAY: lambda value: (bytes(value),),
    Tag.MEMORYVIEW: _take_memoryview,
    Tag.DATETIME: lambda value: (
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        value.tzinfo,
        value.fold,
    ),
    Tag.DATE: lambda value: (value.year, value.month, value.day),
    Tag.TIME: lambda value: (
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        value.tzinfo,
        value.fold,
    ),
    Tag.TIMEDELTA: lambda value: (value.days, value.seconds, value.microseconds),
    Tag.TIMEZONE: _take_timezone,
    Tag.ZONEINFO: lambda value: None if value.key is None else (value.key,),
    Tag.DECIMAL: lambda value: (str(value),),
    Tag.UUID: lambda value: (value.bytes, value.is_safe.value),
    Tag.PATH: lambda value: (type(value).__name__, str(value)),
    Tag.FRACTION: lambda value: (value.numerator, value.denominator),
    Tag.RANGE: lambda value: (value.start, value.stop, value.step),
    Tag.SLICE: lambda value: (value.start, value.stop, value.step),
    Tag.ELLIPSIS: lambda value: (),
    Tag.ORDERED_DICT: lambda value: (list(value), list(value.values())),
    Tag.DEFAULT_DICT: _take_defaultdict,
    Tag.COUNTER: lambda value: (list(value), list(value.values())),
    Tag.DEQUE: lambda value: (value.maxlen, list(value)),
}

#: Tag -> value from what its taker gave.
BUILDERS: dict[int, Callable[[list[Any]], Any]] = {
    Tag.TUPLE: tuple,
    Tag.SET: set,
    Tag.FROZENSET: frozenset,
    Tag.COMPLEX: lambda state: complex(*state),
    Tag.BYTEARRAY: lambda state: bytearray(state[0]),
    Tag.MEMORYVIEW: _build_memoryview,
    Tag.DATETIME: lambda state: datetime.datetime(*state[:8], fold=state[8]),
    Tag.DATE: lambda state: datetime.date(*state),
    Tag.TIME: lambda state: datetime.time(*state[:5], fold=state[5]),
    Tag.TIMEDELTA: lambda state: datetime.timedelta(*state),
    Tag.TIMEZONE: lambda state: datetime.timezone(*state),
    Tag.ZONEINFO: _build_zone,
    Tag.DECIMAL: lambda state: decimal.Decimal(state[0]),
    Tag.UUID: lambda state: uuid.UUID(bytes=state[0], is_safe=uuid.SafeUUID(state[1])),
    Tag.PATH: lambda state: PATHS[state[0]](state[1]),
    Tag.FRACTION: lambda state: fractions.Fraction(*state),
    Tag.RANGE: lambda state: range(*state),
    Tag.SLICE: lambda state: slice(*state),
    Tag.ELLIPSIS: lambda state: ...,
    Tag.ORDERED_DICT: lambda state: collections.OrderedDict(zip(*state, strict=True)),
    Tag.DEFAULT_DICT: lambda state: collections.defaultdict(
        None if state[0] is None else FACTORIES[state[0]], zip(state[1], state[2], strict=True)
    ),
    Tag.COUNTER: lambda state: collections.Counter(dict(zip(*state, strict=True))),
    Tag.DEQUE: lambda state: collections.deque(state[1], state[0]),
}
