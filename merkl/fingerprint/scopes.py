"""Which names a scope binds, read from the syntax alone (so equally on every Python version)."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from merkl.fingerprint.records import Ref

__all__ = ["FUNCTIONS", "Scope", "scope_of"]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(slots=True)
class Scope:
    """The names that one function, class, comprehension or module binds."""

    kind: str
    bound: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)  # declared global
    enclosing: set[str] = field(default_factory=set)  # declared nonlocal
    imports: dict[str, list[Ref]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    @property
    def local(self) -> set[str]:
        return self.bound - self.outside - self.enclosing


def scope_of(kind: str, nodes: Iterable[ast.AST], names: Iterable[str] = ()) -> Scope:
    """Return the scope that these statements or expressions make, with `names` (parameters) bound from the start."""
    scope = Scope(kind, set(names))
    pending = list(nodes)
    while pending:
        node = pending.pop()
        _bind(node, scope)
        pending.extend(_inside(node))
    return scope


def _bind(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            scope.bound.add(name)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            scope.bound.add(name)
        case ast.Import(names=aliases):
            for alias in aliases:
                _bind_import(alias, scope)
        case ast.ImportFrom(module=module, names=aliases, level=level):
            for alias in aliases:
                name = alias.asname or alias.name
                scope.bound.add(name)
                scope.imports.setdefault(name, []).append(
                    Ref("import", module or "", (alias.name,), level or 0)
                )
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            scope.bound.add(name)
        case ast.MatchMapping(rest=str(name)):
            scope.bound.add(name)
        case ast.Global(names=names):
            scope.outside.update(names)
        case ast.Nonlocal(names=names):
            scope.enclosing.update(names)


def _bind_import(alias: ast.alias, scope: Scope) -> None:
    # `import a.b` binds `a` (and makes `a.b` reachable), `import a.b as c` binds `c` to `a.b`.
    name = alias.asname or alias.name.split(".")[0]
    target = alias.name if alias.asname else name
    scope.bound.add(name)
    scope.imports.setdefault(name, []).append(Ref("import", target))


def _inside(node: ast.AST) -> Iterable[ast.AST]:
    """Return the children of a node that are evaluated in the same scope, or bind names in it."""
    if isinstance(node, ast.Lambda):
        return [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)]
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]
    if isinstance(node, _COMPREHENSIONS):
        return [node.generators[0].iter, *_walrus_targets(node)]
    return ast.iter_child_nodes(node)


def _walrus_targets(node: ast.AST) -> list[ast.AST]:
    """Return the targets of `:=` inside a comprehension: they belong to the function around it."""
    targets: list[ast.AST] = []
    pending: list[ast.AST] = list(ast.iter_child_nodes(node))
    while pending:
        child = pending.pop()
        if isinstance(child, ast.NamedExpr):
            targets.append(child.target)
        if not isinstance(child, ast.Lambda):
            pending.extend(ast.iter_child_nodes(child))
    return targets
