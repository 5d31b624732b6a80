"""`merkl log`: runs and results, filters, lineage, and what differs between two runs."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from project import Project


@pytest.fixture
def shop(project: Project) -> Project:
    project.write(
        "shop.py",
        """
        from merkl import Future, annotate, task
        RATE = 2
        @task
        def load(n: int) -> int:
            return n
        @task
        def price(x: int, kind: str = "net") -> int:
            annotate(score=x)
            return x * RATE
        def main(n: int = 1) -> Future[int]:
            return price(price(load(n)), kind="gross")
        """,
    )
    assert project.merkl("run", "shop.main").returncode == 0
    return project


def log(project: Project, *words: str) -> list[dict[str, Any]]:
    done = project.merkl("log", "--json", *words)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def make_many(project: Project) -> None:
    """Run forty more calls."""
    project.write("many.py", "import shop\nfrom merkl import evaluate\nevaluate(shop.load.map(range(40)))\n")
    project.python("many.py")


def test_json_is_a_list_of_records_with_key_task_run_and_metadata(shop: Project) -> None:
    records = log(shop)
    assert [r["task"] for r in records] == ["shop.price", "shop.price", "shop.load"]
    (run,) = log(shop, "--runs")
    assert {r["run"] for r in records} == {run["id"]}
    assert all(len(r["key"]) == 64 and r["size"] > 0 and r["created"] > 0 for r in records)
    assert records[1]["parents"] == [records[2]["key"]]
    assert records[0]["arguments"][1]["preview"] == "'gross'"
    assert run["command"] == ["merkl", "run", "shop.main"]
    assert run["counts"]["run"] == 3


def test_filters(shop: Project) -> None:
    assert shop.merkl("run", "shop.main", "5").returncode == 0
    assert len(log(shop)) == 6
    assert {r["task"] for r in log(shop, "--task", "price")} == {"shop.price"}
    assert len(log(shop, "--task", "shop.load", "--limit", "1")) == 1
    assert len(log(shop, "--since", "2d")) == 6
    assert log(shop, "--since", "2000-01-01", "--where", "duration > 60") == []
    assert [r["tags"] for r in log(shop, "--where", "tags ->> 'score' = 10")] == [{"score": 10}]
    assert len(log(shop, "--run", "last")) == 3
    assert len(log(shop, "--run", "last~1", "--task", "price")) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--since", "soon"], "--since 'soon'"),
        (["--where", "speed > 1"], "cannot ask for 'speed > 1': no such field: speed; there are key, task,"),
        (["--where", "bad("], "cannot ask for 'bad(': a ( is not closed"),
        (["--where", "size >"], "cannot ask for 'size >': it ends too early"),
        (["--where", "1; DROP TABLE entries"], "cannot ask"),
        (["--run", "zz"], "no run has an id"),
        (["--run", "last~7"], "there is no run"),
        (["xyz"], "is no key"),
        (["abc", "--limit", "3"], "goes with --json and --output only"),
        (["--nonsense"], "unknown option"),
        (["--diff", "last"], "two runs"),
    ],
)
def test_nonsense_is_one_clear_line(shop: Project, words: list[str], message: str) -> None:
    done = shop.merkl("log", *words)
    assert done.returncode in ((2,) if "--where" in words else (1, 2))
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_lineage_goes_up_and_down(shop: Project) -> None:
    load = log(shop, "--task", "load")[0]["key"]
    (record,) = log(shop, load[:20])
    assert len(record["children"]) == 1
    last = log(shop, "--limit", "1")[0]["key"]
    assert load in log(shop, last)[0]["ancestors"]
    up = shop.merkl("log", last).stdout
    assert up.index("made of") < up.index("shop.load(n=1)") < up.index("used by\n  nothing yet")
    down = shop.merkl("log", load).stdout
    assert "kind='gross'" in down.partition("used by")[2]
    assert last in log(shop, load)[0]["descendants"]


def test_the_lineage_of_a_long_chain_is_cut_for_people_and_whole_for_programs(shop: Project) -> None:
    """It is also asked for in one go: a question for each of the results took minutes for ten thousand."""
    text = "import shop\nfrom merkl import evaluate\nx = shop.load(1)\nfor i in range(1000):\n    x = shop.price(x)\nx.eval()\n"
    shop.write("long.py", text)
    shop.python("long.py")
    load = log(shop, "--task", "load")[0]["key"]
    lines = shop.merkl("log", load).stdout.splitlines()
    assert len(lines) < 300
    assert max(map(len, lines)) < 150
    assert lines[-1] == "  … and more; --json has all of them"
    assert len(log(shop, load)[0]["descendants"]) >= 1000


def test_an_ambiguous_prefix_lists_the_keys(shop: Project) -> None:
    make_many(shop)
    done = shop.merkl("log", log(shop)[0]["key"][:1])
    assert done.returncode == 2
    assert "several keys begin with" in done.stderr


def test_two_runs_are_compared(shop: Project) -> None:
    path = shop.folder / "shop.py"
    path.write_text(path.read_text().replace("RATE = 2", "RATE = 3"))
    assert shop.merkl("run", "shop.main").returncode == 0
    done = shop.merkl("log", "--diff", "last~1", "last", "--json")
    found = json.loads(done.stdout)
    assert found["same"] == 1
    assert len(found["changed"]) == 2
    assert found["changed"][0]["differences"][0]["name"] == "shop.RATE"
    text = shop.merkl("log", "--diff", "last~1", "last").stdout
    assert "constant shop.RATE: 2 → 3" in text


def test_a_project_where_nothing_ran_has_an_empty_log_and_none_is_made(project: Project) -> None:
    assert log(project) == []
    assert "nothing has run here" in project.merkl("log").stdout
    assert not (project.folder / ".merkl").exists()


def test_a_long_log_is_cut_for_people_not_for_programs(shop: Project) -> None:
    make_many(shop)
    assert len(log(shop)) == 42
    assert shop.merkl("log", "--task", "load").stdout.count("shop.load(") == 20


BROKEN = """
    from merkl import Future, pipeline, task
    @task
    def load(n: int) -> int:
        return n
    @task
    def double(x: int) -> int:
        return 2 * x
    def raises(n: int = 1) -> Future[int]:
        load(n)
        raise ValueError("no such n")
    def wrong() -> Future[int]:
        return double("two")
    def imports() -> Future[int]:
        import nothing_of_the_kind
        return load(1)
    @pipeline
    def staged():
        one = load(1)
        if one.v:
            raise RuntimeError("after the first value")
        return one
    def fine() -> Future[int]:
        return load(1)
"""


@pytest.mark.parametrize(
    ("function", "error", "line"),
    [
        ("raises", "ValueError: no such n", 11),
        ("wrong", "task 'double', parameter 'x': wanted int, got str", 13),
        ("imports", "ModuleNotFoundError: No module named 'nothing_of_the_kind'", 15),
        ("staged", "RuntimeError: after the first value", 21),
    ],
)
def test_a_run_whose_graph_cannot_be_built_is_written_down(
    project: Project, function: str, error: str, line: int
) -> None:
    """With what failed and where; its last line and its JSON say so too, and no frame of MerkL's stands between."""
    project.write("broken.py", BROKEN)
    done = project.merkl("run", "--json", f"broken.{function}")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"].startswith(error)
    assert done.stderr.splitlines()[-1].startswith("merkl: the graph was not built to its end; ")
    assert "merkl/" not in done.stderr
    (run,) = log(project, "--runs")
    assert (run["status"], run["is_built"], run["location"]) == ("failed", False, f"broken.py:{line}")
    assert run["error"].startswith(error)
    text = project.merkl("log").stdout
    assert f"the graph was not built to its end: {error}" in text
    assert f"broken.py:{line})" in text
    assert error in project.merkl("log", "--run", "last").stdout


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import nothing_of_the_kind", "ModuleNotFoundError"),
        ("def", "SyntaxError"),
    ],
)
def test_a_run_whose_module_cannot_be_imported_is_written_down(
    project: Project, line: str, error: str
) -> None:
    """Like any other whose graph cannot be built."""
    project.write(
        "early.py",
        f"""
        {line}
        def main():
            return 1
    """,
    )
    assert project.merkl("run", "early.main").returncode != 0
    (run,) = log(project, "--runs")
    assert (run["status"], run["is_built"], run["location"]) == ("failed", False, "early.py:2")
    assert run["error"].startswith(error)
    assert project.merkl("run", "early_not.main").returncode == 2
    assert len(log(project, "--runs")) == 1


def test_a_command_in_the_log_can_be_typed_again(project: Project) -> None:
    """With its options and its arguments as they were; one with a secret shows short texts instead, and not that."""
    project.write(
        "shop.py",
        """
        from typing import Annotated
        from merkl import Future, Secret, task
        @task
        def load(names: list[str], rate: float) -> int:
            return len(names)
        def main(names: list[str], rate: float = 1.0) -> Future[int]:
            return load(names, rate)
        def hidden(token: Annotated[str, Secret], n: int) -> Future[int]:
            return load([str(n)], 1.0)
        """,
    )
    words = ["run", "--quiet", "shop.main", "--names", "two words", "--names", "it's", "--rate=0.5", "--json"]
    assert project.merkl(*words).returncode == 0
    assert log(project, "--runs")[0]["command"] == ["merkl", *words]
    shown = project.merkl("log").stdout.splitlines()[0]
    assert shlex.join(["merkl", *words]) in shown
    assert project.merkl("run", "--quiet", "shop.hidden", "s3cret", "3").returncode == 0
    assert log(project, "--runs")[0]["command"] == [
        "merkl",
        "run",
        "--quiet",
        "shop.hidden",
        "--token=***",
        "--n=3",
    ]


def test_status_says_that_the_latest_run_failed_until_one_does_not(project: Project) -> None:
    project.write("broken.py", BROKEN)
    assert project.merkl("run", "broken.raises").returncode == 1
    done = project.merkl("status")
    assert done.returncode == 0
    assert "the latest run failed" in done.stderr
    assert "ValueError: no such n (broken.py:11)" in done.stderr
    assert json.loads(project.merkl("status", "--json").stdout)["failed_run"]["location"] == "broken.py:11"
    assert project.merkl("run", "broken.fine").returncode == 0
    assert "failed" not in project.merkl("status").stderr
    assert json.loads(project.merkl("status", "--json").stdout)["failed_run"] is None


def test_what_was_asked_for_in_vain_is_no_run(project: Project) -> None:
    """A check with --frozen and a task that is not there leave nothing behind."""
    project.write("broken.py", BROKEN)
    assert project.merkl("run", "--frozen", "broken.fine").returncode == 3
    assert project.merkl("run", "--until", "nothing", "broken.fine").returncode == 2
    assert log(project, "--runs") == []


def test_the_name_of_a_task_lists_its_results(shop: Project) -> None:
    assert {r["task"] for r in log(shop, "price")} == {"shop.price"}
    assert log(shop, "shop.load", "--limit", "1") == log(shop, "--task", "load")
    assert "shop.load(n=1)" in shop.merkl("log", "load").stdout


def test_a_task_named_like_the_beginning_of_a_key_is_asked_about(project: Project) -> None:
    """Six tasks are named after the digits that are letters, so one of them begins a key."""
    tasks = "\n".join(f"@task\ndef {c}(x: int) -> int:\n    return x + {n}\n" for n, c in enumerate("abcdef"))
    main = "def main():\n    return [t(i) for t in (a, b, c, d, e, f) for i in range(9)]\n"
    project.write("letters.py", f"from merkl import Future, task\n{tasks}\n{main}")
    assert project.merkl("run", "letters.main").returncode == 0
    first = next(r["key"][0] for r in log(project) if r["key"][0].isalpha())
    done = project.merkl("log", first)
    assert done.returncode == 2
    assert f"--task {first}" in done.stderr


def test_an_error_is_not_hidden_by_a_ledger_that_cannot_be_written(project: Project) -> None:
    """What went wrong with the records is said in one line, and nothing else at the end of the process."""
    project.write("broken.py", BROKEN)
    project.write(".merkl/merkl.db", "no database at all, but long enough to be looked at" * 9)
    done = project.merkl("run", "broken.raises")
    assert done.returncode == 1
    assert "ValueError: no such n" in done.stderr
    assert done.stderr.count("is damaged") == 1
    assert "atexit" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("merkl: the graph was not built to its end; ")
