"""What was made of an expression, for as long as mypy itself remembers what it found for that.

mypy checks what stands inside of a generic call once for each context, and remembers what it found by the identity of
the expression. Only where the plugin puts the same expression in its place each time can mypy remember anything of that;
otherwise each level of `first([first([f])])` would double the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from mypy.checker import TypeChecker
from mypy.errors import ErrorInfo
from mypy.nodes import Expression
from mypy.types import Type

# What mypy never asks for as the context of an expression.
_MADE: Final = "merkl_mypy"
# As mypy keeps it: when it was made, what was made, and what was said and found out on the way.
_Kept = tuple[int, Expression | None, list[ErrorInfo], dict[Expression, Type]]


def recalled(
    api: TypeChecker, expr: Expression, make: Callable[[Expression], Expression | None]
) -> Expression | None:
    """What `make` gives for an expression, which is asked only once while mypy knows the same of all that is in it."""
    checker = api.expr_checker
    if checker.in_lambda_expr or api.current_node_deferred or api.options.disable_expression_cache:
        return make(expr)
    # Kept among what mypy remembers, for only mypy knows when that is to be forgotten.
    memory = cast("dict[tuple[Expression, str], _Kept]", checker.expr_cache)
    version = api.binder.version
    kept = memory.get((expr, _MADE))
    if kept is None or kept[0] != version:
        with (
            api.msg.filter_errors(filter_errors=True, save_filtered_errors=True) as said,
            api.local_type_map as found,
        ):
            made = make(expr)
        kept = version, made, said.filtered_errors(), found
        if version == api.binder.version and not api.current_node_deferred:
            memory[expr, _MADE] = kept
    _, made, messages, types = kept
    api.store_types(types)
    api.msg.add_errors(messages)
    return made
