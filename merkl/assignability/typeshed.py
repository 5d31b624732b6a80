"""Typeshed's word on classes of the standard library: type parameters, bases and members; read on first need.

The only importer of `typeshed_client`. Annotations in stubs come back as runtime forms; what exists in stubs alone
comes back as an `Unresolved`, which no rule decides.
"""

# Types are values here, which type checkers do not expect.
# pyright: reportInvalidTypeForm=false, reportGeneralTypeIssues=false, reportIndexIssue=false
from __future__ import annotations

import ast
import functools
import importlib
import inspect
import sys
import types
import typing
from dataclasses import dataclass
from typing import Any, Union

import typing_extensions

__all__ = [
    "StubFunction",
    "StubMember",
    "Unresolved",
    "all_stub_names",
    "stub_bases",
    "stub_member",
    "stub_names",
    "stub_parameters",
]


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A name in a stub that stands for nothing at run time."""

    name: str


@dataclass(frozen=True, slots=True)
class StubFunction:
    """One signature: (name, kind, annotation, required) for each parameter, self included."""

    parameters: tuple[tuple[str, Any, Any, bool], ...]
    returns: Any
    is_async: bool


@dataclass(frozen=True, slots=True)
class StubMember:
    """A method with its overloads, or a variable or property with its type."""

    functions: tuple[StubFunction, ...] = ()
    form: Any = None
    settable: bool = False
    class_variable: bool = False
    decorator: str = ""


@functools.cache
def _client() -> tuple[Any, Any]:
    client: Any = importlib.import_module("typeshed_client")
    return client, client.Resolver()


@functools.lru_cache(maxsize=4096)
def _stub_class(cls: type) -> tuple[str, Any] | None:
    """The module and the stub of a class, if it has one."""
    for module, name in _names_of(cls):
        found = _lookup(module, name)
        if (
            found is not None
            and isinstance(found[1].ast, ast.Assign)
            and isinstance(found[1].ast.value, ast.Name)
        ):
            found = _lookup(found[0], found[1].ast.value.id)  # `EnumType = EnumMeta`
        if found is not None and isinstance(found[1].ast, ast.ClassDef):
            return found
    return None


def _names_of(cls: type) -> list[tuple[str, str]]:
    found = [(cls.__module__, cls.__name__), (cls.__module__.lstrip("_"), cls.__name__)]
    if cls.__module__ == "builtins":  # such as types.MethodType, which calls itself builtins.method
        found[:0] = [("types", name) for name, value in vars(types).items() if value is cls]
    package = cls.__module__.partition(".")[0]
    if package != cls.__module__:
        found.append((package, cls.__name__))
    return found


def _lookup(module: str, name: str) -> tuple[str, Any] | None:
    client, resolver = _client()
    try:
        info = resolver.get_name(tuple(module.split(".")), name)
    except Exception:  # noqa: BLE001  (a stub that can't be read is a stub that isn't there)
        return None
    if isinstance(info, client.resolver.ImportedInfo):
        return ".".join(info.source_module), info.info
    return (module, info) if isinstance(info, client.NameInfo) else None


@functools.lru_cache(maxsize=4096)
def stub_bases(cls: type) -> tuple[Any, ...] | None:
    """Give the bases of a class as typeshed writes them, or None when it doesn't know the class."""
    found = _stub_class(cls)
    if found is None:
        return None
    module, info = found
    bases = (_form(base, module) for base in info.ast.bases)
    return tuple(base for base in bases if not isinstance(base, Unresolved))


@functools.lru_cache(maxsize=4096)
def stub_parameters(cls: type) -> tuple[Any, ...] | None:
    """Give the type parameters of a class as typeshed has them, in order."""
    bases = stub_bases(cls)
    if bases is None:
        return None
    found: dict[Any, None] = {}
    for base in bases:
        arguments = _parameters_in(base)
        if typing.get_origin(base) in (typing.Generic, typing.Protocol):
            return arguments
        for parameter in arguments:
            found.setdefault(parameter)
    return tuple(found)


def _parameters_in(form: Any) -> tuple[Any, ...]:
    if isinstance(form, (typing.TypeVar, typing_extensions.TypeVar)):
        return (form,)
    found: dict[Any, None] = {}
    for argument in typing.get_args(form):
        for each in argument if isinstance(argument, list) else [argument]:
            for parameter in _parameters_in(each):
                found.setdefault(parameter)
    return tuple(found)


def stub_names(cls: type) -> frozenset[str]:
    """Give the names that typeshed defines in the body of `cls` itself."""
    found = _stub_class(cls)
    return frozenset(found[1].child_nodes or ()) if found is not None else frozenset()


@functools.lru_cache(maxsize=4096)
def all_stub_names(cls: type) -> frozenset[str]:
    """Give the names that the stub of a class, typeshed's or its package's, defines in it and its bases."""
    found = _stub_class(cls)
    return _names_with_bases(*found, frozenset()) if found is not None else frozenset()


def _names_with_bases(module: str, info: Any, seen: frozenset[tuple[str, str]]) -> frozenset[str]:
    """Bases count that exist in stubs alone, as the mixins of numpy's scalars do."""
    names = frozenset(info.child_nodes or ())
    for base in info.ast.bases:
        written = base.value if isinstance(base, ast.Subscript) else base
        found = _lookup(module, written.id) if isinstance(written, ast.Name) else None
        if found is not None and isinstance(found[1].ast, ast.ClassDef):
            key = (found[0], found[1].name)
            names |= frozenset() if key in seen else _names_with_bases(*found, seen | {key})
    return names


@functools.lru_cache(maxsize=8192)
def stub_member(cls: type, name: str) -> StubMember | None:
    """Give the member that typeshed defines in the body of `cls` itself, or None."""
    found = _stub_class(cls)
    if found is None:
        return None
    module, info = found
    node = (info.child_nodes or {}).get(name)
    if node is None:
        return None
    definitions = getattr(node.ast, "definitions", None) or [node.ast]
    if isinstance(definitions[0], (ast.FunctionDef, ast.AsyncFunctionDef)):
        return _function_member(definitions, module)
    if isinstance(node.ast, ast.AnnAssign):
        form = _form(node.ast.annotation, module)
        origin = typing.get_origin(form)
        inner = typing.get_args(form)[0] if origin in (typing.ClassVar, typing.Final) else form
        return StubMember((), inner, origin is not typing.Final, origin is typing.ClassVar)
    if isinstance(node.ast, ast.Assign) and isinstance(node.ast.value, ast.Name):  # `__rand__ = __and__`
        return stub_member(cls, node.ast.value.id)
    return StubMember(form=Unresolved(name))


def _function_member(definitions: list[Any], module: str) -> StubMember:
    names = [ast.unparse(d) for d in definitions[0].decorator_list]
    functions = tuple(
        _function(d, module) for d in definitions if isinstance(d, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    if any(n == "property" or n.endswith(("cached_property", "_magic_enum_attr")) for n in names):
        later = [ast.unparse(d) for f in definitions[1:] for d in f.decorator_list]
        return StubMember((), functions[0].returns, any(n.endswith(".setter") for n in later))
    decorator = next((n for n in names if n in ("staticmethod", "classmethod")), "")
    return StubMember(functions, decorator=decorator)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, module: str) -> StubFunction:
    spec, kinds = node.args, inspect.Parameter
    found: list[tuple[str, Any, Any, bool]] = []
    positional = [*spec.posonlyargs, *spec.args]
    first_default = len(positional) - len(spec.defaults)
    for index, arg in enumerate(positional):
        kind = kinds.POSITIONAL_ONLY if index < len(spec.posonlyargs) else kinds.POSITIONAL_OR_KEYWORD
        found.append((arg.arg, kind, _annotation(arg, module), index < first_default))
    if spec.vararg is not None:
        found.append((spec.vararg.arg, kinds.VAR_POSITIONAL, _annotation(spec.vararg, module), False))
    for arg, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        found.append((arg.arg, kinds.KEYWORD_ONLY, _annotation(arg, module), default is None))
    if spec.kwarg is not None:
        found.append((spec.kwarg.arg, kinds.VAR_KEYWORD, _annotation(spec.kwarg, module), False))
    returns = Any if node.returns is None else _form(node.returns, module)
    return StubFunction(tuple(found), returns, isinstance(node, ast.AsyncFunctionDef))


def _annotation(arg: ast.arg, module: str) -> Any:
    return Any if arg.annotation is None else _form(arg.annotation, module)


def _form(node: ast.expr, module: str) -> Any:
    """The runtime form of an annotation in a stub."""
    try:
        return _evaluate(node, module)
    except Exception:  # noqa: BLE001  (a form that this Python can't express)
        return Unresolved(ast.unparse(node))


def _evaluate(node: ast.expr, module: str) -> Any:
    if isinstance(node, ast.Name):
        return _named(module, node.id)
    if isinstance(node, ast.Attribute):
        return _named(ast.unparse(node.value), node.attr)
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return _evaluate(ast.parse(node.value, mode="eval").body, module)
        return node.value
    if isinstance(node, ast.BinOp):
        return _union((_evaluate(node.left, module), _evaluate(node.right, module)))
    if isinstance(node, ast.List):
        return [_evaluate(item, module) for item in node.elts]
    if isinstance(node, ast.Subscript):
        return _subscript(node, module)
    return Unresolved(ast.unparse(node))


def _union(members: tuple[Any, ...]) -> Any:
    lost = next((m for m in members if isinstance(m, Unresolved)), None)
    return lost if lost is not None else Union[members]  # noqa: UP007


def _subscript(node: ast.Subscript, module: str) -> Any:
    head = _evaluate(node.value, module)
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if isinstance(head, Unresolved):
        return head
    if head in (typing.Literal, typing_extensions.Literal):
        return typing.Literal[tuple(ast.literal_eval(item) for item in items)]
    if head is typing.Annotated:
        return _evaluate(items[0], module)
    arguments = tuple(_evaluate(item, module) for item in items)
    for each in arguments:
        lost = next(
            (e for e in (each if isinstance(each, list) else [each]) if isinstance(e, Unresolved)), None
        )
        if lost is not None:
            return lost
    if head is typing.Union:
        return _union(arguments)
    if head is typing.Optional:
        return _union((*arguments, None))
    if isinstance(head, type) and head is not typing.Generic and not getattr(head, "_is_protocol", False):
        return types.GenericAlias(head, arguments)  # many classes can't be subscripted at run time
    return head[arguments if len(arguments) != 1 else arguments[0]]


@functools.lru_cache(maxsize=8192)
def _named(module: str, name: str) -> Any:
    """The runtime object that a name means in a stub module."""
    if module in ("typing", "typing_extensions", "collections.abc"):
        value = getattr(typing, name, None) or getattr(typing_extensions, name, None)
        origin = typing.get_origin(value)
        if value is not None:
            return value if origin is None else origin
    found = _lookup(module, name)
    if found is None:
        builtin = vars(sys.modules["builtins"]).get(name)
        return builtin if isinstance(builtin, type) else Unresolved(name)
    home, info = found
    if isinstance(info.ast, ast.ClassDef):
        if home in ("typing", "typing_extensions") and home != module:
            return _named(home, name if not hasattr(typing, info.name) else info.name)
        value = getattr(sys.modules.get(home), info.name, None)
        return value if isinstance(value, type) else Unresolved(name)
    if home != module and home in ("typing", "typing_extensions"):
        return _named(home, info.name)
    return _assigned(info.ast, home, info.name)


def _assigned(node: Any, module: str, name: str) -> Any:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return _evaluate(node.value, module)  # an explicit alias
    if not isinstance(node, ast.Assign):
        return Unresolved(name)
    value = node.value
    if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "TypeVar":
        return _type_variable(value, module, name)
    return (
        _evaluate(value, module)
        if isinstance(value, (ast.Name, ast.Subscript, ast.Attribute))
        else Unresolved(name)
    )


def _type_variable(call: ast.Call, module: str, name: str) -> Any:
    options: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg in ("covariant", "contravariant"):
            options[keyword.arg] = True
        elif keyword.arg in ("bound", "default"):
            form = _form(keyword.value, module)
            if keyword.arg == "default" or not isinstance(form, Unresolved):
                options[keyword.arg] = Any if isinstance(form, Unresolved) else form
    constraints = [_form(argument, module) for argument in call.args[1:]]
    return typing_extensions.TypeVar(name, *constraints, **options)
