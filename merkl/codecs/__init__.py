"""Result <-> bytes, chosen by the value and guided by its declared type."""

from merkl.codecs.base import Codec, DecodeError, Encoded
from merkl.codecs.defaults import default_codecs
from merkl.codecs.registry import CodecRegistry
from merkl.codecs.users import register_codec

__all__ = ["Codec", "CodecRegistry", "DecodeError", "Encoded", "default_codecs", "register_codec"]
