"""Calls on Dask: scheduler and workers are processes of their own in folders of their own, the cache is a bucket."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from dask_cluster import Cluster, configure, run
from project import Project
from seaweed import KEYS

FLOWS = """
    import itertools, os, time
    from collections.abc import Iterator
    from pathlib import Path
    from merkl import task, interruptible

    @task
    def where(x: int) -> str:
        time.sleep(0.1)
        return os.getcwd()

    @task
    def add(a: int, b: int) -> int:
        return a + b

    @task
    def text(n: int) -> str:
        return "x" * n

    @task
    def length(value: str) -> int:
        return len(value)

    @task
    def distinct(xs: list[str]) -> int:
        return len(set(xs))

    @task
    def numbers(n: int) -> list[int]:
        return list(range(n))

    @task
    def square(x: int) -> int:
        print("squaring", x)
        return x * x

    @task
    def total(xs: list[int]) -> int:
        return sum(xs)

    @task
    def slow(shared: str, x: int) -> int:
        marker = Path(shared) / f"running{x}"
        is_first = not marker.exists()
        marker.write_text(str(os.getpid()))
        if is_first:
            time.sleep(60)
        return x

    @task
    def nap(shared: str) -> int:
        Path(shared, "napping").write_text("")
        for _ in range(1200):
            time.sleep(0.05)
        return 1

    @task
    def looping(shared: str) -> int:
        seen = 0
        for _ in interruptible(itertools.count()):
            seen += 1
            Path(shared, "looping").write_text("")
            time.sleep(0.01)
        return seen

    @task
    def positive(n: int) -> bool:
        return n > 0

    @task
    def fail(x: int) -> int:
        print("it is", x)
        raise ValueError(f"no {x}")

    @task
    def heavy(shared: str) -> Iterator[bytes]:
        def pieces():
            Path(shared, "storing").write_text("")
            time.sleep(2)
            yield b"all"
        return pieces()

    def stores(shared: str):
        return heavy(shared)

    def main():
        return distinct([where(i) for i in range(6)]), add(add(1, 2), add(3, 4)), length(text(200_000))

    def spread():
        return total(square.map(numbers(10)))

    def dies(shared: str):
        return add(slow(shared, 1), 1)

    def partly(shared: str):
        return add(square(3), slow(shared, 2))

    def loops(shared: str):
        return positive(looping(shared))

    def naps(shared: str):
        return add(nap(shared), 1)

    def fails():
        return add(fail(1), 2)
"""

SCRIPT = """
    from dataclasses import dataclass
    from merkl import evaluate, task

    print("the script runs")

    @dataclass
    class Pair:
        a: int
        b: int

    @task
    def make(a: int, b: int) -> Pair:
        return Pair(a, b)

    @task
    def mirror(pair: Pair) -> Pair:
        return Pair(pair.b, pair.a)

    made = make(1, 2)
    evaluate(made)
    mirrored = evaluate(mirror(made), target="far")
    print(type(mirrored) is Pair, mirrored)
"""


@pytest.fixture
def dask(
    project: Project, s3: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    """A cluster without workers yet, and a project whose cache is a bucket."""
    url, options = s3
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS["secret_access_key"])
    cluster = Cluster(project)
    project.write("flows_on_dask.py", FLOWS)
    configure(project, f"{url}?endpoint={options['endpoint']}&region=us-east-1", cluster.address)
    try:
        yield cluster
    finally:
        cluster.close()


def test_calls_run_on_both_workers_and_results_are_shared(dask: Cluster) -> None:
    dask.add_worker("one")
    dask.add_worker("two")
    done = run(dask, "flows_on_dask.main")
    assert done.stdout == "(2, 10, 200000)\n", done.stderr
    assert "12 run" in done.stderr
    here = dask.project.merkl("run", "flows_on_dask.main")
    assert here.stdout == "(2, 10, 200000)\n"
    assert " 0 run, 12 cached" in here.stderr
    spread = run(dask, "flows_on_dask.spread")
    assert spread.stdout == "285\n", spread.stderr
    printed = [line for line in spread.stderr.splitlines() if "squaring" in line]
    assert sorted(printed) == [f"square | squaring {n}" for n in range(10)]
    assert "squaring 7" in dask.project.merkl("log", "square", "--output").stdout


def test_a_scripts_classes_are_known_to_workers_which_do_not_run_it(dask: Cluster) -> None:
    """What was stored where the script runs is read there as it is."""
    dask.add_worker("one", path=dask.project.folder)
    dask.project.write("script_on_dask.py", SCRIPT)
    done = dask.project.python("-W", "error", "script_on_dask.py")
    assert done.stdout == "the script runs\nTrue Pair(a=2, b=1)\n", done.stderr
    log = dask.project.folder / "worker1.log"
    assert "Start worker" in log.read_text()
    assert "the script runs" not in log.read_text()


def test_a_failure_names_the_call_and_shows_the_traceback(dask: Cluster) -> None:
    dask.add_worker("one")
    done = run(dask, "flows_on_dask.fails")
    assert done.returncode == 1
    assert "task 'fail' failed: ValueError: no 1" in done.stderr
    assert 'raise ValueError(f"no {x}")' in done.stderr
    assert done.stderr.splitlines().count("fail | it is 1") == 1
    assert "it is 1" in dask.project.merkl("log", "fail", "--output").stdout


def test_a_worker_that_is_killed_in_a_call_costs_nothing_but_time(dask: Cluster) -> None:
    dask.add_worker("one")
    dask.add_worker("two")
    shared = str(dask.project.folder)
    running = dask.project.start_and_wait(
        "run", "--target", "far", "flows_on_dask.dies", shared, until="running1"
    )
    time.sleep(0.2)
    os.kill(int((dask.project.folder / "running1").read_text()), signal.SIGKILL)
    out, error = running.communicate(timeout=60)
    assert out == "2\n", error


def _signal(dask: Cluster, number: signal.Signals, flow: str, *, until: str) -> tuple[int, str, str]:
    """Start a run with one worker, signal it once it has made a file of that name; return its code and what it printed."""
    dask.add_worker("one")
    running = dask.project.start_and_wait(
        "run", "--target", "far", flow, str(dask.project.folder), until=until
    )
    running.send_signal(number)
    out, error = running.communicate(timeout=60)
    return running.returncode, out, error


@pytest.mark.parametrize(
    ("number", "code", "printed"), [(signal.SIGINT, 0, "True\n"), (signal.SIGTERM, 143, "")]
)
def test_a_signal_ends_loops_on_workers(
    dask: Cluster, number: signal.Signals, code: int, printed: str
) -> None:
    """After Ctrl-C the run goes on with what they have."""
    code_of_run, out, error = _signal(dask, number, "flows_on_dask.loops", until="looping")
    assert (code_of_run, out) == (code, printed), error
    assert "Traceback" not in error


def test_what_depends_on_an_interrupted_call_was_not_interrupted_itself(dask: Cluster) -> None:
    """Dask hands it to a worker, which finds that there is nothing to begin with."""
    code, _, error = _signal(dask, signal.SIGINT, "flows_on_dask.naps", until="napping")
    assert code == 130
    assert [line.split()[2] for line in error.splitlines() if "merkl: interrupted " in line] == ["nap"], error


def test_ctrl_c_waits_while_a_worker_stores_a_result(dask: Cluster) -> None:
    """No body runs that could take it, and what is computed is not lost: the run ends when it is in the cache."""
    code, _, error = _signal(dask, signal.SIGINT, "flows_on_dask.stores", until="storing")
    assert (code, "merkl: 1 call: 1 run" in error) == (130, True), error
    shared = str(dask.project.folder)
    assert dask.project.merkl("run", "--frozen", "flows_on_dask.stores", shared).returncode == 0


def test_a_scheduler_that_goes_is_a_clear_error_and_finished_work_is_kept(dask: Cluster) -> None:
    dask.add_worker("one")
    shared = str(dask.project.folder)
    running = dask.project.start_and_wait(
        "run", "--target", "far", "flows_on_dask.partly", shared, until="running2"
    )
    dask.scheduler.kill()
    _, error = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "the Dask scheduler" in error
    assert "is gone" in error
    assert "Traceback" not in error
    again = dask.project.merkl("run", "flows_on_dask.partly", shared)
    assert again.stdout == "11\n"
    assert "1 cached" in again.stderr


def test_a_worker_without_the_code_is_a_clear_error(dask: Cluster) -> None:
    (dask.project.folder / "empty").mkdir()
    dask.add_worker("one", path=dask.project.folder / "empty")
    done = run(dask, "flows_on_dask.main")
    assert done.returncode == 1
    said = r"error: a worker \(in \S+/one on .*\) cannot import what a call needs: No module named 'flows_on_dask'"
    assert re.search(said, done.stderr), done.stderr


def test_a_worker_with_other_code_is_refused(dask: Cluster) -> None:
    """Its results would be kept under the keys of the code here."""
    dask.project.write("other/flows_on_dask.py", FLOWS.replace("a + b", "a - b"))
    dask.add_worker("one", path=dask.project.folder / "other")
    done = run(dask, "flows_on_dask.main")
    assert done.returncode == 1
    assert "has other code than this process" in done.stderr


def test_a_cache_that_is_not_shared_is_refused_at_the_start(dask: Cluster) -> None:
    dask.add_worker("one")
    configure(dask.project, "memory:", dask.address)
    done = run(dask, "flows_on_dask.main")
    assert done.returncode == 1
    assert "cache of " in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_where_nobody_is_says_so(project: Project) -> None:
    project.write("flows_on_dask.py", FLOWS)
    configure(project, ".cache", "tcp://127.0.0.1:9")
    done = project.merkl("run", "--target", "far", "flows_on_dask.main")
    assert done.returncode == 1
    assert "there is no Dask scheduler at tcp://127.0.0.1:9" in done.stderr
