"""Fenced code in Markdown: files to write, and commands with their output.

A block ```` ```python file=NAME ```` is written to a file of that name. A block ```` ```console ```` is run: each line that
begins with `$ ` is a command, what follows is its output, stdout before stderr. Figures that differ from
run to run are compared as placeholders. Any other Python block is executed as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Block", "Command", "blocks_of", "commands_in", "normalise"]

_FENCE = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block: its language, the file that it is to be written to (or ""), and its text."""

    language: str
    file: str
    text: str


class Command(NamedTuple):
    """One command, and what it should print."""

    words: str
    output: str


def blocks_of(path: Path) -> list[Block]:
    """Return the fenced blocks of a Markdown file, in order."""
    return [Block(*found) for found in _FENCE.findall(path.read_text(encoding="utf-8"))]


def commands_in(text: str) -> Iterator[Command]:
    """Yield the commands of a console block."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        words, _, output = part.partition("\n")
        yield Command(words, output)


def normalise(output: str, folder: Path) -> str:
    """Return an output without what differs from run to run: the folder, times, digests, run ids."""
    output = output.replace(f"{folder}/", "").replace(str(folder), ".")
    # How far a run is, told where it takes long.
    output = re.sub(r"^merkl: \d+ of \d+ calls, .*\n", "", output, flags=re.MULTILINE)
    output = re.sub(r"\d+\.\d+ s$", "0.0 s", output, flags=re.MULTILINE)
    output = re.sub(r'"seconds": [\d.]+', '"seconds": 0.0', output)
    output = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", output)
    output = re.sub(r"\brun [0-9a-f]{8}\b", "run HEX", output)
    return re.sub(r"\b[0-9a-f]{4}(…|[0-9a-f]{8,60})(?=\s|$)", "HEX", output)
