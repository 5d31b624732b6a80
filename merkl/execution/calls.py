"""Carries out one call where it is to run: links it by content, or runs its body and keeps what it gives."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from merkl.execution.audit import BodyWatch
from merkl.execution.batches import take_apart
from merkl.execution.body import BodyOutcome, run_body
from merkl.execution.evaluation import Evaluation
from merkl.execution.events import Status
from merkl.execution.interrupts import Interrupts
from merkl.execution.memory import PeakMeter
from merkl.files.scratch import Scratch, enter_scratch, leave_scratch
from merkl.graph.call import Call

__all__ = ["keep_outcome", "link_parts", "run_call"]

#: Stands in the place of a watch where none is kept.
_UNWATCHED = contextlib.nullcontext()


def link_parts(
    evaluation: Evaluation, call: Call
) -> tuple[list[Call], Call | None, dict[Call, bytes | None]]:
    """Try to find a call's results, those of each item of a batch, by content key.

    Return the calls whose results are there now, the call for what is left, and the content keys.
    """
    content_keys: dict[Call, bytes | None] = {}
    linked: list[Call] = []
    for part in call.parts:
        key = content_keys[part] = evaluation.content_key(part)
        if key is not None and part.key() not in evaluation.plan.forced and evaluation.link(part, key):
            linked.append(part)
    return linked, call.without(linked) if linked else call, content_keys


def run_call(
    evaluation: Evaluation,
    call: Call,
    values: tuple[Any, ...],
    content_keys: Mapping[Call, bytes | None],
    interrupts: Interrupts,
    *,
    expand: Callable[[Any], Any],
    scratch_parent: Path | None,
    meter: PeakMeter,
    watch: BodyWatch | None = None,
    is_copy: bool = False,
    on_attempt: Callable[[], None] | None = None,
    retries: int | None = None,
) -> tuple[Status, float]:
    """Run the body of a call, store what it gives, and return what became of it with the seconds of the body.

    A Ctrl-C reaches the body as KeyboardInterrupt; while results are stored it waits until they are. What a body
    returned in spite of it is a result of this run alone, unless its task says `on_interrupt="keep"`. `watch` collects what
    the body touches.

    Raises what `run_body` and storing raise, and `KeyboardInterrupt`.
    """
    before = interrupts.presses
    scratch = Scratch(scratch_parent)
    token = enter_scratch(scratch)
    is_stored = True
    try:
        with _UNWATCHED if watch is None else watch.watching(call, values) as was_given:
            outcome = run_body(
                call,
                values,
                expand,
                interrupts,
                meter=meter,
                is_copy=is_copy,
                on_attempt=on_attempt,
                retries=retries,
            )
            if was_given is not None:
                was_given(outcome.outs.values())
        is_interrupted = interrupts.presses > before
        is_stored = keep_outcome(evaluation, call, outcome, content_keys, is_interrupted=is_interrupted)
    finally:
        leave_scratch(token)
        # A file that is in no cache is the result itself: it stays where the body made it.
        if is_stored:
            scratch.remove()
        else:
            scratch.remove_if_empty()
    return ("interrupted" if is_interrupted else "run"), outcome.duration


def keep_outcome(
    evaluation: Evaluation,
    call: Call,
    outcome: BodyOutcome,
    content_keys: Mapping[Call, bytes | None],
    *,
    is_interrupted: bool,
) -> bool:
    """Store what a body gave, for each item of a batch; say whether all of it is in the cache."""
    is_stored = True
    is_discarded = (
        is_interrupted and call.task.options.on_interrupt == "discard" and not evaluation.accepts_interrupted
    )
    for part, its_outcome in take_apart(call, outcome):
        alias = None if is_discarded else content_keys[part]
        is_kept = evaluation.keep(
            part,
            its_outcome,
            alias,
            is_interrupted=is_discarded,
            is_accepted=is_interrupted and not is_discarded,
        )
        is_stored = is_stored and is_kept
    return is_stored
