"""Sample projects: files written to a folder, imported afresh, fingerprinted, and run."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import re
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

from merkl.fingerprint import Fingerprint, Fingerprinter


def encode(value: object) -> bytes:
    """Return canonical bytes of plain values: a small stand-in that depends on no other part of MerkL."""
    match value:
        case None | bool() | int() | str() | bytes() | float() | complex():
            return f"{type(value).__name__}:{value!r};".encode()
        case list() | tuple():
            return type(value).__name__.encode() + b"(" + b"".join(map(encode, value)) + b")"
        case set() | frozenset():
            return type(value).__name__.encode() + b"{" + b"".join(sorted(map(encode, value))) + b"}"
        case dict():
            items = (encode(key) + encode(item) for key, item in value.items())
            return b"dict{" + b"".join(sorted(items)) + b"}"
        case enum.Enum():
            return encode((type(value).__qualname__, value.name))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return encode((type(value).__qualname__, dataclasses.astuple(value)))
    if type(value).__module__ == "re":
        return encode((value.pattern, value.flags))  # type: ignore[attr-defined]
    raise TypeError(f"no canonical bytes for {type(value).__qualname__}")


def files(text: str) -> dict[str, str]:
    """Take a project's text apart into its files: what stands before the first `## name` is `main.py`."""
    parts = re.split(r"^## (\S+)\n?", dedent(text), flags=re.MULTILINE)
    return {"main.py": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


class Project:
    """A project in a folder of its own. Each `load` imports it as a new process would."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.options = options
        self.names: set[str] = set()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "pyproject.toml").write_text("")

    def write(self, files: dict[str, str]) -> Project:
        for name, source in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(source))
            self.names.add(path.relative_to(self.folder).parts[0].removesuffix(".py"))
        return self

    def forget(self) -> None:
        for name in list(sys.modules):
            if name.partition(".")[0] in self.names:
                del sys.modules[name]
        importlib.invalidate_caches()

    def load(self, name: str = "main.task") -> Any:
        self.forget()
        module, _, attribute = name.rpartition(".")
        writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        sys.path.insert(0, str(self.folder))
        try:
            return getattr(importlib.import_module(module), attribute)
        finally:
            sys.path.remove(str(self.folder))
            sys.dont_write_bytecode = writes

    def fingerprinter(self) -> Fingerprinter:
        return Fingerprinter(**{"encode": encode, "project_root": self.folder, **self.options})

    def fingerprint(self, name: str = "main.task", **options: Any) -> Fingerprint:
        fn = self.load(name)
        sys.path.insert(0, str(self.folder))
        try:
            return self.fingerprinter().fingerprint(fn, **options)
        finally:
            sys.path.remove(str(self.folder))


def digest(folder: Path, files: dict[str, str], name: str = "main.task", **options: Any) -> str:
    """Return the fingerprint of a task in a project that consists of these files."""
    project = Project(folder / "project")
    for old in project.folder.rglob("*.py"):
        old.unlink()
    project.write(files)
    try:
        return project.fingerprint(name, **options).digest.hex()
    finally:
        project.forget()
