"""What turns a process into a worker of a run."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from merkl._base.errors import TargetError
from merkl._base.lazy import LazyModule

if TYPE_CHECKING:
    import cloudpickle

    from merkl.execution.targets import script
    from merkl.execution.targets.worker import WorkerSession
else:
    cloudpickle = LazyModule("cloudpickle")
    script = LazyModule("merkl.execution.targets.script")

__all__ = ["WorkerSetup"]


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a process needs to become a worker: `open_session(*arguments)` gives its workspace."""

    open_session: Callable[..., WorkerSession]
    arguments: tuple[Any, ...]
    run_id: str

    @property
    def is_writing(self) -> bool:
        """Whether results are stored."""
        return bool(self.arguments[3])

    def dump(self) -> bytes:
        """Return all of it as bytes, with what the process takes over from this one.

        Raises `TargetError` where the cache cannot be opened by another process.
        """
        try:
            session = cloudpickle.dumps((self.open_session, self.arguments, self.run_id), protocol=5)
        except Exception as error:
            raise TargetError(
                f"worker processes cannot open the cache of this run: {error}. Give it as a URL or a folder, or as an "
                "object that can be pickled and opens the same cache elsewhere"
            ) from error
        return pickle.dumps(
            (list(sys.path), os.getcwd(), dict(os.environ), script.dump_script(), session), protocol=5
        )
