"""Finds out whether code asks for what is another thing each time: the clock, chance, the environment, whether a file is there.

Graphs of such pipelines are not kept; their bodies run at each call. In doubt a name counts: the price is a body
that runs.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

__all__ = ["find_volatile"]

_MODULES: Final = frozenset(
    {
        "time", "random", "uuid", "secrets", "socket", "subprocess", "urllib.request", "http.client", "requests", "httpx",
        "aiohttp", "platform", "getpass", "numpy.random", "ctypes",
        # They read files without Python's knowing.
        "polars", "pyarrow", "pyarrow.parquet", "pyarrow.csv", "pyarrow.feather", "duckdb", "h5py", "netCDF4", "cv2", "zarr",
        "xarray", "lance", "deltalake", "obstore", "boto3", "fsspec", "s3fs",
    }
)  # fmt: skip
_ATTRIBUTES: Final = frozenset(
    {
        "environ", "environb", "getenv", "getenvb", "exists", "lexists", "is_file", "is_dir", "isfile", "isdir", "islink",
        "is_symlink", "is_mount", "stat", "lstat", "getmtime", "getctime", "getatime", "getsize", "now", "today", "utcnow",
        "getcwd", "getcwdb", "cwd", "expanduser", "getpid", "urandom", "in_cache", "clear_cache", "random", "rand",
        "randint", "randn", "default_rng", "time_ns", "perf_counter", "monotonic", "gethostname", "urlopen", "urlretrieve",
        "readlink", "samefile", "__import__", "exec", "eval", "import_module",
    }
)  # fmt: skip
_MOST_FUNCTIONS: Final = 2000


def find_volatile(fn: Callable[..., Any]) -> str:
    """Return the name by which a function, or a helper of the user's that it names, asks for such a thing; "" for none.

    Tasks are not looked into: their bodies don't run while a graph is built.

    >>> import time
    >>> def build(): return time.time()
    >>> find_volatile(build)
    'time'
    >>> find_volatile(lambda x: x + 1)
    ''
    """
    pending: list[Any] = [fn]
    seen: set[int] = set()
    while pending:
        function = _plain(pending.pop())
        if function is None or id(function) in seen or _is_installed(function):
            continue
        seen.add(id(function))
        if len(seen) > _MOST_FUNCTIONS:
            return "more code than was looked at"
        for code in _codes(function.__code__):
            for name in code.co_names:
                if name in _ATTRIBUTES:
                    return name
                value = function.__globals__.get(name)
                if _is_volatile(value) or (value is None and name in _MODULES):
                    return name
                pending += _parts_of(value, code.co_names)
        pending += [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        pending += function.__defaults__ or ()
        pending += (function.__kwdefaults__ or {}).values()
    return ""


def _plain(value: Any) -> FunctionType | None:
    if hasattr(type(value), "__merkl_task__"):
        return None
    if isinstance(value, (staticmethod, classmethod, MethodType)):
        value = value.__func__
    value = getattr(value, "func", value) if type(value).__name__ == "partial" else value
    return value if isinstance(value, FunctionType) else None


def _parts_of(value: Any, names: Sequence[str]) -> list[Any]:
    """Return the functions that code may call of a value it names: itself, the methods of a class, what is named of a module."""
    if isinstance(value, ModuleType):
        inner = [] if _is_installed(value) else [vars(value).get(name) for name in names]
        return [part for one in inner if one is not value for part in _parts_of(one, ())]
    if isinstance(value, type):
        return [] if _is_installed(value) else list(vars(value).values())
    return [value]


def _codes(code: CodeType) -> Iterator[CodeType]:
    pending = [code]
    while pending:
        one = pending.pop()
        yield one
        pending += [const for const in one.co_consts if isinstance(const, CodeType)]


def _is_volatile(value: Any) -> bool:
    if isinstance(value, ModuleType):
        return _is_listed(value.__name__)
    if isinstance(value, (BuiltinFunctionType, FunctionType, MethodType, type)):
        return _is_listed(getattr(value, "__module__", None) or "")
    return False


def _is_listed(module: str) -> bool:
    return module in _MODULES or module.partition(".")[0] in _MODULES


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - it raises where there is none
    except ValueError:
        return False
    return True


def _is_installed(value: Any) -> bool:
    """Say whether code belongs to the standard library, an installed package or MerkL itself."""
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("merkl", "merkl_serializers", "builtins"):
        return top != "__main__"
    module = sys.modules.get(name)
    path = getattr(module, "__file__", None) or ""
    return path.startswith(tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
