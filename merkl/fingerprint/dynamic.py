"""Calls that find code by a text: `exec`, `importlib.import_module`, `pkgutil.resolve_name` and their like."""

from __future__ import annotations

import ast
import importlib.util

from merkl.fingerprint.records import Ref
from merkl.fingerprint.tokens import names_in

__all__ = ["FINDERS", "found_by_text"]

_RUNNERS = frozenset(["exec", "eval"])
_IMPORTERS = frozenset(["__import__", "import_module", "resolve_name"])
#: What runs a file, or a module under another name: not followed even where it is named.
_LOADERS = frozenset(["run_module", "run_path", "spec_from_file_location", "SourceFileLoader"])
#: Functions of modules that are known by their last name, however they are imported.
FINDERS = (_IMPORTERS - {"__import__"}) | _LOADERS


def found_by_text(name: str, call: ast.Call) -> tuple[list[Ref], tuple[str, str] | None]:
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
