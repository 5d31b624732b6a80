"""What can be said of a task when it is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from merkl._base.errors import GraphError
from merkl._base.hash_mode import HashMode
from merkl._base.lazy import LazyModule
from merkl._base.sizes import parse_size

if TYPE_CHECKING:
    import datetime

    from merkl.cache import BaseCache, Metadata
    from merkl.codecs import Codec
    from merkl.graph import outs
    from merkl.graph.outs import OutsOption
else:
    outs = LazyModule("merkl.graph.outs")

__all__ = ["Expires", "TaskOptions", "make_options"]

#: A result is stale after a time, or when a function of its metadata says so.
Expires: TypeAlias = "datetime.timedelta | Callable[[Metadata], bool]"


class TaskOptions(NamedTuple):
    """The options of `@task`.

    Those that enter the key: `deps`, `hash_mode`, `code_version`, `hash_key`, `ignore_args`, `extra_key`,
    `arg_serializers`. The others say how a call runs and where its result is kept.

    `validate` says how far values are looked into, constants when the call is made and results after it ran: at the
    "first" item of a container, at "all", or "off". `check_types=False` takes any Future for any parameter, whatever
    its type; None leaves that to the project's setting, which is to check.
    """

    outs: OutsOption | None = None
    deps: Sequence[Any] = ()
    hash_mode: HashMode = HashMode.FIND_DEPS
    code_version: str | int | None = None
    hash_key: str | None = None
    ignore_args: Sequence[str] = ()
    extra_key: Callable[..., Any] | None = None
    expires: Expires | None = None
    arg_serializers: Mapping[str, Callable[[Any], Any]] = MappingProxyType({})
    codec: Codec | str | Mapping[str, Codec | str] | None = None
    cache: BaseCache | str | None = None
    cache_in_memory: bool = False
    keep: Literal["always", "until-used", "never"] = "always"
    on_interrupt: Literal["discard", "keep"] = "discard"
    validate: Literal["first", "all", "off"] = "first"
    check_types: bool | None = None
    capture: bool = False
    retries: int = 0
    retry_delay: float = 0
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    timeout: float | None = None
    max_concurrency: int | None = None
    resources: Mapping[str, Any] = MappingProxyType({})


_CHOICES: dict[str, tuple[str, ...]] = {
    "keep": ("always", "until-used", "never"),
    "on_interrupt": ("discard", "keep"),
    "validate": ("first", "all", "off"),
    "hash_mode": tuple(mode.value for mode in HashMode),
}
_NUMBER = (int, float)


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBER) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_amount(value: Any) -> bool:
    if isinstance(value, str):
        try:
            parse_size(value)
        except ValueError:
            return False
        return True
    return callable(value) or (_is_number(value) and 0 <= value < float("inf"))


def _is_expiry(value: Any) -> bool:
    return callable(value) or hasattr(value, "total_seconds")


#: For each option that not every value can be, which ones can, in code and in words; None where that is the default.
_WANTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "code_version": (lambda value: isinstance(value, str) or _is_count(value), "a string or a number"),
    "hash_key": (lambda value: isinstance(value, str), "a string"),
    "deps": (lambda value: isinstance(value, Iterable) and not isinstance(value, (str, bytes)), "a list"),
    "extra_key": (callable, "a function with the task's parameters"),
    "expires": (_is_expiry, "a timedelta, or a function of the result's metadata"),
    "arg_serializers": (
        lambda value: isinstance(value, Mapping) and all(map(callable, value.values())),
        "a dict from names of parameters to functions",
    ),
    "retries": (lambda value: _is_count(value) and value >= 0, "a whole number from 0 on"),
    "retry_delay": (lambda value: _is_number(value) and value >= 0, "a number of seconds from 0 on"),
    "retry_on": (
        lambda value: (
            isinstance(value, Iterable)
            and all(isinstance(one, type) and issubclass(one, BaseException) for one in value)
        ),
        "classes of exceptions",
    ),
    "timeout": (lambda value: _is_number(value) and value > 0, "a number of seconds above 0"),
    "max_concurrency": (lambda value: _is_count(value) and value > 0, "a whole number from 1 on"),
    "resources": (
        lambda value: isinstance(value, Mapping) and all(map(_is_amount, value.values())),
        "a dict from names of resources to amounts: 2, '4GB', or a function of the attempt that gives one",
    ),
}


def make_options(task: str, given: Mapping[str, Any]) -> TaskOptions:
    """Return the options that were given to a decorator.

    Raises `GraphError` for an unknown option, with the closest known one, and for a value that it cannot take;
    `TaskOutsError` where it is `outs`.
    """
    unknown = [name for name in given if name not in TaskOptions._fields]
    if unknown:
        raise GraphError(f"task {task!r}: there is no option {unknown[0]!r}{_suggest(unknown[0])}")
    values = dict(given)
    if isinstance(values.get("hash_mode"), HashMode):
        values["hash_mode"] = values["hash_mode"].value
    for name, choices in _CHOICES.items():
        if name in values and values[name] not in choices:
            wanted = f"one of {', '.join(map(repr, choices))}"
            raise GraphError(f"task {task!r}: {name}={values[name]!r}; wanted is {wanted}")
    if "hash_mode" in values:
        values["hash_mode"] = HashMode(values["hash_mode"])
    for name in ("ignore_args", "retry_on"):
        if name in values and (isinstance(values[name], (str, type))):
            values[name] = (values[name],)
    for name, (is_possible, wanted) in _WANTED.items():
        if name not in values or (values[name] is None and TaskOptions._field_defaults[name] is None):
            continue
        if values[name] is None or not is_possible(values[name]):
            raise GraphError(f"task {task!r}: {name}={values[name]!r}; wanted is {wanted}")
    declared = values.get("outs")
    if declared is not None and not callable(declared):
        outs.resolve_outs(task, Any, declared)
    return TaskOptions(**values)


def _suggest(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, TaskOptions._fields, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(TaskOptions._fields)}"
