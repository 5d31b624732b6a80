"""How many Futures a call gives, and what happens when the body returns something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, NotRequired, TypedDict

import pytest

from merkl import Future, TaskOutsError, TypeMismatchError, evaluate, task

pytestmark = pytest.mark.usefixtures("workspace")


class Pair(NamedTuple):
    a: int
    b: str


@dataclass(frozen=True)
class Point:
    x: int


class Parts(TypedDict):
    train: int
    test: str


class Loose(TypedDict):
    must: int
    may: NotRequired[int]


def test_a_fixed_tuple_gives_a_tuple_of_futures() -> None:
    @task
    def two() -> tuple[int, str]:
        return 1, "x"

    first, second = two()
    assert (first.type, second.type) == (int, str)
    assert (first.out, second.out) == ("0", "1")
    assert first.hash != second.hash
    assert evaluate((first, second)) == (1, "x")


def test_a_tuple_of_any_length_is_one_future() -> None:
    @task
    def many() -> tuple[int, ...]:
        return 1, 2, 3

    assert many().eval() == (1, 2, 3)


def test_a_typed_dict_gives_a_dict_of_futures() -> None:
    @task
    def split() -> Parts:
        return {"train": 1, "test": "x"}

    parts = split()
    assert list(parts) == ["train", "test"]
    assert parts["test"].type is str
    assert evaluate(parts) == {"train": 1, "test": "x"}


@pytest.mark.parametrize("value", [Pair(1, "x"), Point(1)])
def test_a_named_tuple_and_a_dataclass_are_one_future(value: Pair | Point) -> None:
    @task
    def give(value: Any) -> Pair | Point:
        return value  # type: ignore[no-any-return]

    future = give(value)
    assert isinstance(future, Future)
    assert future.eval() == value
    assert type(future.eval()) is type(value)


def test_a_key_that_is_not_required_may_be_absent() -> None:
    @task
    def loose(full: bool) -> Loose:
        return {"must": 1, "may": 2} if full else {"must": 1}

    assert evaluate(loose(True)) == {"must": 1, "may": 2}
    assert loose(False)["must"].eval() == 1
    with pytest.raises(TaskOutsError, match="'may'"):
        loose(False)["may"].eval()


class Nested(TypedDict):
    row: Loose
    rows: list[Loose]


class Strict(TypedDict):
    must: int
    may: int


@task
def loose(full: bool) -> Loose:
    return {"must": 1, "may": 2} if full else {"must": 1}


def test_an_absent_key_is_left_out_of_an_argument() -> None:
    """What mypy accepts runs: wherever the TypedDict stands, the body gets it without the key."""

    @task
    def use(
        row: Loose,
        rows: list[Loose],
        named: dict[str, Loose],
        pair: tuple[int, Loose],
        maybe: Loose | None,
        *more: Loose,
    ) -> list[Any]:
        return [row, rows, named, pair, maybe, more]

    lone, full = loose(False), loose(True)
    found = use(lone, [full, lone], {"x": lone}, (1, lone), lone, full, lone).eval()
    less, all_ = {"must": 1}, {"must": 1, "may": 2}
    assert found == [less, [all_, less], {"x": less}, (1, less), less, (all_, less)]


def test_an_absent_key_is_left_out_inside_another_typed_dict() -> None:
    @task
    def use(nested: Nested) -> Nested:
        return nested

    lone = loose(False)
    assert evaluate(use({"row": lone, "rows": [lone]})) == {"row": {"must": 1}, "rows": [{"must": 1}]}


def test_an_absent_key_is_left_out_of_what_is_evaluated() -> None:
    assert evaluate(loose(False)) == {"must": 1}
    assert evaluate([loose(False), loose(True)]) == [{"must": 1}, {"must": 1, "may": 2}]


def test_an_absent_key_that_is_required_is_an_error() -> None:
    @task
    def strict(row: Strict) -> int:
        return row["may"]

    @task
    def table(row: dict[str, int]) -> int:
        return len(row)

    for made in (strict(loose(False)), table(loose(False)), table({"other": loose(False)["may"]})):
        with pytest.raises(TaskOutsError, match="did not return the key 'may' this time"):
            made.eval()
    with pytest.raises(TaskOutsError, match="did not return the key 'may' this time"):
        evaluate({"other": loose(False)["may"]})


def test_a_body_that_gives_other_keys_is_no_absence() -> None:
    """Where all keys may be absent, a body that returns unknown ones still fails."""

    class Open(TypedDict, total=False):
        may: int

    @task
    def wrong() -> Open:
        return {"other": 1}  # type: ignore[typeddict-unknown-key]

    with pytest.raises(TaskOutsError, match="other"):
        wrong.run()


def test_run_leaves_absent_keys_out() -> None:
    @task
    def loose(full: bool) -> Loose:
        return {"must": 1, "may": 2} if full else {"must": 1}

    assert loose.run(False) == {"must": 1}
    assert loose.run(True) == {"must": 1, "may": 2}


def test_unannotated_is_one_future_of_any() -> None:
    @task
    def loose(x):  # type: ignore[no-untyped-def]
        return x, x

    future = loose(1)
    assert future.type is Any
    assert future.eval() == (1, 1)


def test_outs_1_keeps_one_future_of_a_tuple() -> None:
    @task(outs=1)
    def two() -> tuple[int, str]:
        return 1, "x"

    assert two().eval() == (1, "x")


def test_a_number_of_outs() -> None:
    @task(outs=2)
    def two() -> list[int]:
        return [1, 2]

    first, second = two()
    assert first.type is int
    assert evaluate([first, second]) == [1, 2]


def test_names_of_outs() -> None:
    @task(outs=["a", "b"])
    def two() -> dict[str, int]:
        return {"b": 2, "a": 1}

    outs = two()
    assert outs["a"].type is int
    assert evaluate(outs) == {"a": 1, "b": 2}


def test_outs_from_a_function_of_the_parameters() -> None:
    @task(outs=lambda names: names)
    def of(names: list[str]) -> dict[str, int]:
        return {name: len(name) for name in names}

    assert evaluate(of(["x", "yy"])) == {"x": 1, "yy": 2}


def test_too_few_values_name_both_numbers() -> None:
    @task(outs=3)
    def two() -> list[int]:
        return [1, 2]

    with pytest.raises(TaskOutsError, match="3 outs and returned 2") as caught:
        two()[0].eval()
    assert (caught.value.expected, caught.value.actual) == (3, 2)


def test_other_names_than_declared_are_named() -> None:
    @task(outs=["a", "b"])
    def two() -> dict[str, int]:
        return {"a": 1, "c": 2}

    with pytest.raises(TaskOutsError, match="missing 'b'; undeclared 'c'"):
        two()["a"].eval()


def test_a_value_that_is_no_tuple_is_refused() -> None:
    @task(outs=2)
    def one():  # type: ignore[no-untyped-def]
        return 5

    with pytest.raises(TaskOutsError, match="returned int"):
        one()[0].eval()


def test_a_number_that_contradicts_the_annotation_is_refused() -> None:
    @task(outs=3)
    def two() -> tuple[int, str]:
        return 1, "x"

    with pytest.raises(TaskOutsError, match="2 values"):
        two()


def test_each_out_is_checked_against_its_type() -> None:
    @task
    def two() -> tuple[int, str]:
        return 1, 2  # type: ignore[return-value]

    with pytest.raises(TypeMismatchError, match=r"out '1' is int, declared is str"):
        two()[0].eval()


def test_one_out_that_is_gone_is_computed_again_without_the_other() -> None:
    runs: list[int] = []

    @task(deps=["one out gone"], ignore_args=["log"])
    def two(log: Any) -> tuple[int, str]:
        log.append(1)
        return 1, "x"

    first, second = two(runs)
    assert first.eval() == 1
    second.clear_cache()
    assert first.eval() == 1
    assert len(runs) == 1
    assert second.eval() == "x"
    assert len(runs) == 2


def test_an_absent_key_is_the_same_error_in_the_run_that_finds_it_absent() -> None:
    @task(keep="never")
    def loose() -> Loose:
        return {"must": 1}

    @task
    def use(x: int) -> int:
        return x

    for _ in range(2):
        with pytest.raises(TaskOutsError, match="did not return the key 'may' this time"):
            evaluate(use(loose()["may"]))
