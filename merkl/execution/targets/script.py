"""The script of a run, as its workers stand for it: what it is called, and its classes where results look for them."""

from __future__ import annotations

import contextlib
import io
import pickle
import sys
from enum import Enum
from types import ModuleType

from merkl_serializers.names import SCRIPT_NAME, module_name

from merkl.codecs.classes import class_info
from merkl.codecs.code_pickles import CodePickler
from merkl.codecs.definitions import MAIN

__all__ = ["dump_script", "take_script"]

#: The attribute of `__main__` that holds the names of what was taken.
_TAKEN = "__merkl_taken__"
#: A class that takes more along than this is left out.
_LARGEST = 1 << 20


def dump_script() -> bytes:
    """Return what the script is called, and those of its classes that results only name, for a worker to take."""
    main = sys.modules[MAIN]
    packed = {cls.__qualname__: _pack(cls) for cls in _classes(main)}
    small = {name: data for name, data in packed.items() if data is not None and len(data) <= _LARGEST}
    return pickle.dumps((module_name(MAIN), small), protocol=5)


def _classes(main: ModuleType) -> list[type]:
    """Return the classes that are stored as data: of the others their code comes along with each object."""
    own = [
        value
        for name, value in vars(main).items()
        if isinstance(value, type) and value.__module__ == MAIN and value.__qualname__ == name
    ]
    return list(filter(_is_data, own))


def _is_data(cls: type) -> bool:
    """Say whether a class, or one that is defined in its body, is stored as data."""
    prefix = f"{cls.__qualname__}."
    inner = [v for v in vars(cls).values() if isinstance(v, type) and v.__qualname__.startswith(prefix)]
    return issubclass(cls, Enum) or class_info(cls) is not None or any(map(_is_data, inner))


def _pack(cls: type) -> bytes | None:
    file = io.BytesIO()
    try:
        CodePickler(file, protocol=5).dump(cls)
    except Exception:  # noqa: BLE001 - what it uses cannot be pickled: a result that names it is computed again there
        return None
    return file.getvalue()


def take_script(packed: bytes) -> None:
    """Have this process stand for the script of another one, in place of the one for which it stood before."""
    name, classes = pickle.loads(packed)
    main = sys.modules[MAIN]
    taken: set[str] = vars(main).setdefault(_TAKEN, set())
    if module_name(MAIN) != name:
        setattr(main, SCRIPT_NAME, name)
    for attribute, data in classes.items():
        if attribute in taken or not hasattr(
            main, attribute
        ):  # else it is the script's own: a thread of its process
            with contextlib.suppress(Exception):  # as above
                setattr(main, attribute, pickle.loads(data))
                taken.add(attribute)
