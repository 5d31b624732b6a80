"""Bodies on Dask workers: time limits, Ctrl-C, coroutines, batches, resources, and how many workers are used."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dask_cluster import Cluster, configure
from distributed import Client
from project import Project

from merkl import TargetError, TaskFailedError, Workspace, evaluate
from merkl._base.tracebacks import traceback_of_body
from merkl.execution.targets.dask import DaskTarget

FLOWS = """
    import asyncio, itertools, os, time
    from pathlib import Path
    from merkl import bash_task, batch, call_seed, interruptible, stdout_arg, task

    @task(timeout=0.2)
    def hang(x: int) -> int:
        while True:
            time.sleep(0.01)

    @task(timeout=0.2, retries=1)
    def hang_once(marker: str) -> int:
        if Path(marker).exists():
            return 1
        Path(marker).write_text("")
        while True:
            time.sleep(0.01)

    @task(timeout=0.2)
    async def hang_waiting(x: int) -> int:
        await asyncio.sleep(60)
        return x

    @task
    def fails(n: int) -> int:
        raise ValueError("on purpose")

    @task
    def when_told(shared: str) -> int:
        while not Path(shared, "go").exists():
            time.sleep(0.01)
        return 1

    @task
    def after_that(shared: str, x: int) -> int:
        Path(shared, "after").write_text("")
        time.sleep(1)
        return x

    @task
    def moves(n: int) -> str:
        begun = os.getcwd()
        os.chdir("/")
        return begun

    @task
    def stubborn(shared: str, x: int) -> int:
        Path(shared, f"begun{x}").write_text("")
        done = 0
        try:
            while True:
                time.sleep(0.01)
                done += 1
        except KeyboardInterrupt:
            return done

    @task
    def deaf(shared: str, x: int) -> int:
        Path(shared, f"begun{x}").write_text("")
        while not Path(shared, "heard enough").exists():
            try:
                time.sleep(0.01)
            except KeyboardInterrupt:
                Path(shared, f"pressed{x}").write_text("")
        return x

    @task
    def plain(shared: str, x: int) -> int:
        Path(shared, f"begun{x}").write_text("")
        while True:
            time.sleep(0.01)

    @task
    async def waiting(shared: str, x: int) -> int:
        Path(shared, f"begun{x}").write_text("")
        await asyncio.sleep(60)
        return x

    @task
    def positive(n: int) -> bool:
        return n >= 0

    @task
    async def mixed(x: int, others: list[int]) -> int:
        await asyncio.sleep(0)
        return hash((x, tuple(others), call_seed())) % 2**40

    @task
    def square(x: int) -> int:
        return x * x

    @task
    async def doubled(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    @batch(doubled, max_size=2)
    async def all_doubled(xs: list[int]) -> list[int]:
        await asyncio.sleep(0.01)
        return [2 * x for x in xs]

    @batch
    async def marked(words: list[str], end: str = "!") -> list[str]:
        await asyncio.sleep(0.01)
        return [word + end for word in words]

    @batch(square, max_size=4)
    def squares(xs: list[int]) -> list[int]:
        print("a batch of", len(xs))
        return [x * x for x in xs]

    @task
    def numbers(n: int) -> list[int]:
        return list(range(n))

    @task
    def total(xs: list[int]) -> int:
        return sum(xs)

    @task(resources={"gpu": 1, "cpu": 3})
    def on_gpu(x: int, log: str) -> int:
        with open(log, "a") as file:
            file.write("(")
            file.flush()
            time.sleep(0.05)
            file.write(")")
        return x

    @task(resources={"licence": 1})
    def licensed(x: int) -> int:
        return x

    @task(resources={"memory": "4GB"})
    def large(x: int) -> int:
        return x

    @task(resources={"memory": "8GB"})
    def too_large(x: int) -> int:
        return x

    @task
    def until(shared: str, x: int) -> int:
        Path(shared, f"begun-{x}-{time.monotonic_ns()}").write_text("")
        while not Path(shared, "go").exists():
            time.sleep(0.02)
        return x

    @task
    def where(x: int) -> str:
        time.sleep(0.1)
        return os.getcwd()

    @task
    def distinct(xs: list[str]) -> int:
        return len(set(xs))

    sleep = bash_task(f"echo begun > {'begun-shell'}; sleep 60; echo {stdout_arg(str)}", timeout=0.3)

    def partly(shared: str): return positive(stubborn(shared, 0))
    def stops(shared: str): return square(3), plain(shared, 0)
    def stops_waiting(shared: str): return waiting(shared, 0)
    def goes_on(shared: str): return deaf(shared, 0)
    def waits(shared: str): return square(until(shared, 7))
    def fills(shared: str): return [until(shared, x) for x in range(5)]
    def graph():
        made = []
        for x in range(12):
            made.append(mixed(x, made[-3:]))
        return made
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers, of which one has four threads, eight processors and a GPU."""
    folder = tmp_path_factory.mktemp("dask")
    project = Project(folder)
    project.write("bodies_on_dask.py", FLOWS)
    started = Cluster(project)
    started.add_worker("one")
    started.add_worker("two", "--resources", "GPU=1 CPU=8 MEMORY=6e9", threads=4)
    try:
        yield started
    finally:
        started.close()


@pytest.fixture
def dask(cluster: Cluster, tmp_path: Path) -> Cluster:
    """The cluster, with an empty cache."""
    for left in (*cluster.project.folder.glob("begun*"), *cluster.project.folder.glob("go")):
        left.unlink()
    configure(cluster.project, str(tmp_path / "cache"), cluster.address)
    return cluster


@pytest.fixture
def flows(dask: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module with the tasks, in a workspace of this process that runs on the cluster."""
    monkeypatch.syspath_prepend(str(dask.project.folder))
    with Workspace(dask.project.folder, target="far"):
        yield importlib.import_module("bodies_on_dask")


@pytest.mark.parametrize("name", ["hang", "hang_waiting"])
def test_a_time_limit_ends_the_body_and_not_the_worker(flows: Any, name: str) -> None:
    """And its traceback shows where the body was then."""
    with pytest.raises(
        TaskFailedError, match=r"TimeoutError: it ran for more than 0\.2 seconds and was ended"
    ) as raised:
        getattr(flows, name)(1).eval()
    shown = traceback_of_body(raised.value)
    assert f"in {name}\n" in shown
    assert "sleep(" in shown
    assert f"{os.sep}merkl{os.sep}" not in shown
    assert flows.square(3).eval() == 9


def test_a_body_begins_where_the_worker_did_whatever_others_make_of_that(flows: Any) -> None:
    found = evaluate([flows.moves(n) for n in range(4)])
    assert "/" not in found


def test_what_is_done_and_not_read_yet_when_a_run_stops_takes_nothing_along(
    flows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask cancels with a call those that depend on it, which may run: that is no scheduler that is gone."""
    poll = DaskTarget.poll

    def poll_slowly(self: DaskTarget, timeout: float) -> Any:
        replies = poll(self, timeout)
        if replies and not (tmp_path / "go").exists():
            (tmp_path / "go").write_text("")
            deadline = time.monotonic() + 20
            while not (tmp_path / "after").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
        return replies

    monkeypatch.setattr(DaskTarget, "poll", poll_slowly)
    with pytest.raises(TaskFailedError, match="on purpose"):
        evaluate([flows.fails(1), flows.after_that(str(tmp_path), flows.when_told(str(tmp_path)))])
    assert (tmp_path / "after").exists()
    assert flows.after_that(str(tmp_path), flows.when_told(str(tmp_path))).in_cache()


def test_a_shell_task_is_ended_too(flows: Any) -> None:
    with pytest.raises(TaskFailedError, match=r"0\.3 s"):
        flows.sleep().eval()


def test_what_ran_too_long_is_tried_again(flows: Any, tmp_path: Path) -> None:
    assert flows.hang_once(str(tmp_path / "once")).eval() == 1


def test_ctrl_c_reaches_a_plain_body_and_what_it_returns_is_used(dask: Cluster) -> None:
    running = dask.project.start_and_wait(
        "run", "--target", "far", "bodies_on_dask.partly", str(dask.project.folder), until="begun0"
    )
    running.send_signal(signal.SIGINT)
    out, error = running.communicate(timeout=60)
    assert (running.returncode, out) == (0, "True\n"), error
    assert "1 interrupted" in error


@pytest.mark.parametrize("flow", ["stops", "stops_waiting"])
def test_a_body_that_does_not_catch_it_ends_the_run(dask: Cluster, flow: str) -> None:
    running = dask.project.start_and_wait(
        "run", "--target", "far", f"bodies_on_dask.{flow}", str(dask.project.folder), until="begun0"
    )
    running.send_signal(signal.SIGINT)
    _, error = running.communicate(timeout=60)
    assert running.returncode == 130, error
    assert "Traceback" not in error


def test_a_second_one_ends_the_run_at_once_and_what_ran_counts_as_interrupted(dask: Cluster) -> None:
    running = _start(dask, "goes_on", 1)
    running.send_signal(signal.SIGINT)
    deadline = time.monotonic() + 30
    while not (dask.project.folder / "pressed0").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    out, error = running.communicate(timeout=60)
    (dask.project.folder / "heard enough").write_text("")
    assert (running.returncode, out) == (130, ""), error
    assert "merkl: 1 call: 0 run, 0 cached, 1 interrupted, 0 failed" in error
    assert "Traceback" not in error


def test_batches_that_are_coroutines(flows: Any) -> None:
    """Their items have the keys of single calls, and a batch alone has calls of its own."""
    assert evaluate([flows.all_doubled([1, 2, 3]), flows.marked(["a", "b"], end="?")]) == [
        [2, 4, 6],
        ["a?", "b?"],
    ]
    assert flows.doubled(3).in_cache()


def test_batches_and_maps(flows: Any) -> None:
    assert evaluate(
        [flows.total(flows.squares(list(range(10)))), flows.total(flows.square.map(flows.numbers(10)))]
    ) == [
        285,
        285,
    ]
    assert flows.square(9).in_cache()


def test_coroutines_give_what_they_give_here(flows: Any, tmp_path: Path) -> None:
    there = evaluate(flows.graph())
    with Workspace(tmp_path / "here"):
        assert evaluate(flows.graph()) == there


def test_resources_are_those_that_workers_declare(flows: Any, tmp_path: Path) -> None:
    """One GPU: one call at a time, although its worker has four threads."""
    log = tmp_path / "log"
    assert evaluate([flows.on_gpu(i, str(log)) for i in range(4)]) == [0, 1, 2, 3]
    assert log.read_text() == "()" * 4


def test_a_resource_that_no_worker_declares_is_an_error(flows: Any) -> None:
    with pytest.raises(TargetError, match="it wants licence, and no Dask worker declares it"):
        flows.licensed(1).eval()


def test_memory_is_asked_for_in_bytes_and_more_than_any_worker_has_is_an_error(flows: Any) -> None:
    assert flows.large(1).eval() == 1
    with pytest.raises(
        TargetError, match=r"wants MEMORY=8e\+09, and no Dask worker declares more than 6e\+09"
    ):
        flows.too_large(2).eval()  # equal code: (1) is in the cache


def _start(dask: Cluster, flow: str, number: int) -> subprocess.Popen[str]:
    """Start a run on the cluster, and return it when so many of its bodies have begun."""
    folder = dask.project.folder
    command = [sys.executable, "-m", "merkl", "run", "--target", "far", f"bodies_on_dask.{flow}", str(folder)]
    running = subprocess.Popen(
        command,
        cwd=folder,
        env=dask.project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _wait_for(dask, number, running)
    return running


def _wait_for(dask: Cluster, number: int, running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while len(list(dask.project.folder.glob("begun*"))) < number and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running.poll() is None


def _wait_for_runs(dask: Cluster, number: int) -> None:
    """Wait until so many runs want something of the scheduler."""

    def count(dask_scheduler: Any) -> int:
        return sum(bool(client.wants_what) for client in dask_scheduler.clients.values())

    deadline = time.monotonic() + 60
    with Client(dask.address, set_as_default=False) as client:
        while client.run_on_scheduler(count) < number and time.monotonic() < deadline:
            time.sleep(0.1)


def test_ctrl_c_in_one_run_is_none_in_another_that_waits_for_the_same_call(dask: Cluster) -> None:
    """Dask computes the call once for both, until one of them is stopped."""
    one = _start(dask, "waits", 1)
    other = _start(dask, "waits", 1)
    _wait_for_runs(dask, 2)
    one.send_signal(signal.SIGINT)
    _, error = one.communicate(timeout=60)
    assert one.returncode == 130, error
    _wait_for(dask, 2, other)
    (dask.project.folder / "go").write_text("")
    out, error = other.communicate(timeout=60)
    assert (other.returncode, out) == (0, "49\n"), error


def test_ctrl_c_ends_a_run_whose_calls_all_wait_for_a_worker(dask: Cluster) -> None:
    one = _start(dask, "fills", 5)
    other = _start(dask, "waits", 5)
    _wait_for_runs(dask, 2)
    other.send_signal(signal.SIGINT)
    _, error = other.communicate(timeout=60)
    assert (other.returncode, "Traceback" in error) == (130, False), error
    (dask.project.folder / "go").write_text("")
    out, error = one.communicate(timeout=60)
    assert (one.returncode, out) == (0, "[0, 1, 2, 3, 4]\n"), error
    assert not list(dask.project.folder.glob("begun-7-*"))


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_workers_are_used_than_the_target_says(
    flows: Any, dask: Cluster, tmp_path: Path, most: int
) -> None:
    configure(dask.project, str(tmp_path / "other"), dask.address, f"max_workers = {most}")
    with Workspace(dask.project.folder, target="far"):
        assert evaluate(flows.distinct([flows.where(i) for i in range(4)])) == most
