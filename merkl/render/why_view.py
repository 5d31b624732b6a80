"""Why calls would run: for each, what is not as it was when the nearest earlier result was made."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from merkl._base.places import shown_place
from merkl.cache import Ledger, Metadata
from merkl.execution.migrations import declared_successors
from merkl.execution.plan import Plan
from merkl.execution.previews import describe_arguments
from merkl.graph.call import Call
from merkl.render.call_states import CallState, describe_state, state_of_call, state_of_record
from merkl.render.differences import Difference, compare_states, format_difference, ignored_since
from merkl.render.earlier_calls import EarlierCalls, comparable_call
from merkl.render.inputs import compare_inputs
from merkl.render.log_view import format_call, format_time
from merkl.render.matching import Comparable

__all__ = ["Explanation", "WhyView", "explain_briefly", "explain_plan", "format_why", "needed_calls"]

_MOST_GROUPS = 40


class Explanation(msgspec.Struct, frozen=True):
    """Why one call would run, or (`status` "cached") why the input of one is another than it was.

    `status` is "linked" where it would not run because a result for the same content of its inputs is there. `reason`: "first"
    (no earlier call had these arguments), "failed" (nor did one, and it failed when it was tried), "interrupted", "changed" (see
    `differences`), "upstream" (only its inputs are new or changed), "gone" (its result was removed), "expired", "not kept",
    "forced" (--rerun), "unread" (--no-cache), "linked" or "unknown"; `saying` says so in words. `unseen` are the arguments that
    no earlier call of the task had, `upstream` the keys of its inputs that changed or run again, `earlier` names the
    result that it is compared with, `failed` is what was said when it failed the last time.
    """

    key: str
    task: str
    location: str
    status: str
    reason: str
    saying: str = ""
    differences: tuple[Difference, ...] = ()
    unseen: dict[str, str] = {}
    upstream: tuple[str, ...] = ()
    earlier: dict[str, Any] | None = None
    failed: str = ""


class WhyView(msgspec.Struct, frozen=True):
    """What would run of a graph and why; `calls` are those that are needed, `cached` and `linked` those that would not run."""

    name: str
    calls: int
    cached: int
    explanations: tuple[Explanation, ...]
    linked: int = 0


def explain_plan(
    name: str,
    needed: Sequence[Call],
    plan: Plan,
    ledger: Ledger | None,
    *,
    is_stored: Callable[[Call], bool],
    running: Collection[Call],
    earlier: EarlierCalls | None = None,
) -> WhyView:
    """Return why each missing call of a plan would run.

    Args:
        name: what is looked at.
        needed: all calls that the graph needs.
        plan: which of them are missing.
        ledger: what is known of earlier runs, None for nothing.
        is_stored: whether a result of a missing call is in the cache all the same (it has expired).
        running: the missing calls whose bodies would run; the others are linked to results for the same inputs.
        earlier: the calls to compare with; of one run several plans may be explained, one after another.
    """
    if ledger is not None and earlier is None:
        earlier = EarlierCalls(ledger, pipeline=name)
    ordered = sorted({*needed, *plan.missing}, key=lambda call: call.sequence)
    if earlier is not None and plan.missing:
        earlier.match(ordered)
    explainer = _Explainer(plan, ledger, earlier, is_stored, running)
    for call in plan.missing:
        explainer.explain(call)
    missing = {call.key() for call in plan.missing}
    linked = len(missing - {call.key() for call in running})
    total = len({call.key() for call in ordered})
    return WhyView(name, total, total - len(missing), tuple(explainer.found.values()), linked)


class _Explainer:
    def __init__(
        self,
        plan: Plan,
        ledger: Ledger | None,
        earlier: EarlierCalls | None,
        is_stored: Callable[[Call], bool],
        running: Collection[Call],
    ) -> None:
        self.found: dict[str, Explanation] = {}
        self._ledger = ledger
        self._earlier = earlier
        self._is_stored = is_stored
        self._missing = {call.key().hex() for call in plan.missing}
        self._running = {call.key().hex() for call in running}
        self._forced = {key.hex() for key in plan.forced}
        self._failures = dict(ledger.notes("failed")) if ledger is not None else {}
        self._successors = declared_successors(ledger) if ledger is not None else {}
        # The calls that results are of, for texts; and those of which no earlier call is known.
        self._calls: dict[str, Call] = {}
        self._new: set[str] = set()

    def explain(self, call: Call, *, against: str | None = None) -> None:
        """Add the explanation of a call, and of its inputs that are in the cache and yet not what they were.

        `against` is the earlier result that it is compared with, by default that of the call whose place it takes.
        """
        key = call.key().hex()
        if key in self.found:
            return
        for future in (*call.inputs(), *call.futures()):
            self._calls.setdefault(future.hash, future._call)
        state = state_of_call(call)
        same = self._record_of(call) if key in self._missing else None
        earlier = None
        if same is None and key not in self._forced and self._earlier is not None:
            earlier = self._earlier.earlier(key) if against is None else self._earlier.record(against, state)
        upstream, rewired = self._compare_inputs(call, earlier)
        if key in self._missing and key not in self._running:
            told = _Told("linked", "a result for the same content of its inputs is there")
        elif same is not None or key in self._forced:
            told = self._reason_to_repeat(call, same, bool(upstream))
        elif earlier is None:
            told = self._first(call, state, upstream)
        else:
            told = self._compare(state, earlier, upstream, rewired)
        self._add(call, state, told, upstream)

    def _add(self, call: Call, state: CallState, told: _Told, upstream: Sequence[str]) -> None:
        key = state.key
        is_missing = key in self._missing
        failed = self._failures.get(key, {}) if is_missing and told.reason not in _RAN_SINCE else {}
        reason, saying = told.reason, told.saying
        if failed and reason == "first":
            reason, saying = "failed", "it has no result yet"
        if told.earlier is None and told.reason in ("first", "upstream"):
            self._new.update(future.hash for future in call.futures())
        self.found[key] = Explanation(
            key=key,
            task=state.task,
            location=shown_place(state.location),
            status="cached" if not is_missing else "would run" if key in self._running else "linked",
            reason=reason,
            saying=saying,
            differences=tuple(told.differences),
            unseen=told.unseen,
            upstream=tuple(upstream),
            earlier=None if told.earlier is None else describe_state(told.earlier),
            failed=failed.get("error", ""),
        )

    # -- inputs --------------------------------------------------------------------------------------------

    def _compare_inputs(self, call: Call, earlier: Comparable | None) -> tuple[list[str], list[Difference]]:
        """Return the keys of the calls above that would run or gave another result than earlier, and what is wired otherwise."""
        above = {future.hash: future._call for future in call.inputs()}
        changed = {one.key().hex(): None for one in above.values() if one.key().hex() in self._running}
        if earlier is None or self._earlier is None:
            return list(changed), []
        replaced, found = compare_inputs(
            comparable_call(call),
            earlier,
            origins=self._earlier.origins,
            is_same=self._earlier.is_same_call,
            is_new=self._new.__contains__,
            describe=self._describe,
        )
        for key, before in replaced:
            one = above[key]
            if one.key().hex() not in self._running:
                self.explain(one, against=before)
            changed[one.key().hex()] = None
        return list(changed), found

    def _describe(self, key: str) -> str:
        """Return a short text of the call that a result is of."""
        call = self._calls.get(key)
        if call is not None:
            future = next(future for future in call.futures() if future.hash == key)
            return format_call(
                Metadata(task=call.task.name, arguments=describe_arguments(call), out=future.out)
            )
        metadata = None if self._ledger is None else self._ledger.metadata(key)
        if metadata is None:
            return f"a call that is not in the ledger ({key[:12]})"
        return format_call(msgspec.structs.replace(metadata, task=metadata.task.rpartition(".")[2]))

    # -- reasons -------------------------------------------------------------------------------------------

    def _reason_to_repeat(self, call: Call, same: tuple[str, Metadata] | None, has_upstream: bool) -> _Told:
        """Return why a call runs again, of which a result is known or whose run was asked for."""
        old = None if same is None or self._ledger is None else state_of_record(self._ledger, *same)
        options = call.task.options
        if call.key().hex() in self._forced:
            return _Told("forced", "it is to run again, whatever is stored", old)
        if options.keep == "never":
            return _Told("not kept", 'its results are not kept (keep="never")', old)
        if not self._is_stored(call):
            is_used = options.keep == "until-used"
            saying = 'its result was kept only until it was used (keep="until-used")' if is_used else ""
            return _Told("gone", saying or "its result was removed from the cache", old)
        if options.expires is not None:
            return _Told("expired", "its result has expired", old)
        if has_upstream:
            return _Told("upstream", "its inputs run again", old)
        return _Told("unread", "the cache is not read, or what it needs ran again before", old)

    def _first(self, call: Call, state: CallState, upstream: Sequence[str]) -> _Told:
        """Return what is new about a call that takes no earlier one's place."""
        interrupted = None if self._earlier is None else self._earlier.interrupted.get(state.key)
        if interrupted is not None and self._ledger is not None:
            saying = f"it was interrupted the last time; what it had is kept: merkl cache accept {interrupted[0][:12]}"
            return _Told("interrupted", saying, state_of_record(self._ledger, *interrupted))
        if call.task.options.keep == "never":
            return _Told("not kept", 'its results are not kept (keep="never")')
        if self._earlier is None or not self._earlier.has_run(state.task):
            return _Told("first", "never ran before")
        seen = self._earlier.values_of(state.task)
        shown = {argument.name: argument.preview for argument in state.arguments}
        one = comparable_call(call)
        unseen = {name: shown[name] for name, text in one.constants if text not in seen.get(name, ())}
        if unseen:
            return _Told("first", f"never ran before with {_listed(unseen)}", unseen=unseen)
        above = [self.found[key] for key in upstream if key in self.found]
        if any(explanation.earlier is None for explanation in above):
            return _Told("upstream", "its inputs are new")
        constants = {name: shown[name] for name, _ in one.constants}
        if constants:
            return _Told("first", f"never ran before with {_listed(constants)} together")
        inputs = ", ".join(self._describe(future.hash) for future in call.inputs()[:3])
        return _Told("first", f"never ran before with the result of {inputs}")

    def _compare(
        self, state: CallState, earlier: Comparable, upstream: Sequence[str], rewired: Sequence[Difference]
    ) -> _Told:
        assert self._ledger is not None
        assert self._earlier is not None
        old = state_of_record(
            self._ledger, earlier.key, self._earlier.metadata[earlier.key], self._successors
        )
        differences = [*compare_states(old, state), *rewired]
        if differences:
            return _Told("changed", "", old, differences)
        if upstream:
            return _Told("upstream", "its inputs changed", old)
        ignored = ignored_since(old, state)
        if ignored:
            return _Told("changed", "", old, ignored)
        return _Told("unknown", "its key is another one, though all that is known of it is the same", old)

    def _record_of(self, call: Call) -> tuple[str, Metadata] | None:
        for future in call.futures() if self._ledger is not None else ():
            assert self._ledger is not None
            metadata = self._ledger.metadata(future.hash)
            if metadata is not None:
                return future.hash, metadata
        return None


@dataclass(frozen=True, slots=True)
class _Told:
    """A reason, in words, and what it was found by."""

    reason: str
    saying: str
    earlier: CallState | None = None
    differences: Sequence[Difference] = ()
    unseen: dict[str, str] = field(default_factory=dict)


#: Reasons of calls that had a result after they failed.
_RAN_SINCE = frozenset({"gone", "expired", "forced", "unread", "linked"})


def _listed(arguments: Mapping[str, str]) -> str:
    shown = [f"{name}={text}" for name, text in itertools.islice(arguments.items(), 4)]
    more = len(arguments) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


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
    running = view.calls - view.cached - view.linked
    linked = f"; {view.linked} more would be linked to results for the same inputs" if view.linked else ""
    if not running:
        calls = "its call is" if view.calls == 1 else f"all {view.calls} calls are"
        return f"{view.name}: {calls} in the cache; nothing would run" + linked
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
    return "\n".join(lines)


def _shown(task: str) -> str:
    """Return a task's name as people wrote it: those of merkl itself are functions that they called."""
    module, _, name = task.rpartition("merkl.graph.io.")
    return task if module or name == task else _OWN_TASKS.get(name, name)


_OWN_TASKS = {
    "_read_text": "read_future",
    "_read_bytes": "read_future",
    "_directory": "path_future",
    "_glob": "glob_future",
}


def _signature(explanation: Explanation) -> object:
    """Return what calls have in common that are told together."""
    one = explanation
    saying = tuple(one.unseen) or one.saying
    return one.task, one.reason, saying, one.differences, one.failed


def _format_group(group: list[Explanation], below: dict[str, list[Explanation]]) -> list[str]:
    first = group[0]
    count = f" ×{len(group)}" if len(group) > 1 else ""
    cached = sum(one.status == "cached" for one in group)
    which = "" if not cached else "its result is" if cached == len(group) == 1 else f"{cached} results are"
    note = f": {which} in the cache by now, not as used before" if cached else ""
    lines = [f"{_shown(first.task)}{count}  {first.key[:12]}  ({first.location}){note}"]
    if first.failed:
        lines.append(f"  failed the last time: {first.failed}")
    if first.differences and first.earlier is not None:
        lines.append(_since(first))
    lines += [f"  {line}" for difference in first.differences for line in format_difference(difference)]
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


def _since(explanation: Explanation) -> str:
    assert explanation.earlier is not None
    then = explanation.earlier
    name = f", as {then['task']}" if then["task"] != explanation.task else ""
    return f"  since {format_time(then['created'])}, run {then['run'][:8]}{name}:"


def _values_of(group: Sequence[Explanation]) -> str:
    """Return the arguments that are new, those of several calls together."""
    if len(group) == 1:
        return _listed(group[0].unseen)
    shown = [f"({_listed(one.unseen)})" if len(one.unseen) > 1 else _listed(one.unseen) for one in group[:4]]
    return ", ".join(shown) + (", …" if len(group) > 4 else "")


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
                    counts[_shown(child.task).rpartition(".")[2]] += 1
    return counts


def explain_briefly(explanation: Explanation) -> str:
    """Return in a few words why a call runs, for a list with one line for each."""
    parts = [f"failed the last time: {explanation.failed}"] if explanation.failed else []
    parts += [format_difference(difference)[0] for difference in explanation.differences[:2]]
    more = len(explanation.differences) - 2
    if more > 0:
        parts.append(f"{more} more")
    if explanation.saying:
        parts.append(explanation.saying)
    return "; ".join(parts)
