"""`@task`: a function that returns Futures of its results instead of running."""

from __future__ import annotations

import functools
import itertools
import sys
import types
import warnings
from collections.abc import Callable, Iterable
from types import CodeType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from merkl._base.code_places import describe_site
from merkl._base.errors import BindError, GraphError, MerklWarning
from merkl._base.lazy import LazyModule
from merkl._base.places import shown_path
from merkl.graph.absent import replace_present
from merkl.graph.building import building, record_calls
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.nested import find_futures
from merkl.graph.options import TaskOptions, make_options
from merkl.graph.session import sessions
from merkl.graph.surface import TaskSurface
from merkl.hashing import keys

if TYPE_CHECKING:
    from merkl_serializers import Encoding

    from merkl import validation
    from merkl._base import hints
    from merkl.fingerprint import Fingerprint, Fingerprinter
    from merkl.graph import arguments, option_functions, shown
    from merkl.graph import outs as outs_
    from merkl.graph import signature as signatures
    from merkl.graph.outs import Outs
    from merkl.validation import Items, Problem
else:
    # What only a call needs: with it come type checks and serializers.
    hints = LazyModule("merkl._base.hints")
    arguments = LazyModule("merkl.graph.arguments")
    option_functions = LazyModule("merkl.graph.option_functions")
    shown = LazyModule("merkl.graph.shown")
    outs_ = LazyModule("merkl.graph.outs")
    validation = LazyModule("merkl.validation")
    signatures = LazyModule("merkl.graph.signature")

__all__ = ["MapTask", "Task", "TaskIdentity", "evaluate_given", "task"]

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
Out_co = TypeVar("Out_co", covariant=True)

#: `inspect.CO_ASYNC_GENERATOR`, without importing that for each `import merkl`.
_ASYNC_GENERATOR = 0x200

_Invoke = Callable[[tuple[Any, ...], dict[str, Any], CodeType, int], Any]


class TaskIdentity:
    """What makes a task the task it is: all that its fingerprint depends on."""

    __slots__ = ("code_version", "deps", "fn", "hash_key", "hash_mode", "ignore_args")

    def __init__(self, fn: Callable[..., Any], options: TaskOptions) -> None:
        self.fn = fn
        self.deps = options.deps
        self.hash_mode = options.hash_mode
        self.code_version = options.code_version
        self.hash_key = options.hash_key
        self.ignore_args = options.ignore_args


class Task(TaskSurface[P, R_co, Out_co]):
    """A function under `@task`.

    `P` are the parameters of the function, `R` is what it returns, and `Out` what a call of the task gives: `Future[R]`,
    or a tuple or dict of Futures.
    """

    fn: Callable[P, R_co]
    options: TaskOptions
    #: The body returns Futures, which the runner evaluates in its place.
    is_expanding = False
    #: A call runs the function itself, and what it is declared to return are Futures.
    is_pipeline = False
    #: The shell command that the body runs, for what shows it.
    command: Any = None
    #: File and line of what made the task, where that says more than where its function is.
    location: str = ""

    def __init__(self, fn: Callable[P, R_co], options: TaskOptions, *, invoke: _Invoke | None = None) -> None:
        self.fn = fn
        self.options = options
        self.identity = TaskIdentity(fn, options)
        qualified = getattr(fn, "__qualname__", None) or getattr(fn, "__name__", None) or repr(fn)
        self.name: str = qualified.rpartition("<locals>.")[2]
        self._invoke: _Invoke = invoke or self._make_call
        self._is_derived = invoke is not None
        self._signature: signatures.TaskSignature | None = None
        # Names local to the function around are gone by the time that annotations are read.
        self._scope = hints.capture_scope(fn) if "<locals>" in qualified else None
        self._outs: Outs | None = None
        self._validators: dict[tuple[str | None, Items], Callable[[object], Problem | None]] = {}
        self._held: tuple[Fingerprinter, Fingerprint, arguments.CallExtras] | None = None
        self._is_coroutine: bool | None = None
        functools.update_wrapper(self, fn)

    # -- what it is ------------------------------------------------------------------------------------

    @property
    def __merkl_task__(self) -> TaskIdentity:
        return self.identity

    @property
    def is_coroutine(self) -> bool:
        """Whether the body is a coroutine, as of an `async def`."""
        if self._is_coroutine is None:
            import inspect

            called = getattr(type(self.fn), "__call__", None)  # noqa: B004 - of an object that can be called
            self._is_coroutine = inspect.iscoroutinefunction(self.fn) or inspect.iscoroutinefunction(called)
        return self._is_coroutine

    @property
    def signature(self) -> signatures.TaskSignature:
        """The parameters, as resolved at the first call."""
        if self._signature is None:
            self._signature = signatures.TaskSignature(
                self.fn,
                items=self.options.validate,
                serializers=self.options.arg_serializers,
                ignore_args=frozenset(self.options.ignore_args),
                scope=self._scope,
            )
            if not self._is_derived:
                self._warn_of_annotations(self._signature.problems)
        return self._signature

    def _warn_of_annotations(self, problems: tuple[str, ...]) -> None:
        code = getattr(self.fn, "__code__", None)
        where = f" ({shown_path(code.co_filename)}:{code.co_firstlineno})" if code is not None else ""
        for problem in problems:
            warnings.warn(
                f"task {self.name!r}{where}: {problem.partition(': ')[2]}: what flows there is not checked. "
                "Import the name outside of `if TYPE_CHECKING:`, or define it before the first call",
                MerklWarning,
                stacklevel=2,
            )

    def checks_types(self) -> bool:
        """Say whether the types of Futures are compared with the parameters that they are given to."""
        wanted = self.options.check_types
        return sessions.current().settings.check_types if wanted is None else wanted

    def fingerprint(self) -> Fingerprint:
        """Return the digest of the code, of all that it reaches, and of the declared deps, with its components."""
        return self._hold()[1]

    def class_digests(self) -> tuple[bytes, ...]:
        """Return the digests of the user's classes among the annotations, which enter the key of each call."""
        return self._hold()[2].of(set())

    def _hold(self) -> tuple[Fingerprinter, Fingerprint, arguments.CallExtras]:
        fingerprinter = sessions.current().fingerprinter
        held = self._held
        if held is not None and held[0] is fingerprinter and held[1].is_current() and held[2].is_current():
            return held
        fingerprint = self._make_fingerprint(fingerprinter)
        held = (fingerprinter, fingerprint, arguments.CallExtras(fingerprinter, self.signature))
        if fingerprint.is_complete and held[2].is_complete:
            self._held = held
        return held

    def _make_fingerprint(self, fingerprinter: Fingerprinter) -> Fingerprint:
        options = self.options
        return fingerprinter.fingerprint(
            self.fn,
            hash_mode=options.hash_mode,
            deps=options.deps,
            code_version=options.code_version,
            hash_key=options.hash_key,
            whole=not self.signature.is_plain,
        )

    def out_validator(
        self, outs: Outs, out: str | None, *, is_stored: bool = False
    ) -> Callable[[object], Problem | None]:
        """Return the run-time check of an out's value, compiled once; of a stored one the quick check."""
        items: Items = "first" if is_stored else self.options.validate
        validator = self._validators.get((out, items)) if outs is self._outs else None
        if validator is None:
            validator = validation.compile_validator(outs.type_of(out), items=items)
            if outs is self._outs:
                self._validators[out, items] = validator
        return validator

    def outs_of(self, values: tuple[Any, ...]) -> Outs:
        """Return the outs of a call with these bound arguments."""
        option = self.options.outs
        if callable(option):
            with record_calls(None):
                option = option_functions.apply_option(option, self.signature.signature, values)
            return outs_.resolve_outs(self.name, self.signature.returns, option)
        if self._outs is None:
            self._outs = outs_.resolve_outs(self.name, self.signature.returns, option)
        return self._outs

    # -- calling ---------------------------------------------------------------------------------------

    if not TYPE_CHECKING:  # typed by TaskSurface

        def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
            frame = sys._getframe(1)
            return self._invoke(args, kwargs, frame.f_code, frame.f_lasti)

    def _make_call(self, args: tuple[Any, ...], kwargs: dict[str, Any], code: CodeType, lasti: int) -> Any:
        signature = self._signature or self.signature
        try:
            values = signature.bind(*args, **kwargs)
        except TypeError as error:
            where = describe_site(code, lasti)
            raise BindError(f"{error} (called at {where})", task=self.name, location=where) from None
        outs = self._outs if self._outs is not None else self.outs_of(values)
        fingerprint, extras = self._hold()[1:]
        call = arguments.encode_arguments(self, signature, fingerprint, extras, values, outs, code, lasti)
        recorder = building.get()
        if recorder is not None:
            recorder.calls.append(call)
        given = Future(call) if outs.is_single else outs.wrap(lambda out: Future(call, out))
        return evaluate_given(given) if recorder is not None and recorder.is_eager else given

    def settle_arguments(self, call: Call) -> bool:
        """Encode again what a call holds, and say whether all the code that it names is bound now."""
        return arguments.settle_arguments(call, self._hold()[2])

    def encode_argument(self, index: int, value: Any, resolve: Callable[[Future[Any]], bytes]) -> Encoding:
        """Return the canonical bytes of an argument; `resolve` gives the bytes of a Future inside it."""
        return arguments.encode_argument(
            sessions.current().registry, self.signature.parameters[index], value, resolve
        )

    def run(self, /, *args: Any, **kwargs: Any) -> R_co:
        """Run now, through the cache, and return the value."""
        frame = sys._getframe(1)
        given = self._invoke(args, kwargs, frame.f_code, frame.f_lasti)
        return evaluate_given(given)  # type: ignore[no-any-return]

    if not TYPE_CHECKING:  # typed by TaskSurface

        def __get__(self, instance: object, owner: type | None = None) -> Any:
            """Bind a task that is a method to its instance, which is the first argument of the call."""
            if instance is None:
                return self
            return self._bind(functools.partial(self.fn, instance), (instance,), {})

    # -- other ways to call ----------------------------------------------------------------------------

    def bind(self, /, *args: Any, **kwargs: Any) -> Task[..., R_co, Out_co]:
        """Return a task with some parameters fixed; its calls have the keys that the full calls have.

        Raises `BindError` for a parameter that the task doesn't have.
        """
        try:
            self.signature.signature.bind_partial(*args, **kwargs)
        except TypeError as error:
            raise BindError(f"task {self.name!r}: {error}", task=self.name) from None
        return self._bind(functools.partial(self.fn, *args, **kwargs), args, kwargs)

    def _bind(
        self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Task[..., R_co, Out_co]:
        def invoke(more: tuple[Any, ...], named: dict[str, Any], code: CodeType, lasti: int) -> Any:
            return self._invoke((*args, *more), {**kwargs, **named}, code, lasti)

        return self._derive(fn, invoke)

    def _derive(self, fn: Callable[..., Any], invoke: _Invoke) -> Task[..., Any, Any]:
        derived: Task[..., Any, Any] = Task(fn, self.options, invoke=invoke)
        derived.name = self.name
        return derived

    def map(self, *iterables: Any) -> Any:
        """Call once for each item, zipping several iterables strictly, and return the list of what the calls give.

        Over a `Future[list[T]]` it gives one `Future[list[R]]`, whose items become calls of their own, separately
        cached, once the list is known.

        Raises `BindError` where the iterables are not of one length.
        """
        frame = sys._getframe(1)
        code, lasti = frame.f_code, frame.f_lasti
        if not iterables:
            raise BindError(f"task {self.name!r}: map() needs one iterable at least", task=self.name)
        if any(type(items) is Future for items in iterables):
            return MapTask(self)._invoke(iterables, {}, code, lasti)
        rows = [list(items) for items in iterables]
        if len({len(row) for row in rows}) != 1:
            lengths = ", ".join(str(len(row)) for row in rows)
            raise BindError(
                f"task {self.name!r}: map() zips its iterables strictly, and they have {lengths} items",
                task=self.name,
                location=describe_site(code, lasti),
            )
        return [self._invoke(row, {}, code, lasti) for row in zip(*rows, strict=True)]

    def grid(self, /, **lists: Iterable[Any]) -> list[Any]:
        """Call once for each combination of the values given for parameters, the last one varying fastest.

        >>> from merkl import task
        >>> @task
        ... def train(lr: float, seed: int = 0) -> str:
        ...     return f"{lr}/{seed}"
        >>> [f.v for f in train.grid(lr=[0.1, 0.2], seed=[1, 2])]
        ['0.1/1', '0.1/2', '0.2/1', '0.2/2']
        """
        frame = sys._getframe(1)
        rows = itertools.product(*(list(items) for items in lists.values()))
        return [
            self._invoke((), dict(zip(lists, row, strict=True)), frame.f_code, frame.f_lasti) for row in rows
        ]

    if not TYPE_CHECKING:  # typed by TaskSurface

        def __or__(self, other: object) -> Any:
            """`a | b` is the task that gives what `a` gives to `b`, which must have one required parameter."""
            if not isinstance(other, Task):
                return NotImplemented
            _require_one_parameter(other)

            def invoke(args: tuple[Any, ...], kwargs: dict[str, Any], code: CodeType, lasti: int) -> Any:
                return other._invoke((self._invoke(args, kwargs, code, lasti),), {}, code, lasti)

            def piped(*args: Any, **kwargs: Any) -> Any:
                return other.fn(self.fn(*args, **kwargs))

            functools.update_wrapper(piped, self.fn)
            chain = self._derive(piped, invoke)
            chain.name = f"{self.name} | {other.name}"
            return chain

        def __ror__(self, given: object) -> Any:
            """`future | a` is `a(future)`; `a` must have one required parameter."""
            if not isinstance(given, Future):
                return NotImplemented
            _require_one_parameter(self)
            frame = sys._getframe(1)
            return self._invoke((given,), {}, frame.f_code, frame.f_lasti)

    def __reduce__(self) -> Any:
        module, name = self.fn.__module__, getattr(self.fn, "__qualname__", "")
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self and module != "__main__" else self.taken_apart()

    def taken_apart(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return what makes the task again, and of what, the function first: for where it has no name."""
        return Task, (self.fn, self.options)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Show the signature in a notebook."""
        return shown.show_task(self)

    def __repr__(self) -> str:
        return f"<task {self.__module__}.{self.name}{self.signature.signature}>"


class MapTask(Task[..., Any, Any]):
    """A task over lists that are not known yet: its body makes one call of the task for each item."""

    is_expanding = True

    def __init__(self, inner: Task[..., Any, Any]) -> None:
        def expand(*iterables: Any) -> list[Any]:
            return inner.map(*iterables)

        parameters = inner.signature.parameters
        item = parameters[0].hint if parameters else Any
        expand.__name__ = expand.__qualname__ = f"{inner.name}.map"
        expand.__module__ = inner.__module__
        same = all(p.hint == item for p in parameters)
        expand.__annotations__ = {
            "iterables": types.GenericAlias(Iterable, (item if same else Any,)),
            "return": types.GenericAlias(list, (Any if inner.is_pipeline else inner.signature.returns,)),
        }
        super().__init__(expand, TaskOptions(outs=1, validate=inner.options.validate))
        self.inner = inner

    def _make_fingerprint(self, fingerprinter: Fingerprinter) -> Fingerprint:
        import dataclasses

        inner = self.inner.fingerprint()
        return dataclasses.replace(inner, digest=keys.hash_map_call(inner.digest))


def evaluate_given(given: Any) -> Any:
    """Return the values of what a call gave; keys that the body left out, as their TypedDict allows, are left out."""
    futures = find_futures(given)
    values = dict(zip(map(id, futures), sessions.current().evaluate_futures(futures), strict=True))
    return replace_present(given, lambda future: values[id(future)])


def _require_one_parameter(task_: Task[..., Any, Any]) -> None:
    required = [
        p.name
        for p in task_.signature.signature.parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if len(required) != 1:
        raise GraphError(
            f"`|` gives one value to task {task_.name!r}, which requires {len(required)} arguments "
            f"({', '.join(required) or 'none'}); fix the others with .bind(...)"
        )


if TYPE_CHECKING:
    from merkl.graph.surface import task
else:

    def task(fn: Any = None, /, **options: Any) -> Any:
        """Make a task of a function: calling it gives Futures, and its results are cached under what they depend on.

        Used bare or with the options of `TaskOptions`:

        >>> from merkl import task
        >>> @task(retries=2)
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> double(4).eval()
        8
        """
        if fn is None:
            return lambda fn: task(fn, **options)
        if isinstance(fn, Task):
            raise GraphError(f"{fn.name!r} is a task already")
        wrap = type(fn) if isinstance(fn, (staticmethod, classmethod)) else None
        if wrap is classmethod:
            raise GraphError(f"put @classmethod above @task, not below it, at {fn.__func__.__qualname__!r}")
        if wrap is staticmethod:
            return staticmethod(task(fn.__func__, **options))
        if not callable(fn):
            raise GraphError(f"@task wants a function, not {fn!r}; options are given by name")
        name = getattr(fn, "__qualname__", None) or repr(fn)
        if getattr(getattr(fn, "__code__", None), "co_flags", 0) & _ASYNC_GENERATOR:
            raise GraphError(
                f"task {name!r} is an asynchronous generator, whose items cannot be kept: return them in a list"
            )
        for option in ("outs", "extra_key"):
            if callable(options.get(option)):
                option_functions.require_option(name, option, options[option], fn)
        return Task(fn, make_options(name, options))
