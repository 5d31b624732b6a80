"""From what `target=` says to the target that it means."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from merkl._base.errors import ConfigError, MerklError, TargetError
from merkl._base.lazy import LazyModule
from merkl.execution.targets.base import Target
from merkl.execution.targets.setup import WorkerSetup

if TYPE_CHECKING:
    from merkl.execution.targets import local
else:
    local = LazyModule("merkl.execution.targets.local")

__all__ = ["make_target", "require_target"]

#: Types of our own whose parts are loaded when they are asked for; others come from the entry-point group.
_OWN = {"dask": "merkl.execution.targets.dask:make_dask_target"}


def make_target(
    name: int | str, targets: Mapping[str, Mapping[str, Any]], *, setup: Callable[[], WorkerSetup]
) -> Target:
    """Return a target: that many local processes, or the one of that name among the settings.

    A third party's target is a function in the entry-point group `merkl.targets`, named by the type; it is called with the
    settings of the target and with `setup`.

    Raises `TargetError` for a name that the settings do not have, and where a third party's function fails, `ConfigError`
    for a type that nobody provides.
    """
    require_target(name, targets)
    if isinstance(name, int) or name.isdigit():
        return local.LocalTarget(int(name), setup=setup)
    options = dict(targets[name])
    kind = options.pop("type", None)
    if kind == "local":
        return _local(name, options, setup)
    make = _factory(name, kind)
    try:
        return make(options, setup=setup)
    except MerklError:
        raise
    except Exception as error:
        shown = ", ".join(f"{key!r}: …" for key in options)
        raise TargetError(
            f"[tool.merkl.targets.{name}]: {make.__module__}.{make.__qualname__}({{{shown}}}, setup=…) raised "
            f"{type(error).__name__}: {error}"
        ) from error


def require_target(name: int | str, targets: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `TargetError` for a number of processes that cannot be, and for a name that the settings do not have."""
    if isinstance(name, int) or name.isdigit():
        if int(name) < 1:
            raise TargetError(f"{name} processes cannot run anything; wanted is a number from 1 on")
    elif name not in targets:
        close = difflib.get_close_matches(name, targets, 1)
        hint = (
            f"; did you mean {close[0]!r}?"
            if close
            else f"; there are {', '.join(targets)}"
            if targets
            else ""
        )
        raise TargetError(
            f"there is no target {name!r}{hint}. A number means that many processes here; others are tables "
            "[tool.merkl.targets.NAME] in pyproject.toml"
        )


def _local(name: str, options: dict[str, Any], setup: Callable[[], WorkerSetup]) -> Target:
    unknown = set(options) - {"processes", "resources"}
    if unknown:
        raise ConfigError(f"target {name!r} has no setting {min(unknown)!r}; there are processes, resources")
    return local.LocalTarget(
        int(options.get("processes", 1)), setup=setup, resources=options.get("resources")
    )


def _factory(name: str, kind: Any) -> Callable[..., Target]:
    if kind in _OWN:
        module, _, function = _OWN[kind].partition(":")
        found: Callable[..., Target] = getattr(importlib.import_module(module), function)
        return found
    from importlib.metadata import entry_points

    provided = {entry.name: entry for entry in entry_points(group="merkl.targets")}
    if kind not in provided:
        known = ", ".join(sorted(["local", *_OWN, *provided]))
        raise ConfigError(f"[tool.merkl.targets.{name}]: type = {kind!r} is not known; there are {known}")
    loaded: Callable[..., Target] = provided[kind].load()
    return loaded
