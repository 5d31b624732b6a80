"""The options of `@task` and `@pipeline` as type checkers see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from datetime import timedelta

    from merkl._base.hash_mode import HashMode
    from merkl.cache import BaseCache, Metadata
    from merkl.codecs import Codec

__all__ = ["PipelineOptionTypes", "TaskOptionTypes"]


class TaskOptionTypes(TypedDict, total=False):
    """The options of `@task` other than `outs`; see `TaskOptions`."""

    deps: Sequence[Any]
    hash_mode: HashMode | str
    code_version: str | int | None
    hash_key: str | None
    ignore_args: Sequence[str]
    extra_key: Callable[..., Any] | None
    expires: timedelta | Callable[[Metadata], bool] | None
    arg_serializers: Mapping[str, Callable[[Any], Any]]
    codec: Codec | str | Mapping[str, Codec | str] | None
    cache: BaseCache | str | None
    cache_in_memory: bool
    keep: Literal["always", "until-used", "never"]
    on_interrupt: Literal["discard", "keep"]
    validate: Literal["first", "all", "off"]
    check_types: bool | None
    capture: bool
    retries: int
    retry_delay: float
    retry_on: type[BaseException] | tuple[type[BaseException], ...]
    timeout: float | None
    max_concurrency: int | None
    resources: Mapping[str, Any]


class PipelineOptionTypes(TypedDict, total=False):
    """The options of `@pipeline`: what the graph that it builds depends on."""

    deps: Sequence[Any]
    hash_mode: HashMode | str
    code_version: str | int | None
    hash_key: str | None
    ignore_args: Sequence[str]
    extra_key: Callable[..., Any] | None
    arg_serializers: Mapping[str, Callable[[Any], Any]]
    validate: Literal["first", "all", "off"]
