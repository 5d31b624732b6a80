"""Digest a piece of syntax by what it means: no positions, comments, docstrings, formatting, or outside names.

A name that the piece takes from outside itself (with the attributes read off it: `mod.sub.helper`) becomes a
numbered hole, and is returned beside the digest; what fills the hole is for the caller to find out. So renaming
a helper, or importing it another way, changes nothing here.

The tokens are a walk over the fields of the tree, without contexts, kinds, empty fields, docstrings and `pass`,
with the constant parts of f-strings merged: the same on every supported Python version.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Sequence

from merkl.fingerprint.annotations import write_annotation
from merkl.fingerprint.dynamic import module_in_table, names_a_class, write_call, write_subscript
from merkl.fingerprint.naming import mangled
from merkl.fingerprint.records import Fragment, Ref
from merkl.fingerprint.scopes import Scope, scope_of
from merkl.fingerprint.tokens import (
    constant_token,
    flat_parts,
    has_text,
    parameter_names,
    shape_of,
    string_token,
    without_docstrings,
    words_of,
)
from merkl.fingerprint.told import told_in
from merkl.hashing.fingerprints import fragment_digest

__all__ = ["SyntaxEncoder", "fragment_of"]

_RECURSION_LIMIT = 100_000


#: Methods that look `@name` up among the locals and globals of whoever calls them.
_READ_NAMES = frozenset(["query", "eval"])
_NAME_IN_TEXT = re.compile(r"@([^\W\d]\w*(?:\.[^\W\d]\w*)*)")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


def fragment_of(
    write: Callable[[SyntaxEncoder], None],
    *,
    owner: str | None = None,
    qualname: str = "",
    found: Callable[[Definition, str, str | None], None] | None = None,
) -> Fragment:
    """Return the fragment that `write` puts into a fresh encoder.

    `owner` is the class whose body it stands in. For every definition inside, at any depth, `found` is called
    with its qualified name (beginning with `qualname`) and the class that it stands in.

    Very deep expressions are no error: the limit on recursion (which in Python 3.11 and later guards no C
    stack for plain Python calls) is raised for them.
    """
    encoder = SyntaxEncoder(owner, qualname)
    try:
        write(encoder)
    except RecursionError:
        encoder = SyntaxEncoder(owner, qualname)
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(_RECURSION_LIMIT)
        try:
            write(encoder)
        finally:
            sys.setrecursionlimit(limit)
    if found is not None:
        for node, name, inner_owner in encoder.inner:
            found(node, name, inner_owner)
    return encoder.fragment()


class SyntaxEncoder:
    """Writes tokens for syntax nodes, and collects the names that they take from outside."""

    def __init__(self, owner: str | None = None, qualname: str = "") -> None:
        #: The definitions met inside: node, qualified name, class that it stands in.
        self.inner: list[tuple[Definition, str, str | None]] = []
        self._prefix = qualname
        self._out: list[bytes] = []
        self._refs: dict[Ref, int] = {}
        self._mentions: set[str] = set()
        self._writes: set[str] = set()
        self._blind: dict[tuple[str, str], None] = {}
        self._scopes: list[Scope] = []
        self._owners: list[str] = [owner] if owner else []
        self._soft = 0
        #: The names, by identity, to which something is told here, with the marks to put behind them.
        self._told: dict[int, tuple[str, ...]] = {}
        #: What strings name as `@name`, in order: names of outside for `DataFrame.query` and `eval`.
        self._named_in_text: dict[tuple[str, ...], None] = {}

    def fragment(self) -> Fragment:
        if self._named_in_text and not self._mentions.isdisjoint(_READ_NAMES):
            for base, *path in self._named_in_text:
                self.hole(Ref("soft", base, tuple(path)))
        return Fragment(
            fragment_digest(self._out),
            tuple(self._refs),
            frozenset(self._mentions),
            frozenset(self._writes),
            tuple(self._blind),
        )

    # --- what callers write -------------------------------------------------------------------------------

    def mark(self, token: bytes) -> None:
        """Write a token."""
        self._out.append(token)

    def text(self, value: str) -> None:
        self._out.append(string_token(value))

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        """Write parameters (without defaults and annotations) and body; the name is no part of it."""
        self._out.append(type(node).__name__.encode() + b"(")
        self._parameters(node.args)
        type_params = getattr(node, "type_params", None) or []
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        scope = scope_of("function", body, [*parameter_names(node.args), *(p.name for p in type_params)])
        self._scopes.append(scope)
        if type_params:
            self._nodes(type_params)
        if isinstance(node, ast.Lambda):
            self.node(node.body)
        else:
            self.statements(node.body)
        self._leave(scope)
        self._out.append(b")")

    def defaults(self, args: ast.arguments) -> None:
        """Write the default values of parameters, which are evaluated outside of the function."""
        self._nodes(args.defaults)
        self._nodes([default if default is not None else ast.Pass() for default in args.kw_defaults])

    def annotations(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Write the annotations of parameters and result, spelled one way."""
        every = [
            *node.args.posonlyargs,
            *node.args.args,
            *([node.args.vararg] if node.args.vararg else []),
            *node.args.kwonlyargs,
            *([node.args.kwarg] if node.args.kwarg else []),
        ]
        for arg in every:
            if arg.annotation is not None:
                self.text(arg.arg)
                self.annotation(arg.annotation)
        if node.returns is not None:
            self._out.append(b"->")
            self.annotation(node.returns)

    def annotation(self, node: ast.expr) -> None:
        """Write an annotation: strings are parsed, and a union is one thing however it is spelled."""
        self._soft += 1
        write_annotation(self, node)
        self._soft -= 1

    def statements(self, body: Sequence[ast.stmt]) -> None:
        self._nodes(without_docstrings(body))

    def node(self, node: ast.AST) -> None:
        """Write one node of any kind."""
        for name, mark in told_in(node):
            self._told[id(name)] = mark
        special = _SPECIAL.get(type(node))
        if special is not None:
            special(self, node)
        else:
            self.plain(node)

    def module(self, node: ast.Module) -> None:
        """Write all statements of a module."""
        scope = scope_of("module", node.body)
        self._scopes.append(scope)
        self.statements(node.body)
        self._leave(scope)

    def class_core(self, node: ast.ClassDef) -> None:
        """Write a class by its name, bases, keywords and all statements of its body that are no methods."""
        self.class_head(node)
        scope = scope_of("class", node.body)
        self._scopes.append(scope)
        rest = [s for s in node.body if not isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)]
        self.class_statements(rest, reads_annotations=False, keeps_fields=True)
        self._leave(scope)

    def class_annotations(self, node: ast.ClassDef) -> None:
        """Write the annotations of a class body, spelled one way."""
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                self.text(statement.target.id)
                self.annotation(statement.annotation)

    def plain(self, node: ast.AST) -> None:
        """Write a node as its type and its fields that are not empty."""
        out = self._out
        head, fields = shape_of(type(node))  # type: ignore[arg-type]
        out.append(head)
        for name, marker in fields:
            value = getattr(node, name, None)
            if value is None or value == []:
                continue
            out.append(marker)
            if isinstance(value, ast.AST):
                self.node(value)
            elif isinstance(value, list):
                if value and isinstance(value[0], ast.stmt):
                    self.statements(value)
                else:
                    self._nodes(value)
            else:
                out.append(constant_token(value))
        out.append(b")")

    def _nodes(self, nodes: Iterable[ast.AST | str | None]) -> None:
        self._out.append(b"[")
        for item in nodes:
            if isinstance(item, ast.AST):
                self.node(item)
            else:
                self._out.append(constant_token(item))
        self._out.append(b"]")

    # --- names --------------------------------------------------------------------------------------------

    def hole(self, ref: Ref) -> None:
        """Write the hole of what a name stands for."""
        number = self._refs.setdefault(ref, len(self._refs))
        self._out.append(b"#%d;" % number)

    def free(self, name: str, path: tuple[str, ...] = ()) -> None:
        """Write a name that is not local, as the hole that it is."""
        self._mentions.update(path)
        self.hole(Ref("soft" if self._soft else "name", self._mangled(name), path))

    def _mangled(self, name: str) -> str:
        return mangled(self._owners[-1], name) if self._owners else name

    def note_blind(self, what: str, detail: str) -> None:
        """Note that something is found here in a way that cannot be followed."""
        self._blind[(what, detail)] = None

    def scope_binding(self, name: str) -> Scope | None:
        """Return the scope inside this piece that binds a name, None where it comes from outside."""
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope.outside:
                return None
            if scope.kind == "class" and depth > 0:
                continue
            if name in scope.bound and name not in scope.enclosing:
                return scope
        return None

    def _name(self, node: ast.Name) -> None:
        self._chain(node.id, (), node)

    def _attribute(self, node: ast.Attribute) -> None:
        path: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            path.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._chain(inner.id, tuple(reversed(path)), node)
        elif (
            isinstance(inner, ast.Subscript)
            and isinstance(node.ctx, ast.Load)
            and (module := module_in_table(inner)) is not None
        ):
            names = tuple(reversed(path))
            self._mentions.update(names)
            is_here = module.kind == "name"
            self.hole(Ref("name", names[0], names[1:]) if is_here else Ref("import", module.base, names))
        else:
            if not (names_a_class(node)):
                self._mentions.add(node.attr)
            self.plain(node)

    def _chain(self, name: str, path: tuple[str, ...], node: ast.Name | ast.Attribute) -> None:
        self._mentions.update(path[:-1] if isinstance(node, ast.Attribute) and names_a_class(node) else path)
        scope = self.scope_binding(name)
        if not isinstance(node.ctx, ast.Load) and scope is None and not path:
            self._writes.add(name)
        mark = self._told.pop(id(node), None)
        if scope is None:
            if mark is None or self._soft:
                self.free(name, path)
            else:
                self.hole(Ref("told", self._mangled(name), path + mark))
            return
        self._out.append(b"Local(")
        self.text(name)
        for attribute in path:
            self._out.append(b".")
            self.text(attribute)
        for ref in scope.imports.get(name, ()):
            if isinstance(node.ctx, ast.Load):
                scope.used.add(name)
                self.hole(Ref("import", ref.base, ref.path + path, ref.level))
        if scope.kind == "class" and isinstance(node.ctx, ast.Load) and scope is self._scopes[-1]:
            self._mentions.add(name)
            self.hole(Ref("soft", self._mangled(name), path))
        self._out.append(b")")

    def _leave(self, scope: Scope) -> None:
        """Leave a scope; a module that is imported in it and never named again is there for what it does."""
        self._scopes.remove(scope)
        for name, refs in sorted(scope.imports.items()):
            if name not in scope.used:
                for ref in refs:
                    self.hole(ref)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        # What is imported shows where the name is used; here only which name is bound, and in which order.
        self._out.append(b"Import(")
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            self.text(name)
            if isinstance(node, ast.ImportFrom):
                self.hole(Ref("import", node.module or "", (alias.name,), node.level or 0))
            elif self._imported_often(name):
                self.hole(Ref("module", alias.name))
        self._out.append(b")")

    def _imported_often(self, name: str) -> bool:
        return any(len(scope.imports.get(name, ())) > 1 for scope in self._scopes)

    def _class_pattern(self, node: ast.MatchClass) -> None:
        self._mentions.update(node.kwd_attrs)
        self.plain(node)

    def _global(self, node: ast.Global | ast.Nonlocal) -> None:
        # Whether a name is global shows in its holes; a nonlocal in being local to an outer scope.
        self._out.append(type(node).__name__.encode() + b";")

    # --- scopes -------------------------------------------------------------------------------------------

    def _meet(self, node: Definition, name: str) -> str:
        """Note a definition inside this piece; return the prefix of names around it."""
        outer = self._prefix
        self.inner.append((node, outer + name, self._owners[-1] if self._owners else None))
        self._prefix = f"{outer}{name}." if isinstance(node, ast.ClassDef) else f"{outer}{name}.<locals>."
        return outer

    def _inner_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._out.append(b"def(")
        self.text(node.name)
        self._nodes(node.decorator_list)
        self.defaults(node.args)
        if node.decorator_list:
            self.annotations(node)
        outer = self._meet(node, node.name)
        self.function(node)
        self._prefix = outer
        self._out.append(b")")

    def _lambda(self, node: ast.Lambda) -> None:
        self.defaults(node.args)
        outer = self._meet(node, "<lambda>")
        self.function(node)
        self._prefix = outer

    def _parameters(self, args: ast.arguments) -> None:
        self._out.append(b"parameters(")
        for marker, group in ((b"/", args.posonlyargs), (b",", args.args), (b"*", args.kwonlyargs)):
            self._out.append(marker)
            for arg in group:
                self.text(arg.arg)
        self._out.append(b"=%d;" % len(args.defaults))
        for default in args.kw_defaults:
            self._out.append(b"=" if default is not None else b"-")
        for marker, rest in ((b"args", args.vararg), (b"kwargs", args.kwarg)):
            if rest is not None:
                self._out.append(marker)
                self.text(rest.arg)
        self._out.append(b")")

    def _inner_class(self, node: ast.ClassDef) -> None:
        self._out.append(b"class(")
        self.text(node.name)
        self._nodes(node.decorator_list)
        self.class_head(node)
        outer = self._meet(node, node.name)
        scope = scope_of("class", node.body)
        self._scopes.append(scope)
        self._owners.append(node.name)
        reads_annotations = bool(node.decorator_list or node.bases or node.keywords)
        self.class_statements(node.body, reads_annotations=reads_annotations)
        self._owners.pop()
        self._scopes.remove(scope)
        self._prefix = outer
        self._out.append(b")")

    def class_head(self, node: ast.ClassDef) -> None:
        self._nodes(node.bases)
        self._nodes(node.keywords)
        self._nodes(getattr(node, "type_params", None) or [])

    def class_statements(
        self, body: Sequence[ast.stmt], *, reads_annotations: bool, keeps_fields: bool = False
    ) -> None:
        """Write the statements of a class body; annotations only where something reads them."""
        self._out.append(b"[")
        for statement in without_docstrings(body):
            if isinstance(statement, ast.AnnAssign):
                self._field(statement, reads_annotations=reads_annotations, keeps_field=keeps_fields)
            else:
                self.node(statement)
        self._out.append(b"]")

    def _field(self, node: ast.AnnAssign, *, reads_annotations: bool, keeps_field: bool) -> None:
        if not reads_annotations and not keeps_field and node.value is None:
            return
        self._out.append(b"field(")
        self.node(node.target)
        if node.value is not None:
            self.node(node.value)
        if reads_annotations:
            self._out.append(b":")
            self.annotation(node.annotation)
        self._out.append(b")")

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        self._out.append(type(node).__name__.encode() + b"(")
        self.node(node.generators[0].iter)
        scope = scope_of("comprehension", [generator.target for generator in node.generators])
        self._scopes.append(scope)
        for number, generator in enumerate(node.generators):
            self._out.append(b"async for" if generator.is_async else b"for")
            self.node(generator.target)
            if number:
                self.node(generator.iter)
            self._nodes(generator.ifs)
        if isinstance(node, ast.DictComp):
            self.node(node.key)
            self.node(node.value)
        else:
            self.node(node.elt)
        self._scopes.remove(scope)
        self._out.append(b")")

    # --- nodes with more than one spelling ----------------------------------------------------------------

    def _constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._mentions.update(words_of(node.value))
            self._note_names_in(node.value)
        self._out.append(constant_token(node.value))

    def _f_string(self, node: ast.JoinedStr) -> None:
        self._out.append(b"f(")
        text = ""
        for part in flat_parts(node):
            if isinstance(part, ast.Constant):
                text += str(part.value)
                self._note_names_in(str(part.value))
                continue
            if text:
                self.text(text)
                text = ""
            self.node(part)
        if text:
            self.text(text)
        self._out.append(b")")

    def _note_names_in(self, text: str) -> None:
        for match in _NAME_IN_TEXT.finditer(text):
            self._named_in_text[tuple(match[1].split("."))] = None

    def _formatted(self, node: ast.FormattedValue) -> None:
        self._out.append(b"{%d;" % node.conversion)
        self.node(node.value)
        spec = node.format_spec
        if spec is not None and not (isinstance(spec, ast.JoinedStr) and not has_text(spec)):
            self._out.append(b":")
            self.node(spec)
        self._out.append(b"}")

    def _annotated_assignment(self, node: ast.AnnAssign) -> None:
        # Inside a function the annotation of a variable is not even evaluated.
        if node.value is not None:
            self.plain(ast.Assign(targets=[node.target], value=node.value))


_SPECIAL: dict[type[ast.AST], Callable[..., None]] = {
    ast.Name: SyntaxEncoder._name,
    ast.Attribute: SyntaxEncoder._attribute,
    ast.Constant: SyntaxEncoder._constant,
    ast.JoinedStr: SyntaxEncoder._f_string,
    ast.FormattedValue: SyntaxEncoder._formatted,
    ast.FunctionDef: SyntaxEncoder._inner_function,
    ast.AsyncFunctionDef: SyntaxEncoder._inner_function,
    ast.Lambda: SyntaxEncoder._lambda,
    ast.ClassDef: SyntaxEncoder._inner_class,
    ast.ListComp: SyntaxEncoder._comprehension,
    ast.SetComp: SyntaxEncoder._comprehension,
    ast.DictComp: SyntaxEncoder._comprehension,
    ast.GeneratorExp: SyntaxEncoder._comprehension,
    ast.AnnAssign: SyntaxEncoder._annotated_assignment,
    ast.Import: SyntaxEncoder._import,
    ast.ImportFrom: SyntaxEncoder._import,
    ast.Global: SyntaxEncoder._global,
    ast.Nonlocal: SyntaxEncoder._global,
    ast.MatchClass: SyntaxEncoder._class_pattern,
    ast.Call: write_call,
    ast.Subscript: write_subscript,
}
