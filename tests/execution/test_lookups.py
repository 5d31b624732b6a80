"""Which results a plan looks up, and how many at once."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from merkl import Future, Metadata, Workspace, evaluate, task
from merkl.cache import Entry, FileCache, MemoryCache, Record, SqliteCache


@task
def increment(x: int) -> int:
    return x + 1


@task(expires=datetime.timedelta(0))
def stale(x: int) -> int:
    return x


def chain(n: int, value: Any = 0) -> list[Future[int]]:
    calls: list[Future[int]] = []
    for _ in range(n):
        value = increment(value)
        calls.append(value)
    return calls


class CountedCache(SqliteCache):
    """A SQLite cache that notes which keys are looked up together."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.asked: list[list[str]] = []

    def peek_many(self, keys: Sequence[str]) -> dict[str, tuple[Record, Entry | None]]:
        self.asked.append(list(keys))
        return super().peek_many(keys)


class SlowCache(MemoryCache):
    """A cache of which each key costs a request."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def peek(self, key: str) -> tuple[Record, Entry | None] | None:
        self.asked.append(key)
        return super().peek(key)


def test_a_missing_chain_takes_few_look_ups(tmp_path: Path) -> None:
    """Each time as many again are looked up ahead, and no key twice."""
    cache = CountedCache(tmp_path / "cache")
    with Workspace(tmp_path, cache=cache):
        calls = chain(1000)
        assert calls[-1].eval() == 1000
    asked = [key for keys in cache.asked for key in keys]
    assert sorted(asked) == sorted(call.hash for call in calls)
    assert len(cache.asked) < 20


def test_a_cached_result_is_looked_up_alone(tmp_path: Path) -> None:
    """Where the last result is there, nothing is asked about those before it."""
    cache = CountedCache(tmp_path / "cache")
    with Workspace(tmp_path, cache=cache):
        calls = chain(50)
        evaluate(calls)
        cache.asked.clear()
        again = chain(50)
        assert again[-1].eval() == 50
    assert cache.asked == [[again[-1].hash]]


def test_many_results_are_looked_up_together(tmp_path: Path) -> None:
    """All that is asked for is looked up at once, though all of it is there."""
    cache = CountedCache(tmp_path / "cache")
    with Workspace(tmp_path, cache=cache):
        evaluate([increment(i) for i in range(100)])
        cache.asked.clear()
        assert evaluate([increment(i) for i in range(100)]) == list(range(1, 101))
    assert [len(keys) for keys in cache.asked] == [100]


def test_where_each_key_costs_a_request_only_what_is_needed_is_asked_for(tmp_path: Path) -> None:
    """The ancestors of a result that is there are not asked for ahead."""
    cache = SlowCache()
    with Workspace(tmp_path, cache=cache):
        calls = chain(20)
        calls[14].eval()
        cache.asked.clear()
        again = chain(20)
        assert again[-1].eval() == 20
    assert cache.asked == [call.hash for call in reversed(again[14:])]


def test_what_is_there_is_found_behind_what_is_missing(tmp_path: Path) -> None:
    """Looking ahead stops no run from beginning where results are."""
    with Workspace(tmp_path) as workspace:
        chain(40)[29].eval()
        workspace.cache.flush()
        found = chain(40)
        outcome = workspace.run(lambda: found[-1])
    assert outcome.result == 40
    assert (len(outcome.report.run), len(outcome.report.cached)) == (10, 30)


def test_a_result_that_has_expired_is_missing_when_it_was_looked_up_ahead(tmp_path: Path) -> None:
    """`expires` counts for ancestors too."""
    with Workspace(tmp_path) as workspace:
        assert stale(1).eval() == 1
        outcome = workspace.run(lambda: chain(5, stale(1))[-1])
    assert outcome.result == 6
    assert len(outcome.report.run) == 6


@pytest.mark.parametrize("make", [lambda path: SqliteCache(path), lambda path: FileCache(path)])
def test_only_what_is_lost_runs_again(tmp_path: Path, make: Any) -> None:
    """Of many results that are looked up together, one that is not there is missed alone."""
    cache = make(tmp_path / "cache")
    with Workspace(tmp_path, cache=cache) as workspace:
        calls = [increment(i) for i in range(30)]
        evaluate(calls)
        cache.delete(calls[7].hash)
        outcome = workspace.run(lambda: [increment(i) for i in range(30)])
    assert outcome.result == list(range(1, 31))
    assert {call.key().hex() for call in outcome.report.run} == {calls[7].hash}


def test_metadata_say_of_each_out_what_they_said(tmp_path: Path) -> None:
    """What the outs of a call share is described once; key of content, out, parents and arguments are those of each."""

    @task
    def both(x: int) -> tuple[int, str]:
        return x, str(x)

    with Workspace(tmp_path) as workspace:
        number, text = both(increment(1))
        assert (number.v, text.v) == (2, "2")
        told: list[Metadata] = []
        for future in (number, text):
            metadata = workspace.cache.metadata(future.hash)
            assert metadata is not None
            told.append(metadata)
    assert [metadata.out for metadata in told] == ["0", "1"]
    assert len({metadata.content_key for metadata in told}) == 2
    assert [metadata.parents for metadata in told] == [(increment(1).hash,)] * 2
    assert [metadata.arguments[0].preview for metadata in told] == ["<Future of increment>"] * 2
