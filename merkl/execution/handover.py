"""What goes along with a call that is handed out: its bytes, the results that it needs, and what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from merkl.execution.evaluation import Evaluation
from merkl.execution.targets.base import KnownResult, Ticket
from merkl.execution.targets.reached import reached_by
from merkl.execution.targets.tickets import dump_call
from merkl.graph.call import Call
from merkl.graph.future import Future

__all__ = ["make_ticket"]


def make_ticket(
    call: Call,
    evaluation: Evaluation,
    parent_of: Callable[[Future[Any]], bytes | None],
    *,
    resources: dict[str, Any],
    retries: int | None,
    audited: tuple[str, ...] | None,
) -> Ticket:
    """Return the ticket of a call whose inputs are known, or come from submitted calls.

    `parent_of` gives the key of the submitted call that an input comes from, None for one that is known.

    Raises what pickling the arguments raises.
    """
    parents: dict[bytes, None] = {}
    inputs: dict[bytes, KnownResult] = {}
    for future in call.inputs():
        key = future.__merkl_key__()
        parent = parent_of(future)
        if parent is not None:
            parents[parent] = None
        elif key not in inputs:
            record = evaluation.record_of(future)
            is_own = evaluation.results.is_own(record)
            inputs[key] = KnownResult(record, evaluation.fresh.get(key), key in evaluation.tainted, is_own)
    forced = evaluation.plan.forced
    payload, code = dump_call(call)
    return Ticket(
        call.key(),
        call.task.name,
        payload,
        inputs,
        tuple(parents),
        resources,
        call.task.options.timeout,
        accepts_interrupted=evaluation.accepts_interrupted,
        retries=retries,
        audited=audited,
        reached=reached_by(call, code),
        forced=tuple(part.key() for part in call.parts if part.key() in forced) if forced else (),
    )
