"""Runtime type forms as data: take them apart, put them together, show them as a person writes them."""

# Types are values here, which type checkers do not expect.
# pyright: reportInvalidTypeForm=false, reportGeneralTypeIssues=false
from __future__ import annotations

import functools
import operator
import types
import typing
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ForwardRef, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

import typing_extensions

__all__ = [
    "PACKS",
    "LazyAlias",
    "bare_hint",
    "contains_string",
    "format_type",
    "format_types",
    "is_named",
    "is_typed_dict",
    "is_union",
    "map_arguments",
    "strings_in",
    "substitute",
    "union_members",
]

_BARE_MODULES = frozenset(
    {"builtins", "typing", "typing_extensions", "collections.abc", "collections", "types", "abc"}
)
_LITERALS = (Literal, typing_extensions.Literal)


def is_named(form: object, name: str) -> bool:
    """Say whether `form` is the special form `name` of typing or typing_extensions, whichever made it.

    >>> is_named(typing.Required, "Required")
    True
    """
    return form is getattr(typing, name, _NOTHING) or form is getattr(typing_extensions, name, _NOTHING)


_NOTHING: object = object()


class LazyAlias:
    """A recursive alias in the old notation (`Tree = Union[int, "list[Tree]"]`): stands where it refers to itself.

    It behaves as an alias made by a `type` statement; two are equal when they have one text in one namespace.
    """

    __slots__ = ("__value__", "__weakref__", "home", "text")

    def __init__(self, text: str, home: object) -> None:
        self.text = text
        self.home = home
        self.__value__: Any = Any

    @property
    def __name__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyAlias) and self.text == other.text and self.home is other.home

    def __hash__(self) -> int:
        return hash((self.text, id(self.home)))

    def __repr__(self) -> str:
        return self.text

    def __call__(self) -> Any:  # `typing` puts nothing into a Union that can't be called
        raise TypeError(f"{self.text} is a type, not a class")


def is_union(form: object) -> bool:
    """Say whether `form` is a union, in either notation.

    >>> is_union(int | None), is_union(typing.Optional[int]), is_union(int)
    (True, True, False)
    """
    return get_origin(form) in (Union, types.UnionType)


def union_members(form: Any) -> tuple[Any, ...]:
    """Give the members of a union, or the form itself when it is none."""
    return get_args(form) if is_union(form) else (form,)


def is_typed_dict(form: object) -> bool:
    """Say whether `form` is a TypedDict class, of typing or of typing_extensions."""
    return isinstance(form, type) and issubclass(form, dict) and hasattr(form, "__total__")


PACKS = (typing.TypeVarTuple, typing_extensions.TypeVarTuple)


def _spread(argument: Any, values: dict[Any, Any]) -> tuple[Any, ...] | None:
    """What an unpacked TypeVarTuple stands for."""
    inner = get_args(argument)[0] if is_named(get_origin(argument), "Unpack") else None
    return values.get(inner) if isinstance(inner, PACKS) else None


def substitute(form: Any, values: dict[Any, Any]) -> Any:
    """Put types in the place of type variables, and lists of them in that of a ParamSpec."""
    if isinstance(form, (TypeVar, ParamSpec, typing_extensions.ParamSpec)):
        return values.get(form, form)
    return map_arguments(
        form, lambda argument: substitute(argument, values), spread=lambda argument: _spread(argument, values)
    )


def bare_hint(hint: Any) -> Any:
    """Give a hint without Annotated and its like around it.

    >>> bare_hint(Annotated[int, "metres"])
    <class 'int'>
    """
    while get_origin(hint) is Annotated or any(
        is_named(get_origin(hint), name) for name in ("Required", "NotRequired", "ReadOnly", "Final")
    ):
        hint = get_args(hint)[0]
    return type(None) if hint is None else hint


def strings_in(annotation: object, depth: int = 0) -> Iterator[str]:
    """Yield the text of every forward reference inside an annotation (not what Literal and Annotated hold)."""
    if depth > 30:
        return
    if isinstance(annotation, str):
        yield annotation
    elif isinstance(annotation, ForwardRef):
        yield annotation.__forward_arg__
    elif isinstance(annotation, (list, tuple)):
        for item in annotation:
            yield from strings_in(item, depth + 1)
    elif not isinstance(annotation, type) or isinstance(annotation, types.GenericAlias):  # type: ignore[unreachable]
        origin = get_origin(annotation)
        if origin is None or origin in _LITERALS:
            return
        for item in get_args(annotation)[: 1 if origin is Annotated else None]:
            yield from strings_in(item, depth + 1)


def contains_string(annotation: object) -> bool:
    """Say whether an annotation is, or holds, a forward reference.

    >>> contains_string(list["int"]), contains_string(Literal["a"])
    (True, False)
    """
    return next(strings_in(annotation), None) is not None


def map_arguments(
    form: Any,
    change: Callable[[Any], Any],
    *,
    spread: Callable[[Any], tuple[Any, ...] | None] = lambda _: None,
) -> Any:
    """Rebuild a generic form with each type argument changed; a form without arguments comes back as it is.

    Where `spread` gives several forms for an argument, these stand in its place.

    >>> map_arguments(dict[str, int], lambda a: list[a])
    dict[list[str], list[int]]
    """
    if isinstance(form, (list, tuple)):
        return [each for item in form for each in _changed(item, change, spread)]
    origin = get_origin(form)
    if origin is None or origin in _LITERALS:
        return form
    args = get_args(form)
    if origin is Annotated:
        return Annotated[(change(args[0]), *form.__metadata__)]
    if origin in (Union, types.UnionType):
        return (
            functools.reduce(operator.or_, (_Or(change(a)) for a in args)).form
            if len(args) > 1
            else change(args[0])
        )
    new = tuple(each for a in args for each in _changed(a, change, spread))
    if origin is typing.get_origin(typing.Callable[..., Any]):
        return typing.Callable[new[0], new[1]]
    if isinstance(form, types.GenericAlias):
        made = types.GenericAlias(form.__origin__, new)  # type: ignore[arg-type]
        return next(iter(made)) if getattr(form, "__unpacked__", False) else made
    copy = getattr(form, "copy_with", None)
    if copy is not None and not any(isinstance(a, list) for a in new):
        return copy(new)
    return origin[new if len(new) != 1 else new[0]]


def _changed(
    argument: Any, change: Callable[[Any], Any], spread: Callable[[Any], tuple[Any, ...] | None]
) -> tuple[Any, ...]:
    several = spread(argument)
    return (change(argument),) if several is None else several


class _Or:
    """A union that is built up without tripping over strings and other forms that have no `|`."""

    def __init__(self, form: Any) -> None:
        self.form = form

    def __or__(self, other: _Or) -> _Or:
        return _Or(Union[self.form, other.form])  # noqa: UP007


def format_types(first: Any, second: Any) -> tuple[str, str]:
    """Show two types; where the short names agree and the types don't, with their modules.

    >>> format_types(int, list[str])
    ('int', 'list[str]')
    """
    one, other = format_type(first), format_type(second)
    if one == other and first != second:
        return format_type(first, modules=True), format_type(second, modules=True)
    return one, other


def format_type(form: Any, *, modules: bool = False) -> str:
    """Show a type as a person would write it; never raises.

    >>> format_type(typing.Optional[typing.List[int]])
    'list[int] | None'
    >>> format_type(typing.Callable[[int], Literal[".png"]])
    "Callable[[int], Literal['.png']]"
    """
    try:
        return _format(form, modules, 0)
    except Exception:  # noqa: BLE001  (a strange metaclass may raise anything)
        try:
            return repr(form)
        except Exception:  # noqa: BLE001
            return "a type that cannot be shown"


def _format(form: Any, modules: bool, depth: int) -> str:
    if depth > 20:
        return "..."
    show = functools.partial(_format, modules=modules, depth=depth + 1)
    if form is None or form is type(None):
        return "None"
    if form is Ellipsis:
        return "..."
    if isinstance(form, str):
        return form
    if isinstance(form, ForwardRef):
        return form.__forward_arg__
    if isinstance(form, (list, tuple)):
        return f"[{', '.join(show(item) for item in form)}]"
    if isinstance(form, type) and not isinstance(form, types.GenericAlias):  # type: ignore[unreachable]
        return _class_name(form, modules)
    origin = get_origin(form)
    if origin is None:
        return _special_name(form, modules)
    args = get_args(form)
    if origin in _LITERALS:
        return f"Literal[{', '.join(_literal(a) for a in args)}]"
    if origin is Annotated:
        return show(args[0])
    if origin in (Union, types.UnionType):
        ordered = [a for a in args if a is not type(None)] + [a for a in args if a is type(None)]
        return " | ".join(show(a) for a in ordered)
    if getattr(form, "__unpacked__", False):
        return "*" + _generic(show(origin), args, show)
    if is_named(origin, "Unpack"):
        return "*" + show(args[0])
    if is_named(origin, "Concatenate"):
        return f"Concatenate[{', '.join(show(a) for a in args)}]"
    return _generic(show(origin), args, show)


def _generic(name: str, args: tuple[Any, ...], show: Callable[[Any], str]) -> str:
    if not args:
        return f"{name}[()]" if name == "tuple" else name
    return f"{name}[{', '.join(show(a) for a in args)}]"


def _literal(value: Any) -> str:
    import_name = getattr(type(value), "__qualname__", "")
    return (
        f"{import_name}.{value.name}" if hasattr(value, "_name_") and hasattr(value, "name") else repr(value)
    )


def _class_name(cls: type, modules: bool) -> str:
    name = cls.__qualname__.rpartition("<locals>.")[2]
    module = cls.__module__
    if module in _BARE_MODULES or module.startswith("_"):
        return name
    if module.partition(".")[0] == "merkl":
        return f"merkl.{name}"
    return f"{module}.{name}" if modules else name


def _special_name(form: Any, modules: bool) -> str:
    name = getattr(form, "__name__", None) or getattr(form, "_name", None)
    if isinstance(name, str):
        module = getattr(form, "__module__", "typing")
        return f"{module}.{name}" if modules and module not in _BARE_MODULES else name
    return repr(form).removeprefix("typing.").removeprefix("typing_extensions.")
