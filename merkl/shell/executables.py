"""Which programs a command runs, and what of them counts for its key: content, version or name, never the path."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeAlias

from merkl._base.errors import CommandTemplateError, MissingInputError
from merkl.files.stat import StatSignature, signature_at
from merkl.hashing.digests import hash_parts
from merkl.shell.template import Template

__all__ = ["Track", "describe_executables", "executables_digest", "find_executable"]

#: What of a program enters the key: its bytes, what `--version` prints, or nothing but its name.
Track: TypeAlias = Literal["content", "version", "name"]

_VERSION_SECONDS: Final = 20


def executables_digest(template: Template, track: Track, content_hash: Callable[[str], str]) -> bytes:
    """Return 32 bytes for all programs that a template names, with the interpreters of those that are scripts.

    Programs by a relative path are left out: in the command's own directory they can only come from its
    inputs. `content_hash` gives the hash of a program's file.

    Raises:
        MissingInputError: a program is not installed (unless only names are tracked).
        CommandTemplateError: a name is only known when the command runs (unless only names are tracked).
    """
    if track == "name":
        return hash_parts(
            b"executables", [b"name", *sorted({_base(word.text) for word in template.commands})]
        )
    if template.is_dynamic:
        raise CommandTemplateError(
            "a part of the command has a name that is only known when it runs (a variable or substitution), so the key "
            "can't tell which program it is: write the name out, or pass track='name' to leave programs out of the key"
        )
    parts: list[bytes] = []
    for path in _programs(template, with_interpreters=track == "content"):
        parts += [_base(path), _tracked(path, track, content_hash)]
    return hash_parts(b"executables", [track.encode(), *parts])


def describe_executables(
    template: Template, track: Track, content_hash: Callable[[str], str]
) -> list[tuple[str, bytes, str]]:
    """Return what of each program counts, as its name, the bytes that do, and a text; raises what `executables_digest` does."""
    if track == "name":
        return [
            (word, os.fsencode(word), "")
            for word in sorted({os.path.basename(w.text) for w in template.commands})
        ]
    found: list[tuple[str, bytes, str]] = []
    for path in _programs(template, with_interpreters=track == "content"):
        counted = _tracked(path, track, content_hash)
        text = counted.decode("utf-8", "replace").partition("\n")[0]
        shown = f"content {text[:12]}" if track == "content" else text
        found.append((_base(path).decode("utf-8", "replace"), counted, f"{shown} ({path})"))
    return found


def find_executable(name: str) -> str | None:
    """Return the path of the program that a name stands for, None if there is none."""
    return shutil.which(name)


def _programs(template: Template, *, with_interpreters: bool) -> list[str]:
    found: dict[str, None] = {}
    names = [(word.text, word.certain) for word in template.commands]
    if template.shell:
        names.append(("bash", True))
    for name, certain in names:
        if "/" in name and not os.path.isabs(name):
            continue
        path = find_executable(name)
        if path is not None:
            found.update(dict.fromkeys(_with_interpreters(path) if with_interpreters else [path]))
        elif certain:
            raise MissingInputError(
                f"The command {name!r} is not installed: no such program in PATH ({os.environ.get('PATH', '')!r}). "
                "Install it, or pass track='name' if the command brings it along."
            )
    return sorted(found, key=lambda path: (_base(path), path))


def _with_interpreters(path: str) -> Iterator[str]:
    """A program and, if it is a script, what its first line runs it with."""
    seen: set[str] = set()
    current: str | None = path
    while current is not None and current not in seen:
        seen.add(current)
        yield current
        current = _interpreter(current)


def _interpreter(path: str) -> str | None:
    with open(path, "rb") as file:
        line = file.readline(1024)
    if not line.startswith(b"#!"):
        return None
    words = os.fsdecode(line[2:]).split()
    if words and os.path.basename(words[0]) == "env":
        names = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        return find_executable(names[0]) if names else None
    return find_executable(words[0]) if words else None


def _tracked(path: str, track: Track, content_hash: Callable[[str], str]) -> bytes:
    real = os.path.realpath(path)
    if track == "content":
        return content_hash(real).encode()
    return _version(path, signature_at(real))


@functools.lru_cache(maxsize=1024)
def _version(path: str, _signature: StatSignature) -> bytes:
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandTemplateError(
            f"{path} --version failed ({error}): pass track='content' or 'name'"
        ) from error
    printed = (done.stdout + done.stderr).strip()
    if done.returncode or not printed:
        raise CommandTemplateError(
            f"{path} --version ended with exit code {done.returncode}, so it tells no version: pass track='content' or "
            "track='name'"
        )
    return printed


def _base(name: str) -> bytes:
    return os.fsencode(os.path.basename(name))
