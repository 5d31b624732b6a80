"""Tasks whose positional parameters are known by number: what type checkers without plugins call.

Only checkers read this. The overloads of the decorators take a function for what it may be given by position, so that
a call of the task is one plain signature to them: no overloads to choose from, no type to find out at each call.
"""

# A parameter that may be left out has a default here, whatever it has in the function: who calls may give it by name.
# mypy: disable-error-code="override, overload-cannot-match, overload-overlap, misc, empty-body, assignment"
# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from merkl.graph.future import Future
from merkl.graph.takes import A_in, B_in, C_in, D_in, E_in, P_rest, R_co
from merkl.graph.task import Task

if TYPE_CHECKING:
    # ty alone knows this class, and no code is one: ty keeps to the overloads of `Task`, since in a `Task1` it would leave
    # the type variables of a generic function unsolved. To the others the type is unknown, and so all code is of it.
    from ty_extensions import JustComplex as NotToTy  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]

__all__ = [
    "Given0",
    "Given1",
    "Given2",
    "Given3",
    "Given4",
    "Given5",
    "GivenMore",
    "Task0",
    "Task1",
    "Task2",
    "Task3",
    "Task4",
]

P = ParamSpec("P")
Out_co = TypeVar("Out_co", covariant=True)

#: A container that may hold Futures.
Nested: TypeAlias = list[Any] | dict[Any, Any] | tuple[Any, ...] | set[Any]


class Given0(Protocol[P, R_co]):
    __code__: NotToTy

    @overload
    def __call__(self, **kwargs: Any) -> R_co: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Given1(Protocol[P, A_in, R_co]):
    __code__: NotToTy

    @overload
    def __call__(self, a: A_in, /, *args: Any, **kwargs: Any) -> R_co: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Given2(Protocol[P, A_in, B_in, R_co]):
    __code__: NotToTy

    @overload
    def __call__(self, a: A_in, b: B_in, /, *args: Any, **kwargs: Any) -> R_co: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Given3(Protocol[P, A_in, B_in, C_in, R_co]):
    __code__: NotToTy

    @overload
    def __call__(self, a: A_in, b: B_in, c: C_in, /, *args: Any, **kwargs: Any) -> R_co: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Given4(Protocol[P, A_in, B_in, C_in, D_in, R_co]):
    __code__: NotToTy

    @overload
    def __call__(self, a: A_in, b: B_in, c: C_in, d: D_in, /, *args: Any, **kwargs: Any) -> R_co: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class GivenMore(Protocol[P, P_rest, A_in, B_in, C_in, D_in, E_in, R_co]):
    __code__: NotToTy

    @overload
    def __call__(
        self, a: A_in, b: B_in, c: C_in, d: D_in, e: E_in, /, *args: P_rest.args, **kwargs: P_rest.kwargs
    ) -> R_co: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Given5(Protocol[P, A_in, B_in, C_in, D_in, E_in, R_co]):
    __code__: NotToTy

    @overload
    def __call__(self, a: A_in, b: B_in, c: C_in, d: D_in, e: E_in, /) -> R_co: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Task0(Task[P, R_co, Out_co], Generic[P, R_co, Out_co]):
    def __call__(self, **kwargs: Any) -> Out_co: ...


class Task1(Task[P, R_co, Out_co], Generic[P, R_co, Out_co, A_in]):
    def __call__(self, a: A_in | Future[A_in] | Nested = ..., /, **kwargs: Any) -> Out_co: ...


class Task2(Task[P, R_co, Out_co], Generic[P, R_co, Out_co, A_in, B_in]):
    def __call__(
        self, a: A_in | Future[A_in] | Nested = ..., b: B_in | Future[B_in] | Nested = ..., /, **kwargs: Any
    ) -> Out_co: ...


class Task3(Task[P, R_co, Out_co], Generic[P, R_co, Out_co, A_in, B_in, C_in]):
    def __call__(
        self,
        a: A_in | Future[A_in] | Nested = ...,
        b: B_in | Future[B_in] | Nested = ...,
        c: C_in | Future[C_in] | Nested = ...,
        /,
        **kwargs: Any,
    ) -> Out_co: ...


class Task4(Task[P, R_co, Out_co], Generic[P, R_co, Out_co, A_in, B_in, C_in, D_in]):
    def __call__(
        self,
        a: A_in | Future[A_in] | Nested = ...,
        b: B_in | Future[B_in] | Nested = ...,
        c: C_in | Future[C_in] | Nested = ...,
        d: D_in | Future[D_in] | Nested = ...,
        /,
        **kwargs: Any,
    ) -> Out_co: ...
