"""Runs the same pipeline under several frameworks, edits it step by step, and prints which bodies ran and what came out.

    python examples/comparison/compare.py merkl=PYTHON joblib=PYTHON ...

Each PYTHON is the interpreter of an environment that has that framework. The rows of `plain` are those of a run without any
framework: what is right. docs/comparison.md has what this printed.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
#: Frameworks whose command is another one than `python flow.py`.
COMMANDS = {
    "dvc": 'dvc repro --quiet && python -c \'import json; print("answer:", json.load(open("report.json")))\''
}
#: A mypy that checks each version against the packages of its environment; without it that is left out.
MYPY = os.environ.get("MYPY", "")
SETUP = {"dvc": "dvc init --no-scm --quiet && dvc config core.analytics false"}
PACKAGES = {"hamilton": "sf-hamilton"}
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
    "HAMILTON_TELEMETRY_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}

#: A call with its two arguments swapped; where there is no such call, the wrong input.
WRONG = {
    "hamilton": ("flow.py", "def score(groups: dict[str, int]", "def score(load: dict[str, int]"),
    "dvc": ("dvc.yaml", "score-${item}.json group.json", "score-${item}.json load.json"),
}

Edit = Callable[[Path], None]


def replace(name: str, old: str, new: str) -> Edit:
    """Return an edit of one file of the project, where it has that text."""

    def edit(folder: Path) -> None:
        path = folder / name
        if path.exists():
            path.write_text(path.read_text().replace(old, new))

    return edit


def change_weights(folder: Path) -> None:
    """Ask for another weight, wherever a version has its weights."""
    for name in ("flow.py", "dvc.yaml"):
        replace(name, "[1, 2, 3]", "[1, 2, 4]")(folder)
    replace("dvc.yaml", "score-3.json", "score-4.json")(folder)


STEPS: list[tuple[str, Edit]] = [
    ("first run", lambda folder: None),
    ("again", lambda folder: None),
    ("a comment in load", replace("flow.py", '    note("load")', '    # Read.\n    note("load")')),
    ("helper rewritten, same values", replace("helper.py", "float(text) * UNIT", "UNIT * float(text)")),
    ("another weight", change_weights),
    ("rows of the file reordered", replace("table.csv", "tea,2.50\nmilk,1.20", "milk,1.20\ntea,2.50")),
    ("a number in the file changed", replace("table.csv", "2.50", "9.50")),
    ("constant of helper changed", replace("helper.py", "UNIT = 100", "UNIT = 1000")),
]


def run(name: str, python: str, folder: Path) -> tuple[str, str, float]:
    """Run a version once; return the bodies that ran, the answer or the error, and the seconds of processor time."""
    (folder / "ran.txt").write_text("")
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)  # two edits within one second
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = shell(COMMANDS.get(name, "python flow.py"), python, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    answers = [line for line in done.stdout.splitlines() if line.startswith("answer: ")]
    ran = ", ".join(sorted((folder / "ran.txt").read_text().splitlines())) or "nothing"
    if not answers:
        said = [line for line in done.stderr.splitlines() if "Error" in line or "incompatible" in line]
        return ran, (said or done.stderr.splitlines())[-1].strip(), seconds
    return ran, answers[-1].removeprefix("answer: "), seconds


def shell(command: str, python: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with the programs of that environment first in the path."""
    home = {"HOME": str(folder), "PREFECT_HOME": str(folder / ".prefect")}
    path = f"{Path(python).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **QUIET, **home, "PATH": path}
    return subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )


def version_of(name: str, python: str) -> str:
    """Return `name version`."""
    if name == "plain":
        return "plain Python"
    package = PACKAGES.get(name, name)
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return f"{name} {subprocess.run([python, '-c', code], capture_output=True, text=True, check=True).stdout.strip()}"


def compare(name: str, python: str, right: dict[str, str]) -> None:
    """Print what one version does at each step; a stale answer is marked."""
    print(version_of(name, python))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for source in (HERE / "common", HERE / name):
            shutil.copytree(source, folder, dirs_exist_ok=True)
        if name in SETUP:
            shell(SETUP[name], python, folder)
        for step, edit in STEPS:
            edit(folder)
            ran, answer, seconds = run(name, python, folder)
            answer_is = right.setdefault(step, answer)
            mark = "" if answer == answer_is else f"  WRONG: {answer_is} is right"
            print(f"  {step:<30} ran {ran:<48} {answer}{mark}  ({seconds:.1f} s)")
        replace(*WRONG.get(name, ("flow.py", "score(groups, weight) for", "score(weight, groups) for")))(
            folder
        )
        ran, answer, _ = run(name, python, folder)
        bodies = ", ".join(dict.fromkeys(word.split()[0] for word in ran.split(", ") if word[0] != "'"))
        print(f"  a wrong edge: ran {bodies}, then: {answer.replace(f'{folder}/', '')}")
        if MYPY:
            found = shell(f"{MYPY} --strict --python-executable {python} flow.py", python, folder).stdout
            about = [line for line in found.splitlines() if '"score"' in line and "incompatible" in line]
            print(f"  mypy --strict about it: {about[0] if about else 'nothing'}")
    print()


if __name__ == "__main__":
    answers: dict[str, str] = {}
    for word in (f"plain={sys.executable}", *sys.argv[1:]):
        compare(*word.split("=", 1), answers)  # type: ignore[arg-type]
