"""Run mypy over both modules and list the calls on which they disagree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.parity.generate import Call, modules

_LINE = re.compile(
    r"^(?P<file>[^:]+):(?P<line>\d+): (?P<kind>error|note): (?P<text>.*?)(?:  \[(?P<code>[a-z-]+)\])?$"
)

_ANY = re.compile(r"\bAny\b")


@dataclass(slots=True)
class Verdict:
    """What mypy said on one line."""

    errors: list[tuple[str, str]] = field(default_factory=list)
    revealed: list[str] = field(default_factory=list)

    @property
    def codes(self) -> set[str]:
        """The codes of the errors."""
        return {code for code, _ in self.errors}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A call that the plugin judges otherwise than plain mypy does."""

    kind: str
    call: Call
    plain: Verdict
    lazy: Verdict

    def __str__(self) -> str:
        lines = [f"{self.kind}: {self.call.lazy}", f"    plain: {self.call.plain}"]
        lines += [f"    plain says {text} [{code}]" for code, text in self.plain.errors]
        lines += [f"    plugin says {text} [{code}]" for code, text in self.lazy.errors]
        lines += [f"    {side}" for side in (*self.plain.revealed, *self.lazy.revealed)]
        return "\n".join(lines)


def run_mypy(folder: Path, name: str, *, plugin: bool, python: str = "3.11") -> dict[int, Verdict]:
    """What mypy says of `folder/name`, by line."""
    config = folder / f"{name}.ini"
    config.write_text("[mypy]\nstrict = True\n" + ("plugins = merkl_mypy\n" if plugin else ""))
    command = [
        sys.executable,
        "-m",
        "mypy",
        f"--config-file={config.name}",
        "--cache-dir=.cache_" + name,
        name,
    ]
    command += [
        f"--python-version={python}",
        "--disable-error-code=empty-body",
        "--disable-error-code=unused-coroutine",
        "--hide-error-context",
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=dict(os.environ), check=False
    )
    if done.returncode not in (0, 1) or "INTERNAL ERROR" in done.stderr:
        raise AssertionError(done.stdout[-2000:] + done.stderr[-4000:])
    verdicts: dict[int, Verdict] = defaultdict(Verdict)
    for text in done.stdout.splitlines():
        found = _LINE.match(text)
        if found is None or found["file"] != name:
            continue
        verdict = verdicts[int(found["line"])]
        if found["kind"] == "error":
            verdict.errors.append((found["code"] or "", found["text"]))
        elif found["text"].startswith("Revealed type is"):
            verdict.revealed.append(found["text"].removeprefix("Revealed type is ").strip('"'))
        elif "merkl_mypy could not" in found["text"]:
            verdict.errors.append(("merkl-internal", found["text"]))
    return verdicts


def expected_type(plain: str) -> str:
    """What a task's call shows where the plain call shows `plain`: one Future of it."""
    awaited = re.fullmatch(r"typing\.Coroutine\[Any, Any, (.*)\]", plain)
    returned = (awaited[1] if awaited else plain).removesuffix("?")
    return f"merkl.graph.future.Future[{returned}]"


def _same_result(want: Verdict, have: Verdict) -> bool:
    plain = [expected_type(text.replace("plain.", "lazy.")) for text in want.revealed]
    if any(
        "..." in text for text in have.revealed
    ):  # mypy shows recursive aliases one level deeper inside others
        return bool(plain)
    return [text.replace("?", "") for text in plain] == [text.replace("?", "") for text in have.revealed]


def _falls_back(want: Verdict, have: Verdict) -> bool:
    """Whether a task's call gives Any where the plain call gives none."""
    return _ANY.search(" ".join(have.revealed)) is not None and _ANY.search(" ".join(want.revealed)) is None


def disagreements(calls: list[Call], folder: Path, *, is_modern: bool = False) -> list[Disagreement]:
    """Calls where the plugin reports what plain mypy doesn't, misses what it does, or gives another result."""
    plain_source, lazy_source = modules(calls, is_modern=is_modern)
    return compared(plain_source, lazy_source, calls, folder, python="3.13" if is_modern else "3.11")


def compared(
    plain_source: str, lazy_source: str, calls: list[Call], folder: Path, *, python: str = "3.11"
) -> list[Disagreement]:
    """The same for two modules whose last lines are the calls."""
    (folder / "plain.py").write_text(plain_source)
    (folder / "lazy.py").write_text(lazy_source)
    plain = run_mypy(folder, "plain.py", plugin=False, python=python)
    lazy = run_mypy(folder, "lazy.py", plugin=True, python=python)
    start = len(plain_source.splitlines()) - len(calls) + 1
    found = []
    for line, call in enumerate(calls, start):
        want, have = plain[line], lazy[line]
        if bool(want.errors) != bool(have.errors):
            kind = "MISS" if want.errors else "FALSE ALARM"
        elif want.codes != have.codes:
            kind = "CODES"
        elif not want.errors and not _same_result(want, have):
            kind = "ANY" if _falls_back(want, have) else "RESULT"
        else:
            continue
        found.append(Disagreement(kind, call, want, have))
    return found
