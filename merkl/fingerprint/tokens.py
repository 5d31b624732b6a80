"""Tokens for literals and kinds of nodes, and small questions about pieces of syntax."""

from __future__ import annotations

import ast
import functools
import re
import struct
from collections.abc import Iterable, Sequence

__all__ = [
    "constant_token",
    "dotted_path",
    "flat_parts",
    "has_text",
    "names_in",
    "parameter_names",
    "shape_of",
    "string_token",
    "without_docstrings",
    "words_of",
]

_SKIPPED = {"ctx", "kind", "type_comment", "type_ignores"}
_WORD = re.compile(r"[A-Za-z_]\w*")
_LONGEST_NAMING_TEXT = 1000


def without_docstrings(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a body without strings that stand alone, and without `pass`: they do nothing."""
    return [
        statement
        for statement in body
        if not isinstance(statement, ast.Pass)
        and not (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        )
    ]


def words_of(text: str) -> list[str]:
    """Return the words in a text that could be names of attributes (`"{0.area}".format(x)` reads one)."""
    return _WORD.findall(text) if len(text) <= _LONGEST_NAMING_TEXT else []


def constant_token(value: object) -> bytes:
    """Return a self-delimiting token for a literal, by type and value."""
    match value:
        case None | True | False:
            return repr(value).encode() + b";"
        case str():
            return string_token(value)
        case bytes():
            return b"b%d:" % len(value) + value
        case int():
            return b"i%x;" % value
        case float():
            return b"d" + struct.pack(">d", value)
        case complex():
            return b"c" + struct.pack(">dd", value.real, value.imag)
        case _ if value is ... or value is NotImplemented:
            return repr(value).encode() + b";"
    raise TypeError(f"no literal: {value!r}")


def string_token(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"s%d:" % len(data) + data


@functools.cache
def shape_of(kind: type[ast.AST]) -> tuple[bytes, list[tuple[str, bytes]]]:
    fields = [(name, name.encode() + b"=") for name in kind._fields if name not in _SKIPPED]
    return kind.__name__.encode() + b"(", fields


def parameter_names(args: ast.arguments) -> list[str]:
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    return [arg.arg for arg in (*every, args.vararg, args.kwarg) if arg is not None]


def flat_parts(node: ast.JoinedStr) -> Iterable[ast.expr]:
    for part in node.values:
        if isinstance(part, ast.JoinedStr):
            yield from flat_parts(part)
        else:
            yield part


def has_text(spec: ast.JoinedStr) -> bool:
    return any(not (isinstance(part, ast.Constant) and part.value == "") for part in flat_parts(spec))


def dotted_path(node: ast.expr) -> list[str] | None:
    path: list[str] = []
    while isinstance(node, ast.Attribute):
        path.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return [node.id, *reversed(path)]


def names_in(source: str) -> list[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    return sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
