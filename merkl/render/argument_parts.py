"""Which parts of an argument differ: those of lists are aligned, so that an item put into the middle is one difference."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from merkl.execution.outlines import MOST_PARTS, split_content

__all__ = ["PartChange", "changed_parts"]

#: In the short text of a part a Future, or what is left of one where it was cut.
_FUTURE = "<Future"
#: The path of a list, the number of an item, and the path inside it.
_ITEM = re.compile(r"(.*?)\[(\d+)\](.*)", re.DOTALL)

Parts = Mapping[str, str]


class PartChange(NamedTuple):
    """A part that is not as it was: its path then and now, None where there was or is none, and its texts."""

    then: str | None
    now: str | None
    old: str
    new: str


def changed_parts(old: Parts, new: Parts) -> list[PartChange]:
    """Return what differs between the parts of an argument, which stand by their paths.

    Which results are in it, and how many, is left out where it is told with the inputs of the call.

    >>> changed_parts({"[0].lr": "0.1", "[1].lr": "0.4"}, {"[0].lr": "0.1", "[1].lr": "0.2", "[2].lr": "0.4"})
    [PartChange(then=None, now='[1]', old='', new='lr=0.2')]
    """
    is_cut = max(len(old), len(new)) >= MOST_PARTS
    return [
        change for change in _compare(old, new, "", "", is_cut=is_cut) if not _is_told_with_inputs(change)
    ]


def _compare(old: Parts, new: Parts, above: str, below: str, *, is_cut: bool) -> Iterator[PartChange]:
    """Yield what differs; `above` and `below` lead to the parts then and now."""
    plain, lists = zip(*map(_split, (old, new)), strict=True)
    for path in {**plain[0], **plain[1]}:
        then, now = plain[0].get(path), plain[1].get(path)
        if then is None or now is None or split_content(then)[0] != split_content(now)[0]:
            yield PartChange(
                None if then is None else above + path,
                None if now is None else below + path,
                then or "",
                now or "",
            )
    for name in {**lists[0], **lists[1]}:
        yield from _compare_items(
            list(lists[0].get(name, {}).items()),
            list(lists[1].get(name, {}).items()),
            above + name,
            below + name,
            is_cut=is_cut,
        )


def _compare_items(
    old: list[tuple[str, Parts]], new: list[tuple[str, Parts]], above: str, below: str, *, is_cut: bool
) -> Iterator[PartChange]:
    seen = [[_counted(parts) for _, parts in side] for side in (old, new)]
    for i, k in _align(*seen, is_cut=is_cut):
        if i is not None and k is not None:
            (then, parts), (now, others) = old[i], new[k]
            yield from _compare(parts, others, f"{above}[{then}]", f"{below}[{now}]", is_cut=False)
        elif i is not None:
            yield PartChange(f"{above}[{old[i][0]}]", None, _shown(old[i][1]), "")
        elif k is not None:
            yield PartChange(None, f"{below}[{new[k][0]}]", "", _shown(new[k][1]))


def _align(
    old: Sequence[object], new: Sequence[object], *, is_cut: bool
) -> list[tuple[int | None, int | None]]:
    """Return the items that differ in pairs, as few as may be; an item of one side alone has none in its place."""
    pairs: list[tuple[int | None, int | None]] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        # What stands at the end of an outline that was cut is no longer, or not yet, in the other one.
        if tag != "equal" and not (is_cut and tag != "replace" and (j, m) == (len(old), len(new))):
            pairs += itertools.zip_longest(range(i, j), range(k, m))
    if len(old) == len(new):
        by_place: list[tuple[int | None, int | None]] = [
            (i, i) for i, (then, now) in enumerate(zip(old, new, strict=True)) if then != now
        ]
        return by_place if len(by_place) <= len(pairs) else pairs
    return pairs


def _split(parts: Parts) -> tuple[dict[str, str], dict[str, dict[str, dict[str, str]]]]:
    """Return the parts that are in no list, and those that are: by the path of the list and the number of the item."""
    plain: dict[str, str] = {}
    lists: dict[str, dict[str, dict[str, str]]] = {}
    for path, text in parts.items():
        found = _ITEM.fullmatch(path)
        if found is None:
            plain[path] = text
        else:
            lists.setdefault(found[1], {}).setdefault(found[2], {})[found[3]] = text
    return plain, lists


def _counted(parts: Parts) -> tuple[tuple[str, str], ...]:
    return tuple((path, split_content(text)[0]) for path, text in parts.items())


def _shown(parts: Parts) -> str:
    """Return an item as one text."""
    if list(parts) == [""]:
        return parts[""]
    if all(re.fullmatch(r"\[\d+\]", path) for path in parts):
        return f"[{', '.join(parts.values())}]"
    return ", ".join(f"{path.removeprefix('.')}={text}" for path, text in parts.items())


def _is_told_with_inputs(change: PartChange) -> bool:
    """Say whether a part is another result, or a result in a list of another length."""
    if not all(text.startswith(_FUTURE) for text in (change.old, change.new) if text):
        return False
    if change.then is not None and change.now is not None:
        return True
    path = change.now if change.then is None else change.then
    return path is not None and re.search(r"\[\d+\]$", path) is not None
