"""A shell template, parsed: its parameters, its outs, where each placeholder stands, and what the command means."""

from __future__ import annotations

import inspect
import textwrap
import types
import typing
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from merkl._base.errors import CommandTemplateError
from merkl.files import DirRef, FileRef
from merkl.shell.lexer import lex
from merkl.shell.placeholders import MISSING, Placeholder, Role, split_markers
from merkl.shell.reader import FIRST_MARK, LAST_MARK, is_mark
from merkl.shell.sites import CommandWord, Context, Lexed, Site
from merkl.shell.words import split_words

__all__ = ["Template", "is_list_type", "parse_template"]


@dataclass(frozen=True, slots=True)
class Template:
    """What a command line means. `script` has one private character for each occurrence of a placeholder.

    `parameters` and `outs` are in the order of their first occurrence; `tokens` are what of the text counts
    for the key; without a shell, `words` are the arguments.
    """

    script: str
    occurrences: tuple[Placeholder, ...]
    sites: tuple[Site, ...]
    parameters: tuple[Placeholder, ...]
    outs: tuple[Placeholder, ...]
    commands: tuple[CommandWord, ...]
    tokens: tuple[str, ...]
    shell: bool
    is_dynamic: bool
    words: tuple[str, ...] = ()

    def signature(self) -> inspect.Signature:
        """Return the signature of the task: parameters that follow one with a default can only be named."""
        parameters: list[inspect.Parameter] = []
        kind: inspect._ParameterKind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        has_default = False
        for one in self.parameters:
            default = inspect.Parameter.empty if one.default is MISSING else one.default
            if has_default and one.default is MISSING:
                kind = inspect.Parameter.KEYWORD_ONLY
            has_default |= one.default is not MISSING
            parameters.append(inspect.Parameter(one.name, kind, default=default, annotation=one.type))
        return inspect.Signature(parameters, return_annotation=self.returns())

    def text(self) -> str:
        """Return the command as it was written, each placeholder as the call that made it, without types and defaults."""
        return "".join(
            f"{{{_written(self.occurrences[ord(character) - FIRST_MARK])}}}"
            if is_mark(character)
            else character
            for character in self.script
        ).strip("\n")

    def returns(self) -> Any:
        """Return the type of what the command makes: of the one out, a TypedDict of several, None of none."""
        if not self.outs:
            return None
        if len(self.outs) == 1:
            return self.outs[0].type
        fields = {one.name: one.type for one in self.outs}
        return typing.TypedDict("CommandOuts", fields)  # type: ignore[operator]


def parse_template(template: str, *, shell: bool = True) -> Template:
    """Parse the text of an f-string with placeholders.

    Args:
        template: as the f-string gave it.
        shell: False: the words are run as they are, and anything that only a shell understands is refused.

    Raises:
        CommandTemplateError: a placeholder stands where its value can't be put safely, two that share a name
        differ,
            or the text is no command.

    >>> from merkl.shell.placeholders import arg, file_arg, out_file_arg
    >>> parsed = parse_template(f"head -n {arg('n', int)} {file_arg('text')} > {out_file_arg('top')}")
    >>> str(parsed.signature())
    '(n: int, text: merkl.files.fileref.FileRef) -> merkl.files.fileref.FileRef'
    """
    script, occurrences = _mark(textwrap.dedent(template).strip("\n") + "\n")
    if not script.strip():
        raise CommandTemplateError("the command is empty")
    unique = _unique(occurrences)
    words: tuple[str, ...] = ()
    if shell:
        found = lex(script, lambda index: occurrences[index].name)
    else:
        words, found = _lex_words(script, occurrences)
    sites = tuple(_checked(found.sites[index], one) for index, one in enumerate(occurrences))
    return Template(
        script=script,
        occurrences=tuple(occurrences),
        sites=sites,
        parameters=tuple(one for one in unique if not one.role.is_out),
        outs=tuple(one for one in unique if one.role.is_out),
        commands=tuple(
            dict.fromkeys(command for command in found.commands if command.text not in found.functions)
        ),
        tokens=tuple(_named(token, occurrences) for token in _trimmed(found.tokens)),
        shell=shell,
        is_dynamic=found.is_dynamic,
        words=words,
    )


def is_list_type(hint: Any) -> bool:
    """Say whether values of a type become several words."""
    origin = get_origin(hint) or hint
    if origin is typing.Union or origin is types.UnionType:
        return any(is_list_type(member) for member in get_args(hint))
    return isinstance(origin, type) and issubclass(origin, list | tuple | set | frozenset)


def _mark(template: str) -> tuple[str, list[Placeholder]]:
    occurrences: list[Placeholder] = []
    text: list[str] = []
    for piece in split_markers(template):
        if isinstance(piece, Placeholder):
            text.append(chr(FIRST_MARK + len(occurrences)))
            occurrences.append(piece)
        elif any(map(is_mark, piece)) or "\0" in piece:
            raise CommandTemplateError("the command holds a NUL or a character of Unicode's private plane 15")
        else:
            text.append(piece)
    if len(occurrences) > LAST_MARK - FIRST_MARK:
        raise CommandTemplateError("the command has too many placeholders")
    return "".join(text), occurrences


def _unique(occurrences: list[Placeholder]) -> list[Placeholder]:
    first: dict[str, Placeholder] = {}
    for one in occurrences:
        known = first.setdefault(one.name, one)
        if (known.role, known.type, known.suffix) != (one.role, one.type, one.suffix) or (
            known.default is not one.default and known.default != one.default
        ):
            raise CommandTemplateError(
                f"the name {one.name!r} stands for two different placeholders, {known.role.value} of "
                f"{_type_name(known.type)} and {one.role.value} of {_type_name(one.type)}: rename one, or write "
                "both alike",
                placeholder=one.name,
            )
    for role in (Role.STDIN, Role.STDOUT):
        if len([one for one in first.values() if one.role is role]) > 1:
            raise CommandTemplateError(f"a command has one {role.value} only")
    return list(first.values())


def _checked(site: Site, one: Placeholder) -> Site:
    """Refuse a placeholder whose kind of value does not go with the place that it stands in."""
    why = _conflict(site, one)
    if why is not None:
        raise CommandTemplateError(
            f"the placeholder {one.name!r} stands {site.context.value}: {why}", placeholder=one.name
        )
    return site


def _conflict(site: Site, one: Placeholder) -> str | None:
    if one.role in (Role.STDIN, Role.STDOUT):
        if site.context is not Context.BARE or not site.whole_word or site.is_command:
            return f"{one.role.value} must be a word of its own after the command's name"
        wanted = ("<",) if one.role is Role.STDIN else (">", ">>", ">|")
        if site.redirect and site.redirect.lstrip("0123456789") not in wanted:
            return f"{one.role.value} cannot follow {site.redirect!r}"
        return None
    if site.context is Context.ARITHMETIC and one.type is not int:
        return "the shell would evaluate the text, so only an int may stand there"
    if is_list_type(one.type) and not (
        site.context is Context.BARE and site.whole_word and not site.redirect
    ):
        return "a list becomes several words, so it must be a word of its own"
    is_file = one.role.is_out or _is_file_type(one.type)
    if site.is_command and not (is_file and site.whole_word and not one.role.is_out):
        return "it is the name of a command, which must be known for the key: write it out, or make it a file_arg"
    return None


def _is_file_type(hint: Any) -> bool:
    return (get_origin(hint) or hint) is FileRef


def _lex_words(script: str, occurrences: list[Placeholder]) -> tuple[tuple[str, ...], Lexed]:
    words = split_words(script)
    found = Lexed(tokens=list(words))
    for position, word in enumerate(words):
        for character in word:
            if is_mark(character):
                index = ord(character) - FIRST_MARK
                found.sites[index] = Site(
                    index, Context.BARE, whole_word=len(word) == 1, is_command=position == 0
                )
    if not any(map(is_mark, words[0])):
        found.commands.append(CommandWord(words[0]))
        found.tokens[0] = words[0].rpartition("/")[2]
    return tuple(words), found


def _named(token: str, occurrences: list[Placeholder]) -> str:
    return "".join(
        _meaning(occurrences[ord(character) - FIRST_MARK]) if is_mark(character) else character
        for character in token
    )


def _meaning(one: Placeholder) -> str:
    # STX and ETX: no other text in a token can look like this, split_markers has seen to it.
    kind = f":{_type_name(one.type)}" if one.role is Role.STDOUT else ""
    return f"\x02{one.role.value}:{one.name}:{one.suffix}{kind}\x03"


def _written(one: Placeholder) -> str:
    if one.role is Role.VALUE:
        return f"{_WRITTEN.get(get_origin(one.type) or one.type, 'arg')}({one.name!r})"
    words = [] if one.role is Role.STDOUT else [repr(one.name)]
    if one.suffix:
        words.append(repr(one.suffix))
    if one.role is Role.STDOUT:
        words.append(_type_name(one.type))
    return f"{one.role.value}({', '.join(words)})"


#: What makes placeholders of these types, which are arguments like others.
_WRITTEN: Final = {FileRef: "file_arg", DirRef: "dir_arg"}


def _type_name(hint: Any) -> str:
    return hint.__qualname__ if isinstance(hint, type) else str(hint)


def _trimmed(tokens: list[str]) -> list[str]:
    while tokens and tokens[-1] == "\n":
        tokens.pop()
    return tokens
