"""The commands of `merkl`: what help says of each, and the module that carries it out.

A module is imported when its command is given: all of them together take longer than most commands do.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

__all__ = ["COMMANDS", "Command"]


@dataclass(frozen=True, slots=True)
class Command:
    """One command; the module of its name, in this package, has its `USAGE` and `carry_out`.

    `summary` is its line in `merkl --help`, with what it takes in `takes`.

    >>> COMMANDS["init"].usage.splitlines()[0]
    'usage: merkl init'
    """

    name: str
    takes: str
    summary: str

    @property
    def usage(self) -> str:
        """What `merkl NAME --help` prints."""
        usage: str = self._module.USAGE
        return usage

    def carry_out(self, words: list[str]) -> int:
        """Carry it out with the words after its name, and return the exit code."""
        code: int = self._module.carry_out(words)
        return code

    @property
    def _module(self) -> Any:
        return importlib.import_module(f"merkl.cli.{self.name}")


COMMANDS = {
    command.name: command
    for command in (
        Command("run", "MODULE.FUNCTION [ARGS ...]", "evaluate what a function returns, through the cache"),
        Command(
            "status",
            "[PATHS ...]",
            "files that changed, are missing or stale since a task read or wrote them",
        ),
        Command(
            "why", "MODULE.FUNCTION [ARGS]", "why calls would run: what changed since their last results"
        ),
        Command("dag", "MODULE.FUNCTION [ARGS]", "the graph of calls, as text or a picture"),
        Command(
            "debug",
            "MODULE.FUNCTION [ARGS]",
            "a task and all that its key reaches; the calls of a pipeline; one result by its key",
        ),
        Command("log", "[KEY | TASK]", "what ran, when, how long, and what results were made of"),
        Command("migrate", "MODULE.TASK", "declare that an edit of a task changes nothing: keep its results"),
        Command(
            "check",
            "[MODULE ...]",
            "mypy with the plugin, and the build of every graph that takes no arguments",
        ),
        Command(
            "cache", "ls | stats | verify | gc | …", "what is stored, damaged, or may go; export, import"
        ),
        Command("init", "", "set up the project in this folder"),
        Command(
            "completion", "bash|zsh|fish", "print the script that completes commands, options and functions"
        ),
    )
}
