"""The annotations of a function as runtime types, found without ever failing.

`typing.get_type_hints` gives up on the whole function when one name is missing, and knows nothing of classes
that live inside functions. Here each annotation stands for itself, a missing name becomes Any with a note, and
names are looked up where a type checker looks: type parameters, closure, enclosing classes and functions,
module, builtins, and imports that only type checkers run (when some other module has loaded them already).
"""

from __future__ import annotations

import builtins
import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ForwardRef, get_type_hints

from merkl._base.hint_scopes import Scope, capture_scope, enclosing_scopes, type_checking_imports
from merkl._base.type_forms import LazyAlias, contains_string, format_type, map_arguments

__all__ = [
    "Hints",
    "Scope",
    "capture_scope",
    "evaluate_annotation",
    "format_type",
    "own_annotations",
    "resolve_class_hints",
    "resolve_hints",
    "resolve_in_class",
    "scopes_of",
]


@dataclass(frozen=True, slots=True)
class Hints:
    """What a function's annotations mean; a parameter without one is Any.

    The hint of `*args` and `**kwargs` is that of one item, as written. `problems` says which names were not found.
    """

    parameters: Mapping[str, Any]
    returns: Any
    problems: tuple[str, ...] = ()


class _Names(dict[str, Any]):
    """Names as one annotation sees them; what is found nowhere is Any, and noted."""

    def __init__(self, scopes: list[Mapping[str, Any]], late: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__()
        self.scopes = scopes
        self.late = late
        self.missing: list[str] = []
        self.aliases: dict[str, LazyAlias] = {}
        self.recursive: set[str] = set()

    def __missing__(self, name: str) -> Any:
        for scope in self.scopes:
            if name in scope:
                return scope[name]
        found = self.late()
        if name in found:
            return found[name]
        self.missing.append(name)
        return Any


def resolve_hints(fn: Callable[..., Any], *, scope: Scope | None = None) -> Hints:
    """Give the type of each parameter of `fn` and of its result; never raises.

    `fn` may be a function, a method, a partial, a class, an object with `__call__`, or something wrapped by
    `functools.wraps`. `scope` is what `capture_scope` kept when `fn` was defined inside another function.

    >>> def load(path: "str", limit: "int | Missing" = 3) -> "list[int]": ...
    >>> hints = resolve_hints(load)
    >>> hints.parameters["path"], hints.returns
    (<class 'str'>, list[int])
    >>> hints.problems
    ("load: the name 'Missing' in the annotation of 'limit' is not found, so it counts as Any",)
    """
    function, returns_instance_of = _annotated_function(fn)
    problems: list[str] = []
    try:
        names = list(inspect.signature(fn).parameters)
    except (TypeError, ValueError):
        names = []
    annotations = _own_annotations(function, problems)
    scopes = scopes_of(function, scope) if any(map(contains_string, annotations.values())) else []
    label = getattr(function, "__name__", type(function).__name__)
    module = getattr(function, "__module__", None)

    def resolve(name: str) -> Any:
        if name not in annotations:
            return Any
        place = "return value" if name == "return" else f"'{name}'"
        value, notes = evaluate_annotation(annotations[name], scopes=scopes, module=module)
        problems.extend(f"{label}: {_note(note, place)}" for note in notes)
        return value

    parameters = {name: resolve(name) for name in (names or [n for n in annotations if n != "return"])}
    returns = resolve("return") if returns_instance_of is None else returns_instance_of
    return Hints(types.MappingProxyType(parameters), returns, tuple(problems))


def _note(note: str, place: str) -> str:
    if note.isidentifier():
        return f"the name '{note}' in the annotation of {place} is not found, so it counts as Any"
    return f"the annotation of {place} cannot be evaluated ({note}), so it counts as Any"


def _annotated_function(fn: Any) -> tuple[Any, Any]:
    """The object that carries the annotations, and the class when calling `fn` makes an instance of it."""
    for _ in range(100):
        if isinstance(fn, functools.partial):
            fn = fn.func
        elif isinstance(fn, (types.MethodType, staticmethod, classmethod)):
            fn = fn.__func__
        elif isinstance(fn, type):
            init = next((vars(c)["__init__"] for c in fn.__mro__[:-1] if "__init__" in vars(c)), None)
            return (init if init is not None else fn.__new__), fn
        elif getattr(fn, "__signature__", None) is None and hasattr(fn, "__wrapped__"):
            fn = fn.__wrapped__
        elif not isinstance(fn, types.FunctionType) and isinstance(
            vars(type(fn)).get("__call__"), types.FunctionType
        ):
            fn = vars(type(fn))["__call__"]
        else:
            break
    return fn, None


def _own_annotations(function: Any, problems: list[str]) -> dict[str, Any]:
    signature = getattr(function, "__signature__", None)
    if isinstance(signature, inspect.Signature):
        found = {n: p.annotation for n, p in signature.parameters.items() if p.annotation is not p.empty}
        if signature.return_annotation is not signature.empty:
            found["return"] = signature.return_annotation
        return found
    try:
        return dict(getattr(function, "__annotations__", None) or {})
    except Exception as error:  # noqa: BLE001  (a lazy annotation may run any code)
        problems.append(
            f"the annotations cannot be read ({type(error).__name__}: {error}), so they count as Any"
        )
        return {}


def scopes_of(function: Any, scope: Scope | None = None) -> list[Mapping[str, Any]]:
    """Give the namespaces that an annotation of `function` sees, innermost first."""
    scopes: list[Mapping[str, Any]] = [{p.__name__: p for p in getattr(function, "__type_params__", ())}]
    scopes.append(_closure(function))
    if scope is not None:
        scopes.append(scope.names)
    scopes.extend(enclosing_scopes(function))
    scopes.append(getattr(function, "__globals__", {}))
    scopes.append(vars(builtins))
    return scopes


def _closure(function: Any) -> dict[str, Any]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    found: dict[str, Any] = {}
    for name, cell in zip(code.co_freevars if code else (), cells or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not bound yet
            continue
    return found


def evaluate_annotation(
    annotation: Any, *, scopes: list[Mapping[str, Any]], module: str | None = None
) -> tuple[Any, list[str]]:
    """Give the runtime type of one annotation, and the names that were not found (or the error met).

    >>> evaluate_annotation("list[int]", scopes=[vars(builtins)])
    (list[int], [])
    """
    if annotation is None:
        return type(None), []
    names = _Names(scopes, functools.partial(type_checking_imports, module))
    try:
        value = _evaluate(annotation, names, depth=0)
    except Exception as error:  # noqa: BLE001  (an annotation is code: it may raise anything)
        return Any, [*names.missing, f"{type(error).__name__}: {error}"]
    return value, names.missing


def _evaluate(annotation: Any, names: _Names, depth: int) -> Any:
    if depth > 50:
        raise RecursionError("annotation nested too deeply")
    if annotation is None:
        return type(None)
    if isinstance(annotation, ForwardRef):
        module = sys.modules.get(str(annotation.__forward_module__)) or annotation.__forward_module__
        if module is not None and vars(module) not in names.scopes:
            names.scopes.append(vars(module))
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return _evaluate_text(annotation, names, depth)
    if not contains_string(annotation):
        return annotation
    return map_arguments(annotation, lambda argument: _evaluate(argument, names, depth + 1))


def _evaluate_text(text: str, names: _Names, depth: int) -> Any:
    """The type that a text means; where it is met again inside of itself, an alias stands for it."""
    alias = names.aliases.get(text)
    if alias is not None:
        names.recursive.add(text)
        return alias
    value = eval(_compiled(text), {"__builtins__": builtins}, names)
    if not contains_string(value):
        return type(None) if value is None else value
    home = next((scope for scope in reversed(names.scopes) if "__name__" in scope), None)
    alias = names.aliases[text] = LazyAlias(text, home and home.get("__name__"))
    alias.__value__ = _evaluate(value, names, depth + 1)
    if text in names.recursive:
        return alias
    del names.aliases[text]
    return alias.__value__


@functools.lru_cache(maxsize=4096)
def _compiled(text: str) -> types.CodeType:
    text = text.strip()
    if text.startswith("*"):  # `*args: *Ts` under PEP 563
        text = f"({text},)[0]"
    return compile(f"(\n{text}\n)", "<annotation>", "eval")


def resolve_class_hints(cls: type) -> dict[str, Any]:
    """Give the types of the annotated attributes of `cls` and its bases, most derived first; never raises.

    >>> class Point:
    ...     x: "int"
    >>> resolve_class_hints(Point)
    {'x': <class 'int'>}
    """
    try:
        plain = all(not contains_string(a) for c in cls.__mro__ for a in own_annotations(c).values())
        if plain:
            return get_type_hints(cls, include_extras=True)
    except Exception:  # noqa: BLE001
        plain = False
    found: dict[str, Any] = {}
    for owner in reversed(cls.__mro__):
        for name, value in _class_annotations(owner):
            found[name] = value
    return found


def own_annotations(cls: type) -> Mapping[str, Any]:
    """Give the annotations in the body of `cls` itself, as written."""
    found = vars(cls).get("__annotations__")
    return found if isinstance(found, dict) else {}  # of `type` itself it is a descriptor


def resolve_in_class(form: Any, owner: type) -> Any:
    """Give a form that stands in the definition of a class, such as a base `list["Node"]`, without strings in it.

    >>> class Node(list["Node"]): ...
    >>> resolve_in_class(list["Node"], Node) == list[Node]
    True
    """
    if not contains_string(form):
        return form
    return evaluate_annotation(form, scopes=_class_scopes(owner), module=owner.__module__)[0]


def _class_annotations(owner: type) -> Iterator[tuple[str, Any]]:
    annotations = own_annotations(owner)
    if not annotations:
        return
    scopes = _class_scopes(owner)
    for name, annotation in annotations.items():
        yield name, evaluate_annotation(annotation, scopes=scopes, module=owner.__module__)[0]


def _class_scopes(owner: type) -> list[Mapping[str, Any]]:
    """The namespaces that the definition of a class sees, innermost first."""
    module = sys.modules.get(owner.__module__)
    return [
        {
            p.__name__: p
            for p in (*getattr(owner, "__type_params__", ()), *getattr(owner, "__parameters__", ()))
        },
        {owner.__name__: owner},
        dict(vars(owner)),
        *enclosing_scopes(owner),
        _method_closures(owner),
        vars(module) if module else {},
        vars(builtins),
    ]


def _method_closures(owner: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for member in vars(owner).values():
        if isinstance(member, types.FunctionType):
            found.update(_closure(member))
    return found
