"""`arg_serializer`: declare how a type, or one parameter, becomes canonical bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from merkl_serializers.registry import default_registry

__all__ = ["ArgSerializer", "arg_serializer"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[[Any], object])


class ArgSerializer:
    """A mark for `typing.Annotated`: the parameter goes through `function` on its way into the key."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[Any], object]) -> None:
        self.function = function

    def __repr__(self) -> str:
        return f"arg_serializer({getattr(self.function, '__qualname__', self.function)!s})"


@overload
def arg_serializer(target: type[T]) -> Callable[[F], F]: ...  # type: ignore[overload-overlap]


@overload
def arg_serializer(target: Callable[[Any], object]) -> ArgSerializer: ...


def arg_serializer(target: Any) -> Any:
    """Declare a serializer: for a type as a decorator, for one parameter inside `Annotated`.

    `@arg_serializer(Type)` registers the function below it, which returns bytes or a simpler value.
    `Annotated[T, arg_serializer(function)]` applies a function to one parameter only.

    >>> from typing import Annotated
    >>> Rounded = Annotated[float, arg_serializer(round)]
    """
    if not isinstance(target, type):
        if not callable(target):
            raise TypeError(f"arg_serializer takes a type or a function, not {target!r}")
        return ArgSerializer(target)

    def register(function: F) -> F:
        default_registry.register(target, function)
        return function

    return register
