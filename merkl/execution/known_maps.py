"""Makes the calls of maps over lists that are in the cache already, where a graph is looked at and nothing may run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from merkl._base.errors import MerklError
from merkl.execution.body import expand_call, place_items
from merkl.execution.plan import Plan
from merkl.execution.results import Results
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.nested import find_futures, replace_futures
from merkl.graph.task import MapTask

__all__ = ["KnownItems", "expand_known_maps"]

#: The items of each map whose list is known.
KnownItems = Mapping[Call, Sequence[Future[Any]]]


def expand_known_maps(plan: Plan, results: Results) -> KnownItems:
    """Return the items of the missing maps of a plan whose lists can be loaded; they stand in order before their map.

    A map of a pipeline is left as it is, since its items would run the pipeline's body.
    """
    found: dict[Call, list[Future[Any]]] = {}
    for call in plan.missing:
        if isinstance(call.task, MapTask) and not call.task.inner.is_pipeline:
            items = _make_items(call, plan, results)
            if items is not None:
                found[call] = items
    return found


def _make_items(call: Call, plan: Plan, results: Results) -> list[Future[Any]] | None:
    values: dict[bytes, Any] = {}
    try:
        for future in call.inputs():
            key = future.__merkl_key__()
            record = plan.records.get(key)
            loaded = None if record is None else results.load(future, record)
            if loaded is None:
                return None
            (values[key],) = loaded
        given = replace_futures(call.values, lambda future: values[future.__merkl_key__()])
        items = list(find_futures(expand_call(call, given)))
    except MerklError:
        return None  # a run says what is wrong with it
    place_items(call, items)
    for place, future in enumerate(items, 1):
        future._call.sequence = call.sequence - 1 + place / (len(items) + 1)
    return items
