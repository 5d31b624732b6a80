"""Where the lexer stands in a script, what it has found, and how it refuses; and a word while it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

from merkl._base.errors import CommandTemplateError
from merkl.shell.sites import Context, Lexed, Site

__all__ = ["FIRST_MARK", "LAST_MARK", "Reader", "Word", "is_mark"]

FIRST_MARK: Final = 0xF0000
LAST_MARK: Final = 0xFFFFD


def is_mark(character: str) -> bool:
    """Say whether a character stands for a placeholder."""
    return FIRST_MARK <= ord(character) <= LAST_MARK


class Word:
    """A word while it is read: its source, its value where it is literal, the marks that stand bare in it."""

    def __init__(self) -> None:
        self.source: list[str] = []
        self.literal: list[str] | None = []
        self.bare_marks: list[int] = []
        self.is_quoted = False

    def add(self, source: str, literal: str | None) -> None:
        self.source.append(source)
        if literal is None:
            self.literal = None
        elif self.literal is not None:
            self.literal.append(literal)

    @property
    def text(self) -> str:
        return "".join(self.source)

    @property
    def value(self) -> str | None:
        return None if self.literal is None else "".join(self.literal)


class Reader:
    """A place in a script, and what was found up to there. `name_of` gives the name of a placeholder by its index."""

    def __init__(self, script: str, name_of: Callable[[int], str]) -> None:
        self.script = script
        self.at = 0
        self.name_of = name_of
        self.found = Lexed()

    def _place(self, character: str, context: Context) -> None:
        index = ord(character) - FIRST_MARK
        self.found.sites[index] = Site(index, context)

    def _advance(self, length: int) -> None:
        self._token(self.script[self.at : self.at + length])
        self.at += length

    def _token(self, text: str) -> None:
        tokens = self.found.tokens
        if text == "\n" and (not tokens or tokens[-1] == "\n"):
            return
        tokens.append(text)

    def _refuse(self, character: str, why: str, remedy: str) -> NoReturn:
        name = self.name_of(ord(character) - FIRST_MARK)
        raise CommandTemplateError(
            f"the placeholder {name!r} {why}: {remedy}", placeholder=name, position=self.at
        )

    def _refuse_at(self, position: int, why: str) -> NoReturn:
        line = self.script.count("\n", 0, position) + 1
        raise CommandTemplateError(f"line {line} of the command: {why}", position=position)

    def _refuse_unclosed(self, opening: str) -> NoReturn:
        raise CommandTemplateError(f"the command has a {opening} that is never closed", position=self.at)
