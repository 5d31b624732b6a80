"""`merkl log`: runs and results, filters, lineage, and what differs between two runs."""

from __future__ import annotations

import json
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
        (["--where", "speed > 1"], "no such column"),
        (["--where", "1; DROP TABLE entries"], "cannot ask"),
        (["--run", "zz"], "no run has an id"),
        (["--run", "last~7"], "there is no run"),
        (["xyz"], "is no key"),
        (["--nonsense"], "unknown option"),
        (["--diff", "last"], "two runs"),
    ],
)
def test_nonsense_is_one_clear_line(shop: Project, words: list[str], message: str) -> None:
    done = shop.merkl("log", *words)
    assert done.returncode in (1, 2)
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
