"""Small projects that are edited, run and explained in this process: a run or an explanation takes milliseconds."""

from __future__ import annotations

import functools
import importlib
import linecache
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent
from typing import Any

from merkl import Workspace
from merkl.cli.why import explain_function
from merkl.render.why_view import Explanation, WhyView

__all__ = ["FIT", "WhyProject", "causes", "roots"]

#: A loop over items, and another pipeline that calls the same tasks.
FIT = """
    from merkl import Future, task

    ITEMS = [1, 2]

    def scale(x: float) -> float:
        return x * 2

    @task
    def fit(k: int, lr: float = 0.1) -> float:
        return scale(k * lr)

    @task
    def report(scores: list[float]) -> str:
        return str(scores)

    def main(lr: float = 0.1) -> Future[str]:
        return report([fit(k, lr) for k in ITEMS])

    def other() -> Future[str]:
        return report([fit(k, 0.7) for k in (7, 8)])
"""


class WhyProject:
    """A folder with modules, which are imported afresh each time that something is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("pyproject.toml", "[tool.merkl]\n")
        self._names: set[str] = set()

    def write(self, name: str, text: str) -> None:
        """Write one file, its text dedented."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file, which must be there."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def load(self, name: str) -> Any:
        """Return a function by its name with its module, as the files have it now."""
        self.forget()
        module, _, function = name.rpartition(".")
        return getattr(importlib.import_module(module), function)

    def run(self, name: str, *args: Any) -> Any:
        """Run a function as `merkl run` does, and return its result."""
        make = functools.partial(self.load(name), *args)
        workspace = Workspace(self.folder)
        try:
            return workspace.run(make, command=("merkl", "run", "--quiet", name)).result
        finally:
            workspace.close()

    def why(self, name: str, *args: Any, vs: str | None = None) -> WhyView:
        """Return why the calls of a function would run."""
        make = functools.partial(self.load(name), *args)
        workspace = Workspace(self.folder)
        try:
            return explain_function(workspace, name, make, vs=vs)
        finally:
            workspace.close()

    def forget(self) -> None:
        """Have this folder's modules imported again, whatever their files' times are."""
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(str(self.folder)):
                del sys.modules[name]
        linecache.clearcache()
        importlib.invalidate_caches()


def roots(view: WhyView) -> list[Explanation]:
    """Return the explanations that name a cause."""
    return [one for one in view.explanations if one.reason != "upstream" and one.status != "linked"]


def causes(explanations: Iterable[Explanation]) -> set[tuple[str, ...]]:
    """Return what is named as a cause, each once: kind, name, old and new of differences, or what is new."""
    found: set[tuple[str, ...]] = set()
    for one in explanations:
        found |= {(d.kind, d.name + d.path, d.old, d.new) for d in one.differences if not d.diff}
        found |= {(d.kind, d.name) for d in one.differences if d.diff}
        if not one.differences:
            found |= {("new", name, text) for name, text in one.unseen.items()} or {(one.reason, one.saying)}
    return found
