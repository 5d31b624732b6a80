"""Equal type and value: equal bytes, however the value came about."""

from __future__ import annotations

import collections
import copy
import functools
import pickle
import random
from dataclasses import dataclass, field
from typing import Any

import attrs
import msgspec
import numpy as np
import pydantic
import pytest
import scipy.stats
from merkl_serializers import CanonicalRegistry, UnserializableError, default_registry

digest = default_registry.digest


def test_order_of_dicts_and_sets_is_ignored() -> None:
    """But not that of an OrderedDict, nor that of a dict in a call's key."""
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"x": 1, 1: "x"}) == digest({1: "x", "x": 1})
    assert digest({1, "a", (2,)}) == digest({(2,), "a", 1})
    ordered = collections.OrderedDict
    assert digest(ordered(a=1, b=2)) != digest(ordered(b=2, a=1))
    encode = default_registry.encode
    one, other = {"a": 1, "b": {"c": 1, "d": 2}}, {"a": 1, "b": {"d": 2, "c": 1}}
    assert encode(one, keep_dict_order=True).data != encode(other, keep_dict_order=True).data


def test_shared_and_equal_parts_are_the_same() -> None:
    """A part that is held twice is written as two equal ones would be."""
    part = [1, [2]]
    assert digest([part, part]) == digest([[1, [2]], [1, [2]]])


def test_shared_parts_cost_no_exponential_time() -> None:
    """Each level holds the one below twice: 2**60 leaves."""
    value: list[Any] = [1, [2]]
    for _ in range(60):
        value = [value, value]
    assert digest(value) == digest(copy.deepcopy(value))


def test_containers_that_hold_themselves() -> None:
    """Cycles end, and different cycles differ."""
    a: list[Any] = [1]
    a.append(a)
    b: list[Any] = [2]
    b.append(b)
    c: list[Any] = [[], []]
    c[0].append(c[0])
    c[1].append(c[1])
    d: list[Any] = [[], []]
    d[0].append(d[1])
    d[1].append(d[0])
    e: dict[Any, Any] = {}
    e["e"] = e
    values = [a, b, c, d, e]
    assert len({digest(value) for value in values}) == len(values)
    assert [digest(value) for value in values] == [digest(copy.deepcopy(value)) for value in values]


class Node:
    """A node of a graph, which knows its neighbours."""

    def __init__(self, name: int) -> None:
        self.name, self.neighbours = name, []  # type: ignore[var-annotated]


def mesh(size: int) -> Node:
    """Return a corner of a mesh where every node knows those around it."""
    nodes = {(x, y): Node(x * size + y) for x in range(size) for y in range(size)}
    for (x, y), node in nodes.items():
        around = ((x + 1, y), (x, y + 1), (x - 1, y), (x, y - 1))
        node.neighbours = [nodes[at] for at in around if at in nodes]
    return nodes[0, 0]


def test_many_crossing_cycles() -> None:
    """A mesh has more paths than could be written out; it has a digest all the same, of all its content."""
    one, other = mesh(6), mesh(6)
    assert digest(one) == digest(other) == digest(copy.deepcopy(one))
    node = other
    for _ in range(5):
        node = node.neighbours[0]
    node.name = -1
    assert digest(one) != digest(other)


def test_too_deep_is_an_error_of_ours() -> None:
    """Not a RecursionError."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(UnserializableError, match="nested too deeply"):
        digest(value)


@dataclass
class Lazy:
    """Remembers a result."""

    a: int = 1

    @functools.cached_property
    def total(self) -> int:
        """Computed once."""
        return self.a + 1


class LazyModel(pydantic.BaseModel):
    """Remembers a result."""

    a: int = 1

    @functools.cached_property
    def total(self) -> int:
        """Computed once."""
        return self.a + 1


@attrs.define(slots=True)
class LazyAttrs:
    """Remembers a result, in a slot."""

    a: int = 1

    @functools.cached_property
    def total(self) -> int:
        """Computed once."""
        return self.a + 1


@attrs.define(frozen=True, cache_hash=True, slots=False)
class Hashed:
    """Remembers its hash, which differs from process to process."""

    a: str = "x"


@pytest.mark.parametrize("cls", [Lazy, LazyModel, LazyAttrs])
def test_reading_a_cached_property_changes_nothing(cls: type[Any]) -> None:
    """Else a body that reads one would look as if it changed its argument."""
    value = cls()
    before = digest(value)
    assert value.total == 2
    assert digest(value) == before != digest(cls(a=2))


def test_a_remembered_hash_is_no_part_of_the_value() -> None:
    """attrs keeps it among the attributes."""
    value = Hashed()
    before = digest(value)
    hash(value)
    assert digest(value) == before


class Keeping:
    """Keeps its hash by an assignment."""

    def __init__(self, a: str) -> None:
        self.a, self._hash = a, None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(("a", self.a))  # type: ignore[assignment]
        return self._hash  # type: ignore[return-value]


@dataclass(frozen=True)
class KeepingFrozen:
    """Keeps its hash as a frozen object must; the names in the tuple are no attributes that it sets."""

    a: str
    tag_hash: str = "t"

    def __hash__(self) -> int:
        if "_hash" not in vars(self):
            object.__setattr__(self, "_hash", hash(("a", self.a, "tag_hash", self.tag_hash)))
        return int(vars(self)["_hash"])


class KeepingInSlot:
    """Keeps its hash in a slot, under a private name."""

    __slots__ = ("__hash", "a")

    def __init__(self, a: str) -> None:
        self.a = a

    def __hash__(self) -> int:
        self.__hash = hash(self.a)
        return self.__hash


@pytest.mark.parametrize("cls", [Keeping, KeepingFrozen, KeepingInSlot])
def test_a_hash_that_a_class_of_the_users_keeps_is_no_part_of_the_value(cls: type[Any]) -> None:
    """A body that puts such an argument into a set does not change it."""
    value = cls("x")
    before = digest(value)
    hash(value)
    assert digest(value) == before != digest(cls("y"))


def test_an_attribute_named_after_a_hash_counts_where_no_hash_is_kept_in_it() -> None:
    """Only what `__hash__` sets is left out."""
    assert digest(KeepingFrozen("x", "t")) != digest(KeepingFrozen("x", "u"))


class Partly:
    """Slots of which some are empty, and a `__dict__` beside them in the subclass."""

    __slots__ = ("x", "y")

    def __init__(self, **values: int) -> None:
        for name, value in values.items():
            setattr(self, name, value)


class Both(Partly):
    """Has a `__dict__` too."""


def test_slots_and_dict() -> None:
    """Empty slots, filled ones and other attributes all count."""
    values = [Partly(), Partly(x=1), Partly(y=1), Both(x=1), Both(x=1, z=2), Both(x=1, z=3), Both(z=2)]
    assert len({digest(value) for value in values}) == len(values)
    assert digest(Both(x=1, z=2)) == digest(Both(z=2, x=1))


class Struct(msgspec.Struct):
    """A msgspec Struct."""

    a: int = 1


@dataclass
class Fields:
    """A field that shows nowhere counts."""

    hidden: int = field(default=1, repr=False, compare=False)


def test_kinds_of_models() -> None:
    """Fields count, in pydantic also extra, private and unset ones."""

    class Extra(pydantic.BaseModel, extra="allow"):
        a: int = 1
        _private: int = 0

    secret = Extra()
    secret._private = 5
    values = [Struct(), Struct(a=2), Fields(), Fields(2), Extra(), Extra(a=1), Extra(b=2), Extra(a=2), secret]
    assert len({digest(value) for value in values}) == len(values)
    assert [digest(value) for value in values] == [digest(copy.deepcopy(value)) for value in values]


class Trouble(ValueError):
    pass


@pytest.mark.parametrize("cls", [Trouble, ValueError])
def test_looking_at_an_exception_changes_nothing(cls: type[Exception]) -> None:
    """It gets an empty namespace from that, which is no change of an argument; what is written there is one."""
    error = cls("a")
    before = digest(error)
    assert vars(error) == {}
    assert digest(error) == before == digest(pickle.loads(pickle.dumps(error)))
    error.add_note("n")
    assert digest(error) != before


def test_random_generators_by_state() -> None:
    """Equal seeds are equal until one of them is used."""
    a, b = random.Random(1), random.Random(1)
    assert digest(a) == digest(b) != digest(random.Random(2))
    assert digest(a.random) == digest(pickle.loads(pickle.dumps(a.random))) != digest(random.Random(2).random)
    a.random()
    assert digest(a) != digest(b)


def test_the_generator_that_a_process_shares_is_that_one_in_any_state() -> None:
    """scipy's distributions hold it, which would otherwise be others in each process, and after each draw."""
    before = [digest(value) for value in (scipy.stats.norm, scipy.stats.norm(1, 2), np.random.mtrand._rand)]
    np.random.random()
    assert before == [
        digest(value) for value in (scipy.stats.norm, scipy.stats.norm(1, 2), np.random.mtrand._rand)
    ]
    seeded = scipy.stats.norm(1, 2)
    seeded.random_state = 5
    assert digest(seeded) not in before
    assert digest(np.random.RandomState(1)) != digest(np.random.RandomState(2))


def test_what_the_walk_met() -> None:
    """`is_mutable` and `classes` of an encoding."""
    encode = default_registry.encode
    for value in (1, "a", (1, (2, b"")), frozenset({1}), None, 1j, range(3), len, int):
        assert not encode(value).is_mutable
    for changing in ([1], (1, [2]), {}, {1}, bytearray(), Lazy(), (Lazy(),), collections.deque()):
        assert encode(changing).is_mutable
    assert encode([Lazy(), {"k": (LazyModel(),)}, Lazy]).classes == {Lazy, LazyModel}
    assert encode([1, {"a": 2}]).classes == frozenset()


def test_a_fresh_registry_agrees() -> None:
    """The order in which types are met changes nothing."""
    values = [Lazy(), Struct(), [1], {"a": Lazy()}, Hashed()]
    forward, backward = CanonicalRegistry(), CanonicalRegistry()
    one = [forward.digest(value) for value in values]
    assert one == [backward.digest(value) for value in reversed(values)][::-1]
