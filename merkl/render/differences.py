"""What differs between two calls of a task: code with its diff, constants, arguments with the path inside, versions."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from merkl.cache import ArgumentPreview
from merkl.execution.outlines import split_content
from merkl.execution.previews import UNKEYED
from merkl.render.argument_parts import changed_parts
from merkl.render.call_states import CallState

__all__ = [
    "Difference",
    "KnownDifferences",
    "compare_components",
    "compare_states",
    "format_difference",
    "ignored_since",
    "rearranged_since",
]

#: Kinds of components that `code_version` stands for.
_CODE = frozenset({"code", "class", "code_object", "module"})
_LONGEST_DIFF = 60
#: The share of their texts that code has in common which is taken for one definition under two names.
_ALIKE = 0.7
#: In the short text of an argument a Future, or what is left of one where it was cut.
_FUTURE = "<Future"


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as it was.

    `kind` is that of the component ("code", "class", "constant", "dep", "package", "option"), or "argument", "parameter", "input"
    (the results that a call is given), "extra_key" or "unknown"; `change` is "changed", "added" or "removed", of a parameter
    also "counted" or "ignored", of an argument "rearranged"; `path` leads into an argument, of code it is the argument
    that the code is in.
    """

    kind: str
    name: str
    change: str = "changed"
    old: str = ""
    new: str = ""
    path: str = ""
    location: str = ""
    diff: str = ""


class KnownDifferences(dict[tuple[str, str, str], list[Difference]]):
    """What differs between two fingerprints of a task, which many calls share: by the task and both."""


def compare_states(old: CallState, new: CallState, *, known: KnownDifferences) -> list[Difference]:
    """Return what differs between two calls of their own, their inputs from other calls apart.

    `known` are differences that were found before; those that are found now join them.
    """
    found: list[Difference] = []
    if old.fingerprint != new.fingerprint:
        pair = (new.task, old.fingerprint, new.fingerprint)
        if pair not in known:
            known[pair] = _compare_fingerprints(old, new)
        found += known[pair]
    if old.extras != new.extras:
        found += _compare_extras(old, new)
    return list(dict.fromkeys([*found, *_compare_arguments(old, new)]))


def _compare_fingerprints(old: CallState, new: CallState) -> list[Difference]:
    if old.components is None or new.components is None:
        text = "what its code was made of then is not known: it was computed elsewhere, or by an older MerkL"
        return [Difference("unknown", new.task, new=text)]
    found = list(compare_components(old.components, new.components))
    if not found:
        return [
            Difference(
                "unknown", new.task, new="how its code hangs together changed, no part of it by itself"
            )
        ]
    return found


def _compare_extras(old: CallState, new: CallState) -> list[Difference]:
    found = list(compare_components(old.classes, new.classes))
    keys = [{e for e in state.extras if e.startswith("extra_key:")} for state in (old, new)]
    if keys[0] != keys[1]:
        found.append(Difference("extra_key", "extra_key", new="what extra_key= gives is another value"))
    if not found:
        found.append(Difference("class", "classes among the arguments", new="their code changed"))
    return found


def compare_components(old: Sequence[dict[str, str]], new: Sequence[dict[str, str]]) -> Iterable[Difference]:
    """Yield what differs between the parts of two fingerprints."""
    before, after = _without_equal(old, new, ("kind", "name", "digest"))
    if any(c["kind"] == "option" and c["name"] == "code_version" for c in new):
        before, after = ([c for c in side if c["kind"] not in _CODE] for side in (before, after))
    for now, then in _pair(before, after):
        if then is None:
            assert now is not None
            yield _component_difference(now, "added", new=now["text"])
        elif now is None:
            yield _component_difference(then, "removed", old=then["text"])
        else:
            yield _component_difference(now, "changed", old=then["text"], new=now["text"])


def _pair(
    before: list[dict[str, str]], after: list[dict[str, str]]
) -> Iterable[tuple[dict[str, str] | None, dict[str, str] | None]]:
    """Pair what is there now with what it was: by kind and name, else by the last part of the name (it moved)."""
    left = {(c["kind"], c["name"]): c for c in before}
    unpaired: list[dict[str, str]] = []
    for now in after:
        then = left.pop((now["kind"], now["name"]), None)
        if then is None:
            unpaired.append(now)
        else:
            yield now, then
    # What has only another name than it had is no change.
    gone, unpaired = _without_equal(list(left.values()), unpaired, ("kind", "digest"))
    for now in unpaired:
        name = now["name"].rpartition(".")[2]
        then = next(
            (c for c in gone if c["kind"] == now["kind"] and c["name"].rpartition(".")[2] == name), None
        )
        then = then or next((c for c in gone if _is_rewritten(c, now)), None)
        if then is not None:
            gone.remove(then)
        yield now, then
    for then in gone:
        yield None, then


def _is_rewritten(then: dict[str, str], now: dict[str, str]) -> bool:
    """Say whether code of another name is mostly the same text: it was renamed and edited."""
    if then["kind"] != now["kind"] or now["kind"] not in _CODE or not (then["text"] and now["text"]):
        return False
    return difflib.SequenceMatcher(None, then["text"], now["text"]).ratio() > _ALIKE


def _without_equal(
    old: Sequence[dict[str, str]], new: Sequence[dict[str, str]], fields: Sequence[str]
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the parts of both sides without those that are on both with the same values of these fields."""
    marks = [[tuple(c[name] for name in fields) for c in side] for side in (old, new)]
    both = Counter(marks[0]) & Counter(marks[1])
    kept: list[list[dict[str, str]]] = []
    for side, own in zip((old, new), marks, strict=True):
        left = both.copy()
        kept.append([])
        for component, mark in zip(side, own, strict=True):
            if left[mark] > 0:
                left[mark] -= 1
            else:
                kept[-1].append(component)
    return kept[0], kept[1]


def _component_difference(
    component: dict[str, str], change: str, *, old: str = "", new: str = ""
) -> Difference:
    kind, name = component["kind"], component["name"]
    is_source = "\n" in old.strip() or "\n" in new.strip() or kind in _CODE
    diff = _diff(old, new) if is_source and change == "changed" else ""
    return Difference(kind, name, change, old, new, location=component["location"], diff=diff)


def _diff(old: str, new: str) -> str:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=2)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++")))


def _compare_arguments(old: CallState, new: CallState) -> Iterable[Difference]:
    """Yield the constants that differ; the results of other calls, wherever they are in the arguments, are compared apart."""
    then = {a.name: a for a in old.arguments if a.digest != UNKEYED and a.name not in new.unkeyed}
    now = {a.name: a for a in new.arguments if a.digest != UNKEYED and a.name not in new.unkeyed}
    ignored = {a.name for a in old.arguments if a.digest == UNKEYED}
    for name in (n for n in then if n not in now):
        yield Difference("parameter", name, "removed", old=then[name].preview)
    for name, argument in now.items():
        before = then.get(name)
        if before is None:
            change = "counted" if name in ignored else "added"
            yield Difference("parameter", name, change, new=argument.preview)
        elif _is_result(before) and _is_result(argument):
            continue
        elif (before.digest or before.preview) != (argument.digest or argument.preview) and not (
            # Of an argument with Futures in it earlier versions kept no digest.
            before.preview == argument.preview and not before.digest and _FUTURE in before.preview
        ):
            yield from _compare_values(name, before.preview, argument.preview, old, new)


def ignored_since(old: CallState, new: CallState) -> list[Difference]:
    """Return the arguments that were part of the key and are not any more."""
    shown = {a.name: a.preview for a in new.arguments}
    return [
        Difference("parameter", a.name, "ignored", old=a.preview, new=shown[a.name])
        for a in old.arguments
        if a.digest != UNKEYED and a.name in new.unkeyed and shown.get(a.name, "***") != "***"
    ]


def _is_result(argument: ArgumentPreview) -> bool:
    return argument.preview.startswith("<Future of ")


def _compare_values(
    name: str, before: str, after: str, old: CallState, new: CallState
) -> Iterable[Difference]:
    parts = old.outlines.get(name) or {}, new.outlines.get(name) or {}
    changed = changed_parts(*parts)
    if not changed and any(_FUTURE in text for part in parts for text in part.values()):
        return  # only which results are in it, which is told with them
    if not changed and before == after and old.callables.get(name) and new.callables.get(name):
        code = list(compare_components(old.callables[name], new.callables[name]))
        if code:
            yield from (msgspec.structs.replace(difference, path=name) for difference in code)
            return
    if not (parts[0] and parts[1] and changed):
        yield Difference("argument", name, old=before, new=after)
        return
    for then, now, was, text in changed:
        change = "added" if then is None else "removed" if now is None else "changed"
        yield Difference("argument", name, change, was, text, path=(then if now is None else now) or "")


def rearranged_since(old: CallState, new: CallState) -> list[Difference]:
    """Return the arguments that hold the same results as they did, more often or in other places."""
    then = {a.name: a.digest for a in old.arguments}
    found: list[Difference] = []
    for argument in new.arguments:
        if argument.digest != then.get(argument.name) and not _is_result(argument):
            counts = [
                sum(_FUTURE in text for text in state.outlines.get(argument.name, {}).values())
                for state in (old, new)
            ]
            texts = [f"{count} results" for count in counts] if counts[0] != counts[1] else [""] * 2
            found.append(Difference("argument", argument.name, "rearranged", *texts))
    return found


def format_difference(difference: Difference) -> list[str]:
    """Return a difference as lines of text."""
    d = difference
    where = f"  ({d.location})" if d.location else ""
    what = f"{_WORDS.get(d.kind, d.kind)} {d.name}"
    if d.path:
        what = f"{what}{d.path}" if d.kind == "argument" else f"argument {d.path}: {what}"
    if d.kind == "unknown":
        return [d.new]
    if d.kind == "extra_key":
        return [d.new]
    if d.kind == "input":
        return [_format_input(d)]
    if d.kind == "parameter" and d.change == "counted":
        return [f"argument {d.name} is part of the key now: {d.new}"]
    if d.kind == "parameter" and d.change == "ignored":
        return [f"argument {d.name} is no part of the key any more"]
    if d.kind == "parameter":
        value = d.new if d.change == "added" else d.old
        return [f"parameter {d.name} is {'new' if d.change == 'added' else 'gone'}: {value}"]
    if d.diff:
        lines = d.diff.splitlines()
        more = [f"… {len(lines) - _LONGEST_DIFF} more lines"] if len(lines) > _LONGEST_DIFF else []
        return [f"{what} changed{where}", *("  " + line for line in [*lines[:_LONGEST_DIFF], *more])]
    if d.change == "changed" and d.kind in _CODE and d.old == d.new and d.old:
        return [f"{what} means something else than it did, though its text is the same{where}"]
    if d.kind == "argument":
        return [_format_argument(d, what)]
    if d.change == "changed" and d.old == d.new:
        return [f"{what} changed{where}" + (f": {d.new}" if d.new else "")]
    if d.change == "changed" and "\n" not in d.old + d.new:
        return [f"{what}: {d.old} → {d.new}{where}"]
    if d.change == "changed":
        return [f"{what} changed{where}"]
    value = "" if "\n" in d.old + d.new or not (d.old or d.new) or d.kind in _CODE else f": {d.old or d.new}"
    return [f"{what} is {'new' if d.change == 'added' else 'no longer used'}{value}{where}"]


def _format_argument(d: Difference, what: str) -> str:
    """Return the line of an argument, or of a part of one: of a file its content, and which one it is."""
    if d.change == "rearranged":
        return f"{what}: {d.old} → {d.new}" if d.old else f"{what}: the same results stand in other places"
    (old, before), (new, after) = split_content(d.old), split_content(d.new)
    if all(text.startswith("content ") for text in (old, new)):
        moved = f" (then {before})" if before != after else ""
        of = f" of {after}" if after else ""
        return f"{what}: the content{of}{moved} changed: {_content(old)} → {_content(new)}"
    if d.change == "changed" and d.old == d.new:
        if d.new.startswith(("FileRef(", "DirRef(")):
            return f"{what}: the content of {d.new} changed"
        return f"{what} changed in what its short text does not show: {d.new}"
    if d.change == "changed":
        return f"{what}: {d.old} → {d.new}"
    text = before or after or (_content(old or new) if (old or new).startswith("content ") else old or new)
    return f"{what} is {'new' if d.change == 'added' else 'gone'}: {text}"


def _content(text: str) -> str:
    content, _, size = text.partition(", ")
    return f"{size} ({content.removeprefix('content ')})"


def _format_input(d: Difference) -> str:
    if d.change == "removed":
        return f"it is no longer given the result of {d.old}"
    if d.change == "added":
        return f"it is given one more result: {d.new}"
    if not d.old:
        return f"it is given the same results in {d.new}"
    return f"argument {d.name} is the result of another call: {d.old} → {d.new}"


_WORDS = {
    "code": "code of",
    "class": "class",
    "code_object": "code of",
    "command": "command of",
    "command without a shell": "command (without a shell) of",
    "dep": "declared dependency",
}
