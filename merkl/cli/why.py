"""`merkl why`: for each call that would run, what is not as it was."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from merkl.cli.arguments import parameter_names, parse_arguments
from merkl.cli.function_words import split_at_function
from merkl.cli.ledgers import find_run, open_ledger
from merkl.cli.names import find_function
from merkl.cli.output import stdout_for_result
from merkl.execution.forecast import will_run
from merkl.render.earlier_calls import EarlierCalls
from merkl.render.why_text import format_why
from merkl.render.why_view import WhyView, explain_plan, needed_calls
from merkl.workspace import Workspace

__all__ = ["USAGE", "carry_out", "explain_function"]

USAGE = """\
usage: merkl why [OPTIONS] MODULE.FUNCTION [ARGS ...]

Say for each call that `merkl run` with these arguments would run, why: what changed since
the nearest earlier result. Nothing runs.

  --vs RUN      compare with this run: the first digits of its id, last, or last~1 for the one before
  --args FILE   take arguments from a TOML file; those on the command line win
  --json        print one JSON object

examples:
  merkl why flow.main --epochs 30
  merkl why flow.main --vs last~1
"""


def _options(
    *,
    vs: str | None = None,
    args: Path | None = None,
    json: bool = False,
) -> None:
    """The options of `merkl why`."""


def carry_out(words: list[str]) -> int:
    target = split_at_function(words, _options)
    with stdout_for_result() as out:
        function = find_function(target.name)
        options, rest = target.take_options(_options, parameters=parameter_names(function))
        view = _explain(target.name, function, rest, args=options.get("args"), vs=options.get("vs"))
        print(msgspec.json.encode(view).decode() if options.get("json") else format_why(view), file=out)
    return 0


def _explain(name: str, function: Any, words: Sequence[str], *, args: Path | None, vs: str | None) -> WhyView:
    bound = parse_arguments(function, words, args_file=args)
    workspace = Workspace()
    workspace.look_only()
    try:
        return explain_function(
            workspace, name, functools.partial(function, *bound.args, **bound.kwargs), vs=vs
        )
    finally:
        workspace.close()


def explain_function(workspace: Workspace, name: str, make: Any, *, vs: str | None = None) -> WhyView:
    """Return why the calls that a function makes would run, without running any."""
    ledger = open_ledger(workspace)
    earlier = None
    if vs is not None:
        run = find_run(ledger, vs)
        assert ledger is not None
        earlier = EarlierCalls(ledger, records=ledger.closure(ledger.roots(run)))
    with workspace:
        program, plan, results = workspace.plan(make)
        return explain_plan(
            name,
            needed_calls(program.wanted()),
            plan,
            ledger,
            is_stored=workspace.holds,
            running=will_run(plan, results),
            earlier=earlier,
            depends_on=program.depends_on,
            made=program.calls,
            items=program.items,
        )
