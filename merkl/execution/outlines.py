"""The parts of an argument by their paths, as short texts: for a later word on which setting, or which file, changed."""

from __future__ import annotations

import itertools
import os
from typing import Any

from merkl._base.errors import MerklError
from merkl._base.sizes import format_size
from merkl.files import DirRef, FileRef
from merkl.files.tree import scan_tree
from merkl.graph.session import sessions
from merkl.graph.shown import preview_value

__all__ = ["MOST_PARTS", "outline_value", "split_content"]

#: How much of a value its outline names.
MOST_PARTS = 500
_DEEPEST = 12
_SHORT = (int, float, bool, type(None))
#: What the text of a file says before its path, which does not count.
_CONTENT, _IN = "content ", " in FileRef("


def outline_value(value: Any) -> dict[str, str] | None:
    """Return the parts of a value by their path, each as a short text; None for one that has no parts to name.

    Long ones are cut: what is needed is which setting changed, not a copy of the value. Files show hash and size.

    >>> outline_value({"lr": 0.1, "layers": [64, 32]})
    {"['lr']": '0.1', "['layers'][0]": '64', "['layers'][1]": '32'}
    """
    if not _has_parts(value):
        return None
    outline: dict[str, str] = {}
    stack: list[tuple[str, Any, int]] = [("", value, 0)]
    while stack and len(outline) < MOST_PARTS:
        path, item, depth = stack.pop()
        if isinstance(item, (FileRef, DirRef)):
            outline.update(itertools.islice(_outline_files(path, item).items(), MOST_PARTS - len(outline)))
            continue
        parts = _parts(item) if depth < _DEEPEST else None
        if parts is None:
            outline[path] = preview_value(item)
        else:
            stack.extend((path + step, part, depth + 1) for step, part in reversed(parts))
    return outline


def split_content(text: str) -> tuple[str, str]:
    """Return what of the text of a part counts, and the file that it is about, "" where it is about none.

    >>> split_content("content 0a1b2c3d4e5f, 6 B in FileRef('a.csv')")
    ('content 0a1b2c3d4e5f, 6 B', "FileRef('a.csv')")
    """
    counted, found, rest = text.partition(_IN)
    return (counted, _IN[4:] + rest) if found and text.startswith(_CONTENT) else (text, "")


def _outline_files(path: str, item: FileRef[Any] | DirRef) -> dict[str, str]:
    tracker = sessions.current().files
    try:
        if isinstance(item, FileRef):
            content = tracker.content_hash(item)
            return {path: f"{_described(content, os.stat(item).st_size)} in {preview_value(item)}"}
        found: dict[str, str] = {}
        for entry in itertools.islice(scan_tree(item).files, MOST_PARTS):
            content = tracker.content_hash(entry.source)
            name = entry.name.decode("utf-8", "backslashreplace")
            found[f"{path}/{name}"] = _described(content, os.stat(entry.source).st_size)
    except (MerklError, OSError):
        return {path: preview_value(item)}
    return found


def _described(content: str, size: int) -> str:
    return f"{_CONTENT}{content[:12]}, {format_size(size)}"


def _has_parts(value: Any) -> bool:
    kind = type(value)
    if kind in _SHORT or kind in (str, bytes):
        return False
    return isinstance(value, (dict, list, tuple, FileRef, DirRef)) or _fields_of(kind) is not None


def _parts(value: Any) -> list[tuple[str, Any]] | None:
    if isinstance(value, dict):
        return [
            (f"[{preview_value(key)}]", part) for key, part in itertools.islice(value.items(), MOST_PARTS)
        ]
    fields = _fields_of(type(value))
    if fields is not None:
        return [(f".{name}", getattr(value, name, None)) for name in fields]
    if isinstance(value, (list, tuple)):
        return [(f"[{i}]", part) for i, part in enumerate(value[:MOST_PARTS])]
    return None


def _fields_of(kind: type) -> list[str] | None:
    """Return the names of the fields of a dataclass, model, Struct, attrs class or NamedTuple."""
    for mark in ("__dataclass_fields__", "__pydantic_fields__", "__struct_fields__", "_fields"):
        found = getattr(kind, mark, None)
        if isinstance(found, (dict, tuple)) and all(type(name) is str for name in found):
            return list(found)
    attributes = getattr(kind, "__attrs_attrs__", None)
    return None if attributes is None else [attribute.name for attribute in attributes]
