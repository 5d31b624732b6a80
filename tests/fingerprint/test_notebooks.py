"""Cells of a notebook and lines of a prompt: what is defined anew counts at the next call, what is the same has its key."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

CELLS = Path(__file__).parent / "cells.py"
MODULE = """
from merkl import Workspace, task
def h(x):
    return x * 2
class Config:
    rate = 1
    def m(self):
        return 1
K = 3
@task
def t(x: int) -> int:
    return h(x) + K + Config().m()
if __name__ == "__main__":
    import sys
    with Workspace(sys.argv[1]):
        print(t(1).hash)
"""


@functools.cache
def run_cells(first: int, kind: str) -> dict[str, list[object]]:
    done = subprocess.run(
        [sys.executable, str(CELLS), str(first), kind], capture_output=True, text=True, check=True
    )
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


VALUES = {
    "first": 6,
    "helper run again": 6,
    "helper changed": 7,
    "helper changed back": 6,
    "class changed": 7,
    "constant changed": 7,
    "method replaced": 10,
    "task run again": 6,
}
SAME = {name for name, value in VALUES.items() if value == 6}


@pytest.mark.parametrize("kind", ["lines", "bare"])
def test_what_is_defined_anew_counts_at_the_next_call(kind: str) -> None:
    """Helpers, classes, constants and methods; what is defined as before has the key that it had before."""
    found = run_cells(1, kind)
    assert {name: value for name, (_, value) in found.items()} == VALUES
    assert {name for name, (key, _) in found.items() if key == found["first"][0]} == SAME
    assert len({key for key, _ in found.values()}) == 1 + len(VALUES) - len(SAME)


@pytest.mark.parametrize("kind", ["lines", "bare"])
def test_a_restarted_kernel_gives_the_same_keys(kind: str) -> None:
    """Other numbers of cells, and another hash seed, change nothing."""
    assert run_cells(17, kind) == run_cells(1, kind)


PRICES = """
import dataclasses
from merkl import Workspace, task
@dataclasses.dataclass
class Discount:
    rate: int
@task
def price(discount: Discount) -> int:
    return discount.rate
def show():
    with Workspace("."):
        print(price(Discount(3)).hash)
if __name__ == "__main__":
    show()
"""


@pytest.mark.parametrize("module", ["prices", "shop.prices", "shop.inner.prices"])
def test_classes_of_arguments_have_one_name_in_a_script_and_a_module(tmp_path: Path, module: str) -> None:
    """A class of a script is called what it is called when the file is imported, packages and all."""
    file = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(PRICES)
    for folder in file.relative_to(tmp_path).parents[:-1]:
        (tmp_path / folder / "__init__.py").touch()
    keys = {
        subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, check=True, cwd=tmp_path
        ).stdout.strip()
        for words in ([str(file)], ["-m", module], ["-c", f"import {module} as m; m.show()"])
    }
    assert len(keys) == 1


def test_cells_a_script_and_a_module_share_keys(tmp_path: Path) -> None:
    """The same code has one key wherever it is kept and however it is started."""
    (tmp_path / "shared.py").write_text(MODULE)
    asks = "import shared; from merkl import Workspace; Workspace('.').__enter__(); print(shared.t(1).hash)"
    keys = {
        subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, check=True, cwd=tmp_path
        ).stdout.strip()
        for words in (["shared.py", "."], ["-m", "shared", "."], ["-c", asks])
    }
    assert keys == {run_cells(1, "lines")["first"][0]}
