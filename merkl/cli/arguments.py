"""Arguments of a user's function, from words on the command line and from a TOML file, by its own annotations."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Any

from merkl._base.containers import map_leaves
from merkl._base.hints import resolve_hints
from merkl._base.lazy import LazyModule
from merkl.cli.errors import UsageError
from merkl.execution.previews import preview_value
from merkl.graph.secret import is_secret_hint
from merkl.graph.task import Task

if TYPE_CHECKING:
    import cyclopts
    from cyclopts import config as cyclopts_config
else:
    # It takes as long as all else that a short run needs, and where there are no words there is nothing to parse.
    cyclopts = LazyModule("cyclopts")
    cyclopts_config = LazyModule("cyclopts.config")

#: Stands for the word "-"; no one types it.
_DASH = "\uf8fd-"

__all__ = [
    "Spelling",
    "describe_command",
    "parameter_names",
    "parse_arguments",
    "parse_options",
    "spellings_of",
]


@dataclass(frozen=True, slots=True, init=False)
class Spelling:
    """How an option of our own commands is spelt, in the annotation of its parameter."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


def parameter_names(function: Any) -> list[str]:
    """Return the names of the parameters that a function or a task has."""
    plain = function.fn if isinstance(function, Task) else function
    return list(inspect.signature(plain).parameters)


def parse_arguments(
    function: Any, words: Sequence[str], *, args_file: Path | None = None
) -> inspect.BoundArguments:
    """Return the arguments that the words mean to a function; the words win over the file.

    Raises `UsageError` for a word that fits no parameter or converts to no value of its type.
    """
    own = function.fn if isinstance(function, Task) else function
    # The parameters of who imported cyclopts may say where else their values come from.
    bound = None if words or args_file is not None or "cyclopts" in sys.modules else _bind_nothing(own)
    if bound is not None:
        return bound
    plain = _with_resolved_hints(own)
    config = []
    if args_file is not None:
        if not args_file.is_file():
            raise UsageError(f"there is no file {args_file}")
        config = [cyclopts_config.Toml(args_file, use_commands_as_keys=False, search_parents=False)]
    app = cyclopts.App(
        name=plain.__name__,
        config=config,
        help_flags=[],
        version_flags=[],
        result_action="return_value",
        default_parameter=cyclopts.Parameter(converter=_convert),
    )
    app.default(plain)
    # A single dash is a word like any other; cyclopts would take it for an option.
    words = [_DASH if word == "-" else word for word in words]
    try:
        _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        said = _one_line(error).replace(_DASH, "-")
        raise UsageError(f"{plain.__name__}{_shown_signature(plain)}: {said}") from None
    except (ValueError, OSError) as error:
        raise UsageError(f"{plain.__name__}: {str(error).replace(_DASH, '-')}") from None
    if _DASH in words:
        bound.arguments.update({name: map_leaves(value, _undash) for name, value in bound.arguments.items()})
    return bound


def _convert(hint: Any, words: Any) -> Any:
    return cyclopts.convert(hint, words, converter=_convert_word)


def _convert_word(hint: type, word: str) -> Any:
    """Return a word as a value of a type; what cyclopts would round to an int is none."""
    if hint is int and "." in word and not float(word).is_integer():
        raise ValueError(f"{word} is no whole number")
    return cyclopts.convert(hint, [word])


def _undash(value: Any) -> Any:
    """Return a parsed value with the dash back in place of what stood for it."""
    if isinstance(value, str):
        return "-" if value == _DASH else value
    return type(value)("-") if isinstance(value, PurePath) and str(value) == _DASH else value


def _with_resolved_hints(function: Any) -> Any:
    """Return a stand-in with the same parameters whose annotations are types, for a function cyclopts can read."""
    hints = resolve_hints(function)
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=hints.parameters.get(name, Any))
        if name in hints.parameters
        else parameter
        for name, parameter in signature.parameters.items()
    ]
    return _stand_in(function, signature.replace(parameters=parameters))


def _stand_in(function: Any, signature: inspect.Signature) -> Any:
    def stand_in(*args: Any, **kwargs: Any) -> None:
        """Only parsed against, never called."""

    stand_in.__name__ = getattr(function, "__name__", "function")
    stand_in.__signature__ = signature  # type: ignore[attr-defined]
    stand_in.__annotations__ = {
        p.name: p.annotation for p in signature.parameters.values() if p.annotation is not p.empty
    }
    return stand_in


def _shown_signature(function: Any) -> str:
    names = [
        p.name if p.default is p.empty else f"{p.name}=…"
        for p in inspect.signature(function).parameters.values()
    ]
    return f"({', '.join(names)})"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def describe_command(
    command: str,
    words: Sequence[str],
    rest: Sequence[str],
    function: Any,
    bound: inspect.BoundArguments,
) -> tuple[str, ...]:
    """Return a command as the ledger keeps it: as it was typed, so that it can be typed again.

    `rest` are those of its words that the function got. Where one of them may be a secret, arguments are short texts instead.

    >>> def fetch(url: str, retries: int = 3) -> None: ...
    >>> bound = inspect.signature(fetch).bind("http://x", retries=5)
    >>> describe_command("run", ["--quiet", "web.fetch", "http://x", "--retries", "5"], [], fetch, bound)
    ('merkl', 'run', '--quiet', 'web.fetch', 'http://x', '--retries', '5')
    """
    hints = resolve_hints(function.fn if isinstance(function, Task) else function).parameters
    secrets = {key for key in bound.arguments if is_secret_hint(hints.get(key, Any))}
    if not secrets:
        return ("merkl", command, *words)
    left = list(rest)
    own = []
    for word in reversed(words):  # the function's words stand behind its name
        if left and left[-1] == word:
            left.pop()
        else:
            own.append(word)
    shown = (
        f"--{key}={'***' if key in secrets else preview_value(value)}"
        for key, value in bound.arguments.items()
    )
    return ("merkl", command, *reversed(own), *shown)


def _bind_nothing(function: Any) -> inspect.BoundArguments | None:
    """Return what no words at all mean to a function; None where it needs some."""
    try:
        return inspect.signature(function).bind()
    except TypeError:
        return None


def spellings_of(parameter: inspect.Parameter) -> tuple[str, ...]:
    """Return how an option of our own commands is spelt, where that is not by the name of its parameter."""
    metadata = getattr(parameter.annotation, "__metadata__", ())
    return next((item.names for item in metadata if isinstance(item, Spelling)), ())


def parse_options(command: Any, words: Sequence[str]) -> tuple[inspect.BoundArguments, list[str]]:
    """Return the arguments of one of our own commands, and the words that are not for it."""
    bound = None if words else _bind_nothing(command)
    if bound is not None:
        return bound, []
    app = cyclopts.App(
        name=command.__name__,
        help_flags=[],
        version_flags=[],
        result_action="return_value",
        default_parameter=cyclopts.Parameter(negative=()),
    )
    app.default(_with_spellings(command))
    try:
        _, bound, rest, _ = app.parse_known_args(list(words))
    except cyclopts.CycloptsError as error:
        error.verbose = False  # where our own function is defined helps nobody
        raise UsageError(_one_line(error)) from None
    return bound, rest


def _with_spellings(command: Any) -> Any:
    """Return a stand-in for one of our own commands, whose spellings cyclopts can read."""
    signature = inspect.signature(command, eval_str=True)
    parameters = [
        parameter.replace(
            annotation=Annotated[parameter.annotation.__origin__, cyclopts.Parameter(name=[*names])]
        )
        if (names := spellings_of(parameter))
        else parameter
        for parameter in signature.parameters.values()
    ]
    return _stand_in(command, signature.replace(parameters=parameters))
