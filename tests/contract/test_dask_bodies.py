"""Bodies on Dask workers: time limits, Ctrl-C, coroutines, batches, resources, and how many workers are used."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_cluster import Cluster, configure, run
from project import Project

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

    @task
    def where(x: int) -> str:
        time.sleep(0.1)
        return os.getcwd()

    @task
    def distinct(xs: list[str]) -> int:
        return len(set(xs))

    sleep = bash_task(f"echo begun > {'begun-shell'}; sleep 60; echo {stdout_arg(str)}", timeout=0.3)

    def hangs(): return hang(1)
    def hangs_once(shared: str): return hang_once(shared + "/once")
    def hangs_waiting(): return hang_waiting(1)
    def hangs_in_shell(): return sleep()
    def partly(shared: str): return positive(stubborn(shared, 0))
    def stops(shared: str): return square(3), plain(shared, 0)
    def stops_waiting(shared: str): return waiting(shared, 0)
    def batches(): return total(squares(list(range(10)))), total(square.map(numbers(10)))
    def gpus(shared: str): return [on_gpu(i, shared + "/gpus") for i in range(4)]
    def licences(): return licensed(1)
    def places(): return distinct([where(i) for i in range(4)])

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
    started.add_worker("two", "--resources", "GPU=1 CPU=8", threads=4)
    try:
        yield started
    finally:
        started.close()


@pytest.fixture
def dask(cluster: Cluster, tmp_path: Path) -> Cluster:
    """The cluster, with an empty cache."""
    for left in cluster.project.folder.glob("begun*"):
        left.unlink()
    configure(cluster.project, str(tmp_path / "cache"), cluster.address)
    return cluster


@pytest.mark.parametrize("flow", ["hangs", "hangs_waiting"])
def test_a_time_limit_ends_the_body_and_not_the_worker(dask: Cluster, flow: str) -> None:
    done = run(dask, f"bodies_on_dask.{flow}")
    assert done.returncode == 1
    assert "TimeoutError: it ran for more than 0.2 seconds and was ended" in done.stderr
    assert run(dask, "bodies_on_dask.batches").returncode == 0


def test_a_shell_task_is_ended_too(dask: Cluster) -> None:
    done = run(dask, "bodies_on_dask.hangs_in_shell")
    assert done.returncode == 1
    assert "0.3 s" in done.stderr


def test_what_ran_too_long_is_tried_again(dask: Cluster, tmp_path: Path) -> None:
    assert run(dask, "bodies_on_dask.hangs_once", str(tmp_path)).stdout == "1\n"


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


def test_batches_and_maps(dask: Cluster) -> None:
    done = run(dask, "bodies_on_dask.batches")
    assert done.stdout == "(285, 285)\n", done.stderr
    again = dask.project.merkl("run", "bodies_on_dask.batches")
    assert " 0 run" in again.stderr


def test_coroutines_give_what_they_give_here(dask: Cluster, tmp_path: Path) -> None:
    there = run(dask, "bodies_on_dask.graph")
    configure(dask.project, str(tmp_path / "other"), dask.address)
    here = dask.project.merkl("run", "bodies_on_dask.graph")
    assert there.stdout == here.stdout != ""


def test_resources_are_those_that_workers_declare(dask: Cluster, tmp_path: Path) -> None:
    """One GPU: one call at a time, although its worker has four threads."""
    assert run(dask, "bodies_on_dask.gpus", str(tmp_path)).stdout == "[0, 1, 2, 3]\n"
    assert (tmp_path / "gpus").read_text() == "()" * 4


def test_a_resource_that_no_worker_declares_is_an_error(dask: Cluster) -> None:
    done = run(dask, "bodies_on_dask.licences")
    assert done.returncode == 1
    assert "a call wants licence, and no Dask worker declares it" in done.stderr


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_workers_are_used_than_the_target_says(dask: Cluster, tmp_path: Path, most: int) -> None:
    configure(dask.project, str(tmp_path / "cache"), dask.address, f"max_workers = {most}")
    assert run(dask, "bodies_on_dask.places").stdout == f"{most}\n"
