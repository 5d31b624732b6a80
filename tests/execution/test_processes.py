"""Calls on local processes: same results, commits by the workers, and workers that die, hang or lack the code."""

from __future__ import annotations

import importlib
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import parent_process
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import parallel_tasks as tasks
import pytest

from merkl import (
    CacheError,
    Entry,
    MerklWarning,
    Metadata,
    SqliteCache,
    TargetError,
    TaskFailedError,
    WorkerDiedError,
    Workspace,
    evaluate,
    task,
)
from merkl.execution.report import RunReport
from merkl.hashing.digests import hash_content


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace on two processes, which several tests share."""
    with Workspace(tmp_path_factory.mktemp("two"), target=2) as entered:
        yield entered


def test_bodies_run_in_other_processes(two: Workspace) -> None:
    pids = evaluate([tasks.where(i) for i in range(6)])
    assert os.getpid() not in pids


def test_two_calls_run_at_the_same_time(two: Workspace) -> None:
    """The first one waits for a file that only the second one makes."""
    marker = two.root / "meet"

    @task(ignore_args=["marker"])
    def wait(marker: Path) -> bool:
        deadline = time.monotonic() + 30
        while not marker.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return marker.exists()

    @task(ignore_args=["marker"])
    def make(marker: Path) -> None:
        marker.write_text("")

    assert evaluate([wait(marker), make(marker)]) == [True, None]


def test_results_are_in_the_cache_when_the_run_is_over(two: Workspace) -> None:
    f = tasks.add(tasks.add(1, 2), 3)
    assert f.v == 6
    assert f.in_cache()
    assert all(parent.in_cache() for parent in f.parents)


@pytest.mark.parametrize(("target", "chosen"), [(None, 2), (2, None)])
def test_threads_evaluate_side_by_side(tmp_path: Path, target: int | None, chosen: int | None) -> None:
    """Each has workers of its own, and none ends those of another or leaves its choice behind."""
    found: list[Any] = []

    def add(number: int) -> None:
        try:
            found.append(evaluate([tasks.add(number, i) for i in range(3)], target=chosen))
        except BaseException as error:
            found.append(error)
            raise

    with Workspace(tmp_path, target=target):
        threads = [threading.Thread(target=add, args=(10 * number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [[0, 1, 2], [10, 11, 12], [20, 21, 22]]
        is_here = tasks.where(1).v == os.getpid()
        assert is_here == (target is None)


def test_workers_are_not_begun_anew_for_each_call_of_a_task_that_is_another_one_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A constant that no two processes share: the task runs here, and no worker is asked about it a third time."""
    (tmp_path / "moments.py").write_text(
        dedent(
            f"""
            import os
            from merkl import task

            OWN = os.getpid()
            with open({str(tmp_path / "imports")!r}, "a") as file:
                print(OWN, file=file)

            @task
            def tell(number: int) -> int:
                return number + 0 * OWN
            """
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    tell = importlib.import_module("moments").tell
    with Workspace(tmp_path), pytest.warns(MerklWarning, match="does a constant differ in each process"):
        assert evaluate([tell(i) for i in range(12)], target=2) == list(range(12))
    assert len((tmp_path / "imports").read_text().splitlines()) < 8


def test_large_values_travel_by_key(two: Workspace) -> None:
    big = tasks.text(300_000)
    assert tasks.length(big).v == 300_000
    assert big.in_cache()


def test_an_argument_is_of_the_type_that_was_given(two: Workspace) -> None:
    """Pickle makes bytes of a memoryview."""
    view = memoryview(bytearray(range(8))).cast("H", (2, 2))
    assert tasks.described(view).v == tasks.described.fn(view) == "memoryview H (2, 2) False"


def test_large_arrays_are_mapped_and_may_be_written_to(two: Workspace) -> None:
    array = tasks.zeros(200_000)
    assert tasks.is_mapped(array).v
    assert not array.v.any()


def test_a_result_that_no_cache_keeps_travels_by_value(two: Workspace) -> None:
    assert tasks.summed(tasks.unkept(50_000)).v == sum(range(50_000))


def test_on_a_full_disk_results_travel_by_value_and_the_run_goes_on(tmp_path: Path) -> None:
    """No file may grow beyond a megabyte, and the database that they all go to would be six times that."""
    (tmp_path / "pyproject.toml").write_text("[tool.merkl]\n")
    (tmp_path / "flow.py").write_text(
        dedent(
            """
            from merkl import task

            @task
            def text(i: int) -> str: return str(i % 10) * 20_000
            @task
            def length(text: str) -> int: return len(text)
            @task
            def total(xs: list[int]) -> int: return sum(xs)

            def main(): return total([length(text(i)) for i in range(300)])
            """
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "merkl", "run", "--target", "2", "flow.main"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={name: value for name, value in os.environ.items() if name != "MERKL_ROOT"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )
    assert (done.returncode, done.stdout) == (0, "6000000\n"), done.stderr
    assert "the run goes on" in done.stderr
    warned = [line for line in done.stderr.splitlines() if line.startswith("merkl: warning")]
    assert len(warned) == len(set(warned))


class ReluctantCache(SqliteCache):
    """One whose worker processes cannot write down what they gathered."""

    def flush(self) -> None:
        if parent_process() is not None:
            raise CacheError("no room left")
        super().flush()


def test_what_a_worker_cannot_write_down_in_the_end_is_a_warning_of_the_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not two raw lines of Python's on stderr."""
    cache = ReluctantCache(tmp_path / "cache")
    with (
        Workspace(tmp_path, cache=cache, target=1) as workspace,
        pytest.warns(MerklWarning, match="the last results could not be stored .*: no room left"),
    ):
        assert workspace.evaluate_futures([tasks.add(1, 2)]) == [3]
    assert "MerklWarning" not in capfd.readouterr().err


def test_a_cache_that_takes_nothing_is_refused_with_what_to_do(tmp_path: Path) -> None:
    content = Entry(b"x", hash_content(b"x"), Metadata(codec="raw", size=1))
    filled = SqliteCache(tmp_path / "cache")
    filled.put("00" * 32, content)
    filled.close()
    reading = SqliteCache(tmp_path / "cache", read_only=True)
    with (
        Workspace(tmp_path, cache=reading, target=1),
        pytest.raises(TargetError, match=r"takes nothing \(it is read-only\).*leave out the target"),
    ):
        tasks.add(1, 2).eval()


def test_without_a_cache_all_travels_by_value(tmp_path: Path) -> None:
    with Workspace(tmp_path, target=2, is_reading=False, is_writing=False):
        assert tasks.summed(tasks.zeros(10_000)).v == 0
        assert tasks.add(tasks.add(1, 2), 3).v == 6
    assert not (tmp_path / ".merkl").exists()


def test_code_that_changed_since_the_call_was_made_stores_nothing(two: Workspace) -> None:
    """Code that goes to a worker by value is that of now, so its result may not get the key of what it was."""
    offset = 1

    @task
    def plus(x: int) -> int:
        return x + offset

    call = plus(1)
    offset = 100
    with pytest.warns(MerklWarning, match="was changed after the call"):
        assert call.v == 101
    offset = 1
    assert plus(1).hash == call.hash
    assert plus(1).v == 2


def test_lambdas_closures_and_unpicklable_locals(two: Workspace) -> None:
    offset = 10
    plus = task(lambda x: x + offset)

    @task
    def apply(function: Any, x: int) -> int:
        return int(function(x))

    assert evaluate([plus(1), apply(lambda y: y * offset, 2)]) == [11, 20]


def test_an_exception_that_cannot_be_pickled_arrives_with_its_traceback(two: Workspace) -> None:
    with pytest.raises(TaskFailedError, match="Prickly: code 3: spines") as caught:
        tasks.prickly(3).eval()
    assert caught.value.task == "prickly"
    assert "raise Prickly" in str(caught.value.__cause__.__cause__)  # type: ignore[union-attr]


def test_an_exception_keeps_its_class(two: Workspace) -> None:
    with pytest.raises(TaskFailedError) as caught:
        tasks.fail(4).eval()
    assert type(caught.value.__cause__) is ValueError
    assert caught.value.arguments == (("x", "4"),)


@pytest.mark.parametrize("how", ["kill", "exit", "exit well"])
def test_a_worker_that_dies_once_costs_its_call_one_retry(two: Workspace, tmp_path: Path, how: str) -> None:
    marker = tmp_path / "left"
    marker.write_text("1")
    values = evaluate([tasks.die(str(marker), how), tasks.add(1, 41)])
    assert values[0] > 0
    assert values[1] == 42


@pytest.mark.parametrize(("how", "said"), [("kill", "SIGKILL"), ("exit", "exit code 3")])
def test_a_worker_that_dies_twice_is_an_error_that_names_the_call(
    two: Workspace, tmp_path: Path, how: str, said: str
) -> None:
    marker = tmp_path / "left"
    marker.write_text("2")
    with pytest.raises(WorkerDiedError, match=said) as caught:
        tasks.die(str(marker), how).eval()
    assert caught.value.task == "die"
    assert tasks.add(2, 3).v == 5


def test_a_timeout_ends_the_worker_and_not_the_run(two: Workspace) -> None:
    with pytest.raises(TaskFailedError, match=r"TimeoutError: it ran for more than 0\.3 seconds"):
        tasks.hang(1).eval()
    assert tasks.add(3, 3).v == 6


def test_a_timeout_counts_as_an_attempt(two: Workspace, tmp_path: Path) -> None:
    assert tasks.hang_once(str(tmp_path / "once")).v == 1


def test_no_more_calls_of_a_task_run_at_a_time_than_it_says(two: Workspace, tmp_path: Path) -> None:
    log = tmp_path / "log"
    evaluate([tasks.alone(i, str(log)) for i in range(4)])
    assert log.read_text() == "()" * 4


def test_a_call_that_wants_two_processors_runs_alone(two: Workspace, tmp_path: Path) -> None:
    log = tmp_path / "log"
    evaluate([tasks.wide(i, str(log)) for i in range(3)])
    assert log.read_text() == "()" * 3


def test_a_call_that_wants_more_than_there_is_says_so(two: Workspace) -> None:
    @task(resources={"cpu": 64})
    def huge(x: int) -> int:
        return x

    with pytest.raises(
        TargetError, match="'huge' cannot run on this target: it wants cpu=64, and this target has 2 at most"
    ):
        huge(1).eval()


def test_with_keep_going_all_runs_that_does_not_need_such_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")

    @task(resources={"gpu": 0.5})
    def shares(x: int) -> int:
        return x

    report = RunReport()
    said = rf"gpu=0\.5.*\n.*made at .*{Path(__file__).name}:"
    with (
        Workspace(tmp_path, target=1, keeps_going=True) as workspace,
        pytest.raises(TargetError, match=said),
    ):
        workspace.run(lambda: [shares(1), tasks.add(641, 1)], report=report)
    assert (len(report.failed), len(report.run)) == (1, 1)


def test_each_graphics_processor_has_one_call_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    with Workspace(tmp_path, target=2):
        devices = evaluate([tasks.on_gpu(i) for i in range(6)])
    assert set(devices) == {"4", "7"} or len(set(devices)) == 1
    assert set(devices) <= {"4", "7"}


def test_a_target_says_how_much_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.merkl.targets.box]\ntype = "local"\nprocesses = 2\nresources = { gpu = 1, licence = 1 }\n'
    )

    @task(resources={"gpu": 1, "licence": 1})
    def device(x: int) -> str:
        return os.environ["CUDA_VISIBLE_DEVICES"]

    with Workspace(tmp_path, target="box"):
        assert evaluate([device(1), device(2)]) == ["0", "0"]
    with (
        Workspace(tmp_path, target=2),
        pytest.raises(TargetError, match="gpu=1, and this target has 0 at most"),
    ):
        evaluate(tasks.on_gpu(3))


def test_each_attempt_asks_for_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.merkl.targets.box]\ntype = "local"\nresources = { slots = 2 }\n'
    )
    with Workspace(tmp_path, target="box"):
        assert tasks.hungry(str(tmp_path / "log"), 2).v == 2
        with pytest.raises(TargetError, match="slots=3, and this target has 2 at most"):
            tasks.hungry(str(tmp_path / "other"), 3).eval()


def test_the_last_attempt_is_the_failure_of_the_call(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.merkl.targets.box]\ntype = "local"\nresources = { slots = 3 }\n'
    )
    with Workspace(tmp_path, target="box"), pytest.raises(TaskFailedError, match="MemoryError"):
        tasks.hungry(str(tmp_path / "log"), 4).eval()
    assert (tmp_path / "log").read_text() == "xxx"


def test_a_list_that_becomes_known_during_the_run_fans_out(two: Workspace) -> None:
    report = RunReport()
    outcome = two.run(lambda: tasks.total(tasks.square.map(tasks.spread(20))), report=report)
    assert outcome.result == sum(i * i for i in range(20))
    assert len(report.run) == 23


def test_a_body_that_changes_its_argument_is_warned_of_and_not_stored(two: Workspace) -> None:
    f = tasks.spoil([1, 2])
    with pytest.warns(MerklWarning, match="changed its argument"):
        assert f.v == 3
    assert not f.in_cache()


def test_a_body_may_evaluate_futures_itself(two: Workspace) -> None:
    assert tasks.nested(7).v == 50


def test_early_cutoff_happens_in_the_workers(tmp_path: Path) -> None:
    """What one of them finds is there for the others: nothing runs again."""
    with Workspace(tmp_path, target=2) as workspace:
        assert evaluate([tasks.square(tasks.add(n, 0)) for n in range(9)])[3] == 9
        report = RunReport()
        squares = [tasks.square(tasks.add(0, n)) for n in range(1, 9)]
        outcome = workspace.run(
            lambda: [tasks.add(i, square) for square in squares for i in (1, 2)], report=report
        )
    assert outcome.result[:4] == [2, 3, 5, 6]
    assert sorted(call.task.name for call in report.linked) == ["square"] * 8
    assert sorted(call.task.name for call in report.run) == ["add"] * 24


def test_keep_going_runs_all_that_does_not_need_what_failed(tmp_path: Path) -> None:
    with Workspace(tmp_path, target=2, keeps_going=True) as workspace:
        report = RunReport()
        with pytest.raises(TaskFailedError, match="no 1"):
            workspace.run(
                lambda: [tasks.square(tasks.fail(1)), tasks.square(5), tasks.fail(2)], report=report
            )
    assert (len(report.run), len(report.failed), len(report.skipped)) == (1, 2, 1)


@pytest.mark.parametrize("target", [None, 2])
def test_without_it_the_first_failure_ends_the_run(tmp_path: Path, target: int | None) -> None:
    with Workspace(tmp_path, target=target) as workspace:
        report = RunReport()
        with pytest.raises(TaskFailedError):
            workspace.run(lambda: [tasks.square(tasks.fail(1)), tasks.fail(2)], report=report)
    assert not report.skipped


def test_a_cache_that_workers_do_not_share_is_refused(tmp_path: Path) -> None:
    with (
        Workspace(tmp_path, cache="memory:", target=2),
        pytest.raises(TargetError, match="does not share the cache of the run"),
    ):
        tasks.add(5, 5).eval()


def test_evaluate_takes_a_target(tmp_path: Path) -> None:
    with Workspace(tmp_path):
        assert evaluate([tasks.where(1)], target=1) != [os.getpid()]
        assert tasks.where(2).v == os.getpid()


def test_an_unknown_target_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.merkl.targets.cluster]\ntype = "dask"\n')
    with Workspace(tmp_path, target="clustre"), pytest.raises(TargetError, match="did you mean 'cluster'"):
        tasks.add(9, 9).eval()


SCRIPT = """
    import os, sys
    from merkl import Workspace, task, evaluate
    print("script runs")

    class Thing:
        def __init__(self, x): self.x = x
        def __eq__(self, other): return type(self) is type(other) and self.x == other.x

    def helper(x):
        return x + 1

    @task
    def make(x: int) -> Thing:
        return Thing(helper(x))

    @task
    def read(thing: Thing) -> tuple[int, int]:
        return thing.x, os.getpid()

    with Workspace(sys.argv[1], target=2):
        x, pid = evaluate(read(make(4)))
    print(x, pid != os.getpid())
"""


def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    """Its functions and classes are sent by value, and what it stored is found by a run in one process."""
    script = tmp_path / "script.py"
    script.write_text(dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout == "script runs\n5 True\n"
    script.write_text(dedent(SCRIPT).replace(", target=2", ""))
    again = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert again.stdout == "script runs\n5 True\n", again.stderr


def test_arrays_are_the_same_bytes_as_in_one_process(two: Workspace, tmp_path: Path) -> None:
    parallel = tasks.zeros(70_000).v
    with Workspace(tmp_path):
        assert np.array_equal(tasks.zeros(70_000).v, parallel)
