"""Where results live: base classes, index, content backends, the workspace's ledger."""

from merkl.cache.base import ArgumentPreview, BaseCache, Content, Entry, Metadata, Record, Spooled
from merkl.cache.configured import open_configured, open_relative
from merkl.cache.content_cache import ContentCache, Index, Indexed
from merkl.cache.contents import ContentBackend, TieredContents
from merkl.cache.database import Database, Schema, Table
from merkl.cache.file_contents import FileContentBackend
from merkl.cache.file_index import FileCache, FileIndex
from merkl.cache.interrupted import interrupted_key, stored_key
from merkl.cache.inventory import Item, Root
from merkl.cache.layers import LayeredCache, ReadOnlyCache, nearest
from merkl.cache.ledger import Ledger, Run
from merkl.cache.memory import MemoryCache, MemoryContents, MemoryIndex
from merkl.cache.results import (
    MISSING,
    Trust,
    decode_entry,
    link,
    load,
    lookup,
    peek,
    peek_many,
    record_of,
    store,
)
from merkl.cache.s3 import S3Cache, S3ContentBackend, S3Index
from merkl.cache.sqlite import SqliteCache
from merkl.cache.sqlite_contents import SqliteContentBackend
from merkl.cache.sqlite_index import SqliteIndex
from merkl.cache.sweep import evict
from merkl.cache.urls import open_cache, open_folder

__all__ = [
    "MISSING",
    "ArgumentPreview",
    "BaseCache",
    "Content",
    "ContentBackend",
    "ContentCache",
    "Database",
    "Entry",
    "FileCache",
    "FileContentBackend",
    "FileIndex",
    "Index",
    "Indexed",
    "Item",
    "LayeredCache",
    "Ledger",
    "MemoryCache",
    "MemoryContents",
    "MemoryIndex",
    "Metadata",
    "ReadOnlyCache",
    "Record",
    "Root",
    "Run",
    "S3Cache",
    "S3ContentBackend",
    "S3Index",
    "Schema",
    "Spooled",
    "SqliteCache",
    "SqliteContentBackend",
    "SqliteIndex",
    "Table",
    "TieredContents",
    "Trust",
    "decode_entry",
    "evict",
    "interrupted_key",
    "link",
    "load",
    "lookup",
    "nearest",
    "open_cache",
    "open_configured",
    "open_folder",
    "open_relative",
    "peek",
    "peek_many",
    "record_of",
    "store",
    "stored_key",
]
