"""The names of shell tasks: those that the program has for them."""

from __future__ import annotations

from typing import Any

from merkl import arg, bash_task, stdout_arg

TEXT = f"expr {arg('text')} {stdout_arg(str)}"

top = bash_task(TEXT)
annotated: Any = bash_task(TEXT)
first = second = bash_task(TEXT)
_hidden = bash_task(TEXT)
_ = bash_task(TEXT)
several = [bash_task(TEXT), bash_task(TEXT)]


class Tools:
    tool = bash_task(TEXT)


def made_here() -> Any:
    return bash_task(TEXT)


def wrapped(text: str, **options: Any) -> Any:
    return bash_task(text, **options)


by_wrapper = wrapped(TEXT)


def test_a_shell_task_has_the_name_of_its_variable() -> None:
    """At the top of a module, in a class, in a function, in a closure."""
    local = bash_task(TEXT)
    closed = bash_task(TEXT)

    def use() -> Any:
        return closed

    assert [task.name for task in (top, annotated, _hidden, Tools.tool, local, use())] == [
        "top",
        "annotated",
        "_hidden",
        "tool",
        "local",
        "closed",
    ]
    assert first.name in ("first", "second")


def test_a_function_that_returns_a_shell_task_names_it() -> None:
    """Unless who calls that function has a name for what it gives."""
    assert [task.name for task in [made_here(), made_here()]] == ["made_here", "made_here"]
    assert by_wrapper.name == "by_wrapper"
    assert [wrapped(TEXT, name="given").name] == ["given"]


def test_without_a_name_it_is_called_as_its_program_is() -> None:
    assert [task.name for task in several] == ["expr", "expr"]
    assert _.name == "expr"


def test_where_it_stands_is_the_place_of_the_user_s_line() -> None:
    """And not where MerkL makes functions of commands."""
    file, _colon, line = top.location.rpartition(":")
    assert file == __file__
    with open(__file__) as source:
        lines = source.read().splitlines()
    assert lines[int(line) - 1] == "top = bash_task(TEXT)"
    assert lines[int(by_wrapper.location.rpartition(":")[2]) - 1] == "by_wrapper = wrapped(TEXT)"


def test_the_name_is_no_part_of_the_key() -> None:
    assert top("a").hash == several[0]("a").hash
