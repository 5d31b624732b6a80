"""Why calls would run: for each, what is not as it was when the nearest earlier result was made."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

from merkl._base.places import shown_place
from merkl.cache import Ledger, Metadata
from merkl.execution.known_maps import KnownItems
from merkl.execution.migrations import declared_successors
from merkl.execution.plan import Plan
from merkl.execution.previews import describe_arguments
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.render.call_states import CallState, CallStates, describe_state
from merkl.render.differences import (
    Difference,
    KnownDifferences,
    compare_states,
    ignored_since,
    rearranged_since,
)
from merkl.render.earlier_calls import EarlierCalls
from merkl.render.inputs import compare_inputs
from merkl.render.log_view import format_call
from merkl.render.matching import Comparable

__all__ = ["Explanation", "WhyView", "explain_plan", "listed", "needed_calls", "short_name"]


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
    """What would run of a graph and why; `calls` are all that it has, `cached` and `linked` those that would not run.

    Of the cached ones `unneeded` lie behind others: their results are not looked for, and may not be there any more.
    `depends_on` names the calls whose values decide how the graph goes on: what comes then is not known yet.
    """

    name: str
    calls: int
    cached: int
    explanations: tuple[Explanation, ...]
    linked: int = 0
    depends_on: tuple[str, ...] = ()
    unneeded: int = 0


def explain_plan(
    name: str,
    needed: Sequence[Call],
    plan: Plan,
    ledger: Ledger | None,
    *,
    is_stored: Callable[[Call], bool],
    running: Collection[Call],
    earlier: EarlierCalls | None = None,
    depends_on: Sequence[Future[Any]] = (),
    made: Iterable[Call] = (),
    items: KnownItems = MappingProxyType({}),
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
        depends_on: the Futures whose values decide how the graph goes on.
        made: what else was called so far, needed or not.
        items: what maps turned out to need.
    """
    if ledger is not None and earlier is None:
        earlier = EarlierCalls(ledger, pipeline=name)
    ordered = sorted({*needed, *plan.missing}, key=lambda call: call.sequence)
    if earlier is not None and plan.missing:
        earlier.match(
            sorted({*ordered, *made}, key=lambda call: call.sequence),
            is_complete=not plan.is_open,
        )
    explainer = _Explainer(plan, ledger, earlier, is_stored, running, items)
    for call in plan.missing:
        explainer.explain(call)
    missing = {call.key() for call in plan.missing}
    linked = len(missing - {call.key() for call in running})
    total = len({call.key() for call in ordered})
    goes_on = dict.fromkeys(f"{future.task.name} ({future._call.place()})" for future in depends_on)
    cached = total - len(missing)
    unneeded = cached - len({call.key() for call in plan.found} - missing)
    found = tuple(explainer.found.values())
    return WhyView(name, total, cached, found, linked, tuple(goes_on), max(unneeded, 0))


class _Explainer:
    def __init__(
        self,
        plan: Plan,
        ledger: Ledger | None,
        earlier: EarlierCalls | None,
        is_stored: Callable[[Call], bool],
        running: Collection[Call],
        items: KnownItems,
    ) -> None:
        self.found: dict[str, Explanation] = {}
        self._ledger = ledger
        self._earlier = earlier
        self._is_stored = is_stored
        self._items = items
        self._missing = {call.key().hex() for call in plan.missing}
        self._running = {call.key().hex() for call in running}
        self._forced = {key.hex() for key in plan.forced}
        self._failures = dict(ledger.notes("failed")) if ledger is not None else {}
        self._states = CallStates(ledger, {} if ledger is None else declared_successors(ledger))
        self._known = KnownDifferences()
        keys = [future.hash for call in plan.missing for future in call.futures()]
        self._records = {} if ledger is None else ledger.metadata_of(keys)
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
        state = self._states.of_call(call)
        same = self._record_of(call) if key in self._missing else None
        earlier = None
        if same is None and key not in self._forced and self._earlier is not None:
            earlier = self._earlier.earlier(key) if against is None else self._earlier.record(against, state)
        upstream, rewired = self._compare_inputs(call, earlier)
        if key in self._missing and key not in self._running:
            told = _Told("linked", "a result for the same content of its inputs is there")
        elif same is not None or key in self._forced:
            told = self._reason_to_repeat(call, same, bool(upstream))
        elif earlier is None or (self._earlier is not None and key in self._earlier.interrupted):
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
            reason, saying = "failed", "and has no result yet"
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
            failed=_failure_text(failed["run"], failed["error"]) if failed else told.failed,
        )

    # -- inputs --------------------------------------------------------------------------------------------

    def _compare_inputs(self, call: Call, earlier: Comparable | None) -> tuple[list[str], list[Difference]]:
        """Return the keys of the calls above that would run or gave another result than earlier, and what is wired otherwise."""
        above = {f.hash: f._call for f in (*call.inputs(), *self._items.get(call, ()))}
        changed = {one.key().hex(): None for one in above.values() if one.key().hex() in self._running}
        if earlier is None or self._earlier is None:
            return list(changed), []
        replaced, found = compare_inputs(
            self._earlier.comparable(call),
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
        old = None if same is None else self._states.of_record(*same)
        options = call.task.options
        if call.key().hex() in self._forced:
            return _Told("forced", "it is to run again, whatever is stored", old)
        if options.keep == "never":
            # That of the user's own paths nothing is kept is no choice of the user's.
            is_path = call.task.__module__ == "merkl"
            saying = "paths are looked at each time" if is_path else 'its results are not kept (keep="never")'
            return _Told("not kept", saying, old)
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
        if interrupted is not None:
            saying = (
                f"it was interrupted the last time; what it had is kept: merkl cache accept {state.key[:12]}"
            )
            return _Told("interrupted", saying, self._states.of_record(*interrupted))
        if upstream and call in self._items:
            return _Told("upstream", f"calls that it makes would run: {self._names_of(upstream)}")
        if self._earlier is None or not self._earlier.has_run(state.task):
            is_of_one_run = self._earlier is not None and self._earlier.is_of_one_run
            return _Told("first", "that run had no call of it" if is_of_one_run else "never ran before")
        seen = self._earlier.values_of(state.task)
        shown = {argument.name: argument.preview for argument in state.arguments}
        one = self._earlier.comparable(call)
        own = [(name, text) for name, text in one.constants if "<Future" not in shown[name]]
        unseen = {name: shown[name] for name, text in own if text not in seen.get(name, ())}
        if unseen:
            return _Told("first", f"never ran before with {listed(unseen)}", unseen=unseen)
        above = [self.found[key] for key in upstream if key in self.found]
        if any(explanation.earlier is None for explanation in above):
            return _Told("upstream", f"its inputs are new: {self._names_of(upstream)}")
        constants = {name: shown[name] for name, _ in own}
        if constants and not call.inputs():
            return _Told("first", f"never ran before with {listed(constants)} together")
        inputs = ", ".join(self._describe(future.hash) for future in call.inputs()[:3])
        named = f"{listed(constants)} and " if constants else ""
        return _Told(
            "first",
            f"never ran before with {named}just these inputs: {inputs}" if inputs else "never ran before",
        )

    def _compare(
        self, state: CallState, earlier: Comparable, upstream: Sequence[str], rewired: Sequence[Difference]
    ) -> _Told:
        assert self._earlier is not None
        old = self._states.of_record(earlier.key, self._earlier.metadata[earlier.key])
        differences = [*compare_states(old, state, known=self._known), *rewired]
        then = self._earlier.failures.get(earlier.key)
        failed = "" if then is None else _failure_text(then.run, then.error)
        if differences:
            return _Told("changed", "", old, differences, failed=failed)
        if upstream:
            saying = f"its inputs changed: {self._names_of(upstream)}"
            return _Told("upstream", saying, old, failed=failed)
        others = ignored_since(old, state) or rearranged_since(old, state)
        if others:
            return _Told("changed", "", old, others)
        return _Told("unknown", "its key is another one, though all that is known of it is the same", old)

    def _names_of(self, keys: Sequence[str]) -> str:
        names = list(dict.fromkeys(short_name(self.found[key].task) for key in keys if key in self.found))
        return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")

    def _record_of(self, call: Call) -> tuple[str, Metadata] | None:
        found = (future.hash for future in call.futures() if future.hash in self._records)
        return next(((key, self._records[key]) for key in found), None)


@dataclass(frozen=True, slots=True)
class _Told:
    """A reason, in words, and what it was found by."""

    reason: str
    saying: str
    earlier: CallState | None = None
    differences: Sequence[Difference] = ()
    unseen: dict[str, str] = field(default_factory=dict)
    failed: str = ""


def _failure_text(run: str, error: str) -> str:
    """Return what was said when a call failed, and in which run."""
    return f"failed in run {run[:8]}: {_PREFIX.sub('', error)}"


#: What errors begin with that name the task themselves.
_PREFIX = re.compile(r"task '[^']*' failed: ")
#: Reasons of calls that had a result after they failed.
_RAN_SINCE = frozenset({"gone", "expired", "forced", "unread", "linked"})


def listed(arguments: Mapping[str, str]) -> str:
    """Return the first few arguments as they are written in a call."""
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


def short_name(task: str) -> str:
    """Return the last part of a task's name; of a map with the task that it calls, of MerkL's own what follows the module.

    >>> [short_name(name) for name in ("shop.price", "shop.price.map", "merkl.path_future.csv")]
    ['price', 'price.map', 'path_future.csv']
    """
    if task.startswith("merkl."):
        return task.removeprefix("merkl.")
    inner, _, last = task.rpartition(".")
    return f"{inner.rpartition('.')[2]}.{last}" if last == "map" else last
