"""numpy arrays as `.npy`: written without a copy, mapped copy-on-write when read."""

from __future__ import annotations

import io
import sys
from typing import Any

from merkl.codecs.base import Codec, DecodeError

__all__ = ["NpyCodec"]


class NpyCodec(Codec):
    """Plain arrays of every dtype without Python objects; C and Fortran order are kept, other layouts become C."""

    name = "npy"

    def encode(self, value: Any, declared: Any) -> list[bytes | memoryview] | None:
        """Return header and data, None if `value` is a subclass or its dtype does not survive."""
        numpy = sys.modules["numpy"]
        if type(value) is not numpy.ndarray or value.dtype.hasobject or value.dtype.kind == "T":
            return None
        descriptor = numpy.lib.format.dtype_to_descr(value.dtype)
        if not _same_dtype(numpy.lib.format.descr_to_dtype(descriptor), value.dtype):
            return None
        fortran = value.flags.f_contiguous and not value.flags.c_contiguous
        head = io.BytesIO()
        header = {"descr": descriptor, "fortran_order": fortran, "shape": value.shape}
        try:
            numpy.lib.format.write_array_header_1_0(head, header)
        except ValueError:  # hundreds of fields, or names beyond Latin-1: rare enough for pickle
            return None
        if not value.nbytes:
            return [head.getvalue()]
        flat = value.reshape(-1, order="F" if fortran else "C")
        return [head.getvalue(), memoryview(flat.view(numpy.uint8))]

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the array, over the content itself where that is writable memory."""
        import numpy

        view = memoryview(content)
        head = io.BytesIO(view[: 1 << 17])
        numpy.lib.format.read_magic(head)
        shape, fortran, dtype = numpy.lib.format.read_array_header_1_0(head, max_header_size=1 << 16)
        data = view[head.tell() :]
        array = numpy.frombuffer(data, numpy.uint8) if len(data) else numpy.empty(0, numpy.uint8)
        if view.readonly or not len(data):
            array = array.copy()
        if array.nbytes != dtype.itemsize * _count(shape):
            raise DecodeError(f"the array has {array.nbytes} bytes, its header says otherwise")
        if not array.nbytes:
            return numpy.empty(shape, dtype, order="F" if fortran else "C")
        return array.view(dtype).reshape(shape, order="F" if fortran else "C")


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for length in shape:
        total *= length
    return total


def _same_dtype(one: Any, other: Any) -> bool:
    return (
        bool(one == other) and one.isalignedstruct == other.isalignedstruct and one.metadata == other.metadata
    )
