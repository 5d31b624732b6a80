"""Calls that failed, as the ledger keeps them: which, when, what was said in one line, and all of it with the traceback."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from merkl._base.errors import CommandFailedError, MerklError, TaskFailedError
from merkl._base.tracebacks import describe_error, traceback_of_body, traceback_text
from merkl.cache import ArgumentPreview, Ledger, Metadata
from merkl.execution.previews import describe_arguments, describe_extras
from merkl.graph.call import Call
from merkl.graph.shown import plain_text

__all__ = [
    "FailedCall",
    "describe_failed_call",
    "details_of_error",
    "find_failed_calls",
    "line_of_error",
    "metadata_of_failed",
    "note_failed_call",
]

_KIND = "failed"
#: Characters of the one line, and of each end of the message and of the traceback.
_LONGEST = 500
_LONGEST_END = 2_000


class FailedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that raised when it was last run.

    `task` is the qualified name, `run` the id of the run, `error` what was said in one line, `details` all of it with the
    traceback of the body, of which the middle may be cut, `output` what the body printed last, `parents` are its inputs.
    """

    run: str
    task: str
    error: str
    details: str = ""
    fingerprint: str = ""
    extras: tuple[str, ...] = ()
    location: str = ""
    arguments: tuple[ArgumentPreview, ...] = ()
    parents: tuple[str, ...] = ()
    at: float = 0.0
    output: str = ""


def note_failed_call(ledger: Ledger, call: Call, error: BaseException, *, run: str, details: str) -> None:
    """Write down that a call failed; `details` is all that was said."""
    failed = FailedCall(
        run=run,
        task=f"{call.task.__module__}.{call.task.name}",
        error=line_of_error(error),
        # Apart, since who asks for all that failed wants no tracebacks.
        details=ledger.save_blob(details.encode()),
        fingerprint=call.fingerprint.hex() if call.fingerprint else "",
        extras=describe_extras(call),
        location=call.location(),
        arguments=describe_arguments(call),
        parents=tuple(dict.fromkeys(future.hash for future in call.inputs())),
        at=time.time(),
        output=plain_text(getattr(error, "output", "")),
    )
    ledger.note(_KIND, call.key().hex(), msgspec.to_builtins(failed))


def describe_failed_call(ledger: Ledger, key: str) -> FailedCall | None:
    """Return what is known of the last failure of a call, None where it never failed."""
    noted = ledger.noted(_KIND, key)
    return None if noted is None else _read(ledger, noted)


def metadata_of_failed(failed: FailedCall) -> Metadata:
    """Return what is known of a call that failed as metadata, as far as they have it."""
    return Metadata(
        task=failed.task,
        fingerprint=failed.fingerprint,
        extras=failed.extras,
        run=failed.run,
        created=failed.at,
        location=failed.location,
        arguments=failed.arguments,
        parents=failed.parents,
        output=failed.output,
    )


def find_failed_calls(ledger: Ledger, *, run: str | None = None) -> list[tuple[str, FailedCall]]:
    """Return the calls that failed when they were last run, newest first; `run` is the id of the run that they failed in."""
    noted = [(key, value) for key, value in ledger.notes(_KIND) if run is None or value["run"] == run]
    return [(key, _read(ledger, value)) for key, value in reversed(noted)]


def _read(ledger: Ledger, noted: dict[str, Any]) -> FailedCall:
    failed = msgspec.convert(noted, FailedCall)
    details = ledger.blob(failed.details)
    return msgspec.structs.replace(failed, details=failed.error if details is None else details.decode())


def line_of_error(error: BaseException) -> str:
    """Return what an error says in one line, which may be cut; of a shell command with the end of what it printed.

    >>> line_of_error(ValueError("not a rate\\nbut a price"))
    'ValueError: not a rate'
    """
    line = describe_error(error).partition("\n")[0].rstrip(":")
    command = error.__cause__ if isinstance(error, TaskFailedError) else error
    printed = command.stderr.strip() if isinstance(command, CommandFailedError) else ""
    if printed:
        line = f"{line.partition('; the end of its stderr')[0]}: {printed.splitlines()[-1].strip()}"
    text = plain_text(line)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def details_of_error(error: BaseException) -> str:
    """Return all that an error says, with the traceback in the user's code where there is one; the middle may be cut."""
    if isinstance(error, TaskFailedError):
        parts = [describe_error(error), traceback_of_body(error)]
    else:
        parts = [describe_error(error) if isinstance(error, MerklError) else traceback_text(error)]
    return "\n".join(_cut(plain_text(part)) for part in parts if part)


def _cut(text: str) -> str:
    left_out = len(text) - 2 * _LONGEST_END
    if left_out <= 0:
        return text
    return f"{text[:_LONGEST_END]}\n… {left_out} characters left out …\n{text[-_LONGEST_END:]}"
