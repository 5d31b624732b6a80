"""polars frames and series as Arrow IPC, polars' own."""

from __future__ import annotations

import io
import sys
from typing import Any

from merkl.codecs.base import Codec, DecodeError, Encoded

__all__ = ["PolarsCodec"]


class PolarsCodec(Codec):
    """`DataFrame` and `Series` of exactly these classes, without Python objects inside."""

    name = "polars"

    def encode(self, value: Any, declared: Any) -> Encoded | None:
        """Return an IPC file, None if polars reads another frame from it."""
        polars = sys.modules["polars"]
        kind = type(value)
        if kind not in (polars.DataFrame, polars.Series):
            return None
        frame = value if kind is polars.DataFrame else value.to_frame()
        try:
            sink = io.BytesIO()
            frame.write_ipc(sink)
            content = sink.getvalue()
            back = polars.read_ipc(content)
            same = back.schema == frame.schema and back.equals(frame, null_equal=True)
        except Exception:  # noqa: BLE001 - whatever polars has against it, pickle may not
            return None
        return Encoded([content], self.name, self.version, kind.__name__) if same else None

    def decode(self, content: Any, decode_type: str) -> Any:
        """Return the frame or series."""
        import polars

        frame = polars.read_ipc(bytes(content))
        if decode_type == "DataFrame":
            return frame
        if decode_type != "Series":
            raise DecodeError(f"a polars object of kind {decode_type!r} is unknown")
        return frame.to_series(0)
