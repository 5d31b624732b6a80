"""Calling tasks: binding, checks at the call, and the other ways to call."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, ItemsView, Iterable, KeysView
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict

import pytest

from merkl import (
    BindError,
    Eval,
    Future,
    FutureAccessError,
    GraphError,
    MerklError,
    Secret,
    SerializationError,
    Task,
    TypeMismatchError,
    Workspace,
    arg_serializer,
    evaluate,
    task,
)

pytestmark = pytest.mark.usefixtures("workspace")


class Options(TypedDict):
    must: int
    may: NotRequired[int]


@task
def add(a: int, b: int = 10) -> int:
    """Add two numbers."""
    return a + b


@task
def double(x: int) -> int:
    return 2 * x


def test_a_task_looks_like_its_function() -> None:
    assert (add.__name__, add.__doc__, add.__module__) == ("add", "Add two numbers.", __name__)
    assert add.fn(1, 2) == 3


def test_defaults_are_part_of_the_key() -> None:
    assert add(1).hash == add(1, 10).hash == add(b=10, a=1).hash
    assert add(1).hash != add(1, 11).hash


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: add(), "missing 1 required positional argument: 'a'"),  # type: ignore[call-arg]
        (lambda: add(1, 2, 3), "takes from 1 to 2 positional arguments but 3 were given"),  # type: ignore[call-arg]
        (lambda: add(1, c=2), "unexpected keyword argument 'c'"),  # type: ignore[call-arg]
    ],
)
def test_a_call_that_does_not_bind_says_what_python_says_and_where(
    call: Callable[[], Any], said: str
) -> None:
    with pytest.raises(BindError, match=said) as caught:
        call()
    assert isinstance(caught.value, TypeError)
    assert "test_task.py:" in str(caught.value)


def test_every_kind_of_parameter_binds() -> None:
    @task
    def kinds(a: int, /, b: int, *rest: int, c: int = 5, **more: int) -> list[Any]:
        return [a, b, rest, c, more]

    assert kinds(1, 2, 3, 4, d=6).eval() == [1, 2, (3, 4), 5, {"d": 6}]


def test_a_wrong_constant_names_task_parameter_types_and_line() -> None:
    with pytest.raises(TypeMismatchError) as caught:
        double("three")  # type: ignore[arg-type]
    error = caught.value
    assert (error.task, error.parameter, error.expected, error.actual) == ("double", "x", "int", "str")
    assert error.location is not None
    assert "test_task.py:" in error.location
    assert isinstance(error, TypeError)


def test_a_future_of_a_wrong_type_is_refused_when_the_call_is_made() -> None:
    @task
    def text() -> str:
        return "x"

    with pytest.raises(TypeMismatchError, match=r"'double', parameter 'x': wanted int, got .*str"):
        double(text())  # type: ignore[arg-type]


def test_futures_are_found_and_checked_inside_containers() -> None:
    @dataclass
    class Box:
        item: Any

    class Pair(NamedTuple):
        a: Any
        b: Any

    @task
    def collect(x: Any) -> Any:
        return x

    value = {
        "list": [double(1), 5],
        "tuple": (double(2),),
        "box": Box(double(3)),
        "pair": Pair(double(4), {"k": double(5)}),
    }
    assert collect(value).eval() == {
        "list": [2, 5],
        "tuple": (4,),
        "box": Box(6),
        "pair": Pair(8, {"k": 10}),
    }
    assert len(collect(value).parents) == 5

    @task
    def total(xs: list[int]) -> int:
        return sum(xs)

    @task
    def text() -> str:
        return "x"

    assert total([double(1), 2]).eval() == 4  # type: ignore[list-item]
    with pytest.raises(TypeMismatchError, match="item 1"):
        total([double(1), text()])  # type: ignore[list-item]


def test_a_typed_dict_of_futures_may_leave_out_what_is_not_required() -> None:
    @task
    def size(options: Options) -> int:
        return len(options)

    assert size({"must": double(1)}).eval() == 1  # type: ignore[typeddict-item]
    with pytest.raises(TypeMismatchError, match="must"):
        size({"may": double(1)})  # type: ignore[typeddict-item]


def test_a_value_without_canonical_bytes_names_the_path_and_the_registration() -> None:
    import threading

    @task
    def use(config: dict[str, Any]) -> int:
        return 1

    with pytest.raises(SerializationError) as caught:
        use({"locks": [threading.Lock()]})
    error = caught.value
    assert (error.task, error.parameter) == ("use", "config")
    assert error.path == "['locks'][0]"
    assert error.remedy is not None
    assert "arg_serializer" in error.remedy


def test_a_parameter_can_have_its_own_serializer() -> None:
    class Handle:
        def __init__(self, name: str) -> None:
            self.name, self.opened = name, object()

    @task(arg_serializers={"handle": lambda h: h.name}, validate="off")
    def use(handle: Any) -> str:
        return handle.name  # type: ignore[no-any-return]

    assert use(Handle("a")).hash == use(Handle("a")).hash
    assert use(Handle("a")).hash != use(Handle("b")).hash

    @task
    def annotated(handle: Annotated[Handle, arg_serializer(lambda h: h.name)]) -> str:
        return handle.name

    assert annotated(Handle("a")).hash == annotated(Handle("a")).hash


def test_ignored_and_secret_arguments_stay_out_of_the_key() -> None:
    @task(ignore_args=["log"])
    def quiet(x: int, log: bool = False) -> int:
        return x

    @task
    def fetch(url: str, token: Annotated[str, Secret]) -> str:
        return url + token

    assert quiet(1, log=True).hash == quiet(1).hash
    assert fetch("u", "one").hash == fetch("u", "two").hash
    with pytest.raises(TypeMismatchError) as caught:
        fetch("u", 12345)  # type: ignore[arg-type]
    assert "12345" not in str(caught.value)


def test_an_ignored_argument_may_be_a_future() -> None:
    @task(ignore_args=["y"])
    def quiet(x: int, y: int) -> int:
        return x + y

    assert quiet(1, double(2)).eval() == 5


def test_extra_key_adds_to_the_key() -> None:
    version = {"t": 1}

    @task(extra_key=lambda table: version[table])
    def read(table: str) -> int:
        return 1

    before = read("t").hash
    version["t"] = 2
    assert read("t").hash != before


def test_unknown_options_and_wrong_values_name_the_closest() -> None:
    with pytest.raises(GraphError, match="'retris'; did you mean 'retries'"):
        task(retris=1)(double.fn)  # type: ignore[call-overload]
    with pytest.raises(GraphError, match="keep='sometimes'"):
        task(keep="sometimes")(double.fn)  # type: ignore[call-overload]
    with pytest.raises(GraphError, match="ignore_args names 'z'"):
        task(ignore_args=["z"])(double.fn)(1)


def test_map_calls_once_for_each_item() -> None:
    assert evaluate(double.map([1, 2, 3])) == [2, 4, 6]
    assert evaluate(add.map([1, 2], [3, 4])) == [4, 6]
    assert [f.hash for f in double.map([1, 2])] == [double(1).hash, double(2).hash]


def test_map_zips_strictly() -> None:
    with pytest.raises(BindError, match="2, 3 items"):
        add.map([1, 2], [3, 4, 5])
    with pytest.raises(BindError, match="one iterable at least"):
        double.map()


def test_map_over_a_future_list_makes_separate_calls_once_it_is_known() -> None:
    @task
    def numbers(n: int) -> list[int]:
        return list(range(n))

    mapped = double.map(numbers(3))
    assert isinstance(mapped, Future)
    assert mapped.eval() == [0, 2, 4]
    assert double(2).in_cache()
    assert not double(7).in_cache()


def test_grid_is_the_product_with_the_last_varying_fastest() -> None:
    assert evaluate(add.grid(a=[1, 2], b=[10, 20])) == [11, 21, 12, 22]


def test_bind_fixes_parameters_and_keeps_the_keys() -> None:
    fixed = add.bind(b=5)
    assert fixed(1).hash == add(1, 5).hash
    assert fixed.fn(1) == 6
    assert add.bind(1)(2).eval() == 3
    assert add.bind(b=5).bind(a=1)().eval() == 6
    with pytest.raises(BindError, match="'z'"):
        add.bind(z=1)


def test_a_bound_parameter_may_be_a_future() -> None:
    assert evaluate(add.bind(b=double(1)).map([1, 2])) == [3, 4]


def test_pipes_give_each_result_to_the_next() -> None:
    chain = add | double | double
    assert isinstance(chain, Task)
    assert chain(1, 2).eval() == 12
    assert chain(1, 2).hash == double(double(add(1, 2))).hash
    assert chain.fn(1, 2) == 12
    assert evaluate(chain.map([1, 2])) == [44, 48]


def test_a_future_goes_through_a_pipe_as_through_calls() -> None:
    piped = add(1, 2) | double | add.bind(b=1)
    assert piped.hash == add(double(add(1, 2)), 1).hash
    piped |= double
    assert piped.eval() == 14


def test_a_future_goes_into_no_task_of_two_required_arguments_and_into_no_plain_function() -> None:
    @task
    def both(a: int, b: int) -> int:
        return a + b

    @task
    def shout(text: str) -> str:
        return text.upper()

    with pytest.raises(GraphError, match="requires 2 arguments"):
        add(1, 2) | both
    with pytest.raises(TypeMismatchError, match="parameter 'text'"):
        add(1, 2) | shout  # type: ignore[operator]
    with pytest.raises(FutureAccessError, match=r"piped into abs, which is no task.*`future \| task\(abs\)`"):
        add(1, 2) | abs  # type: ignore[operator]
    for other in (3, None, add(1, 2)):
        with pytest.raises(FutureAccessError, match="arithmetic"):
            add(1, 2) | other  # type: ignore[operator]
    with pytest.raises(FutureAccessError, match="arithmetic"):
        3 | add(1, 2)  # type: ignore[operator]


def test_a_pipe_into_a_task_of_two_required_arguments_is_refused() -> None:
    @task
    def both(a: int, b: int) -> int:
        return a + b

    with pytest.raises(GraphError, match="requires 2 arguments"):
        add | both
    assert (add | both.bind(b=1))(1, 2).eval() == 4


def test_run_gives_the_value_through_the_cache() -> None:
    assert add.run(1, 2) == 3
    assert add(1, 2).in_cache()
    assert add.run(double(4), b=1) == 9


def test_eval_runs_calls_at_once() -> None:
    with Eval():
        value = double(21)
    assert value == 42  # type: ignore[comparison-overlap]
    assert isinstance(double(21), Future)


def test_methods_and_static_methods() -> None:
    @dataclass(frozen=True)
    class Scaler:
        factor: int

        @task
        def apply(self, x: int) -> int:
            return self.factor * x

        @staticmethod
        @task
        def negate(x: int) -> int:
            return -x

        @task
        @staticmethod
        def twice(x: int) -> int:
            return 2 * x

    assert Scaler(3).apply(5).eval() == 15
    assert Scaler(3).apply(5).hash != Scaler(4).apply(5).hash
    assert Scaler.apply(Scaler(3), 5).hash == Scaler(3).apply(5).hash
    assert Scaler.negate(4).eval() == -4
    assert Scaler(1).twice(4).eval() == 8


def test_a_partial_can_be_a_task() -> None:
    plus_one = task(functools.partial(add.fn, 1))
    assert plus_one(5).eval() == 6
    assert plus_one(5).hash != task(functools.partial(add.fn, 2))(5).hash


def test_evaluate_keeps_the_structure_and_its_types() -> None:
    @dataclass
    class Box:
        item: Any

    structure = {"a": [double(1), (double(2), {double(3)})], "b": Box(double(4)), "c": "x"}
    assert evaluate(structure) == {"a": [2, (4, {6})], "b": Box(8), "c": "x"}
    assert evaluate(5) == 5


def test_a_chain_of_a_hundred_thousand_calls_builds_and_runs(workspace: Workspace) -> None:
    value: Any = 0
    for _ in range(100_000):
        value = add(value, 1)
    assert value.eval() == 100_000


def test_every_error_has_the_one_root() -> None:
    with pytest.raises(MerklError):
        double("x")  # type: ignore[arg-type]


def test_a_task_of_a_task_is_refused() -> None:
    with pytest.raises(GraphError, match="is a task already"):
        task(double)
    with pytest.raises(GraphError, match="wants a function"):
        task(5)  # type: ignore[call-overload]


def test_keyword_arguments_may_have_any_name(workspace: Workspace) -> None:
    """Also the names that a method of `Task` would use itself."""

    @task
    def collect(first: int, /, **more: int) -> dict[str, int]:
        return {"": first, **more}

    assert collect(1, self=2, first=3).eval() == {"": 1, "self": 2, "first": 3}
    assert collect.run(1, self=2) == {"": 1, "self": 2}
    assert collect.bind(self=2)(1).eval() == {"": 1, "self": 2}


@task
def total(xs: Iterable[int]) -> int:
    return sum(xs)


@task
def joined(xs: KeysView[str]) -> list[str]:
    return sorted(xs | {"z"})


@task
def summed(xs: ItemsView[str, int]) -> int:
    return sum(value for _, value in xs)


def test_views_of_dicts_are_arguments_with_futures_in_them_or_without() -> None:
    """The body gets a view of the same kind; what is in it is checked, and counts for the key."""
    assert total({"a": 1, "b": 2}.values()).eval() == 3
    assert total({"a": double(2), "b": 2}.values()).eval() == 6
    assert total(OrderedDict(a=double(1)).values()).eval() == 2
    assert summed({"a": double(3)}.items()).eval() == 6
    assert joined({"a": 1}.keys()).eval() == ["a", "z"]
    assert total({"a": 1}.values()).hash != total({"a": 2}.values()).hash
    with pytest.raises(TypeMismatchError, match="item 0 of 'xs' is str, wanted int"):
        total({"a": "x"}.values())  # type: ignore[arg-type]
    with pytest.raises(TypeMismatchError, match=r"item 0 of 'xs' is Future\[str\]"):
        total({"a": word(1)}.values())  # type: ignore[arg-type]


def test_iterators_are_no_arguments() -> None:
    """They are used up by whoever reads them, so they have no canonical bytes."""
    for used_up in (iter([1]), (x for x in [1]), map(int, ["1"])):
        with pytest.raises(SerializationError, match="pass a list"):
            total(used_up)  # type: ignore[merkl-unserializable]


@task
def word(x: int) -> str:
    return str(x)
