"""Pickling by value what another process cannot import, and loading it without touching what is there already."""

from __future__ import annotations

import io
import pickle
from types import FunctionType, MemberDescriptorType
from typing import Any

import cloudpickle

from merkl.codecs.definitions import MAIN, class_name, is_reachable, is_script, loaded_definition

__all__ = ["ByValuePickler", "dump_result", "load_result"]

_OF_CLOUDPICKLE = "cloudpickle.cloudpickle"
#: Where among what cloudpickle makes a class of the id stands that it knows the class by, by the maker.
_PLACES_OF_IDS = {"_make_skeleton_class": 4, "_make_skeleton_enum": 5}


class ByValuePickler(cloudpickle.Pickler):
    """As cloudpickle does it, but classes keep their slots."""

    def reducer_override(self, obj: Any) -> Any:
        reduced = super().reducer_override(obj)
        if isinstance(obj, type) and isinstance(reduced, tuple) and len(reduced) > 2 and _slots_of(obj):
            return _with_slots(obj, reduced)
        return reduced


def _slots_of(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _with_slots(cls: type, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """Have a class made with its slots: set afterwards they mean nothing, and its objects would be other ones."""
    make, arguments, (namespace, others), *rest = reduced
    options = {**arguments[3], "__slots__": _slots_of(cls)}
    made = {
        name
        for name, value in cls.__dict__.items()
        if isinstance(value, MemberDescriptorType) or name == "__slots__"
    }
    left = {name: value for name, value in namespace.items() if name not in made}
    return (make, (*arguments[:3], options, *arguments[4:]), (left, others), *rest)


class _ResultPickler(ByValuePickler):
    """Notes every class and function on its way; a script's classes go by name, and by value for other scripts."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self.code: dict[Any, None] = {}

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, (type, FunctionType)):
            self.code[obj] = None
        if isinstance(obj, type) and _is_of_script(obj):
            file = io.BytesIO()
            ByValuePickler(file, protocol=5).dump(obj)
            return _class_of, (class_name(obj), file.getvalue())
        return super().reducer_override(obj)


def _is_of_script(cls: type) -> bool:
    if cls.__module__ != MAIN or "<locals>" in cls.__qualname__:
        return False
    # In a worker the script's classes may be nowhere but in the code that came by value.
    return is_reachable(cls) or loaded_definition(class_name(cls)) is None


def _class_of(name: str, by_value: bytes) -> type:
    found = loaded_definition(name)
    cls: type = found if isinstance(found, type) else load_result(by_value)
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
