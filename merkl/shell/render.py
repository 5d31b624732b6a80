"""Fill a template with arguments: the script (or the words) to run, and the files that it wants around it."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from merkl._base.errors import CommandTemplateError
from merkl.files import DirRef, FileRef
from merkl.shell.placeholders import Placeholder, Role
from merkl.shell.quoting import text_at, text_of
from merkl.shell.reader import FIRST_MARK, is_mark
from merkl.shell.sites import Context, Site
from merkl.shell.template import Template

__all__ = ["STDIN_FILE", "Layout", "plan_layout", "render_script", "render_words"]

#: What `< {stdin_arg()}` reads, seen from the command's directory; outside of it, where it meets no input's name.
STDIN_FILE: Final = "../stdin"

#: A backslash before the end of a line, itself not after a backslash.
_CONTINUED: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\\n")
_LISTS: Final = (list, tuple, set, frozenset)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where files are in the command's directory: inputs by parameter and position, outs by name."""

    inputs: Mapping[tuple[str, int], tuple[str, FileRef[Any] | DirRef]]
    outs: Mapping[str, str]


def plan_layout(template: Template, arguments: Mapping[str, Any]) -> Layout:
    """Give every file of a call its name in the command's directory.

    Inputs keep their base names; one whose name is taken goes into a folder named after its parameter. Outs
    are named after themselves.
    """
    outs = {one.name: one.name + one.suffix for one in template.outs}
    names = _Names(outs.values())
    inputs: dict[tuple[str, int], tuple[str, FileRef[Any] | DirRef]] = {}
    placed: dict[str, str] = {}
    for one in template.parameters:
        for position, value in enumerate(_items(arguments[one.name])):
            if not isinstance(value, FileRef | DirRef):
                continue
            source = os.fspath(value)
            if source not in placed:
                placed[source] = names.take(os.path.basename(source) or "root", one.name)
            inputs[one.name, position] = (placed[source], value)
    return Layout(inputs, outs)


class _Names:
    """Which names in the command's directory are given, in any case, as some file systems do not tell cases apart."""

    def __init__(self, names: Iterable[str]) -> None:
        self._taken = {name.casefold() for name in names}
        self._folders: set[str] = set()

    def take(self, name: str, parameter: str) -> str:
        """Give a name, in a folder named after the parameter where something else has it."""
        candidate = name
        for number in itertools.count(1):
            folder, _, _ = candidate.rpartition("/")
            # A folder is never where an input's link is: what goes in there would go into the user's own directory.
            is_free = candidate.casefold() not in self._taken | self._folders
            if is_free and folder.casefold() not in self._taken:
                self._taken.add(candidate.casefold())
                if folder:
                    self._folders.add(folder.casefold())
                return candidate
            candidate = f"{parameter}/{name}" if number == 1 else f"{parameter}-{number}/{name}"
        raise AssertionError("names do not run out")


def render_script(template: Template, arguments: Mapping[str, Any], layout: Layout) -> str:
    """Return the script to run.

    Raises:
        TypeError, ValueError, CommandTemplateError: an argument cannot be written where its placeholder
        stands.
    """
    parts: list[str] = []
    length = 0
    in_here_documents: list[tuple[int, int, Site, str]] = []
    for character in template.script:
        part = character
        if is_mark(character):
            index = ord(character) - FIRST_MARK
            one, site = template.occurrences[index], template.sites[index]
            part = _rendered(one, site, _texts(one, site, arguments, layout))
            if site.context is Context.HERE_DOCUMENT:
                in_here_documents.append((length, length + len(part), site, one.name))
        parts.append(part)
        length += len(part)
    script = "".join(parts)
    for start, end, site, name in in_here_documents:
        _require_open(script, start, end, site, name)
    return script


def _require_open(script: str, start: int, end: int, site: Site, name: str) -> None:
    """Refuse an argument that ends the here-document it stands in, by itself or with what is around it on its lines."""
    start = script.rfind("\n", 0, start) + 1
    while site.expands and script[:start].endswith("\\\n"):  # the shell puts such a line before the next
        start = script.rfind("\n", 0, start - 1) + 1
    end = len(script) if (end := script.find("\n", end)) < 0 else end
    text = script[start:end]
    if site.expands:
        text = _CONTINUED.sub(r"\1", text)
    lines = text.split("\n")
    if site.delimiter in ([line.lstrip("\t") for line in lines] if site.strips_tabs else lines):
        raise ValueError(
            f"the argument {name!r} gives a line {site.delimiter!r}, which would end the here-document it stands in: use "
            "another delimiter"
        )


def render_words(template: Template, arguments: Mapping[str, Any], layout: Layout) -> list[str]:
    """Return the words to run where there is no shell.

    Raises:
        TypeError, ValueError, CommandTemplateError: an argument cannot be written where its placeholder
        stands.
    """
    words: list[str] = []
    for word in template.words:
        if len(word) == 1 and is_mark(word):
            index = ord(word) - FIRST_MARK
            words.extend(_texts(template.occurrences[index], template.sites[index], arguments, layout))
        else:
            words.append("".join(_inner(template, character, arguments, layout) for character in word))
    return words


def _inner(template: Template, character: str, arguments: Mapping[str, Any], layout: Layout) -> str:
    if not is_mark(character):
        return character
    index = ord(character) - FIRST_MARK
    return "".join(_texts(template.occurrences[index], template.sites[index], arguments, layout))


def _texts(one: Placeholder, site: Site, arguments: Mapping[str, Any], layout: Layout) -> list[str]:
    """The words that a placeholder stands for: none, one, or as many as a list has."""
    if one.role in (Role.STDIN, Role.STDOUT) and not site.redirect:
        return []
    if one.role.is_out:
        return [_path_word(layout.outs[one.name], site)]
    if one.role is Role.STDIN:
        return [STDIN_FILE]
    value = arguments[one.name]
    if value is None or isinstance(value, _LISTS):
        if not (site.context is Context.BARE and site.whole_word and not site.redirect):
            what = "None, which gives no word," if value is None else "a list, which gives several words,"
            raise CommandTemplateError(
                f"the argument {one.name!r} is {what} but its placeholder is a part of a word or {site.context.value}",
                placeholder=one.name,
            )
        if value is None:
            return []
    if site.context is Context.ARITHMETIC and (not isinstance(value, int) or isinstance(value, bool)):
        raise TypeError(f"the argument {one.name!r} stands in an arithmetic expression and must be an int")
    return [
        _path_word(layout.inputs[one.name, position][0], site)
        if (one.name, position) in layout.inputs
        else text_of(item, one.name)
        for position, item in enumerate(_items(value))
    ]


def _rendered(one: Placeholder, site: Site, texts: list[str]) -> str:
    return " ".join(text_at(site, text, one.name) for text in texts)


def _path_word(name: str, site: Site) -> str:
    # A name that begins with a dash would be an option; a command without a slash is looked up in PATH.
    return f"./{name}" if site.is_command or (site.whole_word and name.startswith("-")) else name


def _items(value: Any) -> list[Any]:
    if isinstance(value, set | frozenset):
        # One order in every process.
        return sorted(value, key=lambda item: (type(item).__qualname__, text_of(item, "a set")))
    return list(value) if isinstance(value, list | tuple) else [value]
