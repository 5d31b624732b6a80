"""What a run did: counts, and the calls behind them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable

from merkl._base.errors import WouldRunError
from merkl.execution.events import Observer, Status
from merkl.execution.plan import Plan
from merkl.graph.call import Call
from merkl.graph.kept import SHORT, RecalledCall

__all__ = ["RunReport"]


class RunReport(Observer):
    """The calls of a run by what became of them; `calls` is the sum.

    Ancestors of a cached call count as cached, although nobody looked at them.
    """

    def __init__(self) -> None:
        self.started = time.perf_counter()
        #: Off from when a function begins to make calls until it has made them all.
        self.is_built = True
        #: What ended the run early.
        self.error: BaseException | None = None
        self.run: set[Call] = set()
        self.linked: set[Call] = set()
        self.failed: set[Call] = set()
        self.interrupted: set[Call] = set()
        self.skipped: set[Call] = set()
        #: Calls whose bodies run now.
        self.running: set[Call] = set()
        #: What the failed calls raised, in the order in which they did.
        self.failures: list[BaseException] = []
        self._found: set[Call] = set()

        self._by_status = {
            "run": self.run,
            "linked": self.linked,
            "failed": self.failed,
            "interrupted": self.interrupted,
            "skipped": self.skipped,
        }

    def plan_made(self, plan: Plan) -> None:
        """Note the calls whose results were in the cache."""
        self._found.update(plan.found)

    def call_started(self, call: Call) -> None:
        """Note that its body runs."""
        self.running.add(call)

    def call_ended(
        self, call: Call, status: Status, duration: float = 0.0, error: BaseException | None = None
    ) -> None:
        """Note what became of a call."""
        self.running.discard(call)
        self._by_status[status].add(call)
        if status == "run":  # computed again, as what was found turned out to be lost
            self.linked.discard(call)
        # Told of each item of a batch, it is one failure.
        if error is not None and not (self.failures and self.failures[-1] is error):
            self.failures.append(error)

    def run_ended(self, error: BaseException | None = None) -> None:
        """Note what ended the run early."""
        self.error = error

    @property
    def cached(self) -> set[Call]:
        """The calls that were found in the cache, and all their ancestors that had to do nothing."""
        seen = set(self._found)
        stack = list(self._found)
        while stack:
            for future in stack.pop().known_inputs():
                parent = future._call
                if parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
        done = self.run | self.linked | self.failed | self.interrupted | self.skipped
        by_key = {call.key(): call for call in seen}
        for call in done:
            by_key.pop(call.key(), None)
        return set(by_key.values())

    def _hidden(self, known: Iterable[Call]) -> int:
        """Return how many calls are not known, as they are behind those that pipelines gave without running their bodies."""
        graphs = {
            call.graph for call in self._found if isinstance(call, RecalledCall) and call.graph is not None
        }
        hidden = [graph.hidden_keys() for graph in graphs if not graph.is_rebuilt]
        return len(set().union(*hidden).difference(call.key()[:SHORT] for call in known)) if hidden else 0

    def counts(self) -> dict[str, int | float]:
        """Return the figures of the summary line and of `--json`."""
        cached = self.cached
        known = itertools.chain(cached, *self._by_status.values())
        counts: dict[str, int | float] = {
            "run": len(self.run),
            "cached": len(cached) + self._hidden(known),
            "linked": len(self.linked),
            "failed": len(self.failed),
            "interrupted": len(self.interrupted),
            "skipped": len(self.skipped),
        }
        return {
            "calls": sum(counts.values()),
            **counts,
            "seconds": round(time.perf_counter() - self.started, 3),
        }

    def quick_counts(self) -> dict[str, int]:
        """Return the figures without the ancestors of cached calls, at a cost that does not grow with the graph."""
        ran, linked, failed, interrupted = map(len, (self.run, self.linked, self.failed, self.interrupted))
        cached = len(self._found - self.run)
        total = ran + linked + failed + interrupted + cached
        names = ("calls", "run", "cached", "linked", "failed", "interrupted")
        return dict(zip(names, (total, ran, cached, linked, failed, interrupted), strict=True))

    def summary(self) -> str:
        """Return the one line that ends a run; rare figures appear when they are not zero."""
        counts = self.counts()
        words = [f"{counts['run']} run", f"{counts['cached']} cached"]
        words += [f"{counts[name]} {name}" for name in ("linked", "interrupted", "skipped") if counts[name]]
        words.append(f"{counts['failed']} failed")
        calls = counts["calls"]
        # A run may fail although no call did; of one that may run nothing the error says all.
        is_whole = self.is_built or isinstance(self.error, WouldRunError)
        ended = "" if is_whole else "the graph was not built to its end; "
        figures = f"{calls} call{'' if calls == 1 else 's'}: {', '.join(words)}"
        return f"merkl: {ended}{figures} in {counts['seconds']:.1f} s"
