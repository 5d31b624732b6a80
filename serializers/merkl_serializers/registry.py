"""Which encoder a type gets: exact type, then along the MRO, then by predicate; and the calls that use it."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from merkl_serializers.deep import run_deep
from merkl_serializers.errors import AmbiguousEncoderError, refusal
from merkl_serializers.known import install_builtin
from merkl_serializers.names import class_header, is_builtin_module, resolves
from merkl_serializers.walk import Encoder, HookError, TangledError, Walk
from merkl_serializers.wire import FORMAT_VERSION, pack_bytes

if TYPE_CHECKING:
    from types import FunctionType

__all__ = ["CanonicalRegistry", "Encoding", "Maker", "default_registry"]

T = TypeVar("T")
#: Makes the encoder of one concrete class.
Maker: TypeAlias = "Callable[[type, CanonicalRegistry], Encoder | None]"

ENTRY_POINT_GROUP = "merkl.serializers"
_NO_CLASSES: frozenset[type] = frozenset()


class Encoding(NamedTuple):
    """The canonical bytes of a value, and what the walk over it met.

    `is_mutable`: it holds something that can be changed in place. `classes`: the classes, other than Python's
    own, that it is or whose instances it holds; their code may run with the value.
    """

    data: bytes
    is_mutable: bool
    classes: frozenset[type]


class CanonicalRegistry:
    """Encoders by type, and the canonical bytes that they give.

    >>> registry = CanonicalRegistry()
    >>> registry.encode([1, 2]).data
    b'\\x92\\x01\\x02'
    """

    def __init__(
        self, *, builtin: Callable[[CanonicalRegistry], None] = install_builtin, discover: bool = False
    ) -> None:
        self._registered: dict[type, Callable[[Any], object]] = {}
        self._predicates: list[tuple[Callable[[type], bool], Callable[[Any], object]]] = []
        self._references: list[type] = []
        self._makers: dict[type, Maker] = {}
        self._kinds: list[Maker] = []
        self._lazy: dict[str, Callable[[CanonicalRegistry], None]] = {}
        self._wants_entry_points = discover
        self._table: dict[type, Encoder] = {}
        self._short_lived: WeakKeyDictionary[type, Encoder] = WeakKeyDictionary()
        builtin(self)

    # -- registration

    def register(self, type_: type[T], encoder: Callable[[T], object], *, replace: bool = False) -> None:
        """Give a type and its subclasses a serializer that returns bytes or a simpler value.

        The concrete class enters the bytes beside what the serializer returns. Raises ValueError when the
        type has another serializer already, unless `replace`.
        """
        old = self._registered.get(type_)
        if old is not None and not replace and not _same_definition(old, encoder):
            raise ValueError(
                f"{type_.__qualname__} has a serializer already, {_callable_name(old)}; "
                f"to put {_callable_name(encoder)} in its place pass replace=True"
            )
        self._registered[type_] = encoder
        self._forget()

    def register_predicate(self, predicate: Callable[[type], bool], encoder: Callable[[Any], object]) -> None:
        """Give a serializer to every class that `predicate` accepts and that has none by type."""
        self._predicates.append((predicate, encoder))
        self._forget()

    def register_reference(self, type_: type) -> None:
        """Declare a type whose instances stand for other values: `resolve` gives their bytes."""
        self._references.append(type_)
        self._forget()

    def register_lazy(self, package: str, load: str | Callable[[CanonicalRegistry], None]) -> None:
        """Call `load` with this registry when the first value of a package is met, never before.

        `load` is a callable, or the name of a module that has `install`.
        """
        if isinstance(load, str):
            module = load
            self._lazy[package] = lambda registry: importlib.import_module(module).install(registry)
        else:
            self._lazy[package] = load
        self._forget()

    def load_entry_points(self) -> None:
        """Let every installed package register its serializers, from the group `merkl.serializers`.

        An entry point names a function that gets this registry, a mapping of types to serializers, or a
        module that registers when it is imported. The default registry does this by itself when it meets the first
        value that is not of Python's own types.
        """
        from importlib.metadata import entry_points

        self._wants_entry_points = False
        for point in entry_points(group=ENTRY_POINT_GROUP):
            found = point.load()
            if isinstance(found, Mapping):
                for type_, encoder in found.items():
                    self.register(type_, encoder)
            elif callable(found):
                found(self)
        self._forget()

    @contextmanager
    def override(
        self, serializers: Mapping[type, Callable[[Any], object]] | None = None
    ) -> Iterator[CanonicalRegistry]:
        """Register for the length of a `with` block only; what was before comes back after it.

        >>> registry = CanonicalRegistry()
        >>> with registry.override({int: str}):
        ...     inside = registry.digest(1)
        >>> inside == registry.digest(1)
        False
        """
        saved = dict(self._registered), list(self._predicates), list(self._references)
        try:
            for type_, encoder in (serializers or {}).items():
                self.register(type_, encoder, replace=True)
            yield self
        finally:
            self._registered, self._predicates, self._references = saved
            self._forget()

    # -- for the files of this package

    def add_maker(self, type_: type, make: Maker) -> None:
        """Give a type and its subclasses an encoder of this package's own."""
        self._makers[type_] = make
        self._forget()

    def add_kind(self, make: Maker) -> None:
        """Ask `make` for an encoder before the base classes count; None means that it has nothing to say."""
        self._kinds.append(make)
        self._forget()

    def registered(self) -> dict[type, Callable[[Any], object]]:
        """Return the serializers that were registered by type."""
        return dict(self._registered)

    # -- use

    def encode(
        self,
        value: object,
        *,
        resolve: Callable[[Any], bytes] | None = None,
        keep_dict_order: bool = False,
        hook_function: Callable[[FunctionType], bytes] | None = None,
    ) -> Encoding:
        """Return the canonical bytes of a value.

        `resolve` gives the bytes of a reference, `hook_function` those of a function of the user's;
        with `keep_dict_order` the order of a dict counts. Raises `UnserializableError`.
        """

        resolve, hook_function = _passing(resolve), _passing(hook_function)

        def walk_over(value: object) -> Encoding:
            walk = Walk(self._table, self._find, resolve, keep_dict_order, hook_function)
            try:
                data = walk.value(value)
            except TangledError:
                walk = Walk(self._table, self._find, resolve, keep_dict_order, hook_function, numbered=True)
                data = b"\xc1~" + walk.value(value)
            return Encoding(data, walk.is_mutable, frozenset(walk.classes) if walk.classes else _NO_CLASSES)

        try:
            try:
                return walk_over(value)
            except RecursionError:
                pass
            return run_deep(lambda: walk_over(value))
        except RecursionError:
            raise refusal(type(value), "it is nested too deeply") from None
        except HookError as failed:
            raise failed.error from failed.error.__cause__

    def digest(self, value: object) -> str:
        """Return 64 hex digits: the SHA-256 of format version and canonical bytes.

        >>> CanonicalRegistry().digest(1) == CanonicalRegistry().digest(1.0)
        False
        """
        return hashlib.sha256(FORMAT_VERSION + self.encode(value).data).hexdigest()

    # -- look-up

    def _forget(self) -> None:
        self._table.clear()
        self._short_lived.clear()

    def _find(self, cls: type) -> Encoder:
        encode = self._short_lived.get(cls)
        if encode is not None:
            return encode
        # What stands for another value is encoded as such, whatever libraries say.
        if not any(issubclass(cls, reference) for reference in self._references):
            self._load_libraries(cls)
        encode = self._choose(cls)
        # A class that no module holds may be one of many: don't keep those alive.
        if resolves(cls, cls.__module__, cls.__qualname__):
            self._table[cls] = encode
        else:
            self._short_lived[cls] = encode
        return encode

    def _load_libraries(self, cls: type) -> None:
        for base in cls.__mro__:
            package = ""
            for part in str(base.__module__).split("."):
                package = f"{package}.{part}" if package else part
                load = self._lazy.pop(package, None)
                if load is not None:
                    load(self)
        if self._wants_entry_points and not is_builtin_module(cls.__module__):
            self.load_entry_points()

    def _choose(self, cls: type) -> Encoder:
        for reference in self._references:
            if issubclass(cls, reference):
                return _encode_reference
        encoder = self._registered_for(cls)
        if encoder is not None:
            return _user_encoder(cls, encoder)
        for make in self._kinds:
            made = make(cls, self)
            if made is not None:
                return made
        for base in cls.__mro__:
            made = self._makers[base](cls, self) if base in self._makers else None
            if made is not None:
                return made if base in (cls, object) else _noting_class(cls, base, made)
        raise refusal(cls, "no encoder knows this type")

    def explain(self, cls: type) -> tuple[str, str]:
        """Return what encodes the instances of a class, and why that: for people; ("", the reason) where nothing does."""
        self._load_libraries(cls)
        try:
            if any(issubclass(cls, reference) for reference in self._references):
                return "its own key", "it stands for another value"
            if any(base in self._registered for base in cls.__mro__):
                encoder = self._registered_for(cls)
                base = next(base for base in cls.__mro__ if base in self._registered)
                how = "its type" if base is cls else f"its base {base.__qualname__}"
                return _callable_name(encoder) if encoder else "", f"registered for {how}"
            encoder = self._registered_for(cls)
            if encoder is not None:
                return _callable_name(encoder), "registered for classes that a predicate accepts"
            module = self._choose(cls).__module__.rpartition(".")[2].strip("_")
            return f"canonical bytes ({module})", "built in"
        except TypeError as error:
            return "", str(error)

    def _registered_for(self, cls: type) -> Callable[[Any], object] | None:
        found = [base for base in cls.__mro__ if base in self._registered]
        if found:
            for other in found[1:]:
                if other not in found[0].__mro__:
                    raise _ambiguous(cls, found[0].__qualname__, other.__qualname__)
            return self._registered[found[0]]
        matches = [(test, encoder) for test, encoder in self._predicates if test(cls)]
        if len(matches) > 1:
            raise _ambiguous(cls, _callable_name(matches[0][0]), _callable_name(matches[1][0]))
        return matches[0][1] if matches else None


def _passing(hook: Callable[[Any], bytes] | None) -> Callable[[Any], bytes] | None:
    """Return a hook whose errors are told from those of the values."""
    if hook is None:
        return None

    def passing(value: Any) -> bytes:
        try:
            return hook(value)
        except Exception as error:
            raise HookError(error) from error

    return passing


def _callable_name(function: Callable[..., object]) -> str:
    return getattr(function, "__qualname__", repr(function))


def _same_definition(old: Callable[..., object], new: Callable[..., object]) -> bool:
    """Say whether a cell or module was simply run again."""
    names = ("__module__", "__qualname__")
    return all(getattr(old, name, old) == getattr(new, name, new) for name in names)


def _ambiguous(cls: type, one: str, other: str) -> AmbiguousEncoderError:
    error = refusal(
        cls, f"two registered serializers claim it, by {one} and by {other}; register the class itself"
    )
    return AmbiguousEncoderError(error.reason, type_name=error.type_name, remedy=error.remedy)


def _noting_class(cls: type, base: type, encode: Encoder) -> Encoder:
    """Return the encoder of a class that inherits one from a library's: its own methods may run too, so it counts."""
    package, library = (str(known.__module__).partition(".")[0] for known in (cls, base))
    if package == library or is_builtin_module(cls.__module__):
        return encode

    def encode_derived(value: Any, walk: Walk) -> bytes:
        walk.classes.add(cls)
        return encode(value, walk)

    return encode_derived


def _user_encoder(cls: type, encoder: Callable[[Any], object]) -> Encoder:
    head = b"\xc1X" + class_header(cls)
    is_own = is_builtin_module(cls.__module__)

    def body(value: Any, walk: Walk) -> bytes:
        output = encoder(value)
        if output is value:
            raise refusal(
                type(value), "its serializer returned the value itself, not bytes or a simpler value"
            )
        return head + walk.value(output)

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        if not is_own:
            walk.classes.add(type(value))
        return walk.inside(value, body)

    return encode


def _encode_reference(value: Any, walk: Walk) -> bytes:
    resolve = walk.resolve or getattr(type(value), "__merkl_key__", None)
    if resolve is None:
        raise refusal(
            type(value), "it stands for another value, which is not known here", remedy="Evaluate it first."
        )
    return b"\xc1F" + pack_bytes(resolve(value))


#: The registry behind `merkl.digest` and every key.
default_registry = CanonicalRegistry(discover=True)
