"""What a run gave, as JSON: values as they are where JSON can hold them, else by type, key and preview."""

from __future__ import annotations

from typing import Any

from merkl.cli.output import describe_value, is_json
from merkl.graph.future import Future
from merkl.graph.nested import find_futures, replace_futures

__all__ = ["json_result"]


def json_result(returned: Any, value: Any) -> Any:
    """Return a result as JSON; what is none shows as type, key and preview."""
    if is_json(value):
        return value
    futures = find_futures(returned)
    if isinstance(returned, Future) or not futures:
        return describe_value(value, futures[0].hash if futures else None)
    found = _find_values(returned, value)
    if len(found) != len(futures):
        return describe_value(value, None)
    values = {id(f): v for f, v in zip(futures, found, strict=True)}
    shown = replace_futures(
        returned, lambda f: values[id(f)] if is_json(values[id(f)]) else describe_value(values[id(f)], f.hash)
    )
    return shown if is_json(shown) else describe_value(value, None)


def _find_values(returned: Any, value: Any) -> list[Any]:
    """Return the values that stand in `value` where the Futures of `returned` were, as far as JSON could hold them.

    Those in sets, in objects and among the keys of dicts are left out.
    """
    found: list[Any] = []
    _pair(returned, value, found, set())
    return found


def _pair(returned: Any, value: Any, found: list[Any], seen: set[int]) -> None:
    if type(returned) is Future:
        if id(returned) not in seen:
            seen.add(id(returned))
            found.append(value)
    elif isinstance(returned, dict):
        if not find_futures(list(returned)):
            for key, item in returned.items():
                _pair(item, value[key], found, seen)
    elif isinstance(returned, (list, tuple)):
        for item, other in zip(returned, value, strict=True):
            _pair(item, other, found, seen)
