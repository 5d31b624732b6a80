"""A shell command as a function: bind arguments, run it in a directory of its own, take out what it declares."""

from __future__ import annotations

import contextlib
import inspect
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from merkl._base.errors import CommandFailedError, CommandTimeoutError, InputChangedError
from merkl.files import DirRef, FileRef
from merkl.files.content import hash_file, require_regular
from merkl.files.scratch import fresh_directory
from merkl.files.stat import StatSignature, signature_at
from merkl.files.transfer import clone_file
from merkl.files.tree import scan_tree
from merkl.hashing.digests import hash_parts
from merkl.shell.executables import Track, describe_executables, executables_digest
from merkl.shell.placeholders import Placeholder, Role
from merkl.shell.process import Ended, run_group
from merkl.shell.render import STDIN_FILE, Layout, plan_layout, render_script, render_words
from merkl.shell.template import Template, parse_template

__all__ = ["Finished", "ShellCommand"]

_TAIL_BYTES: Final = 8192
_TAIL_LINES: Final = 30
# Settings of the caller's own shell that would change what a script means or which programs it finds.
_UNSET: Final = frozenset(
    {
        "BASH_ENV",
        "ENV",
        "SHELLOPTS",
        "BASHOPTS",
        "CDPATH",
        "GLOBIGNORE",
        "IFS",
        "POSIXLY_CORRECT",
        "OLDPWD",
        "PWD",
    }
)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left: its outs by name, and the tails of what it printed."""

    outs: Mapping[str, Any]
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """A typed command, parsed and ready to run.

    It runs under `bash -euo pipefail` (or as it is, without a shell) in a new directory that holds links to
    its inputs and nothing else. The locale is C.UTF-8, so that `sort` means the same everywhere; otherwise
    the environment is the caller's, with `env` on top.

    >>> from merkl.shell.placeholders import arg, stdout_arg
    >>> shout = ShellCommand.parse(f"echo {arg('text')} | tr a-z A-Z {stdout_arg(str)}")
    >>> shout.run({"text": "it's $HOME"}).outs["stdout"]
    "IT'S $HOME\\n"
    """

    template: Template
    track: Track = "content"
    env: tuple[tuple[str, str], ...] = ()
    timeout: float | None = None

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        shell: bool = True,
        track: Track = "content",
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Self:
        """Parse the text of an f-string.

        Args:
            text: the command with its placeholders.
            shell: False runs the words without a shell.
            track: what of the programs that it runs enters the key: "content", "version" or "name".
            env: variables to set; they enter the key.
            timeout: seconds that a run may take.

        Raises:
            CommandTemplateError: see `parse_template`.
        """
        if track not in ("content", "version", "name"):
            raise ValueError(f"track={track!r}: it is 'content', 'version' or 'name'")
        return cls(parse_template(text, shell=shell), track, tuple(sorted((env or {}).items())), timeout)

    @property
    def signature(self) -> inspect.Signature:
        """The parameters in the order of their first placeholders, and what the command gives."""
        return self.template.signature()

    def digest(self, content_hash: Callable[[str], str] | None = None) -> bytes:
        """Return 32 bytes for what the command does: its normalised text, the programs in it, its environment.

        `content_hash` gives the hash of a program's file; by default it is read.

        Raises:
            MissingInputError: a program is not installed.
            CommandTemplateError: a program's name is only known at run time, or it tells no version.
        """
        texts = [text.encode("utf-8", "surrogateescape") for text in self.template.tokens]
        settings = [part.encode("utf-8", "surrogateescape") for pair in self.env for part in pair]
        return hash_parts(
            b"command",
            [
                b"shell" if self.template.shell else b"words",
                hash_parts(b"tokens", texts),
                hash_parts(b"env", settings),
                executables_digest(self.template, self.track, content_hash or _read_hash),
            ],
        )

    def describe(self, content_hash: Callable[[str], str] | None = None) -> list[tuple[str, str, bytes, str]]:
        """Return the parts that make up `digest`, each as kind, name, digest and text; values of variables do not show.

        Raises what `digest` raises.
        """
        tokens = [text.encode("utf-8", "surrogateescape") for text in self.template.tokens]
        kind = "command" if self.template.shell else "command without a shell"
        parts = [(kind, "", hash_parts(b"tokens", tokens), self.template.text())]
        parts += [
            (
                "environment variable",
                name,
                hash_parts(b"value", [value.encode("utf-8", "surrogateescape")]),
                "",
            )
            for name, value in self.env
        ]
        programs = describe_executables(self.template, self.track, content_hash or _read_hash)
        return parts + [
            ("program", name, hash_parts(b"program", [digest]), text) for name, digest, text in programs
        ]

    def run(self, arguments: Mapping[str, Any]) -> Finished:
        """Run the command with arguments bound to all of its parameters.

        Raises:
            CommandFailedError: it ended with an error, or without an out that it declares.
            CommandTimeoutError: it took too long.
            InputChangedError: it wrote to one of its inputs.
            KeyboardInterrupt: after the command has got it too and has ended.
        """
        home = fresh_directory(stem="command")
        try:
            return self._run_in(home, arguments)
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise

    def _run_in(self, home: Path, arguments: Mapping[str, Any]) -> Finished:
        layout = plan_layout(self.template, arguments)
        work = home / "work"
        work.mkdir()
        (home / "tmp").mkdir()
        before = _link_inputs(work, layout)
        for one in self.template.outs:
            if one.role is Role.OUT_DIRECTORY:
                (work / layout.outs[one.name]).mkdir()
        words, shown = self._words(home, arguments, layout)
        self._execute(home, words, shown, self._stdin(home, arguments))
        for path, signature in before.items():
            if signature_at(path) != signature:
                raise InputChangedError(
                    f"the command changed its input {path!r}, which is not its own: let it write to an out instead"
                    f"\n  command: {shown}"
                )
        outs = {one.name: self._collect(home, one, layout, shown) for one in self.template.outs}
        finished = Finished(outs, _tail(home / "stdout"), _tail(home / "stderr"))
        _discard_rest(home, outs)
        return finished

    def _words(self, home: Path, arguments: Mapping[str, Any], layout: Layout) -> tuple[list[str], str]:
        if not self.template.shell:
            words = render_words(self.template, arguments, layout)
            return words, " ".join(words)
        script = render_script(self.template, arguments, layout)
        # A file rather than `-c`, which the kernel limits to 128 KiB.
        (home / "script").write_bytes(os.fsencode(script))
        return ["bash", "-euo", "pipefail", str(home / "script")], script.strip()

    def _stdin(self, home: Path, arguments: Mapping[str, Any]) -> Path | None:
        for one in self.template.parameters:
            value = arguments[one.name]
            if one.role is not Role.STDIN or value is None:
                continue
            target = home / Path(STDIN_FILE).name
            if isinstance(value, FileRef):
                target.symlink_to(value)
            else:
                target.write_bytes(value.encode() if isinstance(value, str) else bytes(value))
            return target
        return None

    def _execute(self, home: Path, words: list[str], shown: str, stdin: Path | None) -> None:
        with contextlib.ExitStack() as stack:
            # Appending: a second opening of /dev/stdout in the script must not overwrite what is there.
            writing = [stack.enter_context((home / name).open("ab")) for name in ("stdout", "stderr")]
            try:
                code = run_group(
                    words,
                    cwd=home / "work",
                    env=self._environment(home),
                    stdin=stdin,
                    stdout=writing[0],
                    stderr=writing[1],
                    timeout=self.timeout,
                )
            except Ended as error:
                tail = _tail(home / "stderr")
                raise CommandTimeoutError(
                    f"the command took more than {self.timeout:g} seconds and was ended{_printed(tail)}\n  command: {shown}",
                    command=shown,
                    stderr=tail,
                ) from error
            except OSError as error:
                raise CommandFailedError(
                    f"the command cannot be started: {error}\n  command: {shown}", command=shown
                ) from error
        if code:
            tail = _tail(home / "stderr")
            how = f"exit code {code}" if code > 0 else f"signal {-code}"
            raise CommandFailedError(
                f"the command ended with {how}{_printed(tail)}\n  command: {shown}",
                command=shown,
                exit_code=code,
                stderr=tail,
            )

    def _environment(self, home: Path) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in _UNSET and not name.startswith(("BASH_FUNC_", "LC_"))
        }
        return {**inherited, "LC_ALL": "C.UTF-8", "TMPDIR": str(home / "tmp"), **dict(self.env)}

    def _collect(self, home: Path, one: Placeholder, layout: Layout, shown: str) -> Any:
        if one.role is Role.STDOUT:
            return self._collect_stdout(home, one, layout, shown)
        path = home / "work" / layout.outs[one.name]
        if one.role is Role.OUT_DIRECTORY:
            if not path.is_dir():
                raise _missing(home, one, layout, shown)
            return DirRef.restore(path, fresh=True)
        if not path.is_file():
            raise _missing(home, one, layout, shown)
        return FileRef.restore(_own(path), one.suffix or _suffix(path), fresh=True)

    def _collect_stdout(self, home: Path, one: Placeholder, layout: Layout, shown: str) -> Any:
        index = self.template.occurrences.index(one)
        redirected = bool(self.template.sites[index].redirect)
        path = home / "work" / layout.outs[one.name]
        if not redirected:
            os.rename(home / "stdout", path)
        elif not path.is_file():
            raise _missing(home, one, layout, shown)
        if one.type is bytes:
            return path.read_bytes()
        if one.type is not str:
            return FileRef.restore(_own(path), one.suffix, fresh=True)
        try:
            return path.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise CommandFailedError(
                f"the command printed bytes that are no UTF-8 text ({error}): declare stdout_arg(bytes)"
                f"\n  command: {shown}",
                command=shown,
                exit_code=0,
            ) from error


def _read_hash(path: str) -> str:
    return hash_file(path).content_hash


def _link_inputs(work: Path, layout: Layout) -> dict[str, StatSignature]:
    """Link the inputs in; return what they look like, as a write through a link would change the original."""
    before: dict[str, StatSignature] = {}
    for name, value in layout.inputs.values():
        source = os.fspath(value)
        if isinstance(value, FileRef):
            require_regular(source)
            before[source] = signature_at(source)
        else:
            before.update((entry.source, entry.signature) for entry in scan_tree(source).files)
        target = work / name
        target.parent.mkdir(exist_ok=True)
        if not target.is_symlink():
            target.symlink_to(source, target_is_directory=isinstance(value, DirRef))
    return before


def _own(path: Path) -> Path:
    """An out that is only a link to something becomes a file of its own."""
    if path.is_symlink():
        real = os.path.realpath(path)
        path.unlink()
        clone_file(real, path)
    return path


def _suffix(path: Path) -> str:
    return FileRef(path).suffix


def _missing(home: Path, one: Placeholder, layout: Layout, shown: str) -> CommandFailedError:
    made = sorted(entry.name for entry in (home / "work").iterdir() if not entry.is_symlink())
    tail = _tail(home / "stderr")
    return CommandFailedError(
        f"the command ended well but made no {one.role.value} {one.name!r}: wanted is {layout.outs[one.name]!r}, what it "
        f"made is {', '.join(map(repr, made)) or 'nothing'}{_printed(tail)}\n  command: {shown}",
        command=shown,
        exit_code=0,
        stderr=tail,
    )


def _discard_rest(home: Path, outs: Mapping[str, Any]) -> None:
    """Remove what is no out; all of it stays while links in an out directory may lead to it."""
    kept = {os.fspath(value) for value in outs.values() if isinstance(value, FileRef | DirRef)}
    if any(
        any(
            entry.kind == "link" or (entry.source != "" and not _inside(entry.source, home))
            for entry in scan_tree(value).entries
        )
        for value in outs.values()
        if isinstance(value, DirRef)
    ):
        return
    for path in _children(home / "work"):
        if str(path) not in kept:
            _remove(path)
    for name in ("tmp", "script", "stdin", "stdout", "stderr"):
        _remove(home / name)
    if not kept:
        _remove(home)


def _children(path: Path) -> Iterator[Path]:
    return iter(list(path.iterdir()))


def _inside(path: str, home: Path) -> bool:
    return path.startswith(str(home) + os.sep)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _tail(path: Path) -> str:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(lines)
    return ""


def _printed(tail: str) -> str:
    if not tail.strip():
        return "; it printed nothing to stderr"
    return "; the end of its stderr:\n    " + "\n    ".join(tail.splitlines())
