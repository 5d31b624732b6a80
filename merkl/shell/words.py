"""Split a command into words where no shell runs: quotes and backslashes as in the shell, nothing else."""

from __future__ import annotations

from typing import Final

from merkl._base.errors import CommandTemplateError

__all__ = ["split_words"]

_SHELL_ONLY: Final = frozenset("|&;<>()$`*?[]")


def split_words(script: str) -> list[str]:
    """Return the words of a command.

    Raises:
        CommandTemplateError: it is empty, a quote is open, or something in it would need a shell.

    >>> split_words("grep -c 'a b' --file=x")
    ['grep', '-c', 'a b', '--file=x']
    """
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    characters = iter(script)
    for character in characters:
        if quote:
            word = [] if word is None else word
            if character == quote:
                quote = ""
            elif quote == '"' and character == "\\":
                following = next(characters, "")
                word.append(following if following in '"\\$`' else "\\" + following)
            elif quote == '"' and character in "$`":
                raise _refusal(character)
            else:
                word.append(character)
        elif character in "'\"":
            quote = character
            word = [] if word is None else word
        elif character.isspace():
            if word is not None:
                words.append("".join(word))
            word = None
        elif character in _SHELL_ONLY:
            raise _refusal(character)
        else:
            word = [] if word is None else word
            following = next(characters, "") if character == "\\" else character
            word.append(following if following != "\n" else "")
    if quote:
        raise CommandTemplateError(f"the command has a {quote} that is never closed")
    if word is not None:
        words.append("".join(word))
    if not words:
        raise CommandTemplateError("the command is empty")
    return words


def _refusal(character: str) -> CommandTemplateError:
    return CommandTemplateError(
        f"{character!r} means something to a shell only, and shell=False runs none: put it in single quotes to pass it "
        "as it is, or leave shell=False out"
    )
