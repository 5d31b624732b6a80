"""Each body begins in the working directory in which its evaluation began, whatever other bodies made of it."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator
from contextvars import ContextVar

from merkl._base.errors import MerklWarning

__all__ = ["begin_in_folder", "keep_working_folder", "return_to_working_folder"]

#: Where the bodies of the evaluation that goes on here begin; None in threads of the user's, which share the directory.
_folder: ContextVar[str | None] = ContextVar("merkl_working_folder", default=None)


@contextlib.contextmanager
def keep_working_folder() -> Iterator[None]:
    """Have the directory that is current now be so again at the end of the block, and where a body in it begins."""
    try:
        folder = os.getcwd() if threading.current_thread() is threading.main_thread() else None
    except OSError:  # it has been removed
        folder = None
    token = _folder.set(folder)
    try:
        yield
    finally:
        return_to_working_folder()
        _folder.reset(token)


@contextlib.contextmanager
def begin_in_folder(folder: str) -> Iterator[None]:
    """Go to a directory, and have it be where bodies inside the block begin; for threads, of which each may have its own body."""
    token = _folder.set(folder)
    try:
        return_to_working_folder()
        yield
    finally:
        _folder.reset(token)


def return_to_working_folder() -> None:
    """Go back to where the evaluation began, if a body has left that; a warning says where that is not possible."""
    folder = _folder.get()
    if folder is None:
        return
    with contextlib.suppress(OSError):  # where it is now has been removed
        if os.getcwd() == folder:
            return
    try:
        os.chdir(folder)
    except OSError as error:
        warnings.warn(
            f"a body changed the working directory, and there is no way back to {folder}: {error.strerror}",
            MerklWarning,
            stacklevel=2,
        )
