"""What a program calls the value of a call that it makes: the variable that it goes to, or the function that returns it."""

from __future__ import annotations

import dis
from types import CodeType, FrameType

__all__ = ["find_name"]

_CACHE, _COPY, _EXTENDED = (dis.opmap[name] for name in ("CACHE", "COPY", "EXTENDED_ARG"))
_RETURN = frozenset(dis.opmap[name] for name in ("RETURN_VALUE", "RETURN_GENERATOR") if name in dis.opmap)
_NAMED = frozenset(dis.opmap[name] for name in ("STORE_NAME", "STORE_GLOBAL"))
_LOCAL = frozenset(dis.opmap[name] for name in ("STORE_FAST", "STORE_DEREF"))
#: Instructions of Python 3.13 that store and do something else; the upper four bits say what is stored.
_DOUBLE = frozenset(
    dis.opmap[name] for name in ("STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST") if name in dis.opmap
)


def find_name(frame: FrameType) -> tuple[str, FrameType] | None:
    """Return the name for what the call that runs in a frame gives, and the frame that has it; None where it has none.

    A function that returns it at once is asked about by who called it: its own name counts where that one says nothing.
    """
    found: tuple[str, FrameType] | None = None
    current: FrameType | None = frame
    while current is not None:
        code = current.f_code
        operation, argument = _what_follows(code, current.f_lasti)
        name = _stored_name(code, operation, argument)
        if name is not None:
            return name, current
        if operation not in _RETURN or code.co_name.startswith("<"):
            return found
        found = found or (code.co_name, current)
        current = current.f_back
    return found


def _what_follows(code: CodeType, position: int) -> tuple[int, int]:
    """Return the instruction after one, and its argument; what only makes another reference to a value is passed over."""
    text = code.co_code
    argument = 0
    for i in range(position + 2, len(text), 2):
        operation = text[i]
        if operation in (_CACHE, _COPY):
            continue
        argument = argument << 8 | text[i + 1]
        if operation != _EXTENDED:
            return operation, argument
    return _CACHE, 0


def _stored_name(code: CodeType, operation: int, argument: int) -> str | None:
    if operation in _NAMED:
        return code.co_names[argument]
    if operation in _DOUBLE:
        return code.co_varnames[argument >> 4]
    if operation in _LOCAL:
        cells = tuple(name for name in code.co_cellvars if name not in code.co_varnames)
        return (*code.co_varnames, *cells, *code.co_freevars)[argument]
    return None
