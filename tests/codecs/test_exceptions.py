"""Exceptions as values: the same in keys and results whatever library is imported."""

from __future__ import annotations

import copyreg
from typing import Any, cast

import tblib.pickling_support

from merkl import digest
from merkl.codecs.result_pickles import dump_result, load_result


def test_a_library_that_pickles_all_exceptions_changes_neither_keys_nor_contents() -> None:
    """As Dask does once it is imported: workers had other fingerprints, and results other content hashes."""
    try:
        raise ValueError("a", 5)
    except ValueError as error:
        values: list[Any] = [error, [OSError(2, "x", "f")], ExceptionGroup("g", [KeyError(1)])]
    before = [(digest(value), dump_result(value)[0]) for value in values]
    table = cast("dict[Any, Any]", copyreg.dispatch_table)
    registered = dict(table)
    try:
        table.clear()
        tblib.pickling_support.install()
        assert ValueError in table
        assert [(digest(value), dump_result(value)[0]) for value in values] == before
    finally:
        table.clear()
        table.update(registered)


class Refused(Exception):
    """Takes more than it passes on."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(f"refused with {code}")
        self.code, self.detail = code, detail


class Left(SystemExit):
    """Has a state of its own in C."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(code)
        self.name = name


class Silent(Exception):
    """Passes nothing on."""

    def __init__(self, *, why: str) -> None:
        self.why = why


def test_exceptions_whose_init_takes_something_else_than_their_args_come_back() -> None:
    """pickle would make them by `cls(*args)`, which fails when the result is read."""
    refused = load_result(dump_result(Refused(404, "no such page"))[0])
    assert (type(refused), refused.args, vars(refused)) == (
        Refused,
        ("refused with 404",),
        {"code": 404, "detail": "no such page"},
    )
    left = load_result(dump_result(Left("a", 3))[0])
    assert (type(left), left.code, left.name) == (Left, 3, "a")
    silent = load_result(dump_result(Silent(why="x"))[0])
    assert (type(silent), silent.args, silent.why) == (Silent, (), "x")
