"""The formulas of a code fingerprint: from syntax and values to one digest; pure, no names, no I/O.

A definition is a node: its own digest, and edges to what it uses, in the order of first use. A node that is
part of no cycle digests to a hash over its own digest and those of its edges. Nodes that reach each other are
put in order by what tells them apart, so that neither what they are called nor where one came from matters, and
all of them are digested at once: a thousand functions that reach each other have a thousand digests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from merkl.hashing.digests import hash_parts

__all__ = [
    "collection_digest",
    "cycle_digests",
    "fingerprint_digest",
    "fragment_digest",
    "node_digest",
    "territory_digest",
    "token_digest",
    "versioned_digest",
]


def fragment_digest(tokens: Sequence[bytes]) -> bytes:
    """Return the digest of a piece of syntax, given as self-delimiting tokens with numbered holes for names."""
    return hash_parts(b"fragment", [b"".join(tokens)])


def token_digest(kind: bytes, *parts: bytes) -> bytes:
    """Return the digest of a leaf: something named but not entered, or a constant by its canonical bytes."""
    return hash_parts(b"leaf:" + kind, parts)


def node_digest(own: bytes, edges: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the digest of a definition from its own digest and (label, digest of the target) in order."""
    return hash_parts(b"node", [own, *(part for edge in edges for part in edge)])


def cycle_digests(
    members: Sequence[tuple[bytes, Sequence[tuple[bytes, bytes | int]]]],
) -> list[bytes]:
    """Return the digest of each of several definitions that all reach each other, in the order given.

    A target is either the digest of something outside, or the number of a member. Nothing depends on how the
    members are numbered: those that mean the same, however far one follows them, are one class; classes are put in
    order by what they are told apart by, and a member's digest is that of all classes, and the place of its own.
    """
    colours = _told_apart(members)
    classes = sorted(set(colours))
    place = {colour: index for index, colour in enumerate(classes)}
    places = [place[colour] for colour in colours]
    shown = dict(zip(places, members, strict=True))
    parts: list[bytes] = []
    for index in range(len(classes)):
        own, edges = shown[index]
        parts += _described(own, edges, [_number(place) for place in places])
    whole = hash_parts(b"cycle", parts)
    return [hash_parts(b"member", [whole, _number(index)]) for index in places]


def _told_apart(members: Sequence[tuple[bytes, Sequence[tuple[bytes, bytes | int]]]]) -> list[bytes]:
    """Return a colour for each member: equal for those that mean the same, and for no others.

    What they are by themselves tells nearly all apart; then what their targets were told apart by, until that
    tells no more of them apart.
    """
    colours = [own for own, _ in members]
    count = len(set(colours))
    while count < len(members):
        finer = [hash_parts(b"colour", _described(own, edges, colours)) for own, edges in members]
        found = len(set(finer))
        if found == count:
            break
        colours, count = finer, found
    return colours


def _described(own: bytes, edges: Sequence[tuple[bytes, bytes | int]], names: Sequence[bytes]) -> list[bytes]:
    """Return what a member is, and what it reaches: members by their name, what is outside by its digest."""
    parts = [own, _number(len(edges))]
    for label, target in edges:
        parts += [label, b"member" + names[target] if isinstance(target, int) else b"digest" + target]
    return parts


def _number(number: int) -> bytes:
    return number.to_bytes(8, "little")


def collection_digest(kind: bytes, digests: Iterable[bytes]) -> bytes:
    """Return the digest of digests whose order and number mean nothing."""
    return hash_parts(b"set:" + kind, sorted(set(digests)))


def territory_digest(root: bytes, methods: Iterable[tuple[bytes, bytes, bytes]]) -> bytes:
    """Return the digest of code with the methods that it calls by name: (class, name, method) in any order."""
    called = sorted({hash_parts(b"method", method) for method in methods})
    return hash_parts(b"territory", [root, *called]) if called else root


def fingerprint_digest(
    mode: bytes, code: bytes, deps: Sequence[bytes], packages: Sequence[bytes] = ()
) -> bytes:
    """Return the fingerprint of a task: what its code digests to, its declared deps, and package versions."""
    return hash_parts(b"fingerprint", [mode, code, *_counted(deps), *_counted(packages)])


def versioned_digest(
    name: bytes,
    version: bytes,
    constants: Sequence[bytes],
    deps: Sequence[bytes],
    packages: Sequence[bytes] = (),
) -> bytes:
    """Return the fingerprint of a task whose declared version stands for all of its code."""
    return hash_parts(
        b"versioned", [name, version, *_counted(sorted(set(constants))), *_counted(deps), *_counted(packages)]
    )


def _counted(parts: Sequence[bytes]) -> list[bytes]:
    return [len(parts).to_bytes(8, "little"), *parts]
