"""When a registry looks for the serializers of installed packages."""

from __future__ import annotations

import importlib.metadata
from fractions import Fraction

import pytest
from merkl_serializers import CanonicalRegistry


class Handle:
    def __init__(self, key: bytes) -> None:
        self.key = key

    def __merkl_key__(self) -> bytes:
        return self.key


class Plain:
    pass


def test_what_stands_for_another_value_does_not_make_it_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes milliseconds in each process, and could change nothing; the first other class does."""
    looked: list[str] = []

    def entry_points(*, group: str) -> tuple[()]:
        looked.append(group)
        return ()

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    registry = CanonicalRegistry(discover=True)
    registry.register_reference(Handle)
    handles = [Handle(b"1"), Handle(b"2")]
    encoded = registry.encode(handles, resolve=lambda handle: handle.key)
    assert encoded.data != registry.encode(handles[:1], resolve=lambda handle: handle.key).data
    assert looked == []
    registry.encode([Fraction(1, 3), Plain()])
    assert looked == ["merkl.serializers"]
