"""Exceptions as values: the same in keys and results whatever library is imported."""

from __future__ import annotations

import copyreg
from typing import Any, cast

import tblib.pickling_support

from merkl import digest
from merkl.codecs.result_pickles import dump_result


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
