"""What goes to stdout and what to stderr: the result alone there, everything else here."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any, TextIO

from merkl._base.descriptors import out_of_the_way
from merkl._base.errors import MerklError, MerklWarning, TaskFailedError
from merkl._base.tracebacks import traceback_of_body
from merkl.execution.output import body_output
from merkl.execution.previews import preview_value
from merkl.files import FileRef

__all__ = [
    "describe_value",
    "is_json",
    "json_text",
    "print_error",
    "print_failure",
    "result_text",
    "stdout_for_result",
    "warnings_in_one_line",
]


@contextlib.contextmanager
def stdout_for_result() -> Iterator[TextIO]:
    """Send everything that is printed meanwhile, by subprocesses too, to stderr; yield the real stdout."""
    try:
        sys.stdout.flush()
        saved = out_of_the_way(os.dup(1))
        os.dup2(2, 1)
    except (OSError, ValueError):
        yield sys.stdout
        return
    previous = sys.stdout
    body_output.spared.add(saved)
    result = os.fdopen(saved, "w", encoding="utf-8", errors="surrogateescape")
    sys.stdout = sys.stderr
    lost: OSError | None = None
    try:
        yield result
    finally:
        sys.stdout = previous
        body_output.spared.discard(saved)
        try:
            with contextlib.suppress(ValueError):
                result.flush()
        except BrokenPipeError:
            pass  # who reads has enough
        except OSError as error:
            lost = error
        os.dup2(saved, 1)
        with contextlib.suppress(OSError):
            result.close()
    if lost is not None:
        raise MerklError(f"what was to be printed could not be written: {lost.strerror}")


@contextlib.contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Show warnings of MerkL as one line each, equal ones once, without the source line where they were raised."""
    with warnings.catch_warnings():
        show = warnings.showwarning
        said: set[str] = set()

        def show_line(
            message: Any, category: Any, filename: Any, lineno: Any, file: Any = None, line: Any = None
        ) -> None:
            if isinstance(category, type) and issubclass(category, MerklWarning):
                if str(message) not in said:
                    said.add(str(message))
                    print(f"merkl: warning: {message}", file=sys.stderr)
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = show_line
        warnings.simplefilter("always", MerklWarning)
        yield


def result_text(value: Any) -> str:
    """Return what stdout shows of a result: a str raw, a FileRef as its path, anything else by `repr`."""
    if isinstance(value, str):
        return value
    if isinstance(value, FileRef):
        return os.fspath(value)
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - the run is done, whatever the repr of its result does
        return preview_value(value)


def is_json(value: Any) -> bool:
    """Say whether a value is JSON as it is: null, booleans, finite numbers, strings, lists and objects of these."""
    try:
        return _is_json(value)
    except RecursionError:  # it holds itself
        return False


def _is_json(value: Any) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    if value is None or type(value) in (bool, int, str):
        return True
    if type(value) in (list, tuple):
        return all(map(_is_json, value))
    return type(value) is dict and all(type(k) is str and _is_json(v) for k, v in value.items())


def describe_value(value: Any, key: str | None) -> dict[str, Any]:
    """Return what JSON says of a value that it cannot hold: type, key and a short text."""
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {"type": name, "key": key, "preview": preview_value(value)}


def print_json(value: Any, out: TextIO) -> None:
    """Print one JSON value as one line."""
    print(json_text(value), file=out)


def json_text(value: Any) -> str:
    """Return a value as JSON, what is none of it by its repr; text that UTF-8 cannot hold is escaped."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, default=repr)
    return text


def print_error(message: object) -> None:
    """Print a user's mistake: one line, no traceback."""
    print(f"merkl: error: {message}", file=sys.stderr)


def print_failure(error: TaskFailedError) -> None:
    """Print which call failed, and the traceback of the body from its own frame on; a command, and a map, have none."""
    print(f"merkl: {error}", file=sys.stderr)
    text = traceback_of_body(error)
    if text:
        print(text, file=sys.stderr)
