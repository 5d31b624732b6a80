"""What of a graph a run carries out: all that is wanted, or what was chosen by task, by file, or to be run again."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Sequence
from typing import Any

from merkl._base.errors import SelectionError
from merkl._base.places import shown_path
from merkl.execution.plan import calls_behind
from merkl.graph.building import Stage
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.task import MapTask, Task

__all__ = ["ALL", "Selection"]

#: What `rerun` takes to mean every task.
ALL = "all"


class Selection:
    """What a run was told to do with a graph.

    Args:
        rerun: tasks (by name, or by module and name) whose calls run again although their results are there, or "all".
        until: tasks whose calls are wanted, instead of what the graph gives.
        outputs: files whose writes are wanted, instead of what the graph gives.
        is_frozen: no body may run.
    """

    def __init__(
        self,
        *,
        rerun: Sequence[str] = (),
        until: Sequence[str] = (),
        outputs: Sequence[str | os.PathLike[str]] = (),
        is_frozen: bool = False,
    ) -> None:
        self.rerun = tuple(rerun)
        self.until = tuple(until)
        self.outputs = tuple(os.path.abspath(os.fspath(path)) for path in outputs)
        self.is_frozen = is_frozen
        #: Keys of calls that this run has settled: they are not run once more for another Future of it.
        self._settled: set[bytes] = set()
        self._met: set[str] = set()

    @property
    def is_partial(self) -> bool:
        """Whether something else is wanted than what the graph gives."""
        return bool(self.until or self.outputs)

    def chooses(self, call: Call) -> bool:
        """Say whether a call is to run although its result may be there."""
        if ALL in self.rerun:
            return True
        names = _names_of(call)
        chosen = [name for name in self.rerun if name in names]
        self._met.update(chosen)
        return bool(chosen)

    def has_settled(self, key: bytes) -> bool:
        """Say whether the call of this key has run in this run, or turned out to need no run."""
        return key in self._settled

    def settle(self, calls: Iterable[Call]) -> None:
        """Note calls that have run, or turned out to need no run."""
        if self.rerun:
            self._settled.update(call.key() for call in calls)

    def choose(
        self, wanted: Sequence[Future[Any]], calls: Iterable[Call], *, is_ended: bool = False
    ) -> list[Future[Any]]:
        """Return what is wanted of a graph: of what it gives and the calls that it made.

        Raises `SelectionError` where a task or a file that was chosen is not there, unless the graph `is_ended`: known
        only up to a value that is not there.
        """
        reachable = calls_behind([*wanted, *(future for call in calls for future in call.futures())])
        if not is_ended:
            self._require_tasks(reachable)
        if not self.is_partial:
            return list(wanted)
        chosen = [f for call in reachable if _names_of(call) & set(self.until) for f in _certain(call)]
        chosen = list({future.__merkl_key__(): future for future in chosen}.values())
        writes = [write for call in reachable for write in call.writes]
        if not is_ended:
            _require_files(self.outputs, [write.path for write in writes])
        return chosen + [write.future for write in writes if write.path in self.outputs]

    def choose_stages(self, stages: Iterable[Stage], wanted: Sequence[Future[Any]]) -> list[Stage]:
        """Return the stages without what is not needed for the wanted Futures."""
        needed = {call.key() for call in calls_behind(wanted)}
        kept = (Stage([f for f in stage.futures if f._call.key() in needed], stage.floor) for stage in stages)
        return [stage for stage in kept if stage.futures]

    def _require_tasks(self, calls: Sequence[Call]) -> None:
        known = {name for call in calls for name in _names_of(call)}
        for name in (*self.until, *self.rerun):
            if name not in known and name not in self._met and name != ALL:
                short = sorted({call.task.name for call in calls})
                close = difflib.get_close_matches(name, sorted(known), 1)
                said = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(short) or 'none'}"
                raise SelectionError(f"no call of a task {name!r} is made here; {said}")


def _certain(call: Call) -> list[Future[Any]]:
    """Return the Futures of a call that have a value whenever it has run."""
    optional = getattr(call.outs, "optional", ())
    return [future for future in call.futures() if future.out not in optional] or call.futures()[:1]


def _names_of(call: Call) -> set[str]:
    names = _names_of_task(call.task)
    return names | _names_of_task(call.batch.task) if call.batch is not None else names


def _names_of_task(task: Task[..., Any, Any]) -> set[str]:
    # A map over a list that is not known yet makes its calls when it runs.
    inner = task.inner if isinstance(task, MapTask) else task
    return {inner.name, inner.name.rpartition(".")[2], f"{inner.__module__}.{inner.name}"}


def _require_files(paths: Sequence[str], known: Sequence[str]) -> None:
    for path in paths:
        if path not in known:
            shown = list(dict.fromkeys(map(shown_path, known)))
            close = difflib.get_close_matches(shown_path(path), shown, 1)
            said = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(shown) or 'none'}"
            raise SelectionError(f"nothing is written to {shown_path(path)!r} here; {said}")
