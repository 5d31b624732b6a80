"""The parameters of a task: binding without `inspect`, and what is to be done with each argument."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from merkl_serializers import ArgSerializer

from merkl._base.errors import GraphError
from merkl._base.hints import Hints, Scope, resolve_hints
from merkl._base.plain_data import is_plain_data
from merkl.graph.checks import check_each, compile_argument_check
from merkl.graph.secret import is_secret_hint
from merkl.validation import Items

__all__ = ["Parameter", "TaskSignature", "compile_binder"]

_EMPTY = inspect.Parameter.empty
_VAR_POSITIONAL = inspect.Parameter.VAR_POSITIONAL
_VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD
_STARS: dict[Any, str] = {_VAR_POSITIONAL: "*", _VAR_KEYWORD: "**"}


class Parameter:
    """One parameter: its type, the check of an argument against it, and how an argument is encoded.

    `check` takes the argument and whether it holds Futures, and gives None or a problem. `serializer` turns
    the argument into bytes or a simpler value first. A secret or ignored one is no part of the key.
    """

    __slots__ = ("check", "hint", "is_keyed", "is_secret", "name", "serializer")

    def __init__(
        self,
        name: str,
        hint: Any,
        *,
        kind: Any,
        items: Items,
        serializer: Callable[[Any], Any] | None,
        is_ignored: bool,
    ) -> None:
        self.name = name
        self.hint = hint
        self.check = None if hint is Any else compile_argument_check(hint, items=items)
        # Each of *args and **kwargs is an argument of its own.
        if items == "first" and kind is _VAR_POSITIONAL and hint is not Any:
            self.check = check_each(typing.get_args(hint)[0], items=items)
        elif items == "first" and kind is _VAR_KEYWORD and typing.get_origin(hint) is dict:
            self.check = check_each(typing.get_args(hint)[1], items=items)
        self.is_secret = is_secret_hint(hint)
        self.is_keyed = not (is_ignored or self.is_secret)
        self.serializer = serializer or _annotated_serializer(hint)


class TaskSignature:
    """All parameters of a task in order, its return type, and the compiled binder.

    `bind(*args, **kwargs)` gives the arguments as a tuple in the order of `parameters`, defaults applied, or raises
    the TypeError that Python itself would raise. `key_order` is the position and encoded name of the parameters that enter
    the key, sorted by name. `problems` says which annotations could not be read.
    """

    __slots__ = (
        "bind",
        "is_plain",
        "is_positional",
        "key_order",
        "names",
        "parameters",
        "problems",
        "returns",
        "signature",
    )

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        items: Items,
        serializers: Mapping[str, Callable[[Any], Any]],
        ignore_args: frozenset[str],
        scope: Scope | None = None,
    ) -> None:
        self.signature = inspect.signature(fn)
        hints = resolve_hints(fn, scope=scope)
        known = self.signature.parameters
        for option, names in (("arg_serializers", set(serializers)), ("ignore_args", ignore_args)):
            unknown = sorted(set(names) - set(known))
            if unknown:
                raise GraphError(
                    f"task {_name(fn)!r}: {option} names {', '.join(map(repr, unknown))}, which is no parameter of it; "
                    f"its parameters are {', '.join(map(repr, known)) or 'none'}"
                )
        self.parameters = tuple(
            Parameter(
                name,
                _hint_of(parameter, hints),
                kind=parameter.kind,
                items=items,
                serializer=serializers.get(name),
                is_ignored=name in ignore_args,
            )
            for name, parameter in known.items()
        )
        self.names = tuple(known)
        self.returns = hints.returns
        self.problems = hints.problems
        #: No object of a user's class can be in the result.
        self.is_plain = is_plain_data(hints.returns)
        #: The function can be called with the arguments as they are bound, one after the other.
        self.is_positional = all(
            p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in known.values()
        )
        self.bind = compile_binder(_name(fn), self.signature)
        self.key_order = tuple(
            sorted(
                ((i, p.name.encode()) for i, p in enumerate(self.parameters) if p.is_keyed),
                key=lambda item: item[1],
            )
        )


def _name(fn: Callable[..., Any]) -> str:
    name = getattr(fn, "__qualname__", None) or getattr(fn, "__name__", None) or type(fn).__name__
    return name.rpartition("<locals>.")[2]


def _hint_of(parameter: inspect.Parameter, hints: Hints) -> Any:
    hint = hints.parameters.get(parameter.name, Any)
    if hint is Any:
        return Any
    if parameter.kind is _VAR_POSITIONAL:
        return Any if _is_unpacked(hint) else types.GenericAlias(tuple, (hint, ...))
    if parameter.kind is _VAR_KEYWORD:
        if typing.get_origin(hint) is typing.Unpack:
            return typing.get_args(hint)[0]
        return types.GenericAlias(dict, (str, hint))
    return hint


def _is_unpacked(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.Unpack or bool(getattr(hint, "__unpacked__", False))


def _annotated_serializer(hint: Any) -> Callable[[Any], Any] | None:
    if typing.get_origin(hint) is typing.Annotated:
        for mark in hint.__metadata__:
            if isinstance(mark, ArgSerializer):
                return mark.function
    return None


def compile_binder(name: str, signature: inspect.Signature) -> Callable[..., tuple[Any, ...]]:
    """Return a function with this signature that returns its arguments as a tuple.

    Python's own call binds several times faster than `Signature.bind`, and its error messages are those that
    people know.

    >>> def f(a, b=2, *rest, c, **more): ...
    >>> compile_binder("f", inspect.signature(f))(1, c=3, d=4)
    (1, 2, (), 3, {'d': 4})
    """
    namespace: dict[str, Any] = {"__builtins__": {}}
    words: list[str] = []
    previous = None
    for index, parameter in enumerate(signature.parameters.values()):
        if previous is inspect.Parameter.POSITIONAL_ONLY and parameter.kind is not previous:
            words.append("/")
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and previous not in (
            parameter.kind,
            _VAR_POSITIONAL,
        ):
            words.append("*")
        stars = _STARS.get(parameter.kind, "")
        default = ""
        if parameter.default is not _EMPTY:
            default = f"=_merkl_default_{index}"
            namespace[f"_merkl_default_{index}"] = parameter.default
        words.append(f"{stars}{parameter.name}{default}")
        previous = parameter.kind
    if previous is inspect.Parameter.POSITIONAL_ONLY:
        words.append("/")
    names = "".join(f"{name}, " for name in signature.parameters)
    exec(f"def _merkl_bind({', '.join(words)}): return ({names})", namespace)
    bind: Callable[..., tuple[Any, ...]] = namespace["_merkl_bind"]
    bind.__name__ = bind.__qualname__ = name
    return bind
