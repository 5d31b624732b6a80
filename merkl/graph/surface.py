"""What a type checker without plugins sees of tasks: overloads of the decorators and of a task's call.

Nothing here does any work at run time. `Task` inherits `TaskSurface`, whose `__call__` exists for checkers alone;
the mypy plugin replaces all of it by something more exact.
"""

# The most permissive overload stands first, so mypy finds the later ones unreachable; they are for other checkers.
# mypy: disable-error-code="overload-cannot-match, overload-overlap"
# pyright: reportOverlappingOverload=false
from __future__ import annotations

from collections.abc import (
    Callable,
    Coroutine,
    Generator,
    ItemsView,
    Iterator,
    KeysView,
    MutableMapping,
    Sequence,
    ValuesView,
)
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    Self,
    TypeAlias,
    TypeVar,
    Unpack,
    overload,
)

if TYPE_CHECKING:
    from _collections_abc import dict_items

    from merkl.graph.future import Future
    from merkl.graph.numbered import (
        Given0,
        Given1,
        Given2,
        Given3,
        Given4,
        Given5,
        GivenMore,
        Task0,
        Task1,
        Task2,
        Task3,
        Task4,
    )
    from merkl.graph.option_types import TaskOptionTypes
    from merkl.graph.takes import (
        Takes1,
        Takes2,
        Takes3,
        Takes4,
        Takes5,
        Takes6,
        Takes7,
        Takes8,
        Takes9,
        TakesSelf,
    )
    from merkl.graph.task import Task

P = ParamSpec("P")
P_rest = ParamSpec("P_rest")
R_co = TypeVar("R_co", covariant=True)
Out_co = TypeVar("Out_co", covariant=True)

R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")
J = TypeVar("J")


class NamedTupleLike(Protocol):
    """A NamedTuple: one Future, though it is a tuple."""

    def _asdict(self) -> dict[str, Any]: ...


class TypedDictLike(Protocol):
    """A TypedDict: one Future for each key. A dict is one too, so overloads for `MutableMapping` stand before."""

    def items(self) -> dict_items[str, object]: ...


class MappingLike(Protocol):
    """Any other mapping; to pyrefly a TypedDict is no more than this."""

    def items(self) -> ItemsView[Any, Any]: ...


N = TypeVar("N", bound=NamedTupleLike)
S = TypeVar("S", bound="int | str | float | bytes | list[Any] | set[Any] | MutableMapping[Any, Any] | None")
MM = TypeVar("MM", bound="MutableMapping[Any, Any]")
TD = TypeVar("TD", bound=TypedDictLike)
ML = TypeVar("ML", bound=MappingLike)


if TYPE_CHECKING:
    #: A container that may hold Futures.
    Nested: TypeAlias = list[Any] | dict[Any, Any] | tuple[Any, ...] | set[Any]


class TaskSurface(Generic[P, R_co, Out_co]):
    """The call of a task as checkers without plugins see it: positional arguments are checked, up to nine.

    A Future, or a container that may hold Futures, is taken for any positional parameter; what is given by keyword
    is not checked. The types of the parameters are read off `_takes`, by a protocol for each number of arguments:
    assignable is then all that the parameters must be. (Matched as `Concatenate[A, ...]` against the ParamSpec they
    would have to be equal, and ty and pyrefly refuse every call.)
    """

    if TYPE_CHECKING:

        def _takes(self, /, *args: P.args, **kwargs: P.kwargs) -> Out_co: ...

        @overload
        def __call__(
            self: Takes1[A, R],
            a: A | Future[A] | Nested,
            /,
            **kwargs: Any,
        ) -> R: ...

        @overload
        def __call__(
            self: Takes2[A, B, R],
            a: A | Future[A] | Nested,
            b: B | Future[B] | Nested,
            /,
            **kwargs: Any,
        ) -> R: ...

        @overload
        def __call__(
            self: Takes3[A, B, C, R],
            a: A | Future[A] | Nested,
            b: B | Future[B] | Nested,
            c: C | Future[C] | Nested,
            /,
            **kwargs: Any,
        ) -> R: ...

        @overload
        def __call__(
            self: Takes4[A, B, C, D, R],
            a: A | Future[A] | Nested,
            b: B | Future[B] | Nested,
            c: C | Future[C] | Nested,
            d: D | Future[D] | Nested,
            /,
            **kwargs: Any,
        ) -> R: ...

        @overload
        def __call__(
            self: Takes5[A, B, C, D, E, R],
            a: A | Future[A] | Nested,
            b: B | Future[B] | Nested,
            c: C | Future[C] | Nested,
            d: D | Future[D] | Nested,
            e: E | Future[E] | Nested,
            /,
            **kwargs: Any,
        ) -> R: ...

        @overload
        def __call__(
            self: Takes6[A, B, C, D, E, F, R],
            a: A | Future[A] | Nested,
            b: B | Future[B] | Nested,
            c: C | Future[C] | Nested,
            d: D | Future[D] | Nested,
            e: E | Future[E] | Nested,
            f: F | Future[F] | Nested,
            /,
            **kwargs: Any,
        ) -> R: ...

        @overload
        def __call__(
            self: Takes7[A, B, C, D, E, F, G, R],
            a: A | Future[A] | Nested,
            b: B | Future[B] | Nested,
            c: C | Future[C] | Nested,
            d: D | Future[D] | Nested,
            e: E | Future[E] | Nested,
            f: F | Future[F] | Nested,
            g: G | Future[G] | Nested,
            /,
            **kwargs: Any,
        ) -> R: ...

        @overload
        def __call__(
            self: Takes8[A, B, C, D, E, F, G, H, R],
            a: A | Future[A] | Nested,
            b: B | Future[B] | Nested,
            c: C | Future[C] | Nested,
            d: D | Future[D] | Nested,
            e: E | Future[E] | Nested,
            f: F | Future[F] | Nested,
            g: G | Future[G] | Nested,
            h: H | Future[H] | Nested,
            /,
            **kwargs: Any,
        ) -> R: ...

        @overload
        def __call__(
            self: Takes9[A, B, C, D, E, F, G, H, J, R],
            a: A | Future[A] | Nested,
            b: B | Future[B] | Nested,
            c: C | Future[C] | Nested,
            d: D | Future[D] | Nested,
            e: E | Future[E] | Nested,
            f: F | Future[F] | Nested,
            g: G | Future[G] | Nested,
            h: H | Future[H] | Nested,
            j: J | Future[J] | Nested,
            /,
            *rest: Any,
            **kwargs: Any,
        ) -> R: ...

        @overload
        def __call__(self, **kwargs: Any) -> Out_co: ...

        @overload
        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Out_co: ...

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[misc]

        # pyright and pyrefly see no difference between a task under @classmethod and one without.
        @overload
        def __get__(
            self: TakesSelf[type[A], P_rest, R], instance: A | None, owner: type[A]
        ) -> Task[P_rest, R_co, R]: ...

        @overload
        def __get__(self, instance: None, owner: type | None = None) -> Self: ...

        @overload
        def __get__(
            self: TakesSelf[A, P_rest, R], instance: A, owner: type | None = None
        ) -> Task[P_rest, R_co, R]: ...

        @overload
        def __get__(self, instance: object, owner: type | None = None) -> Self: ...

        def __get__(self, instance: Any, owner: type | None = None) -> Any: ...

        @overload
        def __or__(self, other: Callable[[Out_co], Future[R]], /) -> Task[P, R, Future[R]]: ...

        @overload
        def __or__(self, other: Callable[[Out_co], R], /) -> Task[P, Any, R]: ...

        def __or__(self, other: Any, /) -> Any: ...


if TYPE_CHECKING:

    class MappingFuture(Future[R_co]):
        """The Future of a mapping; where it is a TypedDict after all, there is a Future for each key."""

        def __getitem__(self, key: str, /) -> Future[Any]: ...  # type: ignore[override]
        def get(self, key: str, /) -> Future[Any] | None: ...
        def __iter__(self) -> Iterator[str]: ...  # type: ignore[override]
        def keys(self) -> KeysView[str]: ...
        def values(self) -> ValuesView[Future[Any]]: ...
        def items(self) -> ItemsView[str, Future[Any]]: ...


class AnyFunction:
    """Nothing is of this type: only the mypy plugin takes it to mean any function.

    The first overload of what `task(…)` gives takes one. It is the only one that the plugin leaves to mypy, which cannot
    read variadic functions off a ParamSpec, and would take its time with the others; the plugin gives the result.
    """


class TaskMethod(Generic[P, R_co]):
    """A method of a task (`task.map`) whose calls the mypy plugin checks against the task's signature."""

    if TYPE_CHECKING:

        def __call__(self, *args: Any, **kwargs: Any) -> R_co: ...


class TaskDecorator(Protocol):
    """What `task(…)` gives: each result annotation decides what a call of the task will give."""

    @overload
    def __call__(self, fn: AnyFunction, /) -> Any: ...
    @overload
    def __call__(self, fn: GivenMore[P, P_rest, A, B, C, D, E, S], /) -> Task[P, S, Future[S]]: ...
    @overload
    def __call__(self, fn: Given5[P, A, B, C, D, E, S], /) -> Task[P, S, Future[S]]: ...
    @overload
    def __call__(self, fn: Given4[P, A, B, C, D, S], /) -> Task4[P, S, Future[S], A, B, C, D]: ...
    @overload
    def __call__(self, fn: Given3[P, A, B, C, S], /) -> Task3[P, S, Future[S], A, B, C]: ...
    @overload
    def __call__(self, fn: Given2[P, A, B, S], /) -> Task2[P, S, Future[S], A, B]: ...
    @overload
    def __call__(self, fn: Given1[P, A, S], /) -> Task1[P, S, Future[S], A]: ...
    @overload
    def __call__(self, fn: Given0[P, S], /) -> Task0[P, S, Future[S]]: ...
    @overload
    def __call__(self, fn: Callable[P, N], /) -> Task[P, N, Future[N]]: ...
    @overload
    def __call__(self, fn: Callable[P, MM], /) -> Task[P, MM, Future[MM]]: ...
    @overload
    def __call__(self, fn: Callable[P, TD], /) -> Task[P, TD, dict[str, Future[Any]]]: ...
    @overload
    def __call__(self, fn: Callable[P, ML], /) -> Task[P, ML, MappingFuture[ML]]: ...
    @overload
    def __call__(self, fn: Callable[P, tuple[A]], /) -> Task[P, tuple[A], tuple[Future[A]]]: ...
    @overload
    def __call__(
        self, fn: Callable[P, tuple[A, B]], /
    ) -> Task[P, tuple[A, B], tuple[Future[A], Future[B]]]: ...
    @overload
    def __call__(
        self, fn: Callable[P, tuple[A, B, C]], /
    ) -> Task[P, tuple[A, B, C], tuple[Future[A], Future[B], Future[C]]]: ...
    @overload
    def __call__(
        self, fn: Callable[P, tuple[A, B, C, D]], /
    ) -> Task[P, tuple[A, B, C, D], tuple[Future[A], Future[B], Future[C], Future[D]]]: ...
    @overload
    def __call__(
        self,
        fn: Callable[P, tuple[A, B, C, D, E]],
        /,
    ) -> Task[P, tuple[A, B, C, D, E], tuple[Future[A], Future[B], Future[C], Future[D], Future[E]]]: ...
    @overload
    def __call__(
        self,
        fn: Callable[P, tuple[A, B, C, D, E, F]],
        /,
    ) -> Task[
        P, tuple[A, B, C, D, E, F], tuple[Future[A], Future[B], Future[C], Future[D], Future[E], Future[F]]
    ]: ...
    @overload
    def __call__(
        self,
        fn: Callable[P, tuple[A, B, C, D, E, F, G]],
        /,
    ) -> Task[
        P,
        tuple[A, B, C, D, E, F, G],
        tuple[Future[A], Future[B], Future[C], Future[D], Future[E], Future[F], Future[G]],
    ]: ...
    @overload
    def __call__(
        self,
        fn: Callable[P, tuple[A, B, C, D, E, F, G, H]],
        /,
    ) -> Task[
        P,
        tuple[A, B, C, D, E, F, G, H],
        tuple[Future[A], Future[B], Future[C], Future[D], Future[E], Future[F], Future[G], Future[H]],
    ]: ...
    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R, Future[R]]: ...
    @overload
    def __call__(self, fn: GivenMore[P, P_rest, A, B, C, D, E, R], /) -> Task[P, R, Future[R]]: ...
    @overload
    def __call__(self, fn: Given5[P, A, B, C, D, E, R], /) -> Task[P, R, Future[R]]: ...
    @overload
    def __call__(self, fn: Given4[P, A, B, C, D, R], /) -> Task4[P, R, Future[R], A, B, C, D]: ...
    @overload
    def __call__(self, fn: Given3[P, A, B, C, R], /) -> Task3[P, R, Future[R], A, B, C]: ...
    @overload
    def __call__(self, fn: Given2[P, A, B, R], /) -> Task2[P, R, Future[R], A, B]: ...
    @overload
    def __call__(self, fn: Given1[P, A, R], /) -> Task1[P, R, Future[R], A]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R, Future[R]]: ...


class OneOutDecorator(Protocol):
    """What `task(outs=1)` gives: one Future, whatever the result annotation."""

    @overload
    def __call__(self, fn: AnyFunction, /) -> Any: ...
    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R, Future[R]]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R, Future[R]]: ...


class TupleOutsDecorator(Protocol):
    """What `task(outs=n)` gives: a tuple of Futures."""

    @overload
    def __call__(self, fn: AnyFunction, /) -> Any: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R, tuple[Future[Any], ...]]: ...


class NamedOutsDecorator(Protocol):
    """What `task(outs=[…])` gives: a Future by each name."""

    @overload
    def __call__(self, fn: AnyFunction, /) -> Any: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R, dict[str, Future[Any]]]: ...


class ComputedOutsDecorator(Protocol):
    """What `task(outs=callable)` gives: the outs are known when the call is made."""

    @overload
    def __call__(self, fn: AnyFunction, /) -> Any: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R, Any]: ...


class BatchDecorator(Protocol):
    """What `batch(…)` gives: a list of Futures, one for each item."""

    @overload
    def __call__(self, fn: AnyFunction, /) -> Any: ...
    @overload
    def __call__(self, fn: Callable[P, list[R]], /) -> Task[P, list[R], list[Future[R]]]: ...
    @overload
    def __call__(self, fn: Callable[P, Sequence[R]], /) -> Task[P, Sequence[R], list[Future[R]]]: ...
    @overload
    def __call__(
        self, fn: Callable[P, Coroutine[Any, Any, Sequence[R]]], /
    ) -> Task[P, Sequence[R], list[Future[R]]]: ...


class PipelineDecorator(Protocol):
    """What `pipeline(…)` gives: a call gives the outputs that the body returns."""

    @overload
    def __call__(self, fn: AnyFunction, /) -> Any: ...
    @overload
    def __call__(self, fn: Callable[P, Generator[Any, Any, R]], /) -> Task[P, R, R]: ...
    @overload
    def __call__(self, fn: Callable[P, Iterator[Any]], /) -> Task[P, None, None]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R, R]: ...


if TYPE_CHECKING:

    @overload
    def task(fn: GivenMore[P, P_rest, A, B, C, D, E, S], /) -> Task[P, S, Future[S]]: ...
    @overload
    def task(fn: Given5[P, A, B, C, D, E, S], /) -> Task[P, S, Future[S]]: ...
    @overload
    def task(fn: Given4[P, A, B, C, D, S], /) -> Task4[P, S, Future[S], A, B, C, D]: ...
    @overload
    def task(fn: Given3[P, A, B, C, S], /) -> Task3[P, S, Future[S], A, B, C]: ...
    @overload
    def task(fn: Given2[P, A, B, S], /) -> Task2[P, S, Future[S], A, B]: ...
    @overload
    def task(fn: Given1[P, A, S], /) -> Task1[P, S, Future[S], A]: ...
    @overload
    def task(fn: Given0[P, S], /) -> Task0[P, S, Future[S]]: ...
    @overload
    def task(fn: Callable[P, N], /) -> Task[P, N, Future[N]]: ...
    @overload
    def task(fn: Callable[P, MM], /) -> Task[P, MM, Future[MM]]: ...
    @overload
    def task(fn: Callable[P, TD], /) -> Task[P, TD, dict[str, Future[Any]]]: ...
    @overload
    def task(fn: Callable[P, ML], /) -> Task[P, ML, MappingFuture[ML]]: ...
    @overload
    def task(fn: Callable[P, tuple[A]], /) -> Task[P, tuple[A], tuple[Future[A]]]: ...
    @overload
    def task(fn: Callable[P, tuple[A, B]], /) -> Task[P, tuple[A, B], tuple[Future[A], Future[B]]]: ...
    @overload
    def task(
        fn: Callable[P, tuple[A, B, C]], /
    ) -> Task[P, tuple[A, B, C], tuple[Future[A], Future[B], Future[C]]]: ...
    @overload
    def task(
        fn: Callable[P, tuple[A, B, C, D]], /
    ) -> Task[P, tuple[A, B, C, D], tuple[Future[A], Future[B], Future[C], Future[D]]]: ...
    @overload
    def task(
        fn: Callable[P, tuple[A, B, C, D, E]], /
    ) -> Task[P, tuple[A, B, C, D, E], tuple[Future[A], Future[B], Future[C], Future[D], Future[E]]]: ...
    @overload
    def task(
        fn: Callable[P, tuple[A, B, C, D, E, F]], /
    ) -> Task[
        P, tuple[A, B, C, D, E, F], tuple[Future[A], Future[B], Future[C], Future[D], Future[E], Future[F]]
    ]: ...
    @overload
    def task(
        fn: Callable[P, tuple[A, B, C, D, E, F, G]], /
    ) -> Task[
        P,
        tuple[A, B, C, D, E, F, G],
        tuple[Future[A], Future[B], Future[C], Future[D], Future[E], Future[F], Future[G]],
    ]: ...
    @overload
    def task(
        fn: Callable[P, tuple[A, B, C, D, E, F, G, H]], /
    ) -> Task[
        P,
        tuple[A, B, C, D, E, F, G, H],
        tuple[Future[A], Future[B], Future[C], Future[D], Future[E], Future[F], Future[G], Future[H]],
    ]: ...
    @overload
    def task(fn: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R, Future[R]]: ...
    @overload
    def task(fn: GivenMore[P, P_rest, A, B, C, D, E, R], /) -> Task[P, R, Future[R]]: ...
    @overload
    def task(fn: Given5[P, A, B, C, D, E, R], /) -> Task[P, R, Future[R]]: ...
    @overload
    def task(fn: Given4[P, A, B, C, D, R], /) -> Task4[P, R, Future[R], A, B, C, D]: ...
    @overload
    def task(fn: Given3[P, A, B, C, R], /) -> Task3[P, R, Future[R], A, B, C]: ...
    @overload
    def task(fn: Given2[P, A, B, R], /) -> Task2[P, R, Future[R], A, B]: ...
    @overload
    def task(fn: Given1[P, A, R], /) -> Task1[P, R, Future[R], A]: ...
    @overload
    def task(fn: Callable[P, R], /) -> Task[P, R, Future[R]]: ...

    @overload
    def task(*, outs: Literal[1], **options: Unpack[TaskOptionTypes]) -> OneOutDecorator: ...
    @overload
    def task(*, outs: int, **options: Unpack[TaskOptionTypes]) -> TupleOutsDecorator: ...
    @overload
    def task(*, outs: Sequence[str], **options: Unpack[TaskOptionTypes]) -> NamedOutsDecorator: ...
    @overload
    def task(*, outs: Callable[..., Any], **options: Unpack[TaskOptionTypes]) -> ComputedOutsDecorator: ...
    @overload
    def task(*, outs: None = None, **options: Unpack[TaskOptionTypes]) -> TaskDecorator: ...
    def task(fn: Any = None, /, **options: Any) -> Any:
        """Make a task of a function; see `merkl.graph.task.task`."""

    def task_options(
        *,
        outs: int | Sequence[str] | Callable[..., Any] | None = None,
        **options: Unpack[TaskOptionTypes],
    ) -> TaskDecorator:
        """What the mypy plugin checks `task(…)` against, where it is given no function."""
        raise NotImplementedError
