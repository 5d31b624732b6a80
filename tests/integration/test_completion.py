"""The Tab key: commands, options, and functions, without importing the user's modules."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from project import Project


@pytest.fixture
def flow(project: Project) -> Project:
    project.write(
        "flow.py",
        "from merkl import task\nraise SystemExit('never imported')\n@task\ndef main(): ...\ndef _hidden(): ...\n",
    )
    project.write("pkg/deep.py", "import merkl\nasync def work(): ...\n")
    project.write(
        "made.py",
        "import merkl\nsay = merkl.bash_task('echo')\ntwice = merkl.task(outs=2)(len)\nN = len('x')\n",
    )
    project.write("plain.py", "def nothing(): ...\n")
    project.write("broken.py", "import merkl\ndef (:\n")
    return project


def words(project: Project, *given: str) -> list[str]:
    done = project.merkl("completion", "--words", *given)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_commands_options_and_functions(flow: Project) -> None:
    assert words(flow, "d") == ["dag", "debug"]
    assert "--vs" in words(flow, "why", "--")
    assert "--epochs" not in words(flow, "run", "--")  # of a function in the examples
    assert words(flow, "run", "") == ["flow.main", "made.say", "made.twice", "pkg.deep.work"]
    assert words(flow, "run", "pkg.d") == ["pkg.deep.work"]
    assert words(flow, "completion", "b") == ["bash"]
    assert words(flow, "cache", "e") == ["export"]
    assert words(flow, "init", "") == []
    assert words(flow, "nonsense", "x") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_takes(flow: Project, shell: str) -> None:
    script = flow.merkl("completion", shell).stdout
    assert "merkl completion --words" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=30)


def test_bash_completes_a_command(flow: Project) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    script = flow.merkl("completion", "bash").stdout
    program = script + 'COMP_WORDS=(merkl run pkg.); COMP_CWORD=2; _merkl; echo "${COMPREPLY[@]}"'
    done = subprocess.run([bash, "-c", program], cwd=flow.folder, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["pkg.deep.work"]


def test_an_unknown_shell_is_a_usage_error(flow: Project) -> None:
    assert flow.merkl("completion", "tcsh").returncode == 2


def test_help_of_a_command_has_examples(flow: Project) -> None:
    for command in ("run", "status", "why", "dag", "debug", "log", "migrate", "check", "cache", "completion"):
        assert "examples:\n  merkl" in flow.merkl("help", command).stdout
    assert "merkl init" in flow.merkl("help", "init").stdout.partition("examples:")[2]
