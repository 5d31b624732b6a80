"""The commands of `merkl`, and what each exit code means: 0 done, 1 failed, 2 usage, 3 changed, 130 interrupted."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import cyclopts

from merkl._base.errors import MerklError
from merkl.cli.arguments import parse_options
from merkl.cli.debug import debug_function
from merkl.cli.errors import UsageError
from merkl.cli.init import init_project
from merkl.cli.output import print_error, warnings_in_one_line
from merkl.cli.run import run_function

__all__ = ["main"]

USAGE = """\
usage: merkl COMMAND [OPTIONS] ...

  run    MODULE.FUNCTION [ARGS ...]   evaluate what a function returns, through the cache
  debug  MODULE.FUNCTION              signature, outs, code hash, and all that the fingerprint reaches
  init                                set up the project in this folder

A function is named MODULE.FUNCTION or path/to/file.py:FUNCTION; its arguments are parsed by its own annotations.
`merkl COMMAND --help` says more. `merkl --version` prints the version.
"""

RUN_USAGE = """\
usage: merkl run [OPTIONS] MODULE.FUNCTION [ARGS ...]

Evaluate what a task, a pipeline or a plain function that makes calls returns, and print it.

  --args FILE   take arguments from a TOML file; those on the command line win
  --json        print result and figures as one JSON object
  --no-cache    neither read nor write the cache
  -v            list every call with what became of it

Options of `run` may stand before or after the function; where the function has a parameter of the same
name, they must stand before. What follows `--` goes to the function.
"""

DEBUG_USAGE = """\
usage: merkl debug [--json] MODULE.FUNCTION

Print a task's signature with the types that its parameters take, what each out is, its code hash,
and every definition and constant that its fingerprint reaches.
"""

INIT_USAGE = """\
usage: merkl init

Write [tool.merkl] and the mypy plugin into pyproject.toml, where they are not there yet.
"""


def _run_options(
    *,
    args: Path | None = None,
    json: Annotated[bool, cyclopts.Parameter(negative=())] = False,
    no_cache: Annotated[bool, cyclopts.Parameter(negative=())] = False,
    verbose: Annotated[bool, cyclopts.Parameter(name=["--verbose", "-v"], negative=())] = False,
) -> None:
    """The options of `merkl run`."""


def _debug_options(*, json: Annotated[bool, cyclopts.Parameter(negative=())] = False) -> None:
    """The options of `merkl debug`."""


def _run(words: list[str]) -> int:
    name, before, after = _split_at_target(words, with_value=("--args",))
    bound, rest = parse_options(_run_options, before)
    if rest:
        raise UsageError(f"unknown option {rest[0]!r} before the function; see `merkl run --help`")
    late, words_for_function = _take_late_options(name, after)
    options = {**parse_options(_run_options, late)[0].arguments, **bound.arguments}
    return run_function(
        name,
        words_for_function,
        args_file=options.get("args"),
        as_json=options.get("json", False),
        no_cache=options.get("no_cache", False),
        verbose=options.get("verbose", False),
    )


def _take_late_options(name: str, words: list[str]) -> tuple[list[str], list[str]]:
    """Split the words after the function into options of `run` and what the function gets."""
    late: list[str] = []
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += queue
            break
        if word in ("--json", "--no-cache", "-v", "--verbose"):
            late.append(word)
        elif word == "--args" and queue:
            late += [word, queue.pop(0)]
        elif word.startswith("--args="):
            late.append(word)
        else:
            rest.append(word)
    return late, rest


def _split_at_target(words: list[str], *, with_value: Sequence[str]) -> tuple[str, list[str], list[str]]:
    index = 0
    while index < len(words):
        word = words[index]
        if not word.startswith("-"):
            return word, words[:index], words[index + 1 :]
        index += 2 if word in with_value else 1
    raise UsageError("which function? wanted is MODULE.FUNCTION or path/to/file.py:FUNCTION")


def _debug(words: list[str]) -> int:
    name, before, after = _split_at_target(words, with_value=())
    bound, rest = parse_options(_debug_options, [*before, *after])
    if rest:
        raise UsageError(f"`merkl debug` takes no {rest[0]!r}")
    return debug_function(name, as_json=bound.arguments.get("json", False))


def _init(words: list[str]) -> int:
    if words:
        raise UsageError(f"`merkl init` takes no {words[0]!r}")
    return init_project(Path.cwd())


_COMMANDS: dict[str, tuple[Callable[[list[str]], int], str]] = {
    "run": (_run, RUN_USAGE),
    "debug": (_debug, DEBUG_USAGE),
    "init": (_init, INIT_USAGE),
}


def main(words: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code; a user's mistake is one line, never a traceback."""
    words = list(sys.argv[1:] if words is None else words)
    if not words or (words[0] in ("-h", "--help", "help") and len(words) == 1):
        print(USAGE, end="", file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] == "--version":
        print(f"merkl {version('merkl')}")
        return 0
    if words[0] == "help":
        words = [words[1], "--help"]
    return _carry_out(words[0], words[1:])


def _carry_out(name: str, words: list[str]) -> int:
    try:
        if name not in _COMMANDS:
            raise UsageError(f"there is no command {name!r}; there are {', '.join(_COMMANDS)}")
        command, usage = _COMMANDS[name]
        if {"-h", "--help"} & set(words[: words.index("--")] if "--" in words else words):
            print(usage, end="")
            return 0
        with warnings_in_one_line():
            return command(words)
    except UsageError as error:
        print_error(error)
        return 2
    except MerklError as error:
        print_error(error)
        return 1
    except KeyboardInterrupt:
        print("merkl: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except Exception:  # noqa: BLE001 - an error in the user's own module, while it was imported or its function ran
        traceback.print_exc()
        return 1
