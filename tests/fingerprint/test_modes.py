"""How far a fingerprint looks, what declared versions and dependencies do, and when it is taken again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sample import Project, digest

from merkl._base.errors import FingerprintError
from merkl.fingerprint import HashMode, find_pip_version, pip_version_of

HELPER = "def h(x):\n    return {n}\nK = {k}\ndef task(x):\n    return h(x) + K\n"


def test_function_mode_leaves_helpers_out(tmp_path: Path) -> None:
    """HashMode.FUNCTION sees the task's own code alone."""
    one, two = (
        digest(tmp_path, {"main.py": HELPER.format(n=n, k=1)}, hash_mode=HashMode.FUNCTION) for n in (1, 2)
    )
    assert one == two
    swapped = {"main.py": HELPER.format(n=1, k=1).replace("h(x) + K", "g(x) + K").replace("def h", "def g")}
    assert digest(tmp_path, swapped, hash_mode=HashMode.FUNCTION) != one


def test_function_mode_sees_defaults(tmp_path: Path) -> None:
    """A default value is the function's own."""
    one, two = (
        digest(tmp_path, {"main.py": f"def task(x={n}):\n    return x\n"}, hash_mode=HashMode.FUNCTION)
        for n in (1, 2)
    )
    assert one != two


def test_module_mode_sees_all_of_the_module(tmp_path: Path) -> None:
    """HashMode.MODULE changes with unrelated code of the module, not with its comments."""
    text = "def u():\n    return 1\ndef task(x):\n    return x\n"
    one = digest(tmp_path, {"main.py": text}, hash_mode=HashMode.MODULE)
    assert (
        digest(tmp_path, {"main.py": text.replace("return 1", "return 2")}, hash_mode=HashMode.MODULE) != one
    )
    assert digest(tmp_path, {"main.py": text + "# more\n"}, hash_mode=HashMode.MODULE) == one


def test_code_version_stands_for_code_but_not_for_constants(tmp_path: Path) -> None:
    """Under code_version, code may change freely; constants reached and the version itself count."""

    def take(n: int, k: int, version: str) -> str:
        return digest(tmp_path, {"main.py": HELPER.format(n=n, k=k)}, code_version=version, hash_key="t")

    assert take(1, 1, "1") == take(2, 1, "1")
    assert take(1, 1, "1") != take(1, 2, "1")
    assert take(1, 1, "1") != take(1, 1, "2")


def test_declared_deps_count(tmp_path: Path) -> None:
    """A value, a version and their order in deps= are part of the fingerprint."""
    files = {"main.py": "def task():\n    return 1\n"}
    plain = digest(tmp_path, files)
    assert (
        len({plain, *(digest(tmp_path, files, deps=[d]) for d in (1, "1", b"1", pip_version_of("blake3")))})
        == 5
    )


def test_absent_package_is_a_clear_error() -> None:
    """A version of what is not installed says what to do."""
    with pytest.raises(FingerprintError, match="no distribution of that name"):
        pip_version_of("no-such-distribution-here")
    with pytest.raises(FingerprintError, match="belongs to no installed distribution"):
        find_pip_version(sys)


def test_reassigned_global_and_helper_are_seen_again(tmp_path: Path) -> None:
    """In one process, a global or helper that is bound anew makes the fingerprint out of date."""
    project = Project(tmp_path).write({"main.py": HELPER.format(n=1, k=1)})
    task = project.load()
    fingerprinter = project.fingerprinter()
    first = fingerprinter.fingerprint(task)
    assert first.is_current()
    task.__globals__["K"] = 2
    assert not first.is_current()
    second = fingerprinter.fingerprint(task)
    assert second.digest != first.digest
    task.__globals__["h"] = lambda x: 7
    assert not second.is_current()
    task.__globals__["h"] = first._others.codes[1][0]
    task.__globals__["K"] = 1
    assert fingerprinter.fingerprint(task).digest == first.digest
    project.forget()


def test_source_edited_after_import_is_not_taken_for_the_loaded_code(tmp_path: Path) -> None:
    """Where the file no longer compiles to the loaded code, the code object stands in and says so."""
    project = Project(tmp_path).write({"main.py": "def task():\n    return 1\n"})
    task = project.load()
    before = project.fingerprinter().fingerprint(task)
    project.write({"main.py": "def task():\n    return 2\n"})
    after = project.fingerprinter().fingerprint(task)
    assert before.from_source
    assert not after.from_source
    assert after.digest != before.digest
    project.forget()


def test_code_from_exec_differs_by_constants() -> None:
    """Code without source is hashed by its code object, constants and nested code included."""
    made = []
    for n in (1, 2):
        namespace: dict[str, object] = {"__name__": "__main__"}
        exec(f"def f():\n    return {n}\n", namespace)
        made.append(namespace["f"])
    from sample import encode

    from merkl.fingerprint import Fingerprinter

    one, two = (Fingerprinter(encode=encode, project_root=None).fingerprint(f) for f in made)  # type: ignore[arg-type]
    assert one.digest != two.digest
    assert not one.from_source
