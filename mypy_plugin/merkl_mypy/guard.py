"""An unexpected error inside a hook must never cost a user the whole run of mypy."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from mypy.checker import TypeChecker
from mypy.nodes import Context
from mypy.types import FunctionLike, Type

from merkl_mypy import codes

C = TypeVar("C")


def guarded_result(hook: Callable[[C], Type]) -> Callable[[C], Type]:
    """The hook, falling back to mypy's own type."""

    @wraps(hook)
    def guard(ctx: C) -> Type:
        try:
            return hook(ctx)
        except Exception as error:  # noqa: BLE001  the boundary between the plugin and mypy
            default: Any = getattr(ctx, "default_return_type", None) or getattr(
                ctx, "default_attr_type", None
            )
            _report(ctx, error)
            return default  # type: ignore[no-any-return]

    return guard


def guarded_signature(hook: Callable[[C], FunctionLike]) -> Callable[[C], FunctionLike]:
    """The hook, falling back to mypy's own signature."""

    @wraps(hook)
    def guard(ctx: C) -> FunctionLike:
        try:
            return hook(ctx)
        except Exception as error:  # noqa: BLE001  the boundary between the plugin and mypy
            _report(ctx, error)
            default: Any = getattr(ctx, "default_signature", None)
            return default  # type: ignore[no-any-return]

    return guard


def guarded_start(start: Callable[[TypeChecker], None]) -> Callable[[TypeChecker], None]:
    """What is done before a module is checked; where it fails the module is checked without it."""

    @wraps(start)
    def guard(api: TypeChecker) -> None:
        try:
            start(api)
        except Exception as error:  # noqa: BLE001  the boundary between the plugin and mypy
            _note(api, api.tree, error)

    return guard


def _report(ctx: Any, error: Exception) -> None:
    _note(ctx.api, ctx.context, error)


def _note(api: Any, where: Context, error: Exception) -> None:
    text = f"merkl_mypy could not look into this ({type(error).__name__}: {error}); please report it"
    api.msg.note(text, where, code=codes.INTERNAL)
