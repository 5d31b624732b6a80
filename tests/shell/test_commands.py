"""Shell commands: signature, quoting in every context, what is refused, files, failures, the process group."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

import pytest

from merkl._base.errors import (
    CommandFailedError,
    CommandTemplateError,
    CommandTimeoutError,
    InputChangedError,
    MissingInputError,
)
from merkl.files import DirRef, FileRef
from merkl.files.scratch import use_scratch
from merkl.shell import arg, dir_arg, file_arg, out_dir_arg, out_file_arg, stdin_arg, stdout_arg
from merkl.shell.command import ShellCommand

NASTY = [
    "",
    " ",
    "-n",
    "a b",
    "it's",
    '"',
    "$HOME",
    "`id`",
    "\\",
    "\\n",
    "$(id)",
    "*",
    "~",
    "!x",
    "a\nb",
    "#c",
    "2",
    "é\udcff",
]


def run(text: str, **arguments: Any) -> Any:
    command = ShellCommand.parse(text)
    bound = command.signature.bind(**arguments)
    bound.apply_defaults()
    return command.run(bound.arguments).outs


def file_of(path: Path, text: str = "b\na\nb\n") -> FileRef[Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return FileRef(path)


def test_signature_follows_the_first_placeholders() -> None:
    command = ShellCommand.parse(
        f"convert {file_arg('input_file', '.png')} -resize {arg('input_size', int)} {arg('input_size', int)} "
        f"{out_file_arg('output_file', '.png')}"
    )
    signature = command.signature
    assert list(signature.parameters) == ["input_file", "input_size"]
    assert signature.parameters["input_file"].annotation == FileRef[Literal[".png"]]
    assert signature.return_annotation == FileRef[Literal[".png"]]


def test_parameter_after_a_default_can_only_be_named() -> None:
    signature = ShellCommand.parse(f"echo {arg('a', int, default=1)} {arg('b')}").signature
    assert str(signature) == "(a: int = 1, *, b: str) -> None"


@pytest.mark.parametrize(
    "template",
    [
        "printf %s {} {out}",
        "printf %s '{}' {out}",
        'printf %s "{}" {out}',
        "printf %s $'{}' {out}",
        "printf %s \"$(printf %s {}; printf x)\" | sed '$s/x$//' {out}",
        'x={}; printf %s "$x" {out}',
        "printf %s {}>&1 {out}",
    ],
)
@pytest.mark.parametrize("value", NASTY)
def test_a_value_arrives_as_it_is(template: str, value: str) -> None:
    if "sed" in template and "\n" in value:
        value = value.replace("\n", " ")
    text = template.replace("{}", str(arg("v"))).replace("{out}", str(stdout_arg(bytes)))
    assert os.fsdecode(run(text, v=value)["stdout"]) == value


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("delimiter", ["EOF", "'EOF'"])
def test_a_value_arrives_in_a_here_document(value: str, delimiter: str) -> None:
    text = f"cat <<{delimiter} {stdout_arg(bytes)}\n<{arg('v')}>\nEOF\n"
    assert os.fsdecode(run(text, v=value)["stdout"]) == f"<{value}>\n"


def test_a_line_that_would_end_the_here_document_is_refused() -> None:
    with pytest.raises(ValueError, match="would end the here-document"):
        run(f"cat <<EOF\n{arg('v')}\nEOF", v="a\nEOF\nid")


@pytest.mark.parametrize("line", ["E{}", "{}F", "\tE{}", "E\\\n{}", "{}{}"])
def test_a_value_that_ends_the_here_document_with_what_is_around_it_is_refused(line: str) -> None:
    value = {"{}F": "EO", "{}{}": "x\nE"}.get(line, "OF")
    text = line.replace("{}", str(arg("v")), 1).replace("{}", str(arg("w", default="OF")))
    dash = "-" if line.startswith("\t") else ""
    with pytest.raises(ValueError, match="would end the here-document"):
        run(f"cat <<{dash}EOF\n{text}\necho injected\nEOF", v=value)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("echo ${{{}}}", r"inside \$\{"),
        ("echo ${}", "dollar"),
        ("echo \\{}", "backslash"),
        ("echo `ls {}`", "backticks"),
        ("echo # {}", "comment"),
        ("echo $(({}))", "only an int"),
        ("{} x", "name of a command"),
        ("a[{}]=1", "subscript"),
        ("cat <<{}\nx\n", "plain word"),
        ("cat <<EOF\n$(echo {})\nEOF", "expansion in a here-document"),
        ("echo 'x", "never closed"),
        ('echo "$(ls', "never closed"),
        ("", "empty"),
    ],
)
def test_places_without_a_safe_value_are_refused(template: str, reason: str) -> None:
    text = template.replace("{{{}}}", f"{{{arg('v')}}}").replace("{}", str(arg("v")))
    with pytest.raises(CommandTemplateError, match=reason):
        ShellCommand.parse(text)


def test_a_list_becomes_words_and_only_stands_alone() -> None:
    assert (
        run(f"printf '<%s>' {arg('v', list[str])} {stdout_arg()}", v=["a b", "", "$x"])["stdout"]
        == "<a b><><$x>"
    )
    with pytest.raises(CommandTemplateError, match="word of its own"):
        ShellCommand.parse(f"echo --x={arg('v', list[str])}")


def test_none_gives_no_word() -> None:
    assert run(f"printf '<%s>' a {arg('v', str | None, default=None)} b {stdout_arg()}")["stdout"] == "<a><b>"


def test_arithmetic_takes_ints_alone() -> None:
    assert run(f"echo $((2-{arg('n', int)})) {stdout_arg()}", n=-3)["stdout"] == "5\n"
    with pytest.raises(TypeError, match="must be an int"):
        run(f"echo $((2-{arg('n', int)})) {stdout_arg()}", n="x[$(id)]")


def test_two_placeholders_of_one_name_must_agree() -> None:
    with pytest.raises(CommandTemplateError, match="two different placeholders"):
        ShellCommand.parse(f"echo {arg('x', int)} {arg('x', str)}")


@pytest.mark.parametrize("name", ["a b.txt", "it's.txt", "-rf", "new\nline.txt", "$HOME.txt", "\udcff.txt"])
def test_input_is_there_under_its_own_name(tmp_path: Path, name: str) -> None:
    outs = run(f"cat {file_arg('x')} > {out_file_arg('copy', '.txt')}", x=file_of(tmp_path / name))
    assert (outs["copy"].read_text(), outs["copy"].suffix) == ("b\na\nb\n", ".txt")


def test_inputs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    a, b = file_of(tmp_path / "1" / "x.txt", "A"), file_of(tmp_path / "2" / "X.txt", "B")
    assert run(f"cat {file_arg('a')} {file_arg('b')} {stdout_arg()}", a=a, b=b)["stdout"] == "AB"
    both = run(f"cat {arg('xs', list[FileRef])} {stdout_arg()}", xs=[b, a, b])
    assert both["stdout"] == "BAB"


def test_an_input_never_comes_to_lie_in_a_directory_of_the_user(tmp_path: Path) -> None:
    left, right = (file_of(tmp_path / side / "right" / "f", side).path.parent for side in "ab")
    outs = run(
        f"cat {dir_arg('left')}/f {dir_arg('right')}/f {stdout_arg()}", left=DirRef(left), right=DirRef(right)
    )
    assert outs["stdout"] == "ab"
    assert [path.name for path in left.iterdir()] == ["f"]


def test_a_folder_for_names_that_are_taken_has_a_name_of_its_own(tmp_path: Path) -> None:
    xs = [file_of(tmp_path / name, name) for name in ("a/xs", "b/f", "c/f", "d/xs-2")]
    assert run(f"cat {arg('xs', list[FileRef])} {stdout_arg()}", xs=xs)["stdout"] == "a/xsb/fc/fd/xs-2"


def test_directory_holds_inputs_alone_and_undeclared_files_go(tmp_path: Path) -> None:
    with use_scratch(tmp_path / "s") as scratch:
        scratch.mkdir()
        outs = run(
            f"ls -A > {out_file_arg('ls')}; touch more; cp {file_arg('x')} y", x=file_of(tmp_path / "x.txt")
        )
        assert outs["ls"].read_text().split() == ["ls", "x.txt"]
        assert sorted(p.name for p in outs["ls"].path.parent.iterdir()) == ["ls"]


def test_directories_in_and_out(tmp_path: Path) -> None:
    file_of(tmp_path / "d" / "a.txt")
    outs = run(
        f"cp -r {dir_arg('d')}/. {out_dir_arg('o')}; touch {out_dir_arg('o')}/z", d=DirRef(tmp_path / "d")
    )
    assert [file.name for file in outs["o"]] == ["a.txt", "z"]


def test_out_that_is_a_link_to_an_input_becomes_a_file(tmp_path: Path) -> None:
    outs = run(f"ln -s {file_arg('x')} {out_file_arg('o')}", x=file_of(tmp_path / "x"))
    assert not outs["o"].path.is_symlink()
    assert outs["o"].read_text() == "b\na\nb\n"


def test_standard_input_and_output() -> None:
    assert run(f"sort {stdin_arg('lines')} | uniq -c {stdout_arg()}", lines="b\na\nb\n")[
        "stdout"
    ].split() == ["1", "a", "2", "b"]
    assert run(f"cat < {stdin_arg()} > {stdout_arg(bytes)}; echo log", stdin=b"\xff")["stdout"] == b"\xff"
    assert run(f"echo x {stdout_arg(FileRef, suffix='.log')}")["stdout"].suffix == ".log"


def test_missing_out_is_an_error_that_says_what_is_there() -> None:
    with pytest.raises(
        CommandFailedError, match=r"no out_file_arg 'o': wanted is 'o\.png', what it made is 'other'"
    ):
        run(f"touch other; : {out_file_arg('o', '.png')}")


def test_failure_shows_command_code_and_stderr_and_leaves_nothing(tmp_path: Path) -> None:
    with use_scratch(tmp_path), pytest.raises(CommandFailedError, match="exit code 3") as caught:
        run(f"echo oops >&2; touch {out_file_arg('o')}; exit 3")
    assert (caught.value.exit_code, caught.value.stderr) == (3, "oops")
    assert "touch" in caught.value.command
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("script", ["false; true", "false | true", "echo $unset_variable_x"])
def test_strict_mode(script: str) -> None:
    with pytest.raises(CommandFailedError):
        run(script)


def test_writing_to_an_input_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(InputChangedError, match="changed its input"):
        run(f"echo more >> {file_arg('x')}", x=file_of(tmp_path / "x"))


def test_timeout_kills_all_children(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    command = ShellCommand.parse(f"(trap '' TERM; sleep 1.5; touch {arg('mark')}) & sleep 60", timeout=0.3)
    with pytest.raises(CommandTimeoutError, match=r"more than 0\.3 seconds"):
        command.run({"mark": str(mark)})
    time.sleep(1.6)
    assert not mark.exists()


def test_background_children_do_not_outlive_the_command(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    run(f"(sleep 0.7; touch {arg('mark')}) & true", mark=str(mark))
    time.sleep(1)
    assert not mark.exists()


def test_interrupt_reaches_the_command(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = (
        "from merkl.shell import arg; from merkl.shell.command import ShellCommand\n"
        f"ShellCommand.parse(f\"trap 'echo got > {{arg('log')}}; exit 9' INT; touch {{arg('log')}}; "
        f'while :; do sleep 0.05; done")'
        f".run({{'log': {str(log)!r}}})"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    for _ in itertools.takewhile(lambda _: not log.exists(), range(500)):
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in child.communicate(timeout=20)[1]
    assert log.read_text() == "got\n"


def test_an_interrupt_while_the_command_is_started_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self.pid)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("sleep 60")
    assert len(started) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_without_a_shell_words_are_passed_as_they_are() -> None:
    command = ShellCommand.parse(f"printf '<%s>' {arg('v')} x={arg('v')} {stdout_arg()}", shell=False)
    assert command.run({"v": "$HOME; *"}).outs["stdout"] == "<$HOME; *><x=$HOME; *>"
    with pytest.raises(CommandTemplateError, match="shell=False"):
        ShellCommand.parse("a | b", shell=False)


def test_digest_ignores_layout_and_comments_but_no_meaning() -> None:
    def digest(text: str, **options: Any) -> bytes:
        return ShellCommand.parse(text, **options).digest()

    same = digest(f"sort  {file_arg('x')} |\\\n uniq   # count\n")
    assert same == digest(f"\n   sort {file_arg('x')} | uniq\n")
    others = [
        f"sort -r {file_arg('x')} | uniq",
        f"sort '{file_arg('x')}' | uniq",
        f"sort {file_arg('y')} | uniq",
    ]
    assert len({same, *map(digest, others), digest(f"sort {file_arg('x')} | uniq", env={"A": "1"})}) == 5


def test_digest_follows_the_program_not_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digest(folder: str, content: str, track: Any) -> bytes:
        tool = tmp_path / folder / "mytool"
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{content}\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tool.parent}:{os.defpath}:/usr/bin:/bin")
        return ShellCommand.parse("mytool", track=track).digest()

    assert (
        digest("a", "echo 1", "content")
        == digest("b", "echo 1", "content")
        != digest("a", "echo 2", "content")
    )
    assert (
        digest("a", "echo 1 # x", "version")
        == digest("b", "echo 1", "version")
        != digest("c", "echo 2", "version")
    )
    assert digest("a", "echo 1", "name") == digest("b", "echo 2", "name")


def test_missing_program_is_named() -> None:
    with pytest.raises(MissingInputError, match="'no-such-tool' is not installed"):
        ShellCommand.parse("no-such-tool x").digest()


def test_functions_of_the_callers_shell_do_not_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASH_FUNC_sort%%", "() { echo leaked; }")
    assert run(f"printf 'b\\na\\n' | sort {stdout_arg()}")["stdout"] == "a\nb\n"
