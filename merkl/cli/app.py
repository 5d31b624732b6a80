"""The commands of `merkl`, and what each exit code means: 0 done, 1 failed, 2 usage, 3 changed, 130 interrupted."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version

from merkl._base.errors import MerklError
from merkl.cli import cache, check, completion, dag, debug, init, log, migrate, run, status, why
from merkl.cli.errors import UsageError
from merkl.cli.output import print_error, warnings_in_one_line

__all__ = ["main"]

_MAIN = (
    run.COMMAND,
    status.COMMAND,
    why.COMMAND,
    dag.COMMAND,
    debug.COMMAND,
    log.COMMAND,
    migrate.COMMAND,
    check.COMMAND,
    cache.COMMAND,
    init.COMMAND,
)
_COMMANDS = {command.name: command for command in (*_MAIN, completion.make_command(_MAIN))}


def main(words: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code; a user's mistake is one line, never a traceback."""
    words = list(sys.argv[1:] if words is None else words)
    if not words or (words[0] in ("-h", "--help", "help") and len(words) == 1):
        print(_usage(), end="", file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] == "--version":
        print(f"merkl {version('merkl')}")
        return 0
    if words[0] == "help":
        words = [words[1], "--help"]
    return _carry_out(words[0], words[1:])


def _usage() -> str:
    lines = [f"  {c.name:<10} {c.takes:<29} {c.summary}" for c in _COMMANDS.values()]
    return "\n".join(
        (
            "usage: merkl COMMAND [OPTIONS] ...\n",
            *lines,
            "\nA function is named MODULE.FUNCTION or path/to/file.py:FUNCTION; its arguments are parsed by its own annotations.",
            "`merkl COMMAND --help` says more. `merkl --version` prints the version.\n",
        )
    )


def _carry_out(name: str, words: list[str]) -> int:
    try:
        if name not in _COMMANDS:
            raise UsageError(f"there is no command {name!r}; there are {', '.join(_COMMANDS)}")
        command = _COMMANDS[name]
        if {"-h", "--help"} & set(words[: words.index("--")] if "--" in words else words):
            print(command.usage, end="")
            return 0
        with warnings_in_one_line():
            return command.carry_out(words)
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
