"""`merkl why`: the cause of every call that would run, told once."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from project import Project


@pytest.fixture
def bank(project: Project) -> Project:
    """A pipeline whose helper is three calls away, in a module of its own."""
    project.write("rates.py", "VAT = 0.2\n\n\ndef deepest(x):\n    return x * (1 + VAT)\n")
    project.write("middle.py", "import rates\n\n\ndef middle(x):\n    return rates.deepest(x)\n")
    project.write(
        "flow.py",
        """
        from dataclasses import dataclass, field
        import middle
        from merkl import Future, task

        @dataclass
        class Options:
            lr: float = 0.1
            layers: list[int] = field(default_factory=list)
            def scale(self) -> int:
                return 1

        def first(x):
            return middle.middle(x)

        @task
        def load(n: int) -> list[float]:
            return [float(i) for i in range(n)]

        @task
        def gross(xs: list[float]) -> list[float]:
            return [first(x) for x in xs]

        @task
        def fit(xs: list[float], options: Options) -> float:
            return sum(xs) * options.lr * options.scale()

        @task
        def report(scores: list[float]) -> str:
            return str(scores)

        def main(n: int = 3, lr: float = 0.1) -> Future[str]:
            xs = gross(load(n))
            return report([fit(xs, Options(lr, [k, 2])) for k in range(3)])
        """,
    )
    return project


def why(project: Project, *words: str) -> dict[str, Any]:
    done = project.merkl("why", "--json", "flow.main", *words)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def roots(view: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for e in view["explanations"] if e["reason"] != "upstream"]


def edit(project: Project, file: str, old: str, new: str) -> None:
    path = project.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_before_anything_ran_each_call_is_a_first_one_and_nothing_is_written(bank: Project) -> None:
    view = why(bank)
    assert (view["calls"], view["cached"]) == (6, 0)
    assert {e["reason"] for e in view["explanations"]} == {"first"}
    assert not (bank.folder / ".merkl").exists()


def test_nothing_would_run_where_nothing_changed(bank: Project) -> None:
    bank.run_json("flow.main")
    view = why(bank)
    assert (view["calls"], view["cached"], view["linked"], view["explanations"]) == (6, 6, 0, [])
    assert "nothing would run" in bank.merkl("why", "flow.main").stdout


def test_a_helper_three_calls_away_is_named_once_with_its_diff(bank: Project) -> None:
    """The old source comes from the ledger: the file has no copy of it."""
    bank.run_json("flow.main")
    edit(bank, "rates.py", "return x * (1 + VAT)", "return x + x * VAT")
    view = why(bank)
    (root,) = roots(view)
    (difference,) = root["differences"]
    assert (root["task"], root["reason"], root["status"]) == ("flow.gross", "changed", "would run")
    assert (difference["kind"], difference["name"]) == ("code", "rates.deepest")
    assert "-    return x * (1 + VAT)" in difference["diff"]
    assert "+    return x + x * VAT" in difference["diff"]
    assert [e["task"] for e in view["explanations"] if e["reason"] == "upstream"] == ["flow.fit"] * 3 + [
        "flow.report"
    ]
    text = bank.merkl("why", "flow.main").stdout
    assert text.count("rates.deepest") == 1
    assert "4 calls follow from it: fit ×3, report" in text


def test_a_constant_shows_old_and_new(bank: Project) -> None:
    bank.run_json("flow.main")
    edit(bank, "rates.py", "0.2", "0.25")
    assert "constant rates.VAT: 0.2 → 0.25" in bank.merkl("why", "flow.main").stdout


def test_an_argument_shows_old_and_new_and_the_path_inside(bank: Project) -> None:
    bank.run_json("flow.main")
    text = bank.merkl("why", "flow.main", "--lr", "0.5").stdout
    assert "flow.fit ×3" in text
    assert "argument options.lr: 0.1 → 0.5" in text
    assert "layers" not in text


def test_a_plain_argument_shows_old_and_new(bank: Project) -> None:
    bank.run_json("flow.main")
    (root,) = roots(why(bank, "--n", "4"))
    assert root["task"] == "flow.load"
    assert [(d["name"], d["old"], d["new"]) for d in root["differences"]] == [("n", "3", "4")]


def test_the_method_of_a_class_among_the_arguments_is_named(bank: Project) -> None:
    bank.run_json("flow.main")
    edit(bank, "flow.py", "return 1", "return 2")
    found = roots(why(bank))
    assert {root["task"] for root in found} == {"flow.fit"}
    assert {d["name"] for root in found for d in root["differences"]} == {"flow.Options.scale"}


def test_a_new_item_is_a_call_of_its_own_not_a_change_of_another(bank: Project) -> None:
    bank.run_json("flow.main")
    edit(bank, "flow.py", "range(3)", "range(4)")
    found = roots(why(bank))
    assert [(root["task"], root["reason"]) for root in found if root["task"] == "flow.fit"] == [
        ("flow.fit", "first")
    ]


def test_versions_that_count_are_a_component(bank: Project) -> None:
    """With `package_versions = "exact"` a new version is a cause like any other."""
    site = bank.folder / "lib" / "site-packages"
    for version in ("1.0", "2.0"):
        shutil.rmtree(site, ignore_errors=True)
        bank.write("lib/site-packages/tinypkg/__init__.py", "def f(x):\n    return x\n")
        bank.write(
            f"lib/site-packages/tinypkg-{version}.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: tinypkg\nVersion: {version}\n",
        )
        bank.write(f"lib/site-packages/tinypkg-{version}.dist-info/RECORD", "tinypkg/__init__.py,,\n")
        if version == "1.0":
            bank.write("pyproject.toml", '[tool.merkl]\npackage_versions = "exact"\n')
            edit(
                bank,
                "flow.py",
                "import middle\n",
                "import sys; sys.path.insert(0, 'lib/site-packages')\nimport middle, tinypkg\n",
            )
            edit(bank, "flow.py", "return str(scores)", "return tinypkg.f(str(scores))")
            bank.run_json("flow.main")
    text = bank.merkl("why", "flow.main").stdout
    assert "package tinypkg: 1.0 → 2.0" in text


def test_a_run_can_be_named_to_compare_with(bank: Project) -> None:
    """What was recomputed meanwhile is named as a cause, said to be in the cache by now."""
    bank.run_json("flow.main")
    edit(bank, "rates.py", "0.2", "0.25")
    bank.run_json("flow.main")
    edit(bank, "flow.py", "return 1", "return 2")
    causes = {(r["task"], r["status"]) for r in roots(why(bank, "--vs", "last~1"))}
    assert causes == {("flow.gross", "cached"), ("flow.fit", "would run")}
    assert {r["task"] for r in roots(why(bank))} == {"flow.fit"}
    done = bank.merkl("why", "flow.main", "--vs", "ffff")
    assert done.returncode == 2
    assert "no run has an id" in done.stderr


def test_a_result_that_was_removed_is_said_to_be_gone(bank: Project) -> None:
    bank.run_json("flow.main")
    bank.write("drop.py", "import flow\nflow.load(3).clear_cache()\nflow.main().clear_cache()\n")
    bank.python("drop.py")
    assert [(r["task"], r["reason"]) for r in roots(why(bank))] == [("flow.report", "gone")]


def test_it_works_after_the_source_is_gone(bank: Project) -> None:
    """The function is another one in another file; its earlier source is in the ledger."""
    bank.run_json("flow.main")
    text = (bank.folder / "rates.py").read_text()
    (bank.folder / "rates.py").unlink()
    bank.write("prices.py", text.replace("x * (1 + VAT)", "x * 2"))
    bank.write("middle.py", "import prices\n\n\ndef middle(x):\n    return prices.deepest(x)\n")
    found = {d["name"]: d for r in roots(why(bank)) for d in r["differences"]}
    assert "-    return x * (1 + VAT)" in found["prices.deepest"]["diff"]
    assert found["rates.VAT"]["change"] == "removed"


def test_a_call_that_failed_the_last_time_says_so(bank: Project) -> None:
    edit(bank, "flow.py", "return str(scores)", "raise ValueError('bad scores')")
    assert bank.merkl("run", "flow.main").returncode == 1
    (root,) = roots(why(bank))
    assert root["task"] == "flow.report"
    assert "bad scores" in root["failed"]


def test_secrets_never_show(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from typing import Annotated
        from merkl import Future, Secret, task
        @task
        def fetch(token: Annotated[str, Secret], n: int) -> int:
            return n
        def main(token: Annotated[str, Secret], n: int) -> Future[int]:
            return fetch(token, n)
        """,
    )
    assert project.merkl("run", "flow.main", "hunter2", "1").returncode == 0
    for words in (
        ["why", "flow.main", "hunter3", "2"],
        ["log"],
        ["log", "--json"],
        ["log", "--runs", "--json"],
    ):
        done = project.merkl(*words)
        assert done.returncode == 0, done.stderr
        assert "hunter" not in done.stdout
    assert b"hunter2" not in (project.folder / ".merkl" / "merkl.db").read_bytes()


def test_inputs_that_are_shared_and_rewired_are_told_apart(project: Project) -> None:
    """Each call is compared with the one that had the same inputs; an input from another call is said to be one."""
    project.write(
        "flow.py",
        """
        from merkl import Future, task
        @task
        def make(i: int) -> int:
            return i
        @task
        def mix(x: int, y: int) -> int:
            return x + y
        def main(n: int = 6) -> list[Future[int]]:
            made = make.map(range(n))
            return [mix(made[i], made[(i * 5) % n]) for i in range(n)]
        """,
    )
    project.run_json("flow.main")
    edit(project, "flow.py", "return x + y", "return y + x")
    view = why(project)
    assert {(r["task"], r["status"]) for r in roots(view)} == {("flow.mix", "would run")}
    assert {d["kind"] for r in roots(view) for d in r["differences"]} == {"code"}
    edit(project, "flow.py", "return y + x", "return x + y")
    edit(project, "flow.py", "made[(i * 5) % n]", "made[0]")
    rewired = why(project)["explanations"]
    assert {e["task"] for e in rewired} == {"flow.mix"}
    assert {d["kind"] for e in rewired for d in e["differences"]} == {"input"}


def test_a_file_whose_content_changed_is_named(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from merkl import FileRef, path_future, read_future, task

        @task
        def length(text: str) -> int:
            return len(text)

        @task
        def size(file: FileRef) -> int:
            return len(file.read_text())

        def main():
            return [length(read_future("a.txt")), size(path_future("b.csv")), size(FileRef("c.csv"))]
        """,
    )
    names = ("a.txt", "b.csv", "c.csv")
    for name in names:
        project.write(name, name)
    first = project.merkl("why", "flow.main").stdout
    assert "the content of" not in first
    project.run_json("flow.main")
    for name in names:
        project.write(name, f"another {name}")
    told = project.merkl("why", "flow.main").stdout
    for name in names:
        assert f"the content of FileRef('{name}') changed" in told
    assert "never ran before" not in told


def test_after_a_declaration_only_what_changed_since_is_told(project: Project) -> None:
    """An edit that a person said changes nothing is no cause of the next one, whether or not it ran meanwhile."""
    project.write(
        "m.py",
        """
        from merkl import task
        RATE = 1
        def helper(x):
            return x + RATE
        @task
        def a(n: int) -> int:
            return helper(n)
        """,
    )
    project.run_json("m.a", "1")
    edit(project, "m.py", "return x + RATE", "return RATE + x")
    assert project.merkl("migrate", "m.a", "--yes").returncode == 0
    edit(project, "m.py", "RATE = 1", "RATE = 2")
    for _ in range(2):
        done = project.merkl("why", "m.a", "1")
        assert "constant m.RATE: 1 → 2" in done.stdout
        assert "helper" not in done.stdout
        edit(project, "m.py", "RATE = 2", "RATE = 1")
        assert project.run_json("m.a", "1")["run"] == 0
        edit(project, "m.py", "RATE = 1", "RATE = 2")


def test_of_a_whole_module_the_lines_that_changed_are_told(project: Project) -> None:
    """With HashMode.MODULE all of the module is one part, whose text is kept."""
    project.write(
        "m.py",
        """
        from merkl import HashMode, task
        OTHER = 1
        @task(hash_mode=HashMode.MODULE)
        def a(n: int) -> int:
            return n
        """,
    )
    project.run_json("m.a", "1")
    edit(project, "m.py", "OTHER = 1", "OTHER = 2")
    done = project.merkl("why", "m.a", "1")
    assert "module m changed" in done.stdout
    assert "    -OTHER = 1\n    +OTHER = 2" in done.stdout
    run = project.merkl("run", "-v", "m.a", "1")
    assert "module m changed" in run.stderr


def test_calls_that_run_again_because_it_was_asked_for_say_so(bank: Project) -> None:
    """Nothing changed, and nothing expired."""
    bank.run_json("flow.main")
    again = bank.merkl("run", "-v", "--rerun", "gross", "flow.main").stderr
    assert "gross (" in again
    assert again.count("it is to run again, whatever is stored") == 1
    assert "expired" not in again
    assert again.count("its inputs run again") == 4
    unread = bank.merkl("run", "-v", "--no-cache", "flow.main").stderr
    assert unread.count("the cache is not read") == 1
    assert "changed" not in unread


def test_what_a_file_ran_as_a_script_is_compared_with(project: Project) -> None:
    """`python flow.py` and `merkl run flow.main` are runs of one pipeline: the latest of them counts."""
    project.write(
        "flow.py",
        """
        from merkl import Future, task

        RATE = 0.1

        @task
        def load(n: int) -> int:
            return n

        @task
        def fit(n: int, rate: float) -> float:
            return n * rate

        def main() -> Future[float]:
            return fit(load(3), RATE)

        if __name__ == "__main__":
            main().eval()
        """,
    )
    text = (project.folder / "flow.py").read_text()
    project.python("flow.py")
    project.write("flow.py", text.replace("0.1", "0.2"))
    for name in ("flow.main", "flow.py:main"):
        said = project.merkl("why", name).stdout
        assert "1 of 2 calls would run" in said
        assert "argument rate: 0.1 → 0.2" in said
    project.merkl("run", "flow.main")
    project.write("flow.py", text.replace("0.1", "0.3"))
    assert "argument rate: 0.2 → 0.3" in project.merkl("why", "flow.main").stdout
    project.python("flow.py")
    project.write("flow.py", text.replace("0.1", "0.4"))
    assert "argument rate: 0.3 → 0.4" in project.merkl("why", "flow.main").stdout
