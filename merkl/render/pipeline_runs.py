"""The runs of one pipeline among all that the ledger has."""

from __future__ import annotations

import re

from merkl.cache import Ledger, Run

__all__ = ["find_episodes", "script_of"]

#: How many of the latest runs are looked through for those of a pipeline, and how many of these count.
_MOST_RUNS = 500
_MOST_OF_PIPELINE = 20


def find_episodes(ledger: Ledger, pipeline: str, current: str) -> list[list[Run]]:
    """Return the runs of a pipeline, newest first: each that was done with those after it that were not.

    What its file evaluated as a script (`python flow.py`) counts as a run of each pipeline in it.
    """
    found: list[list[Run]] = [[]]
    if not pipeline:
        return []
    count = 0
    name = _name_parts(pipeline)
    for run in ledger.runs(limit=_MOST_RUNS):
        # The command is as it was typed: options may stand before the name.
        is_of_pipeline = (
            name in map(_name_parts, run.command[2:])
            if run.command[:2] == ("merkl", "run")
            else _script_name(run) in name[:-1]
        )
        if run.id != current and is_of_pipeline and count < _MOST_OF_PIPELINE:
            count += 1
            found[-1].append(run)
            if run.status == "done":
                found.append([])
    return [episode for episode in found if episode]


def script_of(episodes: list[list[Run]], pipeline: str) -> str:
    """Return the name of the file that some of these runs of a pipeline were run from as a script, "" where none was."""
    scripts = {
        _script_name(run) for episode in episodes for run in episode if run.command[:2] != ("merkl", "run")
    }
    return next((name for name in _name_parts(pipeline)[:-1] if name in scripts), "")


def _script_name(run: Run) -> str:
    return run.command[1].removesuffix(".py") if len(run.command) > 1 else ""


def _name_parts(name: str) -> list[str]:
    """Return what tells a function from others, however its module is named: `pkg.flow.main`, `src/pkg/flow.py:main`."""
    return [part for part in re.split(r"[.:/\\]", name) if part and part != "py"][-2:]
