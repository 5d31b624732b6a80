"""`@batch`: one body over a list, whose items are calls of their own, each with the key that a single call has."""

# The first overload is for the mypy plugin, so mypy finds the later ones unreachable; they are for other checkers.
# mypy: disable-error-code="overload-cannot-match, overload-overlap"
# pyright: reportOverlappingOverload=false
from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack, overload

from merkl._base.code_places import describe_site
from merkl._base.errors import BindError, GraphError, TaskOutsError, TypeMismatchError
from merkl.graph.building import building, record_calls
from merkl.graph.call import BatchGroup
from merkl.graph.future import Future
from merkl.graph.nested import find_futures
from merkl.graph.options import TaskOptions, make_options
from merkl.graph.outs import PositionalOuts
from merkl.graph.task import Task, evaluate_given
from merkl.hashing.keys import hash_batch_item

if TYPE_CHECKING:
    from merkl.fingerprint import Fingerprint, Fingerprinter
    from merkl.graph.option_types import TaskOptionTypes
    from merkl.graph.surface import BatchDecorator

__all__ = ["BatchOuts", "BatchTask", "ItemTask", "batch"]

P = ParamSpec("P")
R = TypeVar("R")

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class BatchTask(Task[..., Any, Any]):
    """A function over a list under `@batch`.

    A call gives a list with what a single call of `item_task` gives for each item. The body runs for those items whose
    results are not in the cache, `max_size` at a time.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        options: TaskOptions,
        *,
        single: Task[..., Any, Any] | None,
        max_size: int | None,
    ) -> None:
        # What the single task says of its arguments holds for its own calls.
        super().__init__(fn, options if single is None else _how_to_run(options))
        self.max_size = max_size
        self._single = single
        parameters = list(inspect.signature(fn).parameters.values())
        if not parameters or parameters[0].kind not in _POSITIONAL:
            raise GraphError(
                f"batch {self.name!r}: its first parameter takes the list of items, and it has none"
            )
        self.list_name = parameters[0].name
        #: An item is a tuple of all that the single task requires.
        self.is_spread = False
        if single is not None:
            self._match(single, parameters)

    def taken_apart(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _batch_again, (self.fn, self.options, self._single, self.max_size)

    def _match(self, single: Task[..., Any, Any], parameters: Sequence[inspect.Parameter]) -> None:
        taken = inspect.signature(single.fn).parameters
        names = list(taken)
        if not names:
            raise GraphError(f"batch {self.name!r}: the single task {single.name!r} takes no argument")
        unknown = [p.name for p in parameters[1:] if p.name not in names[1:]]
        if unknown:
            raise GraphError(
                f"batch {self.name!r}: its parameter {unknown[0]!r} is none of the single task {single.name!r} "
                f"({', '.join(names)}), so an item could not have the key of a single call"
            )
        shared = {p.name for p in parameters[1:]}
        required = [name for name, p in taken.items() if p.default is p.empty and name not in shared]
        self.is_spread = len(required) > 1

    @functools.cached_property
    def item_task(self) -> Task[..., Any, Any]:
        """The task that an item is a call of."""
        return self._single if self._single is not None else ItemTask(self)

    @functools.cached_property
    def body_task(self) -> Task[..., Any, Any]:
        """The task whose body is that of the batch, over the arguments of several single calls."""

        def body(rows: list[tuple[Any, ...]]) -> Any:
            return self.run_items(rows)

        async def waiting_body(rows: list[tuple[Any, ...]]) -> Any:
            return await self.run_items(rows)

        body = waiting_body if self.is_coroutine else body
        _name_like(body, self.fn)
        task: Task[..., Any, Any] = Task(body, _how_to_run(self.options))
        task.name = self.name
        return task

    def _make_call(self, args: tuple[Any, ...], kwargs: dict[str, Any], code: CodeType, lasti: int) -> Any:
        try:
            values = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            where = describe_site(code, lasti)
            raise BindError(f"{error} (called at {where})", task=self.name, location=where) from None
        shared = dict(zip(self.signature.names[1:], values[1:], strict=True))
        rows = self._rows(values[0], describe_site(code, lasti))
        # Not run one by one where calls run when they are made.
        with record_calls(None):
            given = [self.item_task._invoke(row, shared, code, lasti) for row in rows]
        group = BatchGroup(self)
        calls = dict.fromkeys(future._call for future in find_futures(given))
        for call in calls:
            call.batch = group
        recorder = building.get()
        if recorder is not None:
            recorder.calls += calls
        return evaluate_given(given) if recorder is not None and recorder.is_eager else given

    def _rows(self, items: Any, where: str) -> list[tuple[Any, ...]]:
        if type(items) is Future or isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
            actual = (
                f"a Future of task {items.task.name!r}" if type(items) is Future else type(items).__name__
            )
            raise TypeMismatchError(
                f"batch {self.name!r}, parameter {self.list_name!r}: wanted a list of items, got {actual} (called at {where})",
                task=self.name,
                parameter=self.list_name,
                expected="a list",
                actual=actual,
                location=where,
            )
        rows: list[tuple[Any, ...]] = []
        for number, item in enumerate(items):
            if not self.is_spread:
                rows.append((item,))
            elif isinstance(item, (tuple, list)):
                rows.append(tuple(item))
            else:
                raise BindError(
                    f"batch {self.name!r}, item {number}: the single task {self.item_task.name!r} takes several "
                    f"arguments, so each item is a tuple of them, not {type(item).__name__} (called at {where})",
                    task=self.name,
                    location=where,
                )
        return rows

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            return self
        raise GraphError(
            f"batch {self.name!r}: methods cannot be batches; write a function that takes what it needs of the object "
            "beside the list"
        )

    def run_items(self, rows: Sequence[tuple[Any, ...]]) -> Any:
        """Run the body over several items and return what it gives, of an `async def` a coroutine.

        `rows` are the arguments of the single calls, in the order of their parameters, with values in place of
        Futures. What is not in the list is the same for all of them.
        """
        names = self.item_task.signature.names
        first = dict(zip(names, rows[0], strict=True))
        shared = {name: first[name] for name in self.signature.names[1:]}
        required = len(names) - len(shared) if self.is_spread else 1
        items: list[Any] = [
            tuple(v for n, v in zip(names, row, strict=True) if n not in shared)[:required]
            if self.is_spread
            else row[0]
            for row in rows
        ]
        return self.fn(items, **shared)

    def __repr__(self) -> str:
        return super().__repr__().replace("<task", "<batch", 1)


class BatchOuts(PositionalOuts):
    """One out for each item of a batch."""

    __slots__ = ()

    def split(self, task: str, value: Any) -> Iterator[tuple[str | None, Any]]:
        """Yield each item with its number; `TaskOutsError` where they are not as many as were given."""
        wanted = len(self.types)
        is_list = isinstance(value, Iterable) and not isinstance(
            value, (str, bytes, dict, set, frozenset, Iterator)
        )
        if not is_list or not hasattr(value, "__len__"):
            raise TaskOutsError(
                f"batch {task!r} was given {wanted} items and returned {type(value).__name__}; it must return a list with "
                "one item for each, in their order",
                task=task,
                expected=wanted,
                actual=type(value).__name__,
            )
        items: Any = value
        if len(items) != wanted:
            raise TaskOutsError(
                f"batch {task!r} was given {wanted} items and returned {len(items)}; it must return one for each, in their "
                "order",
                task=task,
                expected=wanted,
                actual=len(items),
            )
        for number, item in enumerate(items):
            yield str(number), item


class ItemTask(Task[..., Any, Any]):
    """The task of which the items of a batch are calls where no single task was named."""

    def __init__(self, whole: BatchTask) -> None:
        signature = whole.signature
        first, *others = signature.signature.parameters.values()
        item = _item_of(signature.parameters[0].hint)
        returned = _item_of(signature.returns)

        def one(*args: Any, **kwargs: Any) -> Any:
            bound = shown.bind(*args, **kwargs)
            bound.apply_defaults()
            return only(whole.run_items([tuple(bound.arguments.values())]))

        async def waiting_one(*args: Any, **kwargs: Any) -> Any:
            bound = shown.bind(*args, **kwargs)
            bound.apply_defaults()
            return only(await whole.run_items([tuple(bound.arguments.values())]))

        def only(result: Any) -> Any:
            return next(item for _, item in BatchOuts([Any]).split(whole.name, result))

        body: Any = waiting_one if whole.is_coroutine else one
        shown = inspect.Signature(
            [
                first.replace(annotation=item, default=first.empty),
                *(
                    p.replace(annotation=known.hint)
                    for p, known in zip(others, signature.parameters[1:], strict=True)
                ),
            ],
            return_annotation=returned,
        )
        _name_like(body, whole.fn)
        body.__signature__ = shown
        body.__annotations__ = {p.name: p.annotation for p in shown.parameters.values()} | {
            "return": returned
        }
        super().__init__(body, whole.options)
        self.name = whole.name
        self.whole = whole

    def _make_fingerprint(self, fingerprinter: Fingerprinter) -> Fingerprint:
        import dataclasses

        whole = self.whole._make_fingerprint(fingerprinter)
        return dataclasses.replace(whole, digest=hash_batch_item(whole.digest))


def _batch_again(
    fn: Callable[..., Any], options: TaskOptions, single: Task[..., Any, Any] | None, max_size: int | None
) -> BatchTask:
    return BatchTask(fn, options, single=single, max_size=max_size)


def _how_to_run(options: TaskOptions) -> TaskOptions:
    """Return the options that say how a body runs, without those that say what its key is made of."""
    plain = TaskOptions()
    about_keys = (
        "outs",
        "deps",
        "hash_mode",
        "code_version",
        "hash_key",
        "ignore_args",
        "extra_key",
        "arg_serializers",
    )
    return options._replace(**{name: getattr(plain, name) for name in about_keys})


def _name_like(fn: Any, other: Any) -> None:
    """Give a function the names of another, without the link to it that `inspect` would follow."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(fn, name, getattr(other, name, None) or getattr(fn, name))


def _item_of(hint: Any) -> Any:
    while typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if not arguments or not isinstance(origin, type) or not issubclass(origin, Iterable):
        return Any
    return arguments[0] if len(arguments) == 1 or (origin is tuple and arguments[-1] is Ellipsis) else Any


if TYPE_CHECKING:

    @overload
    def batch(single: Task[..., Any, Any], /, *, max_size: int | None = None) -> BatchDecorator: ...
    @overload
    def batch(fn: Callable[P, list[R]], /) -> Task[P, list[R], list[Future[R]]]: ...
    @overload
    def batch(fn: Callable[P, Sequence[R]], /) -> Task[P, Sequence[R], list[Future[R]]]: ...
    @overload
    def batch(
        fn: Callable[P, Coroutine[Any, Any, Sequence[R]]], /
    ) -> Task[P, Sequence[R], list[Future[R]]]: ...
    @overload
    def batch(*, max_size: int | None = None, **options: Unpack[TaskOptionTypes]) -> BatchDecorator: ...
    def batch(fn: Any = None, /, **options: Any) -> Any:
        """Make a batch of a function over a list."""

    @overload
    def batch_options(single: Task[..., Any, Any], /, *, max_size: int | None = None) -> BatchDecorator: ...
    @overload
    def batch_options(
        *, max_size: int | None = None, **options: Unpack[TaskOptionTypes]
    ) -> BatchDecorator: ...
    def batch_options(*args: Any, **options: Any) -> Any:
        """What the mypy plugin checks `batch(…)` against, where it is given no function."""
else:

    def batch(fn: Any = None, /, *, max_size: int | None = None, **options: Any) -> Any:
        """Make a batch of a function over a list: its items are cached one by one, its body runs for several at once.

        Calling it with a list gives a list of Futures. With `@batch(single_task)` each has the key that a call of the
        single task with this item has, so results of one are results of the other; other parameters of the two go by
        name. Only items that are not in the cache are passed on, `max_size` of them at a time; the body returns one
        result for each, in their order. Where the single task requires several arguments that the batch does not
        have by name, an item is a tuple of them.

        Options are those of `@task`; with a single task, its own hold.

        >>> from merkl import batch, evaluate, task
        >>> @task
        ... def square(x: int) -> int:
        ...     return x * x
        >>> @batch(square, max_size=100)
        ... def squares(xs: list[int]) -> list[int]:
        ...     return [x * x for x in xs]
        >>> futures = squares([1, 2, 3])
        >>> futures[2] == square(3)
        True
        >>> evaluate(futures)
        [1, 4, 9]
        """
        if max_size is not None and (
            isinstance(max_size, bool) or not isinstance(max_size, int) or max_size < 1
        ):
            raise GraphError(
                f"@batch: max_size={max_size!r}; wanted is a number from 1 on, or None for no limit"
            )
        if fn is None:
            return lambda fn: _make_batch(fn, None, max_size, options)
        if isinstance(fn, BatchTask):
            raise GraphError(f"{fn.name!r} is a batch already")
        if isinstance(fn, Task):
            if options:
                raise GraphError(
                    f"@batch({fn.name}): {next(iter(options))}= is an option of the single task, and its own hold; "
                    "give it there"
                )
            return lambda function: _make_batch(function, fn, max_size, {})
        return _make_batch(fn, None, max_size, options)


def _make_batch(
    fn: Any, single: Task[..., Any, Any] | None, max_size: int | None, options: dict[str, Any]
) -> BatchTask:
    if isinstance(fn, Task):
        raise GraphError(f"{fn.name!r} is a task already: put @batch(...) on the plain function over a list")
    if not callable(fn):
        raise GraphError(f"@batch wants a function over a list, not {fn!r}; options are given by name")
    name = getattr(fn, "__qualname__", None) or repr(fn)
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise GraphError(f"batch {name!r}: its body returns a list; it is no generator")
    made = single.options if single is not None else make_options(name, options)
    return BatchTask(fn, made, single=single, max_size=max_size)
