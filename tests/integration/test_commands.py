"""`merkl debug`, `merkl init`, help and version."""

from __future__ import annotations

import json
import tomllib

import pytest
from project import Project


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("rates.py", "VAT = 0.2\n\n\ndef gross(net: float) -> float:\n    return net * (1 + VAT)\n")
    project.write(
        "shop.py",
        """
        from typing import TypedDict
        import rates
        from merkl import task

        class Bill(TypedDict):
            net: float
            gross: float

        @task
        def bill(net: float, *, copies: int = 1) -> Bill:
            return {"net": net, "gross": rates.gross(net)}

        def plain(): ...
        """,
    )
    return project


def test_debug_shows_signature_outs_hash_and_all_that_is_reached(shop: Project) -> None:
    done = shop.merkl("debug", "shop.bill")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert (
        lines[0]
        == (
            "bill(net: float | Future[float], *, copies: int | Future[int] = 1) -> "
            "{'net': Future[float], 'gross': Future[float]}"
        )
        or lines[0] == "bill("
    )
    text = done.stdout
    assert "net: float | Future[float]" in text
    assert "gross            float" in text
    assert "code hash   " in text
    assert "rates.gross  (rates.py:4)" in text
    assert "VAT = 0.2" in text


def test_debug_as_json(shop: Project) -> None:
    found = json.loads(shop.merkl("debug", "shop.bill", "--json").stdout)
    assert found["name"] == "shop.bill"
    assert len(found["code_hash"]) == 64
    assert [out["name"] for out in found["outs"]] == ["net", "gross"]
    assert {"rates.gross", "rates.VAT"} <= {component["name"] for component in found["components"]}


def test_debug_of_something_else_says_so(shop: Project) -> None:
    done = shop.merkl("debug", "shop.plain")
    assert done.returncode == 2
    assert "is no task" in done.stderr


def test_init_writes_what_is_missing_and_keeps_the_rest(project: Project) -> None:
    project.write("pyproject.toml", '[project]\nname = "mine"  # keep me\n')
    done = project.merkl("init")
    assert done.returncode == 0
    text = (project.folder / "pyproject.toml").read_text()
    assert "# keep me" in text
    tools = tomllib.loads(text)["tool"]
    assert tools["merkl"]["package_versions"] == "off"
    assert tools["mypy"]["plugins"] == ["merkl_mypy"]
    again = project.merkl("init")
    assert "[tool.merkl] is there" in again.stdout
    assert (project.folder / "pyproject.toml").read_text() == text


def test_init_says_when_the_plugin_must_be_added_by_hand(project: Project) -> None:
    project.write("pyproject.toml", "[tool.mypy]\nstrict = true\n")
    done = project.merkl("init")
    assert 'add plugins = ["merkl_mypy"]' in done.stdout


def test_a_setting_that_is_unknown_names_the_closest(shop: Project) -> None:
    shop.write("pyproject.toml", "[tool.merkl]\npackage_version = 'off'\n")
    done = shop.merkl("run", "shop.bill", "3")
    assert done.returncode == 1
    assert "did you mean 'package_versions'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["help"],
        ["run", "--help"],
        ["help", "run"],
        ["help", "help"],
        ["debug", "-h"],
        ["init", "--help"],
    ],
)
def test_help_says_how_to_use_it(project: Project, words: list[str]) -> None:
    done = project.merkl(*words)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: merkl")


def test_version(project: Project) -> None:
    done = project.merkl("--version")
    assert done.stdout.startswith("merkl ")
    assert done.returncode == 0


def test_an_unknown_command_is_a_usage_error(project: Project) -> None:
    done = project.merkl("rum")
    assert done.returncode == 2
    assert "there is no command 'rum'" in done.stderr


def test_a_file_of_a_name_that_says_no_format_is_refused(project: Project) -> None:
    project.write("one.py", "from merkl import task\n@task\ndef f() -> int:\n    return 1\n")
    done = project.merkl("dag", "one.f", "-o", "graph.pdf")
    assert (done.returncode, "there is no format for .pdf; --format says which" in done.stderr) == (2, True)
    assert not (project.folder / "graph.pdf").exists()
    assert project.merkl("dag", "one.f", "-o", "graph.SVG").returncode == 0
    assert (project.folder / "graph.SVG").read_text().startswith("<svg")


def test_a_picture_that_is_too_large_to_draw_points_to_html_and_markdown_gets_its_fence(
    project: Project,
) -> None:
    project.write(
        "pairs.py",
        """
        from merkl import Future, task
        @task
        def there(x: int) -> int:
            return x + 1
        @task
        def back(x: int) -> int:
            return x - 1
        def main(n: int) -> Future[int]:
            x = there(0)
            for _ in range(n):
                x = there(back(x))
            return x
        """,
    )
    done = project.merkl("dag", "pairs.main", "2", "-o", "graph.md")
    assert done.stderr == "wrote graph.md\n"
    lines = (project.folder / "graph.md").read_text().splitlines()
    assert (lines[0], lines[1], lines[-1]) == ("```mermaid", "flowchart LR", "```")
    done = project.merkl("dag", "pairs.main", "300", "--collapse", "0", "--format", "mermaid")
    assert "601 nodes and 600 edges are more than mermaid is good for: --format html" in done.stderr
    assert done.stdout.startswith("flowchart LR\n")
