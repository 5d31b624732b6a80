"""Which parts of an argument differ, lists of structures included."""

from __future__ import annotations

import pytest

from merkl.execution.outlines import MOST_PARTS, outline_value
from merkl.render.argument_parts import changed_parts

CELLS = [{"lr": lr, "seed": seed} for seed in (1, 2, 3) for lr in (0.1, 0.2, 0.4)]
FINER = [{"lr": lr, "seed": seed} for seed in (1, 2, 3) for lr in (0.1, 0.2, 0.3, 0.4)]


def told(old: object, new: object) -> list[str]:
    changes = changed_parts(outline_value(old) or {}, outline_value(new) or {})
    return [f"{c.then}: {c.old} -> {c.now}: {c.new}" for c in changes]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (CELLS, FINER, [f"None:  -> [{i}]: ['lr']=0.3, ['seed']={s}" for i, s in ((2, 1), (6, 2), (10, 3))]),
        ([[1, 2], [5, 6]], [[1, 2], [3, 4], [5, 6]], ["None:  -> [1]: [3, 4]"]),
        ({"a": [1, 2, 3]}, {"a": [1, 3]}, ["['a'][1]: 2 -> None: "]),
        ([1, 2, 3, 4], [0, 1, 2, 3], ["None:  -> [0]: 0", "[3]: 4 -> None: "]),
        ([1, 2, 3], [1, 5, 3], ["[1]: 2 -> [1]: 5"]),
        ([{"x": [1, 2]}], [{"x": [1, 3, 2]}], ["None:  -> [0]['x'][1]: 3"]),
        ({"a": 1}, {"b": 1}, ["['a']: 1 -> None: ", "None:  -> ['b']: 1"]),
        (
            [(1, "a"), (2, "b")],
            [(1, "a"), (2, "c"), (3, "d")],
            ["[1][1]: 'b' -> [1][1]: 'c'", "None:  -> [2]: [3, 'd']"],
        ),
    ],
)
def test_items_are_told_by_themselves(old: object, new: object, expected: list[str]) -> None:
    assert told(old, new) == expected


def test_what_is_only_pushed_out_of_a_long_outline_did_not_change() -> None:
    """Outlines are cut: an item at the end of one is beyond the end of the other."""
    long = [{"n": n, "half": n / 2} for n in range(MOST_PARTS)]
    assert told(long, [{"n": -1, "half": 0.0}, *long]) == ["None:  -> [0]: ['n']=-1, ['half']=0.0"]
    assert told(long, long[1:]) == ["[0]: ['n']=0, ['half']=0.0 -> None: "]
