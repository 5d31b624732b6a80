"""Run mypy with the plugin over sources that say by themselves what is expected of it.

A line that ends in `# E: code` gets one error of that code, a line that ends in `# T: type` reveals that type, and
no other line gets anything. In types, the modules of Future and of the classes of the standard library are left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_REPORT = re.compile(
    r"^(?P<file>[^:]+):(?P<line>\d+): (?P<kind>error|note): (?P<text>.*?)(?:  \[(?P<code>[a-z-]+)\])?$"
)
_WANTED = re.compile(r"#\s(?P<kind>[ETN]): (?P<what>.*?)(?=\s+#\s[ETN]: |$)")
_MODULES = re.compile(r"\b(?:merkl\.(?:\w+\.)+|typing\.|builtins\.)(?=\w)")


def run_mypy(folder: Path, *arguments: str, config: str = "", cache: Path | None = None) -> str:
    """What mypy with the plugin prints; an AssertionError when it crashes."""
    (folder / "mypy.ini").write_text(f"[mypy]\nplugins = merkl_mypy\n{config}")
    cache = cache or folder.parent / "mypy_cache"
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--show-traceback",
        f"--cache-dir={cache}",
        *arguments,
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert "could not look into this" not in done.stdout, done.stdout
    return done.stdout


def expected(files: Mapping[str, str]) -> set[tuple[str, int, str, str]]:
    """What the comments of the files ask for."""
    return {
        (name, number, found["kind"], found["what"].strip())
        for name, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        for found in _WANTED.finditer(line)
    }


def reported(output: str) -> set[tuple[str, int, str, str]]:
    """What mypy said, in the same form; notes that only explain an error are left out."""
    said = set()
    for text in output.splitlines():
        found = _REPORT.match(text)
        if found is None:
            continue
        where = found["file"], int(found["line"])
        if found["kind"] == "error":
            said.add((*where, "E", found["code"] or found["text"]))
        elif found["text"].startswith("Revealed type is"):
            shown = found["text"].removeprefix("Revealed type is ").strip('"')
            said.add((*where, "T", _MODULES.sub("", shown)))
        elif found["text"].startswith("The plugin"):
            said.add((*where, "N", "merkl-unsupported"))
    return said


def judge(
    folder: Path, files: Mapping[str, str], *arguments: str, config: str = ""
) -> dict[str, tuple[set[object], set[object]]]:
    """By file, what its comments ask for and what mypy said of it."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    stubbed = {name.removesuffix("i") for name in files if name.endswith(".pyi")}
    checked = arguments or tuple(name for name in files if name not in stubbed)
    output = run_mypy(folder, *checked, config=config)
    wanted, said = expected(files), reported(output)
    return {
        name: ({one[1:] for one in wanted if one[0] == name}, {one[1:] for one in said if one[0] == name})
        for name in files
    }


def check(folder: Path, files: Mapping[str, str], *arguments: str, config: str = "") -> None:
    """Assert that mypy says of the files what their comments ask for."""
    for name, (wanted, said) in judge(folder, files, *arguments, config=config).items():
        assert said == wanted, name
