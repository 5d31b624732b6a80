"""Which codec stores a value: the first that gives it back exactly, looked up by the value's own type."""

from __future__ import annotations

from typing import Any

from merkl._base.errors import CacheError, ConfigError, SerializationError
from merkl.codecs.base import Codec, DecodeError, Encoded
from merkl.codecs.users import UserCodecs

__all__ = ["CodecRegistry"]


class CodecRegistry:
    """An ordered set of codecs: those registered for a type first, then the general ones, pickle last.

    >>> from merkl.codecs import default_codecs
    >>> registry = default_codecs()
    >>> encoded = registry.encode({"a": [1, 2.5, None]})
    >>> registry.decode(encoded.codec, encoded.codec_version, encoded.decode_type, encoded.content)
    {'a': [1, 2.5, None]}
    """

    def __init__(self, users: UserCodecs | None = None) -> None:
        self._general: list[Codec] = []
        self._for_type: list[tuple[type | str, Codec]] = []
        self._by_name: dict[str, Codec] = {}
        self._chosen: dict[type, tuple[Codec, ...]] = {}
        #: registrations that this registry follows, and how many of them it has taken in
        self._users = users
        self._taken = 0

    def add(self, codec: Codec) -> Codec:
        """Use `codec` for values of any type, after those registered for their type and those added before.

        Raises `ConfigError` where another codec has its name.
        """
        self.learn(codec)
        self._general.append(codec)
        self._chosen.clear()
        return codec

    def register(self, codec: Codec, *types: type | str) -> Codec:
        """Use `codec` for values of these types and their subclasses, before the general ones; the newest first.

        A type may be a name ("pandas:DataFrame", package and class), so that registering imports nothing. Without types the
        codec is only known by name (for decoding, and for `codec=`). Raises `ConfigError` where another codec has its name.
        """
        self.learn(codec)
        self._for_type[:0] = [(kind, codec) for kind in types]
        self._chosen.clear()
        return codec

    def learn(self, codec: Codec) -> None:
        """Know a codec by its name; the same class again takes the place of what was there.

        Raises:
            ConfigError: another codec has its name: what one of them stored the other would read.
        """
        known = self._by_name.get(codec.name)
        if known is not None and _class_name(known) != _class_name(codec):
            raise ConfigError(
                f"the codec {_class_name(codec)} has the name {codec.name!r}, which is that of {_class_name(known)}: results "
                "are read by the codec of their name, so give yours another one"
            )
        self._by_name[codec.name] = codec

    def copy(self) -> CodecRegistry:
        """Return a registry of its own with the same codecs."""
        twin = CodecRegistry(self._users)
        twin._taken = self._taken
        bound = {name: codec.bound_to(twin) for name, codec in self._by_name.items()}
        twin._by_name = bound
        twin._general = [bound[codec.name] for codec in self._general]
        twin._for_type = [(kind, bound[codec.name]) for kind, codec in self._for_type]
        return twin

    def get(self, name: str) -> Codec | None:
        """Return the codec of that name."""
        if self._users is not None and self._taken != len(self._users.registrations):
            self._take_in(self._users)
        found = self._by_name.get(name)
        if found is None and self._users is not None:
            self._users.load_entry_points()
            self._take_in(self._users)
            found = self._by_name.get(name)
        return found

    def candidates(self, kind: type) -> tuple[Codec, ...]:
        """Return the codecs to try for a value of this type, in order."""
        if self._users is not None and self._taken != len(self._users.registrations):
            self._take_in(self._users)
        found = self._chosen.get(kind)
        if found is None:
            found = self._chosen[kind] = self._find(kind)
        return found

    def encode(self, value: Any, declared: Any = Any, codec: Codec | None = None) -> Encoded:
        """Return `value` as bytes by the first codec that gives it back exactly, or by `codec` alone.

        Raises:
            SerializationError: no codec takes it.
        """
        candidates = self.candidates(type(value)) if codec is None else (codec,)
        reasons: list[str] = []
        for candidate in candidates:
            try:
                content = candidate.encode(value, declared)
            except SerializationError as error:
                reasons.append(f"{candidate.name}: {error}")
                continue
            if content is None:
                continue
            if type(content) is Encoded:
                return content
            return Encoded(content, candidate.name, candidate.version, "", "", candidate.is_safe)
        raise _no_codec(value, candidates, reasons)

    def decode(self, codec: str, version: int, decode_type: str, content: Any) -> Any:
        """Return the value that was encoded.

        Raises:
            DecodeError: the codec is unknown or of another version, or the content is not what it wrote.
        """
        found = self.get(codec)
        if found is None:
            raise DecodeError(f"no codec named {codec!r} is registered; register it, or recompute the result")
        if found.version != version:
            raise DecodeError(
                f"stored by version {version} of codec {codec!r}, this is version {found.version}; recompute the result"
            )
        try:
            return found.decode(content, decode_type)
        except (DecodeError, CacheError):
            raise
        except Exception as error:
            raise DecodeError(
                f"codec {codec!r} cannot read its content: {type(error).__name__}: {error}"
            ) from error

    def special(self, kind: type) -> tuple[Codec, ...]:
        """Return the codecs that are registered for this type or one of its bases."""
        names = {f"{base.__module__.partition('.')[0]}:{base.__qualname__}" for base in kind.__mro__}
        return tuple(
            codec
            for wanted, codec in self._for_type
            if (wanted in names if isinstance(wanted, str) else issubclass(kind, wanted))
        )

    def _take_in(self, users: UserCodecs) -> None:
        while self._taken < len(users.registrations):
            codec, types = users.registrations[self._taken]
            self._taken += 1
            self.register(codec.bound_to(self), *types)

    def _find(self, kind: type) -> tuple[Codec, ...]:
        if self._users is not None and kind.__module__ != "builtins":
            self._users.load_entry_points()
            self._take_in(self._users)
        return tuple(dict.fromkeys([*self.special(kind), *self._general]))


def _class_name(codec: Codec) -> str:
    return f"{type(codec).__module__}.{type(codec).__qualname__}"


def _no_codec(value: Any, candidates: tuple[Codec, ...], reasons: list[str]) -> SerializationError:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    tried = ", ".join(codec.name for codec in candidates)
    why = "".join(f"\n  {reason}" for reason in reasons)
    remedy = f"merkl.register_codec(MyCodec(), {type(value).__qualname__})"
    return SerializationError(
        f"no codec can store a result of type {kind} (tried {tried}){why}\n  write a merkl.Codec and register it: {remedy}",
        remedy=remedy,
    )
