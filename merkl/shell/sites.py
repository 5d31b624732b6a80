"""The places in a shell script where a placeholder may stand, and the words that are names of commands."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

__all__ = ["BUILTINS", "RESERVED", "WRAPPERS", "CommandWord", "Context", "Lexed", "Site"]


class Context(enum.Enum):
    """How the shell reads the text around a placeholder."""

    BARE = "in bare position"
    SINGLE = "in single quotes"
    DOUBLE = "in double quotes"
    ANSI = "in $'…' quotes"
    HERE_DOCUMENT = "in a here-document"
    ARITHMETIC = "in an arithmetic expression"


@dataclass(frozen=True, slots=True)
class Site:
    """One occurrence: `index` counts placeholders in the template from its start.

    `whole_word` says that nothing else is in the word; `redirect` is the operator before it, "" for none;
    `is_command` that the word is the name of a command. For a here-document `delimiter` ends it, `expands`
    says whether the shell expands variables in it, `strips_tabs` that it was begun by `<<-`.
    """

    index: int
    context: Context
    whole_word: bool = False
    redirect: str = ""
    is_command: bool = False
    delimiter: str = ""
    expands: bool = False
    strips_tabs: bool = False


@dataclass(frozen=True, slots=True)
class CommandWord:
    """The name of a command as the script has it; `certain` is False for a word that may be one (after `xargs`)."""

    text: str
    certain: bool = True


@dataclass(slots=True)
class Lexed:
    """What the lexer found: a site for each placeholder, names of commands, and the tokens that mean the script.

    `is_dynamic` says that some command's name is only known when the script runs.
    """

    sites: dict[int, Site] = field(default_factory=dict)
    commands: list[CommandWord] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    tokens: list[str] = field(default_factory=list)
    is_dynamic: bool = False


RESERVED = frozenset(
    [
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "do",
        "done",
        "while",
        "until",
        "for",
        "select",
        "case",
        "esac",
        "in",
        "function",
        "time",
        "coproc",
        "{",
        "}",
        "!",
        "[[",
        "]]",
    ]
)

#: Commands that bash runs by itself.
BUILTINS = frozenset(
    [
        ".",
        ":",
        "[",
        "alias",
        "bg",
        "bind",
        "break",
        "builtin",
        "caller",
        "cd",
        "command",
        "compgen",
        "complete",
        "compopt",
        "continue",
        "declare",
        "dirs",
        "disown",
        "echo",
        "enable",
        "eval",
        "exec",
        "exit",
        "export",
        "false",
        "fc",
        "fg",
        "getopts",
        "hash",
        "help",
        "history",
        "jobs",
        "kill",
        "let",
        "local",
        "logout",
        "mapfile",
        "popd",
        "printf",
        "pushd",
        "pwd",
        "read",
        "readarray",
        "readonly",
        "return",
        "set",
        "shift",
        "shopt",
        "source",
        "suspend",
        "test",
        "times",
        "trap",
        "true",
        "type",
        "typeset",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "wait",
    ]
)

#: Commands whose arguments may name the command that does the work.
WRAPPERS = frozenset(
    [
        "exec",
        "command",
        "builtin",
        "env",
        "nice",
        "nohup",
        "xargs",
        "timeout",
        "sudo",
        "doas",
        "stdbuf",
        "setsid",
        "ionice",
        "taskset",
        "chronic",
        "parallel",
        "find",
        "time",
        "strace",
        "ltrace",
        "unbuffer",
        "flock",
        "watch",
        "eval",
        "trap",
        "sh",
        "bash",
        "dash",
        "zsh",
    ]
)
