"""Objects of classes that no name leads to come back, whatever libraries have noted in these classes."""

from __future__ import annotations

import enum
import functools
import operator
import os
import re
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, NewType, TypeVar

import cloudpickle
import msgspec
import pytest
import typing_extensions
from pydantic import BaseModel, PrivateAttr
from pydantic_core import PydanticUndefined
from same_values import same

from merkl import digest
from merkl.codecs import DecodeError, default_codecs
from merkl.codecs.result_pickles import dump_result, load_result
from tests.interpreters import PYTHONS, ROOT, python_of

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


SCRIPT = """
import sys
from merkl.codecs import default_codecs
encoded = default_codecs().encode(eval("lambda x: [x + n for n in range(3)]"))
sys.stdout.buffer.write(encoded.content)
"""


def test_code_of_another_python_is_not_run() -> None:
    """What another version of Python compiled would end the process: reading it says so, and the result is made anew."""
    other = next(
        version for version in PYTHONS if version != f"{sys.version_info.major}.{sys.version_info.minor}"
    )
    paths = os.pathsep.join(str(ROOT / name) for name in ("", "serializers"))
    made = subprocess.run(
        [python_of(other), "-c", SCRIPT],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": paths},
        timeout=120,
    )
    assert made.returncode == 0, made.stderr
    with pytest.raises(DecodeError, match=f"code that Python {re.escape(other)}.* compiled"):
        CODECS.decode("pickle", CODECS.encode(lambda: 1).codec_version, "", made.stdout)


class Step(enum.Enum):
    """Members whose values are equal to themselves alone."""

    ADD = functools.partial(operator.add, 1)
    NEGATE = enum.member(lambda x: -x)


def test_a_member_of_an_enum_of_functions_comes_back() -> None:
    """pickle looks for the member by its value, and a copy of a function is another one."""
    for member in Step:
        content, _ = dump_result({member: [member]})
        assert load_result(content) == {member: [member]}


def test_an_enum_of_functions_by_value_keeps_its_members() -> None:
    """A function in the body of an enum would be a method."""

    class Local(enum.Enum):
        ADD = enum.member(lambda x: x + 1)
        TWICE = enum.member(functools.partial(operator.mul, 2))  # which 3.13 would take for a method, too

    read = cloudpickle.loads(_in_another_process(dump_result(Local.ADD)[0]))
    assert read == ([("ADD", 4), ("TWICE", 6)], "ADD")


_READER = """
import sys
import cloudpickle
from merkl.codecs.result_pickles import load_result
member = load_result(sys.stdin.buffer.read())
found = [(each.name, each.value(3)) for each in type(member)], member.name
sys.stdout.buffer.write(cloudpickle.dumps(found))
"""


def _in_another_process(content: bytes) -> bytes:
    return subprocess.run(
        [sys.executable, "-c", _READER], input=content, capture_output=True, check=True, cwd=ROOT, timeout=60
    ).stdout


def test_a_compiled_format_comes_back() -> None:
    """Scripts have them in globals, which go to other processes with their functions."""
    made = load_result(dump_result(struct.Struct("<IH"))[0])
    assert (type(made), made.format) == (struct.Struct, "<IH")
