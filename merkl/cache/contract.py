"""What every cache and every content backend must do, as test classes to inherit from: ours pass them, yours should too.

class TestMyCache(CacheContract):
    @pytest.fixture
    def cache(self, tmp_path):
        return MyCache(tmp_path)
"""

from __future__ import annotations

import io
import random
import threading
import warnings
from collections.abc import Iterable

from merkl._base.errors import MerklWarning
from merkl.cache.base import BaseCache, Entry, Metadata, close_content, content_bytes
from merkl.cache.contents import ContentBackend
from merkl.hashing.digests import hash_content

__all__ = ["CacheContract", "ContentBackendContract", "make_entry", "make_key"]

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

    def test_many_keys_at_once_give_what_each_gives(self, cache: BaseCache) -> None:
        """`peek_many` gives what `peek` gives for each key, committed or not, and leaves out what is not there."""
        for number in range(400):
            cache.put(make_key(number), make_entry(b"%d" % number * (number % 7) * 40))
            if number == 200:
                cache.flush()
        asked = [make_key(number) for number in range(0, 800, 2)]
        found = cache.peek_many(asked)
        assert sorted(found) == sorted(make_key(number) for number in range(0, 400, 2))
        for key, (record, entry) in found.items():
            assert record == cache.lookup(key)
            if entry is not None:
                assert read(entry) == read(cache.get(key))
        assert cache.peek_many([]) == {}

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

    def test_result_is_found_by_its_content_key(self, cache: BaseCache) -> None:
        """What was put with a content key is found by it, until it is forgotten."""
        for size in (10, 100_000):
            key, alias = make_key(size), make_key(size + 1)
            entry = make_entry(b"c" * size, content_key=alias, task="t")
            cache.put(key, entry)
            cache.add_alias(alias, key, entry)
            found = cache.find_alias(alias)
            assert found is not None
            assert read(cache.get(found)) == b"c" * size
            assert cache.forget(key) is True
            assert cache.find_alias(alias) is None
            assert cache.get(key) is None

    def test_dropping_leaves_equal_contents(self, cache: BaseCache) -> None:
        """`drop` takes the content along, unless another key has it."""
        for size in (10, 5000, 100_000):
            first, second = make_key(size), make_key(size + 1)
            cache.put(first, make_entry(b"d" * size))
            cache.put(second, make_entry(b"d" * size))
            assert cache.drop(first) is True
            assert not cache.has(first)
            assert cache.drop(first) is False
            assert read(cache.get(second)) == b"d" * size
            assert cache.drop(second) is True
            cache.put(first, make_entry(b"d" * size))
            assert read(cache.get(first)) == b"d" * size

    def test_items_and_find_show_what_is_there(self, cache: BaseCache) -> None:
        """Upkeep sees each key with hash, size and codec, and finds it by its first digits."""
        entries = {make_key(size): make_entry(b"i" * size, task="mod.task") for size in (0, 10, 100_000)}
        for key, entry in entries.items():
            cache.put(key, entry)
        cache.flush()
        items = {item.key: item for item in cache.items()}
        assert {(item.content_hash, item.size, item.codec) for item in items.values()} == {
            (entry.content_hash, entry.metadata.size, "bytes") for entry in entries.values()
        }
        for key in entries:
            assert cache.find(key[:20]) == [key]
        assert sorted(cache.find("")) == sorted(entries)

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


class ContentBackendContract:
    """Inherit, and give a fixture `contents` that makes an empty content backend."""

    def test_empty_backend_has_nothing(self, contents: ContentBackend) -> None:
        """A hash never put is absent."""
        absent = hash_content(b"absent")
        assert not contents.has(absent)
        assert contents.get(absent) is None
        assert contents.delete(absent) is False
        assert list(contents.hashes()) == []

    def test_every_size_comes_back(self, contents: ContentBackend) -> None:
        """Bytes come back as they were, from bytes and from files."""
        generator = random.Random(3)
        for number, size in enumerate(SIZES):
            data = generator.randbytes(size)
            contents.put(io.BytesIO(data) if number % 2 else data, hash_content(data))
            contents.flush()
            found = contents.get(hash_content(data))
            assert found is not None
            assert content_bytes(found) == data
            assert contents.size(hash_content(data)) == size
            close_content(found)
        assert len(set(contents.hashes())) == len(SIZES)

    def test_putting_twice_is_putting_once(self, contents: ContentBackend) -> None:
        """Equal contents are one."""
        for _ in range(2):
            contents.put(b"twice" * 30_000, hash_content(b"twice" * 30_000))
        assert list(contents.hashes()) == [hash_content(b"twice" * 30_000)]

    def test_what_is_not_the_content_is_never_given(self, contents: ContentBackend) -> None:
        """Bytes that do not have their hash are as if they were not there."""
        contents.put(b"other", hash_content(b"wanted"))
        contents.distrust(hash_content(b"wanted"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MerklWarning)
            assert contents.get(hash_content(b"wanted")) is None

    def test_delete_and_put_again(self, contents: ContentBackend) -> None:
        """A deleted content is gone, and can come again."""
        data = b"gone" * 30_000
        for _ in range(2):
            contents.put(data, hash_content(data))
            assert contents.delete(hash_content(data)) is True
            assert not contents.has(hash_content(data))

    def test_trash_is_no_loss(self, contents: ContentBackend) -> None:
        """What was put to the trash is gone or comes back whole, and can be put again in any case."""
        data = b"trash" * 30_000
        contents.put(data, hash_content(data))
        assert contents.trash(hash_content(data)) is True
        found = contents.get(hash_content(data))
        assert found is None or content_bytes(found) == data
        if found is not None:
            close_content(found)
        contents.trash(hash_content(data))
        contents.empty_trash((), age=0)
        assert contents.get(hash_content(data)) is None
        contents.put(data, hash_content(data))
        assert contents.has(hash_content(data))
