"""Reading the words of a script: quotes, expansions, substitutions, and what stands in them."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

from merkl.shell.reader import FIRST_MARK, Reader, Word, is_mark
from merkl.shell.sites import Context, Site

__all__ = ["ASSIGNMENT", "WordReader"]

ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[.*\])?\+?=", re.DOTALL)
_SUBSCRIPT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\[[^\]]*$")
_BREAKS: Final = frozenset(" \t\n;&|<>()")


class WordReader(Reader):
    """Reads words; commands inside of them are for whoever derives from it."""

    @abstractmethod
    def commands(self, end: str) -> None:
        """Read commands up to `end` (")" of a group or substitution, "" for the end of the script)."""

    def word(self, *, redirect: str = "", is_command: bool = False) -> Word:
        """Read one word with all quotes and expansions in it."""
        word = Word()
        while self.at < len(self.script):
            character = self.script[self.at]
            if character in "<>" and self.script.startswith("(", self.at + 1):
                self.at += 2
                word.add(self._nested(character + "(", lambda: self.commands(")")), None)
            elif character == "(" and ASSIGNMENT.fullmatch(word.text):
                self.at += 1
                word.add(self._nested("(", self._array), None)
            elif character in _BREAKS:
                break
            else:
                self._word_part(word, character)
        self._place_bare(word, redirect, is_command)
        return word

    def _word_part(self, word: Word, character: str) -> None:
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

    def _bare_mark(self, word: Word, character: str) -> None:
        if _SUBSCRIPT.match(word.text):
            self._refuse(
                character,
                "stands in the subscript of an array, which the shell evaluates",
                "assign it to a variable first",
            )
        word.bare_marks.append(ord(character) - FIRST_MARK)
        self.at += 1
        word.add(character, None)

    def _place_bare(self, word: Word, redirect: str, is_command: bool) -> None:
        whole = len(word.source) == 1
        names_command = is_command and not ASSIGNMENT.match(word.text)
        for index in word.bare_marks:
            self.found.sites[index] = Site(
                index, Context.BARE, whole_word=whole, redirect=redirect, is_command=names_command
            )
        if names_command and not word.bare_marks and any(map(is_mark, word.text)) and word.is_quoted:
            mark = next(filter(is_mark, word.text))
            self._refuse(mark, "stands in the name of a command", "a key needs that name: write it out")

    def _backslash(self, word: Word) -> None:
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

    def _double(self, word: Word) -> None:
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

    def _backslash_in_double(self, word: Word) -> None:
        following = self.script[self.at + 1 : self.at + 2]
        if following and is_mark(following):
            self._refuse(following, "follows a backslash", "take the backslash away")
        self.at += 2
        literal = "" if following == "\n" else following if following in '$`"\\' else "\\" + following
        word.add("\\" + following, literal)

    # ---- expansions ---------------------------------------------------------------------------------------

    def _dollar(self, word: Word, *, in_double: bool) -> None:
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
        word = Word()
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
                nested = type(self)("".join(inner), self.name_of)
                nested.commands("")
                self.found.commands.extend(nested.found.commands)
                self.found.functions |= nested.found.functions
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

    def _comment(self) -> None:
        end = self.script.find("\n", self.at)
        end = len(self.script) if end < 0 else end
        for character in self.script[self.at : end]:
            if is_mark(character):
                self._refuse(character, "stands in a comment", "take it out, or the comment sign away")
        self.at = end
