"""`merkl completion`: what the Tab key completes, in bash, zsh and fish."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from merkl.cli.commands import COMMANDS
from merkl.cli.errors import UsageError

__all__ = ["USAGE", "carry_out", "complete"]

USAGE = """\
usage: merkl completion bash|zsh|fish

Print the script that makes the Tab key complete commands, options, and the functions of the modules in the working directory.

examples:
  merkl completion bash > ~/.local/share/bash-completion/completions/merkl
  merkl completion zsh  > ~/.zfunc/_merkl          # with fpath+=~/.zfunc before compinit
  merkl completion fish > ~/.config/fish/completions/merkl.fish
"""

_SCRIPTS = {
    "bash": """\
_merkl() {
    local IFS=$'\\n'
    COMPREPLY=( $(merkl completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) )
}
complete -o default -o bashdefault -F _merkl merkl
""",
    "zsh": """\
#compdef merkl
_merkl() {
    local -a found
    found=("${(@f)$(merkl completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}
if [[ "$funcstack[1]" = "_merkl" ]]; then _merkl "$@"; else compdef _merkl merkl; fi
""",
    "fish": """\
complete -c merkl -a '(merkl completion --words (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
""",
}
_FOLDERS_LEFT_OUT = frozenset({"node_modules", "build", "dist", "__pycache__", "site-packages"})
_MOST_FILES = 400
_MAKERS = frozenset({"task", "batch", "pipeline", "bash_task"})


def carry_out(words: list[str]) -> int:
    """Carry out `merkl completion`, or say what words that are being typed may become."""
    if words[:1] == ["--words"]:
        print("\n".join(complete(words[1:])))
        return 0
    if len(words) != 1 or words[0] not in _SCRIPTS:
        raise UsageError(f"for which shell? `merkl completion` takes one of {', '.join(_SCRIPTS)}")
    print(_SCRIPTS[words[0]], end="")
    return 0


def complete(words: Sequence[str]) -> list[str]:
    """Return what the last of some words may become; the words are those after `merkl`.

    >>> complete(["r"]), complete(["run", "--j"])
    (['run'], ['--json'])
    """
    beginning = words[-1] if words else ""
    if len(words) < 2 or (words[0] == "help" and len(words) == 2):
        names = [*COMMANDS, *(["help"] if len(words) < 2 else [])]
        return [name for name in names if name.startswith(beginning)]
    if words[0] == "completion":
        return [shell for shell in _SCRIPTS if shell.startswith(beginning)]
    command = COMMANDS.get(words[0])
    if command is None:
        return []
    if beginning.startswith("-"):
        told = command.usage.partition("\nexamples:")[0]  # there functions have options of their own
        options = dict.fromkeys(re.findall(r"(?<![\w-])--?[a-z][\w-]*", f"{told} --help"))
        return [option for option in options if option.startswith(beginning)]
    verbs = re.findall(rf"merkl {command.name} ([a-z]+)", command.usage.partition("\n\n")[0])
    if verbs:
        return [verb for verb in verbs if len(words) == 2 and verb.startswith(beginning)]
    if "MODULE" in command.takes:
        return sorted(name for name in _functions(beginning) if name.startswith(beginning))
    return []


def _functions(beginning: str) -> Iterator[str]:
    """Yield the functions of the modules here that use MerkL; nothing is imported."""
    for path in _modules(Path.cwd()):
        parts = path.relative_to(Path.cwd()).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not (module.startswith(beginning) or beginning.startswith(module)):
            continue
        try:
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text) if "merkl" in text else None
        except (OSError, SyntaxError, ValueError):
            continue
        for node in tree.body if tree is not None else ():
            for name in _names_of(node):
                if not name.startswith("_"):
                    yield f"{module}.{name}"


def _names_of(node: ast.stmt) -> list[str]:
    """Return the names that a statement gives to functions and tasks: by `def`, or as what a decorator or `bash_task` returns."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return [node.name]
    if not isinstance(node, (ast.Assign, ast.AnnAssign)):
        return []
    made: ast.AST | None = node.value
    while isinstance(made, ast.Call):
        made = made.func
    name = made.attr if isinstance(made, ast.Attribute) else made.id if isinstance(made, ast.Name) else ""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [t.id for t in targets if isinstance(t, ast.Name)] if name in _MAKERS else []


def _modules(folder: Path) -> Iterator[Path]:
    count = 0
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name.isidentifier()
            and name not in _FOLDERS_LEFT_OUT
            and not (Path(here) / name / "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            if name.endswith(".py") and name[:-3].isidentifier():
                count += 1
                if count > _MOST_FILES:
                    return
                yield Path(here) / name
