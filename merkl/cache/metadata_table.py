"""The table of everything known about results, by key: one JSON document a row, so that SQL can ask for any field."""

from __future__ import annotations

from typing import Any

import msgspec

from merkl.cache.base import Metadata
from merkl.cache.database import Database, Schema

__all__ = ["MetadataTable", "decode_metadata", "encode_metadata"]

SCHEMA = Schema(
    "metadata",
    (
        """
        CREATE TABLE metadata (
            id INTEGER PRIMARY KEY,
            key BLOB NOT NULL UNIQUE,
            task TEXT NOT NULL,
            created REAL NOT NULL,
            run TEXT NOT NULL,
            document TEXT NOT NULL
        );
        CREATE INDEX metadata_by_task ON metadata (task, created);
        """,
    ),
)

COLUMNS = ("key", "task", "created", "run", "document")

_encoder = msgspec.json.Encoder(enc_hook=repr)
_decoder = msgspec.json.Decoder(Metadata)

#: Metadata as JSON; tags that JSON does not know become their `repr`.
encode_metadata = _encoder.encode


def decode_metadata(document: str | bytes) -> Metadata:
    """Return metadata from its JSON; what cannot be read is left out rather than in the way.

    >>> decode_metadata(encode_metadata(Metadata(task="train"))).task
    'train'
    """
    try:
        return _decoder.decode(document)
    except msgspec.MsgspecError:
        return Metadata()


class MetadataTable:
    """Metadata by key; it outlives the contents, because people ask about results that were evicted."""

    def __init__(self, database: Database) -> None:
        database.add(SCHEMA)
        self._table = database.table("metadata", COLUMNS)

    def put(self, key: str, metadata: Metadata) -> None:
        """Keep the metadata of a result."""
        document = _encoder.encode(metadata).decode()
        self._table.put((bytes.fromhex(key), metadata.task, metadata.created, metadata.run, document))

    def get(self, key: str) -> Metadata | None:
        """Return the metadata of a result."""
        row: tuple[Any, ...] | None = self._table.get(bytes.fromhex(key))
        return None if row is None else decode_metadata(row[4])

    def delete(self, key: str) -> bool:
        """Forget the metadata of a result."""
        return self._table.delete(bytes.fromhex(key))
