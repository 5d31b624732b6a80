"""Objects of the user's classes: enums, NamedTuples, dataclasses, and whatever pickle could take apart."""

from __future__ import annotations

import copyreg
import enum
import functools
import gc
import importlib
import io
from collections.abc import Callable, MappingView
from operator import itemgetter
from types import FunctionType
from typing import TYPE_CHECKING, Any

from merkl_serializers.errors import UnserializableError, refusal
from merkl_serializers.names import class_header, is_builtin_module, is_installed, module_name, resolves
from merkl_serializers.remembered import remembered_by
from merkl_serializers.walk import Encoder, Walk
from merkl_serializers.wire import bulk, pack, pack_names, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry, Maker

__all__ = ["UNREADABLE", "install", "reduced_bytes", "reducing_encoder", "state_encoder"]

#: Stands where there is nothing to read: an empty cell, an enum member whose value has no bytes.
UNREADABLE = b"\xc1-"
#: How many sets of attribute names are remembered per class.
_SHAPES = 64


def state_encoder(cls: type, *, without: frozenset[str] = frozenset()) -> Encoder:
    """Return an encoder for the attributes of a class's instances: those in `__dict__`, then those in slots.

    What it only remembers is no part of a value: reading an attribute must not change a key. `without` names more that
    are left out.
    """
    skip = without | remembered_by(cls)
    slots = [name for name in sorted(copyreg._slotnames(cls)) if name not in skip]  # type: ignore[attr-defined]
    shape_of = _shape_finder(skip)

    def encode_namespace(value: Any, walk: Walk) -> bytes:
        namespace = value.__dict__
        names, get, head = shape_of(namespace)
        values = get(namespace)
        return head + (bulk(values) or walk.attributes(names, values))

    if not slots:
        return encode_namespace if getattr(cls, "__dictoffset__", 0) else lambda value, walk: b""

    def encode(value: Any, walk: Walk) -> bytes:
        start = encode_namespace(value, walk) if hasattr(value, "__dict__") else b""
        filled, values = [], []
        for name in slots:
            try:
                values.append(object.__getattribute__(value, name))
            except AttributeError:
                continue
            filled.append(name)
        return start + pack_names(filled) + walk.attributes(filled, values)

    return encode


def _shape_finder(
    skip: frozenset[str],
) -> Callable[[dict[str, Any]], tuple[list[str], Callable[[Any], tuple[Any, ...]], bytes]]:
    """Return a function from a namespace to its names in order, a getter for values, and the names encoded.

    Most objects of a class have the same names in the same order, so what follows from them is remembered.
    """
    shapes: dict[tuple[str, ...], tuple[list[str], Callable[[Any], tuple[Any, ...]], bytes]] = {}

    def shape_of(
        namespace: dict[str, Any],
    ) -> tuple[list[str], Callable[[Any], tuple[Any, ...]], bytes]:
        names = tuple(namespace)
        shape = shapes.get(names)
        if shape is None:
            kept = sorted(name for name in names if name not in skip)
            shape = kept, _getter(kept), pack_names(kept)
            if len(shapes) < _SHAPES:
                shapes[names] = shape
        return shape

    return shape_of


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda namespace: tuple(namespace[name] for name in names)


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
            content = UNREADABLE
        return head + (pack(None) if value._name_ is None else pack_str(value._name_)) + content

    return encode


def _make_named_tuple(cls: type, registry: CanonicalRegistry) -> Encoder | None:
    if not (issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)):
        return None
    names: tuple[str, ...] = cls._fields  # type: ignore[attr-defined]
    head = b"\xc1k" + class_header(cls) + pack_names(names)
    encode_state = state_encoder(cls)
    is_own = is_builtin_module(cls.__module__)

    def body(value: Any, walk: Walk) -> bytes:
        return head + walk.attributes(names, tuple(tuple.__iter__(value))) + encode_state(value, walk)

    def encode(value: Any, walk: Walk) -> bytes:
        if not is_own:
            walk.classes.add(type(value))
        return walk.inside(value, body)

    return encode


def _make_attrs(cls: type, registry: CanonicalRegistry) -> Encoder | None:
    if not hasattr(cls, "__attrs_attrs__"):
        return None
    make: Maker = importlib.import_module("merkl_serializers.attrs_").make
    return make(cls, registry)


def _make_object(cls: type, registry: CanonicalRegistry) -> Encoder | None:
    if cls is object:
        raise refusal(cls, "a bare object() has an identity but no value")
    is_own = is_builtin_module(cls.__module__)
    if is_own:
        _refuse_passing(cls)
    if is_own or _has_a_say(cls):
        return reducing_encoder(cls)
    head = b"\xc1J" + class_header(cls)
    encode_state = state_encoder(cls)
    takes_apart = False

    def body(value: Any, walk: Walk) -> bytes:
        return head + encode_state(value, walk)

    def encode(value: Any, walk: Walk) -> bytes:
        nonlocal takes_apart
        if not takes_apart:
            # Objects of C extensions may hold what no attribute shows; object.__reduce_ex__ knows.
            _reduce(value)
            takes_apart = True
        walk.is_mutable = True
        walk.classes.add(type(value))
        return walk.inside(value, body)

    return encode


def _refuse_passing(cls: type) -> None:
    """Refuse what has no value of its own, and say what to pass in its place."""
    if issubclass(cls, io.IOBase):
        if not issubclass(cls, io.BytesIO | io.StringIO):
            reason = "an open file is a position in something that changes"
            raise refusal(cls, reason, remedy="Pass a reference to the file (a FileRef), or what it holds.")
    elif hasattr(cls, "__next__"):
        raise refusal(cls, "an iterator is used up by whoever reads it; pass a list")
    elif issubclass(cls, MappingView):
        raise refusal(cls, "a view changes with its dict", remedy="Pass a list of it.")


def _has_a_say(cls: Any) -> bool:
    """Say whether a class decides itself how it is taken apart."""
    return (
        registered_reducer(cls) is not None
        or cls.__reduce_ex__ is not object.__reduce_ex__
        or cls.__reduce__ is not object.__reduce__
        or cls.__getstate__ is not object.__getstate__
        or hasattr(cls, "__getnewargs__")
        or hasattr(cls, "__getnewargs_ex__")
    )


def registered_reducer(cls: type) -> Callable[[Any], Any] | None:
    """Return what was registered with copyreg to take instances of a class apart, if anything.

    One that an installed package puts on all exceptions when it is imported (tblib, and so Dask) is passed over: they are
    no others by that.
    """
    reduce: Callable[[Any], Any] | None = copyreg.dispatch_table.get(cls)
    if (
        reduce is not None
        and issubclass(cls, BaseException)
        and reduce is copyreg.dispatch_table.get(Exception)
    ):
        return None if is_installed(getattr(reduce, "__module__", None)) else reduce
    return reduce


def _reduce(value: Any) -> Any:
    reduce = registered_reducer(type(value))
    try:
        return value.__reduce_ex__(4) if reduce is None else reduce(value)
    except UnserializableError:
        raise
    except Exception as error:
        reason = f"it cannot be taken apart ({type(error).__name__}: {error})"
        raise refusal(type(value), reason) from error


def reducing_encoder(cls: type) -> Encoder:
    """Return an encoder for what pickle would be told about an instance."""
    is_own = is_builtin_module(cls.__module__)
    head = b"\xc1K" + class_header(cls)
    # What a library makes of a function may say which one it was by a name (`toolz.curry`).
    may_name_code = (
        not is_own and is_installed(cls.__module__) and any("__call__" in vars(base) for base in cls.__mro__)
    )

    def body(value: Any, walk: Walk) -> bytes:
        reduced = _reduce(value)
        module = getattr(value, "__module__", None) if isinstance(reduced, str) else None
        if is_installed(module) and resolves(value, module, reduced):
            # What it is made of inside differs between versions of Python and of the library.
            return b"\xc1G" + pack_str(module_name(module)) + pack_str(reduced)
        code = _held_code(value, walk) if may_name_code else b""
        return head + _encode_reduced(reduced, value, walk) + code

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        if not is_own:
            walk.classes.add(type(value))
        return walk.inside(value, body)

    return encode


def _held_code(value: Any, walk: Walk) -> bytes:
    """Encode the functions of the user's that an object of a library holds, whatever it says when it is taken apart."""
    namespace = getattr(value, "__dict__", None)
    parts = namespace.values() if isinstance(namespace, dict) and namespace else gc.get_referents(value)
    held = [
        part.func if isinstance(part, functools.partial) else part
        for part in parts
        if isinstance(part, FunctionType | functools.partial)
    ]
    users = [fn for fn in held if isinstance(fn, FunctionType) and not is_installed(fn.__module__)]
    return walk.items(users) if users else b""


def reduced_bytes(value: Any, walk: Walk) -> bytes:
    """Return what `reducing_encoder` writes, for a value that the walk may be inside of already."""
    return b"\xc1K" + class_header(type(value)) + _encode_reduced(_reduce(value), value, walk)


def _encode_reduced(reduced: Any, value: Any, walk: Walk) -> bytes:
    """Encode what `__reduce_ex__(4)` returned: a global's name, or how to make the object again."""
    if isinstance(reduced, str):
        return b"g" + pack_str(reduced) + _named_state(value, walk)
    function, arguments, state, listed, mapped, setter = (*reduced, None, None, None, None)[:6]
    if isinstance(value, BaseException) and state == {}:
        state = None  # Exceptions have a namespace from when somebody first looks for one.
    parts = [b"r", walk.part(function, ".__reduce__()[0]"), walk.part(arguments, ".__reduce__()[1]")]
    parts.append(_encode_state(state, walk))
    parts.append(pack(None) if listed is None else walk.items(list(listed)))
    parts.append(pack(None) if mapped is None else walk.mapping(dict(mapped), ordered=walk.keep_dict_order))
    parts.append(walk.value(setter))
    return b"".join(parts)


def _named_state(value: Any, walk: Walk) -> bytes:
    """Encode what tells an object from others that have its name: the module of that name, and what it holds."""
    module = getattr(value, "__module__", None)
    head = pack_str(module_name(module)) if isinstance(module, str) else pack(None)
    if is_builtin_module(type(value).__module__):
        return head
    try:
        return head + state_encoder(type(value))(value, walk)
    except UnserializableError:
        return head + UNREADABLE


def _encode_state(state: Any, walk: Walk) -> bytes:
    """Encode the state of an object; a namespace is a namespace, whatever order its names came in."""
    if type(state) is dict:
        return b"d" + _encode_namespace(state, walk)
    if (
        type(state) is tuple
        and len(state) == 2
        and type(state[1]) is dict
        and type(state[0]) in (dict, type(None))
    ):
        namespace = b"n" if state[0] is None else b"d" + _encode_namespace(state[0], walk)
        return b"s" + namespace + _encode_namespace(state[1], walk)
    return b"v" + walk.part(state, ".__getstate__()")


def _encode_namespace(namespace: dict[Any, Any], walk: Walk) -> bytes:
    if not {str}.issuperset(map(type, namespace)):
        return b"m" + walk.mapping(namespace)
    names = sorted(namespace)
    return b"a" + pack_names(names) + walk.attributes(names, [namespace[name] for name in names])


def install(registry: CanonicalRegistry) -> None:
    """Register the encoders of this file."""
    registry.add_kind(_make_enum)
    registry.add_kind(_make_named_tuple)
    registry.add_kind(_make_attrs)
    registry.add_maker(object, _make_object)
