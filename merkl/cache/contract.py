"""What every cache must do, as a test class to inherit from: ours pass it, yours should too.

class TestMyCache(CacheContract):
    @pytest.fixture
    def cache(self, tmp_path):
        return MyCache(tmp_path)
"""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Iterable

from merkl.cache.base import BaseCache, Entry, Metadata, content_bytes
from merkl.hashing.digests import hash_content

__all__ = ["CacheContract", "make_entry", "make_key"]

#: Empty, small, around the usual limits between row, table and file, and large.
SIZES = (0, 1, 100, 256, 257, 4096, 65_536, 65_537, 300_000)


def make_key(number: int) -> str:
    """Return a key that looks like any other.

    >>> len(make_key(1))
    64
    """
    return hash_content(b"key %d" % number)


def make_entry(content: bytes, **metadata: object) -> Entry:
    """Return an entry for some bytes, with metadata that a backend can lose if it is careless."""
    filled = {
        "codec": "bytes",
        "codec_version": 3,
        "decode_type": "some.module:Some.Class",
        "extra": ".parquet",
        "seal": "ab" * 32,
        "created": 12.5,
        **metadata,
    }
    return Entry(content, hash_content(content), Metadata(size=len(content), **filled))  # type: ignore[arg-type]


def read(entry: Entry | None) -> bytes | None:
    """Return the bytes of an entry and close what it held."""
    if entry is None:
        return None
    content = content_bytes(entry.content)
    if hasattr(entry.content, "close"):
        entry.content.close()
    return content


class CacheContract:
    """Inherit, and give a fixture `cache` that makes an empty one."""

    def test_empty_cache_has_nothing(self, cache: BaseCache) -> None:
        """A key never put is absent from all five methods."""
        key = make_key(1)
        assert not cache.has(key)
        assert cache.get(key) is None
        assert cache.lookup(key) is None
        assert list(cache.keys()) == []
        assert cache.delete(key) is False

    def test_every_size_comes_back(self, cache: BaseCache) -> None:
        """Content, hash, and what decoding needs come back for every size."""
        generator = random.Random(1)
        entries = {make_key(size): make_entry(generator.randbytes(size)) for size in SIZES}
        for key, entry in entries.items():
            cache.put(key, entry)
        for key, entry in entries.items():
            found = cache.get(key)
            assert found is not None
            assert found.content_hash == entry.content_hash
            assert found.metadata.essential() == entry.metadata.essential()
            assert read(found) == entry.content
        assert sorted(cache.keys()) == sorted(entries)

    def test_entry_survives_reopening(self, cache: BaseCache) -> None:
        """What was put is there after `close`, if the cache outlives the process at all."""
        cache.put(make_key(1), make_entry(b"x" * 100))
        cache.put(make_key(2), make_entry(b"y" * 100_000))
        cache.close()
        assert read(cache.get(make_key(1))) == b"x" * 100
        assert read(cache.get(make_key(2))) == b"y" * 100_000

    def test_file_content_is_read_from_its_start(self, cache: BaseCache) -> None:
        """A file is stored whole, wherever its position is."""
        data = random.Random(2).randbytes(200_000)
        file = io.BytesIO(data)
        file.seek(1000)
        entry = make_entry(data)
        cache.put(make_key(1), Entry(file, entry.content_hash, entry.metadata))
        assert read(cache.get(make_key(1))) == data

    def test_spooled_content_is_stored(self, cache: BaseCache) -> None:
        """`spool` hashes and measures a stream, and `put` takes what it gives."""
        pieces = [bytes([number]) * 50_000 for number in range(10)]
        data = b"".join(pieces)
        spooled = cache.spool(iter(pieces))
        assert (spooled.content_hash, spooled.size) == (hash_content(data), len(data))
        cache.put(make_key(1), Entry(spooled.file, spooled.content_hash, make_entry(data).metadata))
        spooled.close()
        assert read(cache.get(make_key(1))) == data

    def test_put_replaces(self, cache: BaseCache) -> None:
        """The last entry under a key counts, between all sizes."""
        key = make_key(1)
        for size in (10, 100_000, 1000, 0, 100_001, 20):
            cache.put(key, make_entry(b"z" * size))
            assert read(cache.get(key)) == b"z" * size
        assert list(cache.keys()) == [key]

    def test_lookup_gives_the_record(self, cache: BaseCache) -> None:
        """`lookup` says what the content is without giving it."""
        for size in (5, 1000, 100_000):
            entry = make_entry(b"a" * size)
            cache.put(make_key(size), entry)
            record = cache.lookup(make_key(size))
            assert record is not None
            assert (record.content_hash, record.size) == (entry.content_hash, size)
            assert (record.codec, record.codec_version, record.decode_type, record.extra) == (
                "bytes",
                3,
                "some.module:Some.Class",
                ".parquet",
            )

    def test_delete_forgets(self, cache: BaseCache) -> None:
        """A deleted key is gone and others stay, those with equal content too."""
        for number in (1, 2):
            cache.put(make_key(number), make_entry(b"same" * 50_000))
        assert cache.delete(make_key(1)) is True
        assert cache.delete(make_key(1)) is False
        assert not cache.has(make_key(1))
        assert cache.get(make_key(1)) is None
        assert read(cache.get(make_key(2))) == b"same" * 50_000

    def test_link_shares_content(self, cache: BaseCache) -> None:
        """A link is an entry of its own: it stays when the first goes."""
        for size in (10, 1000, 100_000):
            first, second = make_key(size), make_key(size + 1)
            entry = make_entry(b"l" * size)
            cache.put(first, entry)
            assert cache.link(second, first) is True
            assert cache.lookup(second) == cache.lookup(first)
            cache.delete(first)
            assert read(cache.get(second)) == b"l" * size

    def test_link_to_nothing_is_refused(self, cache: BaseCache) -> None:
        """Linking to a key that is not there changes nothing."""
        assert cache.link(make_key(2), make_key(1)) is False
        assert not cache.has(make_key(2))

    def test_threads_do_not_disturb_each_other(self, cache: BaseCache) -> None:
        """Several threads put and get at once and each finds its own."""
        failures: list[BaseException] = []

        def work(numbers: Iterable[int]) -> None:
            try:
                for number in numbers:
                    data = b"%d " % number * (1 if number % 3 else 20_000)
                    cache.put(make_key(number), make_entry(data))
                    assert read(cache.get(make_key(number))) == data
            except BaseException as error:  # noqa: BLE001 - told to the main thread
                failures.append(error)

        threads = [
            threading.Thread(target=work, args=(range(start, start + 15),)) for start in range(0, 60, 15)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert sorted(cache.keys()) == sorted(make_key(number) for number in range(60))
