"""Finds out whether code asks for what is another thing each time: the clock, chance, the environment, whether a file is there.

Graphs of such pipelines are not kept; their bodies run at each call. In doubt a name counts: the price is a body
that runs.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import ExtensionFileLoader
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from merkl_serializers.names import is_builtin_module

__all__ = ["find_volatile"]

_MODULES: Final = frozenset(
    {
        "time", "random", "uuid", "secrets", "socket", "subprocess", "urllib.request", "http.client", "requests", "httpx",
        "aiohttp", "platform", "getpass", "numpy.random", "ctypes", "tempfile", "locale", "multiprocessing", "sqlite3", "mmap",
        "select", "selectors", "asyncio", "concurrent", "threading", "signal", "gc", "resource", "pwd", "grp", "psutil",
        "contextvars", "decimal",
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
        "readlink", "samefile", "__import__", "exec", "eval", "import_module", "argv", "orig_argv", "stdin", "input", "access",
        "which", "expandvars", "find_pip_version", "pip_version_of", "resolve", "realpath", "read_parquet", "read_feather",
        "read_orc", "read_hdf", "read_sql", "read_sql_query", "read_sql_table",
    }
)  # fmt: skip
#: What reaches attributes by names that nobody can read in the code.
_LOOKUPS: Final = frozenset(
    {
        "getattr",
        "attrgetter",
        "methodcaller",
        "vars",
        "__dict__",
        "__getattribute__",
        "getattr_static",
        "getmembers",
    }
)
#: Packages with parts in C that read files and all else through Python, which tells of it.
_TOLD: Final = frozenset(
    {
        "numpy", "pandas", "scipy", "sklearn", "msgspec", "pydantic", "pydantic_core", "yaml", "orjson", "ujson", "regex",
        "markupsafe", "rpds", "attr", "attrs", "blake3", "xxhash", "msgpack", "cloudpickle", "typeguard",
    }
)  # fmt: skip
_MOST_FUNCTIONS: Final = 2000
#: Of a container more items are not looked at.
_MOST_ITEMS: Final = 1000
_DATA: Final = (int, float, complex, str, bytes, bool, type(None))


def find_volatile(*values: Any) -> str:
    """Return the name by which functions and other values, or what they reach, ask for such a thing; "" for none.

    Tasks are not looked into: their bodies don't run while a graph is built.

    >>> import time
    >>> def build(): return time.time()
    >>> find_volatile(build)
    'time'
    >>> find_volatile(lambda x: x + 1)
    ''
    """
    reached = _Reached(values)
    while reached.pending:
        found = reached.look()
        if found:
            return found
        reached.take_named_of_modules()
    return ""


class _Reached:
    """What code reaches: values yet to be looked at, the user's modules, and all names that stand in the code.

    A module may come from a table, a closure or a call, far from where something of it is named: so any name in the code
    counts for any module.
    """

    def __init__(self, values: Iterable[Any]) -> None:
        self.pending: list[Any] = [*values]
        self._seen: set[int] = set()
        self._names: set[str] = set()
        self._modules: list[ModuleType] = []

    def look(self) -> str:
        """Look at all that is pending, and at what it reaches; return the name of what is volatile, "" for nothing."""
        while self.pending:
            value = self.pending.pop()
            if isinstance(value, _DATA) or id(value) in self._seen:
                continue
            self._seen.add(id(value))
            if len(self._seen) > _MOST_FUNCTIONS:
                return "more code than was looked at"
            if _is_volatile(value):
                return getattr(value, "__name__", None) or type(value).__name__
            function = _plain(value)
            if function is not None and not _is_told(function):
                found = self._look_at_function(function)
                if found:
                    return found
            elif isinstance(value, ModuleType) and not _is_told(value):
                self._modules.append(value)
            elif function is None:
                self.pending += _held_by(value)
        return ""

    def take_named_of_modules(self) -> None:
        """Make pending what any name in the code may be of one of the user's modules."""
        for module in self._modules:
            named = [vars(module)[name] for name in self._names & vars(module).keys()]
            self.pending += [one for one in named if id(one) not in self._seen and not isinstance(one, _DATA)]

    def _look_at_function(self, function: FunctionType) -> str:
        for code in _codes(function.__code__):
            looked_up = _LOOKUPS & {*code.co_names}
            self._names.update(code.co_names)
            for name in code.co_names:
                if name in _ATTRIBUTES:
                    return name
                named = function.__globals__.get(name)
                if named is None and name in _MODULES:
                    return name
                if looked_up and _has_volatile(named or sys.modules.get(name)):
                    return f"{name} by {min(looked_up)}"
                # What is imported in the body is found as far as it is loaded.
                self.pending += [named] if named is not None else _imported(function, name)
        self.pending += [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        self.pending += function.__defaults__ or ()
        self.pending += (function.__kwdefaults__ or {}).values()
        return ""


def _imported(function: FunctionType, name: str) -> list[ModuleType]:
    """Return the modules that a name in a body's code may stand for: of that name, or beside or above its own."""
    package = str(function.__globals__.get("__package__") or "")
    parts = package.split(".") if package else []
    around = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    names = [name, *(f"{above}.{name}" if name else above for above in around)]
    found = [sys.modules.get(one) for one in names if one]
    return [module for module in found if module is not None]


def _has_volatile(value: Any) -> bool:
    """Say whether a module or class of Python's or a package's own has something that asks for what changes."""
    if not isinstance(value, (ModuleType, type)) or not _is_told(value):
        return False
    return not _ATTRIBUTES.isdisjoint(dir(value))


def _plain(value: Any) -> FunctionType | None:
    if isinstance(value, (staticmethod, classmethod, MethodType)):
        value = value.__func__
    return value if isinstance(value, FunctionType) else None


def _held_by(value: Any) -> list[Any]:
    """Return what code may call through a value that is no function: methods, attributes, items."""
    if hasattr(type(value), "__merkl_task__") or isinstance(value, ModuleType):
        return []
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(itertools.islice(value, _MOST_ITEMS))
    if isinstance(value, Mapping):
        return list(itertools.islice(value.values(), _MOST_ITEMS))
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, property):
        return [value.fget]
    if isinstance(value, type):
        bases = [base for base in value.__mro__ if not _is_told(base)]
        return [part for base in bases for part in vars(base).values()]
    held = list((getattr(value, "__dict__", None) or {}).values())
    return held if _is_told(type(value)) else [type(value), *held]


def _codes(code: CodeType) -> Iterator[CodeType]:
    pending = [code]
    while pending:
        one = pending.pop()
        yield one
        pending += [const for const in one.co_consts if isinstance(const, CodeType)]


def _is_volatile(value: Any) -> bool:
    """Say whether a value asks for what changes, whatever it is called where it is used, or keeps what was once asked for."""
    if isinstance(value, ModuleType):
        return _is_listed(value.__name__)
    if isinstance(value, functools._lru_cache_wrapper):
        return not _is_told(value)
    if isinstance(value, (FunctionType, type)):
        is_named = getattr(value, "__name__", "") in _ATTRIBUTES and _is_told(value)
        return is_named or _is_listed(getattr(value, "__module__", None) or "")
    if isinstance(value, (BuiltinFunctionType, MethodType)):
        owner = value.__self__
        is_module = isinstance(owner, (ModuleType, type(None)))
        of_object = not is_module and _is_volatile(owner if isinstance(owner, type) else type(owner))
        return (
            value.__name__ in _ATTRIBUTES or _is_listed(getattr(value, "__module__", None) or "") or of_object
        )
    return type(value).__name__ == "_Environ" or _is_listed(type(value).__module__)


def _is_listed(module: str) -> bool:
    """Say whether a module asks for what changes, or may without Python's knowing, as code in C does."""
    parts = module.split(".")
    is_named = any(".".join(parts[:count]) in _MODULES for count in range(1, len(parts) + 1))
    return is_named or parts[0] in _packages_in_c(len(sys.modules))


@functools.lru_cache(1)
def _packages_in_c(loaded: int) -> frozenset[str]:
    """Return the packages of which a module that is loaded is no Python code; `loaded` is how many are."""
    found = {
        name.partition(".")[0]
        for name, module in list(sys.modules.items())
        if isinstance(getattr(getattr(module, "__spec__", None), "loader", None), ExtensionFileLoader)
    }
    return frozenset(found - _TOLD - sys.stdlib_module_names)


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - it raises where there is none
    except ValueError:
        return False
    return True


def _is_told(value: Any) -> bool:
    """Say whether code need not be looked into: Python's own, MerkL's, and that of packages which are known to be harmless.

    What other packages ask for is asked for on behalf of the body that calls them.
    """
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
    top = name.partition(".")[0]
    return top in _TOLD or top in ("merkl", "merkl_serializers") or is_builtin_module(name)
