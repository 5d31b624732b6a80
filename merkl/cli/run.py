"""`merkl run`: evaluate what a function returns."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

from merkl._base.errors import MerklError, SelectionError, TargetError, TaskFailedError, WouldRunError
from merkl._base.lazy import LazyModule
from merkl._base.tracebacks import traceback_text
from merkl.cli.arguments import Spelling, describe_command, parameter_names, parse_arguments
from merkl.cli.auditing import Auditor, format_findings, parse_share
from merkl.cli.auditing import recheck as recheck_calls
from merkl.cli.contradictions import refuse_contradictions
from merkl.cli.errors import UsageError
from merkl.cli.explain import RunExplainer
from merkl.cli.function_words import split_at_function
from merkl.cli.json_results import json_result
from merkl.cli.names import find_function
from merkl.cli.output import (
    print_error,
    print_failure,
    print_json,
    result_text,
    stdout_for_result,
)
from merkl.cli.plan import forecast_json, forecast_text
from merkl.execution.event_file import EventFile
from merkl.execution.events import Observer
from merkl.execution.exits import refused_exits
from merkl.execution.failed_calls import line_of_error
from merkl.execution.interrupts import Terminated, interrupts
from merkl.execution.output import body_output
from merkl.execution.parting import parting
from merkl.execution.progress import make_progress
from merkl.execution.report import RunReport
from merkl.execution.selection import Selection
from merkl.execution.targets import require_target
from merkl.workspace import Workspace

if TYPE_CHECKING:
    from merkl.cli import debugger
else:
    debugger = LazyModule("merkl.cli.debugger")  # pdb takes a while to import

__all__ = ["USAGE", "carry_out", "repeat_command"]

#: Of more calls that Ctrl-C cut short only the number is said.
_MOST_INTERRUPTED = 5

DONE, FAILED, MISUSED, CHANGED, INTERRUPTED = 0, 1, 2, 3, 130

USAGE = """\
usage: merkl run [OPTIONS] MODULE.FUNCTION [ARGS ...]

Evaluate what a task, a pipeline or a plain function that makes calls returns, and print it.

  --args FILE   take arguments from a TOML file; those on the command line win
  --json        print result and figures as one JSON object
  --explain     say first why each call runs, as `merkl why` does
  --audit       report what the bodies that ran touched and their keys do not know: files, environment, network, ...;
                of calls in this process and on processes of this machine
  --recheck 5%  run that share of the cached calls again and compare: exit with 3 where one gives another content
  --verbose, -v list every call with what became of it, and why it ran; with --plan why it would

What runs:

  --plan, -n      print what would run, in order, and how long it would take; run nothing
  --rerun TASK    run the calls of a task again and overwrite their results ("all": every task); what follows
                  from equal results is spared
  --until TASK    run the calls of a task and what they need, and print their results
  --output PATH   run what is written to a file
  --frozen        run nothing: exit with 3 where something would have to
  --no-cache      neither read nor write the cache
  --pdb           open the debugger where a task fails

Where and how:

  --target T      run calls on T processes here, or on the target of that name in pyproject.toml
  --quiet, -q     show no progress
  --events FILE   append what happens to a file, as JSON lines
  --keep-going    after a failure go on with all that does not need what failed
  --accept-interrupted
                  store what bodies return after Ctrl-C as if they had not been interrupted

--rerun, --until and --output may be given several times.

Options of `run` may stand before or after the function; where the function has a parameter of the same
name, they must stand before it. What follows `--` goes to the function.

examples:
  merkl run flow.main --epochs 30
  merkl run --explain flow.main
  merkl run --plan --rerun train flow.main
  merkl run --target 4 -v flow.main
  merkl run path/to/file.py:main --json
"""


def _options(
    *,
    args: Path | None = None,
    audit: bool = False,
    explain: bool = False,
    frozen: bool = False,
    json: bool = False,
    no_cache: bool = False,
    target: str | None = None,
    keep_going: bool = False,
    quiet: Annotated[bool, Spelling("--quiet", "-q")] = False,
    events: Path | None = None,
    accept_interrupted: bool = False,
    output: list[Path] | None = None,
    pdb: bool = False,
    plan: Annotated[bool, Spelling("--plan", "-n")] = False,
    recheck: str | None = None,
    rerun: list[str] | None = None,
    until: list[str] | None = None,
    verbose: Annotated[bool, Spelling("--verbose", "-v")] = False,
) -> None:
    """The options of `merkl run`."""


def carry_out(words: list[str]) -> int:
    target = split_at_function(words, _options)
    with stdout_for_result() as out, refused_exits(), body_output.installed():
        function = _import_function(target.name, words)
        options, rest = target.take_options(_options, parameters=parameter_names(function))
        refuse_contradictions({f"--{name.replace('_', '-')}" for name, value in options.items() if value})
        return _run_function(target.name, function, rest, out, command=words, **options)


def repeat_command(words: Sequence[str]) -> Callable[[], Any]:
    """Return the function that a `merkl run` with these words called, with its arguments.

    Raises what finding it and parsing them raise.
    """
    target = split_at_function(words, _options)
    function = find_function(target.name)
    options, rest = target.take_options(_options, parameters=parameter_names(function))
    bound = parse_arguments(function, rest, args_file=options.get("args"))
    return functools.partial(function, *bound.args, **bound.kwargs)


def _import_function(name: str, words: list[str]) -> Any:
    """Return the function; where its module raises while it is imported, the log has that, as it has other graphs not built."""
    try:
        return find_function(name)
    except (Exception, SystemExit) as error:
        # A name that means nothing is no run.
        raised = error.__cause__ if isinstance(error, UsageError) else error
        if isinstance(raised, (Exception, SystemExit)) and not {"--plan", "-n"} & set(words):
            with contextlib.suppress(Exception, SystemExit):
                _note_failed_import(raised, words)
        raise


def _note_failed_import(error: BaseException, words: list[str]) -> None:
    def fail() -> None:
        raise error

    workspace = Workspace()
    try:
        workspace.run(fail, command=("merkl", "run", *words))
    finally:
        workspace.close()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """What was said on the command line, `args` aside."""

    audit: bool = False
    explain: bool = False
    frozen: bool = False
    json: bool = False
    no_cache: bool = False
    target: str | None = None
    keep_going: bool = False
    quiet: bool = False
    events: Path | None = None
    accept_interrupted: bool = False
    output: Sequence[Path] = ()
    pdb: bool = False
    plan: bool = False
    recheck: str | None = None
    rerun: Sequence[str] = ()
    until: Sequence[str] = ()
    verbose: bool = False


def _run_function(
    name: str,
    function: Any,
    words: Sequence[str],
    out: TextIO,
    *,
    command: Sequence[str],
    args: Path | None = None,
    **given: Any,
) -> int:
    """Run a function and print its result; return the exit code. `command` are all words behind `merkl run`."""
    options = _Options(**given)
    bound = parse_arguments(function, words, args_file=args)
    workspace = _open_workspace(options)
    selection = Selection(
        rerun=options.rerun, until=options.until, outputs=options.output, is_frozen=options.frozen
    )
    make = functools.partial(function, *bound.args, **bound.kwargs)
    explainer = RunExplainer(workspace, name, is_printing=options.explain)
    if options.plan:
        workspace.look_only()
        chosen = explainer if options.explain or options.verbose else None
        return _print_plan(
            workspace, make, selection, out, chosen, as_json=options.json, is_frozen=options.frozen
        )
    share = None if options.recheck is None else parse_share(options.recheck)
    workspace.recalls_graphs = share is None
    interrupts.is_of_one_run = interrupts.is_of_one_run and share is None
    report = RunReport()
    auditor = Auditor(workspace) if options.audit else None
    typed = describe_command("run", command, words, function, bound)
    observers = _observers(options, workspace, explainer, auditor)
    with parting.having(functools.partial(_take_leave, report, out, as_json=options.json)):
        code, returned, value = _evaluate(
            workspace, make, report, selection, typed, observers, is_debugged=options.pdb
        )
    rechecked: list[Any] | None = None
    if share is not None:
        rechecked = recheck_calls(workspace, report, share) if code == DONE else []
    with interrupts.held():
        workspace.close()
        if code == MISUSED:
            return code
        figures = _figures(report, code, auditor, rechecked)
        if options.json:
            shown = json_result(returned, value) if code == DONE else None
            print_json({"result": shown, **figures}, out)
        elif code == DONE:
            print(result_text(value), file=out)
        if options.verbose:
            _print_calls(report, explainer.reasons)
        else:
            keeps = code == DONE and not (options.accept_interrupted or options.no_cache)
            _print_interrupted(report, sys.stderr, says_how_to_keep=keeps)
        print(report.summary(), file=sys.stderr)
    return CHANGED if rechecked else code


def _take_leave(report: RunReport, out: TextIO, *, as_json: bool) -> None:
    """Say how a run ended that is ended while its bodies go on: what is printed meanwhile is theirs."""
    with body_output.open_screen() as screen:
        print(_how_it_ended(is_terminated=interrupts.is_terminated), file=screen)
        _print_interrupted(report, screen)
        print(report.summary(), file=screen)
    if as_json:
        print_json({"result": None, **report.counts()}, out)
        out.flush()


def _how_it_ended(*, is_terminated: bool) -> str:
    return f"merkl: {'terminated' if is_terminated else 'interrupted'}; all that was complete is kept"


def _open_workspace(options: _Options) -> Workspace:
    target = options.target
    if options.pdb and target is not None:
        print(f"merkl: --pdb: calls run in this process, not on {target}", file=sys.stderr)
        target = None
    workspace = Workspace(
        target=target,
        is_reading=not options.no_cache,
        is_writing=not options.no_cache,
        keeps_going=options.keep_going,
        accepts_interrupted=options.accept_interrupted,
    )
    if target is not None:
        _require_target(target, workspace.settings.targets)
    return workspace


def _observers(
    options: _Options, workspace: Workspace, explainer: RunExplainer, auditor: Auditor | None
) -> list[Observer]:
    observers: list[Observer] = [explainer] if options.explain or options.verbose else []
    if auditor is not None:
        observers.append(auditor)
    if options.events is not None:
        observers.append(_open_events(options.events))
    if not options.quiet and not options.pdb:
        observers.append(make_progress(body_output.open_screen(), workspace.predictor()))
    return observers


def _figures(
    report: RunReport, code: int, auditor: Auditor | None, rechecked: Sequence[Any] | None
) -> dict[str, Any]:
    """Return what `--json` says of a run beside its result; prints what an audit found."""
    figures: dict[str, Any] = dict(report.counts())
    if report.error is not None and code in (FAILED, CHANGED):
        figures["error"] = line_of_error(report.error)
    if auditor is not None:
        print(f"merkl: {format_findings(auditor.findings)}", file=sys.stderr)
        figures["audit"] = [dataclasses.asdict(finding) for finding in auditor.findings]
    if rechecked is not None:
        figures["rechecked"] = rechecked
    return figures


def _require_target(name: str, known: Mapping[str, Any]) -> None:
    try:
        require_target(name, known)
    except TargetError as error:
        raise UsageError(str(error)) from None


def _open_events(path: Path) -> EventFile:
    try:
        return EventFile(path)
    except OSError as error:
        raise UsageError(f"--events {path}: {error.strerror}") from None


def _print_plan(
    workspace: Workspace,
    make: Callable[[], Any],
    selection: Selection,
    out: TextIO,
    explainer: RunExplainer | None,
    *,
    as_json: bool,
    is_frozen: bool,
) -> int:
    try:
        observers = [] if explainer is None else [explainer]
        forecast = workspace.forecast(make, selection=selection, observers=observers)
    except SelectionError as error:
        print_error(error)
        return MISUSED
    finally:
        workspace.close()
    reasons = {} if explainer is None else explainer.reasons
    if as_json:
        print_json(forecast_json(forecast, reasons), out)
    else:
        print(forecast_text(forecast, reasons), file=out)
    return CHANGED if is_frozen and (forecast.count("run") or forecast.depends_on) else DONE


def _evaluate(
    workspace: Workspace,
    make: Callable[[], Any],
    report: RunReport,
    selection: Selection,
    command: Sequence[str],
    observers: Sequence[Observer],
    *,
    is_debugged: bool,
) -> tuple[int, Any, Any]:
    try:
        outcome = workspace.run(
            make, report=report, observers=observers, selection=selection, command=command
        )
    except KeyboardInterrupt as error:
        is_terminated = isinstance(error, Terminated)
        print(_how_it_ended(is_terminated=is_terminated), file=sys.stderr)
        # As the shell has it: 128 and the number of the signal.
        return 128 + interrupts.terminated_by if is_terminated else INTERRUPTED, None, None
    except SelectionError as error:
        print_error(error)
        return MISUSED, None, None
    except WouldRunError as error:
        print_error(error)
        return CHANGED, None, None
    except MerklError as error:
        for one in dict.fromkeys([*report.failures, error]):
            print_failure(one) if isinstance(one, TaskFailedError) else print_error(one)
        if is_debugged and isinstance(error, TaskFailedError) and not debugger.has_left(error):
            debugger.open_debugger(error)
        return FAILED, None, None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the function that makes the calls is the user's
        print(traceback_text(error), file=sys.stderr)
        if is_debugged:
            debugger.open_debugger(error)
        return FAILED, None, None
    return DONE, outcome.returned, outcome.result


def _print_interrupted(report: RunReport, out: TextIO, *, says_how_to_keep: bool = False) -> None:
    """Say which calls Ctrl-C cut short, and of those that returned something how it becomes their result."""
    calls = sorted(report.interrupted, key=lambda call: call.sequence)
    for call in calls[:_MOST_INTERRUPTED]:
        key = call.key().hex()[:12]
        options = call.task.options
        can_keep = says_how_to_keep and options.on_interrupt == "discard" and options.keep == "always"
        how = f": its result is for this run only, `merkl cache accept {key}` keeps it" if can_keep else ""
        print(f"merkl: interrupted {call.task.name} {key} ({call.place()}){how}", file=out)
    if len(calls) > _MOST_INTERRUPTED:
        print(f"merkl: interrupted {len(calls) - _MOST_INTERRUPTED} more", file=out)


def _print_calls(report: RunReport, reasons: Mapping[str, str]) -> None:
    for word in ("run", "linked", "interrupted", "failed", "cached"):
        for call in sorted(getattr(report, word), key=lambda c: c.sequence):
            key = call.key().hex()
            why = f": {reasons[key]}" if key in reasons else ""
            print(f"merkl: {word:>6} {key[:12]} {call.task.name} ({call.place()}){why}", file=sys.stderr)
