"""Everything else by cloudpickle: lambdas, local classes, objects with state of their own."""

from __future__ import annotations

import pickle
from typing import Any

from merkl._base.errors import SerializationError
from merkl.codecs.base import Codec

__all__ = ["PickleCodec"]


class PickleCodec(Codec):
    """The last resort. Reading it runs what the bytes say, so shared caches refuse it unless sealed or allowed.

    >>> codec = PickleCodec()
    >>> codec.decode(b"".join(codec.encode(lambda: 7, None)), "")()
    7
    """

    name = "pickle"
    is_safe = False

    def encode(self, value: Any, declared: Any) -> list[bytes | memoryview]:
        """Return the pickle.

        Raises:
            SerializationError: the value cannot be pickled.
        """
        import cloudpickle

        try:
            return [cloudpickle.dumps(value, protocol=5)]
        except Exception as error:
            raise SerializationError(f"it cannot be pickled: {type(error).__name__}: {error}") from error

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the value."""
        return pickle.loads(content)
