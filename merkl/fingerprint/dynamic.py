"""Code that is found by a text: `getattr(module, "name")`, `sys.modules["name"]`, `importlib.import_module`, `exec`."""

from __future__ import annotations

import ast
import importlib.util
from typing import TYPE_CHECKING

from merkl.fingerprint.records import Ref
from merkl.fingerprint.tokens import dotted_path, names_in

if TYPE_CHECKING:
    from merkl.fingerprint.syntax import SyntaxEncoder

__all__ = ["module_in_table", "names_a_class", "write_call", "write_subscript"]

_RUNNERS = frozenset(["exec", "eval"])
_IMPORTERS = frozenset(["__import__", "import_module", "resolve_name"])
#: What runs a file, or a module under another name: not followed even where it is named.
_LOADERS = frozenset(["run_module", "run_path", "spec_from_file_location", "SourceFileLoader"])
#: Functions of modules that are known by their last name, however they are imported.
_FINDERS = (_IMPORTERS - {"__import__"}) | _LOADERS


def write_call(encoder: SyntaxEncoder, node: ast.Call) -> None:
    """Write a call; `getattr(thing, "name")` and `globals()["name"]` are seen through, others noted."""
    encoder.plain(_with_attribute(encoder, node))
    if not isinstance(node.func, ast.Name | ast.Attribute):
        return
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    if (
        isinstance(node.func, ast.Attribute)
        and name not in _FINDERS
        and dotted_path(node.func) != ["builtins", name]
    ):
        # A method that happens to be called like a builtin: `future.eval()`.
        return
    first = node.args[0] if node.args else None
    if name == "getattr" and first is not None and len(node.args) >= 2:
        path = dotted_path(first)
        attribute = _text_of(node.args[1])
        if attribute is None:
            encoder.note_blind("getattr", ".".join(path or ()))
        elif path and _is_private(attribute) and encoder.scope_binding(path[0]) is None:
            encoder.free(path[0], (*path[1:], attribute))
    elif name in {"globals", "vars", "locals"} and not node.args:
        encoder.note_blind("globals", name)
    else:
        found, unknown = _found_by_text(name, node)
        for ref in found:
            encoder.hole(ref)
        if unknown is not None:
            encoder.note_blind(*unknown)


def _with_attribute(encoder: SyntaxEncoder, node: ast.Call) -> ast.Call:
    """Return `getattr(module, "name")` with `module.name` in the place of the module, of which nothing else counts."""
    match node:
        case ast.Call(
            func=ast.Name(id="getattr") | ast.Attribute(value=ast.Name(id="builtins"), attr="getattr"),
            args=[first, ast.Constant(value=str(name)), *rest],
        ):
            path = dotted_path(first)
            scope = encoder.scope_binding(path[0]) if path else None
            # Of a local object nothing more is known.
            if path and not _is_private(name) and (scope is None or path[0] in scope.imports):
                return ast.Call(
                    node.func, [ast.Attribute(first, name, ast.Load()), node.args[1], *rest], node.keywords
                )
    return node


def _is_private(name: str) -> bool:
    """Say whether an attribute of that name would be called otherwise in a class."""
    return name.startswith("__") and not name.endswith("__")


def write_subscript(encoder: SyntaxEncoder, node: ast.Subscript) -> None:
    """Write a subscript; `globals()["name"]` is the global of that name."""
    match node:
        case ast.Subscript(
            value=ast.Call(func=ast.Name(id="globals" | "vars"), args=[]),
            slice=ast.Constant(value=str(name)),
        ):
            encoder.mark(b"globals[")
            encoder.hole(Ref("name", name))
            encoder.mark(b"]")
        case _:
            encoder.plain(node)
            if dotted_path(node.value) == ["sys", "modules"]:
                module = module_in_table(node)
                if module is not None and module.kind == "import":
                    encoder.hole(module)
                elif isinstance(node.ctx, ast.Load):
                    encoder.note_blind("globals", "sys.modules")


def module_in_table(node: ast.Subscript) -> Ref | None:
    """Return what `sys.modules["name"]` and `sys.modules[__name__]` stand for: a module, the globals here."""
    if dotted_path(node.value) != ["sys", "modules"]:
        return None
    match node.slice:
        case ast.Constant(value=str(name)):
            return Ref("import", name)
        case ast.Name(id="__name__"):
            return Ref("name", "__name__")
    return None


def _found_by_text(name: str, call: ast.Call) -> tuple[list[Ref], tuple[str, str] | None]:
    """Return what a call of the function of that name takes from outside, or else why that cannot be told."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "package")]
    text = _text_of(arguments[0]) if arguments else None
    if name in _LOADERS:
        return [], ("loader", name)
    if name in _RUNNERS:
        if text is None:
            return [], ("exec", name)
        return [Ref("soft", free) for free in names_in(text)], None
    if name not in _IMPORTERS:
        return [], None
    imported = _import_of(name, text, arguments[1] if len(arguments) > 1 else None)
    return ([], ("import", name)) if imported is None else ([imported], None)


def _import_of(name: str, text: str | None, package: ast.expr | None) -> Ref | None:
    if text is None:
        return None
    if name == "resolve_name":
        module, _, path = text.partition(":")
        return Ref("import", module, tuple(filter(None, path.split("."))))
    if not text.startswith("."):
        return Ref("import", text)
    if isinstance(package, ast.Name) and package.id in {"__package__", "__name__"}:
        bare = text.lstrip(".")
        return Ref("import", bare, (), len(text) - len(bare))
    parent = _text_of(package)
    return Ref("import", importlib.util.resolve_name(text, parent)) if parent else None


def _text_of(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def names_a_class(node: ast.Attribute) -> bool:
    """Tell whether an attribute is the name of a class: `type(x).__name__`, `self.__class__.__qualname__`."""
    if node.attr not in ("__name__", "__qualname__"):
        return False
    match node.value:
        case ast.Call(func=ast.Name(id="type"), args=[_]) | ast.Attribute(attr="__class__"):
            return True
    return False
