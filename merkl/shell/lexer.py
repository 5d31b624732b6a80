"""A lexer of bash scripts that knows, at every placeholder, how the shell will read what is put there.

It follows the token rules of the Bash manual (quoting, expansions, redirections, compound commands) as far as
they decide where words and quotes begin and end; what it can't place for certain it refuses. Placeholders are
single characters from a private plane, one for each occurrence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Final, NoReturn

from merkl._base.errors import CommandTemplateError
from merkl.shell.sites import BUILTINS, RESERVED, WRAPPERS, CommandWord, Context, Lexed, Site

__all__ = ["FIRST_MARK", "LAST_MARK", "is_mark", "lex"]

FIRST_MARK: Final = 0xF0000
LAST_MARK: Final = 0xFFFFD

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[.*\])?\+?=", re.DOTALL)
_SUBSCRIPT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\[[^\]]*$")
_REDIRECTION: Final = re.compile(r"[0-9]*(<<<|<<-|<<|<>|<&|>>|>&|>\||<|>)|&>>|&>")
_OPERATOR: Final = re.compile(r";;&|;;|;&|;|&&|&|\|\||\|&|\|")
_BREAKS: Final = frozenset(" \t\n;&|<>()")
_OPENS_COMMAND: Final = frozenset(
    ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "coproc"]
)


def is_mark(character: str) -> bool:
    """Say whether a character stands for a placeholder."""
    return FIRST_MARK <= ord(character) <= LAST_MARK


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


class _Word:
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


class _Lexer:
    def __init__(self, script: str, name_of: Callable[[int], str]) -> None:
        self.script = script
        self.at = 0
        self.name_of = name_of
        self.found = Lexed()
        self.here_documents: list[tuple[str, bool, bool]] = []

    # ---- commands -----------------------------------------------------------------------------------------

    def commands(self, end: str) -> None:
        """Read commands up to `end` (")" of a group or substitution, "" for the end of the script)."""
        frame = _Frame()
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

    def _newline(self, frame: _Frame) -> None:
        self.at += 1
        self._token("\n")
        self._read_here_documents()
        frame.end_command()

    def _comment(self) -> None:
        end = self.script.find("\n", self.at)
        end = len(self.script) if end < 0 else end
        for character in self.script[self.at : end]:
            if is_mark(character):
                self._refuse(character, "stands in a comment", "take it out, or the comment sign away")
        self.at = end

    def _open_group(self, frame: _Frame) -> None:
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

    def _command_part(self, frame: _Frame) -> None:
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

    def _word_in_command(self, frame: _Frame) -> None:
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

    def _first_word(self, frame: _Frame, word: _Word, value: str | None) -> None:
        if _ASSIGNMENT.match(word.text) and word.source[0] not in "'\"":
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

    def _reserved(self, frame: _Frame, value: str) -> None:
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

    # ---- words --------------------------------------------------------------------------------------------

    def word(self, *, redirect: str = "", is_command: bool = False) -> _Word:
        """Read one word with all quotes and expansions in it."""
        word = _Word()
        while self.at < len(self.script):
            character = self.script[self.at]
            if character in "<>" and self.script.startswith("(", self.at + 1):
                self.at += 2
                word.add(self._nested(character + "(", lambda: self.commands(")")), None)
            elif character == "(" and _ASSIGNMENT.fullmatch(word.text):
                self.at += 1
                word.add(self._nested("(", self._array), None)
            elif character in _BREAKS:
                break
            else:
                self._word_part(word, character)
        self._place_bare(word, redirect, is_command)
        return word

    def _word_part(self, word: _Word, character: str) -> None:
        if is_mark(character):
            self._bare_mark(word, character)
        elif character == "\\":
            self._backslash(word)
        elif character == "'":
            word.is_quoted = True
            text = self._quoted("'", Context.SINGLE)
            word.add(text, None if any(map(is_mark, text)) else text[1:-1])
        elif character == '"':
            word.is_quoted = True
            self._double(word)
        elif character == "`":
            word.add(self._backticks(), None)
        elif character == "$":
            self._dollar(word, in_double=False)
        else:
            self.at += 1
            word.add(character, None if character in "*?" else character)

    def _bare_mark(self, word: _Word, character: str) -> None:
        if _SUBSCRIPT.match(word.text):
            self._refuse(
                character,
                "stands in the subscript of an array, which the shell evaluates",
                "assign it to a variable first",
            )
        word.bare_marks.append(ord(character) - FIRST_MARK)
        self.at += 1
        word.add(character, None)

    def _place_bare(self, word: _Word, redirect: str, is_command: bool) -> None:
        whole = len(word.source) == 1
        names_command = is_command and not _ASSIGNMENT.match(word.text)
        for index in word.bare_marks:
            self.found.sites[index] = Site(
                index, Context.BARE, whole_word=whole, redirect=redirect, is_command=names_command
            )
        if names_command and not word.bare_marks and any(map(is_mark, word.text)) and word.is_quoted:
            mark = next(filter(is_mark, word.text))
            self._refuse(mark, "stands in the name of a command", "a key needs that name: write it out")

    def _backslash(self, word: _Word) -> None:
        following = self.script[self.at + 1 : self.at + 2]
        if following and is_mark(following):
            self._refuse(
                following, "follows a backslash, which would escape a part of it", "take the backslash away"
            )
        self.at += 2
        if following != "\n":
            word.is_quoted = True
            word.add("\\" + following, following)

    def _quoted(self, quote: str, context: Context) -> str:
        """Read from an opening quote to the closing one; `$'…'` has escapes, `'…'` has none."""
        start = self.at
        self.at += 1
        while self.at < len(self.script):
            character = self.script[self.at]
            if character == "\\" and context is Context.ANSI:
                following = self.script[self.at + 1 : self.at + 2]
                if following and is_mark(following):
                    self._refuse(following, "follows a backslash", "take the backslash away")
                self.at += 2
                continue
            self.at += 1
            if character == quote:
                return self.script[start : self.at]
            if is_mark(character):
                self._place(character, context)
        self._refuse_unclosed(quote)

    def _double(self, word: _Word) -> None:
        """Read a double-quoted string, with the expansions inside."""
        self.at += 1
        word.add('"', "")
        while self.at < len(self.script):
            character = self.script[self.at]
            if character == '"':
                self.at += 1
                word.add('"', "")
                return
            if is_mark(character):
                self._place(character, Context.DOUBLE)
                self.at += 1
                word.add(character, None)
            elif character == "\\":
                self._backslash_in_double(word)
            elif character == "`":
                word.add(self._backticks(), None)
            elif character == "$":
                self._dollar(word, in_double=True)
            else:
                self.at += 1
                word.add(character, character)
        self._refuse_unclosed('"')

    def _backslash_in_double(self, word: _Word) -> None:
        following = self.script[self.at + 1 : self.at + 2]
        if following and is_mark(following):
            self._refuse(following, "follows a backslash", "take the backslash away")
        self.at += 2
        literal = "" if following == "\n" else following if following in '$`"\\' else "\\" + following
        word.add("\\" + following, literal)

    # ---- expansions ---------------------------------------------------------------------------------------

    def _dollar(self, word: _Word, *, in_double: bool) -> None:
        following = self.script[self.at + 1 : self.at + 2]
        if following and is_mark(following):
            self._refuse(
                following, "follows a dollar sign, which would make it a name", "escape or remove the dollar"
            )
        if self.script.startswith("$((", self.at):
            self.at += 3
            word.add(self._nested("$((", lambda: self._arithmetic("))")), None)
        elif following == "(":
            self.at += 2
            word.add(self._nested("$(", lambda: self.commands(")")), None)
        elif following == "{":
            self.at += 2
            word.add(self._nested("${", lambda: self._parameter(in_double=in_double)), None)
        elif following == "'" and not in_double:
            self.at += 1
            word.is_quoted = True
            word.add("$" + self._quoted("'", Context.ANSI), None)
        elif following == '"' and not in_double:
            self.at += 1
            word.is_quoted = True
            word.add("$", None)
            self._double(word)
        else:
            self.at += 1
            word.add("$", None)

    def _nested(self, opening: str, read: Callable[[], None]) -> str:
        """Read a nested construct whose tokens are part of the surrounding word; return its normal text."""
        outer, self.found.tokens = self.found.tokens, []
        read()
        inner, self.found.tokens = self.found.tokens, outer
        return opening + " ".join(inner)

    def _parameter(self, *, in_double: bool) -> None:
        """Read `${…}`; no value can be put in there, as its quoting rules depend on the operator."""
        word = _Word()
        while self.at < len(self.script):
            character = self.script[self.at]
            if character == "}":
                self.at += 1
                self._token(word.text + "}")
                return
            if is_mark(character):
                self._refuse(character, "stands inside ${…}", "assign it to a variable first, and use that")
            if character in _BREAKS or (character == "'" and in_double):
                self.at += 1
                word.add(character, character)
            else:
                self._word_part(word, character)
        self._refuse_unclosed("${")

    def _arithmetic(self, end: str) -> None:
        """Read an arithmetic expression; only numbers can be put in there."""
        start = self.at
        depth = 0
        while self.at < len(self.script):
            if depth == 0 and self.script.startswith(end, self.at):
                self.at += len(end)
                self._token(self.script[start : self.at])
                return
            character = self.script[self.at]
            depth += (character == "(") - (character == ")")
            if is_mark(character):
                self._place(character, Context.ARITHMETIC)
            self.at += 1
        self._refuse_unclosed("((")

    def _backticks(self) -> str:
        start = self.at
        self.at += 1
        inner: list[str] = []
        while self.at < len(self.script):
            character = self.script[self.at]
            if is_mark(character):
                self._refuse(
                    character, "stands in backticks, whose quoting rules differ", "write $(…) instead"
                )
            if character == "\\":
                following = self.script[self.at + 1 : self.at + 2]
                inner.append(following if following in "$`\\" else "\\" + following)
                self.at += 2
                continue
            self.at += 1
            if character == "`":
                nested = lex("".join(inner), self.name_of)
                self.found.commands.extend(nested.commands)
                self.found.functions |= nested.functions
                return self.script[start : self.at]
            inner.append(character)
        self._refuse_unclosed("`")

    def _array(self) -> None:
        """Read the elements of `name=( … )`."""
        while self.at < len(self.script):
            character = self.script[self.at]
            if character in " \t\n":
                self.at += 1
            elif character == "#":
                self._comment()
            elif character == ")":
                self.at += 1
                self._token(")")
                return
            else:
                start = self.at
                self._token(self.word().text)
                if self.at == start:
                    self._refuse_at(start, "cannot read the elements of an array")
        self._refuse_unclosed("(")

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
                word = _Word()
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
            self.found.sites.update(inner.found.sites)
            self.found.commands.extend(inner.found.commands)

    # ---- helpers ------------------------------------------------------------------------------------------

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


class _Frame:
    """Where in the grammar one list of commands is: at a command's name, among its words, in a `case`."""

    def __init__(self) -> None:
        self.at_start = True
        self.last: str | None = None
        self.in_wrapper = False
        self.expects_function_name = False
        self._cases: list[str] = []

    @property
    def in_pattern(self) -> bool:
        return bool(self._cases) and self._cases[-1] == "pattern"

    def end_command(self) -> None:
        self.at_start = True
        self.in_wrapper = False
        self.last = None

    def begin_case(self) -> None:
        self._cases.append("subject")
        self.at_start = False

    def enter_case_body(self) -> None:
        self._cases[-1] = "body"
        self.end_command()

    def next_pattern(self) -> None:
        if self._cases:
            self._cases[-1] = "pattern"

    def end_case(self) -> None:
        if self._cases:
            self._cases.pop()
        self.at_start = False

    def takes_case_word(self, value: str | None) -> bool:
        if not self._cases:
            return False
        if self._cases[-1] == "subject":
            if value == "in":
                self._cases[-1] = "pattern"
            return True
        if self._cases[-1] == "pattern":
            if value == "esac":
                self.end_case()
            return True
        return False
