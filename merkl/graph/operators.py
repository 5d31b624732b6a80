"""What a Future answers to being used as its value: always an error that names the task and the remedy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from merkl._base.errors import FutureAccessError

__all__ = ["FutureMeta", "ValueMisuse"]


class FutureMeta(type):
    """The class of the class Future: lets `json.dumps(future)` say what a Future is.

    The json module asks no method of an object that it cannot encode; all it does is to put the name of the
    object's class into its message. That is where the misuse is seen.
    """

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        code = sys._getframe(1).f_code
        if code.co_name == "default" and code.co_filename.endswith(("json/encoder.py", "json\\encoder.py")):
            raise FutureAccessError(
                "a Future was given to json: it is the handle of a result, not the result; "
                "call .eval() on it, or evaluate(...) on the whole structure",
                misuse="json",
            )
        return type.__dict__["__name__"].__get__(cls)  # type: ignore[no-any-return]


def _refuse(name: str, what: str) -> Callable[..., NoReturn]:
    def misuse(self: ValueMisuse, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise self._misused(what)

    misuse.__name__ = name
    misuse.__qualname__ = f"ValueMisuse.{name}"
    return misuse


_REFUSED = {
    "__bool__": "tested for truth",
    "__len__": "asked for its length",
    "__iter__": "iterated over",
    "__reversed__": "iterated over",
    "__contains__": "searched with `in`",
    "__getitem__": "indexed",
    "__setitem__": "assigned into",
    "__delitem__": "deleted from",
    "__int__": "converted to int",
    "__float__": "converted to float",
    "__complex__": "converted to complex",
    "__index__": "used as an index",
    "__round__": "rounded",
    "__trunc__": "truncated",
    "__floor__": "rounded",
    "__ceil__": "rounded",
    "__bytes__": "converted to bytes",
    "__str__": "converted to str",
    "__format__": "put into a string",
    "__fspath__": "used as a path",
    "__lt__": "compared",
    "__le__": "compared",
    "__ge__": "compared",
    "__neg__": "used in arithmetic",
    "__pos__": "used in arithmetic",
    "__abs__": "used in arithmetic",
    "__invert__": "used in arithmetic",
    "__enter__": "used in a with statement",
    "__exit__": "used in a with statement",
}
_ARITHMETIC = [
    "add",
    "sub",
    "mul",
    "matmul",
    "truediv",
    "floordiv",
    "mod",
    "divmod",
    "pow",
    "lshift",
    "and",
    "xor",
]


class ValueMisuse:
    """Mixin that refuses every operation of a value; `_misused` makes the error.

    `>`, `>>` and `|` are missing here: the first two write a Future to a path, the third gives it to a task.
    """

    __slots__ = ()

    _misused: Callable[[str], FutureAccessError]


def _refuse_all() -> None:
    for name, what in _REFUSED.items():
        setattr(ValueMisuse, name, _refuse(name, what))
    arithmetic = [f"__{side}{stem}__" for stem in _ARITHMETIC for side in ("", "r", "i")]
    for name in (*arithmetic, "__rrshift__", "__irshift__", "__ror__"):
        setattr(ValueMisuse, name, _refuse(name, "used in arithmetic"))


_refuse_all()
