"""Runs mypy with the plugin over files, and reads what it says."""

from __future__ import annotations

import configparser
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from merkl._base.errors import ConfigError, MissingDependencyError
from merkl._base.places import shown_path
from merkl.execution.checking import Finding

__all__ = ["check_statically"]

_PLUGIN = "merkl_mypy"
#: What mypy says of settings for modules that are not among those looked at this time.
_UNUSED = "Warning: unused section(s)"


def check_statically(paths: Sequence[str], root: Path) -> list[Finding]:
    """Return what mypy with MerkL's plugin finds in files; without any, in what its settings name.

    The project's own settings of mypy hold; where it has none, the plugin's defaults do. They are read from the folder of
    the project, `root`, or from one nearer to here that has settings of its own: what they name is relative to it.

    Raises `MissingDependencyError` without mypy, and `ConfigError` where the settings do not name the plugin.
    """
    if importlib.util.find_spec("mypy") is None:
        raise MissingDependencyError('mypy is not installed: pip install "merkl[mypy]"')
    settings = _find_settings(Path.cwd())
    # -P: no module of the project stands in the place of one that mypy itself imports.
    words = [
        sys.executable,
        "-P",
        "-m",
        "mypy",
        "--output=json",
        "--no-error-summary",
        "--hide-error-context",
    ]
    with tempfile.TemporaryDirectory(prefix="merkl-check-") as folder:
        if settings is None:
            config = Path(folder) / "mypy.ini"
            config.write_text(f"[mypy]\nplugins = {_PLUGIN}\n", encoding="utf-8")
            words.append(f"--config-file={config}")
        elif not _names_plugin(settings):
            raise ConfigError(
                f"{settings}: mypy's settings do not name MerkL's plugin, and without it mypy takes Futures for mistakes; "
                f'add "{_PLUGIN}" to their `plugins` (in TOML: plugins = ["{_PLUGIN}"])'
            )
        mypy = _Mypy(words, _where_mypy_runs(settings, root))
        return [finding for group in _groups(paths) for finding in mypy.check(group)]


def _where_mypy_runs(settings: Path | None, root: Path) -> Path:
    """The innermost of the folders here and above that is the project's or has the settings; else this one."""
    here = Path.cwd()
    around = (here, *here.parents)
    known = [folder for folder in (root, settings.parent if settings else None) if folder in around]
    return max((folder for folder in known if folder), key=lambda folder: len(folder.parts), default=here)


@dataclass(frozen=True, slots=True)
class _Mypy:
    """mypy with its options, run in a folder; paths are given to it, and told, as seen from the working directory."""

    words: Sequence[str]
    folder: Path

    def check(self, paths: list[str]) -> list[Finding]:
        """What mypy says of files; where one keeps it from going on it says no more, so it looks at the others again."""
        findings, is_done = self._run(paths)
        unread = {finding.file for finding in findings}
        others = [path for path in paths if path not in unread]
        if is_done or not others or len(others) == len(paths):
            return findings
        return findings + self.check(others)

    def _run(self, paths: Sequence[str]) -> tuple[list[Finding], bool]:
        given = [os.path.relpath(os.path.abspath(path), self.folder) for path in paths]
        done = subprocess.run(
            [*self.words, *given],
            cwd=self.folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        told = f"{done.stdout}\n{done.stderr}".splitlines()
        findings = [self._read(json.loads(text)) for text in told if text.startswith("{")]
        findings = [finding for finding in findings if finding.severity == "error"]
        apart = [text for text in told if text.strip() and not text.startswith(("{", _UNUSED))]
        is_done = done.returncode == 0 or (done.returncode == 1 and bool(findings))
        if not is_done and not findings:
            said = "\n".join(apart)[-2000:] or f"mypy ended with code {done.returncode}"
            findings.append(Finding("mypy", "error", "", 0, said))
        else:  # what is wrong with its settings
            findings += [Finding("mypy", "warning", "", 0, text) for text in apart]
        return findings, is_done

    def _read(self, said: dict[str, Any]) -> Finding:
        hint = f" ({said['hint'].strip()})" if said.get("hint") else ""
        return Finding(
            "mypy",
            said["severity"],
            shown_path(said["file"], base=self.folder),
            max(said["line"], 0),
            " ".join(f"{said['message']}{hint}".split()),
            max(said["column"], 0),
            said["code"] or "",
        )


def _groups(paths: Sequence[str]) -> list[list[str]]:
    """The files in groups that mypy can read at once: scripts of one name in two folders are one module to it."""
    groups: list[dict[str, str]] = []
    for path in paths:
        file = Path(path)
        in_package = (file.parent / "__init__.py").exists()
        name = str(file) if in_package else file.stem
        fitting = next((group for group in groups if name not in group), None)
        if fitting is None:
            groups.append(fitting := {})
        fitting[name] = path
    return [list(group.values()) for group in groups] or [[]]


def _find_settings(folder: Path) -> Path | None:
    """The file that mypy reads its settings from, as mypy looks for it."""
    for place in (folder, *folder.parents):
        for name in ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"):
            path = place / name
            if path.is_file() and _settings_in(path) is not None:
                return path
        if (place / ".git").exists() or (place / ".hg").exists():
            return None
    return None


def _settings_in(path: Path) -> dict[str, Any] | None:
    try:
        if path.suffix == ".toml":
            found = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("mypy")
            return found if isinstance(found, dict) else None
        parser = configparser.RawConfigParser()
        parser.read_string(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, configparser.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if parser.has_section("mypy"):
        return dict(parser["mypy"])
    return {} if path.name in ("mypy.ini", ".mypy.ini") else None


def _names_plugin(path: Path) -> bool:
    plugins = (_settings_in(path) or {}).get("plugins", ())
    names = plugins.replace(",", " ").split() if isinstance(plugins, str) else plugins
    return any(str(name).strip().partition(":")[0].partition(".")[0] == _PLUGIN for name in names)
