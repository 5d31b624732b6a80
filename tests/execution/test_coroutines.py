"""`async def` tasks: many wait at once, and are in all else calls like others."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import threading
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import coroutine_tasks as tasks
import pytest
from waiting_server import serve

from merkl import Eval, GraphError, TaskFailedError, Workspace, call_seed, evaluate, interruptible, task
from merkl.execution import coroutine_calls
from merkl.execution.report import RunReport

Log = list[str]


@pytest.fixture
def log() -> Log:
    """What bodies write down; ignored in keys."""
    return []


# -- how many, and in which order -------------------------------------------------------------------------


def test_two_hundred_requests_are_open_at_once(workspace: Workspace) -> None:
    """The server answers none before it has all; a second run asks nothing."""
    with serve(gather=200) as server:
        for _ in range(2):
            lengths = evaluate([tasks.length(tasks.fetch(i, server.port)) for i in range(200)])
            assert lengths == [len(str(i)) for i in range(200)]
        assert (server.peak, server.requests) == (200, 200)


def test_the_items_of_a_map_wait_at_once(workspace: Workspace) -> None:
    with serve(gather=30) as server:
        fetch = tasks.fetch.bind(port=server.port)
        assert evaluate(fetch.map(tasks.numbers(30))) == [str(i) for i in range(30)]
        assert server.peak == 30


def test_no_more_calls_of_a_task_wait_than_it_says(workspace: Workspace) -> None:
    with serve(gather=3) as server:
        assert "late" not in evaluate([tasks.fetch_three(i, server.port) for i in range(12)])
        assert server.peak == 3


def test_there_is_a_limit_for_all_that_a_task_may_exceed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coroutine_calls, "MOST_AT_ONCE", 5)

    @task(ignore_args=["port"], max_concurrency=8)
    async def more(x: int, port: int) -> str:
        return await tasks.fetch.fn(x, port)

    with serve(gather=5) as server:
        assert "late" not in evaluate([tasks.fetch(i, server.port) for i in range(20)])
        assert server.peak == 5
    with serve(gather=8) as server:
        assert "late" not in evaluate([more(i, server.port) for i in range(20)])
        assert server.peak == 8


@task(ignore_args=["log"])
async def begin(name: str, log: Log) -> str:
    log.append(name)
    await asyncio.sleep(0)
    return name


@task(ignore_args=["log"])
def step(name: str, after: Any, log: Log) -> str:
    log.append(name)
    return name


def test_calls_begin_in_program_order(workspace: Workspace, log: Log) -> None:
    """A plain call that is ready ends before a coroutine that was made later begins."""
    made = [step("a", 0, log), begin("b", log), begin("c", log), step("d", 0, log), begin("e", log)]
    evaluate(list(reversed(made)))
    assert log == ["a", "b", "c", "d", "e"]


def test_plain_calls_keep_their_order_whichever_coroutine_ends_first(workspace: Workspace, log: Log) -> None:
    quick_is_done = asyncio.Event()

    @task(ignore_args=["log"], code_version=1)
    async def slow(log: Log) -> int:
        await quick_is_done.wait()
        log.append("slow")
        return 1

    @task(ignore_args=["log"], code_version=1)
    async def quick(log: Log) -> int:
        log.append("quick")
        quick_is_done.set()
        return 2

    evaluate([step("after slow", slow(log), log), step("after quick", quick(log), log)])
    assert log == ["quick", "slow", "after slow", "after quick"]


@pytest.mark.parametrize("target", [None, 1])
def test_the_items_of_a_map_come_before_what_was_made_after_it(tmp_path: Path, target: int | None) -> None:
    record = tmp_path / "record"
    with Workspace(tmp_path, target=target):
        items = _noted.bind(record=str(record)).map(tasks.numbers(3))
        evaluate([items, _noted(9, str(record))])
    assert record.read_text() == "0129"


@task(ignore_args=["record"])
def _noted(x: int, record: str) -> int:
    with open(record, "a") as file:
        file.write(str(x))
    return x


# -- like other calls ---------------------------------------------------------------------------------------


def test_a_result_is_the_same_whatever_runs_beside_it(tmp_path: Path) -> None:
    """Values and seeds of a random graph, all at once and one by one."""
    chance = random.Random(7)

    def graph() -> list[Any]:
        made: list[Any] = []
        for x in range(60):
            made.append(tasks.mixed(x, chance.sample(made, min(len(made), 3))))
        return made

    with Workspace(tmp_path / "one"):
        together = evaluate(graph())
    chance.seed(7)
    with Workspace(tmp_path / "two"):
        assert [future.eval() for future in graph()] == together


def test_each_call_has_a_directory_a_seed_and_tags_of_its_own(workspace: Workspace) -> None:
    made = [tasks.tagged(x) for x in range(20)]
    texts = evaluate([tasks.read(file) for file in made])
    assert [text.split()[0] for text in texts] == [str(x) for x in range(20)]
    assert len({text.split()[1] for text in texts}) == 20
    tags = [workspace.cache.metadata(future.hash).tags for future in made]  # type: ignore[union-attr]
    assert tags == [{"x": x} for x in range(20)]


def test_a_call_is_linked_where_its_input_is_the_same(workspace: Workspace) -> None:
    @task
    def absolute(x: int) -> int:
        return abs(x)

    evaluate(tasks.square(absolute(3)))
    report = RunReport()
    assert workspace.run(lambda: tasks.square(absolute(-3)), report=report).result == 9
    assert len(report.linked) == 1


def test_it_runs_at_once_inside_eval(workspace: Workspace) -> None:
    with Eval():
        assert tasks.square(7) == 49


def test_it_runs_where_a_loop_is_running_already(workspace: Workspace) -> None:
    """As in a cell of a notebook, where the thread's loop waits meanwhile."""

    async def cell() -> list[int]:
        return evaluate([tasks.square(i) for i in range(5)])

    assert asyncio.run(cell()) == [0, 1, 4, 9, 16]


def test_a_coroutine_may_evaluate_futures_itself(workspace: Workspace) -> None:
    @task
    async def outer(x: int) -> int:
        return tasks.square(x).eval() + tasks.total(tasks.square.map(tasks.numbers(x))).eval()

    assert evaluate([outer(3), outer(4)]) == [9 + 5, 16 + 14]
    assert tasks.square(4).in_cache()


def test_a_plain_function_may_return_a_coroutine(workspace: Workspace) -> None:
    async def later(x: int) -> int:
        await asyncio.sleep(0)
        return call_seed() and x + 1

    @task
    def wrapped(x: int) -> Any:
        return later(x)

    assert evaluate([wrapped(1), wrapped(2)]) == [2, 3]


def test_what_a_body_keeps_for_later_ones_does_not_keep_results_from_being_stored(
    workspace: Workspace, log: Log
) -> None:
    """A client that the first body makes is no change of the code for those that begin meanwhile, nor for a map's items."""
    clients: list[object] = []

    @task(max_concurrency=2)
    async def use(x: int) -> int:
        if not clients:
            clients.append(object())
        await asyncio.sleep(0.002 * x)
        return x + 1

    def make() -> Any:
        first = [use(i) for i in range(10)]
        return [use(one) for one in first], use.map(tasks.numbers(12))

    report = RunReport()
    workspace.run(make, report=report)
    assert len(report.run) == 10 + 10 + 2 + 2  # two items of the map are no calls of before
    again = RunReport()
    clients.clear()
    workspace.run(make, report=again)
    assert not again.run


def test_a_library_sees_one_loop_in_all_runs(workspace: Workspace) -> None:
    """So that a pool of connections, which belongs to the loop that it first sees, serves all calls."""

    @task(keep="never")
    async def loop_of(x: int) -> int:
        return id(asyncio.get_running_loop())

    assert len({loop_of(1).eval(), loop_of(2).eval(), *evaluate([loop_of(3), loop_of(4)])}) == 1


def test_an_asynchronous_generator_is_refused_where_it_is_declared() -> None:
    with pytest.raises(GraphError, match="asynchronous generator, whose items cannot be kept"):

        @task
        async def items(n: int) -> AsyncIterator[int]:
            yield n


def test_a_semaphore_in_a_global_is_no_part_of_the_key(workspace: Workspace) -> None:
    """It changes while bodies run, and cannot be taken apart once one has waited for it."""
    limit = asyncio.Semaphore(2)

    @task
    async def limited(x: int) -> int:
        async with limit:
            await asyncio.sleep(0.001)
        return x

    assert evaluate([limited(i) for i in range(6)]) == [*range(6)]
    assert all(limited(i).in_cache() for i in range(6))


# -- on a target --------------------------------------------------------------------------------------------


def test_on_processes_coroutines_wait_here_all_at_once(tmp_path: Path) -> None:
    with serve(gather=50) as server, Workspace(tmp_path, target=2):
        fetched = [tasks.fetch(i, server.port) for i in range(50)]
        lengths = evaluate([tasks.length(one) for one in fetched])
        assert lengths == [len(str(i)) for i in range(50)]
        assert server.peak == 50
        here, there, sent = evaluate([tasks.pid(1), tasks.plain_pid(1), tasks.pid_of_worker(7)])
    assert here == os.getpid()
    assert os.getpid() not in (there, sent // 7)


# -- failures -----------------------------------------------------------------------------------------------


def test_the_first_failure_lets_running_calls_finish_and_starts_nothing(workspace: Workspace) -> None:
    failed = asyncio.Event()

    @task(code_version=1)
    async def fail() -> int:
        failed.set()
        raise ValueError("no")

    @task(code_version=1)
    async def slow() -> int:
        await failed.wait()
        await asyncio.sleep(0.05)
        return 1

    f = slow()
    with pytest.raises(TaskFailedError, match="ValueError: no") as caught:
        evaluate([f, fail(), tasks.square(f)])
    assert isinstance(caught.value.__cause__, ValueError)
    assert f.in_cache()
    assert not tasks.square(f).in_cache()


def test_keep_going_runs_what_does_not_need_what_failed(tmp_path: Path) -> None:
    @task
    async def fail(x: int) -> int:
        raise ValueError(f"no {x}")

    with Workspace(tmp_path, keeps_going=True) as workspace:
        report = RunReport()
        with pytest.raises(TaskFailedError):
            workspace.run(
                lambda: [tasks.length(str(tasks.square)), tasks.square(fail(1)), tasks.square(5), fail(2)],
                report=report,
            )
        assert {
            name: count for name, count in report.counts().items() if name in ("failed", "skipped", "run")
        } == {
            "run": 2,
            "failed": 2,
            "skipped": 1,
        }


def test_a_call_that_waits_to_be_tried_again_holds_up_no_other(workspace: Workspace, log: Log) -> None:
    @task(retries=1, retry_delay=0.05, ignore_args=["log"])
    async def once_more(log: Log) -> int:
        log.append("try")
        if len(log) == 1:
            raise ConnectionError
        return log.index("other")

    @task(ignore_args=["log"])
    async def other(log: Log) -> int:
        while not log:
            await asyncio.sleep(0.001)
        log.append("other")
        return 0

    assert evaluate([once_more(log), other(log)]) == [1, 0]
    assert log == ["try", "other", "try"]


def test_a_time_limit_ends_each_attempt_where_it_waits(workspace: Workspace, log: Log) -> None:
    @task(timeout=0.02, retries=2, ignore_args=["log"])
    async def hang(log: Log) -> int:
        log.append("try")
        await asyncio.sleep(60)
        return 1

    with pytest.raises(TaskFailedError, match=r"TimeoutError: it ran for more than 0\.02 seconds") as raised:
        hang(log).eval()
    assert log == ["try"] * 3
    assert [frame.name for frame in traceback.extract_tb(raised.value.__cause__.__traceback__)] == [
        "hang",
        "sleep",
    ]


def test_a_body_that_hides_the_end_of_its_time_has_failed_too(workspace: Workspace) -> None:
    @task(timeout=0.02)
    async def hide() -> int:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return 1
        return 2

    with pytest.raises(TaskFailedError, match="TimeoutError"):
        hide().eval()


@pytest.mark.parametrize("kind", [SystemExit, asyncio.CancelledError, GeneratorExit])
def test_whatever_a_body_raises_fails_its_call_alone(workspace: Workspace, kind: type[BaseException]) -> None:
    @task(code_version=kind.__name__)
    async def odd(x: int) -> int:
        raise kind

    with pytest.raises(TaskFailedError, match="odd"):
        odd(1).eval()
    assert tasks.square(3).eval() == 9


def test_what_a_body_leaves_running_is_cancelled(workspace: Workspace, log: Log) -> None:
    @task(ignore_args=["log"])
    async def careless(log: Log) -> int:
        async def linger() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                log.append("cancelled")
                raise

        asyncio.get_running_loop().create_task(linger())
        await asyncio.sleep(0)
        return 1

    assert careless(log).eval() == 1
    assert log == ["cancelled"]


# -- Ctrl-C -------------------------------------------------------------------------------------------------


def press() -> None:
    """Ctrl-C, as soon as the handlers of signals run."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@pytest.fixture
def presses() -> Iterator[threading.Event]:
    """Set it in a body to have Ctrl-C pressed."""
    wanted = threading.Event()

    def wait() -> None:
        if wanted.wait(20) and not is_over:
            press()

    is_over = False
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    yield wanted
    is_over = True
    wanted.set()
    thread.join()


def test_a_coroutine_is_cancelled_and_ends_the_run(workspace: Workspace, presses: threading.Event) -> None:
    @task(code_version=1)
    async def wait(x: int) -> int:
        presses.set()
        await asyncio.sleep(60)
        return x

    done = tasks.square(3)
    with pytest.raises(KeyboardInterrupt):
        evaluate([wait(tasks.square(done)), wait(tasks.length(tasks.read(tasks.tagged(1))))])
    assert done.in_cache()


def test_what_a_coroutine_returns_when_it_is_cancelled_is_used_and_has_no_key(
    workspace: Workspace, presses: threading.Event
) -> None:
    @task(code_version=1)
    async def partly() -> int:
        try:
            presses.set()
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return 5
        return 6

    f = partly()
    report = RunReport()
    assert workspace.run(lambda: tasks.square(f), report=report).result == 25
    assert len(report.interrupted) == 1
    assert not f.in_cache()


def test_loops_over_interruptible_end_by_themselves(workspace: Workspace, presses: threading.Event) -> None:
    """With `for` as with `async for`, of which the second never gets its third item."""

    @task(code_version=1)
    async def looping() -> int:
        seen = 0
        for _ in interruptible(itertools.count()):
            await asyncio.sleep(0.001)
            seen += 1
        return seen

    async def two_items() -> AsyncIterator[int]:
        yield 1
        yield 2
        presses.set()
        await asyncio.sleep(60)

    @task(code_version=1)
    async def listening() -> list[int]:
        return [item async for item in interruptible(two_items())]

    a, b = evaluate([looping(), listening()])
    assert a > 0
    assert b == [1, 2]
    assert not looping().in_cache()
    assert not listening().in_cache()


def test_a_plain_body_that_runs_beside_coroutines_gets_it_too(
    workspace: Workspace, presses: threading.Event
) -> None:
    started = threading.Event()
    seen: list[str] = []

    @task(code_version=1, keep="never")
    async def wait() -> int:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("coroutine")
        return 1

    @task(code_version=1, keep="never")
    def plain() -> int:
        assert started.wait(20)
        try:
            presses.set()
            while True:
                time.sleep(0.01)
        except KeyboardInterrupt:
            seen.append("plain")
        return 2

    assert evaluate([wait(), plain()]) == [1, 2]
    assert sorted(seen) == ["coroutine", "plain"]


def test_it_reaches_coroutines_beside_processes(tmp_path: Path, presses: threading.Event) -> None:
    @task(code_version=1)
    async def wait(x: int) -> int:
        presses.set()
        await asyncio.sleep(60)
        return x

    with Workspace(tmp_path, target=1), pytest.raises(KeyboardInterrupt):
        evaluate([wait(1), wait(2)])
