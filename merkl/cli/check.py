"""`merkl check`: what mypy, building every graph, and the self-test of serializers find wrong."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import pkgutil
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from merkl._base.config import find_project_root
from merkl._base.places import shown_path
from merkl._base.tracebacks import locate_error
from merkl.cli.arguments import parse_options
from merkl.cli.errors import UsageError
from merkl.cli.names import load_module, make_project_importable
from merkl.cli.output import print_json, stdout_for_result
from merkl.cli.project_files import ProjectFiles, find_project_files
from merkl.cli.static import check_statically
from merkl.execution.checking import (
    BuildFindings,
    Finding,
    ValueAsked,
    check_modules,
    check_serializers,
    nothing_runs,
)
from merkl.execution.exits import refused_exits
from merkl.workspace import Workspace

__all__ = ["USAGE", "carry_out"]

USAGE = """\
usage: merkl check [MODULE ...] [--serializers] [--json]

Run mypy with MerkL's plugin over the modules, then build every task, pipeline, and function declared to return Futures,
that can be called without arguments. No task runs. A MODULE is a module, a package with all in it, or the path of a
file. Of a folder, and without any of the whole project, all files that import merkl are checked, tests aside; those that
only import such a file are read by mypy.

  --serializers   also hash the constants of the calls that were built, and an instance of each type with a serializer of
                  your own, under two hash seeds and after a pickle round trip
  --json          print the findings as one JSON object

Exit code 1 if anything was found; warnings do not count.

examples:
  merkl check
  merkl check flow mypackage tools/report.py
  merkl check --serializers
"""


def _options(*modules: str, serializers: bool = False, json: bool = False) -> None:
    """The words of `merkl check`."""


def carry_out(words: list[str]) -> int:
    bound, rest = parse_options(_options, words)
    if rest:
        raise UsageError(f"`merkl check` takes no {rest[0]!r}")
    options = dict(bound.arguments)
    names = [str(name) for name in options.get("modules", ())]
    with stdout_for_result() as out:
        return check_project(
            names, serializers=options.get("serializers", False), as_json=options.get("json", False), out=out
        )


def _looking() -> Workspace:
    workspace = Workspace()
    workspace.look_only()
    return workspace


def check_project(names: list[str], *, serializers: bool, as_json: bool, out: TextIO) -> int:
    """Check modules, or all of the project, print one report, and return the exit code."""
    root = find_project_root()
    make_project_importable(root)  # wherever in the project this is
    given = _expand(names) if names else find_project_files(root)
    with refused_exits():
        with _looking(), nothing_runs():
            loaded = _load(given.direct)
        by_mypy_alone = sorted({shown_path(path) for path in given.indirect} - loaded.paths)
        modules = list(loaded.modules.values())
        findings = check_statically(sorted([*loaded.paths, *by_mypy_alone]), root) + loaded.findings
        with _looking():
            built = check_modules(modules)
            built.ended_early += loaded.ended_early
            findings += built.findings
            if serializers:
                findings += check_serializers(built.calls)
    report = _Report(_in_order(findings), modules, by_mypy_alone, built)
    if as_json:
        print_json(report.as_json(), out)
    else:
        for finding in report.findings:
            print(_as_text(finding), file=out)
    print(report.summary(), file=sys.stderr)
    return 1 if any(finding.severity == "error" for finding in report.findings) else 0


# -- what is checked ---------------------------------------------------------------------------------------


def _expand(names: list[str]) -> ProjectFiles:
    """The files in folders that are no packages, and of what is no folder the name alone."""
    found = ProjectFiles()
    for name in names:
        folder = Path(name)
        is_named_as_folder = os.sep in name or name in (os.curdir, os.pardir)
        if folder.is_dir() and (is_named_as_folder or not (folder / "__init__.py").exists()):
            inside = find_project_files(folder)
            found.direct += inside.direct
            found.indirect += inside.indirect
        else:
            found.direct.append(name)
    return found


class _Loaded:
    """What importing gave: modules by their files, all files, what failed, and what asked for a value and so ended."""

    def __init__(self) -> None:
        self.modules: dict[str, ModuleType] = {}
        self.paths: set[str] = set()
        self.findings: list[Finding] = []
        self.ended_early: list[str] = []


def _load(names: Iterable[str]) -> _Loaded:
    """Import the modules and all that is in packages among them; one that fails is a finding."""
    loaded = _Loaded()
    queue = list(names)
    while queue:
        name = queue.pop(0)
        shown = shown_path(name) if name.endswith(".py") else name
        try:
            module = load_module(name)
        except ValueAsked:
            loaded.ended_early.append(shown)
        except UsageError as error:
            if error.__cause__ is None:
                raise
            loaded.findings.append(_failed_import(error.__cause__, str(error).replace(name, shown)))
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001  (whatever the module raises, SystemExit included, is the finding)
            message = f"{shown} cannot be imported: {type(error).__name__}: {error}"
            loaded.findings.append(_failed_import(error, message))
        else:
            # By file: two scripts of one name in two folders are two modules of one name.
            if loaded.modules.setdefault(_file_of(module) or module.__name__, module) is module:
                inside = pkgutil.iter_modules(getattr(module, "__path__", ()), f"{module.__name__}.")
                queue += [each.name for each in inside if not each.name.endswith(".__main__")]
        path = name if name.endswith(".py") else _find_file(name)
        loaded.paths |= {shown_path(path)} if path else set()
    return loaded


def _failed_import(error: BaseException, message: str) -> Finding:
    file, line = locate_error(error) or ("", 0)
    if isinstance(error, SyntaxError) and error.msg:
        message = error.msg  # the rest of it is the place
    return Finding("import", "error", file, line, message)


def _file_of(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or ""


def _find_file(name: str) -> str:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return ""
    return spec.origin if spec is not None and spec.origin is not None and spec.origin.endswith(".py") else ""


# -- the report --------------------------------------------------------------------------------------------


def _in_order(findings: list[Finding]) -> list[Finding]:
    shown = [
        dataclasses.replace(finding, file=shown_path(finding.file) if finding.file else "")
        for finding in findings
    ]
    return sorted(dict.fromkeys(shown), key=lambda f: (f.file, f.line, f.column, f.source))


def _as_text(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    code = finding.code or finding.source
    return f"{place}{': ' if place else ''}{finding.severity}: {finding.message}  [{code}]"


@dataclasses.dataclass(frozen=True, slots=True)
class _Report:
    """All that is found, of which modules, which files only mypy has read, and what was built."""

    findings: list[Finding]
    modules: list[ModuleType]
    by_mypy_alone: list[str]
    built: BuildFindings

    def as_json(self) -> dict[str, Any]:
        return {
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
            "modules": [module.__name__ for module in self.modules],
            "by_mypy_alone": self.by_mypy_alone,
            "built": self.built.built,
            "ended_early": self.built.ended_early,
            "calls": len(self.built.calls),
        }

    def summary(self) -> str:
        sources = Counter(finding.source for finding in self.findings if finding.severity == "error")
        errors = ", ".join(f"{count} by {source}" for source, count in sources.items()) or "none"
        graphs = f"{_count(len(self.built.built), 'graph')} of {_count(len(self.built.calls), 'call')} built"
        failed = sources["import"]
        checked = f"{_count(len(self.modules), 'module')} checked"
        if self.by_mypy_alone:
            checked += f", {len(self.by_mypy_alone)} more by mypy alone"
        if failed:
            checked += f", {failed} more cannot be imported"
        text = f"merkl: {checked}, {graphs}; errors: {errors}"
        if self.built.ended_early:
            text += (
                f"\nmerkl: ended where a value decides what comes next: {', '.join(self.built.ended_early)}"
            )
        return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
