"""numpy's generators of the old kind, and the one that the whole process shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from merkl_serializers.objects import reducing_encoder
from merkl_serializers.walk import Encoder, Walk

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]

#: The generator behind `np.random.normal` and the like.
_SHARED_STATE = np.random.mtrand._rand


def _make_random_state(cls: type, registry: CanonicalRegistry) -> Encoder:
    """Return the encoder of generators of the old kind.

    Libraries keep the one that the whole process shares (`np.random.normal`) in objects of theirs, as what to draw
    from where no seed is given: it is that one, whatever state it happens to be in.
    """
    reduce = reducing_encoder(cls)

    def encode(value: Any, walk: Walk) -> bytes:
        return b"\xc1#r" if value is _SHARED_STATE else reduce(value, walk)

    return encode


def install(registry: CanonicalRegistry) -> None:
    """Register numpy's generators of the old kind."""
    registry.add_maker(np.random.RandomState, _make_random_state)
