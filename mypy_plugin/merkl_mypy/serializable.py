"""Parameters without canonical bytes and results without a codec, reported where the task is defined.

Named here are the classes of the standard library whose instances stand for something outside the value: an open file,
a connection, a lock, a running generator. A class of the program is one of them when an attribute of its instances is,
unless it says how it is reduced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mypy.checker import TypeChecker
from mypy.messages import format_type
from mypy.nodes import (
    GDEF,
    CallExpr,
    Context,
    Decorator,
    DictExpr,
    FuncDef,
    StrExpr,
    SymbolTableNode,
    TypeInfo,
    Var,
)
from mypy.plugin import FunctionContext
from mypy.types import (
    CallableType,
    Instance,
    LiteralType,
    NoneType,
    Parameters,
    ProperType,
    TupleType,
    Type,
    TypeAliasType,
    TypedDictType,
    TypeVarType,
    UnboundType,
    UnionType,
    get_proper_type,
)

from merkl_mypy import codes, names
from merkl_mypy.shapes import any_type, is_container, is_future

# No canonical bytes and no codec; subclasses are meant too.
# fmt: off
_NEITHER: Final = frozenset([
    "socket.socket", "_socket.socket", "ssl.SSLContext", "ssl.SSLObject", "_ssl._SSLContext",
    "_thread.lock", "_thread.LockType", "_thread.RLock", "_thread._local", "threading.Lock",
    "threading.RLock", "threading._RLock", "threading.Condition", "threading.Event",
    "threading.Semaphore", "threading.Thread", "threading.Barrier", "threading.local",
    "typing.Generator", "typing.AsyncGenerator", "typing.AsyncIterator", "typing.AsyncIterable",
    "typing.Coroutine", "typing.Awaitable", "types.GeneratorType", "types.AsyncGeneratorType",
    "types.CoroutineType", "types.FrameType", "types.TracebackType", "typing.IO", "io.IOBase",
    "_io._IOBase", "tempfile._TemporaryFileWrapper", "zipfile.ZipFile", "tarfile.TarFile", "mmap.mmap",
    "sqlite3.Connection", "sqlite3.Cursor", "sqlite3.Blob", "subprocess.Popen", "queue.Queue",
    "queue.SimpleQueue", "_queue.SimpleQueue", "multiprocessing.process.BaseProcess",
    "multiprocessing.pool.Pool", "multiprocessing.connection._ConnectionBase",
    "concurrent.futures._base.Executor", "concurrent.futures._base.Future", "asyncio.Future",
    "_asyncio.Future", "asyncio.events.AbstractEventLoop", "contextvars.Context",
    "contextvars.ContextVar", "_contextvars.Context", "_contextvars.ContextVar", "logging.Handler",
    "selectors.BaseSelector", "select.poll", "select.epoll", "select.kqueue", "weakref.ref",
    "weakref.ReferenceType", "_weakref.ReferenceType", "re.Match", "hashlib._Hash", "_hashlib.HASH",
    "zlib._Compress", "zlib._Decompress", "_csv._writer", "os._ScandirIterator",
])
# No canonical bytes, though they can be pickled.
_NO_BYTES: Final = frozenset([
    "builtins.map", "builtins.zip", "builtins.filter", "builtins.enumerate", "builtins.reversed",
    "itertools.chain", "itertools.count", "itertools.islice", "itertools.tee",
    "http.client.HTTPConnection",
])
# fmt: on
_NOT_HASHED: Final = _NEITHER | _NO_BYTES
_BASIC: Final = frozenset(f"builtins.{name}" for name in ("int", "str", "float", "bool", "bytes", "complex"))
_FINE: Final = frozenset(["_io.StringIO", "_io.BytesIO", "io.StringIO", "io.BytesIO"])
_REGISTRATION: Final = re.compile(rb"^\s*@(?:\w+\.)*arg_serializer\(\s*(?:\w+\.)*(\w+)\s*\)", re.M)
_REDUCED_BY: Final = ("__reduce__", "__reduce_ex__", "__getstate__", "__merkl_key__")
_MARK: Final = "__merkl_serializer_for_"


def exempt_names(api: TypeChecker, call: Context) -> TupleType | None:
    """The parameters, and `return`, for which the options of a decorator make other arrangements; `*` is all."""
    if not isinstance(call, CallExpr):
        return None
    found: list[str] = []
    for name, arg in zip(call.arg_names, call.args, strict=True):
        if name == "codec":
            found.append("return")
        elif name in ("arg_serializers", "ignore_args"):
            given = (
                [key for key, _ in arg.items] if isinstance(arg, DictExpr) else getattr(arg, "items", [None])
            )
            found += [key.value if isinstance(key, StrExpr) else "*" for key in given]
    if not found:
        return None
    text = api.named_type("builtins.str")
    return TupleType(
        [LiteralType(name, text) for name in found], api.named_generic_type("builtins.tuple", [text])
    )


def note_registration(ctx: FunctionContext) -> Type:
    """The hook for `arg_serializer(Type)`: the module remembers for other modules, and for mypy's cache, what it says."""
    api = ctx.api
    if isinstance(api, TypeChecker) and ctx.args and ctx.args[0]:
        registered = get_proper_type(ctx.arg_types[0][0])
        if isinstance(registered, CallableType) and registered.is_type_obj():
            info = registered.type_object()
            name = _MARK + info.name
            typ = Instance(info, [any_type() for _ in info.type_vars])
            api.tree.names.setdefault(name, SymbolTableNode(GDEF, Var(name, typ)))
            registrations.forget_verdicts()
    return ctx.default_return_type


def check_definition(
    api: TypeChecker,
    context: Context,
    function: CallableType | Parameters,
    returned: Type,
    exempt: ProperType | None,
) -> None:
    """Report the parameters and the result of a task that cannot be hashed or stored."""
    skipped = _names_in(exempt)
    if "*" in skipped:
        return
    definition = context.func if isinstance(context, Decorator) else None
    where: Context = definition or context
    for typ, name in zip(function.arg_types, function.arg_names, strict=True):
        bad = None if name in skipped or _is_basic(typ) else _find(api, typ, _NOT_HASHED)
        if bad is not None and name not in _annotated(definition):
            told = (
                f'Parameter "{name}" has {_inside(typ, bad, api)}type {format_type(bad, api.options)}, which'
            )
            if is_used_up(bad):
                told += (
                    " is used up by whoever reads it and has no canonical bytes: take a Sequence, pass a list"
                )
            else:
                told += (
                    " has no canonical bytes: pass what it is made of, or register it with "
                    f"@arg_serializer({bad.type.name})"
                )
            api.fail(told, where, code=codes.UNSERIALIZABLE)
    if "return" in skipped:
        return
    bad = None if _is_basic(returned) else _find(api, returned, _NEITHER)
    if bad is None and definition is not None and definition.is_generator:
        api.fail(
            "The body is a generator, for which there is no codec: return a list, or make the function a pipeline",
            where,
            code=codes.UNSERIALIZABLE,
        )
    if bad is not None:
        shown = format_type(bad, api.options)
        api.fail(
            f"The result has {_inside(returned, bad, api)}type {shown}, for which there is no codec: return what it is made "
            "of, or a FileRef",
            where,
            code=codes.UNSERIALIZABLE,
        )


def _is_basic(typ: Type) -> bool:
    """Whether this is `int`, `str` or the like, as most types are."""
    return isinstance(typ, Instance) and typ.type.fullname in _BASIC


def is_used_up(typ: ProperType) -> bool:
    """Whether whoever reads a value of this type uses it up, so that it has no canonical bytes: a generator, a `map`."""
    return (
        isinstance(typ, Instance)
        and typ.type.module_name in ("builtins", "typing", "itertools", "types")
        and typ.type.has_readable_member("__next__")
    )


def exempt_of(task: CallableType) -> set[str | None]:
    """The parameters of a task for which there are serializers of their own; `*` is all."""
    attrs = task.fallback.extra_attrs
    said = get_proper_type(attrs.attrs.get(names.EXEMPT_ATTR)) if attrs is not None else None
    definition = task.definition.func if isinstance(task.definition, Decorator) else task.definition
    return _names_in(said) | _annotated(definition if isinstance(definition, FuncDef) else None)


def _names_in(exempt: ProperType | None) -> set[str | None]:
    if not isinstance(exempt, TupleType):
        return set()
    literals = [item for item in map(get_proper_type, exempt.items) if isinstance(item, LiteralType)]
    return {str(item.value) for item in literals}


def _inside(whole: Type, bad: Instance, api: TypeChecker) -> str:
    proper = get_proper_type(whole)
    return "" if proper == bad else f"type {format_type(whole, api.options)}, and in it "


def _annotated(definition: FuncDef | None) -> set[str | None]:
    """Parameters under `Annotated`, where a serializer of their own may stand that mypy does not keep."""
    declared = definition.unanalyzed_type if definition is not None else None
    if not isinstance(declared, CallableType):
        return set()
    return {
        name
        for name, typ in zip(declared.arg_names, declared.arg_types, strict=True)
        if isinstance(typ, UnboundType) and typ.name.rpartition(".")[2] == "Annotated"
    }


def _find(
    api: TypeChecker, typ: Type, bad: frozenset[str], seen: tuple[TypeInfo, ...] = ()
) -> Instance | None:
    """The type in `typ` that every value of it holds and that cannot be hashed or stored."""
    if isinstance(typ, TypeAliasType) and typ.is_recursive:
        return None
    proper = get_proper_type(typ)
    if isinstance(proper, UnionType):
        items = [item for item in proper.items if not isinstance(get_proper_type(item), NoneType)]
        found = [_find(api, item, bad, seen) for item in items]
        return found[0] if found and all(found) else None
    if isinstance(proper, TypeVarType):
        return _find(api, proper.upper_bound, bad, seen)
    if isinstance(proper, TupleType) and not proper.partial_fallback.type.is_named_tuple:
        return _first(api, proper.items, bad, seen)
    if isinstance(proper, TypedDictType):
        return _first(api, proper.items.values(), bad, seen)
    if isinstance(proper, TupleType):
        proper = proper.partial_fallback
    if not isinstance(proper, Instance) or proper.type in seen:
        return None
    if any(base.fullname in bad for base in proper.type.mro) and proper.type.fullname not in _FINE:
        return None if _is_registered(api, proper.type) else proper
    if is_future(proper):
        return None
    if is_container(proper.type) and proper.args:
        return _first(api, proper.args, bad, seen)
    return _in_attributes(api, proper, bad, (*seen, proper.type))


def _first(
    api: TypeChecker, types: Iterable[Type], bad: frozenset[str], seen: tuple[TypeInfo, ...]
) -> Instance | None:
    return next((found for typ in types if (found := _find(api, typ, bad, seen)) is not None), None)


def _in_attributes(
    api: TypeChecker, typ: Instance, bad: frozenset[str], seen: tuple[TypeInfo, ...]
) -> Instance | None:
    """The same among the attributes of a class of the program."""
    info = typ.type
    tree = api.modules.get(info.module_name)
    if tree is None or tree.is_stub or info.is_protocol or _is_registered(api, info):
        return None
    for base in info.mro[:-1]:
        if any(name in base.names for name in _REDUCED_BY):
            return None
    is_data = "dataclass" in info.metadata or info.is_named_tuple
    attributes = [
        symbol.node.type
        for base in info.mro[:-1]
        for symbol in base.names.values()
        if isinstance(symbol.node, Var)
        and symbol.node.type is not None
        and not symbol.node.is_classvar
        and not symbol.node.is_property
        and (is_data or not symbol.node.is_initialized_in_class)
    ]
    return _first(api, attributes, bad, seen)


def _is_registered(api: TypeChecker, info: TypeInfo) -> bool:
    """Whether a module of the program registers a serializer for this class or one that it derives from."""
    verdicts = registrations.verdicts_in(api)
    known = verdicts.get(info)
    if known is None:
        classes = {base.name for base in info.mro[:-1]}
        # threading.Lock and RLock are names of classes in _thread.
        spelled = {name.lower().lstrip("_").replace("locktype", "lock") for name in classes}
        known = verdicts[info] = bool(spelled & registrations.names()) or any(
            # Modules that mypy has loaded from its cache have left a mark.
            _MARK + name in tree.names
            for tree in api.modules.values()
            if not tree.is_stub
            for name in classes
        )
    return known


class Registrations:
    """The classes for which the sources of a run register serializers, by name.

    A module that registers one need not be imported by the module with the task, and mypy may have neither checked it
    nor loaded it from its cache by then; so its text is looked at when mypy first comes by its path.
    """

    def __init__(self) -> None:
        # The names in each module; None where its text has not been looked at yet.
        self._of_module: dict[str, frozenset[str] | None] = {}
        self._all: set[str] | None = None
        # What was found of classes while one module is checked.
        self._checked: TypeChecker | None = None
        self._verdicts: dict[TypeInfo, bool] = {}

    def take(self, path: str) -> None:
        """Take in a module of the program, or one that has changed."""
        if path.endswith(".py"):
            self._of_module[path] = self._all = None
            self.forget_verdicts()

    def verdicts_in(self, api: TypeChecker) -> dict[TypeInfo, bool]:
        """Which classes are known to be registered or not, while this checker is at work and no module is new."""
        if api is not self._checked:
            self._checked, self._verdicts = api, {}
        return self._verdicts

    def forget_verdicts(self) -> None:
        """There may be more registrations than before."""
        self._checked = None

    def names(self) -> set[str]:
        """The classes in all decorators `@arg_serializer(Type)` of the modules taken in."""
        if self._all is not None:
            return self._all
        found: set[str] = set()
        for path, known in self._of_module.items():
            if known is None:
                known = self._of_module[path] = _registered_in(path)
            found |= known
        self._all = found
        return found


def _registered_in(path: str) -> frozenset[str]:
    try:
        text = Path(path).read_bytes()
    except OSError:
        return frozenset()
    if b"arg_serializer" not in text:
        return frozenset()
    return frozenset(found[1].decode().lower() for found in _REGISTRATION.finditer(text))


registrations = Registrations()
