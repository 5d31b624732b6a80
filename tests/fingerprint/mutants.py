"""Mutants of a source file: every node of its tree changed in turn, in every way that fits its kind."""

from __future__ import annotations

import ast
import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One changed source, and what was done where."""

    what: str
    source: str


_BINARY = [ast.Add, ast.Sub, ast.Mult, ast.Mod, ast.BitXor, ast.Pow]
_COMPARE = [ast.Lt, ast.GtE, ast.Eq, ast.NotEq]


def mutants(source: str, stride: int = 1) -> Iterator[Mutant]:
    """Yield every mutant of a source that compiles, or every so-manieth one."""
    tree = ast.parse(source)
    turn = 0
    for position, node in enumerate(list(ast.walk(tree))):
        for number in range(len(list(_changes(node)))):
            turn += 1
            if turn % stride:
                continue
            fresh = copy.deepcopy(tree)
            what, change = list(_changes(list(ast.walk(fresh))[position]))[number]
            change()
            try:
                text = ast.unparse(ast.fix_missing_locations(fresh))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    compile(text, "mutant", "exec")
            except (SyntaxError, ValueError, TypeError, AttributeError):
                continue
            yield Mutant(f"line {getattr(node, 'lineno', 0)}: {type(node).__name__}: {what}", text)


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what can be changed in one node: a description and the deed."""

    def put(field: str, value: object) -> Callable[[], None]:
        return lambda: setattr(node, field, value)

    match node:
        case ast.Constant(value=bool() as value):
            yield "not", put("value", not value)
        case ast.Constant(value=int() as value):
            yield "+1", put("value", value + 1)
            yield "float", put("value", float(value))
        case ast.Constant(value=float() as value):
            yield "+1", put("value", value + 1)
        case ast.Constant(value=str() as value):
            yield "text", put("value", value + "x")
        case ast.Constant(value=None):
            yield "0", put("value", 0)
        case ast.BinOp() | ast.AugAssign():
            for op in _BINARY:
                if not isinstance(node.op, op):
                    yield op.__name__, put("op", op())
        case ast.Compare():
            for op in _COMPARE:
                if not isinstance(node.ops[0], op):
                    yield op.__name__, put("ops", [op(), *node.ops[1:]])
        case ast.BoolOp():
            yield "and/or", put("op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
            yield "drop", put("values", node.values[1:] * 2)
        case ast.UnaryOp():
            yield "plus", put("op", ast.Not() if isinstance(node.op, ast.USub) else ast.USub())
        case ast.If() | ast.IfExp() | ast.While():
            yield "negate", put("test", ast.UnaryOp(op=ast.Not(), operand=node.test))
        case ast.Name(ctx=ast.Load()):
            yield "other name", put("id", node.id + "_")
            yield "constant", lambda: node.__dict__.update(id="__name__")
        case ast.Attribute(ctx=ast.Load()):
            yield "other attribute", put("attr", node.attr + "_")
        case ast.Return():
            yield "nothing", put("value", None)
        case ast.arg():
            yield "rename", put("arg", node.arg + "_")
        case ast.keyword(arg=str()):
            yield "rename", put("arg", f"{node.arg}_")
        case ast.JoinedStr():
            yield "reverse", put("values", list(reversed(node.values)))
        case ast.FormattedValue():
            yield "conversion", put("conversion", -1 if node.conversion != -1 else ord("r"))
        case ast.Lambda():
            yield "constant", put("body", ast.Constant(value=5))
        case ast.alias():
            yield "other", put("name", node.name + "_")
        case ast.ExceptHandler(type=ast.expr()):
            yield "other", put("type", ast.Name(id="OSError", ctx=ast.Load()))
        case ast.comprehension():
            yield "no condition", put("ifs", [])
    yield from _changes_of_lists(node, put)


def _changes_of_lists(
    node: ast.AST, put: Callable[[str, object], Callable[[], None]]
) -> Iterator[tuple[str, Callable[[], None]]]:
    for field, value in ast.iter_fields(node):
        if isinstance(value, list) and value and field != "ops":
            for number in range(len(value)):
                shorter = value[:number] + value[number + 1 :]
                if not shorter and value and isinstance(value[0], ast.stmt):
                    shorter = [ast.Pass()]
                yield f"{field} without {number}", put(field, shorter)
            if len(value) > 1:
                yield f"{field} swapped", put(field, [value[1], value[0], *value[2:]])
        elif isinstance(value, ast.expr) and field in {"value", "iter", "func"}:
            yield f"{field} is 1", put(field, ast.Constant(value=1))
        elif isinstance(value, str) and isinstance(node, ast.FunctionDef | ast.ClassDef) and field == "name":
            yield "rename", put(field, value + "_")
