"""Versions of installed packages: of a distribution by name, or of the one that an object comes from."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from merkl._base.errors import FingerprintError
from merkl._base.lazy import LazyModule

if TYPE_CHECKING:
    from importlib import metadata
else:
    metadata = LazyModule("importlib.metadata")

__all__ = ["PipVersion", "ReachedPipVersions", "find_pip_version", "pip_version_of", "version_of_import"]


@dataclass(frozen=True, slots=True)
class PipVersion:
    """The version of one installed distribution, as a declared dependency."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ReachedPipVersions:
    """Stands for the versions of all distributions that the task's code reaches."""


def pip_version_of(name: str) -> PipVersion:
    """Return the version of an installed distribution, to put into `deps=`.

    Args:
        name: the distribution's name, as `pip install` takes it.

    Raises:
        FingerprintError: no distribution of that name is installed.

    >>> pip_version_of("blake3").name
    'blake3'
    """
    try:
        return PipVersion(_normal(name), metadata.version(name))
    except metadata.PackageNotFoundError:
        raise FingerprintError(
            f"pip_version_of({name!r}): no distribution of that name is installed in {sys.prefix}. "
            f"Install it, or check the name (`pip list` shows them; it may differ from the name that is imported)."
        ) from None


def find_pip_version(thing: object = ReachedPipVersions) -> PipVersion | ReachedPipVersions:
    """Return the version of the distribution behind a module or object, to put into `deps=`.

    Without an argument, the versions of all distributions that the task's code reaches.

    Args:
        thing: a module, class, function or instance of an installed package.

    Raises:
        FingerprintError: it comes from no installed distribution.

    >>> import blake3
    >>> find_pip_version(blake3.blake3) == pip_version_of("blake3")
    True
    """
    if thing is ReachedPipVersions:
        return ReachedPipVersions()
    module = (
        thing.__name__
        if isinstance(thing, ModuleType)
        else getattr(thing, "__module__", None) or type(thing).__module__
    )
    version = version_of_import(module.partition(".")[0])
    if version is None:
        raise FingerprintError(
            f"find_pip_version({thing!r}): module {module!r} belongs to no installed distribution. "
            f"The standard library has the version of Python; for your own code pass the object itself in deps=."
        )
    return version


@functools.cache
def version_of_import(top: str) -> PipVersion | None:
    """Return the version of the distribution that gives a top-level import name, None if none does."""
    if top in sys.stdlib_module_names:
        return None
    try:
        # Most are called what they are imported as; the full table takes a tenth of a second.
        distribution = metadata.distribution(top)
        if _gives(distribution, top):
            return PipVersion(_normal(distribution.metadata["Name"]), distribution.version)
    except metadata.PackageNotFoundError:
        pass
    names = _distributions().get(top)
    if not names:
        return None
    name = sorted(names)[0]
    return PipVersion(_normal(name), metadata.version(name))


def _gives(distribution: metadata.Distribution, top: str) -> bool:
    listed = distribution.read_text("top_level.txt")
    if listed is not None:
        return top in listed.split()
    return any(file.parts[0].partition(".")[0] == top for file in distribution.files or ())


@functools.cache
def _distributions() -> dict[str, list[str]]:
    return {top: list(names) for top, names in metadata.packages_distributions().items()}


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
