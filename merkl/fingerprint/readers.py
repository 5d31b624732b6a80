"""What counts of functions and classes where code that is reached reads it: annotations, names, docstrings, source."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType

from merkl.fingerprint.classes import class_records
from merkl.fingerprint.nodes import Aspect, Edge, Node
from merkl.fingerprint.reach import Attributes, Hidden, Reach, Surroundings, leaf
from merkl.hashing.fingerprints import fragment_digest, token_digest

__all__ = ["TEXTS", "Annotations", "annotations_of", "expand_annotations", "reads_annotations"]

_READERS = frozenset(
    f"{module}.{name}"
    for module, names in {
        "typing": ("get_type_hints",),
        "typing_extensions": ("get_type_hints", "get_annotations"),
        "inspect": ("signature", "getfullargspec", "get_annotations", "Signature.from_callable"),
    }.items()
    for name in names
)


@dataclass(slots=True, frozen=True)
class Annotations:
    """What the annotations of a function or class say."""

    of: FunctionType | type


def reads_annotations(node: Node) -> bool:
    """Tell whether a piece of code reads annotations, or is what does it."""
    return node.name in _READERS or "__annotations__" in node.mentions


def annotations_of(node: Node) -> Node | None:
    """Return a node for the annotations of what a node stands for, None if it can have none."""
    subject = node.subject
    if node.kind in {"code", "code_object", "class", "class_object"} and isinstance(
        subject, FunctionType | type
    ):
        name = f"the annotations of {node.name}"
        return Node("annotations", name, subject=Annotations(subject), expanded=False)
    return None


def expand_annotations(reach: Reach, node: Node, annotations: Annotations) -> None:
    """Give a node what annotations say: as the source spells them, or without a source what they are."""
    subject = annotations.of
    node.own = fragment_digest([b"annotations"])
    if isinstance(subject, type):
        found = class_records(reach, subject)
        around = found[2] if found is not None else Surroundings({})
        fragments = [record.annotations for record in found[1]] if found is not None else []
    else:
        assert isinstance(subject, FunctionType)
        definition = reach.sources.definition(subject.__code__, subject.__globals__)
        cells = dict(zip(subject.__code__.co_freevars, subject.__closure__ or (), strict=True))
        around = Surroundings(subject.__globals__, cells)
        fragments = [definition[1].annotations] if definition is not None else []
    for fragment in fragments:
        reach.add_fragment(node, fragment, around, b"annotations")
    if not fragments:
        for name, hint in dict(getattr(subject, "__annotations__", {})).items():
            node.edges.append(Edge(name.encode(), reach.node_for(hint, f"{node.name}[{name!r}]")))


_DEFINITIONS = frozenset({"code", "code_object", "class", "class_object"})


def _name_of(node: Node) -> Node | None:
    """Return a node for what a function is called; the names of classes count anyway."""
    subject = node.subject
    if isinstance(subject, Hidden):
        return _text(node, "name", subject.record.qualname)
    if node.kind not in _DEFINITIONS or not isinstance(subject, FunctionType):
        return None
    made = _text(node, "name", f"{subject.__name__} {subject.__qualname__}")
    for attribute in ("__name__", "__qualname__"):
        made.guards.bindings.append((Attributes(subject), attribute, getattr(subject, attribute)))
    return made


def _docstring_of(node: Node) -> Node | None:
    subject = node.subject
    if node.kind not in _DEFINITIONS or not isinstance(subject, FunctionType | type):
        return None
    text = subject.__doc__
    # The one that `dataclass` writes says what the fields say, in words of the version of Python.
    is_made = hasattr(subject, "__dataclass_fields__") and str(text).startswith(f"{subject.__name__}(")
    if not isinstance(text, str) or is_made:
        return None
    made = _text(node, "docstring", inspect.cleandoc(text))
    made.guards.bindings.append((Attributes(subject), "__doc__", text))
    return made


def _source_of(node: Node) -> Node | None:
    if node.kind not in _DEFINITIONS:
        return None
    return _text(node, "source", str(node.text() if callable(node.text) else node.text))


def _text(node: Node, what: str, text: str) -> Node:
    digest = token_digest(what.encode(), text.encode("utf-8", "surrogatepass"))
    return leaf("text", f"the {what} of {node.name}", digest, text=text)


def _mentions(words: frozenset[str], functions: frozenset[str] = frozenset()) -> Callable[[Node], bool]:
    return lambda node: not words.isdisjoint(node.mentions) or node.name in functions


#: Of `__name__` only where it is not that of a class, as in `type(x).__name__` (see `syntax`).
TEXTS = (
    Aspect(
        "__name__", _mentions(frozenset({"__name__", "__qualname__", "co_name", "co_qualname"})), _name_of
    ),
    Aspect("__doc__", _mentions(frozenset({"__doc__"}), frozenset({"inspect.getdoc"})), _docstring_of),
    Aspect(
        "source",
        _mentions(
            frozenset(), frozenset({"inspect.getsource", "inspect.getsourcelines", "inspect.getcomments"})
        ),
        _source_of,
    ),
)
