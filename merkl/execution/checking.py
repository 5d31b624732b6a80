"""Builds all graphs of some modules that take no arguments, runs nothing, and says what is wrong with them."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args, get_origin

from merkl_serializers import check_stability, default_registry

from merkl._base.errors import MerklWarning
from merkl._base.hints import resolve_hints
from merkl._base.tracebacks import describe_error, locate_error
from merkl.execution.program import build_program
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.session import Session, sessions
from merkl.graph.task import Task

__all__ = [
    "BuildFindings",
    "Finding",
    "ValueAsked",
    "check_modules",
    "check_serializers",
    "nothing_runs",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where; `column` and `code` as mypy gives them, 0 and "" where there is none."""

    source: Literal["mypy", "import", "build", "serializers"]
    severity: Literal["error", "warning"]
    file: str
    line: int
    message: str
    column: int = 0
    code: str = ""


@dataclass(slots=True)
class BuildFindings:
    """What building gave: the findings, what was built, what asked for a value and so ended early, and all calls."""

    findings: list[Finding] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    ended_early: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


def check_modules(modules: Iterable[types.ModuleType]) -> BuildFindings:
    """Read each task of the modules, and build what can be called without arguments and gives Futures.

    That is tasks and pipelines whose parameters all have defaults, and such functions whose result is declared to hold a
    Future. Where one asks for a value its graph is known up to there: nothing runs.
    """
    found = BuildFindings()
    with nothing_runs():
        for module in modules:
            for name, task in _own(module, Task):
                _attempt(found, f"{module.__name__}.{name}", task, functools.partial(_read_task, task))
            for name, make in _buildable(module):
                _attempt(
                    found,
                    f"{module.__name__}.{name}",
                    make,
                    functools.partial(_build, found, make),
                    is_built=True,
                )
    return found


@contextlib.contextmanager
def nothing_runs() -> Iterator[None]:
    """Raise `ValueAsked` wherever code asks for the value of a Future in the session in force."""
    token = sessions.enter(cast(Session, _NothingRuns(sessions.current())))
    try:
        yield
    finally:
        sessions.leave(token)


class ValueAsked(BaseException):
    """Code asked for a value where nothing may run; no `except Exception` in it may hold this."""


class _NothingRuns:
    """A session in which nothing runs: everything else is that of the session around."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def evaluate_futures(self, futures: Sequence[Future[Any]]) -> list[Any]:
        raise ValueAsked


def _own(module: types.ModuleType, kind: type) -> Iterator[tuple[str, Any]]:
    """The objects of a kind that a module defines itself, in classes too, each once."""
    seen: set[int] = set()
    for name, value in _members(module, module.__name__):
        if (
            isinstance(value, kind)
            and getattr(value, "__module__", None) == module.__name__
            and id(value) not in seen
        ):
            seen.add(id(value))
            yield name, value


def _members(owner: Any, module: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """What a module holds, and what the classes that it defines do: a static method as it is called."""
    for name, value in list(vars(owner).items()):
        yield prefix + name, value.__func__ if isinstance(value, staticmethod) else value
        if isinstance(value, type) and value.__module__ == module and value.__qualname__ == prefix + name:
            yield from _members(value, module, f"{prefix}{name}.")


def _buildable(module: types.ModuleType) -> Iterator[tuple[str, Callable[[], Any]]]:
    for name, task in _own(module, Task):
        if _needs_nothing(task.fn):
            yield name, task
    for name, function in _own(module, types.FunctionType):
        if (
            _needs_nothing(function)
            and not inspect.isgeneratorfunction(function)
            and _holds_future(resolve_hints(function).returns)
        ):
            yield name, function


def _needs_nothing(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def _holds_future(hint: Any, depth: int = 0) -> bool:
    if hint is Future or get_origin(hint) is Future:
        return True
    return depth < 10 and any(_holds_future(part, depth + 1) for part in get_args(hint))


def _read_task(task: Task[..., Any, Any]) -> None:
    """What a first call would find wrong with the task itself: annotations, outs, code that cannot be fingerprinted."""
    if not callable(task.options.outs):
        task.outs_of(())
    task.fingerprint()


def _build(found: BuildFindings, make: Callable[[], Any]) -> None:
    program = build_program(make)
    calls = program.all_calls()
    found.calls += calls
    for call in calls:
        call.key()


def _attempt(
    found: BuildFindings, name: str, subject: Any, action: Callable[[], None], *, is_built: bool = False
) -> None:
    file, line = _definition(subject)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", MerklWarning)
        try:
            action()
        except ValueAsked:
            found.ended_early.append(name)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001  (whatever the user's code raises, SystemExit included, is the finding)
            place = locate_error(error) or (file, line)
            message = describe_error(error)
            found.findings.append(Finding("build", "error", *place, f"{name}: {_without_place(message)}"))
        else:
            if is_built:
                found.built.append(name)
    for warning in caught:
        if issubclass(warning.category, MerklWarning):
            found.findings.append(Finding("build", "warning", file, line, str(warning.message)))


def _without_place(message: str) -> str:
    """A message without the place of the call, which stands in front of it."""
    head, mark, _ = message.rpartition(" (called at ")
    return head if mark and "\n" not in message[len(head) :] else message


def _definition(subject: Any) -> tuple[str, int]:
    function = inspect.unwrap(getattr(subject, "fn", subject))
    code = getattr(function, "__code__", None)
    return ("", 0) if code is None else (code.co_filename, code.co_firstlineno)


def check_serializers(calls: Iterable[Call]) -> list[Finding]:
    """Hash what the project itself hashes: constants of calls, and an instance of each type with a serializer of its own.

    Each is hashed under two hash seeds and after a pickle round trip; where that changes the digest it is an error. A
    type of which no instance can be had is a warning.
    """
    samples, places = _constants(calls)
    untried: list[Finding] = []
    met = {type(sample) for sample in samples}
    for cls, encoder in default_registry.registered().items():
        if cls in met or _is_ours(cls) or _is_ours(encoder):
            continue
        place = _definition(encoder)
        try:
            samples.append(cls())
            places.append(place)
        except Exception:  # noqa: BLE001  (a class that wants arguments)
            name = cls.__qualname__
            message = (
                f"the serializer of {name} is not tested: no call that was built has one, and {name}() fails"
            )
            untried.append(Finding("serializers", "warning", *place, message))
    findings: list[Finding] = []
    for problem in check_stability(samples):
        number = re.match(r"sample (\d+) \((.*?)\)(.*)", problem, re.DOTALL)
        file, line = places[int(number[1])] if number else ("", 0)
        message = f"{number[2]}{number[3]}" if number else problem
        findings.append(Finding("serializers", "error", file, line, " ".join(message.split())))
    return [*dict.fromkeys(findings), *untried]


def _constants(calls: Iterable[Call]) -> tuple[list[Any], list[tuple[str, int]]]:
    """The arguments that enter keys as they are, and where they were given."""
    samples: list[Any] = []
    places: list[tuple[str, int]] = []
    for call in calls:
        file, _, line = call.location().rpartition(":")
        for value, encoding in zip(call.values, call.encodings, strict=True):
            if isinstance(encoding, bytes) and encoding:
                samples.append(value)
                places.append((file, int(line) if line.isdigit() else 0))
    return samples, places


def _is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).partition(".")[0] in ("merkl", "merkl_serializers")
