"""The calls that the ledger remembers, and which of them each call of now takes the place of.

A call takes the place of the earlier one that had the same arguments, whatever its code was, in this pipeline or in another.
Where there is none it is matched with what the pipeline's latest runs had: those back to the last that was done, and of a
task that none of these called, those before. Earlier calls that are still made are in nobody's place, and each is in that
of one call at most. What is left is new.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from merkl.cache import ArgumentPreview, Ledger, Metadata, Run
from merkl.execution.failed_calls import FailedCall, find_failed_calls, metadata_of_failed
from merkl.execution.plan import calls_behind
from merkl.graph.call import Call
from merkl.hashing.digests import hash_parts
from merkl.render.call_states import CallState, task_name
from merkl.render.comparables import comparable_call, comparable_record
from merkl.render.matching import Comparable, match_calls, match_in_place
from merkl.render.pipeline_runs import find_episodes, script_of

__all__ = ["EarlierCalls"]

#: How many of a task's latest results are looked at.
_MOST = 20_000


class EarlierCalls:
    """Finds for the calls of a graph the earlier ones whose place they take; `origins` has their results' keys.

    Args:
        ledger: what is known of earlier runs.
        pipeline: the name of what makes the graph, as on the command line, "" for none.
        run: the run that is under way: what it made itself is no earlier call.
        records: only these results count, those of one run.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        pipeline: str = "",
        run: str = "",
        records: Mapping[str, Metadata] | None = None,
    ) -> None:
        self.origins: dict[str, str] = {}
        self.metadata: dict[str, Metadata] = {}
        self.failures: dict[str, FailedCall] = {}
        self.interrupted: dict[str, tuple[str, Metadata]] = {}
        self._ledger = ledger
        self._run = run
        self._records = records
        self._episodes = find_episodes(ledger, pipeline, run)
        self._closures: dict[str, Mapping[str, Metadata]] = {}
        self._of_task: dict[str, list[Comparable]] = {}
        self._unkeyed: dict[str, frozenset[str]] = {}
        self._failed: list[tuple[str, FailedCall]] | None = None
        self._aliases: dict[str, str] = {}
        self._script = script_of(self._episodes, pipeline)
        self._outlines: dict[str, dict[str, str] | None] = {}
        self._made: set[str] = set()
        self._kept: set[str] = set()
        self._seen: set[str] = set()
        self._taken: set[str] = set()
        self._identities: dict[str, bytes] = {}
        self._identities_now: dict[str, bytes] = {}
        self._matched: dict[str, Comparable] = {}
        self._comparables: dict[str, Comparable] = {}

    def match(self, calls: Sequence[Call], *, is_complete: bool = True) -> None:
        """Match calls, each after its inputs; further ones of the same run come later.

        Where the graph is not complete, since it depends on values, what a task was called with may be called yet: if some of
        its calls are as they were, the others count as new, but for those of the same place.
        """
        self._made.update(future.hash for call in calls for future in call.futures())
        self._unkeyed.update(_unkeyed_parameters(calls))
        names = dict.fromkeys(task_name(call) for call in calls)
        self._find_aliases(names, calls)
        known = self._known_keys(names)
        new: dict[Call, Comparable] = {}
        for call in calls:
            key = call.key().hex()
            if key not in self._seen and not any(future.hash in known for future in call.futures()):
                self._seen.add(key)
                new[call] = self.comparable(call)
        self._match_alike(new)
        rest = [one for one in new.values() if one.key not in self._matched]
        self._kept.update(
            task_name(call)
            for call in calls
            if call not in new and any(f.hash in known for f in call.futures())
        )
        pools = {task: self._pool(task) for task in dict.fromkeys(one.task for one in rest)}
        if not is_complete:
            self._take(match_in_place(rest, pools, self.origins))
            rest = [one for one in rest if one.task not in self._kept and one.key not in self._matched]
            pools = {task: self._pool(task) for task in dict.fromkeys(one.task for one in rest)}
        self._take(match_calls(rest, pools, self.origins))

    def comparable(self, call: Call) -> Comparable:
        """Return a call of now as it is compared with others."""
        key = call.key().hex()
        if key not in self._comparables:
            self._comparables[key] = comparable_call(call)
        return self._comparables[key]

    def earlier(self, key: str) -> Comparable | None:
        """Return the earlier call whose place the call with this key takes."""
        return self._matched.get(key)

    def record(self, key: str, state: CallState) -> Comparable | None:
        """Return the call that an earlier result is of, None where it is not known."""
        self._load([key])
        metadata = self.metadata.get(key)
        return None if metadata is None else comparable_record(key, metadata, state.unkeyed)

    @property
    def is_of_one_run(self) -> bool:
        """Only what one run had counts."""
        return self._records is not None

    def has_run(self, task: str) -> bool:
        """Say whether a call of the task is known."""
        return bool(self._calls_of(task))

    def values_of(self, task: str) -> dict[str, set[str]]:
        """Return for each parameter of a task the values that it ever had, as they are compared."""
        found: dict[str, set[str]] = {}
        for call in self._calls_of(task):
            for name, text in call.constants:
                found.setdefault(name, set()).add(text)
        return found

    def _take(self, found: Mapping[str, Comparable]) -> None:
        self._matched.update(found)
        self._taken.update(earlier.key for earlier in found.values())

    # -- what there is -------------------------------------------------------------------------------------

    def _calls_of(self, task: str) -> list[Comparable]:
        """Return all known calls of a task, the newest first, the results of each together."""
        if task not in self._of_task:
            names = self._names_of(task)
            if self._records is None:
                rows = [row for name in names for row in self._ledger.of_task(name, limit=_MOST)]
            else:
                rows = [(k, m) for k, m in self._records.items() if m.task in names]
            rows.sort(key=lambda row: -row[1].created)
            calls: dict[object, Comparable] = {}
            for key, metadata in rows:
                if metadata.run == self._run and self._run:
                    continue
                self.metadata.setdefault(key, metadata)
                if metadata.interrupted:
                    self.interrupted[metadata.interrupted] = key, metadata
                identity = (metadata.fingerprint, metadata.arguments, metadata.parents, metadata.extras)
                if identity not in calls:
                    unkeyed = self._unkeyed.get(task, frozenset())
                    calls[identity] = comparable_record(key, metadata, unkeyed, self._outline)
                calls[identity].outs.setdefault(metadata.out, metadata.interrupted or key)
            failed = [] if self._records is not None else self._failed_calls_of(names)
            self._of_task[task] = [*calls.values(), *failed]
        return self._of_task[task]

    def _names_of(self, task: str) -> list[str]:
        """Return the names under which a task is known: the one that it had before, and that in its file run as a script."""
        names = [self._aliases.get(task, task)]
        _, found, rest = f".{task}".partition(f".{self._script}.")
        return [*names, f"__main__.{rest}"] if self._script and found else names

    def _failed_calls_of(self, names: Collection[str]) -> list[Comparable]:
        """Return the calls of a task that failed and have no result, the newest first."""
        if self._failed is None:
            self._failed = find_failed_calls(self._ledger)
        found: list[Comparable] = []
        for key, failed in self._failed:
            if failed.task in names and failed.run != self._run and key not in self.metadata:
                self.metadata[key] = metadata_of_failed(failed)
                self.failures[key] = failed
                found.append(comparable_record(key, self.metadata[key], outline=self._outline))
        return found

    def _outline(self, argument: ArgumentPreview) -> dict[str, str] | None:
        if argument.digest not in self._outlines:
            content = self._ledger.blob(f"outline:{argument.digest}")
            self._outlines[argument.digest] = None if content is None else msgspec.json.decode(content)
        return self._outlines[argument.digest]

    def _is_free(self, call: Comparable) -> bool:
        return call.key not in self._taken and self._made.isdisjoint(call.outs.values())

    def _pool(self, task: str) -> list[Comparable]:
        """Return what the pipeline's latest runs that called a task have of it, as far as no call is in its place."""
        calls = self._calls_of(task)
        if self._records is not None:
            return [call for call in calls if self._is_free(call)]
        for episode in self._episodes:
            found = [call for call in calls if self._is_in(episode, call)]
            if found:
                return [call for call in found if self._is_free(call)]
        return []

    def _is_in(self, episode: Sequence[Run], call: Comparable) -> bool:
        return any(
            self.metadata[call.key].run == run.id
            or not self._closure(run).keys().isdisjoint(call.outs.values())
            for run in episode
        )

    def _closure(self, run: Run) -> Mapping[str, Metadata]:
        if run.id not in self._closures:
            self._closures[run.id] = found = self._ledger.closure(self._ledger.roots(run))
            self.metadata.update(found)
        return self._closures[run.id]

    def _known_keys(self, tasks: Iterable[str]) -> set[str]:
        """Return the keys of the results that the last complete run had: the calls that have them are as they were."""
        if self._records is not None:
            return set(self._records)
        runs = self._episodes[0] if self._episodes else []
        # What runs have made since that were not done takes the place of what the last one had that was.
        runs = runs[-1:] if runs and runs[-1].status == "done" else runs
        keys = {key for run in runs for key in self._closure(run)}
        ids = {run.id for run in runs}
        return keys | {
            key
            for task in tasks
            for call in self._calls_of(task)
            if self.metadata[call.key].run in ids
            for key in call.outs.values()
        }

    def _find_aliases(self, names: Collection[str], calls: Sequence[Call]) -> None:
        """Find the names that tasks had when the pipeline ran the last time, of those that were renamed or moved since."""
        unknown = [name for name in names if not self._calls_of(name)]
        if not unknown:
            return
        known = self._records or {}
        for run in self._episodes[0] if self._episodes and self._records is None else ():
            known = {**known, **self._closure(run)}
        parameters: dict[str, tuple[str, ...]] = {}
        for metadata in known.values():
            if metadata.task and metadata.task not in names:
                parameters[metadata.task] = tuple(argument.name for argument in metadata.arguments)
        now = {task_name(call): tuple(call.task.signature.names) for call in calls}
        for name in unknown:
            last = name.rpartition(".")[2]
            alike = [old for old in parameters if old.rpartition(".")[2] == last]
            alike = alike or [old for old, taken in parameters.items() if taken == now[name]]
            if len(alike) == 1:
                self._aliases[name] = alike[0]
                del parameters[alike[0]], self._of_task[name]

    # -- calls with the same arguments ---------------------------------------------------------------------

    def _match_alike(self, new: Mapping[Call, Comparable]) -> None:
        """Match calls with earlier ones that had the same arguments, the calls that these are results of included."""
        wanted: dict[tuple[str, bytes], Comparable] = {}
        for call in calls_behind([future for one in new for future in one.futures()]):
            one = new.get(call) or self.comparable(call)
            identity = self._identify(one, self._identities_now)
            if call.task.options.keep != "never":
                for out, key in one.outs.items():
                    self._identities_now[key] = _of_out(identity, out)
            if call in new:
                wanted[one.task, identity] = one
        constants = {(one.task, one.constants) for one in wanted.values()}
        found: dict[str, Comparable] = {}
        for task in dict.fromkeys(task for task, _ in wanted):
            alike = [c for c in self._calls_of(task) if (task, c.constants) in constants and self._is_free(c)]
            self._identify_records(key for c in alike for key in (*(k for _, k in c.links), *c.inside))
            generations: dict[bytes, list[Comparable]] = {}
            for earlier in alike:
                identity = self._identify(earlier, self._identities, task)
                if (task, identity) in wanted:
                    generations.setdefault(identity, []).append(earlier)
            for identity, several in generations.items():
                now = wanted[task, identity]
                # That which was given most of the same results, else the newest.
                taken = max(several, key=lambda earlier: self._count_shared(now, earlier))
                found[now.key] = taken
                self.origins.update(
                    (key, taken.outs[out]) for out, key in now.outs.items() if out in taken.outs
                )
        self._take(found)

    def _count_shared(self, now: Comparable, earlier: Comparable) -> int:
        """Return how many of the results that a call is given an earlier one was given too, or that in whose place it is."""
        given = {*(key for _, key in earlier.links), *earlier.inside}
        ours = [*(key for _, key in now.links), *now.inside]
        return sum(key in given or self.origins.get(key) in given for key in ours)

    def is_same_call(self, key: str, earlier: str) -> bool:
        """Say whether an earlier result is that in whose place this one is, or of the same call with other code."""
        if self.origins.get(key, key) == earlier:
            return True
        now = self._identities_now.get(key)
        if now is None:
            return False
        self._identify_records([earlier])
        return now == self._identities.get(earlier)

    def _identify(self, one: Comparable, identities: Mapping[str, bytes], task: str = "") -> bytes:
        """Return what a call is, its code apart: task, constants, and what the results are that it is given."""
        parts: list[bytes] = []
        for name, text in one.constants:
            parts += (name.encode(), text.encode())
        given = [*(key for _, key in one.links), *one.inside]
        known = [identities.get(key) or bytes.fromhex(key) for key in given]
        names = [name.encode() for name, _ in one.links]
        inputs = [*known[: len(names)], *sorted(known[len(names) :])]
        return hash_parts(
            b"call", [(task or one.task).encode(), hash_parts(b"constants", parts), *names, b"", *inputs]
        )

    def _identify_records(self, keys: Iterable[str]) -> None:
        """Identify earlier results, and those that went into them."""
        stack = list(keys)
        self._load(stack)
        names = {old: new for new in self._of_task for old in self._names_of(new)}
        while stack:
            key = stack[-1]
            metadata = self.metadata.get(key)
            above = [] if metadata is None else metadata.parents
            missing = [k for k in above if k not in self._identities and k in self.metadata]
            if metadata is None or key in self._identities:
                stack.pop()
            elif missing:
                stack += missing
            else:
                stack.pop()
                task = names.get(metadata.task, metadata.task)
                one = comparable_record(key, metadata, self._unkeyed.get(task, frozenset()))
                self._identities[key] = _of_out(self._identify(one, self._identities, task), metadata.out)

    def _load(self, keys: Iterable[str]) -> None:
        """Have the metadata of results and of all that went into them at hand."""
        level = set(keys)
        seen: set[str] = set()
        while level:
            seen |= level
            self.metadata.update(self._ledger.metadata_of([key for key in level if key not in self.metadata]))
            above = (self.metadata[key].parents for key in level if key in self.metadata)
            level = {p for parents in above for p in parents if p not in seen and p not in self._identities}


def _of_out(identity: bytes, out: str | None) -> bytes:
    return identity if out is None else hash_parts(b"out", [identity, out.encode()])


def _unkeyed_parameters(calls: Iterable[Call]) -> dict[str, frozenset[str]]:
    tasks = {call.task: task_name(call) for call in calls}
    return {
        name: frozenset(p.name for p in task.signature.parameters if not p.is_keyed)
        for task, name in tasks.items()
    }
