"""How Futures sit in types: finding them, stripping them, lifting parameters, and what a call gives."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from mypy.checker import TypeChecker
from mypy.nodes import TypeInfo
from mypy.type_visitor import TypeTranslator
from mypy.typeops import make_simplified_union
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    Overloaded,
    ParamSpecType,
    ProperType,
    TupleType,
    Type,
    TypeAliasType,
    TypedDictType,
    TypeOfAny,
    TypeType,
    TypeVarId,
    TypeVarLikeType,
    TypeVarType,
    UninhabitedType,
    UnionType,
    UnpackType,
    flatten_nested_unions,
    get_proper_type,
)

from merkl_mypy import names

# Containers whose Futures MerkL finds at run time, by the name of the type that a checker may know them under.
CONTAINERS: Final = frozenset(
    {
        "builtins.list",
        "builtins.tuple",
        "builtins.dict",
        "builtins.set",
        "builtins.frozenset",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
        "typing.Sequence",
        "typing.MutableSequence",
        "typing.Mapping",
        "typing.MutableMapping",
        "typing.AbstractSet",
        "typing.MutableSet",
        "typing.Collection",
        "typing.Iterable",
        "typing.Reversible",
        "typing.Container",
        "typing.KeysView",
        "typing.ValuesView",
        "typing.ItemsView",
        "_typeshed.SupportsKeysAndGetItem",
        "_collections_abc.dict_keys",
        "_collections_abc.dict_values",
        "_collections_abc.dict_items",
    }
)


def is_future(typ: ProperType) -> bool:
    """Whether `typ` is `Future[X]` itself."""
    return isinstance(typ, Instance) and typ.type.fullname == names.FUTURE


def is_container(info: TypeInfo) -> bool:
    """Whether Futures inside an instance of this class are found and resolved by MerkL."""
    return info.fullname in CONTAINERS or info.is_named_tuple or "dataclass" in info.metadata


def has_future(typ: Type, depth: int = 0) -> bool:
    """Whether a value of this type is, or is a container of, Futures."""
    if type(typ) is Instance and not typ.args:  # as most types are
        return False
    if isinstance(typ, TypeAliasType) and (typ.is_recursive or depth > 20):
        return False
    proper = get_proper_type(typ)
    if isinstance(proper, Instance):
        if not proper.args:
            return False
        if proper.type.fullname == names.FUTURE:
            return True
        return is_container(proper.type) and any(has_future(arg, depth + 1) for arg in proper.args)
    if isinstance(proper, TupleType):
        return any(has_future(item, depth + 1) for item in proper.items)
    if isinstance(proper, UnionType):
        return any(has_future(item, depth + 1) for item in proper.items)
    if isinstance(proper, TypedDictType):
        return any(has_future(item, depth + 1) for item in proper.items.values())
    if isinstance(proper, UnpackType):
        return has_future(proper.type, depth + 1)
    if isinstance(proper, TypeVarType):
        return has_future(proper.upper_bound, depth + 1)
    return False


class _Strip(TypeTranslator):
    """`Future[X]` becomes `X` wherever MerkL resolves it; all else stays."""

    def visit_instance(self, t: Instance, /) -> Type:
        if t.type.fullname == names.FUTURE:
            return t.args[0].accept(self)
        if is_container(t.type) and t.args:
            return super().visit_instance(t)
        return t

    def visit_union_type(self, t: UnionType, /) -> Type:
        return make_simplified_union([item.accept(self) for item in t.items], t.line, t.column)

    def visit_type_var(self, t: TypeVarType, /) -> Type:
        return t.upper_bound.accept(self) if has_future(t.upper_bound) else t

    def visit_callable_type(self, t: CallableType, /) -> Type:
        return t

    def visit_overloaded(self, t: Overloaded, /) -> Type:
        return t

    def visit_type_type(self, t: TypeType, /) -> Type:
        return t

    def visit_type_alias_type(self, t: TypeAliasType, /) -> Type:
        if not has_future(t):
            return t
        return get_proper_type(t).accept(self)


def strip(typ: Type) -> Type:
    """`typ` with every Future replaced by what it will be."""
    return typ.accept(_Strip())


class Opened(TypeTranslator):
    """`Future[X]` becomes `Future[T]`, with a type variable of its own for each."""

    def __init__(self, upper: Instance) -> None:
        super().__init__()
        self.upper = upper
        self.variables: list[TypeVarLikeType] = []
        #: Whether a Future stands beside other things, for which no one type variable can be.
        self.is_mixed = False

    def visit_instance(self, t: Instance, /) -> Type:
        if not is_future(t):
            return super().visit_instance(t) if is_container(t.type) else t
        name, no_default = f"T{len(self.variables)}", AnyType(TypeOfAny.from_omitted_generics)
        identity = TypeVarId(-1 - len(self.variables))
        self.variables.append(TypeVarType(name, name, identity, [], self.upper, no_default))
        return t.copy_modified(args=[self.variables[-1]])

    def visit_union_type(self, t: UnionType, /) -> Type:
        self.is_mixed = self.is_mixed or has_future(t)
        return strip(t)

    def visit_type_alias_type(self, t: TypeAliasType, /) -> Type:
        return t


def class_of(api: TypeChecker, fullname: str) -> TypeInfo:
    """The class of that full name; LookupError when its module is no part of this run."""
    module, _, name = fullname.rpartition(".")
    node = api.modules[module].names[name].node
    if not isinstance(node, TypeInfo):
        raise LookupError(fullname)
    return node


def future_of(typ: Type, future: TypeInfo) -> Instance:
    """`Future[typ]`."""
    return Instance(future, [typ])


def lift(typ: Type, future: TypeInfo) -> Type:
    """The type that a parameter declared as `typ` shows: `typ | Future[typ]`, and lists of Futures for lists.

    The plain type is always what stands before the first Future, so `unlift` finds it again after mypy has
    substituted type variables or bound the method. Calls that the plugin sees are checked against the plain
    type; this one is for hover, callbacks, and calls through containers.
    """
    if isinstance(typ, Instance) and all(isinstance(arg, Instance) and not arg.args for arg in typ.args):
        return _lifted(typ, future)  # such as `int` and `list[int]`: the same few again and again
    return _lift(typ, future)


def _lift(typ: Type, future: TypeInfo) -> Type:
    proper = get_proper_type(typ)
    # The arguments of a ParamSpec are whole argument lists: nothing may stand beside them.
    if isinstance(proper, (AnyType, UnpackType, ParamSpecType)) or mentions_future(typ):
        return typ
    if isinstance(proper, Instance) and proper.type.fullname == "builtins.object":
        return typ
    return UnionType.make_union([typ, future_of(typ, future), *_containers(proper, future)])


_lifted = lru_cache(maxsize=1024)(_lift)


def _containers(typ: ProperType, future: TypeInfo) -> list[Type]:
    """Containers of Futures to accept beside the container `typ`, where no hook can look at the argument."""
    options = typ.items if isinstance(typ, UnionType) else [typ]
    found: list[Type] = []
    for option in map(get_proper_type, options):
        if isinstance(option, TupleType) and option.partial_fallback.type.fullname == "builtins.tuple":
            items = [UnionType.make_union([item, future_of(item, future)]) for item in option.items]
            if not any(isinstance(get_proper_type(item), UnpackType) for item in option.items):
                found.append(option.copy_modified(items=list(items)))
        elif isinstance(option, Instance) and option.args and option.type.fullname in CONTAINERS:
            *keys, item = option.args
            found.append(option.copy_modified(args=[*keys, future_of(item, future)]))
            either = UnionType.make_union([item, future_of(item, future)])
            found.append(option.copy_modified(args=[*keys, either]))
    return found


def unlift(typ: Type) -> Type:
    """The declared type of a parameter that `lift` has widened; any other type as it is."""
    if isinstance(typ, TypeAliasType):
        return typ
    proper = get_proper_type(typ)
    if isinstance(proper, UnionType):
        for index, item in enumerate(proper.items):
            future = get_proper_type(item)
            if isinstance(future, Instance) and future.type.fullname == names.FUTURE:
                # When mypy expands a union it opens the aliases in it, recursive ones too.
                before = flatten_nested_unions(proper.items[:index])
                inside = flatten_nested_unions([future.args[0]])
                return future.args[0] if set(before) == set(inside) else typ
    elif isinstance(proper, Instance) and proper.type.fullname == names.FUTURE:
        # `Never | Future[Never]` loses its first item when mypy expands it.
        if isinstance(get_proper_type(proper.args[0]), UninhabitedType):
            return proper.args[0]
    return typ


def mentions_future(typ: Type) -> bool:
    """Whether a declared parameter type itself speaks of Futures: then it is taken at its word."""
    return has_future(typ)


def plain_signature(callee: CallableType) -> CallableType:
    """A task's signature with the parameters as they were declared (the result stays as it is)."""
    return callee.copy_modified(arg_types=[unlift(typ) for typ in callee.arg_types])


def any_type() -> AnyType:
    """An Any that mypy does not count as the user's own."""
    return AnyType(TypeOfAny.special_form)
