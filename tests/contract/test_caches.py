"""One suite over every cache that MerkL ships."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from merkl.cache import (
    BaseCache,
    ContentBackend,
    ContentCache,
    Database,
    Entry,
    FileCache,
    FileContentBackend,
    LayeredCache,
    MemoryCache,
    MemoryContents,
    MemoryIndex,
    SqliteCache,
    SqliteContentBackend,
    SqliteIndex,
    TieredContents,
)
from merkl.testing import CacheContract, ContentBackendContract


class DictCache(BaseCache):
    """The five methods and nothing else, as a user would write them."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def has(self, key: str) -> bool:
        return key in self.blobs

    def get(self, key: str) -> Entry | None:
        return Entry.unpack(self.blobs[key]) if key in self.blobs else None

    def put(self, key: str, entry: Entry) -> None:
        self.blobs[key] = entry.pack()

    def delete(self, key: str) -> bool:
        return self.blobs.pop(key, None) is not None

    def keys(self) -> Iterator[str]:
        return iter(list(self.blobs))


def sqlite_in_parts(path: Path) -> BaseCache:
    database = Database(path / "one.db")
    return ContentCache(SqliteIndex(database), SqliteContentBackend(database))


MAKERS = {
    "a user's own": lambda path: DictCache(),
    "memory": lambda path: MemoryCache(),
    "memory index and contents": lambda path: ContentCache(MemoryIndex(), MemoryContents()),
    "sqlite": SqliteCache,
    "files": FileCache,
    "layers": lambda path: LayeredCache(MemoryCache(), SqliteCache(path / "near"), FileCache(path / "far")),
    "sqlite alone": sqlite_in_parts,
    "memory index over files": lambda path: ContentCache(MemoryIndex(), FileContentBackend(path / "files")),
}


class TestEveryCache(CacheContract):
    """The contract over every cache."""

    @pytest.fixture(params=MAKERS)
    def cache(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseCache]:
        cache = MAKERS[request.param](tmp_path / "cache")
        yield cache
        cache.close()


CONTENT_MAKERS = {
    "files": FileContentBackend,
    "sqlite": lambda path: SqliteContentBackend(path / "contents.db"),
    "memory": lambda path: MemoryContents(),
    "sqlite before files": lambda path: TieredContents(
        SqliteContentBackend(path / "contents.db"), FileContentBackend(path / "files"), 5000
    ),
}


class TestEveryContentBackend(ContentBackendContract):
    """The contract over every content backend."""

    @pytest.fixture(params=CONTENT_MAKERS)
    def contents(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ContentBackend]:
        contents = CONTENT_MAKERS[request.param](tmp_path / "contents")
        yield contents
        contents.close()
