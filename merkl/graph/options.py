"""What can be said of a task when it is declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from merkl._base.errors import GraphError
from merkl._base.hash_mode import HashMode

if TYPE_CHECKING:
    import datetime

    from merkl.cache import BaseCache, Metadata
    from merkl.codecs import Codec
    from merkl.graph.outs import OutsOption

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
}


def make_options(task: str, given: Mapping[str, Any]) -> TaskOptions:
    """Return the options that were given to a decorator.

    Raises `GraphError` for an unknown option, with the closest known one, and for a value that it cannot take.
    """
    unknown = [name for name in given if name not in TaskOptions._fields]
    if unknown:
        raise GraphError(f"task {task!r}: there is no option {unknown[0]!r}{_suggest(unknown[0])}")
    values = dict(given)
    for name, choices in _CHOICES.items():
        if name in values and values[name] not in choices:
            raise GraphError(
                f"task {task!r}: {name}={values[name]!r}; wanted is one of {', '.join(map(repr, choices))}"
            )
    if isinstance(values.get("hash_mode"), str):
        values["hash_mode"] = HashMode(values["hash_mode"])
    for name in ("ignore_args", "retry_on"):
        if name in values and (isinstance(values[name], (str, type))):
            values[name] = (values[name],)
    for name in ("retries", "retry_delay"):
        if name in values and not values[name] >= 0:
            raise GraphError(f"task {task!r}: {name}={values[name]!r}; wanted is a number from 0 on")
    return TaskOptions(**values)


def _suggest(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, TaskOptions._fields, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(TaskOptions._fields)}"
