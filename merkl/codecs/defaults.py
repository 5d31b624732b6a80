"""The registry as it is without further word: data-only formats first, pickle last."""

from __future__ import annotations

from merkl.codecs.data import DataCodec
from merkl.codecs.npy import NpyCodec
from merkl.codecs.pickles import PickleCodec
from merkl.codecs.plain import MsgpackCodec, RawCodec
from merkl.codecs.registry import CodecRegistry

__all__ = ["default_codecs"]


def default_codecs() -> CodecRegistry:
    """Return a new registry with MerkL's own codecs.

    >>> default_codecs().encode([1, 2]).codec
    'msgpack'
    """
    registry = CodecRegistry()
    registry.register(RawCodec(), bytes)
    registry.register(NpyCodec(), "numpy:ndarray")
    registry.add(MsgpackCodec())
    registry.add(DataCodec(registry))
    registry.add(PickleCodec())
    return registry
