"""What runs, in which order, what is stored, and what a failure says."""

from __future__ import annotations

import asyncio
import datetime
import random
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from merkl import (
    ArgumentMutatedError,
    MerklError,
    MerklWarning,
    SerializationError,
    TaskFailedError,
    TypeMismatchError,
    Workspace,
    annotate,
    call_seed,
    evaluate,
    task,
)
from merkl.execution.report import RunReport

Log = list[str]


@pytest.fixture
def log() -> Log:
    """What bodies write down when they run; ignored in keys."""
    return []


@task(ignore_args=["log"])
def step(name: str, after: Any, log: Log) -> str:
    log.append(name)
    return name


def counts(workspace: Workspace, make: Any) -> dict[str, Any]:
    report = RunReport()
    workspace.run(make, report=report)
    return {k: v for k, v in report.counts().items() if k != "seconds"}


def figures(run: int = 0, cached: int = 0, linked: int = 0, failed: int = 0) -> dict[str, Any]:
    total = run + cached + linked + failed
    return {
        "calls": total,
        "run": run,
        "cached": cached,
        "linked": linked,
        "failed": failed,
        "interrupted": 0,
        "skipped": 0,
    }


def test_calls_run_in_the_order_in_which_they_were_made(workspace: Workspace, log: Log) -> None:
    first = step("first", None, log)
    second = step("second", None, log)
    third = step("third", first, log)
    assert evaluate([third, second]) == ["third", "second"]
    assert log == ["first", "second", "third"]


def test_a_second_run_runs_nothing_and_says_so(workspace: Workspace, log: Log) -> None:
    def make() -> Any:
        a = step("a", None, log)
        return step("b", [a, step("c", a, log)], log)

    assert counts(workspace, make) == figures(run=3)
    assert counts(workspace, make) == figures(cached=3)
    assert log == ["a", "c", "b"]


def test_ancestors_of_a_cached_call_are_not_needed(workspace: Workspace, log: Log) -> None:
    a = step("a", None, log)
    b = step("b", a, log)
    b.eval()
    a.clear_cache()
    assert step("c", b, log).eval() == "c"
    assert log == ["a", "b", "c"]
    assert not a.in_cache()


def test_equal_calls_run_once(workspace: Workspace, log: Log) -> None:
    assert evaluate([step("a", None, log), step("a", None, log)]) == ["a", "a"]
    assert log == ["a"]


def test_results_survive_the_process_that_made_them(tmp_path: Path, log: Log) -> None:
    for _ in range(2):
        with Workspace(tmp_path):
            assert step("a", None, log).eval() == "a"
    assert log == ["a"]


def test_early_cutoff_links_what_follows_an_equal_result(workspace: Workspace, log: Log) -> None:
    @task
    def parity(x: int) -> int:
        return x % 2

    def make(x: int) -> Any:
        return step("end", step("middle", parity(x), log), log)

    assert counts(workspace, lambda: make(1)) == figures(run=3)
    assert counts(workspace, lambda: make(3)) == figures(run=1, linked=2)
    assert counts(workspace, lambda: make(3)) == figures(cached=3)
    assert counts(workspace, lambda: make(2)) == figures(run=2, linked=1)
    assert log == ["middle", "end", "middle"]


def test_early_cutoff_never_crosses_types(workspace: Workspace, log: Log) -> None:
    @task
    def number(kind: str) -> float:
        return {"int": 1, "float": 1.0, "bool": True}[kind]

    for kind in ("int", "float", "bool"):
        step("use", number(kind), log).eval()
    assert log == ["use", "use", "use"]


def test_a_result_that_can_be_changed_is_a_copy_for_each_body(workspace: Workspace) -> None:
    table: list[int] = [1, 2]

    @task(deps=["alias"])
    def give() -> list[int]:
        return table

    @task
    def grow(xs: list[int]) -> int:
        xs.append(99)
        return len(xs)

    xs = give()
    assert evaluate([grow(xs), grow(xs), xs]) == [3, 3, [1, 2]]
    assert table == [1, 2]


def test_a_constant_changed_before_its_body_runs_is_an_error(workspace: Workspace) -> None:
    @task
    def total(xs: list[int]) -> int:
        return sum(xs)

    xs = [1, 2]
    future = total(xs)
    xs.append(3)
    with pytest.raises(ArgumentMutatedError, match="'total', parameter 'xs'") as caught:
        future.eval()
    assert (caught.value.task, caught.value.parameter) == ("total", "xs")


def test_a_constant_changed_by_its_body_is_a_warning_and_not_stored(workspace: Workspace) -> None:
    @task
    def grow(xs: list[int]) -> int:
        xs.append(3)
        return len(xs)

    future = grow([1, 2])
    with pytest.warns(MerklWarning, match="changed its argument 'xs'"):
        assert future.eval() == 3
    assert not grow([1, 2]).in_cache()


def test_a_random_generator_as_a_constant_is_refused(workspace: Workspace) -> None:
    @task
    def draw(rng: random.Random) -> float:
        return rng.random()

    with pytest.raises(SerializationError, match="call_seed"):
        draw(random.Random(1))


def test_call_seed_is_reproducible_and_differs_between_calls(tmp_path: Path) -> None:
    @task
    def seed(x: int) -> int:
        return call_seed()

    seen = []
    for folder in ("a", "b"):
        with Workspace(tmp_path / folder):
            seen.append(evaluate(seed.map([1, 2])))
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[0][1]
    with pytest.raises(MerklError, match="no task body is running"):
        call_seed()


def test_annotate_puts_tags_into_the_metadata(workspace: Workspace) -> None:
    @task
    def train() -> float:
        annotate(loss=0.5)
        return 1.0

    future = train()
    future.eval()
    metadata = workspace.cache.metadata(future.hash)
    assert metadata is not None
    assert metadata.tags == {"loss": 0.5}
    annotate(ignored="outside a body")


def test_a_failure_names_the_call_and_keeps_the_cause(workspace: Workspace) -> None:
    @task
    def divide(a: int, b: int) -> float:
        return a / b

    with pytest.raises(TaskFailedError) as caught:
        divide(1, 0).eval()
    error = caught.value
    assert error.task == "divide"
    assert error.arguments == (("a", "1"), ("b", "0"))
    assert error.location is not None
    assert "test_runner.py:" in error.location
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert "divide(a=1, b=0)" in str(error)


@pytest.mark.parametrize("error", [SystemExit(0), SystemExit("bad"), GeneratorExit()], ids=repr)
def test_a_body_that_leaves_the_program_has_failed(workspace: Workspace, error: BaseException) -> None:
    """A library that calls sys.exit(0) in a body must not end the run as if it had a result."""

    @task(ignore_args=["error"])
    def leave(error: BaseException) -> int:
        raise error

    with pytest.raises(TaskFailedError, match=r"task 'leave.* failed") as caught:
        leave(error).eval()
    assert caught.value.__cause__ is error


def test_what_was_complete_before_a_failure_is_kept(workspace: Workspace, log: Log) -> None:
    @task
    def fail(x: str) -> str:
        raise ValueError(x)

    done = step("done", None, log)
    with pytest.raises(TaskFailedError):
        fail(done).eval()
    assert done.in_cache()


def test_retries_run_again_until_it_works(workspace: Workspace, log: Log) -> None:
    @task(retries=2, ignore_args=["log"])
    def flaky(log: Log) -> int:
        log.append("try")
        if len(log) < 3:
            raise OSError("not yet")
        return len(log)

    assert flaky(log).eval() == 3


def test_retries_are_only_for_the_errors_named(workspace: Workspace, log: Log) -> None:
    @task(retries=5, retry_on=(OSError,), ignore_args=["log"])
    def flaky(log: Log) -> int:
        log.append("try")
        raise ValueError("no use")

    with pytest.raises(TaskFailedError):
        flaky(log).eval()
    assert log == ["try"]


def test_a_wrong_return_value_is_refused_before_it_is_stored(workspace: Workspace) -> None:
    @task
    def lie() -> list[int]:
        return ["x"]  # type: ignore[list-item]

    future = lie()
    with pytest.raises(TypeMismatchError, match="item 0"):
        future.eval()
    assert not future.in_cache()


def test_a_body_that_returns_a_future_is_told_what_to_do(workspace: Workspace, log: Log) -> None:
    @task
    def outer() -> Any:
        return step("x", None, [])

    with pytest.raises(TypeMismatchError, match=r"call \.eval\(\)"):
        outer().eval()


def test_a_task_inside_a_body_may_be_evaluated(workspace: Workspace) -> None:
    @task
    def inner(x: int) -> int:
        return x + 1

    @task
    def outer(x: int) -> int:
        return inner(x).eval() * 10

    assert outer(1).eval() == 20
    assert inner(1).in_cache()


@task(ignore_args=["log"])
def count_ways(steps: int, log: Log) -> int:
    log.append(str(steps))
    return 1 if steps < 2 else sum(evaluate([count_ways(steps - 1, log), count_ways(steps - 2, log)]))


def test_what_a_body_has_evaluated_the_evaluation_around_it_does_not_run_again(
    workspace: Workspace, log: Log
) -> None:
    """Of two calls in one plan, the first body may evaluate the second call itself: each runs once."""
    assert count_ways(12, log).eval() == 233
    assert sorted(map(int, log)) == list(range(13))
    workspace.run(lambda: [count_ways(14, log), count_ways(13, log)])
    assert log[13:] == ["14", "13"]


def test_an_async_body_is_run_to_its_end(workspace: Workspace) -> None:
    @task
    async def wait(x: int) -> int:
        await asyncio.sleep(0.001)
        return call_seed() and x + 1

    async def inside_a_loop() -> int:
        return wait(2).eval()

    assert wait(1).eval() == 2
    assert wait(1).in_cache()
    assert asyncio.run(inside_a_loop()) == 3


def test_a_result_that_nothing_can_store_names_the_codec_to_write(workspace: Workspace) -> None:
    @task
    def lock() -> Any:
        return threading.Lock()

    with pytest.raises(SerializationError, match=r"'lock'.*_thread\.lock(.|\n)*Codec") as caught:
        lock().eval()
    assert caught.value.task == "lock"


def test_expired_results_are_computed_again(workspace: Workspace, log: Log) -> None:
    @task(expires=datetime.timedelta(0), ignore_args=["log"])
    def now(log: Log) -> int:
        log.append("run")
        return len(log)

    assert [now(log).eval(), now(log).eval()] == [1, 2]


def test_a_result_of_a_clock_that_was_put_back_since_has_expired(
    workspace: Workspace, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How old it is nobody knows; that the clocks of two machines differ a little is no reason to doubt it."""

    @task(expires=datetime.timedelta(hours=1), ignore_args=["log"])
    def now(log: Log) -> int:
        log.append("run")
        return len(log)

    real = time.time
    for ahead, wanted in ((86_400, 1), (0, 2), (-100, 2), (3_700, 3)):
        monkeypatch.setattr(time, "time", lambda ahead=ahead: real() + ahead)
        assert now(log).eval() == wanted


def test_cache_in_memory_gives_the_same_object_again(workspace: Workspace) -> None:
    @task(cache_in_memory=True)
    def big() -> list[int]:
        return [1]

    future = big()
    assert future.eval() is future.eval()


def test_keep_never_stores_nothing_and_what_follows_is_stored(workspace: Workspace, log: Log) -> None:
    @task(keep="never", ignore_args=["log"])
    def large(log: Log) -> list[int]:
        log.append("large")
        return [1, 2]

    @task
    def total(xs: list[int]) -> int:
        return sum(xs)

    assert total(large(log)).eval() == 3
    assert not large(log).in_cache()
    assert total(large(log)).eval() == 3
    assert log == ["large"]


def test_without_cache_nothing_is_read_or_written(tmp_path: Path, log: Log) -> None:
    for _ in range(2):
        with Workspace(tmp_path, is_reading=False, is_writing=False):
            a = step("a", None, log)
            assert evaluate([step("b", a, log), step("c", a, log), a]) == ["b", "c", "a"]
    assert log == ["a", "b", "c"] * 2
    assert list(tmp_path.iterdir()) == []


def test_lost_contents_are_computed_again(tmp_path: Path, log: Log) -> None:
    import numpy as np

    @task(ignore_args=["log"])
    def array(log: Log) -> Any:
        log.append("array")
        return np.arange(100_000)

    with Workspace(tmp_path):
        assert array(log).eval().sum() == 4999950000
    for blob in (tmp_path / ".merkl" / "objects").rglob("*"):
        if blob.is_file():
            blob.unlink()
    with Workspace(tmp_path), warnings.catch_warnings():
        warnings.simplefilter("ignore", MerklWarning)
        assert array(log).eval().sum() == 4999950000
    assert log == ["array", "array"]


def declared(returns: Any, **options: Any) -> Any:
    """The same task each time, but for its return annotation and options that are in no key."""

    def draw(values: list[Any]) -> Any:
        return values.pop(0)

    draw.__annotations__["return"] = returns
    return task(ignore_args=["values"], **options)(draw)


@pytest.mark.parametrize("before", [{"returns": str}, {"returns": int, "validate": "off"}])
def test_a_stored_value_that_is_not_of_the_declared_type_is_computed_again(
    tmp_path: Path, before: dict[str, Any], log: Log
) -> None:
    values = ["a", 1, "unused"]
    with Workspace(tmp_path):
        assert declared(**before)(values).eval() == "a"
    with (
        Workspace(tmp_path),
        pytest.warns(MerklWarning, match=r"'draw' is not of .* it is str, declared is int$"),
    ):
        assert step("b", declared(int)(values), log).eval() == "b"
    with Workspace(tmp_path), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert declared(int, validate="all")(values).eval() == 1
        assert declared(str, validate="off")(values).eval() == 1
    assert values == ["unused"]


def test_a_stored_value_of_another_type_is_the_usual_error_if_the_body_still_gives_it(tmp_path: Path) -> None:
    with Workspace(tmp_path):
        assert declared(str)(["a"]).eval() == "a"
    with (
        Workspace(tmp_path),
        pytest.warns(MerklWarning, match="computed again"),
        pytest.raises(TypeMismatchError, match="the return value is str, declared is int"),
    ):
        declared(int)(["a"]).eval()


def test_a_stored_value_of_a_class_that_cannot_be_imported_is_of_the_declared_type(
    tmp_path: Path, log: Log
) -> None:
    class Base:
        pass

    class Derived(Base):
        pass

    @task(ignore_args=["log"])
    def make(log: Log) -> list[Base]:
        log.append("made")
        return [Derived()]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with Workspace(tmp_path):
                make(log).eval()
    assert log == ["made"]


def test_a_value_found_by_content_is_checked_too(tmp_path: Path) -> None:
    def chain(returns: Any, seed: int, values: list[Any]) -> Any:
        @task
        def same(seed: int) -> int:
            return 0

        def draw(x: int, values: list[Any]) -> Any:
            return values.pop(0)

        draw.__annotations__["return"] = returns
        return task(ignore_args=["values"])(draw)(same(seed), values)

    values = ["a", 1, "unused"]
    with Workspace(tmp_path):
        assert chain(str, 1, values).eval() == "a"
    with Workspace(tmp_path), pytest.warns(MerklWarning, match="computed again"):
        assert chain(int, 2, values).eval() == 1
    assert values == ["unused"]


def test_damaged_contents_are_computed_again(tmp_path: Path, log: Log) -> None:
    import numpy as np

    @task(ignore_args=["log"])
    def array(log: Log) -> Any:
        log.append("array")
        return np.arange(100_000)

    with Workspace(tmp_path):
        array(log).eval()
    (blob,) = [p for p in (tmp_path / ".merkl" / "objects").rglob("*") if p.is_file()]
    blob.chmod(0o644)
    data = bytearray(blob.read_bytes())
    data[5000] ^= 1
    blob.write_bytes(data)
    with Workspace(tmp_path), pytest.warns(MerklWarning):
        assert array(log).eval().sum() == 4999950000
    assert log == ["array", "array"]


def test_loading_an_array_gives_a_writable_copy(workspace: Workspace) -> None:
    import numpy as np

    @task
    def array() -> Any:
        return np.zeros(100_000)

    loaded = array().eval()
    loaded[0] = 1
    assert array().eval()[0] == 0
