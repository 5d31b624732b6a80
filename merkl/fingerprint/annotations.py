"""Annotations, spelled one way: what is written as text is parsed, and `Optional[A]`, `Union` and `A | None` are the same."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from merkl.fingerprint.tokens import dotted_path

if TYPE_CHECKING:
    from merkl.fingerprint.syntax import SyntaxEncoder

__all__ = ["write_annotation"]

_UNIONS = {"Optional", "Union"}


def write_annotation(encoder: SyntaxEncoder, node: ast.expr) -> None:
    """Write an annotation: strings are parsed, and a union is one thing however it is spelled."""
    match node:
        case ast.Constant(value=str(text)):
            try:
                write_annotation(encoder, ast.parse(text.strip(), mode="eval").body)
            except SyntaxError:
                encoder.text(text)
        case ast.BinOp(op=ast.BitOr()) | ast.Subscript():
            members = _union_members(node)
            if members:
                _write_union(encoder, members)
            else:
                _write_generic(encoder, node)
        case _:
            encoder.node(node)


def _write_union(encoder: SyntaxEncoder, members: list[ast.expr]) -> None:
    nothing = [m for m in members if isinstance(m, ast.Constant) and m.value is None]
    encoder.mark(b"union(")
    for member in members:
        if member not in nothing:
            write_annotation(encoder, member)
    if nothing:
        encoder.mark(b"None")
    encoder.mark(b")")


def _write_generic(encoder: SyntaxEncoder, node: ast.expr) -> None:
    if not isinstance(node, ast.Subscript):
        encoder.plain(node)
        return
    encoder.mark(b"generic(")
    encoder.node(node.value)
    arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    literal = (dotted_path(node.value) or [""])[-1] in {"Literal", "Annotated"}
    for argument in arguments:
        if isinstance(argument, ast.List):
            encoder.mark(b"[")
            for item in argument.elts:
                write_annotation(encoder, item)
            encoder.mark(b"]")
        elif literal:
            encoder.node(argument)
        else:
            write_annotation(encoder, argument)
    encoder.mark(b")")


def _union_members(node: ast.expr) -> list[ast.expr]:
    """Return the members of `A | B`, `Union[A, B]` or `Optional[A]` (nested ones included), else nothing."""
    match node:
        case ast.Constant(value=str(text)):
            try:
                return _union_members(ast.parse(text.strip(), mode="eval").body)
            except SyntaxError:
                return []
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*(_union_members(left) or [left]), *(_union_members(right) or [right])]
        case ast.Subscript(value=value, slice=inner) if (dotted_path(value) or [""])[-1] in _UNIONS:
            members = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
            if (dotted_path(value) or [""])[-1] == "Optional":
                members.append(ast.Constant(value=None))
            return [member for each in members for member in (_union_members(each) or [each])]
    return []
