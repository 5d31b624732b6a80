"""The one error: a value that has no canonical bytes."""

from __future__ import annotations

from merkl_serializers.names import is_installed

__all__ = ["AmbiguousEncoderError", "UnserializableError", "refusal"]


class UnserializableError(TypeError):
    """A value has no canonical bytes.

    `path` leads from the value that was asked for into it (`[3].cfg['a']`), `type_name` is the class that has
    no encoding, `reason` says why, and `remedy` is text to paste.
    """

    def __init__(self, reason: str, *, type_name: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.type_name = type_name
        self.remedy = remedy
        self._steps: list[str] = []
        #: Whether the remedy is a registration of a class that is not the user's, so that one of the holder would do better.
        self._wants_holder = False

    @property
    def path(self) -> str:
        """The way into the value, outermost step first; empty when the value itself is at fault."""
        return "".join(reversed(self._steps))

    def under(self, step: str) -> None:
        """Note one more step, as the error leaves the container that the step leads into."""
        self._steps.append(step)

    def held_by(self, cls: type) -> None:
        """Note a class that the value was met in: of a lock in an object, the object is what to declare."""
        if self._wants_holder and not is_installed(cls.__module__):
            self._wants_holder = False
            self.remedy = _registration(cls)

    def __str__(self) -> str:
        where = f" at {self.path}" if self._steps else ""
        return f"no canonical bytes for {self.type_name}{where}: {self.reason}\n{self.remedy}"


class AmbiguousEncoderError(UnserializableError):
    """Two registered encoders claim one type with equal right."""


def refusal(cls: type, reason: str, *, remedy: str | None = None) -> UnserializableError:
    """Return the error to raise for a value of a class; its remedy is a registration unless one is given."""
    error = UnserializableError(
        reason, type_name=f"{cls.__module__}.{cls.__qualname__}", remedy=remedy or _registration(cls)
    )
    error._wants_holder = remedy is None and is_installed(cls.__module__)
    return error


def _registration(cls: type) -> str:
    module, name = cls.__module__, cls.__qualname__
    source = "" if module == "builtins" else f"from {module} import {name.partition('.')[0]}\n"
    return (
        f"Declare one:\n\nfrom merkl import arg_serializer\n{source}\n@arg_serializer({name})\n"
        f"def serialize(value: {name}) -> bytes:\n"
        "    ...  # return bytes, or a simpler value, that say all that matters"
    )
