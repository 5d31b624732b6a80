"""The self-test finds what differs between processes, and nothing else."""

from __future__ import annotations

from merkl_serializers import CanonicalRegistry, check_stability


class Money:
    """A class with a serializer that depends on the hash seed."""

    def __init__(self, unit: str) -> None:
        self.unit = unit


def by_hash(value: Money) -> int:
    """Return another number in every process."""
    return hash(value.unit)


def test_stable_samples_have_no_problem() -> None:
    """Sets, frozensets in dicts and objects of classes here."""
    assert check_stability([{"a", "b", "c"}, {"k": frozenset("xyz")}, Money("EUR")]) == []


def test_an_unstable_serializer_is_found() -> None:
    """Under each of the two other hash seeds."""
    registry = CanonicalRegistry()
    registry.register(Money, by_hash)
    problems = check_stability([1, Money("EUR")], registry=registry)
    assert len(problems) == 2
    assert all("sample 1" in problem and "PYTHONHASHSEED" in problem for problem in problems)
