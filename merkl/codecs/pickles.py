"""Everything else by cloudpickle: lambdas, local classes, objects with state of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from merkl._base.errors import SerializationError
from merkl._base.lazy import LazyModule
from merkl.codecs.base import Codec, Encoded

if TYPE_CHECKING:
    from merkl.codecs import result_pickles
else:
    result_pickles = LazyModule("merkl.codecs.result_pickles")

__all__ = ["PickleCodec"]


class PickleCodec(Codec):
    """The last resort. Reading it runs what the bytes say, so shared caches refuse it unless sealed or allowed.

    >>> codec = PickleCodec()
    >>> codec.decode(codec.encode(lambda: 7, None).content, "")()
    7
    """

    name = "pickle"
    is_safe = False

    def encode(self, value: Any, declared: Any) -> Encoded:
        """Return the pickle, and the classes and functions that it names.

        Raises:
            SerializationError: the value cannot be pickled.
        """
        try:
            content, code = result_pickles.dump_result(value)
        except Exception as error:
            raise SerializationError(f"it cannot be pickled: {type(error).__name__}: {error}") from error
        return Encoded(content, self.name, self.version, is_safe=self.is_safe, code=code)

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the value."""
        return result_pickles.load_result(content)
