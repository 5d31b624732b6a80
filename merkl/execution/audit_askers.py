"""Whose doing something is that a body did: the user's code, a library on its behalf, or a library in its own affairs.

Of the environment, the clock and the system's chance only what the user's code asks for counts, and what a library gives back to
it: a library also measures times, names temporary folders and looks for its own settings.
"""

from __future__ import annotations

import ast
import datetime
import dis
import enum
import inspect
import linecache
import os
import random
import secrets
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from types import CodeType, FrameType
from typing import Any

__all__ = [
    "Askers",
    "Held",
    "argument_count",
    "given_texts",
    "holds_now",
    "holds_text",
    "is_generator_seeded",
]

#: Whether what a library gave back, or the object it belongs to, holds what the library asked for.
Held = Callable[[Any, Any], bool]

#: Modules that hand on what the system says: who calls them asks.
_TRANSPARENT = (
    *(module.__file__ for module in (os, uuid, secrets, random) if module.__file__),
    *("<frozen os>", "<frozen _collections_abc>", os.path.join("collections", "abc.py")),
)
_CALLS = frozenset(dis.opmap[name] for name in ("CALL", "CALL_KW") if name in dis.opmap)
_INSTALLED = "-packages" + os.sep
#: Seconds by which a time that is given back may be off the clock.
_NOW = 60.0
#: Values shorter than this are found in anything.
_SHORTEST = 4
_MOST_LOOKED_AT = 500
_DEEPEST = 3


class Kind(enum.Enum):
    """Whose code it is."""

    USERS = enum.auto()
    PYTHON = enum.auto()
    INSTALLED = enum.auto()


@dataclass(slots=True)
class Askers:
    """Tells code of the user's from that of libraries, which lies in these folders.

    `kinds` are known ones by file, `kinds_of_modules` by the name of their module.
    """

    folders: tuple[str, ...]
    kinds: dict[str, Kind] = field(default_factory=dict)
    kinds_of_modules: dict[str | None, Kind] = field(default_factory=dict)

    def kind(self, code: CodeType) -> Kind:
        """Return whose code it is."""
        return self._kind_of_file(code.co_filename)

    def kind_of_module(self, frame: FrameType) -> Kind:
        """Return whose the module is that the code of a frame is of."""
        file, name = frame.f_globals.get("__file__"), frame.f_globals.get("__name__")
        kind = self._kind_of_file(file if isinstance(file, str) else frame.f_code.co_filename)
        if isinstance(name, str):
            self.kinds_of_modules[name] = kind
        return kind

    def _kind_of_file(self, name: str) -> Kind:
        if not name.startswith(("<frozen", *self.folders)):
            kind = Kind.USERS
        else:
            kind = Kind.INSTALLED if _INSTALLED in name else Kind.PYTHON
        self.kinds[name] = kind
        return kind

    def is_library(self, code: CodeType) -> bool:
        """Say whether code belongs to a library, or to Python."""
        return (self.kinds.get(code.co_filename) or self.kind(code)) is not Kind.USERS

    def is_users(self, frame: FrameType | None) -> bool:
        """Say whether the user's code asks, by itself or by way of what only hands on."""
        while frame is not None and frame.f_code.co_filename in _TRANSPARENT:
            frame = frame.f_back
        return frame is not None and not self.is_library(frame.f_code)

    def boundary(self, frame: FrameType | None) -> FrameType | None:
        """Return the frame of the library's function that the user's code called, None where it was called by none."""
        last = None
        while frame is not None and self.is_library(frame.f_code):
            last, frame = frame, frame.f_back
        return last if frame is not None else None


def given_texts(frame: FrameType) -> list[str]:
    """Return the texts and paths among the arguments that a function was called with."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    found: list[str] = []
    for name in code.co_varnames[:count]:
        value = frame.f_locals.get(name)
        inside: list[Any] = [value]
        if type(value) in (tuple, list, dict):
            inside = list(value.values() if isinstance(value, dict) else value)  # type: ignore[arg-type]
        for item in inside[:_MOST_LOOKED_AT]:
            text = _path_of(item)
            if isinstance(text, str):
                found.append(text)
    return found


def _path_of(item: Any) -> object:
    """Return what an argument says as a text or path; None for others, and for an object that is still being made."""
    try:
        return os.fspath(item) if isinstance(item, (str, os.PathLike)) else None
    except Exception:  # noqa: BLE001 - its method is somebody's code, and the body must not fail for being watched
        return None


def holds_text(text: str) -> Held:
    """Return what says whether a value, or the object that gave it, holds a text or the number that it stands for."""

    def held(value: Any, owner: Any) -> bool:
        return len(text) >= _SHORTEST and any(
            (isinstance(part, (str, PurePath)) and text in str(part))
            or (type(part) in (int, float) and str(part) == text)
            for part in _parts([value, owner])
        )

    return held


def holds_now(value: Any, owner: Any) -> bool:
    """Say whether a value is the time of now, or holds it: a date, a number of seconds, a text."""
    now = time.time()
    today = datetime.datetime.now()
    shown = (today.strftime("%Y-%m-%d"), today.strftime("%Y%m%d"))
    return any(
        _is_now(part, now) or (isinstance(part, str) and any(day in part for day in shown))
        for part in _parts([value], within_objects=False)
    )


def _is_now(value: Any, now: float) -> bool:
    if type(value) in (int, float):
        return any(abs(value / unit - now) < _NOW for unit in (1, 1e3, 1e6, 1e9))
    if isinstance(value, datetime.datetime):
        return abs(value.timestamp() - now) < _NOW
    return isinstance(value, datetime.date) and value == datetime.date.today()


def _parts(values: list[Any], *, within_objects: bool = True) -> Iterable[Any]:
    """Yield values and what they hold, as deep and as many as is quickly done."""
    pending = [(value, 0) for value in values]
    seen = 0
    while pending and seen < _MOST_LOOKED_AT:
        value, depth = pending.pop()
        seen += 1
        yield value
        if depth >= _DEEPEST:
            continue
        inside: list[Any] = []
        if type(value) in (list, tuple, set, frozenset):
            inside = list(value)[:_MOST_LOOKED_AT]
        elif type(value) is dict:
            inside = [*value.values()][:_MOST_LOOKED_AT]
        elif within_objects and hasattr(type(value), "__dict__") and not isinstance(value, type):
            try:
                inside = [*vars(value).values()][:_MOST_LOOKED_AT]
            except TypeError:
                inside = []
        pending += [(item, depth + 1) for item in inside]


def argument_count(frame: FrameType) -> int | None:
    """Return with how many arguments the call that runs in a frame was made, None where that cannot be told."""
    code = frame.f_code.co_code
    at = frame.f_lasti
    return code[at + 1] if 0 <= at < len(code) and code[at] in _CALLS else None


def is_generator_seeded(frame: FrameType) -> bool:
    """Say whether the call that runs in a frame makes a generator of numpy's old kind with a seed.

    That one asks the system for chance all the same, before it takes the seed.
    """
    positions = list(frame.f_code.co_positions())
    at = frame.f_lasti // 2
    first, last, start, end = positions[at] if at < len(positions) else (None,) * 4
    if first is None or last is None or start is None or end is None:
        return False
    lines = [linecache.getline(frame.f_code.co_filename, n).encode() for n in range(first, last + 1)]
    if not lines:
        return False
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        call = ast.parse(b"(" + b"".join(lines) + b")", mode="eval").body
    except (SyntaxError, ValueError):
        return False
    if not isinstance(call, ast.Call):
        return False
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    seed = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "seed"), None)
    return called == "RandomState" and seed is not None and not _is_none(seed, frame)


def _is_none(node: ast.expr, frame: FrameType) -> bool:
    if isinstance(node, ast.Name):
        missing = object()
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id, missing)) is None
    return isinstance(node, ast.Constant) and node.value is None
