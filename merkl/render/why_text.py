"""Why calls would run, as text: each cause once, with the calls that follow from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from merkl.render.differences import format_difference
from merkl.render.log_view import format_time
from merkl.render.why_view import Explanation, WhyView, listed, short_name

__all__ = ["explain_briefly", "format_why"]

_MOST_GROUPS = 40
_MOST_DIFFERENCES = 20


def format_why(view: WhyView) -> str:
    """Return an explanation as text: each root cause once, with the calls that follow from it."""
    running = view.calls - view.cached - view.linked
    linked = f"{view.linked} would be linked to results for the same inputs" if view.linked else ""
    if not running and linked:
        return (
            f"{view.name}: nothing would run: {view.cached} of {view.calls} calls are in the cache, {linked}"
        )
    if not running and view.unneeded:
        is_one = view.cached - view.unneeded == 1
        there, it = ("the result is", "it") if is_one else ("the results are", "them")
        behind = f"call behind {it} is" if view.unneeded == 1 else f"{view.unneeded} calls behind {it} are"
        return f"{view.name}: nothing would run: {there} in the cache, and the {behind} not needed"
    if not running:
        calls = "its call is" if view.calls == 1 else f"all {view.calls} calls are"
        return f"{view.name}: {calls} in the cache; nothing would run"
    linked = f"; {linked}" if linked else ""
    lines = [f"{view.name}: {running} of {view.calls} call{'' if view.calls == 1 else 's'} would run{linked}"]
    groups: dict[Any, list[Explanation]] = {}
    for explanation in view.explanations:
        if explanation.status != "linked" and (explanation.reason != "upstream" or explanation.failed):
            groups.setdefault(_signature(explanation), []).append(explanation)
    below = _children(view.explanations)
    for group in list(groups.values())[:_MOST_GROUPS]:
        lines += ["", *_format_group(group, below)]
    if len(groups) > _MOST_GROUPS:
        lines += ["", f"… and {len(groups) - _MOST_GROUPS} more causes; --json has them all"]
    if view.depends_on:
        lines += ["", f"what comes next depends on the value of {', '.join(view.depends_on)}"]
    return "\n".join(lines)


def _signature(explanation: Explanation) -> object:
    """Return what calls have in common that are told together."""
    one = explanation
    if one.differences and not one.failed:
        return one.differences, one.saying  # whichever tasks it is the cause of
    return one.task, one.reason, tuple(one.unseen) or one.saying, one.differences, one.failed


def _format_group(group: list[Explanation], below: dict[str, list[Explanation]]) -> list[str]:
    first = group[0]
    by_task: dict[str, list[Explanation]] = {}
    for explanation in group:
        by_task.setdefault(explanation.task, []).append(explanation)
    lines = list(map(_heading, by_task.values()))
    if first.failed:
        lines.append(f"  {first.failed}")
    if first.differences and first.earlier is not None:
        lines.append(_since(first))
    told = first.differences[:_MOST_DIFFERENCES]
    lines += [f"  {line}" for difference in told for line in format_difference(difference)]
    if len(first.differences) > len(told):
        lines.append(f"  … and {len(first.differences) - len(told)} more differences; --json has them all")
    if first.reason == "upstream":
        lines.append(f"  {first.saying}")
    elif first.unseen:
        lines.append(f"  never ran before with {_values_of(group)}")
    elif first.saying:
        lines.append(f"  {first.saying}")
    followers = _followers(group, below)
    if followers:
        shown = ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in followers.most_common(12))
        more = f" and {len(followers) - 12} more tasks" if len(followers) > 12 else ""
        total = sum(followers.values())
        lines.append(f"  {total} call{'s follow' if total > 1 else ' follows'} from it: {shown}{more}")
    return lines


def _heading(calls: Sequence[Explanation]) -> str:
    """Return the line of a task's calls that have one cause."""
    first = calls[0]
    count = f" ×{len(calls)}" if len(calls) > 1 else ""
    cached = sum(one.status == "cached" for one in calls)
    which = "" if cached == len(calls) else f"{cached} of them "
    # Where the call itself is another one, so is what it gives.
    than = "" if first.differences else ", with another result than then"
    note = f"  {which}in the cache already{than}" if cached else ""
    return f"{first.task}{count}  {first.key[:12]}  ({first.location}){note}"


def _since(explanation: Explanation) -> str:
    assert explanation.earlier is not None
    then = explanation.earlier
    name = f", as {then['task']}" if then["task"] != explanation.task else ""
    return f"  since {format_time(then['created'])}, run {then['run'][:8]}{name}:"


def _values_of(group: Sequence[Explanation]) -> str:
    """Return the arguments that are new, those of several calls together."""
    if len(group) == 1:
        return listed(group[0].unseen)
    texts = (f"({listed(one.unseen)})" if len(one.unseen) > 1 else listed(one.unseen) for one in group)
    shown = list(dict.fromkeys(texts))
    return ", ".join(shown[:4]) + (", …" if len(shown) > 4 else "")


def _children(explanations: Iterable[Explanation]) -> dict[str, list[Explanation]]:
    below: dict[str, list[Explanation]] = {}
    for explanation in explanations:
        for key in explanation.upstream:
            below.setdefault(key, []).append(explanation)
    return below


def _followers(group: list[Explanation], below: dict[str, list[Explanation]]) -> Counter[str]:
    seen: set[str] = set()
    stack = [explanation.key for explanation in group]
    counts: Counter[str] = Counter()
    while stack:
        for child in below.get(stack.pop(), ()):
            if child.key not in seen:
                seen.add(child.key)
                stack.append(child.key)
                if child.reason == "upstream" and not child.failed:
                    counts[short_name(child.task)] += 1
    return counts


def explain_briefly(explanation: Explanation) -> str:
    """Return in a few words why a call runs, for a list with one line for each."""
    parts = [explanation.failed] if explanation.failed else []
    parts += [format_difference(difference)[0] for difference in explanation.differences[:2]]
    more = len(explanation.differences) - 2
    if more > 0:
        parts.append(f"{more} more")
    if explanation.saying:
        parts.append(explanation.saying)
    return "; ".join(parts)
