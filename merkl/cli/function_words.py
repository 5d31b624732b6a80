"""The words of a command that takes a function: which of them names it, and which are options of the command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from merkl.cli.arguments import parse_options, spellings_of
from merkl.cli.errors import UsageError

__all__ = ["FunctionWords", "read_options", "split_at_function"]


@dataclass(frozen=True, slots=True)
class FunctionWords:
    """The words of a command that takes a function: its name, the words before it, and the words after it.

    >>> def options(*, json: bool = False, top: int = 0) -> None: ...
    >>> words = split_at_function(["--top", "3", "flow.main", "--rate", "2", "--json"], options)
    >>> words.name, words.take_options(options, parameters=["rate"])
    ('flow.main', ({'json': True, 'top': 3}, ['--rate', '2']))
    """

    name: str
    before: list[str]
    after: list[str]

    def take_options(
        self, options: Callable[..., None], *, parameters: Collection[str] = ()
    ) -> tuple[dict[str, Any], list[str]]:
        """Return the values of the command's own options, and the words that the function gets.

        Options may stand before or after the function; those after it that are also among its `parameters` are the
        function's. What follows `--` is always the function's.
        """
        valued = _option_names(options)
        theirs = {f"--{name.replace('_', '-')}" for name in parameters}
        late: list[str] = []
        rest: list[str] = []
        queue = list(self.after)
        while queue:
            word = queue.pop(0)
            name = word.partition("=")[0]
            if word == "--":
                rest += queue
                break
            if name not in valued or name in theirs:
                rest.append(word)
                continue
            late.append(word)
            if valued[name] and "=" not in word and queue:
                late.append(queue.pop(0))
        return {**read_options(options, late), **read_options(options, self.before)}, rest


def split_at_function(words: Sequence[str], options: Callable[..., None]) -> FunctionWords:
    """Find the word that names the function: the first that is neither an option nor the value of one.

    Raises `UsageError` where there is none.
    """
    valued = _option_names(options)
    index = 0
    while index < len(words):
        word = words[index]
        if not word.startswith("-"):
            return FunctionWords(word, list(words[:index]), list(words[index + 1 :]))
        index += 2 if valued.get(word) else 1
    raise UsageError("which function? wanted is MODULE.FUNCTION or path/to/file.py:FUNCTION")


def read_options(options: Callable[..., None], words: Sequence[str]) -> dict[str, Any]:
    """Return the options that these words give; raises `UsageError` for any other word."""
    bound, rest = parse_options(options, words)
    if rest:
        raise UsageError(f"unknown option {rest[0]!r}; see --help of this command")
    return dict(bound.arguments)


def _option_names(options: Callable[..., None]) -> dict[str, bool]:
    """Return the spellings of the keyword-only parameters of a function as options, and whether each takes a value."""
    names: dict[str, bool] = {}
    for parameter in inspect.signature(options, eval_str=True).parameters.values():
        if parameter.kind is not parameter.KEYWORD_ONLY:
            continue
        is_flag = getattr(parameter.annotation, "__origin__", parameter.annotation) is bool
        for name in spellings_of(parameter) or [f"--{parameter.name.replace('_', '-')}"]:
            names[name] = not is_flag
    return names
