"""`outs=`: what a call gives, and whether the option and the return annotation agree."""

from __future__ import annotations

import os
import re

from mypy.checker import TypeChecker
from mypy.nodes import Context, Expression, ListExpr, TupleExpr, TypeInfo
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    LiteralType,
    NoneType,
    ProperType,
    TupleType,
    Type,
    TypedDictType,
    UnpackType,
    get_proper_type,
    get_proper_types,
)

from merkl_mypy import codes, names
from merkl_mypy.shapes import any_type, class_of, future_of

# Two suffixes that count as one, as `merkl.files.suffix` has it.
_COMPOUND = re.compile(r"[^.]\.[A-Za-z][A-Za-z0-9]{0,9}\.(?:gz|bz2|xz|zst|lz4|lzma|br|Z|age|gpg)$")

# What `outs=` said, as a type, so that it is kept on the decorator's own type: an int literal for `outs=3`, a
# tuple of str literals for names, the callable itself, or None for "not given".
OutsOption = ProperType | None


def outs_option(api: TypeChecker, expr: Expression, typ: Type) -> OutsOption:
    """The option as a type; an expression whose value mypy does not know gives Any."""
    proper = get_proper_type(typ)
    if isinstance(proper, NoneType):
        return None
    if isinstance(expr, (ListExpr, TupleExpr)):
        proper = TupleType(
            [_literal(api, item) for item in expr.items],
            api.named_generic_type("builtins.tuple", [any_type()]),
        )
    if isinstance(proper, Instance) and proper.last_known_value is not None:
        return proper.last_known_value
    if isinstance(proper, TupleType):
        items = [_without_instance(item) for item in get_proper_types(proper.items)]
        return proper.copy_modified(items=list(items))
    if isinstance(proper, (LiteralType, CallableType)):
        return proper
    return any_type()


def stored_outs(decorator: ProperType) -> OutsOption:
    """The option kept on the type of `task(outs=…)`."""
    if isinstance(decorator, Instance) and decorator.extra_attrs is not None:
        return get_proper_type(decorator.extra_attrs.attrs.get(names.OUTS_ATTR))
    return None


def call_result(
    api: TypeChecker, context: Context, kind: str, returned: Type, option: OutsOption, future: TypeInfo
) -> Type:
    """What a call gives: a Future, a tuple of Futures, a dict of Futures, or a pipeline's own outputs."""
    if kind == "pipeline":
        return _pipeline_result(returned)
    if kind == "batch":
        return _batch_result(api, context, returned, option, future)
    proper = get_proper_type(returned)
    if option is None:
        return _by_annotation(api, proper, returned, future)
    if isinstance(option, LiteralType) and isinstance(option.value, int):
        return _counted(api, context, proper, returned, option.value, future)
    if isinstance(option, LiteralType) and isinstance(option.value, str):
        return _named(api, context, proper, [option.value], future)
    if isinstance(option, TupleType) and all(_is_str(item) for item in option.items):
        keys = [item.value for item in get_proper_types(option.items) if isinstance(item, LiteralType)]
        return _named(api, context, proper, [str(key) for key in keys], future)
    if isinstance(option, CallableType):
        return _computed(api, proper, get_proper_type(option.ret_type), future)
    api.note(
        "The plugin does not know the value of outs= here, so it cannot tell the outs of this task",
        context,
        code=codes.UNSUPPORTED,
    )
    return any_type()


def _by_annotation(api: TypeChecker, proper: ProperType, returned: Type, future: TypeInfo) -> Type:
    if isinstance(proper, TupleType) and _splits(proper):
        return proper.copy_modified(items=[future_of(item, future) for item in proper.items])
    if isinstance(proper, TypedDictType):
        made = _dict_of_futures(api, dict(proper.items), future)
        # A key that may be absent has a Future too, but as a whole the results go where the declared type does.
        return made.copy_modified(required_keys=set(proper.required_keys))
    return future_of(returned, future)


def _splits(proper: TupleType) -> bool:
    if proper.partial_fallback.type.fullname != "builtins.tuple":
        return False
    return not any(isinstance(get_proper_type(item), UnpackType) for item in proper.items)


def _dict_of_futures(api: TypeChecker, items: dict[str, Type], future: TypeInfo) -> TypedDictType:
    fallback = api.named_generic_type("typing._TypedDict", [])
    futures: dict[str, Type] = {key: future_of(item, future) for key, item in items.items()}
    return TypedDictType(futures, set(futures), set(), fallback)


def _counted(
    api: TypeChecker, context: Context, proper: ProperType, returned: Type, count: int, future: TypeInfo
) -> Type:
    if count == 1:
        return future_of(returned, future)
    items: list[Type] | None = None
    if isinstance(proper, TupleType) and not any(isinstance(i, UnpackType) for i in proper.items):
        if len(proper.items) != count:
            message = (
                f'outs={count}, but the return type "{len(proper.items)}-tuple" has {len(proper.items)} items'
            )
            _disagree(api, context, message)
        items = list(proper.items)
    else:
        item = _item_type(proper)
        if item is None:
            _disagree(api, context, f"outs={count}, but the return type is not a tuple or a list")
        else:
            items = [item] * count
    typed: list[Type] = [any_type()] * count if items is None else items
    fallback = api.named_generic_type("builtins.tuple", [any_type()])
    return TupleType([future_of(item, future) for item in typed], fallback)


def _named(api: TypeChecker, context: Context, proper: ProperType, keys: list[str], future: TypeInfo) -> Type:
    if isinstance(proper, TypedDictType):
        if set(proper.items) != set(keys):
            _disagree(
                api,
                context,
                f"outs= names {', '.join(map(repr, keys))}, but the return type has the keys "
                f"{', '.join(map(repr, proper.items))}",
            )
        return _dict_of_futures(api, {key: proper.items.get(key, any_type()) for key in keys}, future)
    if isinstance(proper, Instance) and proper.type.has_base(names.DIR_REF):
        return _dict_of_futures(api, {key: _file_type(api, key) for key in keys}, future)
    item = _value_type(proper)
    if item is None:
        _disagree(
            api, context, "outs= gives names, but the return type is not a dict, a TypedDict or a DirRef"
        )
    return _dict_of_futures(api, dict.fromkeys(keys, any_type() if item is None else item), future)


def _file_type(api: TypeChecker, name: str) -> Type:
    """The type of a file in a directory by its name: `FileRef[Literal[".csv"]]`; a name with a slash at its end is a DirRef."""
    if name.endswith("/"):
        return Instance(class_of(api, names.DIR_REF), [])
    file_ref = class_of(api, names.FILE_REF)
    base = name.rpartition("/")[2]
    compound = _COMPOUND.search(base)
    suffix = base[compound.start() + 1 :] if compound else os.path.splitext(base)[1]
    if len(suffix) < 2:
        return Instance(file_ref, [any_type() for _ in file_ref.type_vars])
    return Instance(file_ref, [LiteralType(suffix, api.named_type("builtins.str"))])


def _computed(api: TypeChecker, proper: ProperType, says: ProperType, future: TypeInfo) -> Type:
    """`outs=callable`: how many or which outs is known only when the call is made."""
    if isinstance(proper, Instance) and proper.type.has_base(names.DIR_REF):
        file_ref = class_of(api, names.FILE_REF)
        value: Type | None = Instance(file_ref, [any_type() for _ in file_ref.type_vars])
    else:
        value = _value_type(proper)
    if isinstance(says, Instance) and says.type.fullname == "builtins.int":
        item = _item_type(proper) or any_type()
        return api.named_generic_type("builtins.tuple", [future_of(item, future)])
    key = api.named_type("builtins.str")
    return api.named_generic_type("builtins.dict", [key, future_of(value or any_type(), future)])


def _pipeline_result(returned: Type) -> Type:
    proper = get_proper_type(returned)
    if isinstance(proper, Instance) and proper.type.fullname in (
        "typing.Generator",
        "typing.AwaitableGenerator",
    ):
        return proper.args[2]
    if isinstance(proper, Instance) and proper.type.fullname in ("typing.Iterator", "typing.Iterable"):
        return NoneType()
    return returned


def _batch_result(
    api: TypeChecker, context: Context, returned: Type, option: OutsOption, future: TypeInfo
) -> Type:
    """A list with what a single call gives for each item."""
    proper = get_proper_type(returned)
    item = _item_type(proper)
    if item is None:
        _disagree(api, context, "The body of a batch returns a list with one result for each item")
        item = any_type()
    return api.named_generic_type("builtins.list", [call_result(api, context, "task", item, option, future)])


def _item_type(proper: ProperType) -> Type | None:
    if isinstance(proper, AnyType):
        return any_type()
    if isinstance(proper, Instance) and proper.args and proper.type.has_base("typing.Iterable"):
        return proper.args[0] if not proper.type.has_base("typing.Mapping") else None
    return None


def _value_type(proper: ProperType) -> Type | None:
    if isinstance(proper, AnyType):
        return any_type()
    if isinstance(proper, Instance) and proper.type.has_base("typing.Mapping") and len(proper.args) == 2:
        return proper.args[1]
    return None


def _literal(api: TypeChecker, expr: Expression) -> Type:
    return _without_instance(get_proper_type(api.expr_checker.accept(expr)))


def _without_instance(typ: ProperType) -> Type:
    if isinstance(typ, Instance) and typ.last_known_value is not None:
        return typ.last_known_value
    return typ


def _is_str(typ: Type) -> bool:
    proper = get_proper_type(typ)
    return isinstance(proper, LiteralType) and isinstance(proper.value, str)


def _disagree(api: TypeChecker, context: Context, message: str) -> None:
    api.fail(message, context, code=codes.OUTS)
