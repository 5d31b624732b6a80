"""`merkl debug`: what a task is, what calls a pipeline makes, and what is known of one result."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TextIO

import msgspec

from merkl.cache import stored_key
from merkl.cli.arguments import Spelling, parameter_names, parse_arguments, parse_options
from merkl.cli.errors import UsageError
from merkl.cli.function_words import FunctionWords, split_at_function
from merkl.cli.ledgers import find_key, open_ledger
from merkl.cli.names import find_function, make_importable
from merkl.cli.output import describe_value, is_json, print_json, result_text, stdout_for_result
from merkl.cli.replay import Replay, replay_call
from merkl.cli.run import repeat_command
from merkl.execution.failed_calls import describe_failed_call
from merkl.execution.previews import preview_value
from merkl.files import DirRef, FileRef
from merkl.graph.pipeline import Pipeline
from merkl.graph.task import Task
from merkl.render.call_view import format_result, view_result
from merkl.render.graph_text import format_graph
from merkl.render.graph_view import view_graph
from merkl.render.task_view import format_task, view_task
from merkl.workspace import Workspace

__all__ = ["USAGE", "carry_out"]

USAGE = """\
usage: merkl debug [--json] MODULE.FUNCTION [ARGS ...]
       merkl debug --hash KEY [--value] [-o FILE] [--json]
       merkl debug --hash KEY --rerun [MODULE.FUNCTION [ARGS ...]]

Of a task without arguments: its signature with the types that its parameters take, how arguments get into the key and results
into the cache, its options, its code hash, and every definition and constant that its fingerprint reaches. Of a task or a
pipeline with arguments: the calls that it makes, their keys, and which of them are cached. Nothing runs.

  --hash KEY    of one result, by the first digits of its key: inputs, value, metadata, parents and children, where it lies
  --value       print the value alone, as `merkl run` does
  -o FILE       write the value into a file: text and bytes as they are, a file as a copy, else the bytes of its codec
  --rerun       run that one call again in this process, and compare; its constants are read back from the log, or, where that
                has only a short text of them, taken from the call of that key that MODULE.FUNCTION makes, or its run made
  --args FILE   take arguments from a TOML file; those on the command line win
  --json        print one JSON object

examples:
  merkl debug flow.train
  merkl debug flow.main --epochs 30
  merkl debug --hash 3fa9
  merkl debug --hash 3fa9 --value
"""


def _options(
    *,
    hash: str | None = None,
    value: bool = False,
    rerun: bool = False,
    output: Annotated[Path | None, Spelling("-o", "--output")] = None,
    args: Path | None = None,
    json: bool = False,
) -> None:
    """The options of `merkl debug`."""


def carry_out(words: list[str]) -> int:
    with stdout_for_result() as out:
        if any(word == "--hash" or word.startswith("--hash=") for word in words):
            return _debug_result(words, out)
        target = split_at_function(words, _options)
        found = find_function(target.name)
        options, rest = target.take_options(_options, parameters=parameter_names(found))
        for name in ("value", "rerun", "output"):
            if options.get(name):
                raise UsageError(f"--{name} goes with --hash KEY")
        return _debug_function(
            target.name, found, rest, out, options.get("args"), as_json=options.get("json", False)
        )


# -- a task, or the calls of a function -------------------------------------------------------------------------------


def _debug_function(
    name: str, found: Any, words: Sequence[str], out: TextIO, args: Path | None, *, as_json: bool
) -> int:
    workspace = Workspace()
    workspace.look_only()
    try:
        with workspace:
            is_task = isinstance(found, Task)
            is_called = bool(words or args) or (
                (not is_task or isinstance(found, Pipeline)) and _takes_nothing(found)
            )
            if is_task and not is_called:
                view = view_task(found, workspace.registry, workspace.codecs)
                print(msgspec.json.encode(view).decode() if as_json else format_task(view), file=out)
                return 0
            bound = parse_arguments(found, words, args_file=args)
            make = functools.partial(found, *bound.args, **bound.kwargs)
            program, plan, _ = workspace.plan(make)
            calls = program.all_calls()
            if not calls and not program.depends_on:
                raise UsageError(
                    f"{name} is no task, and makes no calls; `merkl debug` shows tasks and what makes calls"
                )
            graph = view_graph(
                name,
                calls,
                plan,
                open_ledger(workspace),
                collapse=None,
                depends_on=program.depends_on,
                items=program.items,
            )
            print(msgspec.json.encode(graph).decode() if as_json else format_graph(graph), file=out)
            return 0
    finally:
        workspace.close()


def _takes_nothing(function: Any) -> bool:
    declared = inspect.signature(function.fn if isinstance(function, Task) else function).parameters.values()
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in declared)


# -- one result -------------------------------------------------------------------------------------------------------


def _debug_result(words: list[str], out: TextIO) -> int:
    bound, rest = parse_options(_options, words)
    options = dict(bound.arguments)
    function: FunctionWords | None = None
    if rest:
        function = split_at_function(words, _options)
        if not options.get("rerun"):
            raise UsageError(f"--hash shows one result; {function.name} goes with --rerun only")
    workspace = Workspace()
    workspace.look_only()
    try:
        with workspace:
            ledger = open_ledger(workspace)
            key = find_key(ledger, options["hash"])
            assert ledger is not None
            # A value may be of the project's own classes, whose modules are found as `merkl run` finds them.
            make_importable(workspace.root)
            make_importable(Path.cwd())
            if options.get("rerun"):
                return _rerun(workspace, key, function, options, out)
            if options.get("value") or options.get("output"):
                return _print_value(workspace, key, options, out)
            metadata = ledger.known(key)
            near = [key, *(metadata.parents if metadata else ())]
            view = view_result(key, ledger, workspace.cache, _previews(workspace, near))
            print(
                msgspec.json.encode(view, enc_hook=repr).decode()
                if options.get("json")
                else format_result(view),
                file=out,
            )
            return 0
    finally:
        workspace.close()


#: Values above this many bytes are not loaded to be shown.
_MOST_SHOWN = 1 << 20


def _previews(workspace: Workspace, keys: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in keys:
        stored = stored_key(workspace.cache, key)
        record = workspace.cache.lookup(stored)
        if record is not None and record.size <= _MOST_SHOWN:
            value = workspace.load(stored)
            if value is not None:
                found[key] = preview_value(value[0])
    return found


def _print_value(workspace: Workspace, key: str, options: dict[str, Any], out: TextIO) -> int:
    output: Path | None = options.get("output")
    value = workspace.load(stored_key(workspace.cache, key))
    if value is None:
        raise UsageError(f"the result {key[:12]} is not in the cache any more, or cannot be read")
    if output is None:
        if options.get("json"):
            print_json(_as_json(value[0], key), out)
        else:
            print(result_text(value[0]), file=out)
        return 0
    try:
        _write_value(workspace, value[0], output)
    except OSError as error:
        raise UsageError(f"cannot write {os.fspath(output)}: {error.strerror or error}") from error
    print(f"wrote {os.fspath(output)}", file=sys.stderr)
    return 0


def _as_json(value: Any, key: str) -> Any:
    return value if is_json(value) else describe_value(value, key)


def _write_value(workspace: Workspace, value: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(value, DirRef):
        shutil.copytree(value, path, dirs_exist_ok=True)
    elif isinstance(value, FileRef):
        shutil.copyfile(value, path)
    elif isinstance(value, str):
        path.write_text(value, encoding="utf-8")
    elif isinstance(value, (bytes, bytearray)):
        path.write_bytes(value)
    else:
        content = workspace.codecs.encode(value).content
        path.write_bytes(content if isinstance(content, bytes) else b"".join(map(bytes, content)))


def _rerun(
    workspace: Workspace, key: str, function: FunctionWords | None, options: dict[str, Any], out: TextIO
) -> int:
    make = None
    if function is not None:
        found = find_function(function.name)
        rest = function.take_options(_options, parameters=parameter_names(found))[1]
        bound = parse_arguments(found, rest, args_file=options.get("args"))
        make = functools.partial(found, *bound.args, **bound.kwargs)
    try:
        replay = replay_call(workspace, key, make)
    except UsageError:
        again = None if make is not None else _made_by_its_run(workspace, key)
        if again is None:
            raise
        replay = again
    if options.get("json"):
        result = {"result": _as_json(replay.value, key), "is_same": replay.is_same, "verdict": replay.verdict}
        print_json(result, out)
    else:
        print(result_text(replay.value), file=out)
    print(f"merkl: {replay.verdict}", file=sys.stderr)
    return 0 if replay.is_same is not False else 3


def _made_by_its_run(workspace: Workspace, key: str) -> Replay | None:
    """Run a call again whose arguments the ledger lacks: the command of its run makes it. None where that does not."""
    metadata = workspace.ledger.known(key)
    failed = describe_failed_call(workspace.ledger, key)
    run_id = metadata.run if metadata is not None else "" if failed is None else failed.run
    for run in workspace.ledger.find_runs(run_id) if run_id else ():
        if run.command[:2] == ("merkl", "run"):
            # What the command names may be gone by now, or its arguments be secrets, which are not written down.
            with contextlib.suppress(UsageError):
                return replay_call(workspace, key, repeat_command(run.command[2:]))
    return None
