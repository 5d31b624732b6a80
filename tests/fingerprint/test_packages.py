"""Whose code counts, and versions of what is only named."""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from sample import Project

from merkl._base.errors import FingerprintError, FingerprintWarning
from merkl.fingerprint import find_pip_version, pip_version_of

SOURCE = {"main.py": "import numpy as np\ndef h(x):\n    return np.sin(x)\ndef task(x):\n    return h(x)\n"}


def taken(project: Project, **options: object) -> tuple[str, list[str]]:
    found = project.fingerprint(**options)
    return found.digest.hex(), [
        f"{c.name} {c.text}" for c in found.components if c.kind in ("package", "dep")
    ]


def test_versions_count_as_the_project_says(tmp_path: Path) -> None:
    """Off: not at all. Minor: two numbers. Exact: all of it."""
    found = {
        kind: taken(Project(tmp_path / kind, package_versions=kind).write(SOURCE))
        for kind in ("off", "minor", "exact")
    }
    full = version("numpy")
    assert [names for _, names in found.values()] == [
        [],
        [f"numpy {'.'.join(full.split('.')[:2])}"],
        [f"numpy {full}"],
    ]
    assert len({digest for digest, _ in found.values()}) == 3


def test_an_unknown_kind_of_versions_is_an_error(tmp_path: Path) -> None:
    """With what is allowed."""
    with pytest.raises(FingerprintError, match="'off', 'minor', 'exact'"):
        Project(tmp_path / "project", package_versions="major").fingerprinter()


def test_versions_as_deps(tmp_path: Path) -> None:
    """Of a name, of an object, and of all that is reached."""
    project = Project(tmp_path / "project").write(SOURCE)
    plain, _ = taken(project)
    for dep in (
        pip_version_of("NumPy"),
        find_pip_version(np),
        find_pip_version(np.array([1])),
        find_pip_version(),
    ):
        digest, names = taken(project, deps=[dep])
        assert digest != plain
        assert names == [f"numpy {version('numpy')}"]
    assert find_pip_version(np.linalg.norm) == find_pip_version(np.sin) == pip_version_of("numpy")


def test_a_package_that_is_installed_in_place_is_the_users(tmp_path: Path) -> None:
    """An editable install is a folder on the path: its code counts."""
    project = Project(tmp_path / "project").write(
        {"main.py": "import mylib\ndef task(x):\n    return mylib.f(x)\n"}
    )
    (tmp_path / "elsewhere").mkdir()
    digests = set()
    for n in (1, 2):
        (tmp_path / "elsewhere" / "mylib.py").write_text(f"def f(x):\n    return {n}\n")
        sys.modules.pop("mylib", None)
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(tmp_path / "elsewhere"))
            digests.add(project.fingerprint().digest)
    sys.modules.pop("mylib", None)
    project.forget()
    assert len(digests) == 2


@pytest.mark.parametrize(("track", "number"), [((), 1), (("tracked_lib",), 2), (("tracked",), 1)])
def test_an_installed_package_counts_where_it_is_tracked(
    track: tuple[str, ...], number: int, tmp_path: Path
) -> None:
    """A package in site-packages is named; `track` makes it the user's, by its whole name."""
    project = Project(tmp_path / "project", track=track).write(
        {"main.py": "from tracked_lib.sub import f\ndef task(x):\n    return f(x)\n"}
    )
    package = tmp_path / "site-packages" / "tracked_lib"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    digests = set()
    for n in (1, 2):
        (package / "sub.py").write_text(f"def g(x):\n    return {n}\ndef f(x):\n    return g(x)\n")
        for name in [name for name in sys.modules if name.startswith("tracked_lib")]:
            del sys.modules[name]
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(package.parent))
            digests.add(project.fingerprint().digest)
    for name in [name for name in sys.modules if name.startswith("tracked_lib")]:
        del sys.modules[name]
    project.forget()
    assert len(digests) == number


BLIND = {
    "computed name": (
        "import other\ndef task(x):\n    return getattr(other, x)()\n",
        "by a computed name.*deps=",
    ),
    "reassigned global": (
        "N = 0\ndef task(x):\n    global N\n    N += 1\n    return N\n",
        "reassigns the global.*deps=",
    ),
    "text that is run": ("def task(x):\n    return eval(x)\n", "calls eval with a computed argument.*deps="),
    "computed import": (
        "import importlib\ndef task(x):\n    return importlib.import_module(x)\n",
        "calls import_module with a computed argument.*deps=",
    ),
    "object without a value": ("R = iter([1])\ndef task(x):\n    return next(R)\n", "only its type.*deps="),
    "iterator with code of the user's": (
        "seen = [1]\nR = (x for x in seen)\ndef task(x):\n    return next(R)\n",
        "R is a builtins.generator.*only its type.*deps=",
    ),
    "random generator": (
        "import random\nR = random.Random(1)\ndef task(x):\n    return R.random()\n",
        "pass a seed",
    ),
}


@pytest.mark.parametrize("case", BLIND)
def test_what_cannot_be_seen_is_said_once(case: str, tmp_path: Path) -> None:
    """With the remedy, and not again for the same code."""
    source, message = BLIND[case]
    project = Project(tmp_path / "project").write(
        {"main.py": dedent(source), "other.py": "def a():\n    return 1\n"}
    )
    task = project.load()
    fingerprinter = project.fingerprinter()
    with pytest.warns(FingerprintWarning, match=message):
        fingerprinter.fingerprint(task)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fingerprinter.fingerprint(task)
    project.forget()
