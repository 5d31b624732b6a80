"""Why calls would run: for each, what is not as it was when the nearest earlier result was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from merkl._base.places import shown_place
from merkl.cache import Ledger, Metadata
from merkl.execution.migrations import declared_successors
from merkl.execution.plan import Plan
from merkl.graph.call import Call
from merkl.graph.shown import preview_value
from merkl.render.call_states import CallState, describe_state, state_of_call, state_of_record
from merkl.render.differences import Difference, compare_states, format_difference
from merkl.render.earlier_calls import EarlierCall, EarlierCalls
from merkl.render.log_view import format_time

__all__ = ["Explanation", "WhyView", "explain_briefly", "explain_plan", "format_why", "needed_calls"]

_MOST_GROUPS = 40


class Explanation(msgspec.Struct, frozen=True):
    """Why one call would run, or (`status` "cached") why the input of one is another than it was.

    `reason`: "first" (no earlier call is like it), "changed" (see `differences`), "upstream" (only its inputs changed), "gone"
    (its result was removed), "expired", "not kept", "forced" (--rerun), "unread" (--no-cache), or "unknown". `upstream` are
    the keys of its inputs that changed or run again.
    """

    key: str
    task: str
    location: str
    status: str
    reason: str
    differences: tuple[Difference, ...] = ()
    upstream: tuple[str, ...] = ()
    earlier: dict[str, Any] | None = None
    failed: str = ""


class WhyView(msgspec.Struct, frozen=True):
    """What would run of a graph and why; `calls` are those that are needed, `cached` those of them that would not run."""

    name: str
    calls: int
    cached: int
    explanations: tuple[Explanation, ...]


def explain_plan(
    name: str,
    needed: Sequence[Call],
    plan: Plan,
    ledger: Ledger | None,
    *,
    is_stored: Callable[[Call], bool],
    records: dict[str, Metadata] | None = None,
) -> WhyView:
    """Return why each missing call of a plan would run.

    Args:
        name: what is looked at.
        needed: all calls that the graph needs.
        plan: which of them are missing.
        ledger: what is known of earlier runs, None for nothing.
        is_stored: whether a result of a missing call is in the cache all the same (it has expired).
        records: the results to compare with, those of one run; by default all in the ledger.
    """
    keys = {future.hash for call in needed for future in call.futures()}
    explainer = _Explainer(plan, ledger, EarlierCalls(ledger, keys, records), is_stored)
    for call in plan.missing:
        explainer.explain(call)
    missing = {call.key() for call in plan.missing}
    total = len({call.key() for call in needed} | missing)
    return WhyView(name, total, total - len(missing), tuple(explainer.found.values()))


class _Explainer:
    def __init__(
        self, plan: Plan, ledger: Ledger | None, earlier: EarlierCalls, is_stored: Callable[[Call], bool]
    ) -> None:
        self.found: dict[str, Explanation] = {}
        self._ledger = ledger
        self._earlier = earlier
        self._is_stored = is_stored
        self._missing = {call.key().hex() for call in plan.missing}
        self._forced = {key.hex() for key in plan.forced}
        self._failures = dict(ledger.notes("failed")) if ledger is not None else {}
        self._successors = declared_successors(ledger) if ledger is not None else {}
        # From the key of each Future that was looked at to that of the earlier result it stands in for.
        self._matches: dict[str, str] = {}

    def explain(self, call: Call) -> None:
        """Add the explanation of a call, and of its inputs that are in the cache and yet not what they were."""
        key = call.key().hex()
        if key in self.found:
            return
        state = state_of_call(call)
        same = self._record_of(call) if key in self._missing else None
        nearest = None
        if same is None and key not in self._forced:
            nearest = self._earlier.nearest(state, self._matches)
        upstream, others = self._changed_inputs(call, nearest.metadata.parents if nearest else ())
        if same is not None or key in self._forced:
            reason, old = self._reason_to_repeat(call, same, bool(upstream))
            differences: list[Difference] = []
        else:
            reason, old, differences = self._reason(state, nearest, bool(upstream))
        if others and reason in ("changed", "upstream", "unknown"):
            reason, differences = "changed", [*differences, *others]
        if nearest is not None:
            self._name_changed_files(call, nearest.metadata)
            for future in call.futures():
                if future.out in nearest.outs:
                    self._matches[future.hash] = nearest.outs[future.out]
        self.found[key] = Explanation(
            key=key,
            task=state.task,
            location=shown_place(state.location),
            status="would run" if key in self._missing else "cached",
            reason=reason,
            differences=tuple(differences),
            upstream=tuple(upstream),
            earlier=None if old is None else describe_state(old),
            failed=self._failures.get(key, {}).get("error", ""),
        )

    def _name_changed_files(self, call: Call, before: Metadata) -> None:
        """Say of inputs that only pass a file on, of which no results are kept, that its content is another than it was."""
        texts = {argument.preview for argument in before.arguments}
        for future in call.inputs():
            above = future._call
            found = self.found.get(above.key().hex())
            if (
                found is not None
                and found.reason == "first"
                and above.task.__module__ == "merkl.graph.io"
                and len(above.values) == len(above.files) == 1
                and future.hash not in before.parents
                and f"<Future of {above.task.name}>" in texts
            ):
                name, text = above.task.signature.parameters[0].name, preview_value(above.values[0])
                self.found[found.key] = msgspec.structs.replace(
                    found, reason="changed", differences=(Difference("argument", name, old=text, new=text),)
                )

    def _changed_inputs(self, call: Call, before: Sequence[str]) -> tuple[list[str], list[Difference]]:
        """Return the keys of the calls above that would run or gave another result than earlier.

        And the inputs that are results of other calls than they were: it is the wiring that changed there.
        """
        changed: dict[str, None] = {}
        others: list[Difference] = []
        for future in dict.fromkeys(call.inputs()):
            above = future._call
            key = above.key().hex()
            if key in self._missing:
                changed[key] = None
            elif before and future.hash not in before:
                self.explain(above)
                if self.found[key].reason == "first":
                    del self.found[key]
                    text = f"the result of another call than it was: {above.task.name} {key[:12]}"
                    others.append(Difference("input", above.task.name, new=text))
                else:
                    changed[key] = None
        return list(changed), others

    def _reason_to_repeat(
        self, call: Call, same: tuple[str, Metadata] | None, has_upstream: bool
    ) -> tuple[str, CallState | None]:
        """Return why a call runs again, of which a result is known or whose run was asked for."""
        old = None if same is None or self._ledger is None else state_of_record(self._ledger, *same)
        options = call.task.options
        if call.key().hex() in self._forced:
            return "forced", old
        if options.keep == "never":
            return "not kept", old
        if not self._is_stored(call):
            return "gone", old
        if options.expires is not None:
            return "expired", old
        return ("upstream" if has_upstream else "unread"), old

    def _reason(
        self, state: CallState, nearest: EarlierCall | None, has_upstream: bool
    ) -> tuple[str, CallState | None, list[Difference]]:
        ledger = self._ledger
        if nearest is None or ledger is None:
            return "first", None, []
        old = state_of_record(ledger, nearest.key, nearest.metadata, self._successors)
        differences = compare_states(old, state)
        if differences:
            return "changed", old, differences
        return ("upstream" if has_upstream else "unknown"), old, []

    def _record_of(self, call: Call) -> tuple[str, Metadata] | None:
        for future in call.futures() if self._ledger is not None else ():
            assert self._ledger is not None
            metadata = self._ledger.metadata(future.hash)
            if metadata is not None:
                return future.hash, metadata
        return None


def needed_calls(wanted: Iterable[Any]) -> list[Call]:
    """Return all calls that these Futures need, themselves included."""
    seen: dict[Call, None] = {}
    stack = [future._call for future in wanted]
    while stack:
        call = stack.pop()
        if call not in seen:
            seen[call] = None
            stack.extend(future._call for future in call.inputs())
    return list(seen)


# -- text ---------------------------------------------------------------------------------------------------------


def format_why(view: WhyView) -> str:
    """Return an explanation as text: each root cause once, with the calls that follow from it."""
    running = view.calls - view.cached
    if not running:
        calls = "its call is" if view.calls == 1 else f"all {view.calls} calls are"
        return f"{view.name}: {calls} in the cache; nothing would run"
    lines = [f"{view.name}: {running} of {view.calls} call{'' if view.calls == 1 else 's'} would run"]
    groups: dict[Any, list[Explanation]] = {}
    for explanation in view.explanations:
        if explanation.reason != "upstream":
            signature = (explanation.task, explanation.reason, explanation.status, explanation.differences)
            groups.setdefault(signature, []).append(explanation)
    below = _children(view.explanations)
    for group in list(groups.values())[:_MOST_GROUPS]:
        lines += ["", *_format_group(group, below)]
    if len(groups) > _MOST_GROUPS:
        lines += ["", f"… and {len(groups) - _MOST_GROUPS} more causes; --json has them all"]
    return "\n".join(lines)


def _format_group(group: list[Explanation], below: dict[str, list[Explanation]]) -> list[str]:
    first = group[0]
    count = f" ×{len(group)}" if len(group) > 1 else ""
    cached = " (in the cache by now)" if first.status == "cached" else ""
    lines = [f"{first.task}{count}  {first.key[:12]}  ({first.location}){cached}"]
    if first.reason != "first" and first.earlier is not None:
        lines.append(f"  since {format_time(first.earlier['created'])}, run {first.earlier['run'][:8]}:")
    lines += [f"  {line}" for difference in first.differences for line in format_difference(difference)]
    if first.reason != "changed":
        lines.append(f"  {_SAYINGS[first.reason]}")
    if first.failed:
        lines.append(f"  it failed the last time: {first.failed}")
    followers = _followers(group, below)
    if followers:
        shown = ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in followers.most_common(12))
        total = sum(followers.values())
        lines.append(f"  {total} call{'s follow' if total > 1 else ' follows'} from it: {shown}")
    return lines


_SAYINGS = {
    "first": "never ran before, nor did a call like it",
    "gone": "its result was removed from the cache",
    "expired": "its result has expired",
    "not kept": 'its results are not kept (keep="never")',
    "forced": "it is to run again, whatever is stored",
    "unread": "the cache is not read, or what it needs ran again before",
    "unknown": "its key is another one, though all that is known of it is the same",
}


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
                if child.reason == "upstream":
                    counts[child.task.rpartition(".")[2]] += 1
    return counts


def explain_briefly(explanation: Explanation) -> str:
    """Return in a few words why a call runs, for a list with one line for each."""
    if explanation.reason == "changed":
        parts = [format_difference(difference)[0] for difference in explanation.differences[:2]]
        more = len(explanation.differences) - len(parts)
        return "; ".join(parts) + (f"; {more} more" if more else "")
    if explanation.reason == "upstream":
        is_same = explanation.earlier is not None and explanation.earlier["key"] == explanation.key
        return "its inputs run again" if is_same else "its inputs changed"
    return _SAYINGS[explanation.reason]
