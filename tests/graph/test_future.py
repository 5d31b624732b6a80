"""A Future is a handle: what it tells, and how it answers to being used as its value."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from merkl import Future, FutureAccessError, MerklError, Workspace, task

MISUSES: dict[str, Callable[[Any], Any]] = {
    "truth": bool,
    "not": lambda f: not f,
    "length": len,
    "iteration": list,
    "unpacking": lambda f: [*f],
    "membership": lambda f: 1 in f,
    "index": lambda f: f[0],
    "slice": lambda f: f[1:],
    "assignment of an item": lambda f: f.__setitem__(0, 1),
    "addition": lambda f: f + 1,
    "reflected addition": lambda f: 1 + f,
    "augmented addition": lambda f: f.__iadd__(1),
    "power": lambda f: f**2,
    "modulo": lambda f: f % 2,
    "matmul": lambda f: f @ f,
    "negation": lambda f: -f,
    "abs": abs,
    "int": int,
    "float": float,
    "round": round,
    "range": range,
    "bytes": bytes,
    "str": str,
    "f-string": lambda f: f"{f}",
    "format spec": lambda f: f"{f:.2f}",
    "less": lambda f: f < 1,
    "less or equal": lambda f: f <= 1,
    "greater": lambda f: f > 1,
    "greater or equal": lambda f: f >= 1,
    "reflected less": lambda f: f > 1,
    "equality with a value": lambda f: f == 0.99,
    "inequality with a value": lambda f: f != 0.99,
    "attribute": lambda f: f.shape,
    "json": json.dumps,
    "json inside": lambda f: json.dumps({"a": [f]}),
    "path": lambda f: open(f),
    "with": lambda f: f.__enter__(),
}


@task
def number(x: int) -> int:
    return x


@pytest.mark.parametrize("misuse", MISUSES.values(), ids=MISUSES.keys())
def test_using_a_future_as_its_value_names_the_task_and_the_remedy(misuse: Callable[[Any], Any]) -> None:
    with pytest.raises(FutureAccessError) as caught:
        misuse(number(1))
    assert isinstance(caught.value, (MerklError, TypeError, AttributeError))
    assert "eval" in str(caught.value)


def test_misuse_names_the_task_and_the_line_of_the_call() -> None:
    future = number(1)
    with pytest.raises(FutureAccessError, match=r"'number' .*test_future\.py:\d+") as caught:
        future.shape  # type: ignore[attr-defined]
    assert caught.value.task == "number"


@pytest.mark.parametrize(
    "name", ["__array__", "_repr_html_", "__dataframe__", "_ipython_display_", "__wrapped__"]
)
def test_names_that_tools_probe_are_plainly_absent(name: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(number(1), name)
    assert not isinstance(caught.value, FutureAccessError)


def test_a_future_takes_no_attributes() -> None:
    with pytest.raises(AttributeError):
        number(1).shape = 1  # type: ignore[attr-defined]


def test_repr_works_and_runs_nothing(workspace: Workspace) -> None:
    future = number(1)
    assert repr(future) == "<Future[int] of number>"
    assert not future.in_cache()


def test_a_future_tells_its_call() -> None:
    first = number(1)
    second = number(first)
    assert second.task is number
    assert dict(second.arguments) == {"x": first}
    assert second.parents == (first,)
    assert second.type is int
    assert second.out is None
    assert len(second.hash) == 64
    assert int(second.hash, 16) >= 0


def test_futures_are_equal_and_hash_by_key() -> None:
    assert number(1) == number(1)
    assert number(1) != number(2)
    assert len({number(1), number(1), number(2)}) == 2


def test_an_equal_float_is_another_key_than_the_int() -> None:
    @task
    def loose(x: float) -> float:
        return x

    assert loose(1).hash != loose(1.0).hash


def test_copying_a_future_gives_the_same_object() -> None:
    future = number(1)
    assert copy.copy(future) is future
    assert copy.deepcopy([future])[0] is future


def test_a_future_survives_pickling(workspace: Workspace) -> None:
    future = number(number(3))
    again = pickle.loads(pickle.dumps(future))
    assert again == future
    assert again.eval() == 3


def test_eval_v_and_the_cache(workspace: Workspace) -> None:
    future = number(5)
    assert not future.in_cache()
    assert future.v == future.eval() == 5
    assert future.in_cache()
    future.clear_cache()
    assert not future.in_cache()
    assert future.eval() == 5


def test_a_future_has_no_other_public_names() -> None:
    public = {name for name in dir(Future) if not name.startswith("_")}
    wanted = [
        "eval",
        "v",
        "hash",
        "type",
        "task",
        "arguments",
        "out",
        "parents",
        "in_cache",
        "clear_cache",
        "write",
        "from_file",
    ]
    assert public == set(wanted)


def test_a_future_piped_into_a_plain_function_says_how_to_make_it_a_task() -> None:
    """What is no function at all is arithmetic."""

    def shorten(text: str) -> str:
        return text[:3]

    @task
    def load() -> str:
        return "some text"

    future: Any = load()
    with pytest.raises(
        FutureAccessError, match=r"piped into shorten, which is no task: .* Write `future \| task\(shorten\)`"
    ):
        future | shorten
    with pytest.raises(FutureAccessError, match=r"`future \| task\(len\)`"):
        future | len
    with pytest.raises(FutureAccessError, match="used in arithmetic"):
        future | 3
    assert (load() | task(shorten)).eval() == "som"
