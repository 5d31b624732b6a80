"""Functions, methods, partials, classes and modules as values.

What belongs to Python or an installed package goes by its name; a function of the user's by its code, or by
what `hook_function` says of it.
"""

from __future__ import annotations

import functools
import sys
import types
from typing import TYPE_CHECKING, Any

from merkl_serializers.names import class_header, is_builtin_module, is_installed, module_name, resolves
from merkl_serializers.walk import Encoder, Walk, refusal
from merkl_serializers.wire import framed, pack, pack_bytes, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]

#: Flags that say what a code object is, not how the compiler laid it out: *args, **kwargs, generator, coroutine...
_CODE_FLAGS = 0x4 | 0x8 | 0x20 | 0x80 | 0x100 | 0x200


def _encode_class(value: type, walk: Walk) -> bytes:
    if not is_builtin_module(value.__module__):
        walk.classes.add(value)
    return b"\xc1T" + class_header(value)


def _make_class(cls: type, registry: CanonicalRegistry) -> Encoder:
    return _encode_class


def _encode_module(value: types.ModuleType, walk: Walk) -> bytes:
    if not is_installed(value.__name__):
        raise refusal(
            types.ModuleType,
            f"{value.__name__} is a module of yours: pass the functions or values that count",
        )
    return b"\xc1M" + pack_str(module_name(value.__name__))


def _encode_function(value: types.FunctionType, walk: Walk) -> bytes:
    module, name = value.__module__, value.__qualname__
    if is_installed(module) and resolves(value, module, name):
        return b"\xc1G" + pack_str(module_name(module)) + pack_str(name)
    walk.is_mutable = True
    if walk.hook_function is not None:
        return b"\xc1h" + pack_bytes(walk.hook_function(value))
    return walk.inside(value, lambda: b"\xc1j" + _function_body(value, walk))


def _function_body(value: types.FunctionType, walk: Walk) -> bytes:
    cells = []
    for cell in value.__closure__ or ():
        try:
            cells.append(walk.part(cell.cell_contents, ".__closure__"))
        except ValueError:
            cells.append(b"\xc1-")
    return b"".join(
        [
            pack_str(value.__name__),
            _code_body(value.__code__, walk, value.__doc__),
            walk.part(value.__defaults__, ".__defaults__"),
            walk.part(value.__kwdefaults__, ".__kwdefaults__"),
            pack(len(cells)),
            *cells,
            walk.mapping({k: v for k, v in vars(value).items() if k != "__wrapped__"}),
            walk.part(vars(value).get("__wrapped__"), ".__wrapped__"),
        ]
    )


def _code_body(code: types.CodeType, walk: Walk, doc: str | None = None) -> bytes:
    constants = []
    for position, constant in enumerate(code.co_consts):
        if position == 0 and doc is not None and constant == doc:
            constants.append(pack(None))
        elif isinstance(constant, types.CodeType):
            constants.append(b"\xc1o" + pack_str(constant.co_name) + _code_body(constant, walk))
        else:
            constants.append(walk.part(constant, ".__code__.co_consts"))
    return b"".join(
        [
            pack(
                (
                    code.co_argcount,
                    code.co_posonlyargcount,
                    code.co_kwonlyargcount,
                    code.co_flags & _CODE_FLAGS,
                )
            ),
            framed(code.co_code),
            framed(code.co_exceptiontable),
            pack(code.co_names),
            pack(code.co_varnames),
            pack(code.co_freevars),
            pack(code.co_cellvars),
            pack(len(constants)),
            *constants,
        ]
    )


def _encode_code(value: types.CodeType, walk: Walk) -> bytes:
    return b"\xc1o" + pack_str(value.co_name) + _code_body(value, walk)


def _encode_builtin(value: Any, walk: Walk) -> bytes:
    owner = value.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        module = value.__module__ or (owner.__name__ if owner is not None else "")
        return b"\xc1G" + pack_str(module) + pack_str(value.__qualname__)
    return walk.inside(value, lambda: b"\xc1b" + pack_str(value.__name__) + walk.part(owner, ".__self__"))


def _encode_descriptor(value: Any, walk: Walk) -> bytes:
    return b"\xc1w" + class_header(value.__objclass__) + pack_str(value.__name__)


def _encode_method_wrapper(value: types.MethodWrapperType, walk: Walk) -> bytes:
    return walk.inside(
        value, lambda: b"\xc1b" + pack_str(value.__name__) + walk.part(value.__self__, ".__self__")
    )


def _encode_method(value: types.MethodType, walk: Walk) -> bytes:
    def body() -> bytes:
        return b"\xc1x" + walk.part(value.__func__, ".__func__") + walk.part(value.__self__, ".__self__")

    return walk.inside(value, body)


def _make_partial(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1i" + class_header(cls)

    def encode(value: functools.partial[Any], walk: Walk) -> bytes:
        walk.is_mutable = True
        return walk.inside(
            value,
            lambda: b"".join(
                [
                    head,
                    walk.part(value.func, ".func"),
                    walk.part(value.args, ".args"),
                    walk.mapping(value.keywords, ordered=walk.keep_dict_order),
                    walk.mapping(vars(value)),
                ]
            ),
        )

    return encode


def _make_wrapper(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1W" + class_header(cls)

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        return walk.inside(value, lambda: head + walk.part(value.__func__, ".__func__"))

    return encode


def _encode_property(value: property, walk: Walk) -> bytes:
    return walk.inside(value, lambda: b"\xc1W" + walk.items((value.fget, value.fset, value.fdel)))


def _encode_cached(value: Any, walk: Walk) -> bytes:
    """Encode a function under `functools.lru_cache`: what it wraps and its settings, not what it remembers."""
    settings = value.cache_parameters()
    return walk.inside(
        value, lambda: b"\xc1L" + walk.part(value.__wrapped__, ".__wrapped__") + walk.mapping(settings)
    )


def _encode_cell(value: types.CellType, walk: Walk) -> bytes:
    walk.is_mutable = True
    try:
        content = value.cell_contents
    except ValueError:
        return b"\xc1-"
    return walk.inside(value, lambda: b"\xc1&" + walk.value(content))


def _fixed(encode: Encoder) -> Any:
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
        (property, _encode_property),
        (type(functools.lru_cache(len)), _encode_cached),
    ):
        registry.add_maker(type_, _fixed(encode))
    registry.add_maker(type, _make_class)
    registry.add_maker(functools.partial, _make_partial)
    registry.add_maker(staticmethod, _make_wrapper)
    registry.add_maker(classmethod, _make_wrapper)


_ = sys
