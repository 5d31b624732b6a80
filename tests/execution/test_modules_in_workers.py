"""What code that travels to workers takes from modules which they import themselves is what it was in the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHANGED = {
    "a constant that was set": "helpers.RATE = 5",
    "a file that was edited": "Path('helpers.py').write_text('RATE = 7\\ndef rate(): return RATE\\n')",
}


@pytest.mark.parametrize("task", ["f", "helpers.make(0)"])
@pytest.mark.parametrize("change", CHANGED)
def test_what_a_script_reaches_in_modules_is_what_it_was_there(
    change: str, task: str, tmp_path: Path
) -> None:
    """Functions that travel by value find their modules changed in a worker: they run in the process of the run."""
    (tmp_path / "helpers.py").write_text(
        "from merkl import task\nRATE = 1\ndef rate(): return RATE\ndef make(k):\n    @task\n"
        "    def inner(n: int) -> int:\n        return n * 100 + rate() + k\n    return inner\n"
    )
    (tmp_path / "script.py").write_text(
        "import sys, warnings\nfrom pathlib import Path\nimport helpers\nfrom merkl import evaluate, task\n"
        "@task\ndef f(n: int) -> int:\n    return n * 100 + helpers.rate()\n"
        "if __name__ == '__main__':\n    warnings.simplefilter('ignore')\n"
        f"    {CHANGED[change]}\n    target = int(sys.argv[1]) or None\n"
        f"    print(evaluate([{task}(1), {task}(2)], target=target))\n"
    )
    said = []
    for count, folder in (("0", "here"), ("2", "there")):
        place = tmp_path / folder
        place.mkdir()
        for name in ("script.py", "helpers.py"):
            (place / name).write_text((tmp_path / name).read_text())
        done = subprocess.run(
            [sys.executable, "script.py", count], cwd=place, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1]


BATCHES = """
from __future__ import annotations
import sys
from typing import Any
from merkl import Workspace, batch, evaluate, task

@batch(max_size=2)
def squares(xs: list[int]) -> list[int]:
    print("squares", xs)
    return [x * x for x in xs]

@task
def half(x: int) -> float:
    return x / 2

@batch(half)
def halves(xs: list[int]) -> list[float]:
    print("halves", xs)
    return [x / 2 for x in xs]

@batch
async def waiting(xs: list[int]) -> list[str]:
    print("waiting", xs)
    return [str(x) for x in xs]

@task
def shown(x: Any) -> str:
    return repr(x)

calls = [shown(squares([1, 2, 3])), *squares([3, 4]), *halves([5, 6]), half(6), *waiting([7, 8]), shown(squares([9])[0])]
with Workspace(target=int(sys.argv[1]) or None):
    print(evaluate(calls), file=sys.stderr)
"""


def test_batches_of_a_script_run_on_processes(tmp_path: Path) -> None:
    """They and their items are what they are in the script, and found again by a run in one process."""

    def run(count: int) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "script.py", str(count)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout, done.stderr.splitlines()[-1]

    (tmp_path / "script.py").write_text(BATCHES)
    _, there = run(2)
    ran, here = run(0)
    assert here == there
    assert here == "['[1, 4, 9]', 9, 16, 2.5, 3.0, 3.0, '7', '8', '81']"
    assert ran == ""


HELPERS = """
import functools
RATE = 1
TABLE = [1]
class Scale:
    by = 2
    def times(self, n): return n * self.by
def rate(n): return RATE + n
def total(n): return sum(TABLE) + n
def passed_through(fn):
    @functools.wraps(fn)
    def inner(*args): return fn(*args)
    return inner
"""
USING_HELPERS = """
import sys, warnings
from typing import Any
import helpers
from helpers import TABLE, Scale, rate, total
from merkl import Workspace, batch, evaluate, task
from tasks import applied
@task
def named(n: int) -> int: return len(TABLE) + n
@task
def reached(n: int) -> int: return total(n)
@task
@helpers.passed_through
def decorated(n: int) -> int: return helpers.RATE * n
@task
def scaled(n: int) -> int: return Scale().times(n)
@batch
def batched(ns: list[int]) -> list[int]: return [rate(n) for n in ns]
@task
def given(fn: Any, n: int) -> int: return fn(n)
def own(n): return n + 100
def results():
    calls = [named(1), reached(1), decorated(1), scaled(1), batched([1, 2])]
    calls += [maker(fn, 1) for maker in (given, applied) for fn in (rate, total, Scale().times, lambda n: helpers.rate(n))]
    return evaluate(calls)
def change(number):
    if number == 1: helpers.RATE = 5
    if number == 2: TABLE.append(6)
    if number == 3: Scale.by = 7
    if number == 4: helpers.rate = own
"""


def run_with_helpers(folder: Path, end: str, *args: str) -> str:
    (folder / "helpers.py").write_text(HELPERS)
    (folder / "tasks.py").write_text(
        "from typing import Any\nfrom merkl import task\n"
        "@task\ndef applied(fn: Any, n: int) -> int: return fn(n)\n"
    )
    (folder / "script.py").write_text(USING_HELPERS + end)
    command = [sys.executable, "script.py", *args]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_set_in_modules_at_run_time_counts_in_workers(tmp_path: Path) -> None:
    """Constants, attributes of classes and functions in the place of others, of functions that travel and that are given."""
    end = """
if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for number in range(5):
        change(number)
        with Workspace(f"{sys.argv[1]}{number}", target=int(sys.argv[1]) or None):
            print(results())
"""
    assert run_with_helpers(tmp_path, end, "2") == run_with_helpers(tmp_path, end, "0")


def test_a_script_whose_modules_are_the_same_in_workers_runs_there(tmp_path: Path) -> None:
    """Whatever of a module it names itself, or by which decorator of a module."""
    end = """
if __name__ == "__main__":
    warnings.simplefilter("error")
    with Workspace("cache", target=2):
        print(results())
"""
    assert run_with_helpers(tmp_path, end).startswith("[2, 2, 1, 2, ")
