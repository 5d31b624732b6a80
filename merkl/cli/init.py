"""`merkl init`: tell pyproject.toml of MerkL and of its mypy plugin."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from merkl._base.errors import ConfigError
from merkl._base.places import shown_path
from merkl.cli.errors import UsageError

__all__ = ["USAGE", "carry_out"]

USAGE = """\
usage: merkl init

Write [tool.merkl] and the mypy plugin into the pyproject.toml of this folder, where they are not there yet.

examples:
  mkdir shop && cd shop && merkl init
"""

_SECTION = """\
[tool.merkl]
# Whether versions of installed packages enter the keys of tasks that use them: "off", "minor" or "exact".
package_versions = "off"
"""
_PLUGIN = """\
[tool.mypy]
plugins = ["merkl_mypy"]
"""


def init_project(folder: Path) -> int:
    """Add what is missing to the pyproject.toml of a folder, and say what was done; what is there stays as it is."""
    path = folder / "pyproject.toml"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        tools = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{shown_path(path)} is no valid TOML: {error}; mend it, then run `merkl init` again"
        ) from error
    added = [section for name, section in (("merkl", _SECTION), ("mypy", _PLUGIN)) if name not in tools]
    if added:
        joined = "\n".join([*([text.rstrip("\n") + "\n"] if text.strip() else []), *added])
        path.write_text(joined, encoding="utf-8")
    print(_report(path, tools, is_new=not text))
    return 0


def _report(path: Path, tools: dict[str, Any], *, is_new: bool) -> str:
    lines = [f"{'wrote' if is_new else 'found'} {shown_path(path)}"]
    lines.append("[tool.merkl] is there" if "merkl" in tools else "added [tool.merkl]")
    if "mypy" not in tools:
        lines.append("added [tool.mypy] with the plugin")
    elif "merkl_mypy" not in tools["mypy"].get("plugins", ()):
        lines.append('[tool.mypy] is there without the plugin: add plugins = ["merkl_mypy"] to it')
    lines.append(
        "results will be kept in .merkl/, which git ignores; run a task with `merkl run MODULE.FUNCTION`"
    )
    return "\n".join(lines)


def carry_out(words: list[str]) -> int:
    if words:
        raise UsageError(f"`merkl init` takes no {words[0]!r}")
    return init_project(Path.cwd())
