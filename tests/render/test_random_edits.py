"""Random graphs, run, and then one known edit: `merkl why` names that edit and nothing else as the cause."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from why_projects import WhyProject, causes, roots

Causes = set[tuple[str, ...]]


@dataclass
class TaskText:
    """A task: its parameters beside a list, the helper that it calls, and a number of its own."""

    parameters: list[str]
    helper: str
    own: int


@dataclass
class CallText:
    """A call over results of earlier ones; with `items` a call of `over` for each, whose results it is given."""

    task: str
    given: list[int]
    arguments: dict[str, int]
    over: tuple[str, str] | None = None
    items: list[int] = field(default_factory=list)
    fixed: dict[str, int] = field(default_factory=dict)


class Flow:
    """A module with constants, helpers that use them and each other, tasks, and a pipeline; made by chance."""

    def __init__(self, rng: random.Random) -> None:
        self.constants = {f"C{i}": rng.randint(1, 9) for i in range(3)}
        self.helpers: dict[str, tuple[str, list[str]]] = {}
        for i in range(3):
            uses = [rng.choice(list(self.constants))]
            if i and rng.random() < 0.5:
                uses.append(f"h{i - 1}")
            self.helpers[f"h{i}"] = (f"x * {i + 2}", uses)
        self.tasks = {
            f"t{i}": TaskText(["a", "b", "c"][: rng.randint(1, 3)], f"h{rng.randrange(3)}", i)
            for i in range(4)
        }
        self.calls = [self._make_call(rng, i) for i in range(rng.randint(3, 9))]

    def _make_call(self, rng: random.Random, number: int) -> CallText:
        task = f"t{rng.randrange(4)}"
        given = sorted(rng.sample(range(number), min(number, rng.randint(0, 2))))
        if rng.random() < 0.5:
            names = self.tasks[task].parameters
            return CallText(task, given, {p: 100 + number if p == "a" else rng.randint(0, 3) for p in names})
        over = rng.choice(self.tasks[task].parameters)
        fixed = {p: 1000 + number for p in self.tasks[task].parameters if p != over}
        items = sorted(rng.sample(range(50), rng.randint(2, 5)))
        return CallText(rng.choice(list(self.tasks)), given, {"a": 2000 + number}, (task, over), items, fixed)

    def text(self) -> str:
        """Return the module."""
        lines = ["from merkl import task"]
        lines += [f"{name} = {value}" for name, value in self.constants.items()]
        for name, (body, uses) in self.helpers.items():
            lines.append(f"def {name}(x):\n    return {' + '.join([body, *map(_used, uses)])}")
        for name, one in self.tasks.items():
            declared = ", ".join(f"{p}: int = 0" for p in one.parameters)
            lines.append(f"@task\ndef {name}(xs: list, {declared}) -> int:")
            lines.append(f"    return {one.helper}(sum(xs) + {' + '.join(one.parameters)}) + {one.own}")
        lines.append("def main():\n    n = []")
        lines += [f"    n.append({_call_text(call)})" for call in self.calls]
        return "\n".join([*lines, "    return n", ""])

    def reach(self, task: str) -> set[str]:
        """Return the helpers and constants that a task uses."""
        found: set[str] = set()
        stack = [self.tasks[task].helper]
        while stack:
            name = stack.pop()
            if name not in found:
                found.add(name)
                stack += self.helpers[name][1] if name in self.helpers else []
        return found

    def called(self) -> list[str]:
        """Return the tasks that the pipeline calls."""
        return sorted({call.task for call in self.calls} | {call.over[0] for call in self.calls if call.over})


def _used(name: str) -> str:
    return f"{name}(x)" if name.startswith("h") else name


def _call_text(call: CallText) -> str:
    given = ", ".join(f"n[{i}]" for i in call.given)
    if call.over is None:
        return f"{call.task}([{given}], {_named(call.arguments)})"
    task, over = call.over
    named = ", ".join([f"{over}=i", *([_named(call.fixed)] if call.fixed else [])])
    return f"{call.task}([{task}([{given}], {named}) for i in {call.items}], {_named(call.arguments)})"


def _named(arguments: dict[str, int]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


def edit(rng: random.Random, flow: Flow, kind: str) -> Causes | None:
    """Edit a flow and return the causes to be named; None where there is nothing to edit in this way."""
    if kind == "constant":
        name = rng.choice(list(flow.constants))
        old = flow.constants[name]
        flow.constants[name] = old + 10
        hit = any(name in flow.reach(task) for task in flow.called())
        return {("constant", f"flow.{name}", str(old), str(old + 10))} if hit else set()
    if kind == "helper":
        name = rng.choice(list(flow.helpers))
        body, uses = flow.helpers[name]
        flow.helpers[name] = (f"{body} + 5", uses)
        return {("code", f"flow.{name}")} if any(name in flow.reach(t) for t in flow.called()) else set()
    if kind == "task":
        name = rng.choice(flow.called())
        flow.tasks[name].own += 77
        return {("code", f"flow.{name}")}
    call = rng.choice(flow.calls)
    if kind == "argument":
        changed = call.fixed if call.fixed and rng.random() < 0.5 else call.arguments
        name = rng.choice(list(changed))
        old, changed[name] = changed[name], 9000
        return {("argument", name, str(old), "9000")}
    if call.over is None:
        return None
    if kind == "new item":
        call.items.insert(rng.randint(0, len(call.items)), 777)
        return {("new", call.over[1], "777")}
    gone = call.items.pop(rng.randrange(len(call.items)))
    return {("removed", f"{call.over[1]}={gone}")}


def named_causes(project: WhyProject) -> Causes:
    """Return what `why` names, of a result that is no longer given the item that tells it from others."""
    found: Causes = set()
    for cause in causes(roots(project.why("flow.main"))):
        if cause[0] == "input" and not cause[3]:
            found |= {("removed", part) for part in cause[2].strip(")").replace("(", ", ").split(", ")}
        else:
            found.add(cause)
    return found


@pytest.mark.parametrize("kind", ["constant", "helper", "task", "argument", "new item", "removed item"])
def test_one_edit_is_the_one_cause(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same tasks are called at several places, over results of each other, so that much is alike."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for seed in range(12):
        rng = random.Random(f"{kind} {seed}")
        folder = tmp_path / str(seed)
        folder.mkdir()
        project = WhyProject(folder)
        with monkeypatch.context() as patched:
            patched.chdir(folder)
            patched.syspath_prepend(folder)
            check_one_edit(project, rng, kind)
            project.forget()


def check_one_edit(project: WhyProject, rng: random.Random, kind: str) -> None:
    """Run a flow, edit it, and ask why."""
    flow = Flow(rng)
    project.write("flow.py", flow.text())
    project.run("flow.main")
    assert project.why("flow.main").explanations == ()
    wanted = edit(rng, flow, kind)
    if wanted is None:
        return
    project.write("flow.py", flow.text())
    found = named_causes(project)
    if kind == "removed item":
        assert wanted <= found, flow.text()
        assert {cause[0] for cause in found} == {"removed"}, (found, flow.text())
    else:
        assert found == wanted, flow.text()
