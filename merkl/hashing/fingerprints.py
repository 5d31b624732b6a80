"""The formulas of a code fingerprint: from syntax and values to one digest; pure, no names, no I/O.

A definition is a node: its own digest, and edges to what it uses, in the order of first use. A node that is
part of no cycle digests to a hash over its own digest and those of its edges. Nodes that reach each other are
numbered in the order in which a walk from one of them meets them, so what they are called never matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from merkl.hashing.digests import hash_parts

__all__ = [
    "collection_digest",
    "cycle_digest",
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


def cycle_digest(members: Sequence[tuple[bytes, Sequence[tuple[bytes, bytes | int]]]]) -> bytes:
    """Return the digest of the first of several definitions that reach each other.

    `members` are numbered in the order in which a walk from the first one meets them; a target is either the
    digest of something outside, or the number of a member.
    """
    parts: list[bytes] = []
    for own, edges in members:
        parts.append(own)
        parts.append(len(edges).to_bytes(8, "little"))
        for label, target in edges:
            parts.append(label)
            if isinstance(target, int):
                parts.append(b"member" + target.to_bytes(8, "little"))
            else:
                parts.append(b"digest" + target)
    return hash_parts(b"cycle", parts)


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
