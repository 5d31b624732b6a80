"""A lexer of bash scripts that knows, at every placeholder, how the shell will read what is put there.

It follows the token rules of the Bash manual (quoting, expansions, redirections, compound commands) as far as
they decide where words and quotes begin and end; what it can't place for certain it refuses. Placeholders are
single characters from a private plane, one for each occurrence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Final

from merkl._base.errors import CommandTemplateError
from merkl.shell.frames import Frame
from merkl.shell.reader import FIRST_MARK, Word, is_mark
from merkl.shell.sites import BUILTINS, RESERVED, WRAPPERS, CommandWord, Context, Lexed, Site
from merkl.shell.word_reader import ASSIGNMENT, WordReader

__all__ = ["lex"]

_REDIRECTION: Final = re.compile(r"[0-9]*(<<<|<<-|<<|<>|<&|>>|>&|>\||<|>)|&>>|&>")
_OPERATOR: Final = re.compile(r";;&|;;|;&|;|&&|&|\|\||\|&|\|")
_OPENS_COMMAND: Final = frozenset(
    ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "coproc"]
)


def lex(script: str, name_of: Callable[[int], str]) -> Lexed:
    """Find the site of every placeholder, the names of commands and the meaningful tokens of a script.

    Args:
        script: with one private character for each placeholder.
        name_of: gives the name of a placeholder by its index, for messages.

    Raises:
        CommandTemplateError: a placeholder stands where no value can be put safely, or a quote is not closed.
    """
    lexer = _Lexer(script, name_of)
    lexer.commands("")
    return lexer.found


class _Lexer(WordReader):
    """Reads commands, with the redirections and here-documents that belong to them."""

    def __init__(self, script: str, name_of: Callable[[int], str]) -> None:
        super().__init__(script, name_of)
        self.here_documents: list[tuple[str, bool, bool]] = []

    def commands(self, end: str) -> None:
        """Read commands up to `end` (")" of a group or substitution, "" for the end of the script)."""
        frame = Frame()
        while self.at < len(self.script):
            character = self.script[self.at]
            if character in " \t":
                self.at += 1
            elif character == "\\" and self.script.startswith("\\\n", self.at):
                self.at += 2
            elif character == "\n":
                self._newline(frame)
            elif character == "#":
                self._comment()
            elif character == ")":
                if frame.in_pattern:
                    self._advance(1)
                    frame.enter_case_body()
                    continue
                if end == ")":
                    self.at += 1
                    self._token(")")
                    return
                self._advance(1)
            elif character == "(":
                self._open_group(frame)
            else:
                self._command_part(frame)
        if end:
            self._refuse_unclosed("(")
        self._read_here_documents()

    def _newline(self, frame: Frame) -> None:
        self.at += 1
        self._token("\n")
        self._read_here_documents()
        frame.end_command()

    def _open_group(self, frame: Frame) -> None:
        if frame.in_pattern:
            self._advance(1)
        elif self.script.startswith("((", self.at) and (frame.at_start or frame.last == "for"):
            self._token("((")
            self.at += 2
            self._arithmetic("))")
            frame.at_start = False
        else:
            defined = frame.last if re.match(r"\(\s*\)", self.script[self.at :]) else None
            if defined is not None:
                self.found.functions.add(defined)
            self._advance(1)
            self.commands(")")
            frame.at_start = defined is not None
            frame.last = None

    def _command_part(self, frame: Frame) -> None:
        redirection = _REDIRECTION.match(self.script, self.at)
        if redirection and not self._is_process_substitution(redirection):
            self._redirection(redirection)
            return
        operator = _OPERATOR.match(self.script, self.at)
        if operator:
            self._advance(len(operator[0]))
            if frame.in_pattern and operator[0] == "|":
                return
            frame.end_command()
            if operator[0] in (";;", ";&", ";;&"):
                frame.next_pattern()
            return
        self._word_in_command(frame)

    def _is_process_substitution(self, found: re.Match[str]) -> bool:
        return found[0] in ("<", ">") and self.script.startswith("(", found.end())

    def _redirection(self, found: re.Match[str]) -> None:
        operator = found[0]
        self.at = found.end()
        while self.script.startswith((" ", "\t", "\\\n"), self.at):
            self.at += 2 if self.script[self.at] == "\\" else 1
        kind = operator.lstrip("0123456789")
        if kind in ("<<", "<<-"):
            start = self.at
            delimiter = self.word()
            self._token(f"{operator}{delimiter.text}")
            if delimiter.value is None or any(map(is_mark, delimiter.text)):
                self._refuse_at(start, "the delimiter of a here-document must be a plain word")
            self.here_documents.append((delimiter.value, not delimiter.is_quoted, kind == "<<-"))
            return
        word = self.word(redirect=operator)
        self._token(f"{operator}{word.text}")

    def _word_in_command(self, frame: Frame) -> None:
        start = self.at
        may_name = frame.at_start and not frame.in_pattern
        word = self.word(is_command=may_name)
        if self.at == start:
            self._refuse_at(start, f"cannot read the script from {self.script[start : start + 20]!r} on")
        value = word.value if not word.is_quoted else None
        if frame.takes_case_word(value):
            self._token(word.text)
            return
        if frame.expects_function_name:
            frame.expects_function_name = False
            self.found.functions.add(word.text)
            self._token(word.text)
            frame.last, frame.at_start = word.text, True
            return
        if not may_name:
            if frame.in_wrapper and word.value:
                self.found.commands.append(CommandWord(word.value, certain=False))
            self._token(word.text)
            frame.last = value
            return
        self._first_word(frame, word, value)

    def _first_word(self, frame: Frame, word: Word, value: str | None) -> None:
        if ASSIGNMENT.match(word.text) and word.source[0] not in "'\"":
            self._token(word.text)
            return
        if value in RESERVED:
            self._token(word.text)
            self._reserved(frame, value)
            return
        frame.at_start = False
        name = word.value
        if name is None or (frame.last == "time" and name.startswith("-")):
            frame.at_start = name is not None
            self.found.is_dynamic |= name is None and not any(map(is_mark, word.text))
            self._token(word.text)
            return
        frame.last = value
        frame.in_wrapper = os.path.basename(name) in WRAPPERS
        self._token(os.path.basename(name) if "/" in name else word.text)
        if name not in BUILTINS and name:
            self.found.commands.append(CommandWord(name))

    def _reserved(self, frame: Frame, value: str) -> None:
        frame.last = value
        frame.at_start = value in _OPENS_COMMAND
        if value == "case":
            frame.begin_case()
        elif value == "esac":
            frame.end_case()
        elif value == "function":
            frame.expects_function_name = True
        elif value == "[[":
            self._test()

    def _test(self) -> None:
        """Read the inside of `[[ … ]]`, where `<`, `>`, `(` and `)` are no redirections or groups."""
        while self.at < len(self.script):
            character = self.script[self.at]
            if character in " \t\n()<>&|":
                if character not in " \t\n":
                    self._token(character)
                self.at += 1
                continue
            start = self.at
            word = self.word()
            self._token(word.text)
            if word.text == "]]":
                return
            if self.at == start:
                self.at += 1
        self._refuse_unclosed("[[")

    # ---- here-documents -----------------------------------------------------------------------------------

    def _read_here_documents(self) -> None:
        waiting, self.here_documents = self.here_documents, []
        for delimiter, expands, strips_tabs in waiting:
            body: list[str] = []
            while True:
                if self.at >= len(self.script):
                    raise CommandTemplateError(f"the here-document that {delimiter!r} is to end has no end")
                end = self.script.find("\n", self.at)
                end = len(self.script) if end < 0 else end
                line = self.script[self.at : end]
                self.at = min(end + 1, len(self.script))
                if (line.lstrip("\t") if strips_tabs else line) == delimiter:
                    break
                body.append(line)
            self._here_body("\n".join(body), delimiter, expands, strips_tabs)

    def _here_body(self, body: str, delimiter: str, expands: bool, strips_tabs: bool) -> None:
        self._token(body)
        inner = _Lexer(body, self.name_of) if expands else None
        position = 0
        while position < len(body):
            character = body[position]
            if is_mark(character):
                index = ord(character) - FIRST_MARK
                self.found.sites[index] = Site(
                    index,
                    Context.HERE_DOCUMENT,
                    delimiter=delimiter,
                    expands=expands,
                    strips_tabs=strips_tabs,
                )
            elif inner is not None and character in "\\$`":
                inner.at = position
                word = Word()
                if character == "\\":
                    inner._backslash_in_double(word)
                elif character == "$":
                    inner._dollar(word, in_double=True)
                else:
                    inner._backticks()
                position = inner.at
                continue
            position += 1
        if inner is not None:
            self._take_numbers(inner)
            self.found.sites.update(inner.found.sites)
            self.found.commands.extend(inner.found.commands)

    def _take_numbers(self, inner: _Lexer) -> None:
        """Refuse all but numbers inside the expansions of a here-document: quotes there end neither it nor its lines."""
        for index, site in inner.found.sites.items():
            if site.context is not Context.ARITHMETIC:
                self._refuse(
                    chr(FIRST_MARK + index),
                    "stands inside an expansion in a here-document, which a line of its value could end",
                    "assign it to a variable before the command, and use that",
                )
