"""`merkl check`: mypy, the build of every graph, and the self-test of serializers in one report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from project import Project


@pytest.fixture(scope="module")
def cache_of_mypy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests: what mypy knows of the standard library and of merkl need not be worked out for each."""
    return tmp_path_factory.mktemp("mypy")


@pytest.fixture
def shop(project: Project, cache_of_mypy: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("MYPY_CACHE_DIR", str(cache_of_mypy))
    project.write("pyproject.toml", '[tool.mypy]\nplugins = ["merkl_mypy"]\n')
    project.write(
        "prices.py",
        """
        from merkl import Future, task

        @task
        def load(n: int) -> list[float]:
            open("ran", "w").close()
            return [1.5] * n

        @task
        def total(prices: list[float]) -> float:
            return sum(prices)

        def bill(n: int = 4) -> Future[float]:
            print("building")
            return total(load(n))

        def needs(n: int) -> Future[float]:
            raise RuntimeError("is not built: it wants an argument")

        def plain() -> float:
            raise RuntimeError("is not built: it gives no Future")
        """,
    )
    return project


WRONG = """
from merkl import Future
from prices import load, total

def bill() -> Future[float]:
    return total(total(load(1)))
"""


def test_a_project_without_a_mistake(shop: Project) -> None:
    """Nothing on stdout, code 0, and no task has run."""
    done = shop.merkl("check")
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
    assert "1 module checked, 1 graph of 2 calls built; errors: none" in done.stderr
    assert not (shop.folder / "ran").exists()


def test_a_wrong_edge_is_found_by_mypy_and_by_the_build(shop: Project) -> None:
    """One line for each finding, with the place, as mypy writes them."""
    shop.write("wrong.py", WRONG)
    done = shop.merkl("check", "wrong")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert 'wrong.py:6: error: Argument 1 to "total" has incompatible type "Future[float]"' in lines[1]
    assert "[arg-type]" in lines[1]
    assert lines[0].startswith(
        "wrong.py:6: error: wrong.bill: task 'total', parameter 'prices': wanted list[float]"
    )
    assert lines[0].endswith("[build]")
    assert len(lines) == 2


def test_findings_as_json(shop: Project) -> None:
    """The same report as one object."""
    shop.write("wrong.py", WRONG)
    done = shop.merkl("check", "--json", "wrong.py", "prices")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert {f["source"] for f in found["findings"]} == {"mypy", "build"}
    assert {(f["file"], f["line"], f["severity"]) for f in found["findings"]} == {("wrong.py", 6, "error")}
    assert found["modules"] == ["wrong", "prices"]
    assert found["built"] == ["prices.bill"]


def test_a_graph_whose_shape_depends_on_a_value_ends_there(shop: Project) -> None:
    """Nothing runs, and it is no finding."""
    shop.write(
        "branch.py",
        """
        from merkl import Future
        from prices import load, total

        def bill() -> Future[float]:
            try:
                return total(load(3)) if load(1).v else total([])
            except Exception:
                raise SystemExit(3)
        """,
    )
    done = shop.merkl("check", "branch")
    assert done.returncode == 0, done.stdout
    assert "ended where a value decides what comes next: branch.bill" in done.stderr
    assert not (shop.folder / "ran").exists()


def test_a_module_that_does_not_import_is_a_finding(shop: Project) -> None:
    """The others are checked all the same."""
    shop.write("broken.py", "from merkl import task\nimport missing_thing\n")
    shop.write("exits.py", "from merkl import task\nraise SystemExit(0)\n")
    shop.write("typo.py", "from merkl import task\ndef f(x: int -> int: ...\n")
    done = shop.merkl("check", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    imports = {(f["file"], f["line"]): f["message"] for f in found["findings"] if f["source"] == "import"}
    assert "missing_thing" in imports["broken.py", 2]
    assert imports["exits.py", 2] == "exits.py cannot be imported: SystemExit: 0"
    assert imports["typo.py", 2] == "invalid syntax"
    assert found["built"] == ["prices.bill"]
    assert "merkl: 1 module checked, 3 more cannot be imported, 1 graph of 2 calls built" in done.stderr


def test_a_task_that_contradicts_itself_is_found_without_a_call(shop: Project) -> None:
    """Outs that disagree with the annotation, and annotations that cannot be read."""
    shop.write(
        "odd.py",
        """
        from __future__ import annotations
        from typing import Any
        from merkl import task

        @task(outs=3)
        def two() -> tuple[int, int]:
            return 1, 2

        @task
        def unknown(a: Nowhere) -> int:  # type: ignore
            return 1
        """,
    )
    done = shop.merkl("check", "odd")
    assert done.returncode == 1
    assert "odd.two: task 'two' has outs=3" in done.stdout
    assert "odd.py:10: warning: task 'unknown'" in done.stdout
    assert "'Nowhere' in the annotation of 'a' is not found" in done.stdout


def test_settings_without_the_plugin_say_what_to_add(shop: Project) -> None:
    """Without the plugin mypy would take every Future for a mistake."""
    shop.write("pyproject.toml", "[tool.mypy]\nstrict = true\n")
    done = shop.merkl("check")
    assert done.returncode == 1
    assert 'plugins = ["merkl_mypy"]' in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_settings_of_mypy_the_plugin_is_used(shop: Project) -> None:
    """A first look at a project needs no configuration."""
    shop.write("pyproject.toml", "[project]\nname = 'x'\n")
    assert shop.merkl("check").returncode == 0


def test_usage(shop: Project) -> None:
    """A module that is not there, an option that is not there, and a project without MerkL."""
    for words in (["check", "nope"], ["check", "--frob"], ["check", "nope.py"]):
        done = shop.merkl(*words)
        assert done.returncode == 2, done.stderr
        assert done.stdout == ""
    (shop.folder / "prices.py").unlink()
    assert "imports merkl; name the modules" in shop.merkl("check").stderr


def test_a_package_is_checked_with_all_in_it(shop: Project) -> None:
    """Modules of subpackages are found by the name of the package."""
    shop.write("flow/__init__.py", "")
    shop.write("flow/deep/__init__.py", "")
    shop.write("flow/deep/wrong.py", WRONG)
    done = shop.merkl("check", "flow", "--json")
    found = json.loads(done.stdout)
    assert found["modules"] == ["flow", "flow.deep", "flow.deep.wrong"]
    assert {(f["source"], f["file"]) for f in found["findings"]} == {
        ("mypy", "flow/deep/wrong.py"),
        ("build", "flow/deep/wrong.py"),
    }


def test_serializers_whose_digests_change_are_found(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The constants of the graphs and default instances are hashed under two hash seeds."""
    # Under some seeds the order is another one after a pickle round trip too, which is said first.
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    shop.write(
        "colours.py",
        """
        from merkl import Future, arg_serializer, task

        class Bag:
            def __init__(self, *names: str) -> None:
                self.names = frozenset(names)

        class Fine:
            def __init__(self, size: int = 1) -> None:
                self.size = size

        class Wants:
            def __init__(self, size: int) -> None:
                self.size = size

        @arg_serializer(Bag)
        def encode_bag(bag: Bag) -> bytes:
            return ",".join(bag.names).encode()

        @arg_serializer(Fine)
        def encode_fine(fine: Fine) -> int:
            return fine.size

        @arg_serializer(Wants)
        def encode_wants(wants: Wants) -> int:
            return wants.size

        @task
        def count(bag: Bag) -> int:
            return len(bag.names)

        def main() -> Future[int]:
            return count(Bag("red", "green", "blue", "yellow", "white"))
        """,
    )
    assert shop.merkl("check", "colours").returncode == 0
    done = shop.merkl("check", "colours", "--serializers")
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stdout.splitlines() if "error" in line]
    assert errors
    assert all("colours.Bag" in line and "PYTHONHASHSEED" in line for line in errors)
    assert "warning: the serializer of Wants is not tested" in done.stdout
    assert "Fine" not in done.stdout


def test_pipelines_are_built_and_what_they_demand_ends_them(shop: Project) -> None:
    """A pipeline with arguments is not built; one that wants a value is built up to there."""
    shop.write(
        "flows.py",
        """
        from collections.abc import Iterator
        from typing import Any
        from merkl import Future, pipeline
        from prices import load, total

        @pipeline
        def staged() -> Iterator[Future[Any]]:
            yield load(1)
            yield total(load(2))

        @pipeline
        def branching() -> Future[float]:
            return total(load(2)) if total(load(1)).v > 1 else total([])

        @pipeline
        def wrong() -> Future[float]:
            return total(total([1.0]))

        @pipeline
        def wants(n: int) -> Future[float]:
            raise RuntimeError
        """,
    )
    done = shop.merkl("check", "flows", "--json")
    found = json.loads(done.stdout)
    assert found["built"] == ["flows.staged"]
    assert found["ended_early"] == ["flows.branching"]
    assert {(f["source"], f["line"]) for f in found["findings"]} == {("mypy", 18), ("build", 18)}
    assert found["calls"] == 3
    assert not (shop.folder / "ran").exists()
    # A graph that was kept has the same calls, though the pipeline's body does not make them again.
    shop.run_json("flows.staged")
    assert json.loads(shop.merkl("check", "flows", "--json").stdout)["calls"] == 3
    assert len(json.loads(shop.merkl("dag", "flows.staged", "--json").stdout)["nodes"]) == 3


def test_scripts_that_evaluate_when_imported_run_nothing(shop: Project) -> None:
    """mypy reads them all the same; two of one name are no hindrance."""
    for folder in ("one", "two", "three"):
        shop.write(
            f"{folder}/script.py",
            """
            from merkl import evaluate
            from prices import load, total

            try:
                print(evaluate(total(load(1))))
            except Exception:
                raise SystemExit(4)
            """,
        )
    shop.write("three/script.py", "from prices import load, total\nimport merkl\n\ntotal(total([1.0]))\n")
    done = shop.merkl("check", "--json")
    found = json.loads(done.stdout)
    assert not (shop.folder / "ran").exists()
    assert found["ended_early"] == ["one/script.py", "two/script.py"]
    assert {(f["source"], f["file"], f["line"]) for f in found["findings"]} == {
        ("mypy", "three/script.py", 4),
        ("import", "three/script.py", 4),
    }


def test_a_file_that_cannot_be_read_hides_no_mistake_of_the_others(shop: Project) -> None:
    """mypy stops at a syntax error; what it would say of the other files is in the report all the same."""
    shop.write("broken.py", "import merkl\ndef f(:\n")
    shop.write("flows.py", WRONG)
    done = shop.merkl("check", "--json")
    found = {(f["source"], f["file"], f["code"]) for f in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert ("mypy", "broken.py", "syntax") in found
    assert ("mypy", "flows.py", "arg-type") in found


@pytest.mark.parametrize("named", [["shopping"], ["src"], []])
def test_a_package_below_src_is_found_by_its_name_and_by_its_folder(shop: Project, named: list[str]) -> None:
    """The package need not be installed, and its modules have the names that they import each other by."""
    (shop.folder / "prices.py").unlink()
    shop.write("src/shopping/__init__.py", "")
    shop.write(
        "src/shopping/prices.py", "from merkl import task\n@task\ndef f(x: int) -> str:\n    return str(x)\n"
    )
    shop.write(
        "src/shopping/flow.py",
        "from merkl import Future\nfrom shopping.prices import f\n\n\ndef bad() -> Future[str]:\n    return f(f(1))\n",
    )
    shop.write("pyproject.toml", '[tool.mypy]\nplugins = ["merkl_mypy"]\nmypy_path = "src"\n')
    done = shop.merkl("check", *named, "--json")
    found = json.loads(done.stdout)
    assert found["built"] == []
    assert {(f["source"], f["file"], f["line"]) for f in found["findings"]} == {
        ("mypy", "src/shopping/flow.py", 6),
        ("build", "src/shopping/flow.py", 6),
    }


def test_a_file_that_uses_tasks_without_importing_merkl_is_read_by_mypy(shop: Project) -> None:
    """Through another such file too; it is not imported, and what has nothing to do with MerkL is not read."""
    shop.write("totals.py", "from prices import (\n    load,\n    total,\n)\n\ntotal(total([1.0]))\n")
    shop.write("tools/late.py", "import totals\n\ntotals.load('x')\nopen('imported', 'w')\n")
    shop.write("other.py", "x: int = ''\n")
    done = shop.merkl("check", "--json")
    found = json.loads(done.stdout)
    assert found["by_mypy_alone"] == ["tools/late.py", "totals.py"]
    assert found["modules"] == ["prices"]
    assert {(f["source"], f["file"], f["line"]) for f in found["findings"]} == {
        ("mypy", "tools/late.py", 3),
        ("mypy", "totals.py", 6),
    }
    assert "1 module checked, 2 more by mypy alone" in done.stderr
    assert not (shop.folder / "imported").exists()


def test_from_a_folder_inside_the_project_the_same_is_found(shop: Project) -> None:
    """Settings relative to the project's folder hold, its modules are found, and nothing is left in the one inside."""
    shop.write("pyproject.toml", '[tool.mypy]\nplugins = ["merkl_mypy"]\nmypy_path = "lib"\n')
    shop.write("lib/constants.py", "PRICE = 1.0\n")
    shop.write("flows/sub/wrong flow.py", "from constants import PRICE\n" + WRONG)
    shop.write("lib/constants.pyi", "PRICE: float\n")
    inside = shop.folder / "flows" / "sub"
    done = shop.merkl("check", cwd=inside)
    lines = done.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["wrong flow.py:1", "wrong flow.py:7"], done.stdout
    assert "No module named 'constants'" in lines[0]
    assert lines[1].endswith("[arg-type]")
    assert [path.name for path in inside.iterdir()] == ["wrong flow.py"]


def test_what_mypy_says_of_itself_is_in_the_report(shop: Project) -> None:
    """Settings that it does not know are warnings, a plugin that is not there an error with its place."""
    shop.write("pyproject.toml", '[tool.mypy]\nplugins = ["merkl_mypy"]\nfrob = 1\n')
    done = shop.merkl("check")
    assert (done.stdout, done.returncode) == (
        "warning: pyproject.toml: [mypy]: Unrecognized option: frob = 1  [mypy]\n",
        0,
    )
    shop.write("pyproject.toml", '[tool.mypy]\nplugins = ["merkl_mypy", "nowhere"]\n')
    done = shop.merkl("check")
    assert done.returncode == 1
    assert done.stdout.startswith("pyproject.toml")
    assert "error: Error importing plugin \"nowhere\": No module named 'nowhere'  [misc]" in done.stdout


def test_a_mypy_that_says_nothing_of_the_files_is_no_success(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that is too old for the plugin, which says so in one line."""
    shop.write("at_start/sitecustomize.py", "import mypy.version\nmypy.version.__version__ = '1.15.0'\n")
    monkeypatch.setenv("PYTHONPATH", str(shop.folder / "at_start"))
    done = shop.merkl("check")
    assert (done.stdout, done.returncode) == (
        "error: merkl_mypy: mypy 1.15.0 is not supported; install mypy 1.18 or newer  [mypy]\n",
        1,
    )


def test_modules_with_names_of_the_standard_library_do_not_stop_mypy(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mypy's own imports do not find them, and what it refuses to read hides no mistake of the others."""
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # as for the installed command
    for name in ("json", "tempfile"):
        shop.write(f"{name}.py", "import merkl\n")
    shop.write("broken/types.py", "import merkl\n")
    shop.write("flows.py", WRONG)
    found = json.loads(shop.merkl("check", "--json").stdout)["findings"]
    assert ("flows.py", "arg-type") in {(f["file"], f["code"]) for f in found}
    assert any(f["file"] == "broken/types.py" and "shadows library module" in f["message"] for f in found)


def test_a_module_that_ends_the_process_is_a_finding(shop: Project) -> None:
    """`os._exit` would end the check without a word."""
    shop.write("leaves.py", "import os\nimport merkl\nos._exit(0)\n")
    done = shop.merkl("check")
    assert done.returncode == 1
    assert "leaves.py:3: error: leaves.py cannot be imported: ProcessExit: os._exit(0)" in done.stdout


def test_static_pipelines_of_classes_are_built(shop: Project) -> None:
    """Tasks in classes are read, and what needs no instance is built."""
    shop.write(
        "flows.py",
        """
        from typing import Any
        from merkl import Future, pipeline, task
        from prices import load, total

        wrong: Any = total

        class Shop:
            class Till:
                @staticmethod
                @pipeline
                def close() -> Future[float]:
                    return total(load(wrong(load(2))))

            @staticmethod
            def open() -> Future[float]:
                return total(load(2))

            @task
            def sell(self, n: "Nowhere") -> int:  # type: ignore[name-defined]
                return 1
        """,
    )
    done = shop.merkl("check", "--json", "flows")
    found = json.loads(done.stdout)
    assert found["built"] == ["flows.Shop.open"]
    assert [(f["severity"], f["line"]) for f in found["findings"]] == [("error", 13), ("warning", 19)]
    assert found["findings"][0]["message"].startswith("flows.Shop.Till.close: task 'load', parameter 'n'")
