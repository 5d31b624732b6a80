"""Everything else by cloudpickle: lambdas, local classes, objects with state of their own."""

from __future__ import annotations

import io
import pickle
from types import FunctionType
from typing import Any

from merkl._base.errors import SerializationError
from merkl.codecs.base import Codec, Encoded

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
        import cloudpickle

        code: dict[Any, None] = {}

        class Pickler(cloudpickle.Pickler):
            """Notes every class and function on its way, whether it is written by name or by value."""

            def reducer_override(self, obj: Any) -> Any:
                if isinstance(obj, (type, FunctionType)):
                    code[obj] = None
                return super().reducer_override(obj)

        file = io.BytesIO()
        try:
            Pickler(file, protocol=5).dump(value)
        except Exception as error:
            raise SerializationError(f"it cannot be pickled: {type(error).__name__}: {error}") from error
        content = file.getvalue()
        return Encoded(content, self.name, self.version, is_safe=self.is_safe, code=tuple(code))

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the value."""
        return pickle.loads(content)
