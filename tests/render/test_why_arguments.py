"""`merkl why` where an argument is the cause: items of lists, files, and how results stand in it."""

from __future__ import annotations

import pytest
from why_projects import WhyProject, causes, roots

from merkl.render.why_text import format_why


def test_items_of_structured_arguments_are_told_apart_by_their_parts(project: WhyProject) -> None:
    """Each configuration takes the place of the one that it differs from in one setting, not in two."""
    project.write(
        "flow.py",
        """
        from dataclasses import dataclass, field
        from merkl import task
        LR = 0.1
        @dataclass
        class Options:
            lr: float
            layers: list[int] = field(default_factory=list)
        @task
        def fit(options: Options) -> float:
            return options.lr
        def main():
            return [fit(Options(LR, [k, 2])) for k in (5, 0, 2, 1)]
        """,
    )
    project.run("flow.main")
    project.edit("flow.py", "LR = 0.1", "LR = 0.2")
    project.edit("flow.py", "(5, 0, 2, 1)", "(9, 1, 0, 2, 5)")
    assert causes(roots(project.why("flow.main"))) == {
        ("argument", "options.lr", "0.1", "0.2"),
        ("new", "options", "Options(lr=0.2, layers=[9, 2])"),
    }


def test_of_files_it_is_told_which_and_how_their_content_changed(project: WhyProject) -> None:
    project.write("data/a.txt", "hello\n")
    project.write("data/sub/b.txt", "x\n")
    project.write(
        "flow.py",
        """
        from merkl import DirRef, FileRef, path_future, task
        @task
        def size(config: dict[str, FileRef]) -> int:
            return len(config["file"].read_text())
        @task
        def count(d: DirRef) -> int:
            return 1
        @task
        def copy(f: FileRef) -> int:
            return 2
        def main():
            given = {"file": FileRef("data/a.txt")}
            return [size(given), count(DirRef("data")), copy(path_future("data/a.txt"))]
        """,
    )
    project.run("flow.main")
    project.write("data/a.txt", "hello you\n")
    project.write("data/new.txt", "new\n")
    view = project.why("flow.main")
    lines = format_why(view).splitlines()
    assert sum("the content of FileRef('data/a.txt') changed: 6 B (" in line for line in lines) == 2
    assert any("argument d/a.txt: the content changed: 6 B (" in line for line in lines)
    assert any("argument d/new.txt is new: 4 B (" in line for line in lines)
    assert [one.task for one in view.explanations if one.reason == "upstream"] == ["flow.copy"]


def test_inputs_that_are_not_kept_are_compared_all_the_same(project: WhyProject) -> None:
    project.write(
        "flow.py",
        """
        from merkl import task
        @task(keep="never")
        def make(x: int) -> int:
            return x * 2
        @task
        def use(x: int) -> int:
            return x + 1
        def main():
            return use(make(3))
        """,
    )
    project.run("flow.main")
    project.edit("flow.py", "return x * 2", "return 2 * x")
    view = project.why("flow.main")
    assert causes(roots(view)) == {("code", "flow.make")}
    assert [one.reason for one in view.explanations if one.task == "flow.use"] == ["upstream"]


def test_an_item_of_a_constant_list_is_told_by_itself(project: WhyProject) -> None:
    """Those behind it have other places, and are as they were."""
    project.write(
        "flow.py",
        """
        from merkl import task
        STEPS = ["load", "clean", "fit", "plot"]
        @task
        def follow(steps: list[str], depth: int = 1) -> int:
            return len(steps)
        def main():
            return follow(STEPS)
        """,
    )
    project.run("flow.main")
    project.edit("flow.py", '"clean", ', "")
    assert "argument steps[1] is gone: 'clean'" in format_why(project.why("flow.main"))
    assert len(causes(roots(project.why("flow.main")))) == 1
    project.edit("flow.py", '"load", "fit"', '"load", "clean", "check", "fit"')
    assert causes(roots(project.why("flow.main"))) == {("argument", "steps[2]", "", "'check'")}


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ("{'a': s[1], 'b': s[0]}", "it is given the same results in another order"),
        ("{'a': s[0], 'c': s[1]}", "argument d['c'] is new: <Future[int] of score>"),
        ("{'a': s[0], 'b': 5}", "argument d['b']: <Future[int] of score> → 5"),
        ("{'a': s[0], 'b': s[2]}", "it is given one more result: score(x=2)"),
        ("{'a': s[0], 'b': s[1], 'c': s[0]}", "argument d['c'] is new: <Future[int] of score>"),
    ],
)
def test_how_results_stand_in_an_argument_is_a_cause(project: WhyProject, edit: str, told: str) -> None:
    project.write(
        "flow.py",
        """
        from merkl import task
        @task
        def score(x: int) -> int:
            return x * 2
        @task
        def show(d: dict[str, int]) -> str:
            return str(d)
        def main():
            s = [score(x) for x in range(3)]
            return [show({'a': s[0], 'b': s[1]}), s]
        """,
    )
    project.run("flow.main")
    project.edit("flow.py", "{'a': s[0], 'b': s[1]}", edit)
    text = format_why(project.why("flow.main"))
    assert told in text
    assert text.startswith("flow.main: 1 of 4 calls would run")


def test_a_result_that_stands_in_a_list_once_more_is_a_cause(flow: WhyProject) -> None:
    flow.run("flow.main")
    flow.edit("flow.py", "for k in ITEMS]", "for k in [*ITEMS, ITEMS[0]]]")
    assert "argument scores: 2 results → 3 results" in format_why(flow.why("flow.main"))
