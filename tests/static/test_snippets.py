"""What the guide shows as right, pyright does not refuse: readers' editors say so while they type it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.snippets import blocks_of
from tests.static.checkers import sources

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What the guide shows as wrong, and what pyright makes of the data sets of scikit-learn, which has no types.
REFUSED = {
    *("README/swapped.py", "files-and-shell/2.py", "tutorial/swapped.py", "tutorial/digits.py"),
    *("types/built.py", "types/flow.py", "types/misuse.py", "types/wrong.py"),
}


def _written(page: Path, folder: Path) -> set[str]:
    """Write the Python of a page into a folder of its own; a file that is shown twice is looked at as it is last."""
    folder.mkdir()
    names = set()
    for number, block in enumerate(blocks_of(page)):
        if block.language == "python":
            name = block.file or f"{number}.py"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(block.text)
            names.add(f"{folder.name}/{name}")
    return names


def test_exactly_what_the_guide_shows_as_wrong_is_refused(tmp_path: Path) -> None:
    """All pages in one run, each as a project of its own."""
    tool = Path(sys.executable).parent / "basedpyright"
    if not tool.exists():
        pytest.skip("basedpyright is not installed beside this Python")
    written = set[str]().union(*(_written(page, tmp_path / page.stem) for page in PAGES))
    settings = {
        "typeCheckingMode": "standard",
        "extraPaths": sources(),
        "executionEnvironments": [{"root": page.stem, "extraPaths": sources()} for page in PAGES],
        "reportMissingImports": False,
        "reportMissingModuleSource": False,
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [str(tool), "--outputjson", "--pythonpath", sys.executable, "-p", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] >= len(written)
    refused = {
        str(Path(one["file"]).relative_to(tmp_path))
        for one in found["generalDiagnostics"]
        if one["severity"] == "error"
    }
    assert refused == REFUSED
