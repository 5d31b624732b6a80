"""`merkl migrate`: results hold for an edited task because a person says so; all that is downstream follows."""

from __future__ import annotations

import json

import pytest
from project import Project


@pytest.fixture
def shop(project: Project) -> Project:
    project.write(
        "shop.py",
        """
        from merkl import Future, task

        def tax(x: float) -> float:
            return x * 0.2

        @task
        def load(n: int) -> list[float]:
            return [float(i) for i in range(n)]

        @task
        def price(x: float) -> float:
            return x + tax(x)

        @task
        def total(xs: list[float], parts: dict[str, float]) -> float:
            return sum(xs) + parts["first"]

        def main() -> Future[float]:
            prices = [price(x) for x in (1.0, 2.0)]
            return total(prices, {"first": prices[0], "more": 1.0})

        def mapped() -> Future[list[float]]:
            return price.map(load(3))
        """,
    )
    return project


def edit(project: Project, old: str, new: str) -> None:
    path = project.folder / "shop.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_it_shows_what_was_edited_and_does_nothing_until_told(shop: Project) -> None:
    shop.run_json("shop.main")
    edit(shop, "return x * 0.2", "return 0.2 * x")
    done = shop.merkl("migrate", "shop.price")
    assert done.returncode == 0, done.stderr
    assert "2 results of code" in done.stdout
    assert "-    return x * 0.2" in done.stdout
    assert "nothing was done" in done.stdout
    assert shop.run_json("shop.main")["run"] == 2


def test_what_is_downstream_follows_and_the_results_say_so(shop: Project) -> None:
    """Futures nested in lists and dicts among them."""
    shop.run_json("shop.main")
    edit(shop, "return x * 0.2", "return 0.2 * x")
    assert shop.merkl("migrate", "shop.price", "--yes").returncode == 0
    figures = shop.run_json("shop.main")
    assert (figures["run"], figures["cached"]) == (0, 3)
    records = json.loads(shop.merkl("log", "--json", "--task", "total").stdout)
    (key,) = (record["key"] for record in records if "migrated" in record["tags"])
    view = json.loads(shop.merkl("debug", "--json", "--hash", key).stdout)
    assert "declared by hand" in view["notes"][0]
    # The next edit is another one; and an argument that is new still runs.
    edit(shop, "(1.0, 2.0)", "(1.0, 2.0, 3.0)")
    assert shop.run_json("shop.main")["run"] == 2
    edit(shop, "return 0.2 * x", "return 0.3 * x")
    assert shop.run_json("shop.main")["run"] == 4


def test_it_lists_the_files_that_were_written_downstream(shop: Project) -> None:
    path = shop.folder / "shop.py"
    path.write_text(
        path.read_text()
        + """
def report() -> Future[list[float]]:
    load(1).write("other.json")
    return main().write("total.json", sidecar=True)
"""
    )
    shop.run_json("shop.report")
    edit(shop, "return x * 0.2", "return 0.2 * x")
    listed = json.loads(shop.merkl("migrate", "shop.price", "--json").stdout)
    assert (listed["files"], listed["is_done"]) == (["total.json", "total.json.merkl"], False)
    assert "  total.json.merkl\n" in shop.merkl("migrate", "shop.price").stdout


def test_two_declarations_in_a_row_lead_back_to_the_first(shop: Project) -> None:
    shop.run_json("shop.main")
    edit(shop, "return x * 0.2", "return 0.2 * x")
    assert shop.merkl("migrate", "shop.price", "--yes").returncode == 0
    edit(shop, "return 0.2 * x", "return +0.2 * x")
    first = json.loads(shop.merkl("log", "--json", "--task", "price").stdout)[0]["fingerprint"]
    refused = shop.merkl("migrate", "shop.price", "--from", "0000")
    assert refused.returncode == 2
    # Nothing was run with the version between, so it is named by its predecessor.
    assert shop.merkl("migrate", "shop.price", "--yes", "--from", first[:12]).returncode == 0
    assert shop.run_json("shop.main")["run"] == 0


def test_a_map_over_a_list_follows_too(shop: Project) -> None:
    shop.run_json("shop.mapped")
    edit(shop, "return x * 0.2", "return 0.2 * x")
    assert shop.merkl("migrate", "shop.price", "--yes").returncode == 0
    assert shop.run_json("shop.mapped")["run"] == 0


def test_undo_forgets_it(shop: Project) -> None:
    shop.run_json("shop.main")
    edit(shop, "return x * 0.2", "return 0.2 * x")
    assert shop.merkl("migrate", "shop.price", "--yes").returncode == 0
    assert shop.merkl("migrate", "shop.price", "--undo").returncode == 0
    assert shop.run_json("shop.main")["run"] == 2
    assert shop.merkl("migrate", "shop.price", "--undo").returncode == 2


def test_after_undo_what_was_taken_over_stays_until_it_is_cleared_downstream_too(shop: Project) -> None:
    before = shop.run_json("shop.main")["result"]
    edit(shop, "return x * 0.2", "return x * 0.3")
    assert shop.merkl("migrate", "shop.price", "--yes").returncode == 0
    assert shop.run_json("shop.main")["run"] == 0
    assert shop.merkl("migrate", "shop.price", "--undo").returncode == 0
    for task in ("price", "total"):
        found = shop.run_json("shop.main")
        assert (found["run"], found["result"]) == (0, before)
        assert shop.merkl("cache", "clear", f"shop.{task}", "--yes").returncode == 0
    found = shop.run_json("shop.main")
    assert (found["run"], found["result"] == before) == (3, False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["shop.main"], "is no task"),
        (["shop.price"], "no result of shop.price of another version"),
        (["shop.load"], "no result of shop.load"),
        (["shop.price", "3"], "takes one task"),
    ],
)
def test_nonsense_is_one_clear_line(shop: Project, words: list[str], message: str) -> None:
    nothing = shop.merkl("migrate", "shop.price")
    assert nothing.returncode == 2
    shop.run_json("shop.main")
    done = shop.merkl("migrate", *words)
    assert done.returncode == 2
    assert message in done.stderr
