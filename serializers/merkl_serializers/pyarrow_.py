"""pyarrow: tables, arrays, scalars, schemas, types; chunks, offsets and what lies under nulls don't count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from merkl_serializers.walk import Encoder, Walk
from merkl_serializers.wire import INLINE_LIMIT, hash_buffer, pack, pack_bytes, pack_int, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry, Maker

__all__ = ["array_content", "install", "type_bytes"]

# Its functions are made when it is imported, so type checkers don't know them.
_compute: Any = pc


def type_bytes(type_: Any, walk: Walk) -> bytes:
    """Return the encoding of a data type: its text, and for a nested one the types inside."""
    if isinstance(type_, pa.BaseExtensionType):
        return (
            b"E"
            + pack_str(type_.extension_name)
            + pack_str(str(type_))
            + type_bytes(type_.storage_type, walk)
        )
    if pa.types.is_dictionary(type_):
        return (
            b"D"
            + pack(type_.ordered)
            + type_bytes(type_.index_type, walk)
            + type_bytes(type_.value_type, walk)
        )
    if not type_.num_fields:
        return b"T" + pack_str(str(type_))
    fields = [type_.field(i) for i in range(type_.num_fields)]
    extra = pack_str(str(type_)) if pa.types.is_map(type_) or pa.types.is_union(type_) else b"\xc0"
    size = type_.list_size if pa.types.is_fixed_size_list(type_) else 0
    head = b"N" + pack((type_.id, size, len(fields))) + extra
    return head + b"".join([field_bytes(field, walk) for field in fields])


def field_bytes(field: Any, walk: Walk) -> bytes:
    """Return the encoding of a field: name, nullability, type, metadata."""
    head = pack_str(field.name) + pack(field.nullable) + type_bytes(field.type, walk)
    return head + walk.mapping(dict(field.metadata or {}))


def schema_bytes(schema: Any, walk: Walk) -> bytes:
    """Return the encoding of a schema: its fields in order, and its metadata."""
    fields = [field_bytes(field, walk) for field in schema]
    return pack(len(fields)) + b"".join(fields) + walk.mapping(dict(schema.metadata or {}))


def array_content(array: Any, walk: Walk) -> bytes:
    """Return length, validity and valid values of an array or chunked array, without its type."""
    if isinstance(array, pa.ChunkedArray):
        chunks = array.num_chunks
        array = array.chunk(0) if chunks == 1 else array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            # What is too long for one array: as many as there must be, cut at no particular place.
            return b"L" + walk.items(array.to_pylist())
    head = pack(len(array))
    if pa.types.is_null(array.type):
        return head
    if array.null_count:
        head += _bits(array.is_valid())
        array = array.drop_null()
    return head + _values(array, walk)


def _bits(array: Any) -> bytes:
    return _buffer(array.cast(pa.uint8()), 1)


def _values(array: Any, walk: Walk) -> bytes:
    """Return the values of an array that has no nulls on its own level."""
    type_ = array.type
    types = pa.types
    if types.is_boolean(type_):
        return _bits(array)
    if types.is_primitive(type_) or types.is_decimal(type_) or types.is_fixed_size_binary(type_):
        return _buffer(array, type_.bit_width // 8)
    if isinstance(type_, pa.BaseExtensionType):
        return array_content(array.storage, walk)
    if types.is_dictionary(type_):
        return array_content(array.dictionary_decode(), walk)
    if (
        types.is_string(type_)
        or types.is_binary(type_)
        or types.is_large_string(type_)
        or types.is_large_binary(type_)
    ):
        return _texts(array)
    if types.is_struct(type_):
        return b"".join([array_content(child, walk) for child in array.flatten()])
    if types.is_fixed_size_list(type_):
        return array_content(array.flatten(), walk)
    if types.is_list(type_) or types.is_large_list(type_):
        return array_content(_compute.list_value_length(array), walk) + array_content(array.flatten(), walk)
    name = str(type_)
    if name in ("string_view", "binary_view"):
        return _texts(array.cast(pa.large_string() if name == "string_view" else pa.large_binary()))
    # Maps, unions, list views, run-end encoding: rare enough to go through Python.
    return walk.items(array.to_pylist())


def _texts(array: Any) -> bytes:
    lengths = _compute.binary_length(array)
    width = lengths.type.bit_width // 8
    _, offsets, data = array.buffers()
    if data is None or not len(array):
        return _buffer(lengths, width) + pack_bytes(b"")
    step = 8 if pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type) else 4
    ends = memoryview(offsets).cast("B").cast("q" if step == 8 else "i")
    start, end = ends[array.offset], ends[array.offset + len(array)]
    return _buffer(lengths, width) + _hashed(memoryview(data).cast("B")[start:end])


def _buffer(array: Any, width: int) -> bytes:
    """Return the values buffer of a fixed-width array, cut to what the array covers."""
    data = array.buffers()[1]
    if data is None:
        return pack_bytes(b"")
    start = array.offset * width
    return _hashed(memoryview(data).cast("B")[start : start + len(array) * width])


def _hashed(view: memoryview) -> bytes:
    return pack_bytes(bytes(view)) if view.nbytes <= INLINE_LIMIT else b"\xc1B" + hash_buffer(view)


# -- values


def _encode_type(value: Any, walk: Walk) -> bytes:
    return b"\xc1@t" + type_bytes(value, walk)


def _encode_field(value: Any, walk: Walk) -> bytes:
    return b"\xc1@f" + field_bytes(value, walk)


def _encode_schema(value: Any, walk: Walk) -> bytes:
    return b"\xc1@s" + schema_bytes(value, walk)


def _encode_array(value: Any, walk: Walk) -> bytes:
    return b"\xc1@a" + type_bytes(value.type, walk) + array_content(value, walk)


def _encode_chunked(value: Any, walk: Walk) -> bytes:
    return b"\xc1@c" + type_bytes(value.type, walk) + array_content(value, walk)


def _encode_scalar(value: Any, walk: Walk) -> bytes:
    return b"\xc1@v" + type_bytes(value.type, walk) + array_content(pa.repeat(value, 1), walk)


def _encode_table(value: Any, walk: Walk) -> bytes:
    kind = b"\xc1@r" if isinstance(value, pa.RecordBatch) else b"\xc1@T"
    columns = [array_content(column, walk) for column in value.columns]
    return b"".join([kind, schema_bytes(value.schema, walk), pack_int(value.num_rows), *columns])


def _encode_buffer(value: Any, walk: Walk) -> bytes:
    walk.is_mutable = True
    return b"\xc1@b" + _hashed(memoryview(value).cast("B"))


def _for_all(encode: Encoder) -> Maker:
    return lambda cls, registry: encode


def install(registry: CanonicalRegistry) -> None:
    """Register pyarrow's types."""
    for type_, encode in (
        (pa.DataType, _encode_type),
        (pa.Field, _encode_field),
        (pa.Schema, _encode_schema),
        (pa.Array, _encode_array),
        (pa.ChunkedArray, _encode_chunked),
        (pa.Scalar, _encode_scalar),
        (pa.Table, _encode_table),
        (pa.RecordBatch, _encode_table),
        (pa.Buffer, _encode_buffer),
    ):
        registry.add_maker(type_, _for_all(encode))
