"""The plugin knows MerkL's objects by their full names: each is where the plugin looks for it."""

from __future__ import annotations

import pkgutil

import pytest
from merkl_mypy import names

_NAMED = (
    names.FUTURE,
    names.TASK,
    names.TASK_FN,
    names.BATCH_FN,
    names.PIPELINE_FN,
    names.EVALUATE_FN,
    names.BASH_TASK_FN,
    names.PLACEHOLDER,
    names.ARG_SERIALIZER_FN,
    names.EVAL,
    names.FILE_REF,
    names.DIR_REF,
    names.SURFACE,
    names.TASK_METHOD,
    *(name.removesuffix(".__call__") for name in names.DECORATOR_CALLS),
)


@pytest.mark.parametrize("fullname", _NAMED)
def test_an_object_is_defined_under_the_name_that_the_plugin_has_for_it(fullname: str) -> None:
    """mypy gives the plugin the name of the definition, not of what re-exports it."""
    found = pkgutil.resolve_name(fullname)
    assert f"{found.__module__}.{found.__qualname__}" == fullname
