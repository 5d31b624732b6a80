"""Whenever a mutation of a sample project changes what its task gives, the fingerprint changes."""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mutants import mutants
from sample import Project, files

FOLDER = Path(__file__).parent / "projects"
#: Every how many-th mutant is tried here; `python test_mutation.py` tries all and reports.
STRIDE = 7


class TooLongError(Exception):
    """A mutant runs without end."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def observe(project: Project) -> tuple[str, str] | None:
    """Return (fingerprint, output) of a project's task; None where it cannot even be imported."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.syspath_prepend(str(project.folder))  # bodies import too
        patch.setattr("sys.dont_write_bytecode", True)
        try:
            with at_most(2):
                task = project.load()
        except Exception:
            return None
        # Imports inside bodies happen only now.
        sys.path.insert(0, str(project.folder))
        try:
            digest = project.fingerprinter().fingerprint(task).digest.hex()
            with at_most(2):
                output = repr(task())
        except Exception as error:
            output = f"{type(error).__name__}: {error}"
        finally:
            sys.path.remove(str(project.folder))
        return digest, output


def judge(name: str, folder: Path, stride: int) -> tuple[list[str], int, int, int]:
    """Return the mutants that change the output but not the fingerprint; and how many were tried, how many
    changed the output, and how many changed the fingerprint alone."""
    sources = files((FOLDER / name).read_text())
    project = Project(folder / "project").write(sources)
    original = observe(project)
    assert original is not None
    assert not original[1].startswith(("TypeError", "NameError", "AttributeError", "ModuleNotFound")), (
        original
    )
    missed: list[str] = []
    tried = changed = needless = 0
    for file, source in sources.items():
        for mutant in mutants(source, stride):
            project.write({file: mutant.source})
            seen = observe(project)
            if seen is None:
                continue
            tried += 1
            changed += seen[1] != original[1]
            if seen[1] != original[1] and seen[0] == original[0]:
                missed.append(f"{file} {mutant.what}: {original[1]} became {seen[1]}")
            needless += seen[1] == original[1] and seen[0] != original[0]
        project.write({file: source})
    project.forget()
    return missed, tried, changed, needless


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.txt")))
def test_no_mutation_goes_unseen(name: str, tmp_path: Path) -> None:
    """A mutation that changes the output changes the fingerprint."""
    missed, tried, changed, _ = judge(name, tmp_path, STRIDE)
    assert tried > 20
    assert changed > 10
    assert not missed, "\n".join(missed)


if __name__ == "__main__":
    import sys
    import tempfile

    for path in sorted(FOLDER.glob(sys.argv[1] if len(sys.argv) > 1 else "*.txt")):
        stride = int(sys.argv[2]) if len(sys.argv) > 2 else 1
        missed, tried, changed, needless = judge(path.name, Path(tempfile.mkdtemp()), stride)
        print(f"{path.name}: {tried} mutants, {changed} change the output, {len(missed)} of them unseen;")
        print(f"    {needless} others change the key alone")
        print("\n".join(f"  MISSED {line[:300]}" for line in missed))
