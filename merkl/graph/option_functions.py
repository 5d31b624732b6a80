"""Functions that options give (`outs=`, `extra_key=`): called with a call's arguments by name, checked when declared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from merkl._base.errors import GraphError, TaskOutsError

__all__ = ["apply_option", "require_option"]


def apply_option(function: Callable[..., Any], signature: inspect.Signature, values: tuple[Any, ...]) -> Any:
    """Call the function of an option with the arguments of a call, bound in the order of the task's parameters.

    >>> signature = inspect.signature(lambda first, *rest, k=3: ...)
    >>> apply_option(lambda first, *rest, k=1: (first, rest, k), signature, (0, (1, 2), 3))
    (0, (1, 2), 3)
    """
    args, kwargs = _spread(signature, values)
    return function(*args, **kwargs)


def require_option(task: str, name: str, function: Any, fn: Callable[..., Any]) -> None:
    """Raise where the function of an option `name` cannot be called with the parameters of the task's function.

    `TaskOutsError` for `outs`, else `GraphError`. Functions without a signature of their own are taken as they are.
    """
    try:
        wanted, given = inspect.signature(fn), inspect.signature(function)
    except (TypeError, ValueError):
        return
    empty: Mapping[Any, Any] = {inspect.Parameter.VAR_POSITIONAL: (), inspect.Parameter.VAR_KEYWORD: {}}
    args, kwargs = _spread(wanted, tuple(empty.get(p.kind) for p in wanted.parameters.values()))
    try:
        given.bind(*args, **kwargs)
    except TypeError as error:
        message = (
            f"task {task!r}: the function of {name}= is called with the parameters of the task, "
            f"{_listed(wanted)}, but takes {_listed(given)}: {error}"
        )
        if name == "outs":
            raise TaskOutsError(message, task=task, expected=str(wanted), actual=str(given)) from None
        raise GraphError(message) from None


def _spread(signature: inspect.Signature, values: tuple[Any, ...]) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments by name as far as can be: before `*args` and where there is no name to give, by position."""
    parameters = signature.parameters.values()
    has_rest = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for parameter, value in zip(parameters, values, strict=True):
        if parameter.kind is parameter.VAR_POSITIONAL:
            args.extend(value)
        elif parameter.kind is parameter.VAR_KEYWORD:
            kwargs.update(value)
        elif parameter.kind is parameter.POSITIONAL_ONLY or (
            has_rest and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        ):
            args.append(value)
        else:
            kwargs[parameter.name] = value
    return args, kwargs


def _listed(signature: inspect.Signature) -> str:
    return "(" + ", ".join(str(p.replace(annotation=p.empty)) for p in signature.parameters.values()) + ")"
