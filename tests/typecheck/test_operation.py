"""mypy as users run it: from its cache, as a daemon, in parallel, over part of a program; errors stay on their lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import merkl_mypy
import mypy.api
import mypy.version
import pytest

VERSION = tuple(int(part) for part in mypy.version.__version__.split("+")[0].split(".")[:2])

TASKS = """\
from merkl import task

@task
def load(n: int) -> list[float]:
    return [1.0] * n

@task
def total(prices: list[float], scale: float = 1.0) -> float:
    return sum(prices) * scale
"""

USE = """\
from tasks import load, total

price = total(load(3), scale=total([1.0]))
if price:
    print("never")
total(load("3"))
"""

SAID = [
    'use.py:4: error: A Future "Future[float]" is tested for truth: it is the handle of a result, not the result; '
    "pass it to a task, or call .eval()  [merkl-future-bool]",
    'use.py:6: error: Argument 1 to "load" has incompatible type "str"; expected "int"  [arg-type]',
]


class Program:
    """A folder with modules, over which mypy is run again and again with one cache."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache
        folder.mkdir(exist_ok=True)
        (folder / "mypy.ini").write_text("[mypy]\nplugins = merkl_mypy\nstrict = True\n")
        self.write(tasks=TASKS, use=USE)

    def write(self, **modules: str) -> None:
        for name, text in modules.items():
            (self.folder / f"{name}.py").write_text(text)

    def run(self, *words: str, tool: str = "mypy") -> list[str]:
        """The lines that are printed, without the last, which counts them."""
        command = [sys.executable, "-m", tool, *words]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, env=dict(os.environ), check=False
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        lines = (done.stdout + done.stderr).splitlines()
        # Before 1.20 mypy shows `int` as `builtins.int`.
        return [line.replace("builtins.", "") for line in lines if ": error: " in line or ": note: " in line]

    def check(self, *words: str) -> list[str]:
        return self.run(*(words or ("use.py",)), f"--cache-dir={self.cache}")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy knows of merkl and of the standard library, once for all tests of this file."""
    folder = tmp_path_factory.mktemp("known")
    Program(folder / "program", folder / "cache").check()
    return folder / "cache"


@pytest.fixture
def program(tmp_path: Path, cache: Path) -> Program:
    """The two modules, with a cache of their own that knows all but them."""
    shutil.copytree(cache, tmp_path / "cache")
    return Program(tmp_path / "program", tmp_path / "cache")


def test_a_run_from_the_cache_says_the_same(program: Program) -> None:
    """Twice, and once more with an edit that changes nothing."""
    assert program.check() == SAID
    assert program.check() == SAID
    program.write(use=USE + "\n")
    assert program.check() == SAID


def test_callers_are_checked_again_when_a_task_changes(program: Program) -> None:
    """The parameters, the result and the options of a task in another module; and back."""
    program.write(use="from tasks import load, total\nreveal_type(total(load(3)))\n")
    assert program.check() == ['use.py:2: note: Revealed type is "merkl.graph.future.Future[float]"']
    program.write(tasks=TASKS.replace("prices: list[float]", "prices: list[str]").replace("sum(prices)", "1"))
    assert [line for line in program.check() if "[arg-type]" in line] == [
        'use.py:2: error: Argument 1 to "total" has incompatible type "Future[list[float]]"; '
        'expected "Future[list[str]]"  [arg-type]'
    ]
    program.write(tasks=TASKS.replace("-> float", "-> tuple[float, int]").replace("* scale", "* scale, 1"))
    assert program.check() == [
        'use.py:2: note: Revealed type is "tuple[merkl.graph.future.Future[float], merkl.graph.future.Future[int]]"'
    ]
    program.write(tasks=TASKS.replace("@task\ndef total", "@task(outs=1)\ndef total"))
    assert program.check() == ['use.py:2: note: Revealed type is "merkl.graph.future.Future[float]"']
    program.write(tasks=TASKS.replace("@task\ndef total", "def total"))
    assert [line.rpartition("[")[2] for line in program.check() if ": error: " in line] == [
        "merkl-future-value]"
    ]


MADE = """
from merkl import task
@task
def one() -> float: return 1.0
@task
def text() -> str: return "a"
f, s = one(), text()
"""
DISPLAYS = """from tasks import f, s, total
prices = [1.0, f]
total(prices)
[total][0](["a", f])
class C: ...
kept = {"a": [total][0]([f, 1.0])}
reveal_type(kept)
for each in [total([1.0, f]), s]: pass
reveal_type(total([*[1.0, f], *[2.0, f]][1:]))
"""


def test_modules_that_are_checked_again_because_of_another(program: Program) -> None:
    """They come from mypy's cache, and what the plugin puts in their place is put there all the same."""
    program.write(tasks=TASKS + MADE, use=DISPLAYS)
    cold = program.check()
    assert sum(": error: " in line for line in cold) == 1
    program.write(tasks=TASKS + MADE + "def another() -> int: return 1\n")
    assert program.check() == cold
    program.write(use=DISPLAYS.replace("class C: ...\n", "\n"))
    assert program.check() == cold
    program.write(tasks=TASKS + MADE)
    assert program.check() == cold


def test_a_cache_serves_another_checkout(program: Program, tmp_path: Path) -> None:
    """As a remote cache does: copied to where the same files lie elsewhere."""
    program.check()
    copied = tmp_path / "elsewhere"
    shutil.copytree(program.cache, copied)
    other = Program(tmp_path / "checkout", copied)
    assert other.check() == SAID
    other.write(tasks=TASKS.replace("n: int", "n: str").replace("* n", "* len(n)"))
    assert [line for line in other.check() if "[arg-type]" in line] == [
        'use.py:3: error: Argument 1 to "load" has incompatible type "int"; expected "str"  [arg-type]'
    ]


@pytest.mark.slow
def test_a_changed_plugin_checks_everything_again(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older plugin has made of a module is not taken from mypy's cache, though no source was edited."""
    assert program.check() == SAID
    place = Path(shutil.copytree(Path(merkl_mypy.__file__).parent, tmp_path / "changed" / "merkl_mypy"))
    changed = place / "misuse.py"
    changed.write_text(changed.read_text().replace("tested for truth", "asked whether it is true"))
    monkeypatch.setenv("PYTHONPATH", str(place.parent))
    assert program.check() == [line.replace("tested for truth", "asked whether it is true") for line in SAID]


@pytest.mark.parametrize("words", [("-m", "use"), ("-p", "bills")])
def test_each_way_to_say_what_is_checked(words: tuple[str, ...], program: Program) -> None:
    """A module by its name, and a package."""
    package = program.folder / "bills"
    if "bills" in words:
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "use.py").write_text(USE)
    prefix = "bills/" if "bills" in words else ""
    assert program.check(*words) == [prefix + line for line in SAID]


@pytest.mark.parametrize("option", ["--sqlite-cache", "--no-sqlite-cache"])
def test_each_kind_of_cache(option: str, program: Program) -> None:
    """What is said does not depend on how the cache is kept."""
    assert program.check("use.py", option) == SAID
    assert program.check("use.py", option) == SAID


def test_imports_that_are_followed_in_silence(program: Program) -> None:
    """Nothing is said of the module that is only imported; what its tasks are is known."""
    program.write(tasks=TASKS + "if load(1):\n    pass\ntotal('')\n")
    assert program.check("use.py", "--follow-imports=silent") == SAID
    said = program.check("tasks.py", "--follow-imports=silent")
    assert [line.rpartition("[")[2] for line in said] == ["merkl-future-bool]", "arg-type]"]


@pytest.mark.skipif(VERSION < (2, 0), reason="mypy has no workers before 2.0")
def test_workers_in_parallel(program: Program) -> None:
    """Modules that are checked in processes of their own, from their start and from the cache."""
    program.write(**{f"other{number}": USE.replace("price", f"price{number}") for number in range(3)})
    names = ["use.py", *(f"other{number}.py" for number in range(3))]
    said = [line for name in names for line in (one.replace("use.py", name) for one in SAID)]
    assert sorted(program.check(*names, "--num-workers=2")) == sorted(said)
    assert sorted(program.check(*names, "--num-workers=2")) == sorted(said)


def test_the_daemon_follows_edits(program: Program) -> None:
    """Of the module itself, and of a task in another module, whose callers are checked again."""
    status = ("--status-file", str(program.folder / "status.json"))

    def ask(*words: str) -> list[str]:
        return program.run(*status, *words, tool="mypy.dmypy")

    try:
        start = ("--", f"--cache-dir={program.cache}", "use.py", "tasks.py")
        assert ask("run", *start) == SAID
        program.write(use=USE.replace('load("3")', "load(3)"))
        assert ask("run", *start) == SAID[:1]
        program.write(tasks=TASKS.replace("n: int", "n: str").replace("* n", "* len(n)"))
        wrong = [line for line in ask("run", *start) if "[arg-type]" in line]
        assert [line.partition(":")[2].partition(":")[0] for line in wrong] == ["3", "6"]
        program.write(tasks=TASKS)
        assert ask("run", *start) == SAID[:1]
        program.write(use=USE.replace("if price:", "if price.eval():").replace('load("3")', "load(3)"))
        assert ask("run", *start) == []
        program.write(use=USE)
        assert ask("run", *start) == SAID
        program.write(use=USE + "use_changed = 1\n", tasks=TASKS + "tasks_changed = 1\n")  # at once
        assert ask("run", *start) == SAID
        program.write(use=USE, tasks=TASKS + "if total([1.0]): ...\n")
        assert sorted(line[:8] for line in ask("run", *start)) == ["tasks.py", "use.py:4", "use.py:6"]
    finally:
        ask("stop")


def test_several_runs_in_one_process(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """mypy.api asks for the plugin at each run."""
    monkeypatch.chdir(program.folder)
    for _ in range(2):
        said, problems, status = mypy.api.run(["use.py", f"--cache-dir={program.cache}"])
        assert (problems, status) == ("", 1)
        assert said.splitlines()[:-1] == SAID


LINES = """\
from merkl import task

@task
def area(
    width: float,
    height: float,
) -> float:
    return width * height


def plain(
    width: float,
    height: float,
) -> float:
    return width * height


area(
    1.0,
    "2",
)
area(
    1.0,
    "2",  # type: ignore[arg-type]
)
area(area("1", 2.0), 3.0)
area(
    area(
        1.0, "2"
    ), 3.0
)
area(1.0)  # type: ignore[call-arg]
area(width=1.0, heigth=2.0)
[area(1.0, "2") for _ in range(3)]
sides = {"a": area(1.0, 2.0), "b": area(1.0, [2.0])}
"""


def test_an_error_is_on_the_line_where_it_is_without_the_decorator(program: Program) -> None:
    """Over several lines too, and `# type: ignore[code]` works there; none of those is unused."""
    program.write(lazy=LINES, bare=LINES.replace("@task\n", "\n"))
    lazy, bare = (
        [
            line.partition(":")[2]
            for line in program.check(name, "--show-column-numbers")
            if ": error: " in line
        ]
        for name in ("lazy.py", "bare.py")
    )
    assert len(lazy) > 4
    assert lazy == bare


def test_a_module_that_is_found_in_place_of_one_that_merkl_imports(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`json.py` of the user's closes an import cycle through merkl, in which mypy makes the class of tasks twice."""
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # mypy's own `import json` finds the other one
    program.write(json="from tasks import *\nimport use\n\nload('x')\nreveal_type(total(load(1)))\n")
    assert program.run("json.py", "use.py", f"--cache-dir={program.cache}") == [
        *SAID,
        'json.py:4: error: Argument 1 to "load" has incompatible type "str"; expected "int"  [arg-type]',
        'json.py:5: note: Revealed type is "merkl.graph.future.Future[float]"',
    ]


ARRAY = """\
import ctypes
import merkl
numbers = (ctypes.c_int * 4)(1, 2, 3, 4)
numbers[0] = 42
numbers[1] = b"a"
numbers[2] = ctypes.c_int(1)
"""


def test_what_other_plugins_say_of_overloaded_methods_stays(program: Program) -> None:
    """mypy asks one plugin about a call: nothing is answered for what cannot be a task, such as items of an array of C."""
    program.write(items=ARRAY)
    errors = [line for line in program.check("items.py") if ": error: " in line]
    assert len(errors) == 1
    assert errors[0].startswith('items.py:5: error: No overload variant of "__setitem__" of "Array" matches')
