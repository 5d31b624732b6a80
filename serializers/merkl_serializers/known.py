"""All that this package knows by itself, and which file of it serves which library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from merkl_serializers import builtin_types, callables, objects

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["LIBRARIES", "install_builtin"]

#: Package -> the file here that knows its types, imported when the first value of it is met.
LIBRARIES = {
    "beartype": "beartype_",
    "decimal": "numbers_",
    "fractions": "numbers_",
    "google.protobuf": "protobuf_",
    "immutables": "persistent_",
    "matplotlib.cbook": "matplotlib_",
    "msgspec": "msgspec_",
    "numba": "numba_",
    "numpy": "numpy_",
    "numpy.ma": "numpy_masked",
    "numpy.random": "numpy_random",
    "pandas": "pandas_",
    "polars": "polars_",
    "pyarrow": "pyarrow_",
    "pydantic": "pydantic_",
    "pyrsistent": "persistent_",
    "scipy.sparse": "scipy_",
    "torch": "torch_",
    "typing": "typing_",
    "typing_extensions": "typing_",
    "uuid": "ids_",
    "xarray": "xarray_",
    "zoneinfo": "ids_",
}


def install_builtin(registry: CanonicalRegistry) -> None:
    """Register all that this package knows."""
    builtin_types.install(registry)
    callables.install(registry)
    objects.install(registry)
    for package, file in LIBRARIES.items():
        registry.register_lazy(package, f"merkl_serializers.{file}")
