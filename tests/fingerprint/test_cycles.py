"""Definitions that reach each other: digested together, whatever the order, and in time that grows as they do."""

from __future__ import annotations

import random

import pytest

from merkl.fingerprint.nodes import Edge, Node, digest_of
from merkl.hashing import fingerprints


def ring(*owns: str) -> list[Node]:
    """Return nodes of which each reaches the next, and the last the first."""
    nodes = [Node("function", own, own.encode()) for own in owns]
    for node, following in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
        node.edges.append(Edge(b"calls", following))
    return nodes


def test_a_digest_does_not_depend_on_where_one_came_from() -> None:
    """Each member has the digest that it has when it is asked for first."""
    owns = ("a", "b", "c", "b")
    first = [digest_of(ring(*owns)[position], {}) for position in range(4)]
    nodes, known = ring(*owns), dict[int, bytes]()
    assert [digest_of(node, known) for node in nodes] == first
    assert len(set(first)) == 4


def test_an_edit_of_one_member_changes_all() -> None:
    """All of them reach it."""
    before, after = ring("a", "b", "c"), ring("a", "b", "d")
    assert not {digest_of(node, {}) for node in before} & {digest_of(node, {}) for node in after}


def test_cycles_that_mean_the_same_have_one_digest() -> None:
    """A cycle twice over does what it does once; one that does so in another order does not."""
    once, twice = ring("a", "b"), ring("a", "b", "a", "b")
    assert digest_of(once[0], {}) == digest_of(twice[0], {}) == digest_of(twice[2], {})
    assert digest_of(once[0], {}) not in (digest_of(once[1], {}), digest_of(ring("a", "a", "b")[0], {}))


def test_what_is_outside_tells_members_apart() -> None:
    """Two members that say the same reach different leaves."""
    nodes = ring("a", "a")
    for node, leaf in zip(nodes, (b"x", b"y"), strict=True):
        node.edges.append(Edge(b"uses", Node("constant", "leaf", digest=leaf)))
    one, other = (digest_of(node, {}) for node in nodes)
    assert one != other


def test_many_that_reach_each_other_are_digested_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digesting each as seen from itself took minutes for a module of some thousand functions."""
    chance, nodes = random.Random(1), ring(*map(str, range(1000)))
    for node in nodes:
        node.edges += [Edge(b"calls", chance.choice(nodes)) for _ in range(4)]
    hashed = 0
    hash_parts = fingerprints.hash_parts

    def counting(tag: bytes, parts: list[bytes]) -> bytes:
        nonlocal hashed
        hashed += len(parts)
        return hash_parts(tag, parts)

    monkeypatch.setattr(fingerprints, "hash_parts", counting)
    known: dict[int, bytes] = {}
    assert len({digest_of(node, known) for node in nodes}) == 1000
    assert hashed < 50_000
