"""`bash_task`: a typed task out of a shell command."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from merkl._base.running_body import note_printed
from merkl.graph.options import TaskOptions, make_options
from merkl.graph.session import sessions
from merkl.graph.task import Task
from merkl.hashing.digests import hash_parts
from merkl.shell.command import ShellCommand
from merkl.shell.executables import Track
from merkl.shell.naming import find_name

if TYPE_CHECKING:
    from merkl.fingerprint import Fingerprint, Fingerprinter

__all__ = ["BashTask", "bash_task"]


class BashTask(Task[..., Any, Any]):
    """A task whose body runs a shell command; its fingerprint is what the command does, not any Python code."""

    def __init__(
        self, command: ShellCommand, name: str, module: str, options: TaskOptions, location: str = ""
    ) -> None:
        super().__init__(_function_of(command, name, module), options)
        self.command = command
        self.location = location
        self._digest = b""

    def _hold(self) -> Any:
        # Programs may be installed or rebuilt while this process lives, so they are looked at for each call.
        digest = self.command.digest(sessions.current().files.content_hash)
        if digest != self._digest:
            self._digest, self._held = digest, None
        return super()._hold()

    def _make_fingerprint(self, fingerprinter: Fingerprinter) -> Fingerprint:
        # Of a function that never changes; deps that were declared count through it.
        base = fingerprinter.fingerprint(
            _any_command, deps=self.options.deps, code_version=1, hash_key="merkl.bash_task"
        )
        digest = hash_parts(b"bash task", [base.digest, self._digest])
        return dataclasses.replace(base, digest=digest)

    def __reduce__(self) -> Any:
        return BashTask, (self.command, self.name, self.__module__, self.options, self.location)


def bash_task(
    command: str,
    *,
    shell: bool = True,
    track: Track = "content",
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    name: str | None = None,
    **options: Any,
) -> Any:
    """Make a typed task out of a shell command, an f-string with placeholders.

    Parameters come in the order of their first placeholder. One out gives a Future, several a dict of Futures by name,
    none runs the command for its effect. The command runs under `bash -euo pipefail` in a directory of its own that
    holds links to its inputs.

    Args:
        command: the text, with `arg`, `file_arg`, `dir_arg`, `out_file_arg`, `out_dir_arg`, `stdin_arg`, `stdout_arg`.
        shell: False runs the words as they are.
        track: what of the programs that it runs enters the key: their "content", "version" or only their "name".
        env: variables to set; they enter the key.
        timeout: seconds after which the command and all its children are killed.
        name: of the task; by default that of the variable that it is assigned to, or of the function that returns it, else
            that of the first program.
        options: as of `@task`.

    Raises:
        CommandTemplateError: a placeholder stands where no value can be put safely, or the text is no command.

    >>> from merkl import arg, bash_task, stdout_arg
    >>> shout = bash_task(f"echo {arg('text')} | tr a-z A-Z {stdout_arg(str)}")
    >>> shout("hello").eval()
    'HELLO\\n'
    """
    parsed = ShellCommand.parse(command, shell=shell, track=track, env=env, timeout=timeout)
    frame = sys._getframe(1)
    told, frame = find_name(frame) or ("", frame)
    program = next((os.path.basename(word.text) for word in parsed.template.commands), "bash")
    named = name or (told if told.strip("_") else program)
    location = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    module = frame.f_globals.get("__name__", "__main__")
    return BashTask(parsed, named, module, make_options(named, options), location)


def _function_of(command: ShellCommand, name: str, module: str) -> Callable[..., Any]:
    signature = command.signature

    def run(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        finished = command.run(bound.arguments)
        note_printed(finished.stdout)
        note_printed(finished.stderr)
        outs = finished.outs
        return next(iter(outs.values()), None) if len(outs) < 2 else dict(outs)

    run.__name__ = run.__qualname__ = name
    run.__module__ = module
    run.__doc__ = f"Run: {' '.join(command.template.tokens)}"
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {
        **{one.name: one.annotation for one in signature.parameters.values()},
        "return": signature.return_annotation,
    }
    return run


def _any_command() -> None:
    """Stands for the code of every shell command."""
