"""What lower layers must not import is handed down to them here."""

from __future__ import annotations

import types

from merkl_serializers import default_registry

from merkl.files.identity import register_canonical
from merkl.graph.future import Future
from merkl.graph.session import sessions
from merkl.graph.task import Task

__all__ = ["connect_layers"]


def connect_layers() -> None:
    """Let lower layers reach what they must not import: Futures, files, and the fingerprints of functions."""
    default_registry.register_reference(Future)
    default_registry.register(
        types.FunctionType, lambda fn: sessions.current().fingerprinter.digest_callable(fn)
    )
    default_registry.register(Task, lambda task: task.fingerprint().digest)
    register_canonical(default_registry, lambda: sessions.current().files)
