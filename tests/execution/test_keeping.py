"""What is kept only until it was used, and calls that take too long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from merkl import TaskFailedError, Workspace, evaluate, task


@task(keep="until-used")
def passing(x: int) -> list[int]:
    return [x]


@task
def use(xs: list[int], by: int) -> int:
    return xs[0] * by


@task(timeout=0.2)
def slow(x: int) -> int:
    time.sleep(30)
    return x


@task(timeout=0.2, retries=1)
def slow_once(marker: str) -> int:
    if Path(marker).exists():
        return 1
    Path(marker).write_text("")
    time.sleep(30)
    return 0


@pytest.mark.parametrize("target", [None, 2])
def test_a_passing_result_is_gone_when_all_have_used_it(tmp_path: Path, target: int | None) -> None:
    with Workspace(tmp_path, target=target):
        made = passing(3)
        users = [use(made, 1), use(made, 2)]
        assert evaluate(users) == [3, 6]
        assert not made.in_cache()
        assert all(user.in_cache() for user in users)


@pytest.mark.parametrize("target", [None, 2])
def test_it_stays_where_it_was_asked_for(tmp_path: Path, target: int | None) -> None:
    with Workspace(tmp_path, target=target):
        made = passing(4)
        assert evaluate([made, use(made, 1)]) == [[4], 4]
        assert made.in_cache()


def test_in_one_process_an_alarm_ends_what_takes_too_long(workspace: Workspace) -> None:
    with pytest.raises(TaskFailedError, match=r"TimeoutError: it ran for more than 0\.2 seconds"):
        slow(1).eval()


def test_there_too_it_counts_as_an_attempt(workspace: Workspace, tmp_path: Path) -> None:
    assert slow_once(str(tmp_path / "marker")).v == 1
