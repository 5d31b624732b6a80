"""What options of `@task` can be is said where the task is declared, not when it is called or run."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from merkl import GraphError, TaskOutsError, task

pytestmark = pytest.mark.usefixtures("workspace")


def first(x: int, *rest: int, k: int = 2) -> Any:
    return x, k


@pytest.mark.parametrize("outs", [0, -1, 1.0, True, [], ["a", "a"], [1], {"a": 1.5, 2: 3}, object()])
def test_outs_that_no_task_can_have_are_refused(outs: Any) -> None:
    with pytest.raises(TaskOutsError, match="first"):
        task(outs=outs)(first)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code_version", 1.5),
        ("hash_key", 1),
        ("hash_mode", "nope"),
        ("deps", "helper"),
        ("extra_key", "tag"),
        ("expires", 60),
        ("arg_serializers", {"x": "bytes"}),
        ("retries", 1.5),
        ("retries", None),
        ("retries", True),
        ("retry_delay", -1),
        ("retry_delay", "1s"),
        ("retry_on", ValueError("x")),
        ("retry_on", (int,)),
        ("timeout", 0),
        ("timeout", "10s"),
        ("max_concurrency", 0),
        ("max_concurrency", 1.5),
        ("resources", ["gpu"]),
        ("resources", {"memory": "4 lightyears"}),
        ("resources", {"cpu": -1}),
        ("keep", "sometimes"),
        ("validate", []),
    ],
)
def test_a_value_that_an_option_cannot_take_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(GraphError, match=f"{name}=.*wanted is"):
        task(**{name: value})(first)


def test_values_of_every_kind_that_options_take_are_taken() -> None:
    made = task(
        outs=2,
        deps=[b"x"],
        hash_mode="module",  # type: ignore[arg-type]
        code_version=3,
        extra_key=lambda x, *rest, k: k,
        expires=datetime.timedelta(1),
        retries=1,
        retry_delay=0.5,
        retry_on=OSError,  # type: ignore[arg-type]
        timeout=None,
        max_concurrency=2,
        resources={
            "gpu": 1,
            "cpu": 0.5,
            "memory": "4 GB",
            "disk": "1.5TiB",
            "slots": lambda attempt: 1 + attempt,
        },
    )(first)
    assert made.options.retry_on == (OSError,)


@pytest.mark.parametrize("wrong", [lambda x: 2, lambda x, *rest: 2, lambda x, *, key: 2])
def test_a_function_of_other_parameters_is_refused(wrong: Any) -> None:
    with pytest.raises(TaskOutsError, match=r"called with the parameters of the task, \(x, \*rest, k=2\)"):
        task(outs=wrong)(first)
    with pytest.raises(GraphError, match="extra_key"):
        task(extra_key=wrong)(first)


def test_parameters_that_go_by_name_have_the_same_names() -> None:
    def body(x: int, k: int) -> Any:
        return x, k

    with pytest.raises(TaskOutsError, match=r"\(x, k\), but takes \(inpoot, k\)"):
        task(outs=lambda inpoot, k: k)(body)


def test_functions_of_options_get_star_arguments_and_defaults_as_the_task_does() -> None:
    seen: list[Any] = []

    def note(x: int, *rest: int, k: int, **more: int) -> int:
        seen.append((x, rest, k, more))
        return k

    def body(x: int, *rest: int, k: int = 3, **more: int) -> Any:
        return (x,) * k

    made = task(outs=note)(body)
    assert len(made(1, 2, 3, z=4)) == 3
    assert seen == [(1, (2, 3), 3, {"z": 4})]


def test_another_default_in_the_function_of_outs_does_not_count() -> None:
    made = task(outs=lambda x, *rest, k=7: k)(first)
    assert len(made(1)) == 2
