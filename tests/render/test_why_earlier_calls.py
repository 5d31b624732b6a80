"""`merkl why` and what a call is compared with: other pipelines, older, failed, interrupted and linked calls."""

from __future__ import annotations

import pytest
from why_projects import FIT, WhyProject, causes, roots

from merkl import TaskFailedError
from merkl.render.why_text import format_why


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


def test_a_file_that_changed_is_named_though_later_calls_are_not_known_yet(project: WhyProject) -> None:
    """The call that reads it is in the place of the one that read it before, and so is what follows, up to the value."""
    for number in range(3):
        project.write(f"{number}.txt", f"text {number}")
    project.write(
        "flow.py",
        """
        from merkl import FileRef, path_future, task
        @task
        def read(source: FileRef) -> str:
            return source.read_text()
        @task
        def join(texts: list[str]) -> str:
            return "".join(texts)
        @task
        def size(text: str) -> int:
            return len(text)
        def main():
            joined = join([read(path_future(f"{number}.txt")) for number in range(3)])
            return size(joined) if size(joined).v > 1000 else join([joined])
        """,
    )
    project.run("flow.main")
    project.write("1.txt", "another text")
    (root,) = roots(project.why("flow.main"))
    assert root.task == "merkl.path_future.txt"
    ((kind, name, *texts),) = causes([root])
    assert (kind, name) == ("argument", "file")
    assert all("FileRef('1.txt')" in text for text in texts)


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


def test_a_call_that_is_another_one_by_now_is_not_said_to_give_another_result(project: WhyProject) -> None:
    """It is there already, since another pipeline made it; of what lies behind results nothing is said to be there."""
    project.write(
        "flow.py",
        """
        from merkl import task
        @task
        def load(n: int) -> int:
            return n
        @task
        def fit(x: int) -> int:
            return x + 1
        def main(n: int = 1):
            return fit(load(n))
        def other():
            return load(2)
        """,
    )
    project.run("flow.main")
    project.run("flow.other")
    text = format_why(project.why("flow.main", 2))
    assert "flow.main: 1 of 2 calls would run" in text
    assert "  in the cache already\n" in text
    assert "argument n: 1 → 2" in text
    assert format_why(project.why("flow.main")) == (
        "flow.main: nothing would run: the result is in the cache, and the call behind it is not needed"
    )
    assert "that run had no call of it" in format_why(project.why("flow.main", 2, vs="last"))


def test_files_that_users_name_are_shown_as_they_called_for_them(project: WhyProject) -> None:
    project.write("a.txt", "1")
    project.write(
        "flow.py",
        """
        from merkl import path_future, read_future, task
        @task
        def size(text: str, path) -> int:
            return len(text)
        def main():
            return size(read_future("a.txt"), path_future("a.txt"))
        """,
    )
    project.run("flow.main")
    project.write("a.txt", "22")
    text = format_why(project.why("flow.main"))
    assert "merkl.read_future  " in text
    assert "merkl.path_future.txt  " in text
    project.edit("flow.py", "len(text)", "len(text) + 1")
    project.write("a.txt", "1")
    assert "paths are looked at each time" in format_why(project.why("flow.main"))
