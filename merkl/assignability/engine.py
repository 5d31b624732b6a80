"""Puts the rules to work on one pair of runtime types, and turns whatever goes wrong into UNKNOWN."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from merkl._base.hint_classes import iter_classes
from merkl._base.sources import class_node
from merkl._base.type_forms import map_arguments
from merkl.assignability.classes import is_protocol, is_stdlib
from merkl.assignability.hidden import has_other_bases, is_redefined, members_for_checkers
from merkl.assignability.members import protocol_members
from merkl.assignability.parse import parse
from merkl.assignability.relation import Relation, Verdict
from merkl.assignability.rules import Rules
from merkl.assignability.typeshed import all_stub_names
from merkl.assignability.typing_rules import relate_by_typing_rules

__all__ = ["answer"]


def answer(source: Any, target: Any) -> Relation:
    """Relate two runtime types by the rules, asking pycroscope for what they don't know; never raises.

    >>> answer(dict[str, int], dict[str, str]).verdict.value
    'no'
    """
    try:
        found = _relate(source, target)
        if found.verdict is not Verdict.NO:
            return found
        if _is_otherwise_for_checkers(source, target):
            return Relation(Verdict.UNKNOWN, f"of a class only type checkers see all: {found.reason}")
        if any(
            _relate(form, target).verdict is not Verdict.NO for form in _as_concrete_scalars(source, target)
        ):
            return Relation(Verdict.UNKNOWN, f"numpy has other names for its scalars: {found.reason}")
        return found
    except RecursionError:
        return Relation(Verdict.UNKNOWN, "the types nest too deeply")
    except Exception as error:  # noqa: BLE001  (a class may run any code when it is looked at)
        return Relation(Verdict.UNKNOWN, f"{type(error).__name__}: {error}")


def _relate(source: Any, target: Any) -> Relation:
    return Rules(relate_by_typing_rules).relate(parse(source), parse(target))


def _is_otherwise_for_checkers(source: Any, target: Any) -> bool:
    """Whether type checkers know more than the running program of a class on which the answer depends.

    That is a base of `source`, a member of it that `target` asks for, or what kind of class `target` is.
    """
    own = [c for cls in iter_classes(source) for c in cls.__mro__ if not is_stdlib(c)]
    wanted = list(iter_classes(target))
    asked_for = {name for c in wanted if is_protocol(c) for name in protocol_members(c)} | {"__call__"}
    # Before 3.12 a class that is written in C does not say that it is a buffer.
    if "__buffer__" in asked_for and sys.version_info < (3, 12) and any(class_node(c) is None for c in own):
        return True
    return (
        any(map(is_redefined, [*own, *wanted]))
        or any(has_other_bases(cls) or asked_for & members_for_checkers(cls) for cls in own)
        or any(_has_for_checkers(cls, asked_for) for cls in iter_classes(source))
    )


def _has_for_checkers(cls: type, names: set[str]) -> bool:
    """Whether the stub of a library's class has a member that the class lacks: `__index__` of numpy's `integer` is one."""
    missing = names.difference(*map(vars, cls.__mro__))
    return (
        bool(missing) and not is_stdlib(cls) and not is_protocol(cls) and bool(missing & all_stub_names(cls))
    )


def _as_concrete_scalars(source: Any, target: Any) -> Iterator[Any]:
    """`source` with scalars of `target` in place of `np.floating[Any]` and the like, as which numpy's stubs define them."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return
    open_ended = (numpy.floating, numpy.signedinteger, numpy.unsignedinteger, numpy.complexfloating)
    for scalar in (c for c in iter_classes(target) if issubclass(c, open_ended)):

        def change(form: Any, scalar: type = scalar) -> Any:
            origin, args = get_origin(form), get_args(form)
            if origin in open_ended and origin in scalar.__mro__:
                return scalar if all(arg is Any for arg in args) else form
            return map_arguments(form, change)

        yield change(source)
