"""Which names a scope binds, read from the syntax alone (so equally on every Python version)."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from merkl.fingerprint.records import Ref

__all__ = ["FUNCTIONS", "Scope", "children", "scope_of"]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(slots=True)
class Scope:
    """The names that one function, class, comprehension or module binds."""

    kind: str
    bound: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)  # declared global
    enclosing: set[str] = field(default_factory=set)  # declared nonlocal
    imports: dict[str, list[Ref]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


def scope_of(kind: str, nodes: Iterable[ast.AST], names: Iterable[str] = ()) -> Scope:
    """Return the scope that these statements or expressions make; `names` (parameters) are bound already."""
    scope = Scope(kind, set(names))
    bound = scope.bound
    pending: list[ast.AST] = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
            continue
        bind = _BINDERS.get(type(node))
        if bind is not None:
            pending.extend(bind(node, scope))
        else:
            pending.extend(children(node))
    return scope


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes directly below a node, last field first."""
    found: list[ast.AST] = []
    for name in _child_fields(type(node)):
        value = getattr(node, name, None)
        if isinstance(value, list):
            found.extend(item for item in value if isinstance(item, ast.AST))
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


@functools.cache
def _child_fields(kind: type[ast.AST]) -> tuple[str, ...]:
    return tuple(name for name in kind._fields if name not in _NO_CHILDREN)


def _bind_definition(node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> list[ast.AST]:
    scope.bound.add(node.name)
    return [*node.decorator_list, *_outside_parts(node.args)]


def _bind_lambda(node: ast.Lambda, scope: Scope) -> list[ast.AST]:
    return _outside_parts(node.args)


def _outside_parts(args: ast.arguments) -> list[ast.AST]:
    return [*args.defaults, *(default for default in args.kw_defaults if default is not None)]


def _bind_class(node: ast.ClassDef, scope: Scope) -> list[ast.AST]:
    scope.bound.add(node.name)
    return [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]


def _bind_comprehension(
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: Scope
) -> list[ast.AST]:
    # The targets of `:=` inside belong to the function around it.
    pending: list[ast.AST] = children(node)
    while pending:
        child = pending.pop()
        if isinstance(child, ast.NamedExpr):
            scope.bound.add(child.target.id)
        if not isinstance(child, ast.Lambda):
            pending.extend(children(child))
    return [node.generators[0].iter]


def _bind_import(node: ast.Import, scope: Scope) -> list[ast.AST]:
    # `import a.b` binds `a` (and makes `a.b` reachable), `import a.b as c` binds `c` to `a.b`.
    for alias in node.names:
        name = alias.asname or alias.name.split(".")[0]
        scope.bound.add(name)
        scope.imports.setdefault(name, []).append(Ref("import", alias.name if alias.asname else name))
    return []


def _bind_import_from(node: ast.ImportFrom, scope: Scope) -> list[ast.AST]:
    for alias in node.names:
        name = alias.asname or alias.name
        scope.bound.add(name)
        target = Ref("import", node.module or "", (alias.name,), node.level or 0)
        scope.imports.setdefault(name, []).append(target)
    return []


def _bind_name(node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar, scope: Scope) -> list[ast.AST]:
    if node.name is not None:
        scope.bound.add(node.name)
    return children(node)


def _bind_rest(node: ast.MatchMapping, scope: Scope) -> list[ast.AST]:
    if node.rest is not None:
        scope.bound.add(node.rest)
    return children(node)


def _declare_global(node: ast.Global, scope: Scope) -> list[ast.AST]:
    scope.outside.update(node.names)
    return []


def _declare_nonlocal(node: ast.Nonlocal, scope: Scope) -> list[ast.AST]:
    scope.enclosing.update(node.names)
    return []


def _skip_constant(node: ast.Constant, scope: Scope) -> list[ast.AST]:
    return []


_NO_CHILDREN = {"ctx", "op", "ops", "id", "attr", "kind", "type_comment", "conversion"}
_BINDERS: dict[type[ast.AST], Callable[..., list[ast.AST]]] = {
    ast.FunctionDef: _bind_definition,
    ast.AsyncFunctionDef: _bind_definition,
    ast.Lambda: _bind_lambda,
    ast.ClassDef: _bind_class,
    ast.ListComp: _bind_comprehension,
    ast.SetComp: _bind_comprehension,
    ast.DictComp: _bind_comprehension,
    ast.GeneratorExp: _bind_comprehension,
    ast.Import: _bind_import,
    ast.ImportFrom: _bind_import_from,
    ast.ExceptHandler: _bind_name,
    ast.MatchAs: _bind_name,
    ast.MatchStar: _bind_name,
    ast.MatchMapping: _bind_rest,
    ast.Global: _declare_global,
    ast.Nonlocal: _declare_nonlocal,
    ast.Constant: _skip_constant,
}
