"""`merkl migrate`: declare that an edit of a task changes nothing, so that its results stay."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from merkl._base.places import shown_path
from merkl._base.readable import readable
from merkl.cache import Ledger
from merkl.cli.arguments import Spelling
from merkl.cli.errors import UsageError
from merkl.cli.function_words import split_at_function
from merkl.cli.ledgers import open_ledger
from merkl.cli.names import find_function
from merkl.cli.output import stdout_for_result
from merkl.execution.chronicle import describe_task
from merkl.execution.migrations import DECLARED
from merkl.files.tracker import FileTracker
from merkl.graph.session import sessions
from merkl.graph.sidecar import sidecar_of
from merkl.graph.task import Task
from merkl.render.call_states import place_components
from merkl.render.differences import Difference, compare_components, format_difference
from merkl.render.log_view import format_time
from merkl.workspace import Workspace

__all__ = ["USAGE", "carry_out"]

USAGE = """\
usage: merkl migrate [OPTIONS] MODULE.TASK

Declare that the last edit of a task, or of what its code reaches, changes nothing that it computes: results that were made
before it hold for the code as it is now, and so do those of all calls downstream. Shows first what was edited and
which written files come from these results. Without --yes nothing is done.

  --yes         do it
  --from HASH   the code hash whose results are to be taken over, by its first digits (default: that of the latest result)
  --was NAME    the name that the task had then, if it was renamed too
  --undo        forget such a declaration; what was taken over already stays
  --json        print one JSON object

The declaration is kept in this project's ledger, and each result that is taken over says so. It is about this one version of
the code: after the next edit the task runs again. Where a class among the arguments was edited, this is of no use.

examples:
  merkl migrate flow.train
  merkl migrate flow.train --yes
"""


class Migration(msgspec.Struct, frozen=True):
    """A declaration as it would be made: which results, and what was edited since."""

    task: str
    before: str
    now: str
    results: int
    last: float
    differences: tuple[Difference, ...]
    #: written files that one of these results went into, sidecars among them; their records get the new keys
    files: tuple[str, ...] = ()
    is_done: bool = False


def _options(
    *,
    yes: bool = False,
    undo: bool = False,
    from_: Annotated[str | None, Spelling("--from")] = None,
    was: str | None = None,
    json: bool = False,
) -> None:
    """The options of `merkl migrate`."""


def carry_out(words: list[str]) -> int:
    target = split_at_function(words, _options)
    options, rest = target.take_options(_options)
    if rest:
        raise UsageError(f"`merkl migrate` takes one task, not {rest[0]!r}")
    with stdout_for_result() as out:
        task = find_function(target.name)
        if not isinstance(task, Task):
            raise UsageError(f"{target.name} is no task; `merkl migrate` is about functions under @task")
        workspace = Workspace()
        try:
            with workspace:
                ledger = open_ledger(workspace)
                if ledger is None:
                    raise UsageError("nothing ran in this project yet, so there is nothing to take over")
                if options.get("undo"):
                    return _undo(task, ledger, out)
                migration = _find(task, ledger, workspace.files, options.get("from_"), options.get("was"))
                if options.get("yes"):
                    migration = _declare(migration, task, ledger)
                    if workspace.origins is not None:
                        workspace.origins.adopt(task)
                print(
                    msgspec.json.encode(migration).decode() if options.get("json") else _format(migration),
                    file=out,
                )
                return 0
        finally:
            workspace.close()


def _find(
    task: Task[..., Any, Any], ledger: Ledger, files: FileTracker, prefix: str | None, was: str | None
) -> Migration:
    name = was or f"{task.__module__}.{task.name}"
    now = task.fingerprint().digest.hex()
    results = [found for found in ledger.log(task=name) if found[1].fingerprint != now]
    if prefix is not None:
        results = [found for found in results if found[1].fingerprint.startswith(prefix.lower())]
        found = sorted({metadata.fingerprint for _, metadata in results})
        if len(found) > 1:
            raise UsageError(f"several code hashes begin with {prefix!r}: {', '.join(h[:16] for h in found)}")
    if not results:
        what = (
            f" with a code hash that begins with {prefix!r}"
            if prefix is not None
            else " of another version of its code"
        )
        raise UsageError(f"no result of {name}{what} is known; `merkl log --task {name}` lists what is")
    before = results[0][1].fingerprint
    old = ledger.components(before)
    if old is None:
        raise UsageError(f"what the code {before[:16]} was made of is not known, so the edit cannot be shown")
    root = sessions.current().root
    keys = {key for key, metadata in results if metadata.fingerprint == before}
    return Migration(
        task=name,
        before=before,
        now=now,
        results=len(keys),
        last=results[0][1].created,
        differences=tuple(
            compare_components(*(place_components(side, root) for side in (old, describe_task(task))))
        ),
        files=tuple(_written_from(keys, ledger, files)),
    )


def _written_from(keys: set[str], ledger: Ledger, files: FileTracker) -> Iterator[str]:
    """Iterate over the files that were written from one of these results, by its own task or one downstream."""
    written = [row for row in files.tracked() if row.role == "output" and row.key]
    made_from = defaultdict[str, list[str]](list)
    for key, metadata in ledger.closure(row.key for row in written).items():
        for parent in metadata.parents:
            made_from[parent].append(key)
    reached: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting += made_from[key]
    for row in written:
        if row.key in reached:
            path = shown_path(os.fsdecode(row.path))
            yield readable(path)
            if os.path.exists(sidecar_of(path)):
                yield readable(sidecar_of(path))


def _declare(migration: Migration, task: Task[..., Any, Any], ledger: Ledger) -> Migration:
    value = {"task": migration.task, "from": migration.before, "at": time.time()}
    for new, note in ledger.notes(DECLARED):
        # Two declarations that lead back to each other would say that all versions are one.
        if new == migration.before and note["from"] == migration.now:
            ledger.forget(DECLARED, [new])
    ledger.note(DECLARED, migration.now, value)
    # What changes after this is told from here on.
    ledger.save_components(migration.now, migration.task, describe_task(task))
    ledger.flush()
    return msgspec.structs.replace(migration, is_done=True)


def _undo(task: Task[..., Any, Any], ledger: Ledger, out: Any) -> int:
    now = task.fingerprint().digest.hex()
    if ledger.noted(DECLARED, now) is None:
        raise UsageError("nothing was declared about this version of the task's code")
    ledger.forget(DECLARED, [now])
    print(
        f"forgotten; results of {task.name} and of tasks downstream that were taken over already stay: "
        "`merkl cache clear TASK` removes those of one task",
        file=out,
    )
    return 0


def _format(migration: Migration) -> str:
    count = f"{migration.results} result{'' if migration.results == 1 else 's'}"
    lines = [
        f"{migration.task}: {count} of code {migration.before[:12]} (the latest of {format_time(migration.last)})",
        f"the code is {migration.now[:12]} now; since then:",
    ]
    lines += [f"  {line}" for difference in migration.differences for line in format_difference(difference)]
    if not migration.differences:
        lines.append("  no part differs by itself, only how they hang together")
    if migration.files:
        lines.append("files that were written from these results:")
        lines += [f"  {path if path.isprintable() else repr(path)}" for path in migration.files]
    if migration.is_done:
        lines.append("declared: these results, and those downstream, hold for the code as it is now")
    else:
        lines.append(
            "nothing was done; with --yes these results, and those downstream, hold for the code as it is now"
        )
    return "\n".join(lines)
