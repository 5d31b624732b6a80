"""Objects of the user's classes: enums, NamedTuples, dataclasses, and whatever pickle could take apart."""

from __future__ import annotations

import copyreg
import enum
import functools
import importlib
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from merkl_serializers.errors import UnserializableError
from merkl_serializers.names import class_header, is_builtin_module
from merkl_serializers.walk import Encoder, Walk, refusal
from merkl_serializers.wire import pack, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry, Maker

__all__ = ["install", "state_of"]

#: How many sets of attribute names are remembered per class.
_SHAPES = 64


def state_of(value: object, walk: Walk) -> bytes:
    """Return the encoding of the attributes of an object: those in its `__dict__`, then those in slots."""
    namespace = getattr(value, "__dict__", None)
    skip = _derived(type(value))
    held = {k: v for k, v in namespace.items() if k not in skip} if namespace else {}
    names = sorted(held)
    data = walk.attributes(names, [held[name] for name in names], pack(names))
    slots = copyreg._slotnames(type(value))  # type: ignore[attr-defined]
    if not slots:
        return data
    filled = {name: getattr(value, name) for name in sorted(slots) if hasattr(value, name)}
    return data + walk.attributes(filled, filled.values(), pack(list(filled)))


@functools.lru_cache(maxsize=1024)
def _derived(cls: type) -> frozenset[str]:
    """Return the names of attributes that are only remembered results (`cached_property`)."""
    return frozenset(
        name
        for base in cls.__mro__
        for name, attribute in vars(base).items()
        if isinstance(attribute, functools.cached_property)
    )


def _make_enum(cls: type, registry: CanonicalRegistry) -> Encoder | None:
    if not issubclass(cls, enum.Enum):
        return None
    head = b"\xc1E" + class_header(cls)
    is_own = is_builtin_module(cls.__module__)

    def encode(value: Any, walk: Walk) -> bytes:
        if not is_own:
            walk.classes.add(type(value))
        try:
            content = walk.value(value._value_)
        except UnserializableError:
            content = b"\xc1-"
        return head + (pack(None) if value._name_ is None else pack_str(value._name_)) + content

    return encode


def _make_named_tuple(cls: type, registry: CanonicalRegistry) -> Encoder | None:
    if not (issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)):
        return None
    names: tuple[str, ...] = cls._fields  # type: ignore[attr-defined]
    head = b"\xc1k" + class_header(cls) + pack(list(names))

    def encode(value: Any, walk: Walk) -> bytes:
        walk.classes.add(type(value))
        return walk.inside(value, lambda: walk.attributes(names, tuple.__iter__(value), head))

    return encode


def _make_attrs(cls: type, registry: CanonicalRegistry) -> Encoder | None:
    if "__attrs_attrs__" not in dir(cls):
        return None
    make: Maker = importlib.import_module("merkl_serializers.attrs_").make
    return make(cls, registry)


def _make_object(cls: type, registry: CanonicalRegistry) -> Encoder | None:
    if cls is object:
        raise refusal(cls, "a bare object() has an identity but no value")
    head = b"\xc1J" + class_header(cls)
    is_own = is_builtin_module(cls.__module__)
    if _reduces_itself(cls) or is_own:
        return _reducing_encoder(cls, is_own)
    if not copyreg._slotnames(cls) and getattr(cls, "__dictoffset__", 0):  # type: ignore[attr-defined]
        return _plain_encoder(cls, head)

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        walk.classes.add(type(value))
        return walk.inside(value, lambda: head + state_of(value, walk))

    return encode


def _plain_encoder(cls: type, head: bytes) -> Encoder:
    """Return the encoder of a class whose instances are all in their `__dict__`."""
    skip = _derived(cls)
    shapes: dict[tuple[str, ...], tuple[list[str], Any, bytes]] = {}

    def shape_of(names: tuple[str, ...]) -> tuple[list[str], Any, bytes]:
        kept = sorted(name for name in names if name not in skip)
        if not kept:
            get: Any = lambda namespace: ()  # noqa: E731
        elif len(kept) == 1:
            get = lambda namespace, name=kept[0]: (namespace[name],)  # noqa: E731
        else:
            get = itemgetter(*kept)
        shape = kept, get, head + pack(kept)
        if len(shapes) < _SHAPES:
            shapes[names] = shape
        return shape

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        walk.classes.add(type(value))
        namespace = value.__dict__
        names = tuple(namespace)
        kept, get, start = shapes.get(names) or shape_of(names)
        return walk.inside(value, lambda: walk.attributes(kept, get(namespace), start))

    return encode


def _reduces_itself(cls: type) -> bool:
    """Say whether a class has a say in how it is taken apart."""
    return (
        cls in copyreg.dispatch_table
        or cls.__reduce_ex__ is not object.__reduce_ex__
        or cls.__reduce__ is not object.__reduce__
        or getattr(cls, "__getstate__", None) is not object.__getstate__  # type: ignore[attr-defined]
        or hasattr(cls, "__getnewargs__")
        or hasattr(cls, "__getnewargs_ex__")
        or any(not base.__flags__ & (1 << 9) for base in cls.__mro__ if base is not object)
    )


def _reducing_encoder(cls: type, is_own: bool) -> Encoder:
    head = b"\xc1K" + class_header(cls)

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        if not is_own:
            walk.classes.add(type(value))
        return walk.inside(value, lambda: head + _encode_reduced(value, walk))

    return encode


def _encode_reduced(value: Any, walk: Walk) -> bytes:
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
    except UnserializableError:
        raise
    except Exception as error:
        raise refusal(type(value), f"it cannot be taken apart ({type(error).__name__}: {error})") from error
    if isinstance(reduced, str):
        return b"g" + pack_str(reduced)
    function, arguments, state, listed, mapped, setter = (*reduced, None, None, None, None)[:6]
    parts = [b"r", walk.part(function, ".__reduce__()[0]"), walk.part(arguments, ".__reduce__()[1]")]
    parts.append(_encode_state(state, walk))
    parts.append(pack(None) if listed is None else walk.items(list(listed)))
    parts.append(pack(None) if mapped is None else walk.mapping(dict(mapped), ordered=walk.keep_dict_order))
    parts.append(walk.value(setter))
    return b"".join(parts)


def _encode_state(state: object, walk: Walk) -> bytes:
    if type(state) is dict:
        return b"d" + _encode_names(state, walk)
    if (
        type(state) is tuple
        and len(state) == 2
        and type(state[1]) is dict
        and type(state[0]) in (dict, type(None))
    ):
        namespace = b"n" if state[0] is None else b"d" + _encode_names(state[0], walk)
        return b"s" + namespace + _encode_names(state[1], walk)
    return b"v" + walk.part(state, ".__getstate__()")


def _encode_names(namespace: dict[Any, Any], walk: Walk) -> bytes:
    if not {str}.issuperset(map(type, namespace)):
        return b"m" + walk.mapping(namespace)
    names = sorted(namespace)
    return b"a" + walk.attributes(names, [namespace[name] for name in names], walk.items(names))


def install(registry: CanonicalRegistry) -> None:
    """Register the encoders of this file."""
    registry.add_kind(_make_enum)
    registry.add_kind(_make_named_tuple)
    registry.add_kind(_make_attrs)
    registry.add_maker(object, _make_object)
