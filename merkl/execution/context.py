"""What a body can ask of the call that it runs for."""

from __future__ import annotations

import hashlib
from typing import Any

from merkl._base.errors import MerklError
from merkl._base.running_body import current_body

__all__ = ["annotate", "call_seed"]


def call_seed() -> int:
    """Return a seed of 63 bits that is derived from the key of the running call.

    The same call has the same seed in every run, process and target; different calls have different ones.
    Raises `MerklError` outside of a body.
    """
    body = current_body.get()
    if body is None:
        raise MerklError("call_seed() gives the seed of a running call; here no task body is running")
    return int.from_bytes(hashlib.sha256(b"seed" + body.key).digest()[:8], "little") >> 1


def annotate(**tags: Any) -> None:
    """Add tags to the metadata of the result that the running body makes; values must be plain data.

    Outside a body it does nothing, so that a body can be tested as a plain function.
    """
    body = current_body.get()
    if body is not None:
        body.tags.update(tags)
