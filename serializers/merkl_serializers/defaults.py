"""The one registry that everybody shares, and which file serves which library."""

from __future__ import annotations

from merkl_serializers import builtin_types, callables, objects
from merkl_serializers.registry import CanonicalRegistry

__all__ = ["LIBRARIES", "default_registry", "install_builtin"]

#: Top-level package -> the file here that knows its types, imported when the first value of it is met.
LIBRARIES = {
    "attr": "attrs_",
    "attrs": "attrs_",
    "msgspec": "msgspec_",
    "numpy": "numpy_",
    "pandas": "pandas_",
    "polars": "polars_",
    "pyarrow": "pyarrow_",
    "pydantic": "pydantic_",
    "scipy": "scipy_",
    "torch": "torch_",
}


def install_builtin(registry: CanonicalRegistry) -> None:
    """Register all that this package knows."""
    builtin_types.install(registry)
    callables.install(registry)
    objects.install(registry)
    for package, file in LIBRARIES.items():
        registry.register_lazy(package, f"merkl_serializers.{file}")


#: The registry behind `merkl.digest` and every key.
default_registry = CanonicalRegistry(builtin=install_builtin)
