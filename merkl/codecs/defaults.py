"""The registry as it is without further word: data-only formats first, pickle last."""

from __future__ import annotations

from merkl.codecs.arrow import ArrowCodec
from merkl.codecs.data import DataCodec
from merkl.codecs.npy import NpyCodec
from merkl.codecs.pandas_frames import PandasCodec
from merkl.codecs.pickles import PickleCodec
from merkl.codecs.plain import MsgpackCodec, RawCodec
from merkl.codecs.polars_frames import PolarsCodec
from merkl.codecs.registry import CodecRegistry
from merkl.codecs.streams import StreamCodec
from merkl.codecs.users import user_codecs

__all__ = ["default_codecs"]


def default_codecs() -> CodecRegistry:
    """Return a new registry with MerkL's own codecs, which takes in those that users register.

    >>> default_codecs().encode([1, 2]).codec
    'msgpack'
    """
    registry = CodecRegistry(user_codecs)
    registry.register(RawCodec(), bytes)
    registry.register(NpyCodec(), "numpy:ndarray")
    registry.register(ArrowCodec(), "pyarrow:Table", "pyarrow:RecordBatch")
    registry.register(PandasCodec(), "pandas:DataFrame", "pandas:Series")
    registry.register(PolarsCodec(), "polars:DataFrame", "polars:Series")
    registry.add(MsgpackCodec())
    registry.add(DataCodec(registry))
    registry.add(StreamCodec(registry))
    registry.add(PickleCodec())
    return registry
