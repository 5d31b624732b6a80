"""numpy arrays as `.npy`: written without a copy, mapped copy-on-write when read."""

from __future__ import annotations

import ast
import math
import sys
from typing import Any

from merkl.codecs.base import Codec, DecodeError

__all__ = ["NpyCodec"]

MAGIC = b"\x93NUMPY"
ALIGNMENT = 64


class NpyCodec(Codec):
    """Plain arrays of every dtype without Python objects; C and Fortran order are kept, other layouts become C."""

    name = "npy"

    def encode(self, value: Any, declared: Any) -> list[bytes | memoryview] | None:
        """Return header and data, None if `value` is a subclass or its dtype does not survive."""
        numpy = sys.modules["numpy"]
        if type(value) is not numpy.ndarray or value.dtype.hasobject or value.dtype.kind == "T":
            return None
        try:
            descriptor = numpy.lib.format.dtype_to_descr(value.dtype)
        except ValueError:  # fields that overlap, or are out of order
            return None
        if not _same_dtype(numpy.lib.format.descr_to_dtype(descriptor), value.dtype):
            return None
        fortran = bool(value.flags.f_contiguous and not value.flags.c_contiguous)
        header = _header(descriptor, fortran, value.shape)
        if not value.nbytes:
            return [header]
        flat = (value.T if fortran else numpy.ascontiguousarray(value)).reshape(-1)
        return [header, memoryview(flat.view(numpy.uint8))]

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the array, over the content itself where that is writable memory.

        Raises:
            DecodeError: the content is no `.npy`, or shorter or longer than its header says.
        """
        import numpy

        view = memoryview(content)
        described, start = _read_header(view)
        dtype = numpy.lib.format.descr_to_dtype(described["descr"])
        shape = tuple(described["shape"])
        order = "F" if described["fortran_order"] else "C"
        data = view[start:]
        if data.nbytes != dtype.itemsize * math.prod(shape):
            raise DecodeError(f"the array has {data.nbytes} bytes, its header says {dtype} of shape {shape}")
        if dtype.hasobject:
            raise DecodeError("arrays of Python objects are not stored as .npy")
        if not data.nbytes:
            return numpy.empty(shape, dtype, order=order)  # type: ignore[call-overload]
        array = numpy.frombuffer(data, numpy.uint8)
        if view.readonly:
            array = array.copy()
        return array.view(dtype).reshape(shape, order=order)  # type: ignore[call-overload]


def _header(descriptor: Any, fortran: bool, shape: tuple[int, ...]) -> bytes:
    """Return a header as numpy's format specification has it (NEP 1): version 1, or 3 for names beyond Latin-1."""
    text = f"{{'descr': {descriptor!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}"
    try:
        body, version, width = text.encode("latin1"), b"\x01\x00", 2
    except UnicodeEncodeError:
        body, version, width = text.encode(), b"\x03\x00", 4
    if len(body) + ALIGNMENT > 0xFFFF:
        version, width = (b"\x02\x00" if width == 2 else version), 4
    start = len(MAGIC) + 2 + width
    body += b" " * (-(start + len(body) + 1) % ALIGNMENT) + b"\n"
    return MAGIC + version + len(body).to_bytes(width, "little") + body


def _read_header(view: memoryview) -> tuple[dict[str, Any], int]:
    if view[:6] != MAGIC or view[6] not in (1, 2, 3):
        raise DecodeError("the content does not begin like a .npy file")
    width = 2 if view[6] == 1 else 4
    start = 8 + width
    end = start + int.from_bytes(view[8:start], "little")
    text = bytes(view[start:end]).decode("latin1" if view[6] < 3 else "utf-8")
    described = ast.literal_eval(text.strip())
    if not isinstance(described, dict):
        raise DecodeError("the header of the .npy content is not a dict")
    return described, end


def _same_dtype(one: Any, other: Any) -> bool:
    return (
        bool(one == other) and one.isalignedstruct == other.isalignedstruct and one.metadata == other.metadata
    )
