"""Functions, methods, partials, classes and modules as values.

What belongs to Python or an installed package goes by its name; a function of the user's by its code, or by
what `hook_function` says of it.
"""

from __future__ import annotations

import functools
import types
from typing import TYPE_CHECKING, Any

from merkl_serializers.errors import refusal
from merkl_serializers.names import class_header, is_builtin_module, is_installed, module_name, resolves
from merkl_serializers.objects import UNREADABLE, state_encoder
from merkl_serializers.walk import Encoder, Walk, mutable
from merkl_serializers.wire import framed, pack, pack_bytes, pack_names, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry, Maker

__all__ = ["install"]

#: Flags that say what a code object is, not how it was laid out: *args, **kwargs, generator, coroutine.
_CODE_FLAGS = 0x4 | 0x8 | 0x20 | 0x80 | 0x100 | 0x200


def _encode_class(value: type, walk: Walk) -> bytes:
    if not is_builtin_module(value.__module__):
        walk.classes.add(value)
    return b"\xc1T" + class_header(value)


def _encode_module(value: types.ModuleType, walk: Walk) -> bytes:
    name = value.__name__
    if not is_installed(name):
        raise refusal(
            types.ModuleType,
            f"{name} is a module of yours, and its name says nothing of its content",
            remedy="Pass the functions or values of it that count, or declare it with deps=.",
        )
    return b"\xc1M" + pack_str(module_name(name))


# -- functions


def _encode_function(value: types.FunctionType, walk: Walk) -> bytes:
    module, name = value.__module__, value.__qualname__
    if is_installed(module) and resolves(value, module, name):
        return b"\xc1G" + pack_str(module_name(module)) + pack_str(name)
    walk.is_mutable = True
    if walk.hook_function is not None:
        fingerprint = walk.hook_function(value)
        if fingerprint is not None:
            return b"\xc1h" + pack_bytes(fingerprint)
    return walk.inside(value, _dispatching_body if _is_dispatching(value) else _function_body)


def _function_body(value: types.FunctionType, walk: Walk) -> bytes:
    cells = [_cell_content(cell, walk) for cell in value.__closure__ or ()]
    attributes = dict(vars(value))
    wrapped = attributes.pop("__wrapped__", None)
    return b"".join(
        [
            b"\xc1j",
            pack_str(value.__name__),
            _code_body(value.__code__, walk, value.__doc__),
            walk.part(value.__defaults__, ".__defaults__"),
            walk.part(value.__kwdefaults__, ".__kwdefaults__"),
            pack(len(cells)),
            *cells,
            walk.mapping(attributes),
            walk.part(wrapped, ".__wrapped__"),
        ]
    )


def _is_dispatching(value: types.FunctionType) -> bool:
    attributes = vars(value)
    return "dispatch" in attributes and isinstance(attributes.get("registry"), types.MappingProxyType)


def _dispatching_body(value: types.FunctionType, walk: Walk) -> bytes:
    """Encode a `functools.singledispatch` function: its implementations by class, not what it remembers."""
    return b"\xc1%" + pack_str(value.__name__) + walk.mapping(dict(vars(value)["registry"]))


def _code_body(code: types.CodeType, walk: Walk, doc: str | None = None) -> bytes:
    constants = []
    for position, constant in enumerate(code.co_consts):
        if position == 0 and doc is not None and constant == doc:
            constants.append(pack(None))
        else:
            constants.append(walk.part(constant, ".__code__.co_consts"))
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & _CODE_FLAGS)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    machine = framed(code.co_code) + framed(code.co_exceptiontable)
    return b"".join([pack(counts), machine, *map(pack_names, names), pack(len(constants)), *constants])


def _encode_code(value: types.CodeType, walk: Walk) -> bytes:
    return b"\xc1o" + pack_str(value.co_name) + _code_body(value, walk)


def _cell_content(cell: types.CellType, walk: Walk) -> bytes:
    try:
        content = cell.cell_contents
    except ValueError:
        return UNREADABLE
    return walk.part(content, ".__closure__")


def _encode_cell(value: types.CellType, walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(value, _cell_body)


def _cell_body(value: types.CellType, walk: Walk) -> bytes:
    return b"\xc1&" + _cell_content(value, walk)


def _encode_cached(value: Any, walk: Walk) -> bytes:
    walk.is_mutable = True
    return walk.inside(value, _cached_body)


def _cached_body(value: Any, walk: Walk) -> bytes:
    """Encode a function under `functools.lru_cache`: what it wraps and how, not what it remembers."""
    return b"\xc1L" + walk.part(value.__wrapped__, ".__wrapped__") + walk.mapping(value.cache_parameters())


# -- functions of C, and what binds a function to an object


def _encode_builtin(value: Any, walk: Walk) -> bytes:
    owner = value.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        module = value.__module__ or (owner.__name__ if owner is not None else "")
        return b"\xc1G" + pack_str(module) + pack_str(value.__qualname__)
    return walk.inside(value, _bound_body)


def _encode_method_wrapper(value: types.MethodWrapperType, walk: Walk) -> bytes:
    return walk.inside(value, _bound_body)


def _bound_body(value: Any, walk: Walk) -> bytes:
    return b"\xc1b" + pack_str(value.__name__) + walk.part(value.__self__, ".__self__")


def _encode_descriptor(value: Any, walk: Walk) -> bytes:
    return b"\xc1w" + class_header(value.__objclass__) + pack_str(value.__name__)


def _encode_method(value: types.MethodType, walk: Walk) -> bytes:
    return walk.inside(value, _method_body)


def _method_body(value: types.MethodType, walk: Walk) -> bytes:
    return b"\xc1x" + walk.part(value.__func__, ".__func__") + walk.part(value.__self__, ".__self__")


def _make_partial(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1i" + class_header(cls)
    encode_state = state_encoder(cls)

    def body(value: functools.partial[Any], walk: Walk) -> bytes:
        function, arguments = walk.part(value.func, ".func"), walk.part(value.args, ".args")
        keywords = walk.mapping(value.keywords, ordered=walk.keep_dict_order)
        return head + function + arguments + keywords + encode_state(value, walk)

    return mutable(body)


def _make_wrapper(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1W" + class_header(cls)

    def body(value: Any, walk: Walk) -> bytes:
        return head + walk.part(value.__func__, ".__func__")

    return lambda value, walk: walk.inside(value, body)


def _make_property(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1W" + class_header(cls)

    def body(value: property, walk: Walk) -> bytes:
        return head + walk.items((value.fget, value.fset, value.fdel))

    return lambda value, walk: walk.inside(value, body)


def _for_all(encode: Encoder) -> Maker:
    return lambda cls, registry: encode


def install(registry: CanonicalRegistry) -> None:
    """Register the encoders of this file."""
    for type_, encode in (
        (types.ModuleType, _encode_module),
        (types.FunctionType, _encode_function),
        (types.BuiltinFunctionType, _encode_builtin),
        (types.MethodType, _encode_method),
        (types.MethodDescriptorType, _encode_descriptor),
        (types.WrapperDescriptorType, _encode_descriptor),
        (types.ClassMethodDescriptorType, _encode_descriptor),
        (types.GetSetDescriptorType, _encode_descriptor),
        (types.MemberDescriptorType, _encode_descriptor),
        (types.MethodWrapperType, _encode_method_wrapper),
        (types.CodeType, _encode_code),
        (types.CellType, _encode_cell),
        (type(functools.lru_cache(len)), _encode_cached),
        (type, _encode_class),
    ):
        registry.add_maker(type_, _for_all(encode))
    registry.add_maker(functools.partial, _make_partial)
    registry.add_maker(staticmethod, _make_wrapper)
    registry.add_maker(classmethod, _make_wrapper)
    registry.add_maker(property, _make_property)
