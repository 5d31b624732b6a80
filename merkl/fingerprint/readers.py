"""Annotations of plain functions and classes: they count where code that is reached reads annotations while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType

from merkl.fingerprint.classes import class_records
from merkl.fingerprint.nodes import Edge, Node
from merkl.fingerprint.reach import Reach, Surroundings
from merkl.hashing.fingerprints import fragment_digest

__all__ = ["Annotations", "annotations_of", "expand_annotations", "reads_annotations"]

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
