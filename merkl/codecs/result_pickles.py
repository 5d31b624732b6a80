"""Results as pickles: a script's classes go by name, and loading one leaves the classes that are there as they are."""

from __future__ import annotations

import io
import pickle
from types import FunctionType
from typing import Any

from merkl.codecs.by_value import ByValuePickler
from merkl.codecs.code_pickles import CodePickler
from merkl.codecs.definitions import (
    MAIN,
    class_name,
    is_reachable,
    is_script,
    loaded_definition,
    resolve_class,
)

__all__ = ["dump_result", "load_result"]

_OF_CLOUDPICKLE = "cloudpickle.cloudpickle"
#: Where among what cloudpickle makes a class of the id stands that it knows the class by, by the maker.
_PLACES_OF_IDS = {"_make_skeleton_class": 4, "_make_skeleton_enum": 5}


class _ResultPickler(ByValuePickler):
    """Notes every class and function on its way; a script's classes go by name, and by value for other scripts."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self.code: dict[Any, None] = {}

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, (type, FunctionType)):
            self.code[obj] = None
        if isinstance(obj, type) and _is_of_script(obj):
            return _class_of, (class_name(obj), _by_value(obj))
        return super().reducer_override(obj)


def _is_of_script(cls: type) -> bool:
    if cls.__module__ != MAIN or "<locals>" in cls.__qualname__ or "[" in cls.__qualname__:
        return False  # no name leads to it
    # In a worker the script's classes may be nowhere but in the code that came by value.
    return is_reachable(cls) or loaded_definition(class_name(cls)) is None


def _by_value(cls: type) -> bytes:
    """Return the code of a class, nothing where it uses what cannot be pickled: it has its name."""
    file = io.BytesIO()
    try:
        CodePickler(file, protocol=5).dump(cls)
    except Exception:  # noqa: BLE001 - anything can happen in the pickling of what users wrote
        return b""
    return file.getvalue()


def _class_of(name: str, by_value: bytes) -> type:
    found = loaded_definition(name)
    if isinstance(found, type):
        return found
    cls: type = load_result(by_value) if by_value else resolve_class(name)
    return cls


def dump_result(value: Any) -> tuple[bytes, tuple[Any, ...]]:
    """Return a value as bytes, with the classes and functions that these name; raises what pickling raises."""
    file = io.BytesIO()
    pickler = _ResultPickler(file)
    pickler.dump(value)
    return file.getvalue(), tuple(pickler.code)


class _BufferFile:
    """Reads a buffer as a file, without a copy of the whole: it may be a large file in the cache."""

    def __init__(self, buffer: Any) -> None:
        self._view = memoryview(buffer).cast("B")
        self._position = 0

    def _take(self, count: int) -> memoryview:
        taken = self._view[self._position : self._position + count]
        self._position += len(taken)
        return taken

    def read(self, count: int = -1, /) -> bytes:
        return bytes(self._take(len(self._view) if count < 0 else count))

    def readinto(self, target: Any, /) -> int:
        taken = self._take(len(target))
        target[: len(taken)] = taken
        return len(taken)

    def readline(self) -> bytes:
        rest = self._view[self._position :]
        length = next((i for i, byte in enumerate(rest) if byte == 10), len(rest) - 1) + 1
        return bytes(self._take(length))


class _ResultUnpickler(pickle.Unpickler):
    """Takes classes that this process has as they are.

    cloudpickle would give them the methods that they had where they were pickled, which see other globals.
    """

    def __init__(self, file: io.BytesIO | _BufferFile) -> None:
        super().__init__(file)
        self._known: set[type] = set()

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name == _OF_CLOUDPICKLE:
            return self._of_cloudpickle(global_name)
        if is_script(module_name):  # its own definitions, not those of a second copy that is imported
            found = loaded_definition(f"{module_name}:{global_name}")
            if found is not None:
                return found
        return super().find_class(module_name, global_name)

    def _of_cloudpickle(self, name: str) -> Any:
        found = super().find_class(_OF_CLOUDPICKLE, name)
        if name in _PLACES_OF_IDS:
            known = super().find_class(_OF_CLOUDPICKLE, "_DYNAMIC_CLASS_TRACKER_BY_ID")

            def make(*arguments: Any) -> type:
                cls: type | None = known.get(arguments[_PLACES_OF_IDS[name]])
                if cls is None:
                    made: type = found(*arguments)
                    return made
                self._known.add(cls)
                return cls

            return make
        if name == "_class_setstate":
            return lambda cls, state: cls if cls in self._known else found(cls, state)
        return found


def load_result(content: Any) -> Any:
    """Return the value that `dump_result` made bytes of."""
    return _ResultUnpickler(io.BytesIO(content) if type(content) is bytes else _BufferFile(content)).load()
