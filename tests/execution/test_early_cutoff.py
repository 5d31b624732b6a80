"""Early cutoff over random graphs: exactly what has other inputs than before runs, whatever shape the inputs have."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merkl import FileRef, Workspace, task


@task
def number(n: int, version: int) -> int:
    return n


@task
def pair(n: int, version: int) -> tuple[int, str]:
    return n, str(n % 2)


@task
def file(n: int, version: int) -> FileRef:
    made = FileRef(suffix=".txt")
    Path(made).write_text(str(n))
    return made


@task
def total(xs: list[int]) -> int:
    return sum(xs) % 5


@task
def halves(x: int) -> tuple[int, int]:
    return x // 2, x % 2


@task
def nested(data: dict[str, Any], scale: int) -> int:
    return scale * (data["a"] + sum(data["b"][0])) % 7


@task
def written(x: int) -> FileRef:
    made = FileRef(suffix=".txt")
    Path(made).write_text(str(x))
    return made


@task
def read_back(text: FileRef) -> int:
    return int(Path(text).read_text())


@task
def length(word: str, x: int) -> int:
    return len(word) + x % 3


KINDS = {
    "number": ("source", ["int"]),
    "pair": ("source", ["int", "str"]),
    "file": ("source", ["file"]),
    "total": (["int", "int", "int"], ["int"]),
    "halves": (["int"], ["int", "int"]),
    "nested": (["int", "int"], ["int"]),
    "written": (["int"], ["file"]),
    "read_back": (["file"], ["int"]),
    "length": (["str", "int"], ["int"]),
}
SOURCES = [name for name, (needs, _) in KINDS.items() if needs == "source"]
OTHERS = [name for name in KINDS if name not in SOURCES]

Node = tuple[str, tuple[int, ...]]


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Draw a graph: one source of each kind, then calls that take any earlier out of the right type."""
    nodes: list[Node] = [(name, ()) for name in draw(st.permutations(SOURCES))]
    outs = [(index, kind) for index, (name, _) in enumerate(nodes) for kind in KINDS[name][1]]
    for name in draw(st.lists(st.sampled_from(OTHERS), min_size=1, max_size=8)):
        places = [[at for at, (_, kind) in enumerate(outs) if kind == need] for need in KINDS[name][0]]
        nodes.append((name, tuple(draw(st.sampled_from(choice)) for choice in places)))
        outs += [(len(nodes) - 1, kind) for kind in KINDS[name][1]]
    return nodes


def call_all(nodes: list[Node], inputs: dict[str, tuple[int, int]]) -> list[Any]:
    """Make all calls; return a Future for each out, in order."""
    outs: list[Any] = []
    for name, places in nodes:
        a = [outs[place] for place in places]
        made: Any
        if name in SOURCES:
            made = {"number": number, "pair": pair, "file": file}[name](*inputs[name])
        elif name == "total":
            made = total(a)
        elif name == "nested":
            made = nested({"a": a[0], "b": [(a[1], 3)]}, 2)
        else:
            made = {"halves": halves, "written": written, "read_back": read_back, "length": length}[name](*a)
        outs += made if isinstance(made, tuple) else [made]
    return outs


class Expectation:
    """What each run should do, worked out from values alone."""

    def __init__(self) -> None:
        self.recipes: set[Any] = set()
        self.contents: set[Any] = set()

    def run(
        self, nodes: list[Node], inputs: dict[str, tuple[int, int]]
    ) -> tuple[list[Any], Counter[str], int]:
        """Return the values of all outs, how often each task runs, and how many calls are linked."""
        values: list[Any] = []
        recipes: list[Any] = []
        ran: Counter[str] = Counter()
        linked = 0
        for name, places in nodes:
            given = inputs[name] if name in SOURCES else tuple(values[place] for place in places)
            recipe = (name, inputs[name] if name in SOURCES else tuple(recipes[place] for place in places))
            if recipe not in self.recipes:
                self.recipes.add(recipe)
                if name not in SOURCES and (name, given) in self.contents:
                    linked += 1
                else:
                    ran[name] += 1
                    if name not in SOURCES:
                        self.contents.add((name, given))
            outs = self.values(name, given)
            values += outs
            recipes += [(recipe, out) for out in range(len(outs))]
        return values, ran, linked

    @staticmethod
    def values(name: str, a: Any) -> list[Any]:
        """Return the outs of one call; a file is its text."""
        results = {
            "number": lambda: [a[0]],
            "pair": lambda: [a[0], str(a[0] % 2)],
            "file": lambda: [str(a[0])],
            "total": lambda: [sum(a) % 5],
            "halves": lambda: [a[0] // 2, a[0] % 2],
            "nested": lambda: [2 * (a[0] + a[1] + 3) % 7],
            "written": lambda: [str(a[0])],
            "read_back": lambda: [int(a[0])],
            "length": lambda: [len(a[0]) + a[1] % 3],
        }
        return results[name]()


INPUTS = st.fixed_dictionaries({name: st.tuples(st.integers(0, 3), st.integers(0, 2)) for name in SOURCES})


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(nodes=graphs(), runs=st.lists(INPUTS, min_size=2, max_size=4))
def test_exactly_what_has_other_inputs_runs(
    nodes: list[Node], runs: list[dict[str, tuple[int, int]]]
) -> None:
    """Sources change with and without changing what they give; the rest runs, is linked or cached as values say."""
    expectation = Expectation()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(folder)
        for inputs in runs:
            values, ran, linked = expectation.run(nodes, inputs)
            outcome = workspace.run(lambda inputs=inputs: call_all(nodes, inputs))  # type: ignore[misc]
            found = [Path(v).read_text() if isinstance(v, FileRef) else v for v in outcome.result]
            assert found == values
            assert Counter(call.task.name for call in outcome.report.run) == ran
            assert len(outcome.report.linked) == linked


@task
def anything(which: int) -> Any:
    import numpy

    values: list[Any] = [
        1,
        True,
        1.0,
        "1",
        b"1",
        (1,),
        [1],
        {1},
        frozenset({1}),
        numpy.int64(1),
        numpy.float64(1),
        None,
        "",
    ]
    values += [
        numpy.array([1]),
        numpy.array([1], "int32"),
        numpy.array([[1]]),
        {"a": 1},
        {"a": True},
        0.0,
        -0.0,
        bytearray(b"1"),
    ]
    return values[which]


@task
def describe(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__} {value!r} {getattr(value, 'dtype', '')}"


@task
def suffixed(suffix: str) -> FileRef:
    made = FileRef(suffix=suffix)
    Path(made).write_text("equal")
    return made


@task
def suffix_of(path: FileRef) -> str:
    return Path(path).suffix


def test_results_of_other_types_are_never_taken_for_each_other(workspace: Workspace) -> None:
    """Values that are equal or have equal bytes, but other types or codecs, are other inputs."""
    described = [describe(anything(which)).eval() for which in range(21)]
    assert len(set(described)) == 21
    plain = [describe.fn(anything.fn(which)) for which in range(21)]
    assert described == plain


@pytest.mark.parametrize("order", [(".csv", ".txt"), (".txt", ".csv", "")])
def test_files_of_other_suffixes_are_never_taken_for_each_other(
    workspace: Workspace, order: tuple[str, ...]
) -> None:
    """The suffix of a file is part of what a task gets."""
    assert [suffix_of(suffixed(suffix)).eval() for suffix in order] == list(order)


def test_of_equal_calls_with_several_outs_the_first_runs(workspace: Workspace) -> None:
    """What was made from the first of them is made after it, even where only the other outs are asked of the second."""
    first, _ = halves(number(5, 0))
    both = total([first, first, first])
    _, second = halves(number(5, 0))
    assert workspace.run(lambda: [both, second]).result == [1, 1]
