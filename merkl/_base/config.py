"""Settings of a project: `[tool.merkl]` in its pyproject.toml, and where the project is."""

from __future__ import annotations

import difflib
import os
import sys
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from merkl._base.early_interrupts import is_command
from merkl._base.errors import ConfigError
from merkl._base.places import shown_path
from merkl._base.sizes import parse_size

__all__ = ["CacheSettings", "Remote", "Settings", "find_project_root", "load_settings"]


class Remote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cache behind the one of the project: `options` are for its class (for S3 `endpoint`, `region` …)."""

    url: str
    read_only: bool = False
    options: dict[str, Any] = {}


class CacheSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tool.merkl.cache]`: where results live, and how much of them is kept."""

    url: str = ""
    remotes: tuple[str | Remote, ...] = ()
    max_size: str | int | None = None
    allow_pickle: bool = False

    @property
    def most_bytes(self) -> int | None:
        """Return `max_size` as a number of bytes, None where there is no limit."""
        return None if self.max_size is None else parse_size(self.max_size)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tool.merkl]`.

    `track` names packages that count as the user's code though they are installed; `package_versions` says whether versions
    of installed packages enter fingerprints; `check_types` switches off the build-time check of Futures.
    """

    track: tuple[str, ...] = ()
    package_versions: Literal["off", "minor", "exact"] = "off"
    check_types: bool = True
    cache: CacheSettings = CacheSettings()
    targets: dict[str, dict[str, Any]] = {}


def find_project_root(start: Path | None = None) -> Path:
    """Return the folder that a workspace belongs to.

    `MERKL_ROOT` if set; else the nearest folder upwards with a pyproject.toml; else with a `.git`; else the folder of
    the script that runs; for the command `merkl`, and where there is no script, the working directory.
    """
    given = os.environ.get("MERKL_ROOT")
    if given:
        return Path(given).absolute()
    here = (start or Path.cwd()).absolute()
    for mark in ("pyproject.toml", ".git"):
        for folder in (here, *here.parents):
            if (folder / mark).exists():
                return folder
    script = None if is_command() else getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(script).absolute().parent if script else here


def load_settings(root: Path) -> Settings:
    """Return the settings of the project in a folder; the defaults where it says nothing.

    Raises `ConfigError` for a file that is no TOML, an unknown setting (with the closest known one), or a wrong value.
    """
    path = root / "pyproject.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("merkl", {})
    except FileNotFoundError:
        return Settings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{shown_path(path)} is no valid TOML: {error}") from error
    table = {key: value for key, value in table.items() if key not in _PLUGIN_SETTINGS}
    for key in table:
        if key not in Settings.__struct_fields__:
            close = difflib.get_close_matches(key, Settings.__struct_fields__, 1)
            hint = (
                f"; did you mean {close[0]!r}?"
                if close
                else f"; known are {', '.join(Settings.__struct_fields__)}"
            )
            raise ConfigError(f"{shown_path(path)}: [tool.merkl] has no setting {key!r}{hint}")
    try:
        settings = msgspec.convert(table, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{shown_path(path)}: [tool.merkl]: {error}") from error
    if settings.cache.max_size is not None:
        try:
            parse_size(settings.cache.max_size)
        except ValueError as error:
            raise ConfigError(f"{shown_path(path)}: [tool.merkl.cache] max_size: {error}") from error
    return settings


#: Settings in the same table that only the mypy plugin reads.
_PLUGIN_SETTINGS = frozenset({"mypy"})
