"""`merkl why`, case by case: the cause that is named is the true one."""

from __future__ import annotations

import pytest
from why_projects import WhyProject, causes, roots

from merkl import TaskFailedError
from merkl.render.why_text import format_why

FIT = """
    from merkl import Future, task

    ITEMS = [1, 2]

    def scale(x: float) -> float:
        return x * 2

    @task
    def fit(k: int, lr: float = 0.1) -> float:
        return scale(k * lr)

    @task
    def report(scores: list[float]) -> str:
        return str(scores)

    def main(lr: float = 0.1) -> Future[str]:
        return report([fit(k, lr) for k in ITEMS])

    def other() -> Future[str]:
        return report([fit(k, 0.7) for k in (7, 8)])
"""


@pytest.fixture
def flow(project: WhyProject) -> WhyProject:
    """A loop over items, whose results another pipeline of the project makes too."""
    project.write("flow.py", FIT)
    return project


def test_what_another_pipeline_called_is_no_earlier_value(flow: WhyProject) -> None:
    """It had the same task with other arguments: nothing changed, the calls are new."""
    flow.run("flow.other")
    assert causes(roots(flow.why("flow.main"))) == {
        ("new", "k", "1"),
        ("new", "lr", "0.1"),
        ("new", "k", "2"),
    }


def test_what_another_pipeline_called_with_the_same_arguments_tells_what_changed(flow: WhyProject) -> None:
    """The code did, since then, whoever called it."""
    flow.run("flow.other")
    flow.edit("flow.py", "ITEMS = [1, 2]", "ITEMS = [7, 8]")
    flow.edit("flow.py", "return x * 2", "return x + x")
    view = flow.why("flow.main", 0.7)
    assert causes(roots(view)) == {("code", "flow.scale")}
    assert [one.task for one in view.explanations if one.reason == "upstream"] == ["flow.report"]


def test_an_item_that_an_older_run_had_is_not_the_earlier_value_of_a_new_one(flow: WhyProject) -> None:
    """The latest run had no item that is gone now."""
    for items in ("[2, 3]", "[2, 3, 4]"):
        flow.run("flow.main")
        flow.write("flow.py", FIT.replace("[1, 2]", items))
    (root,) = roots(flow.why("flow.main"))
    assert (root.reason, root.unseen, root.differences) == ("first", {"k": "4"}, ())


def test_after_a_failed_run_each_call_has_its_place_in_the_run_before(flow: WhyProject) -> None:
    """The first item was done when the second failed: it has taken its place, which no new one takes."""
    flow.write("flow.py", FIT.replace("[1, 2]", "[1, 2, 3]"))
    flow.run("flow.main", 0.1)
    flow.edit("flow.py", "return x * 2", "return x * 2 if x < 1.5 else 1 / 0")
    flow.run("flow.main", 0.1)
    with pytest.raises(TaskFailedError):
        flow.run("flow.main", 0.9)
    flow.edit("flow.py", "[1, 2, 3]", "[1, 2, 3, 5]")
    view = flow.why("flow.main", 0.9)
    told = {(one.task, one.reason, one.failed != "", one.unseen.get("k", "")) for one in roots(view)}
    assert told == {
        ("flow.fit", "changed", True, ""),
        ("flow.fit", "changed", False, ""),
        ("flow.fit", "first", False, "5"),
    }
    changed = [one for one in roots(view) if one.reason == "changed"]
    assert causes(changed) == {("argument", "lr", "0.1", "0.9")}
    assert "ZeroDivisionError" in changed[0].failed


def test_a_call_that_failed_says_so_first_and_what_follows_from_it(flow: WhyProject) -> None:
    flow.edit("flow.py", "return x * 2", "raise ValueError('no scale: ü')")
    with pytest.raises(TaskFailedError):
        flow.run("flow.main")
    view = flow.why("flow.main")
    failed = next(one for one in view.explanations if one.failed)
    assert failed.reason == "failed"
    assert failed.failed.endswith(": ValueError: no scale: ü")
    assert next(one for one in view.explanations if one.task == "flow.report").reason == "first"
    flow.edit("flow.py", "raise ValueError('no scale: ü')", "return x * 2")
    first = next(one for one in flow.why("flow.main").explanations if one.failed)
    assert (first.reason, [d.name for d in first.differences]) == ("changed", ["flow.scale"])


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


def test_an_item_of_a_batch_is_a_call_of_the_single_task(project: WhyProject) -> None:
    """Single calls of items were there: what changed since is told of the batch's items too."""
    project.write(
        "flow.py",
        """
        from merkl import batch, task
        def grow(x: int) -> int:
            return x + 1
        @task
        def one(x: int) -> int:
            return grow(x)
        @batch(one)
        def many(xs: list[int]) -> list[int]:
            return [grow(x) for x in xs]
        @batch
        def bare(xs: list[int], by: int) -> list[int]:
            return [grow(x) * by for x in xs]
        def singles():
            return [one(1), one(2)]
        def main():
            return many([1, 2, 3])
        def by(n: int = 2):
            return bare([1, 2], by=n)
        """,
    )
    project.run("flow.singles")
    project.run("flow.by")
    assert causes(roots(project.why("flow.main"))) == {("new", "x", "3")}
    assert causes(roots(project.why("flow.by", 3))) == {("argument", "by", "2", "3")}
    project.edit("flow.py", "return x + 1", "return 1 + x")
    assert causes(roots(project.why("flow.main"))) == {("new", "x", "3"), ("code", "flow.grow")}
    assert causes(roots(project.why("flow.by"))) == {("code", "flow.grow")}


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


def test_an_interrupted_call_is_said_to_be_one(project: WhyProject) -> None:
    """Nothing of it changed; what it had is there to be accepted."""
    project.write(
        "flow.py",
        """
        import os, signal, time
        from merkl import task
        @task
        def wait(x: int) -> int:
            try:
                if x == 1:
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(10)
            except KeyboardInterrupt:
                return -1
            return x
        def main(x: int = 1):
            return wait(x)
        """,
    )
    assert project.run("flow.main") == -1
    assert project.run("flow.main", 2) == 2
    (root,) = roots(project.why("flow.main"))
    assert root.reason == "interrupted"
    assert "merkl cache accept" in root.saying


def test_what_would_only_be_linked_does_not_count_as_running(project: WhyProject) -> None:
    """An input was computed again to an equal result: what follows from it finds its own by content."""
    project.write(
        "flow.py",
        """
        from merkl import task
        @task
        def make(x: int) -> int:
            return x * 2
        @task
        def use(x: int) -> int:
            return x + 1
        def made():
            return make(3)
        def main():
            return use(make(3))
        """,
    )
    project.run("flow.main")
    project.edit("flow.py", "return x * 2", "return 2 * x")
    project.run("flow.made")
    view = project.why("flow.main")
    assert (view.calls, view.cached, view.linked) == (2, 1, 1)
    assert format_why(view) == (
        "flow.main: nothing would run: 1 of 2 calls are in the cache, 1 would be linked to results for the same inputs"
    )


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


def test_a_cause_of_several_tasks_is_told_once(flow: WhyProject) -> None:
    flow.edit("flow.py", "return str(scores)", "return str(list(map(scale, scores)))")
    flow.run("flow.main")
    flow.edit("flow.py", "return x * 2", "return 2 * x")
    text = format_why(flow.why("flow.main"))
    assert text.count("code of flow.scale changed") == 1
    assert text.index("flow.fit ×2") < text.index("flow.report") < text.index("code of flow.scale")


def test_where_a_value_decides_how_the_graph_goes_on_it_is_said(project: WhyProject) -> None:
    """In a loop over values: what comes after the first that is missing is not known."""
    project.write(
        "flow.py",
        """
        from merkl import task
        @task
        def step(i: int, x: int = 0) -> int:
            return i + x
        def main(n: int = 3):
            x = 0
            for i in range(n):
                x = step(i, x).v
            return step(100, x)
        """,
    )
    project.run("flow.main")
    view = project.why("flow.main", 4)
    assert causes(roots(view)) == {("new", "i", "3")}
    assert format_why(view).endswith("what comes next depends on the value of step (flow.py:9)")


def test_what_was_linked_since_is_compared_with_as_it_is_now(project: WhyProject) -> None:
    """An input was computed again to an equal result: that is no cause of what is edited later."""
    project.write(
        "flow.py",
        """
        from merkl import task
        @task
        def make(x: int) -> int:
            return x * 2
        @task
        def use(x: int) -> int:
            return x + 1
        @task
        def both(y: int, x: int) -> int:
            return x + y
        def main():
            x = make(3)
            return both(use(x), x)
        """,
    )
    project.run("flow.main")
    project.edit("flow.py", "return x * 2", "return 2 * x")
    project.run("flow.main")
    project.edit("flow.py", "return x + 1", "return 1 + x")
    assert causes(roots(project.why("flow.main"))) == {("code", "flow.use")}
