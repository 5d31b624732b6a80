"""Where a body has changed the working directory, it is what it was when the body is done: no later body depends on it."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from typing import Any

from merkl._base.errors import MerklWarning
from merkl._base.running_body import BodyContext, current_body

__all__ = ["restore_working_folder", "watch_working_folder"]


@functools.cache
def watch_working_folder() -> None:
    """Note from now on where a body is when it changes the working directory.

    Python tells of that; to ask before each body would cost more. There is no way back, and none is needed.
    """
    sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "os.chdir":
        body = current_body.get()
        if body is not None and body.folder is None:
            with contextlib.suppress(OSError):  # it has been removed
                body.folder = os.getcwd()


def restore_working_folder(body: BodyContext, task: str) -> None:
    """Go back to where a body began that is done; a warning says where that is not possible."""
    folder, body.folder = body.folder, None
    if folder is None:
        return
    token = current_body.set(None)
    try:
        os.chdir(folder)
    except OSError as error:
        warnings.warn(
            f"the body of task {task!r} changed the working directory, and there is no way back to {folder}: {error.strerror}",
            MerklWarning,
            stacklevel=2,
        )
    finally:
        current_body.reset(token)
