"""`merkl dag`: the graph of calls as text or a picture."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from merkl.cli.arguments import Spelling, parameter_names, parse_arguments
from merkl.cli.errors import UsageError
from merkl.cli.function_words import split_at_function
from merkl.cli.ledgers import open_ledger
from merkl.cli.names import find_function
from merkl.cli.output import stdout_for_result
from merkl.execution.chronicle import describe_task
from merkl.graph.call import Call
from merkl.graph.session import sessions
from merkl.render.call_states import place_components
from merkl.render.graph_html import format_html
from merkl.render.graph_svg import format_svg
from merkl.render.graph_text import format_dot, format_graph, format_mermaid
from merkl.render.graph_view import GraphView, view_graph
from merkl.workspace import Workspace

__all__ = ["USAGE", "carry_out"]

USAGE = """\
usage: merkl dag [OPTIONS] MODULE.FUNCTION [ARGS ...]

Show the graph that a function makes with these arguments: calls, what flows between them, what is cached, stale, new or failed.
Nothing runs.

  --format FORMAT   text (default), dot, mermaid, json, svg or html; by default what the file of -o says
  -o FILE           write it there
  --collapse N      from so many alike calls on, side by side or in a loop, they are one node with a count (8; 0 for never)
  --args FILE       take arguments from a TOML file; those on the command line win

html is one file that works offline: drag to move, scroll to zoom, / to search, click for details.

examples:
  merkl dag flow.main
  merkl dag flow.main --epochs 30 -o graph.html
  merkl dag flow.main --format mermaid
"""

Format = Literal["text", "dot", "mermaid", "json", "svg", "html"]
_SUFFIXES: dict[str, Format] = {
    ".html": "html",
    ".htm": "html",
    ".svg": "svg",
    ".json": "json",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".md": "mermaid",
    ".txt": "text",
    "": "text",
}


def _options(
    *,
    format: Format | None = None,
    output: Annotated[Path | None, Spelling("-o", "--output")] = None,
    collapse: int = 8,
    args: Path | None = None,
    json: bool = False,
) -> None:
    """The options of `merkl dag`."""


def carry_out(words: list[str]) -> int:
    target = split_at_function(words, _options)
    with stdout_for_result() as out:
        function = find_function(target.name)
        options, rest = target.take_options(_options, parameters=parameter_names(function))
        bound = parse_arguments(function, rest, args_file=options.get("args"))
        output: Path | None = options.get("output")
        chosen: Format = options.get("format") or ("json" if options.get("json") else _format_of(output))
        make = functools.partial(function, *bound.args, **bound.kwargs)
        collapse = options.get("collapse", 8)
        is_coloured = output is None and out.isatty() and "NO_COLOR" not in os.environ
        text = _render(target.name, make, chosen, collapse=collapse or None, colour=is_coloured)
        if output is not None and output.suffix == ".md" and chosen == "mermaid":
            text = f"```mermaid\n{text}\n```"  # what Markdown draws
        if output is None:
            print(text, file=out)
        else:
            try:
                output.parent.mkdir(parents=True, exist_ok=True)
                output.write_text(text + "\n", encoding="utf-8")
            except OSError as error:
                raise UsageError(f"cannot write {output}: {error.strerror or error}") from error
            print(f"wrote {output}", file=sys.stderr)
    return 0


def _format_of(output: Path | None) -> Format:
    """Return what the name of a file says."""
    suffix = output.suffix.lower() if output else ""
    if suffix not in _SUFFIXES:
        raise UsageError(
            f"cannot write {output}: there is no format for {suffix}; --format says which, "
            "and dot -Tpdf, -Tpng and the like draw what --format dot gives"
        )
    return _SUFFIXES[suffix]


def _render(
    name: str, make: Callable[[], Any], format_: Format, *, collapse: int | None, colour: bool
) -> str:
    workspace = Workspace()
    workspace.look_only()
    try:
        with workspace:
            program, plan, _ = workspace.plan(make)
            calls = program.all_calls()
            ledger = open_ledger(workspace)
            view = view_graph(
                name,
                calls,
                plan,
                ledger,
                collapse=collapse,
                depends_on=program.depends_on,
                items=program.items,
            )
            _warn_of_size(view, format_)
            return _format(view, format_, calls, colour=colour)
    finally:
        workspace.close()


#: Nodes or edges up to which a picture without search and zoom can be drawn and read; mermaid itself stops at as many edges.
_MOST_DRAWN = 500


def _warn_of_size(view: GraphView, format_: Format) -> None:
    nodes, edges = len(view.nodes), len(view.edges)
    if format_ in ("dot", "mermaid", "svg") and max(nodes, edges) > _MOST_DRAWN:
        print(
            f"merkl: {nodes} nodes and {edges} edges are more than {format_} is good for: --format html has search and zoom",
            file=sys.stderr,
        )


def _format(view: GraphView, format_: Format, calls: list[Call], *, colour: bool) -> str:
    if format_ == "html":
        return format_html(view, _components_of(calls))
    if format_ == "text":
        return format_graph(view, colour=colour)
    if format_ == "json":
        return msgspec.json.format(msgspec.json.encode(view), indent=1).decode()
    return {"dot": format_dot, "mermaid": format_mermaid, "svg": format_svg}[format_](view)


def _components_of(calls: list[Call]) -> dict[str, list[dict[str, str]]]:
    tasks = {call.fingerprint.hex(): call.task for call in calls if call.fingerprint is not None}
    root = sessions.current().root
    return {digest: list(place_components(describe_task(task), root)) for digest, task in tasks.items()}
