"""`merkl debug`: tasks, the calls of a pipeline, and one result by its key."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from project import Project


@pytest.fixture
def shop(project: Project) -> Project:
    project.write(
        "shop.py",
        """
        from dataclasses import dataclass
        from typing import Annotated, TypedDict
        from merkl import FileRef, Future, Secret, arg_serializer, call_seed, task

        @dataclass
        class Rate:
            percent: float

        class Bill(TypedDict):
            net: float
            gross: float

        @arg_serializer(Rate)
        def plain(rate: Rate) -> float:
            return rate.percent

        @task(retries=2, ignore_args=["note"], arg_serializers={"name": str.lower}, codec={"net": "pickle"})
        def bill(net: list[float], rate: Rate, name: str, note: str = "", token: Annotated[str, Secret] = "s3cret") -> Bill:
            return {"net": sum(net), "gross": sum(net) * (1 + rate.percent)}

        @task
        def prices(n: int, scale: float = 1.5) -> list[float]:
            return [scale * i for i in range(n)]

        @task
        def noisy(n: int) -> float:
            import os
            return int.from_bytes(os.urandom(7), "big") * n

        @task
        def seeded(n: int) -> int:
            return call_seed()

        @task
        def drawn(n: int) -> FileRef:
            file = FileRef()
            with open(file, "w") as opened:
                opened.write("x" * n)
            return file

        def main(n: int = 3) -> dict[str, Future[float]]:
            return bill(prices(n), Rate(0.2), "ada")

        def others() -> list[Future[object]]:
            return [noisy(1), seeded(1), drawn(5)]
        """,
    )
    return project


def debug(project: Project, *words: str) -> dict[str, Any]:
    done = project.merkl("debug", "--json", *words)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def key_of(project: Project, task: str) -> str:
    records = json.loads(project.merkl("log", "--json", "--task", task).stdout)
    key: str = records[0]["key"]
    return key


def test_it_says_how_each_argument_gets_into_the_key_and_why(shop: Project) -> None:
    view = debug(shop, "shop.bill")
    how = {p["name"]: (p["serializer"], p["why"], p["is_keyed"]) for p in view["parameters"]}
    assert how["rate"] == ("plain", "registered for its type", True)
    assert how["name"][1] == "given in arg_serializers="
    assert how["note"] == ("", "it is in ignore_args, so it is no part of the key", False)
    assert how["token"] == ("", "it is a secret, so it is no part of the key", False)
    assert how["net"][1] == "built in"
    stored = {out["name"]: out["stored"] for out in view["outs"]}
    assert stored["net"] == {"codecs": ["pickle"], "why": "given in codec="}
    assert view["options"]["retries"] == "2"
    text = shop.merkl("debug", "shop.bill").stdout
    assert "s3cret" not in text


def test_a_pipeline_shows_its_calls_and_what_is_cached(shop: Project) -> None:
    before = debug(shop, "shop.main")
    assert before["counts"] == {"calls": 2, "new": 2}
    assert not (shop.folder / ".merkl").exists()
    shop.run_json("shop.main")
    after = debug(shop, "shop.main")
    assert after["counts"] == {"calls": 2, "cached": 2}
    assert "cached  " in shop.merkl("debug", "shop.main").stdout
    # Of a task that ran with other arguments.
    assert debug(shop, "shop.main", "4")["counts"] == {"calls": 2, "new": 2}
    text = (shop.folder / "shop.py").read_text()
    shop.write("shop.py", text.replace("scale * i", "i * scale"))
    assert debug(shop, "shop.main")["counts"] == {"calls": 2, "stale": 2}


def test_a_task_shows_the_methods_of_the_classes_of_its_arguments(shop: Project) -> None:
    """They enter keys, as the body may call them, though not the code hash."""
    shop.write(
        "bills.py",
        """
        from dataclasses import dataclass
        from merkl import task

        def rounded(x: float) -> float:
            return round(x, 2)

        @dataclass
        class Rate:
            percent: float
            def of(self, net: float) -> float:
                return rounded(net * self.percent)

        @task
        def bill(net: float, rate: Rate) -> float:
            return rate.of(net)
        """,
    )
    view = debug(shop, "bills.bill")
    assert {c["name"] for c in view["classes"]} >= {"bills.Rate", "bills.Rate.of", "bills.rounded"}
    assert "bills.rounded" not in {c["name"] for c in view["components"]}
    assert "bills.Rate.of  (bills.py:11)" in shop.merkl("debug", "bills.bill").stdout


def test_a_result_shows_inputs_value_relatives_and_where_it_lies(shop: Project) -> None:
    shop.run_json("shop.main")
    key = key_of(shop, "prices")
    view = debug(shop, "--hash", key[:16])
    assert view["key"] == key
    assert view["call"] == "shop.prices(n=3, scale=1.5)"
    assert view["preview"] == "[0.0, 1.5, 3.0]"
    assert view["is_stored"]
    assert view["place"].endswith("merkl.db (table entries)")
    assert [child["call"].partition("(")[0] for child in view["children"]] == ["shop.bill", "shop.bill"]
    bill = debug(shop, "--hash", key_of(shop, "bill"))
    assert [parent["preview"] for parent in bill["parents"]] == ["[0.0, 1.5, 3.0]"]
    assert len(bill["siblings"]) == 1
    assert "lies in" in shop.merkl("debug", "--hash", key).stdout


def test_the_value_can_be_printed_and_written(shop: Project) -> None:
    shop.run_json("shop.main")
    shop.run_json("shop.others")
    key = key_of(shop, "prices")
    assert shop.merkl("debug", "--hash", key, "--value").stdout == "[0.0, 1.5, 3.0]\n"
    assert (
        shop.merkl("debug", "--hash", key_of(shop, "drawn"), "--value", "-o", "made here/x.txt").returncode
        == 0
    )
    assert (shop.folder / "made here" / "x.txt").read_text() == "xxxxx"
    assert json.loads(shop.merkl("debug", "--hash", key, "--value", "--json").stdout) == [0.0, 1.5, 3.0]
    again = json.loads(shop.merkl("debug", "--hash", key, "--rerun", "--json").stdout)
    assert (again["result"], again["is_same"]) == ([0.0, 1.5, 3.0], True)


def test_a_value_of_the_projects_own_class_is_read_without_its_module_on_the_path(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from dataclasses import dataclass
        from merkl import task

        @dataclass
        class Point:
            x: int

        @task
        def point(x: int) -> Point:
            return Point(x)
        """,
    )
    (project.folder / "sub").mkdir()
    project.run_json("flow.point", "3")
    (result,) = json.loads(project.merkl("log", "--json").stdout)
    for folder in (project.folder, project.folder / "sub"):
        # As the installed `merkl` starts: without the current folder on the path.
        command = "import sys; sys.path[:] = [p for p in sys.path if p]; from merkl.cli import main; sys.exit(main())"
        words = [sys.executable, "-c", command, "debug", "--hash", result["key"]]
        for more, shown in (["--value"], "Point(x=3)\n"), ([], "Point(x=3)"):
            done = subprocess.run(
                [*words, *more],
                cwd=folder,
                env=project.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.returncode, shown in done.stdout) == (0, True), done.stderr


def test_one_call_is_run_again_and_compared(shop: Project) -> None:
    shop.run_json("shop.main")
    shop.run_json("shop.others")
    for task, code, words in (
        ("prices", 0, "same content"),
        ("seeded", 0, "same content"),
        ("noisy", 3, "another content"),
        ("bill", 0, "same content"),
    ):
        done = shop.merkl("debug", "--hash", key_of(shop, task), "--rerun")
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    key = key_of(shop, "bill")
    done = shop.merkl("debug", "--hash", key, "--rerun", "shop.main")
    assert (done.returncode, "same content" in done.stderr) == (0, True), done.stderr
    wrong = shop.merkl("debug", "--hash", key, "--rerun", "shop.main", "9")
    assert "makes no call with the key" in wrong.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--hash", "xyz"], "is no key"),
        (["--hash", "00000000000000000000"], "no result has a key"),
        (["--hash"], "--hash"),
        (["--value", "shop.bill"], "--value goes with --hash"),
        (["shop.nothing"], "has no 'nothing'"),
        (["shop.plain"], "requires an argument"),
        (["shop.bill", "--frob"], "frob"),
    ],
)
def test_nonsense_is_one_clear_line(shop: Project, words: list[str], message: str) -> None:
    done = shop.merkl("debug", *words)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert message.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
