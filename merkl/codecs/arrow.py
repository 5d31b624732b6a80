"""pyarrow tables and batches as Arrow IPC streams, mapped in place when read."""

from __future__ import annotations

from typing import Any

from merkl.codecs.base import Codec, DecodeError, Encoded

__all__ = ["ArrowCodec"]


class ArrowCodec(Codec):
    """`pyarrow.Table` and `pyarrow.RecordBatch`, schema metadata included."""

    name = "arrow"

    def encode(self, value: Any, declared: Any) -> Encoded | None:
        """Return an IPC stream."""
        import pyarrow

        if type(value) not in (pyarrow.Table, pyarrow.RecordBatch):
            return None
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, value.schema) as writer:
            writer.write(value)
        return Encoded([memoryview(sink.getvalue())], self.name, self.version, type(value).__name__)

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the table or batch, over the content itself."""
        import pyarrow

        table = pyarrow.ipc.open_stream(pyarrow.py_buffer(content)).read_all()
        if decode_type == "Table":
            return table
        if decode_type != "RecordBatch":
            raise DecodeError(f"Arrow data of kind {decode_type!r} is unknown")
        batches = table.to_batches()
        return batches[0] if batches else pyarrow.RecordBatch.from_pylist([], schema=table.schema)
