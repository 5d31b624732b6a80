"""Values, Futures and tasks as people see them: short texts, and what notebooks show. Nothing here evaluates anything."""

from __future__ import annotations

import re
import reprlib
from html import escape
from typing import TYPE_CHECKING, Any

from merkl._base.type_forms import format_type

if TYPE_CHECKING:
    from merkl.graph.future import Future
    from merkl.graph.task import Task

__all__ = ["plain_text", "preview_value", "show_future", "show_task"]

_LIMIT = 80
#: Where an object lies in memory: it says nothing, and is another one in each process.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+(?=>|\b)")
_SHORT = (int, float, bool, type(None))


def _make_repr() -> reprlib.Repr:
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = shortened.maxlong = _LIMIT
    return shortened


_repr = _make_repr()


def preview_value(value: Any) -> str:
    """Return a value as a short text of one line; never raises."""
    if type(value) in _SHORT:
        return repr(value)
    shape = None if hasattr(type(value), "__merkl_key__") else getattr(value, "shape", None)
    if isinstance(shape, tuple):
        dtype = getattr(value, "dtype", "")
        return f"{type(value).__name__}{shape}{f' of {dtype}' if dtype != '' else ''}"
    try:
        text = _repr.repr(value)
    except Exception as error:  # noqa: BLE001 - a preview must not fail for a repr that does
        text = f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
    text = _ADDRESS.sub("", " ".join(text.split()))
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"


def plain_text(text: str) -> str:
    """Return text that any format can hold: what is no Unicode (odd file names) and control characters as `?`.

    >>> plain_text("caf\\udce9.py:3")
    'caf?.py:3'
    """
    text = text.encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() or character in "\n\t" else "?" for character in text)


def show_future(future: Future[Any]) -> dict[str, str]:
    """Return a Future for notebooks: which call, of which type, with which arguments; the value is not asked for."""
    call = future._call
    rows = [("key", _code(future.hash)), ("made at", escape(call.place()))]
    for parameter, value in zip(call.task.signature.parameters, call.values, strict=True):
        rows.append((escape(parameter.name), _code("***" if parameter.is_secret else preview_value(value))))
    out = f"[{future.out!r}]" if future.out is not None else ""
    head = f"Future[{format_type(future.type)}]"
    return {
        "text/plain": repr(future),
        "text/html": _table(f"{_code(head)} of <b>{escape(call.task.name)}{escape(out)}</b>", rows),
    }


def show_task(task: Task[..., Any, Any]) -> dict[str, str]:
    """Return a task or pipeline for notebooks: its parameters with their types, and what it returns."""
    declared = task.signature.signature.parameters.values()
    rows: list[tuple[str, str]] = []
    for parameter, declaration in zip(task.signature.parameters, declared, strict=True):
        text = format_type(parameter.hint)
        if declaration.default is not declaration.empty:
            text += f" = {'***' if parameter.is_secret else preview_value(declaration.default)}"
        rows.append((escape(str(declaration).partition(":")[0].partition("=")[0]), _code(text)))
    rows.append(("returns", _code(format_type(task.signature.returns))))
    doc = (task.__doc__ or "").strip().partition("\n")[0]
    kind = type(task).__name__.lower()
    title = f"{escape(kind)} <b>{escape(task.__module__)}.{escape(task.name)}</b>"
    return {
        "text/plain": repr(task),
        "text/html": _table(f"{title}<br>{escape(doc)}" if doc else title, rows),
    }


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _table(caption: str, rows: list[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr><td style="text-align:left">{name}</td><td style="text-align:left">{text}</td></tr>'
        for name, text in rows
    )
    return f"<div>{caption}<table>{lines}</table></div>"
