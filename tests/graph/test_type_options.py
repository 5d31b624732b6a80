"""What is checked when a call is made, and what switches it off."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from merkl import MerklWarning, TaskFailedError, TypeMismatchError, Workspace, task

if TYPE_CHECKING:
    from nowhere_at_all import Missing

pytestmark = pytest.mark.usefixtures("workspace")


@task
def text(a: int) -> str:
    return str(a)


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@task(check_types=False)
def lenient(xs: list[int]) -> int:
    return len(xs)


@task(validate="off")
def unlooked(xs: list[int]) -> list[int]:
    return xs


@task(check_types=True)
def strict(xs: list[int]) -> int:
    return len(xs)


def test_a_wrong_edge_is_an_error_when_the_call_is_made() -> None:
    """Task, parameter, both types and the place of the call are in the message."""
    with pytest.raises(
        TypeMismatchError, match=r"task 'total', parameter 'xs': wanted list\[int\], got Future\[str\]"
    ) as error:
        total(text(1))  # type: ignore[arg-type]
    assert "test_type_options.py:" in str(error.value)


def test_an_error_points_inside_a_container() -> None:
    """The path leads to the item that is wrong, be it a constant or a Future."""
    with pytest.raises(TypeMismatchError, match=r"item 1 of 'xs' is Future\[str\], wanted int"):
        total([1, text(2)])  # type: ignore[list-item]
    with pytest.raises(TypeMismatchError, match="item 0 of 'xs' is str, wanted int"):
        total(["a"])  # type: ignore[list-item]


def test_check_types_of_a_task_lets_any_future_pass() -> None:
    """Constants are still looked at: that is what `validate` is for."""
    assert lenient(text(12)).v == 2  # type: ignore[arg-type]
    with pytest.raises(TypeMismatchError):
        lenient("ab")  # type: ignore[arg-type]


def test_validate_off_looks_at_no_value_but_still_at_futures() -> None:
    """Comparing two types costs nothing, and opting out of it is a choice of its own."""
    assert unlooked(["a"]).v == ["a"]  # type: ignore[list-item]
    with pytest.raises(TypeMismatchError):
        unlooked(text(1))  # type: ignore[arg-type]


def test_a_project_can_opt_out_and_a_task_back_in(tmp_path: Path) -> None:
    """`check_types = false` in [tool.merkl] holds for tasks that say nothing."""
    (tmp_path / "pyproject.toml").write_text("[tool.merkl]\ncheck_types = false\n")
    with Workspace(tmp_path):
        assert total(text(1)) is not None  # type: ignore[arg-type]
        with pytest.raises(TypeMismatchError):
            strict(text(1))  # type: ignore[arg-type]


def test_a_result_of_another_type_is_an_error_and_is_not_stored() -> None:
    """The message names task and path inside the value."""

    @task(validate="all")
    def wrong(n: int) -> list[float]:
        found: list[Any] = [1.0] * n
        return [*found, "x"]

    future = wrong(3)
    with pytest.raises(
        (TaskFailedError, TypeMismatchError), match="item 3 of the return value is str, declared is float"
    ):
        future.eval()
    assert not future.in_cache()


def test_an_annotation_that_cannot_be_read_is_told_once() -> None:
    """The warning says which name, where, and what to do; the parameter counts as Any."""

    @task
    def broken(a: Missing, b: int) -> int:
        return b

    with pytest.warns(MerklWarning, match="'Missing' in the annotation of 'a' is not found") as found:
        assert broken("anything", 1).v == 1
    assert len(found) == 1
    assert "task 'broken'" in str(found[0].message)
    assert "test_type_options.py" in str(found[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        broken(2, 2)


def test_a_method_with_such_an_annotation_is_told_once() -> None:
    """Each access to a method makes a task of its own; the warning comes from the one in the class."""

    class Model:
        @task
        def fit(self, a: Missing) -> int:
            return 1

    model = Model()
    with pytest.warns(MerklWarning, match="Missing"):
        model.fit(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(2)
        Model().fit(3)
