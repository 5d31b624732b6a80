"""Input files that change between the making of a call's key and the end of its body."""

from __future__ import annotations

import warnings

from merkl._base.errors import MerklWarning
from merkl.files.reads import changed_reads
from merkl.graph.call import Call
from merkl.graph.session import sessions

__all__ = ["changed_inputs", "warn_of_changed_inputs"]


def changed_inputs(call: Call) -> list[str]:
    """Return the paths of a call's input files that do not hold what its key says: changed, or gone."""
    return changed_reads(call.files, sessions.current().files) if call.files else []


def warn_of_changed_inputs(call: Call, paths: list[str]) -> None:
    """Say that a result was made of files other than those in its key, and so is not stored."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    warnings.warn(
        f"the input {paths[0]!r}{more} of task {call.task.name!r} (called at {call.place()}) was changed after the "
        "call was made; the result is used in this run, but not stored. Run again when its writer is done",
        MerklWarning,
        stacklevel=2,
    )
