"""Runs mypy with the plugin over files, and reads what it says."""

from __future__ import annotations

import configparser
import importlib.util
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from merkl._base.errors import ConfigError, MissingDependencyError
from merkl.execution.checking import Finding

__all__ = ["check_statically"]

_PLUGIN = "merkl_mypy"


def check_statically(paths: Sequence[str]) -> list[Finding]:
    """Return what mypy with MerkL's plugin finds in files and folders; without any, in what its settings name.

    The project's own settings of mypy hold; where it has none, the plugin's defaults do.

    Raises `MissingDependencyError` without mypy, and `ConfigError` where the settings do not name the plugin.
    """
    if importlib.util.find_spec("mypy") is None:
        raise MissingDependencyError('mypy is not installed: pip install "merkl[mypy]"')
    settings = _find_settings(Path.cwd())
    words = [sys.executable, "-m", "mypy", "--output=json", "--no-error-summary", "--hide-error-context"]
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
        return [finding for group in _groups(paths) for finding in _check_group(words, group)]


def _check_group(words: Sequence[str], paths: list[str]) -> list[Finding]:
    """What mypy says of files; where one cannot be read, mypy says no more, so it looks at the others again."""
    findings = _run([*words, *paths])
    unread = {finding.file for finding in findings if finding.code == "syntax"}
    others = [path for path in paths if path not in unread]
    return findings if not others or len(others) == len(paths) else findings + _check_group(words, others)


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


def _run(words: Sequence[str]) -> list[Finding]:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    findings = list(_read(done.stdout))
    if done.returncode not in (0, 1) and not findings:
        said = (done.stderr.strip() or done.stdout.strip() or f"mypy ended with code {done.returncode}")[
            -2000:
        ]
        findings.append(Finding("mypy", "error", "", 0, said))
    return findings


def _read(printed: str) -> Iterable[Finding]:
    for text in printed.splitlines():
        if not text.startswith("{"):
            continue
        said: dict[str, Any] = json.loads(text)
        if said["severity"] != "error":
            continue
        hint = f" ({said['hint'].strip()})" if said.get("hint") else ""
        line, column = max(said["line"], 0), max(said["column"], 0)
        yield Finding(
            "mypy",
            "error",
            said["file"],
            line,
            " ".join(f"{said['message']}{hint}".split()),
            column,
            said["code"] or "",
        )


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
