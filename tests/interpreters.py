"""Other Python versions to run things under, each in an environment of its own that is made once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

__all__ = ["PYTHONS", "ROOT", "python_of"]

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
#: What `import merkl` and the digests of common values need.
NEEDED = ("blake3", "msgspec", "typing_extensions", "typeguard", "cloudpickle", "numpy", "pydantic")


def python_of(version: str) -> Path:
    """Return an interpreter of that version with what MerkL needs; skips the test where there is none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    base = _find(version)
    if base is None:
        pytest.skip(f"no Python {version} on this machine (looked on PATH and among pyenv's)")
    home = ROOT / ".cache" / f"python{version}"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        _make(base, home, python)
    return python


def _find(version: str) -> Path | None:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)
    on_path = shutil.which(f"python{version}")
    for candidate in [*found, *([Path(on_path)] if on_path else [])]:
        said = subprocess.run([candidate, "-V"], capture_output=True, text=True)
        if said.stdout.startswith(f"Python {version}."):
            return candidate
    return None


def _make(base: Path, home: Path, python: Path) -> None:
    # A half-made environment is made again; two processes at once would do the same work, so the name is their own.
    draft = home.with_name(f"{home.name}.{os.getpid()}")
    subprocess.run([base, "-m", "venv", draft], check=True)
    constraints = ["-c", str(ROOT / "constraints.txt")]
    install = [draft / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    done = subprocess.run([*install, *constraints, *NEEDED], capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        pytest.skip(f"the packages MerkL needs cannot be installed for {base}: {done.stderr.strip()[-300:]}")
    (draft / "ready").touch()
    home.parent.mkdir(exist_ok=True)
    try:
        draft.rename(home)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
    assert python.exists()
