"""What can be said of a task when it is declared."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from merkl._base.errors import GraphError
from merkl.fingerprint import HashMode
from merkl.graph.outs import OutsOption

if TYPE_CHECKING:
    from merkl.cache import BaseCache, Metadata
    from merkl.codecs import Codec

__all__ = ["Expires", "TaskOptions"]

Expires = datetime.timedelta | Callable[["Metadata"], bool]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """The options of `@task`.

    Those that enter the key: `deps`, `hash_mode`, `code_version`, `hash_key`, `ignore_args`, `extra_key`,
    `arg_serializers`. The others say how a call runs and where its result is kept.
    """

    outs: OutsOption | None = None
    deps: Sequence[Any] = ()
    hash_mode: HashMode = HashMode.FIND_DEPS
    code_version: str | int | None = None
    hash_key: str | None = None
    ignore_args: Sequence[str] = ()
    extra_key: Callable[..., Any] | None = None
    expires: Expires | None = None
    arg_serializers: Mapping[str, Callable[[Any], Any]] = dataclasses.field(default_factory=dict)
    codec: Codec | str | Mapping[str, Codec | str] | None = None
    cache: BaseCache | str | None = None
    cache_in_memory: bool = False
    keep: Literal["always", "until-used", "never"] = "always"
    on_interrupt: Literal["discard", "keep"] = "discard"
    validate: Literal["first", "all", "off"] = "first"
    capture: bool = False
    retries: int = 0
    retry_delay: float = 0
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    timeout: float | None = None
    max_concurrency: int | None = None
    resources: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self._require_choice("keep", ("always", "until-used", "never"))
        self._require_choice("on_interrupt", ("discard", "keep"))
        self._require_choice("validate", ("first", "all", "off"))
        if isinstance(self.hash_mode, str):
            object.__setattr__(self, "hash_mode", HashMode(self.hash_mode))
        if isinstance(self.ignore_args, str):
            object.__setattr__(self, "ignore_args", (self.ignore_args,))
        if self.retries < 0:
            raise GraphError(f"retries={self.retries!r}: wanted is a number from 0 on")

    def _require_choice(self, name: str, choices: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in choices:
            raise GraphError(f"{name}={value!r}: wanted is one of {', '.join(map(repr, choices))}")
