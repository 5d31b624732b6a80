"""Random hints and random values: the validator against an oracle that reads the typing rules one value at a time."""

from __future__ import annotations

import collections
import collections.abc as abc
import dataclasses
import enum
import random
from collections.abc import Callable
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    TypedDict,
    Union,
    get_args,
    get_origin,
)

import pytest
from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

from merkl.validation import validate_value


class Row(TypedDict):
    a: int
    b: NotRequired[str]


class Pair(NamedTuple):
    x: int
    ys: list[str]


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass(frozen=True)
class Point:
    x: int


UserId = NewType("UserId", int)
ATOMS: list[Any] = [int, str, float, bool, bytes, complex, None, object, Any, Row, Pair, Color, Point, UserId]
ATOMS += [Literal[1, "a"], Literal[Color.RED, True]]
KEYS: list[Any] = [int, str, bytes, bool, float, Color, Point, Literal[1, "a"], tuple[int, str]]


def random_hint(rng: random.Random, depth: int) -> Any:
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(ATOMS)
    one, two, key = random_hint(rng, depth - 1), random_hint(rng, depth - 1), rng.choice(KEYS)
    options: list[Callable[[], Any]] = [
        lambda: list[one],
        lambda: dict[key, one],
        lambda: set[key],
        lambda: frozenset[key],
        lambda: tuple[one, two],
        lambda: tuple[one, ...],
        lambda: tuple[one, *tuple[two, ...]],
        lambda: Union[one, None],  # noqa: UP007
        lambda: Union[one, two],  # noqa: UP007
        lambda: abc.Sequence[one],
        lambda: abc.Mapping[key, one],
        lambda: abc.Iterable[one],
        lambda: collections.deque[one],
        lambda: collections.ChainMap[key, one],
        lambda: Annotated[one, "note"],
    ]
    return rng.choice(options)()


def junk(rng: random.Random) -> Any:
    """Anything."""
    some: list[Any] = [
        0,
        "s",
        1.5,
        None,
        b"b",
        [],
        [1],
        ["x"],
        {"k": 1},
        (1,),
        {1},
        Point(2),
        Color.RED,
        True,
        1j,
    ]
    return rng.choice([*some, {"a": 1}, object()])


def random_value(rng: random.Random, hint: Any) -> Any:
    """A value that fits, but for the odd piece of junk in it."""
    if rng.random() < 0.06:
        return junk(rng)
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return random_value(rng, args[0])
    if origin is Union or origin is Literal:
        return rng.choice(args) if origin is Literal else random_value(rng, rng.choice(args))
    if origin is None:
        return _random_plain(rng, hint)
    count = rng.choice([0, 1, 2, 3, 5])
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        rest = get_args(args[1])[0] if getattr(args[-1], "__unpacked__", False) else None
        if rest is not None:
            return (random_value(rng, args[0]), *(random_value(rng, rest) for _ in range(count)))
        return tuple(random_value(rng, arg) for arg in args)
    if len(args) == 2 and args[1] is not Ellipsis:
        made = {_hashable(rng, args[0]): random_value(rng, args[1]) for _ in range(count)}
        return collections.ChainMap(made) if origin is collections.ChainMap else made
    if origin in (set, frozenset):
        return origin(_hashable(rng, args[0]) for _ in range(count))
    items = [random_value(rng, args[0]) for _ in range(count)]
    return items if origin not in (tuple, collections.deque) else origin(items)


def _hashable(rng: random.Random, hint: Any) -> Any:
    while True:
        value = random_value(rng, hint)
        try:
            hash(value)
        except TypeError:
            continue
        return value


def _random_plain(rng: random.Random, hint: Any) -> Any:
    fitting: dict[Any, list[Any]] = {
        int: [0, 1, -5, True],
        UserId: [7],
        str: ["", "a"],
        float: [1.5, 2, True],
        bool: [True],
        bytes: [b"x"],
        complex: [1j, 1.0, 2],
        None: [None],
        type(None): [None],
        Row: [{"a": 1}, {"a": 2, "b": "x"}, {"a": "x"}, {}, {"a": 1, "b": 2}],
        Pair: [Pair(1, ["a"]), Pair(1, [2])],  # type: ignore[list-item]
        Color: list(Color),
        Point: [Point(1)],
    }
    return rng.choice(fitting[hint]) if hint in fitting else junk(rng)


def fits(value: Any, hint: Any) -> bool:
    """The oracle."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return True
    if hint is None or hint is type(None):
        return value is None
    if origin is Annotated:
        return fits(value, args[0])
    if origin is Union:
        return any(fits(value, arg) for arg in args)
    if origin is Literal:
        return any(type(value) is type(arg) and value == arg for arg in args)
    if hint is Row:
        known = isinstance(value, dict) and isinstance(value.get("a"), int)
        return known and ("b" not in value or isinstance(value["b"], str))
    if hint is Pair:
        return isinstance(value, Pair) and isinstance(value.x, int) and fits(value.ys, list[str])
    if origin is None:
        wider: dict[Any, Any] = {UserId: int, float: (int, float), complex: (int, float, complex)}
        return isinstance(value, wider.get(hint, hint))
    if not isinstance(value, origin):
        return False
    if origin is tuple:
        return _tuple_fits(value, args)
    if len(args) == 2:
        return all(fits(k, args[0]) and fits(v, args[1]) for k, v in value.items())
    return all(fits(item, args[0]) for item in value)


def _tuple_fits(value: tuple[Any, ...], args: tuple[Any, ...]) -> bool:
    if len(args) == 2 and args[1] is Ellipsis:
        return all(fits(item, args[0]) for item in value)
    if getattr(args[-1], "__unpacked__", False):
        rest = get_args(args[1])[0]
        return bool(value) and fits(value[0], args[0]) and all(fits(item, rest) for item in value[1:])
    return len(value) == len(args) and all(fits(item, arg) for item, arg in zip(value, args, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_all_finds_exactly_what_does_not_fit(seed: int) -> None:
    """Two thousand pairs for each seed, three levels deep; and `first` never refuses what fits."""
    rng = random.Random(seed)
    counts = collections.Counter[bool]()
    for _ in range(2000):
        hint = random_hint(rng, 3)
        value = random_value(rng, hint)
        wanted = fits(value, hint)
        counts[wanted] += 1
        problem = validate_value(value, hint, items="all")
        assert (problem is None) == wanted, (value, hint, problem)
        assert not wanted or validate_value(value, hint, items="first") is None, (value, hint)
    assert min(counts[True], counts[False]) > 300


def test_what_typeguard_refuses_is_refused() -> None:
    """Typeguard knows fewer containers, and in those it knows it finds nothing that the validator doesn't."""
    rng = random.Random(99)
    refused = 0
    for _ in range(1000):
        hint = random_hint(rng, 2)
        value = random_value(rng, hint)
        if "*" in str(hint):
            continue  # typeguard compares such a tuple by its length
        try:
            check_type(value, hint, collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS)
        except TypeError:  # typeguard itself asks whether something is an instance of Any
            continue
        except TypeCheckError:
            refused += 1
            # Keys that a TypedDict does not name are fine: a wider TypedDict is one too.
            has_more_keys = "Row" in str(hint) and fits(value, hint)
            assert has_more_keys or validate_value(value, hint, items="all") is not None, (value, hint)
    assert refused > 100
