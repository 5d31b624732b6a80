"""Containers that code only puts something into: what they hold is no part of the fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sample import Project, digest

from merkl import Workspace, task

HEAD = "from collections import Counter, defaultdict, deque\nimport log\n"
STATE = {
    "L": ("[]", "[5]"),
    "S": ("set()", "{5}"),
    "D": ("{}", "{5: 5}"),
    "N": ("{'n': 0}", "{'n': 7}"),
    "Q": ("deque()", "deque([5])"),
    "F": ("defaultdict(int)", "defaultdict(int, {5: 5})"),
}
SILENT = [
    "L.append(x)",
    "L.extend([x]) or x",
    "[L.append(i) for i in range(x)]",
    "keep = lambda y: L.append(y)",
    "log.L.append(x)",
    "S.add(x)",
    "D[x] = 1",
    "F[x] = 2",
    "N['n'] += 1",
    "Q.appendleft(x)",
]
TOLD_AND_READ = [
    "L.append(len(L))",
    "L.append(x)\n    return len(L)",
    "L.append(x)\n    return log.L",
    "put = L.append\n    put(x)\n    return put.__self__",
    "L[0:0] = [x]",
    "D[len(D)] = 1",
    "D[x] = L\n    return D[x]",
    "D[x] = y = D",
    "D.setdefault(x, 1)",
    "N['n'] += 1\n    return N['n']",
    "N['n'] += N['n']",
    "N['n'] += x",
    "N['n'] += 0.5",
    "N['n'] **= 2",
    "N[x] += 1",
    "F[x] += 1",
    "S.add(x)\n    return x in S",
]


def digests(folder: Path, body: str) -> set[str]:
    """Give the fingerprints of a body, with the containers as they are and with something in them."""
    found = set()
    for index in (0, 1):
        state = "".join(f"{name} = {values[index]}\n" for name, values in STATE.items())
        main = f"{HEAD}{state}def task(x):\n    {body}\n    return x\n"
        found.add(digest(folder, {"main.py": main, "log.py": f"L = {STATE['L'][index]}\n"}))
    return found


@pytest.mark.parametrize("body", SILENT)
def test_what_is_only_told_does_not_count(body: str, tmp_path: Path) -> None:
    """A container that is only told something has no say in the fingerprint."""
    assert len(digests(tmp_path, body)) == 1


@pytest.mark.parametrize("body", TOLD_AND_READ)
def test_what_is_read_too_counts(body: str, tmp_path: Path) -> None:
    """Once any code that is reached reads the container, what it holds counts."""
    assert len(digests(tmp_path, body)) == 2


@pytest.mark.parametrize("change", ["{}", "{'n': ''}"])
def test_a_count_that_would_fail_is_another(change: str, tmp_path: Path) -> None:
    """Whether there is a number to add to decides whether a body raises."""
    body = "def task(x):\n    N['n'] += 1\n    return x\n"
    before, after = (digest(tmp_path, {"main.py": f"N = {n}\n{body}"}) for n in ("{'n': 0}", change))
    assert before != after


def test_a_class_of_the_users_may_do_anything(tmp_path: Path) -> None:
    """A list of a class of the user's is looked at: its append may return what it likes."""
    main = (
        "class Log(list):\n    def append(self, x):\n        return len(self)\n"
        "L = Log({})\ndef task(x):\n    return L.append(x)\n"
    )
    assert digest(tmp_path, {"main.py": main.format("[]")}) != digest(
        tmp_path, {"main.py": main.format("[1]")}
    )


def test_a_body_that_notes_its_calls_reuses_them(tmp_path: Path) -> None:
    """Calls that bodies evaluate are found again though each of these bodies has noted itself meanwhile."""
    ran: list[int] = []

    @task
    def fib(n: int) -> int:
        ran.append(n)
        return n if n < 2 else fib(n - 1).eval() + fib(n - 2).eval()

    with Workspace(tmp_path):
        assert fib(8).eval() == 21
    assert sorted(ran) == list(range(9))


def test_a_task_that_notes_its_calls_is_an_argument(tmp_path: Path) -> None:
    """A task that is given to another one keeps its key though its body has noted something."""
    ran: list[str] = []

    @task
    def add(a: int, b: int) -> int:
        ran.append("add")
        return a + b

    @task
    def apply(function: Any, a: int, b: int) -> int:
        ran.append("apply")
        return int(function(a, b).eval())

    with Workspace(tmp_path):
        assert apply(add, 2, 3).eval() == 5
        assert apply(add, 2, 3).eval() == 5
    assert ran == ["apply", "add"]


def test_what_a_module_makes_when_it_is_asked_counts(tmp_path: Path) -> None:
    """A list that the module's `__getattr__` gives may be None the next time."""
    project = Project(tmp_path).write(
        {
            "log.py": "L = []\ndef __getattr__(name):\n    if name == 'made':\n        return None if L else L\n"
            "    raise AttributeError(name)\n",
            "main.py": "import log\ndef task(x):\n    log.made.append(x)\n    return x\n",
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        task = project.load()
        fingerprinter = project.fingerprinter()
        before = fingerprinter.fingerprint(task).digest
        task.__globals__["log"].L.append(1)
        after = fingerprinter.fingerprint(task).digest
        project.forget()
    assert before != after
