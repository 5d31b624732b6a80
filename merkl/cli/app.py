"""The commands of `merkl`, and what each exit code means: 0 done, 1 failed, 2 usage, 3 changed, 130 interrupted."""

from __future__ import annotations

import atexit
import signal
import sys
from collections.abc import Sequence

from merkl._base.early_interrupts import end_quietly, take_over
from merkl._base.errors import MerklError
from merkl._base.tracebacks import traceback_text
from merkl.cli.commands import COMMANDS
from merkl.cli.errors import UsageError
from merkl.cli.output import print_error, warnings_in_one_line
from merkl.cli.second_interrupt import end_at_second_interrupt
from merkl.execution.interrupts import Terminated, interrupts

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit code; a user's mistake is one line, never a traceback."""
    if words is not None:
        return _main(list(words))
    _take_interrupts()
    try:
        with interrupts.ending_with_terminated():
            return _main(sys.argv[1:])
    finally:
        # What is left is the end of the interpreter: to stop there leaves nothing undone.
        interrupts.leave_to(end_quietly)


def _take_interrupts() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from here on, and a second one end all at once."""
    # The last of all that is done at the exit: from then on Python lets Ctrl-C end the process by the signal, which would
    # say of a run that is complete that it was not.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    take_over()
    end_at_second_interrupt()
    interrupts.is_of_one_run = True
    sys.unraisablehook = _keep_interrupt


def _keep_interrupt(unraisable: sys.UnraisableHookArgs) -> None:
    """Have a Ctrl-C wait that came where Python can only pass over what is raised: while an object is done away with."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        interrupts.give_back()
    else:
        sys.__unraisablehook__(unraisable)


def _main(words: list[str]) -> int:
    if {*words} <= {"-h", "--help", "help"}:
        print(_usage(), end="", file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] == "--version":
        from importlib.metadata import version  # imports more than all that help needs

        print(f"merkl {version('merkl')}")
        return 0
    if words[0] == "help":
        words = [words[1], "--help"]
    return _carry_out(words[0], words[1:])


def _usage() -> str:
    lines = [f"  {c.name:<10} {c.takes:<29} {c.summary}" for c in COMMANDS.values()]
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
        if name not in COMMANDS:
            raise UsageError(f"there is no command {name!r}; there are {', '.join(COMMANDS)}, help")
        command = COMMANDS[name]
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
    except Terminated:
        print("merkl: terminated", file=sys.stderr)
        return 128 + interrupts.terminated_by
    except KeyboardInterrupt:
        print("merkl: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an error in the user's own module, while it was imported or its function ran
        print(traceback_text(error), file=sys.stderr)
        return 1
