"""Canonical bytes of particular types: what is told apart, what is not, what is refused."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import importlib
import pathlib
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, NewType, TypeVar

import attrs
import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest
import scipy.sparse
import scipy.special
from merkl_serializers import (
    AmbiguousEncoderError,
    UnserializableError,
    default_registry,
    encode_scalar,
)
from typing_extensions import TypeAliasType

digest = default_registry.digest


@dataclasses.dataclass
class A:
    x: int


@dataclasses.dataclass
class B:
    x: int


@dataclasses.dataclass
class Quiet:
    x: int
    y: int = dataclasses.field(default=0, repr=False)


class Colour(str, enum.Enum):  # noqa: UP042 - the old way is meant
    RED = "red"


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


class Int(int):
    pass


class Pair(NamedTuple):
    a: int
    b: int


class NamedGlobally:
    """Pickles as the global of that name."""

    def __init__(self, a: object) -> None:
        self.a = a

    def __reduce__(self) -> str:
        return "THE_ONE"


TypeOfElsewhere = NewType("Id", int)
TypeOfElsewhere.__module__ = "elsewhere"


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a: object) -> None:
        self.a = a


class SlottedWithDict(Slotted):
    pass


class Model(pydantic.BaseModel):
    x: Any = None


class Other(pydantic.BaseModel):
    x: Any = None


class Struct(msgspec.Struct):
    x: Any = None


@attrs.define
class Attr:
    x: Any = None


def function(x: int) -> int:
    return x + 1


def other_function(x: int) -> int:
    return x + 2


class TaggedArray(pd.arrays.NumpyExtensionArray):  # type: ignore[misc]
    """An extension array that is not pandas' own."""

    def __init__(self, values: list[float]) -> None:
        super().__init__(np.array(values))


DIFFERENT: dict[str, list[Any]] = {
    "ones": [
        1,
        1.0,
        True,
        "1",
        b"1",
        1 + 0j,
        decimal.Decimal(1),
        Int(1),
        np.int64(1),
        np.float64(1),
        np.bool_(True),
    ],
    "zeros": [0, 0.0, -0.0, False, None, "", b"", [], (), {}, set(), frozenset()],
    "containers": [[1], (1,), {1}, frozenset({1}), {1: None}, collections.deque([1]), Pair(1, 1), (1, 1)],
    "keys": [{1: "x"}, {"1": "x"}, {1.0: "x"}, {True: "x"}],
    "dicts": [
        {"a": 1},
        collections.OrderedDict(a=1),
        collections.defaultdict(int, a=1),
        collections.Counter(a=1),
    ],
    "views": [
        {"a": 1}.keys(),
        {"a": 1}.values(),
        {"a": 1}.items(),
        {"a": 1, "b": 2}.keys(),
        {"b": 2, "a": 1}.keys(),
        collections.OrderedDict(a=1).keys(),
        collections.OrderedDict(a=1).values(),
        collections.OrderedDict(a=1).items(),
        {1: "a"}.keys(),
        ["a"],
        {"a"},
    ],
    "ordered": [collections.OrderedDict([("a", 1), ("b", 2)]), collections.OrderedDict([("b", 2), ("a", 1)])],
    "classes of equal fields": [A(1), B(1), Model(x=1), Other(x=1), Struct(1), Attr(1), {"x": 1}, Slotted(1)],
    "fields without repr": [Quiet(1, 0), Quiet(1, 1)],
    "enums": [Colour.RED, "red", Permission.READ, Permission.WRITE, Permission.READ | Permission.WRITE, 1],
    "decimals": [decimal.Decimal("1.0"), decimal.Decimal("1.00"), decimal.Decimal("NaN")],
    "bytes": [b"x", bytearray(b"x"), memoryview(b"x"), "x"],
    "views of bytes by format": [
        memoryview(b"abcd"),
        memoryview(b"abcd").cast("H"),
        memoryview(b"abcd").cast("h"),
        memoryview(b"abcd").cast("B", (2, 2)),
    ],
    "structs": [struct.Struct("<i"), struct.Struct(">i"), "<i"],
    "new types": [NewType("Id", int), NewType("Id", str), NewType("Other", int), TypeOfElsewhere, int],
    "type variables": [TypeVar("T"), TypeVar("T", bound=int), TypeVar("T", int, str), TypeVar("U")],
    "aliases": [TypeAliasType("Alias", int), TypeAliasType("Alias", str), TypeAliasType("Name", int)],
    "what goes by its name": [NamedGlobally(1), NamedGlobally(2), NamedGlobally(threading.Lock())],
    "dtypes": [np.dtype("i4"), np.dtype("i4", metadata={"unit": "m"}), np.dtype("i8")],
    "ufuncs": [np.sin, np.strings.isalpha, np.strings.isdigit, scipy.special.poch, scipy.special.xlogy],
    "paths": [pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), "a"],
    "times": [
        datetime.datetime(2024, 1, 1),
        datetime.datetime(2024, 1, 1, fold=1),
        datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
        datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
        datetime.date(2024, 1, 1),
    ],
    "functions": [
        function,
        other_function,
        len,
        functools.partial(function, 1),
        functools.partial(function, 2),
        A,
    ],
    "arrays": [
        np.zeros(4),
        np.zeros(4, "f4"),
        np.zeros((2, 2)),
        np.zeros((4, 1)),
        np.zeros(4, ">f8"),
        [0.0] * 4,
        np.zeros(4).view("i8"),
        np.ma.masked_array(np.zeros(4), [0, 0, 0, 1]),
    ],
    "orders": [np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3))],
    "object arrays": [np.array([1, "a"], object), np.array(["1", "a"], object), np.array([1, "b"], object)],
    "structured": [np.zeros(2, [("a", "i4")]), np.zeros(2, [("b", "i4")]), np.zeros(2, [("a", "u4")])],
    "frames": [
        pd.DataFrame({"a": [1, 2]}),
        pd.DataFrame({"a": [1.0, 2.0]}),
        pd.DataFrame({"b": [1, 2]}),
        pd.DataFrame({"a": [1, 2]}, index=[1, 2]),
        pd.DataFrame({"a": pd.Series([1, 2], dtype="Int64")}),
        pd.DataFrame({"a": pd.Categorical([1, 2])}),
        pl.DataFrame({"a": [1, 2]}),
        pa.table({"a": [1, 2]}),
        pd.Series([1, 2], name="a"),
    ],
    "bare categories": [
        pd.Categorical(["a", "b"]),
        pd.Categorical(["a", "b"], ordered=True),
        pd.Categorical(["a", "b"], categories=["b", "a"]),
        pd.Categorical(["a", "b"], categories=["a", "b", "c"]),
        pd.Categorical(["c", "d"]),
    ],
    "bare arrays": [
        pd.arrays.IntervalArray.from_breaks([0, 1]),
        pd.arrays.IntervalArray.from_breaks([0, 1], closed="left"),
        pd.PeriodIndex.from_ordinals([0], freq="D").array,
        pd.PeriodIndex.from_ordinals([0], freq="M").array,
        pd.DatetimeIndex(["1970"], tz="UTC").array,
        pd.DatetimeIndex(["1970"], tz="UTC").tz_convert("Europe/Rome").array,
        pd.DatetimeIndex(["1970"]).array,
        pd.arrays.SparseArray([0, 1], fill_value=0),
        pd.arrays.SparseArray([0, 1], fill_value=1),
        pd.array([0], dtype="Int64"),
        pd.array([0], dtype="Int32"),
        pd.array([0], dtype=pd.ArrowDtype(pa.int64())),
        pd.array([0], dtype=pd.ArrowDtype(pa.int32())),
        pd.arrays.NumpyExtensionArray(np.array([0])),
        pd.arrays.NumpyExtensionArray(np.array([0.0])),
    ],
    "bare strings": [
        pd.array(["a"], dtype=pd.StringDtype("python")),
        pd.array(["a"], dtype=pd.StringDtype("pyarrow")),
        pd.array(["a"], dtype=pd.StringDtype("python", na_value=np.nan)),
        pd.array(["a"], dtype=pd.ArrowDtype(pa.string())),
    ],
    "arrays of another library": [TaggedArray([0]), TaggedArray([1]), TaggedArray([0.0])],
    "columns of strings": [
        pd.Series(["a"], dtype=pd.StringDtype("python")),
        pd.Series(["a"], dtype=pd.StringDtype("python", na_value=np.nan)),
        pd.Series(["a"], dtype=object),
    ],
    "columns in another order": [pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [2], "a": [1]})],
    "levels, which unstacking shows": [
        pd.MultiIndex(levels=[["a", "b"], [1, 2]], codes=[[0, 1], [0, 1]]),
        pd.MultiIndex(levels=[["b", "a"], [1, 2]], codes=[[1, 0], [0, 1]]),
        pd.MultiIndex(levels=[["a", "b", "c"], [1, 2]], codes=[[0, 1], [0, 1]]),
        pd.MultiIndex(levels=[["a", "b"], [1, 2]], codes=[[0, -1], [0, 1]]),
    ],
    "missing values": [
        pd.Series([1, None], dtype="Int64"),
        pd.Series([1.0, None]),
        pd.Series([1, None], dtype=object),
        pd.NA,
        pd.NaT,
        np.nan,
        None,
    ],
    "sparse": [scipy.sparse.csr_matrix(np.eye(3)), scipy.sparse.csc_matrix(np.eye(3)), np.eye(3)],
    "generators": [np.random.default_rng(1), np.random.default_rng(2)],
}


@pytest.mark.parametrize("values", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_different_values_have_different_digests(values: list[Any]) -> None:
    """No two of a row are taken for each other."""
    assert len({digest(value) for value in values}) == len(values)


EQUAL: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "views of arrays": (lambda: np.arange(10)[::2], lambda: np.array([0, 2, 4, 6, 8])),
    "large views": (lambda: np.arange(200_000)[::2], lambda: np.arange(0, 200_000, 2)),
    "nan": (lambda: float("nan"), lambda: np.nan),
    "dict order": (lambda: {"a": 1, "b": 2}, lambda: {"b": 2, "a": 1}),
    "object arrays": (lambda: np.array(["ab", None], object), lambda: np.array(["a" + "b", None], object)),
    "shared and equal parts": (lambda: [[1]] * 2, lambda: [[1], [1]]),
    "models": (lambda: Model(x={"a": 1}), lambda: Model(x={"a": 1})),
    "slots": (lambda: Slotted([1]), lambda: Slotted([1])),
    "frames by blocks": (
        lambda: pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
        lambda: pd.DataFrame({"a": [1, 2]}).assign(b=[3, 4]),
    ),
    "arrow chunks": (
        lambda: pa.chunked_array([[1, 2], [3]]),
        lambda: pa.chunked_array([[1], [2, 3]]),
    ),
    "generators with equal state": (lambda: np.random.default_rng(3), lambda: np.random.default_rng(3)),
}


@pytest.mark.parametrize("makers", EQUAL.values(), ids=EQUAL.keys())
def test_equal_values_have_equal_digests(makers: tuple[Callable[[], Any], Callable[[], Any]]) -> None:
    """However they were made."""
    assert digest(makers[0]()) == digest(makers[1]())


def test_a_memory_mapped_array_is_its_content(tmp_path: pathlib.Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(1000.0))
    assert digest(np.load(tmp_path / "a.npy", mmap_mode="r")) in (digest(np.arange(1000.0)),)


def test_a_list_that_holds_itself_ends() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    again: list[Any] = [1]
    again.append(again)
    assert digest(loop) == digest(again)
    assert digest(loop) != digest([1, [1]])


@pytest.mark.parametrize("value", [threading.Lock(), (x for x in [1])], ids=["lock", "generator"])
def test_what_has_no_value_is_refused_with_path_and_remedy(value: Any) -> None:
    with pytest.raises(UnserializableError) as caught:
        digest({"a": [1, value]})
    assert caught.value.path == "['a'][1]"
    assert "arg_serializer" in caught.value.remedy


def test_an_open_file_is_refused_with_what_to_pass_in_its_place(tmp_path: pathlib.Path) -> None:
    with open(tmp_path / "x", "w") as file, pytest.raises(UnserializableError, match="FileRef"):
        digest(file)


_CHAIN = collections.ChainMap({1: 2})


@pytest.mark.parametrize(
    "view", [_CHAIN.keys(), _CHAIN.values(), _CHAIN.items()], ids=["keys", "values", "items"]
)
def test_a_view_of_a_mapping_that_is_no_dict_is_refused_with_what_to_pass_in_its_place(view: Any) -> None:
    with pytest.raises(UnserializableError, match="Pass a list of it"):
        digest(view)


def test_a_ufunc_is_named_the_same_whatever_was_imported_before() -> None:
    """Other modules of scipy import it from where it belongs, and some of them sort before that."""
    code = "import {}scipy.special; from merkl import digest; print(digest(scipy.special.poch))"
    commands = [[sys.executable, "-c", code.format(other)] for other in ("", "scipy.interpolate, ")]
    done = [subprocess.run(command, capture_output=True, text=True, check=True) for command in commands]
    assert done[0].stdout == done[1].stdout == f"{digest(scipy.special.poch)}\n"


@pytest.mark.parametrize(
    "value", [0, 1, -1, 2**70, 1.5, -0.0, "", "aé\ud800", b"", b"x" * 99, True, False, None]
)
def test_the_quick_way_for_scalars_gives_the_same_bytes(value: Any) -> None:
    assert encode_scalar(value) == default_registry.encode(value).data


@pytest.mark.parametrize("value", [[1], (1, [2]), Int(1), Colour.RED, {}, np.float64(1), A(1)])
def test_the_quick_way_is_for_exact_scalars_only(value: Any) -> None:
    assert encode_scalar(value) is None


def test_what_can_be_changed_in_place_is_known() -> None:
    encode = default_registry.encode
    assert not any(
        encode(v).is_mutable for v in (1, "a", (1, ("b", None)), frozenset({1}), datetime.date(2024, 1, 1))
    )
    assert all(encode(v).is_mutable for v in ([1], (1, [2]), {}, {1}, A(1), np.zeros(1), bytearray()))


def test_classes_of_instances_are_reported() -> None:
    classes = default_registry.encode([A(1), {"k": Model(x=Struct(1))}]).classes
    assert {A, Model, Struct} <= set(classes)
    assert not default_registry.encode([1, "a", {"k": (2.5,)}]).classes


def test_a_serializer_of_a_base_class_holds_for_subclasses_which_stay_apart() -> None:
    class Base:
        def __init__(self, n: int) -> None:
            self.n, self.lock = n, threading.Lock()

    class Sub(Base):
        pass

    with default_registry.override():
        default_registry.register(Base, lambda value: value.n)
        assert digest(Base(1)) == digest(Base(1))
        assert digest(Base(1)) != digest(Base(2))
        assert digest(Base(1)) != digest(Sub(1)) != digest(1)
    with pytest.raises(UnserializableError):
        digest(Base(1))


def test_two_bases_with_serializers_are_ambiguous() -> None:
    class One:
        pass

    class Two:
        pass

    class Both(One, Two):
        pass

    with default_registry.override():
        default_registry.register(One, lambda value: 1)
        default_registry.register(Two, lambda value: 2)
        with pytest.raises(AmbiguousEncoderError):
            digest(Both())


def test_references_are_encoded_through_resolve() -> None:
    class Ref:
        def __init__(self, key: bytes) -> None:
            self.key = key

    with default_registry.override():
        default_registry.register_reference(Ref)

        def encode(value: Any) -> bytes:
            return default_registry.encode(value, resolve=lambda ref: ref.key).data

        assert encode([Ref(b"a")]) == encode([Ref(b"a")]) != encode([Ref(b"b")])
        assert encode({Ref(b"a"), Ref(b"b")}) == encode({Ref(b"b"), Ref(b"a")})


def test_dict_order_can_count() -> None:
    def keep(value: Any) -> bytes:
        return default_registry.encode(value, keep_dict_order=True).data

    assert keep({"a": 1, "b": 2}) != keep({"b": 2, "a": 1})
    assert keep({"a": 1, "b": 2}) == keep({"a": 1, "b": 2})


def test_values_nested_deeper_than_the_recursion_limit_have_digests() -> None:
    def nested(depth: int) -> list[Any]:
        value: list[Any] = []
        for _ in range(depth):
            value = [value]
        return value

    assert len({digest(nested(depth)) for depth in (100, 500, 5000, 5001)}) == 4
    assert digest(nested(5000)) == digest(nested(5000))


def test_a_class_of_a_module_that_is_called_like_one_of_pythons_is_the_users(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So its code counts where its instances are arguments."""
    (tmp_path / "trace.py").write_text("class Step:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "trace", raising=False)
    module = importlib.import_module("trace")
    assert default_registry.encode(module.Step()).classes == {module.Step}
    monkeypatch.delitem(sys.modules, "trace")


def test_packages_of_another_environment_are_named(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an environment that takes the packages of another one by PYTHONPATH: no other keys than there."""
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "borrowed_package.py").write_text("def f():\n    return 1\n")
    monkeypatch.syspath_prepend(folder)
    module = importlib.import_module("borrowed_package")
    before = default_registry.digest(module), default_registry.digest(module.f)
    module.f.__code__ = (lambda: 2).__code__
    assert (default_registry.digest(module), default_registry.digest(module.f)) == before
    monkeypatch.delitem(sys.modules, "borrowed_package")
