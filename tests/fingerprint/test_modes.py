"""How far a fingerprint looks, what declared versions and dependencies do, and when it is taken again."""

from __future__ import annotations

import random
import sys
import threading
import warnings
from pathlib import Path

import pytest
from sample import Project, digest

from merkl import Workspace
from merkl._base.errors import FingerprintError, FingerprintWarning
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


def test_deps_that_are_gone_leave_nothing_behind(tmp_path: Path) -> None:
    """One fingerprinter tells many short-lived dependencies apart."""
    fingerprinter = Project(tmp_path).fingerprinter()

    def task() -> None: ...

    assert len({fingerprinter.fingerprint(task, deps=[str(n)]).digest for n in range(200)}) == 200


@pytest.mark.parametrize("dep", [object(), [threading.Lock()], {"rng": random.Random(1)}, iter([1])])
def test_a_dep_without_a_value_is_refused(dep: object, tmp_path: Path) -> None:
    """What has no canonical bytes says nothing as a dependency: the error says where it is and what to do."""
    project = Project(tmp_path).write({"main.py": "def task():\n    return 1\n"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FingerprintWarning)
        with pytest.raises(
            FingerprintError, match=r"task 'task': deps\[0\].* has no canonical bytes.*arg_serial"
        ):
            project.fingerprint(deps=[dep])
    project.forget()


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
    task.__globals__["h"] = first._guards.codes[1][0]
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


@pytest.mark.parametrize("names", [{}, {"__name__": "x.y"}, {"__name__": None}], ids=str)
def test_methods_of_a_class_from_exec_count(names: dict[str, object], tmp_path: Path) -> None:
    """Whatever the namespace is called, methods, inherited ones included, are part of a class without source."""
    source = "class B:\n    def w(self):\n        return {n}\nclass A(B):\n    def v(self):\n        return self.w()\n"
    fingerprinter = Project(tmp_path).fingerprinter()
    digests = set()
    for n in (1, 2):
        namespace = dict(names)
        exec(source.format(n=n) + "def task():\n    return A().v()\n", namespace)
        digests.add(fingerprinter.fingerprint(namespace["task"]).digest)  # type: ignore[arg-type]
        digests.add(fingerprinter.digest_class(namespace["A"]))  # type: ignore[arg-type]
    assert len(digests) == 4
    assert None not in digests


#: Class, what is edited in it, and what the task gives of it.
FIELDS = {
    "member of an enum": ("class K(enum.Enum):\n    A = 1\n", "A = 1", "K.A.value"),
    "member of an enum that is an object": ("class K(enum.Enum):\n    A = D('1')\n", "'1'", "K.A.value"),
    "default of a NamedTuple": ("class K(NamedTuple):\n    a: int = 1\n", "= 1", "K().a"),
    "default of a model": ("class K(pydantic.BaseModel):\n    a: int = 1\n", "= 1", "K().a"),
    "factory of a model": (
        "class K(pydantic.BaseModel):\n    a: list = pydantic.Field(default_factory=lambda: [1])\n",
        "[1]",
        "K().a",
    ),
    "rule of a model": (
        "class K(pydantic.BaseModel):\n    a: int = pydantic.Field(1, gt=-1)\n",
        "-1",
        "K(a=0)",
    ),
    "type of a field of a model": (
        "class K(pydantic.BaseModel):\n    a: float = 1\n",
        "float",
        "type(K(a=1).a)",
    ),
    "factory of a dataclass": (
        "@dataclasses.dataclass\nclass K:\n    a: list = dataclasses.field(default_factory=lambda: [1])\n",
        "[1]",
        "K().a",
    ),
    "object that is the default of a dataclass": (
        "@dataclasses.dataclass\nclass K:\n    a: D = D('1')\n",
        "'1'",
        "K().a",
    ),
    "option of a dataclass": (
        "@dataclasses.dataclass(frozen=1)\nclass K:\n    a: int = 0\n",
        "=1",
        "hash(K())",
    ),
    "object that is an attribute": ("class K:\n    a = D('1')\n", "'1'", "K.a"),
    "default of a Struct": ("class K(msgspec.Struct):\n    a: int = 1\n", "= 1", "K().a"),
    "factory of a Struct": (
        "class K(msgspec.Struct):\n    a: list = msgspec.field(default_factory=lambda: [1])\n",
        "[1]",
        "K().a",
    ),
    "default of an attrs class": ("@attrs.define\nclass K:\n    a: int = 1\n", "= 1", "K().a"),
    "factory of an attrs class": (
        "@attrs.define\nclass K:\n    a: list = attrs.field(factory=lambda: [1])\n",
        "[1]",
        "K().a",
    ),
}


@pytest.mark.parametrize("case", FIELDS)
def test_values_of_a_class_edited_after_import_are_not_taken_for_the_loaded_ones(
    case: str, tmp_path: Path
) -> None:
    """The loaded class still has the old values, so its digest is not the one that the edited file has."""
    definition, old, expression = FIELDS[case]
    head = "import attrs, dataclasses, enum, msgspec, pydantic\nfrom decimal import Decimal as D\nfrom typing import NamedTuple\n"
    source = f"{head}{definition}def task():\n    return {expression}\n"
    edited = source.replace(old, "int" if old == "float" else old.replace("1", "0" if old == "=1" else "3"))
    with Workspace(tmp_path) as workspace:
        options = {"encode": lambda value: workspace.registry.encode(value).data}
        project = Project(tmp_path / "project", **options).write({"main.py": source})
        loaded = project.load()
        project.write({"main.py": edited})
        mixed = project.fingerprinter().fingerprint(loaded)
        fresh = project.fingerprint()
        project.write({"main.py": source})
        assert len({mixed.digest, fresh.digest, project.fingerprint().digest}) == 3
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
