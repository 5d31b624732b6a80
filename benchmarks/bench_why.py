"""How long `merkl why` takes over 10,000 calls that would run: a helper was edited, an argument changed, an item is new.

Seconds of the processor, so that other work of the machine counts little. The floor is what no explanation can do without, in
the same process: to make the graph and look for its results, and to read what the ledger has of as many results.

Run: python benchmarks/bench_why.py [calls]. Each row is a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

_FLOW = """
from dataclasses import dataclass

from merkl import Future, task


@dataclass(frozen=True)
class Setting:
    rate: float
    names: tuple[str, ...] = ("a", "b")


def helper(x: float) -> float:
    return x * 2.0


@task
def prepare(n: int, setting: Setting) -> float:
    return helper(n * setting.rate)


@task
def fit(x: float, depth: int = 3) -> float:
    return x + depth


@task
def gather(scores: list[float]) -> float:
    return sum(scores)


def main(count: int, rate: float = 0.5) -> Future[float]:
    return gather([fit(prepare(n, Setting(rate))) for n in range(count)])
"""

_MEASURE = """
import functools, sys, time
import flow
from merkl import Workspace
from merkl.cli.why import explain_function
from merkl.render.why_text import format_why

count, rate = int(sys.argv[1]), float(sys.argv[2])
make = functools.partial(flow.main, count, rate)
workspace = Workspace(".")
workspace.writes_log = False
start = time.process_time()
with workspace:
    program, plan, _ = workspace.plan(make)
graph = time.process_time()
rows = workspace.ledger.metadata_of([key for key, _ in workspace.ledger.log(limit=2 * count + 1)])
read = time.process_time()
workspace.close()
workspace = Workspace(".")
workspace.writes_log = False
begin = time.process_time()
text = format_why(explain_function(workspace, "flow.main", make))
end = time.process_time()
workspace.close()
print(graph - start, read - graph, end - begin, len(rows))
print(text.splitlines()[0], file=sys.stderr)
"""


def run(folder: Path, *words: str) -> str:
    """Run Python in the project and return what it printed."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def main(calls: int = 10_000) -> None:
    count = calls // 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text("[tool.merkl]\n")
        flow = folder / "flow.py"
        flow.write_text(_FLOW)
        run(folder, "-m", "merkl", "run", "--quiet", "flow.main", str(count))
        edited = _FLOW.replace("x * 2.0", "x * 2.5")
        print(f"{'':<24} {'graph':>7} {'ledger':>7} {'why':>7}   of the floor")
        for title, text, number, rate in (
            ("nothing changed", _FLOW, count, 0.5),
            ("a helper was edited", edited, count, 0.5),
            ("an argument changed", _FLOW, count, 0.25),
            ("both", edited, count, 0.25),
            ("one item is new", _FLOW, count + 1, 0.5),
        ):
            flow.write_text(text)
            graph, ledger, why, _ = map(float, run(folder, "-c", _MEASURE, str(number), str(rate)).split())
            print(f"{title:<24} {graph:>6.2f}s {ledger:>6.2f}s {why:>6.2f}s   {why / (graph + ledger):.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
