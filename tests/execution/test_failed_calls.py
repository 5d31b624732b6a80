"""The one line and the whole text that are kept of an error."""

from __future__ import annotations

from merkl import CommandFailedError, TaskFailedError
from merkl.execution.failed_calls import details_of_error, line_of_error


def failure_of_command(stderr: str) -> TaskFailedError:
    error = TaskFailedError(
        "task 'sort' failed: CommandFailedError: the command ended with exit code 2; the end of its stderr:\n    "
        + stderr,
        task="sort",
    )
    error.__cause__ = CommandFailedError("the command ended", command="sort", exit_code=2, stderr=stderr)
    return error


def test_the_line_of_a_command_has_the_end_of_what_it_printed() -> None:
    said = failure_of_command("a warning\nsort: out of memory\n\n")
    assert line_of_error(said) == (
        "task 'sort' failed: CommandFailedError: the command ended with exit code 2: sort: out of memory"
    )


def test_a_long_text_is_cut_in_the_middle() -> None:
    """Both ends say something: what it is about, and what it came to."""
    text = details_of_error(failure_of_command("start" + "x" * 100_000 + "end"))
    assert len(text) < 5_000
    assert "start" in text
    assert text.endswith("end")


def test_what_a_terminal_would_obey_is_not_kept() -> None:
    assert "\x1b" not in details_of_error(ValueError("\x1b[2J"))
    assert "\x1b" not in line_of_error(ValueError("\x1b[2J"))
