"""Objects of classes that no name leads to come back, whatever libraries have noted in these classes."""

from __future__ import annotations

import enum
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, NewType, TypeVar

import msgspec
import pytest
import typing_extensions
from pydantic import BaseModel, PrivateAttr
from pydantic_core import PydanticUndefined
from same_values import same

from merkl import digest
from merkl.codecs import default_codecs

CODECS = default_codecs()
T = TypeVar("T")


def back(value: Any) -> Any:
    """Store a value, and read it again."""
    encoded = CODECS.encode(value)
    content = encoded.content if isinstance(encoded.content, bytes) else b"".join(encoded.content)
    return CODECS.decode(encoded.codec, encoded.codec_version, encoded.decode_type, content)


def read_enum() -> Any:
    class Color(enum.Enum):
        RED = "r"

    return msgspec.json.decode(b'"r"', type=Color)


def read_dataclass() -> Any:
    @dataclass
    class Point:
        x: int

    return msgspec.convert({"x": 1}, Point)


def constrained_struct() -> Any:
    Age = Annotated[int, msgspec.Meta(ge=0, title="age")]

    class User(msgspec.Struct, kw_only=True):
        name: str = "a"
        age: Age = 3

    User.__annotations__["age"] = Age
    return User()


def struct_of_local_annotations() -> Any:
    Age = int

    class User(msgspec.Struct):
        age: Age

    return User(3)


def generic_named_tuple() -> Any:
    class Pair(NamedTuple, Generic[T]):
        a: T

    return Pair(1)


def class_with_memory() -> Any:
    @dataclass(frozen=True)
    class Lazy:
        x: int

        @functools.cached_property
        def double(self) -> int:
            return 2 * self.x

        @functools.lru_cache  # noqa: B019
        def triple(self) -> int:
            return 3 * self.x

    return Lazy(2)


def model_beside_a_lock() -> Any:
    lock = threading.Lock()

    class Model(BaseModel):
        x: int

    assert lock
    return Model(x=1)


def model_of_named_types() -> Any:
    UserId = NewType("UserId", int)
    Ids = typing_extensions.TypeAliasType("Ids", list[int])

    class Model(BaseModel):
        one: UserId
        more: Ids

    Model.model_rebuild(_types_namespace={"UserId": UserId, "Ids": Ids})
    return Model(one=UserId(1), more=[2])


@pytest.mark.parametrize(
    "make",
    [
        *(read_enum, read_dataclass, constrained_struct, struct_of_local_annotations, generic_named_tuple),
        *(class_with_memory, model_beside_a_lock, model_of_named_types),
    ],
)
def test_object_of_a_local_class_comes_back(make: Callable[[], Any]) -> None:
    """Neither caches of libraries in a class nor what was local around it stand in the way."""
    value = make()
    assert same(value, back(value))


def test_class_read_by_value_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process that never saw the class it is whole: its limits hold, and its caches are empty."""
    from cloudpickle import cloudpickle

    values = [constrained_struct(), class_with_memory(), generic_named_tuple(), model_of_named_types()]
    encoded = [CODECS.encode(value) for value in values]
    monkeypatch.setattr(cloudpickle, "_DYNAMIC_CLASS_TRACKER_BY_ID", {})
    user, lazy, pair, model = (
        CODECS.decode(e.codec, e.codec_version, e.decode_type, e.content) for e in encoded
    )
    assert type(user) is not type(values[0])
    with pytest.raises(msgspec.ValidationError, match=">= 0"):
        msgspec.convert({"age": -1}, type(user))
    assert (lazy.double, lazy.triple()) == (4, 6)
    assert type(pair)[int](1) == pair
    assert type(model)(one=3, more=["4"]).more == [4]


class WithSecrets(BaseModel):
    _made: Any = PrivateAttr(default=1)
    x: int = 0


def test_private_attribute_that_is_not_there_has_no_say() -> None:
    """What pydantic does not store of a model is no part of its digest: it is the same when it comes back."""
    model = WithSecrets()
    model.__pydantic_private__ = {"_made": PydanticUndefined}
    assert digest(model) == digest(back(model)) != digest(WithSecrets())
