"""What there is to see of one result: what it was made of, its value, its relatives, and where its content lies."""

from __future__ import annotations

import textwrap
from typing import Any

import msgspec

from merkl._base.places import shown_path
from merkl._base.sizes import format_size
from merkl.cache import (
    BaseCache,
    ContentCache,
    FileContentBackend,
    FileIndex,
    Ledger,
    Metadata,
    S3ContentBackend,
    S3Index,
    stored_key,
)
from merkl.cache.contents import TieredContents
from merkl.cache.layers import LayeredCache
from merkl.execution.failed_calls import describe_failed_call, metadata_of_failed
from merkl.execution.migrations import ADOPTED
from merkl.render.log_view import failure_record, format_call, format_duration, format_time, result_record

__all__ = ["RelativeView", "ResultView", "format_result", "place_of_content", "view_result"]


class RelativeView(msgspec.Struct, frozen=True):
    """Another result, by key: the call that made it, and its value as a short text where it was asked for."""

    key: str
    call: str
    preview: str = ""


class ResultView(msgspec.Struct, frozen=True):
    """One result as `merkl debug --hash` shows it."""

    key: str
    call: str
    record: dict[str, Any]
    is_stored: bool
    content_hash: str
    place: str
    preview: str
    siblings: tuple[RelativeView, ...]
    parents: tuple[RelativeView, ...]
    children: tuple[RelativeView, ...]
    notes: tuple[str, ...]
    failed: dict[str, str] | None = None


def view_result(key: str, ledger: Ledger, cache: BaseCache, previews: dict[str, str]) -> ResultView:
    """Return what there is to see of a result, or of a call that failed; `previews` has short texts of values by key."""
    known = ledger.known(key)
    failed = describe_failed_call(ledger, key)
    metadata = known or (Metadata() if failed is None else metadata_of_failed(failed))
    stored = stored_key(cache, key)
    record = cache.lookup(stored)
    notes = []
    if failed is not None and known is not None:
        notes.append(f"a call with this key failed: {failed.error}")
    if metadata.interrupted:
        notes.append(
            f"its body was interrupted, so this is no result; `merkl cache accept {key[:12]}` makes it one"
        )
    if metadata.accepted:
        notes.append("its body was interrupted, and what it returned was accepted as the result")
    earlier = metadata.tags.get(ADOPTED)
    if earlier:
        notes.append(f"declared by hand (merkl migrate) to hold for this code; it was made as {earlier[:12]}")
    return ResultView(
        key=key,
        call=format_call(metadata),
        record=result_record(key, metadata),
        is_stored=record is not None,
        content_hash=record.content_hash if record else "",
        place=place_of_content(cache, stored) if record else "",
        preview=previews.get(key, ""),
        siblings=tuple(_siblings(key, metadata, ledger, previews)),
        parents=tuple(_relative(parent, ledger, previews) for parent in metadata.parents),
        children=tuple(RelativeView(child, format_call(found)) for child, found in ledger.children(key)),
        notes=tuple(notes),
        failed=failure_record(failed) if known is None else None,
    )


def _relative(key: str, ledger: Ledger, previews: dict[str, str]) -> RelativeView:
    metadata = ledger.known(key)
    return RelativeView(
        key, format_call(metadata) if metadata else "(not in the ledger)", previews.get(key, "")
    )


def _siblings(key: str, metadata: Metadata, ledger: Ledger, previews: dict[str, str]) -> list[RelativeView]:
    """Return the other outs of the same call."""
    if metadata.out is None:
        return []
    same = ("fingerprint", "arguments", "parents", "run")
    return [
        RelativeView(other, format_call(found), previews.get(other, ""))
        for other, found in ledger.log(task=metadata.task, run=metadata.run)
        if other != key and all(getattr(found, name) == getattr(metadata, name) for name in same)
    ]


def place_of_content(cache: BaseCache, key: str) -> str:
    """Return in words where the content of a key lies."""
    if isinstance(cache, LayeredCache):
        layer = next((layer for layer in cache.layers if layer.has(key)), cache.layers[0])
        return place_of_content(layer, key)
    record = cache.lookup(key)
    if record is None or not isinstance(cache, ContentCache):
        return type(cache).__name__
    contents = cache.contents
    is_inline = cache.index.is_inline(record)
    if not is_inline and isinstance(contents, TieredContents):
        contents = contents.small if record.size <= contents.threshold else contents.large
    if not is_inline and isinstance(contents, FileContentBackend):
        return shown_path(contents.path(record.content_hash))
    if is_inline and isinstance(cache.index, S3Index):
        return f"{cache.index.place(key)} (within the record)"
    if is_inline and isinstance(cache.index, FileIndex):
        return f"{shown_path(cache.index.path(key))} (within the record)"
    if isinstance(contents, S3ContentBackend):
        return contents.place(record.content_hash)
    database = getattr(cache, "database", None)
    if database is not None:
        return f"{shown_path(database.path)} (table {'entries' if is_inline else 'contents'})"
    return f"{type(cache).__name__}, {type(contents).__name__}"


#: Of its neighbours so many are listed.
_MOST_SHOWN = 50


def format_result(view: ResultView) -> str:
    """Return a result as text."""
    record = view.record
    lines = [view.call, "", f"key          {view.key}"]
    at = f"{format_time(record['created'])} by run {record['run'][:8]}"
    if view.failed is None:
        lines.append(f"made         {at}, in {format_duration(record['duration'])}")
    else:
        lines.append(f"failed       {at}: {view.failed['error']}")
    if record["peak_memory"] is not None:
        lines.append(f"peak memory  {format_size(record['peak_memory'])} resident")
    lines.append(f"called at    {record['location'] or '-'}")
    lines.append(f"code hash    {record['fingerprint'] or '-'}")
    if view.is_stored:
        lines.append(
            f"content      {record['size']} bytes, codec {record['codec']}, hash {view.content_hash}"
        )
        lines.append(f"lies in      {view.place}")
    elif view.failed is None:
        lines.append("content      none: the result was removed, or is in another cache")
    if view.preview:
        lines.append(f"value        {view.preview}")
    lines += [f"tag          {name} = {value!r}" for name, value in record["tags"].items()]
    lines += [f"note         {note}" for note in view.notes]
    lines.append("arguments")
    lines += [f"  {argument['name']} = {argument['preview']}" for argument in record["arguments"]]
    groups = (("other outs", view.siblings), ("made of", view.parents), ("used by", view.children))
    for title, relatives in groups:
        if relatives:
            lines.append(title)
            shown = relatives[:_MOST_SHOWN]
            lines += [f"  {r.key[:12]}  {r.call}{f'  = {r.preview}' if r.preview else ''}" for r in shown]
            if len(relatives) > len(shown):
                lines.append(f"  … and {len(relatives) - len(shown)} more; --json has them all")
    if view.failed is not None:
        lines += ["what was said", textwrap.indent(view.failed["details"], "  ")]
    return "\n".join(lines)
