"""A value whose own code raises is refused with its path, and never ends in a bare error of that code."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from merkl_serializers import UnserializableError, default_registry

from merkl import Workspace, task
from merkl._base.errors import FingerprintError


class Unhashable(type):
    def __eq__(cls, other: object) -> bool:
        return cls is other

    __hash__ = None  # type: ignore[assignment]


class OfUnhashable(metaclass=Unhashable):
    pass


class Closed:
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no attributes here")


class Nameless:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("no class here")


@pytest.mark.parametrize(
    ("value", "reason", "remedy"),
    [
        (OfUnhashable(), "cannot be hashed", "__hash__"),
        (Closed(), "no attributes here", "@arg_serializer(Closed)"),
    ],
)
def test_a_value_that_raises_is_refused_with_its_path(value: Any, reason: str, remedy: str) -> None:
    """Type, path and remedy, as for every other refusal."""
    with pytest.raises(UnserializableError, match=reason) as caught:
        default_registry.digest({"k": [1, value]})
    assert caught.value.path == "['k'][1]"
    assert remedy in str(caught.value)


class Holder:
    def __init__(self, *parts: Any) -> None:
        self.parts = parts


def test_of_a_lock_in_an_object_the_object_is_what_to_declare() -> None:
    """A serializer for locks would be no help; alone, there is nothing better to name."""
    for value, wanted in (
        (Holder(threading.Lock()), "@arg_serializer(Holder)"),
        ({"k": [Holder([threading.Lock()])]}, "@arg_serializer(Holder)"),
        ([threading.Lock()], "@arg_serializer(lock)"),
        (Holder(Closed()), "@arg_serializer(Closed)"),
    ):
        with pytest.raises(UnserializableError) as caught:
            default_registry.digest(value)
        assert wanted in caught.value.remedy


def test_what_a_hook_raises_comes_out_as_it_is() -> None:
    """An error of the caller's own is not blamed on the value."""

    class Reference:
        __merkl_key__ = None

    def resolve(value: object) -> bytes:
        raise KeyError("no key yet")

    registry = type(default_registry)()
    registry.register_reference(Reference)
    with pytest.raises(KeyError, match="no key yet"):
        registry.encode([Reference()], resolve=resolve)


@pytest.mark.parametrize("make", [OfUnhashable, Nameless])
def test_a_constant_that_raises_is_an_error_of_the_fingerprint(
    make: Callable[[], object], tmp_path: Path
) -> None:
    """It names the function that uses the object."""
    constant = make()

    @task
    def use() -> object:
        return constant

    with (
        Workspace(tmp_path) as workspace,
        pytest.raises(FingerprintError, match=r"use .*cannot be looked at"),
    ):
        workspace.fingerprinter.fingerprint(use.fn)
