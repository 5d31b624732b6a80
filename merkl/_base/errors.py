"""Every error and warning that MerkL raises, under one root each.

A message says what is wrong, where, both sides, and the remedy. The same facts are attributes, so that
programs need not parse text.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "ArgumentMutatedError",
    "BindError",
    "CacheError",
    "CacheFormatError",
    "CommandFailedError",
    "CommandTemplateError",
    "CommandTimeoutError",
    "ConfigError",
    "FingerprintError",
    "FingerprintWarning",
    "FutureAccessError",
    "GraphError",
    "ImpurePipelineError",
    "InputChangedError",
    "MerklError",
    "MerklWarning",
    "MissingDependencyError",
    "MissingInputError",
    "OutputError",
    "SelectionError",
    "SerializationError",
    "TargetError",
    "TaskFailedError",
    "TaskOutsError",
    "TypeMismatchError",
    "UnsupportedFileError",
    "WorkerDiedError",
    "WouldRunError",
]


class MerklError(Exception):
    """The root of all errors that MerkL raises on its own account."""


class MerklWarning(UserWarning):
    """The root of all warnings: something a person should know that does not make a result wrong."""


class TypeMismatchError(MerklError, TypeError):
    """A value or a Future of one type met a place that wants another.

    `task` and `parameter` name the place (`parameter` is None for a return value), `expected` and `actual`
    are the two types as text, `path` leads into the value, `location` is `file:line` of the call.
    """

    def __init__(
        self,
        message: str,
        *,
        task: str | None = None,
        parameter: str | None = None,
        expected: str | None = None,
        actual: str | None = None,
        path: str = "",
        location: str | None = None,
    ) -> None:
        super().__init__(message)
        self.task = task
        self.parameter = parameter
        self.expected = expected
        self.actual = actual
        self.path = path
        self.location = location


class SerializationError(MerklError, TypeError):
    """A value has no canonical bytes (as an argument) or no codec (as a result).

    `path` leads from the parameter into the value, `remedy` is the registration to paste.
    """

    def __init__(
        self,
        message: str,
        *,
        task: str | None = None,
        parameter: str | None = None,
        path: str = "",
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.task = task
        self.parameter = parameter
        self.path = path
        self.remedy = remedy


class FutureAccessError(MerklError, TypeError, AttributeError):
    """A Future was used as if it were its value."""

    def __init__(self, message: str, *, task: str | None = None, misuse: str | None = None) -> None:
        super().__init__(message)
        self.task = task
        self.misuse = misuse


class TaskOutsError(MerklError, ValueError):
    """A task returned another number of outs, or other names, than it declares."""

    def __init__(
        self, message: str, *, task: str | None = None, expected: object = None, actual: object = None
    ) -> None:
        super().__init__(message)
        self.task = task
        self.expected = expected
        self.actual = actual


class AbsentOutError(TaskOutsError):
    """A body left out a key that its TypedDict does not require, and the value of that key is asked for."""


class BindError(MerklError, TypeError):
    """The arguments of a call do not fit the task's parameters."""

    def __init__(self, message: str, *, task: str | None = None, location: str | None = None) -> None:
        super().__init__(message)
        self.task = task
        self.location = location


class ArgumentMutatedError(MerklError, ValueError):
    """A constant argument was changed between the call and the run of its body."""

    def __init__(self, message: str, *, task: str | None = None, parameter: str | None = None) -> None:
        super().__init__(message)
        self.task = task
        self.parameter = parameter


class GraphError(MerklError, ValueError):
    """The graph itself makes no sense: two Futures write one path, a task takes itself as input."""


class SelectionError(GraphError):
    """A task or file that a run was told to choose is not in the graph."""


class WouldRunError(MerklError, RuntimeError):
    """A run that may run nothing found calls whose results are not there; `calls` are their tasks and keys."""

    def __init__(self, message: str, *, calls: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.calls = tuple(calls)


class ImpurePipelineError(GraphError):
    """The body of a pipeline gave other calls than before, with the same code and arguments."""


class FingerprintError(MerklError, ValueError):
    """The code or a declared dependency of a task cannot be fingerprinted."""


class FingerprintWarning(MerklWarning):
    """Part of what a task does cannot be seen from its code; the message says what to declare."""


class CacheError(MerklError, OSError):
    """The cache cannot be used as asked."""


class CacheFormatError(CacheError):
    """A cache is damaged, or was written by a newer MerkL."""


class ConfigError(MerklError, ValueError):
    """A setting in pyproject.toml, the environment or a Workspace call is wrong."""


class TargetError(MerklError, RuntimeError):
    """A target cannot be started or reached, or lost the calls it ran."""


class MissingDependencyError(MerklError, ImportError):
    """An optional library is not installed; the message says what to install."""


class MissingInputError(MerklError, FileNotFoundError):
    """An input file or directory does not exist."""


class InputChangedError(MerklError, OSError):
    """A file kept changing while it was read, or a command changed a file it was only to read."""


class OutputError(MerklError, OSError):
    """A result cannot be written to the file that was asked for; `path` names it. The result itself is not lost."""

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class UnsupportedFileError(MerklError, OSError):
    """A path has no content to hash or store: a socket, a fifo, a device, a loop of links."""


class CommandTemplateError(MerklError, ValueError):
    """A shell template cannot be made into a task; `placeholder` names the one in the wrong place."""

    def __init__(self, message: str, *, placeholder: str | None = None, position: int | None = None) -> None:
        super().__init__(message)
        self.placeholder = placeholder
        self.position = position


class CommandFailedError(MerklError, RuntimeError):
    """A shell command ended with an error, or without a file it declares.

    `command` is the script as it ran, `exit_code` is negative for a signal, `stderr` the tail of its output.
    """

    def __init__(self, message: str, *, command: str, exit_code: int | None = None, stderr: str = "") -> None:
        super().__init__(message)
        self.command = command
        self.exit_code = exit_code
        self.stderr = stderr


class CommandTimeoutError(CommandFailedError, TimeoutError):
    """A shell command ran longer than it may; it and all its children were killed."""


class TaskFailedError(MerklError, RuntimeError):
    """The body of a task raised; the original exception is `__cause__`.

    `task` and `arguments` (previews) say which call, `location` where it was made, `key` which result is missing, `output`
    what the body printed last, as far as that was seen.
    """

    def __init__(
        self,
        message: str,
        *,
        task: str,
        key: str | None = None,
        location: str | None = None,
        arguments: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.task = task
        self.key = key
        self.location = location
        self.arguments = tuple(arguments)
        self.output = ""


class WorkerDiedError(TaskFailedError):
    """The process that ran a call ended without an answer."""
