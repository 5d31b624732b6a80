"""`merkl why` where code is the cause: of tasks, of classes, in arguments, of commands, and the options in keys."""

from __future__ import annotations

import pytest
from why_projects import WhyProject, causes, roots

from merkl import TaskFailedError
from merkl.render.why_text import format_why

CONFIGS = """
    from dataclasses import dataclass

    from merkl import Future, task

    @dataclass(frozen=True)
    class Inner:
        rate: float = 1.0

    @dataclass(frozen=True)
    class Outer:
        inner: Inner = Inner()
        steps: int = 1

    @task
    def fit(config: Outer) -> float:
        return config.inner.rate / config.steps

    def main() -> Future[float]:
        return fit(Outer())
"""


def test_code_in_an_argument_shows_what_of_it_changed(project: WhyProject) -> None:
    """A lambda, a closure and a partial: the helper that they reach, and the value that a closure holds."""
    project.write(
        "flow.py",
        """
        import functools
        from merkl import task
        K = 3
        def reached(x, y=0):
            return x + y
        def outer(k):
            def inner(x):
                return reached(x) + k
            return inner
        @task
        def apply(f, x: int) -> int:
            return f(x)
        def main():
            fs = [lambda x: reached(x), outer(K), functools.partial(reached, y=2)]
            return [apply(f, i) for i, f in enumerate(fs)]
        """,
    )
    project.run("flow.main")
    project.edit("flow.py", "return x + y", "return y + x")
    text = format_why(project.why("flow.main"))
    assert text.count("argument f: code of flow.reached changed") == 1
    assert "    +    return y + x" in text
    assert " at 0x" not in text
    project.edit("flow.py", "return y + x", "return x + y")
    project.edit("flow.py", "outer(K)", "outer(4)")
    (root,) = roots(project.why("flow.main"))
    assert causes([root]) == {("constant", "kf", "3", "4")}
    project.edit("flow.py", "outer(4)", "outer(K)")
    project.edit("flow.py", "lambda x: reached(x)", "lambda x: -reached(x)")
    assert "    +    fs = [lambda x: -reached(x), " in format_why(project.why("flow.main"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("steps: int = 1", "steps: int = 2", {"flow.Outer", "Outer.steps", "config.steps"}),
        (
            "rate: float = 1.0",
            "rate: float = 2.0",
            {"flow.Inner", "Inner.rate", "Outer.inner.rate", "config.inner.rate"},
        ),
    ],
)
def test_of_classes_that_hold_others_only_what_changed_is_a_cause(
    project: WhyProject, old: str, new: str, told: set[str]
) -> None:
    """A class that another one holds is among its parts and by itself: it is compared once."""
    project.write("flow.py", CONFIGS)
    project.run("flow.main")
    project.edit("flow.py", old, new)
    [one] = project.why("flow.main").explanations
    assert {difference.change for difference in one.differences} == {"changed"}
    assert {difference.name + difference.path for difference in one.differences} == told


def test_the_classes_of_a_call_that_failed_are_known(project: WhyProject) -> None:
    """After its task was mended, the edit is the cause, not the classes of its argument."""
    project.write("flow.py", CONFIGS.replace("steps: int = 1", "steps: int = 0"))
    with pytest.raises(TaskFailedError):
        project.run("flow.main")
    project.edit("flow.py", "/ config.steps", "/ (config.steps or 1)")
    assert causes(roots(project.why("flow.main"))) == {("code", "flow.fit")}


def test_a_shell_command_is_shown_as_it_was_written(project: WhyProject) -> None:
    """Two commands of one program are not taken for each other; the value of a variable does not show."""
    project.write("a.txt", "b\na\n")
    project.write(
        "flow.py",
        """
        from merkl import FileRef, bash_task, file_arg, stdout_arg
        lines = bash_task(f"wc -l {file_arg('x')} {stdout_arg(str)}", env={"MODE": "hidden one"})
        words = bash_task(f"wc -w {file_arg('x')} {stdout_arg(str)}")
        def main():
            return [lines(FileRef("a.txt")), words(FileRef("a.txt"))]
        """,
    )
    project.run("flow.main")
    project.edit("flow.py", "wc -w", "wc -c")
    project.edit("flow.py", "hidden one", "hidden two")
    view = project.why("flow.main")
    assert {d.kind for one in roots(view) for d in one.differences} == {"command", "environment variable"}
    text = format_why(view)
    assert "wc -w {file_arg('x')} {stdout_arg(str)} → wc -c {file_arg('x')} {stdout_arg(str)}" in text
    assert "environment variable MODE changed" in text
    assert "hidden" not in text


def test_a_constant_has_the_name_that_it_has_where_it_is_bound(project: WhyProject) -> None:
    project.write("limits.py", "LIMIT = 5\nTABLE = {'a': [1, 2]}\n")
    project.write("between.py", "from limits import LIMIT, TABLE\n")
    project.write(
        "flow.py",
        """
        from between import LIMIT, TABLE
        from merkl import task
        @task
        def cut(x: int) -> int:
            return min(x, LIMIT) + len(TABLE)
        def main():
            return cut(9)
        """,
    )
    project.run("flow.main")
    project.edit("limits.py", "LIMIT = 5", "LIMIT = 6")
    assert causes(roots(project.why("flow.main"))) == {("constant", "limits.LIMIT", "5", "6")}


def test_a_task_that_was_moved_renamed_and_edited_shows_its_edit(project: WhyProject) -> None:
    text = """
        from merkl import task
        @task
        def {name}(x: int, factor: int = 2) -> int:
            return x * factor
    """
    project.write("old.py", text.format(name="double"))
    project.write("flow.py", "from old import double\ndef main():\n    return [double(x) for x in (1, 2)]\n")
    project.run("flow.main")
    (project.folder / "old.py").unlink()
    project.write("new.py", text.format(name="twice"))
    project.write("flow.py", "from new import twice\ndef main():\n    return [twice(x) for x in (1, 2)]\n")
    assert project.why("flow.main").cached == 2
    project.edit("new.py", "x * factor", "factor * x")
    told = format_why(project.why("flow.main"))
    assert "new.twice ×2" in told
    assert "as old.double:" in told
    assert "-    return x * factor" in told


def test_options_that_are_in_keys_are_causes(project: WhyProject) -> None:
    project.write(
        "flow.py",
        """
        from merkl import task
        TAG = "v1"
        @task(ignore_args=["note"])
        def quiet(x: int, note: int) -> int:
            return x + 1
        @task(code_version=1)
        def versioned(x: int) -> int:
            return x + 2
        @task(extra_key=lambda x: TAG)
        def tagged(x: int) -> int:
            return x + 3
        @task(deps=["t1"])
        def dependent(x: int) -> int:
            return x + 4
        def main():
            return [quiet(1, 2), versioned(1), tagged(1), dependent(1)]
        """,
    )
    project.run("flow.main")
    project.edit("flow.py", 'ignore_args=["note"]', "ignore_args=[]")
    project.edit("flow.py", "code_version=1", "code_version=2")
    project.edit("flow.py", 'TAG = "v1"', 'TAG = "v2"')
    project.edit("flow.py", '"t1"', '"t2"')
    text = format_why(project.why("flow.main"))
    assert "argument note is part of the key now: 2" in text
    assert "option code_version: 1 → 2" in text
    assert "what extra_key= gives is another value" in text
    assert "declared dependency deps[0]: 't1' → 't2'" in text
    project.run("flow.main")
    project.edit("flow.py", "ignore_args=[]", 'ignore_args=["x"]')
    assert "argument x is no part of the key any more" in format_why(project.why("flow.main"))


def test_a_cause_of_several_tasks_is_told_once(flow: WhyProject) -> None:
    flow.edit("flow.py", "return str(scores)", "return str(list(map(scale, scores)))")
    flow.run("flow.main")
    flow.edit("flow.py", "return x * 2", "return 2 * x")
    text = format_why(flow.why("flow.main"))
    assert text.count("code of flow.scale changed") == 1
    assert text.index("flow.fit ×2") < text.index("flow.report") < text.index("code of flow.scale")
