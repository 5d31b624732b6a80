"""Caches in a real object store: the contract, races, damage, and a server in trouble."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import seaweed
from dropping_proxy import dropping_proxy

from merkl import Workspace, task
from merkl._base.errors import CacheError, ConfigError, MerklWarning
from merkl.cache import (
    MISSING,
    BaseCache,
    ContentBackend,
    ContentCache,
    LayeredCache,
    S3Cache,
    SqliteCache,
    load,
    open_cache,
    store,
)
from merkl.cache.base import Metadata
from merkl.cache.contract import CacheContract, ContentBackendContract, make_entry, make_key, read
from merkl.cache.database import Database
from merkl.cache.inventory import Root
from merkl.cache.repair import verify
from merkl.cache.s3 import S3ContentBackend
from merkl.cache.sqlite_index import SqliteIndex
from merkl.cache.sweep import collect
from merkl.codecs import default_codecs

Bucket = tuple[str, dict[str, Any]]
CODECS = default_codecs()
KEY = make_key(1)
pytestmark = pytest.mark.s3


class TestS3Cache(CacheContract):
    """The contract over a cache that is in the bucket as a whole."""

    @pytest.fixture
    def cache(self, s3: Bucket) -> BaseCache:
        return S3Cache(*s3)


class TestS3Contents(ContentBackendContract):
    """The contract over contents in the bucket."""

    @pytest.fixture
    def contents(self, s3: Bucket) -> ContentBackend:
        return S3ContentBackend(*s3)


class TestS3ContentsBesideALocalIndex(CacheContract):
    """The contract over contents in the bucket with an index here."""

    @pytest.fixture
    def cache(self, s3: Bucket, tmp_path: Path) -> Iterator[BaseCache]:
        cache = ContentCache(SqliteIndex(Database(tmp_path / "index.db")), S3ContentBackend(*s3))
        yield cache
        cache.close()


class TestLocalBeforeS3(CacheContract):
    """The contract over a local cache with a bucket behind it."""

    @pytest.fixture
    def cache(self, s3: Bucket, tmp_path: Path) -> Iterator[BaseCache]:
        cache = LayeredCache(SqliteCache(tmp_path), S3Cache(*s3))
        yield cache
        cache.close()


def test_large_content_comes_back_in_ranges(s3: Bucket) -> None:
    """A content of several ranges and parts is whole again."""
    data = os.urandom(1 << 20) * 20
    cache = S3Cache(*s3)
    cache.put(KEY, make_entry(data))
    assert read(S3Cache(*s3).get(KEY)) == data


def test_another_machine_finds_the_result_and_keeps_it(s3: Bucket, tmp_path: Path) -> None:
    """What one machine stored another reads through, and has it without the bucket afterwards."""
    one = LayeredCache(SqliteCache(tmp_path / "one"), S3Cache(*s3))
    store(one, KEY, CODECS.encode({"a": (1, 2)}), Metadata(task="t"))
    here = SqliteCache(tmp_path / "two")
    assert load(LayeredCache(here, S3Cache(*s3)), KEY, codecs=CODECS) == {"a": (1, 2)}
    assert load(here, KEY, codecs=CODECS) == {"a": (1, 2)}
    metadata = here.metadata(KEY)
    assert metadata is not None
    assert metadata.task == "t"


def test_damaged_object_is_a_miss_and_is_mended(s3: Bucket) -> None:
    """An object with other bytes is never given out; storing the result again replaces it."""
    cache = S3Cache(*s3)
    entry = make_entry(b"x" * 100_000)
    cache.put(KEY, entry)
    backend = S3ContentBackend(*s3)
    backend.store.put(f"objects/{entry.content_hash[:2]}/{entry.content_hash}", b"y" * 100_000)
    assert cache.get(KEY) is None
    cache.put(KEY, entry)
    assert read(cache.get(KEY)) == b"x" * 100_000


def test_deleted_object_is_a_miss(s3: Bucket) -> None:
    """A record whose object is gone is no result."""
    cache = S3Cache(*s3)
    entry = make_entry(b"x" * 100_000)
    cache.put(KEY, entry)
    cache.contents.delete(entry.content_hash)
    assert cache.get(KEY) is None


def test_processes_that_race_for_a_key_agree(s3: Bucket) -> None:
    """Of several writers with different contents one wins, and all that look afterwards find it whole."""
    url, options = s3
    script = """
        import json, sys
        from merkl.cache import S3Cache
        from merkl.cache.contract import make_entry, make_key
        cache = S3Cache(sys.argv[1], json.loads(sys.argv[2]))
        cache.put(make_key(1), make_entry(sys.argv[3].encode() * 50_000))
    """
    import json

    command = [sys.executable, "-c", textwrap.dedent(script), url, json.dumps(options)]
    racers = [
        subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE, text=True) for number in range(4)
    ]
    assert [racer.communicate(timeout=120)[1] for racer in racers] == [""] * 4
    found = read(S3Cache(*s3).get(KEY))
    assert found in [b"%d" % number * 50_000 for number in range(4)]
    assert list(S3Cache(*s3).keys()) == [KEY]


def test_forked_child_is_refused_instead_of_hanging(s3: Bucket) -> None:
    """The client does not survive a fork, so a child that uses it gets an error."""
    url, options = s3
    script = """
        import json, os, sys
        from merkl._base.errors import CacheError
        from merkl.cache import S3Cache
        cache = S3Cache(sys.argv[1], json.loads(sys.argv[2]))
        cache.has("0" * 64)
        pid = os.fork()
        if pid == 0:
            try:
                cache.has("0" * 64)
            except CacheError as error:
                os._exit(7 if "forked" in str(error) else 1)
            os._exit(2)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    import json

    command = [sys.executable, "-c", textwrap.dedent(script), url, json.dumps(options)]
    assert subprocess.run(command, timeout=60, check=False).returncode == 7


def test_credentials_in_a_url_are_refused() -> None:
    """A URL ends up in files and logs."""
    with pytest.raises(ConfigError, match="credentials"):
        open_cache("s3://key:secret@bucket/prefix")


def test_an_option_that_the_client_does_not_know_is_named() -> None:
    """The client itself panics; a run would end with that."""
    with pytest.raises(ConfigError, match="allow_http, endpoint"):
        list(
            open_cache(
                "s3://bucket/prefix", options={"allow_http": True, "endpoint": "http://127.0.0.1:1"}
            ).keys()
        )


class Trouble(http.server.BaseHTTPRequestHandler):
    """A server that behaves as badly as `server.trouble` says."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Fail."""
        trouble = self.server.trouble  # type: ignore[attr-defined]
        if trouble == "hangs":
            self.server.released.wait(30)  # type: ignore[attr-defined]
        elif trouble == "breaks off":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
            self.send_header("ETag", '"x"')
            self.send_header("Content-Range", "bytes 0-99999/100000")
            self.end_headers()
            self.wfile.write(b"x" * 100)
        else:
            self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()
        self.close_connection = True

    do_GET = do_PUT = do_HEAD = do_POST = answer

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("trouble", ["hangs", "answers 500", "breaks off"])
def test_server_in_trouble_costs_a_warning_and_not_the_run(tmp_path: Path, trouble: str) -> None:
    """Timeouts and retries are bounded; then the local cache goes on alone."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Trouble)
    server.trouble = trouble  # type: ignore[attr-defined]
    server.released = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        options = {
            "endpoint": f"http://127.0.0.1:{server.server_port}",
            "access_key_id": "a",
            "secret_access_key": "b",
            "region": "us-east-1",
            "client_options": {"timeout": "300ms", "connect_timeout": "300ms", "read_timeout": "300ms"},
            "retry_config": {"max_retries": 1},
        }
        # The digits of a status in an address say nothing.
        remote = S3Cache("s3://bucket/416-Range", options)
        with pytest.raises(CacheError, match="bucket"):
            remote.get(KEY)
        cache = LayeredCache(SqliteCache(tmp_path), remote)
        with pytest.warns(MerklWarning, match="goes on without it"):
            assert load(cache, KEY, codecs=CODECS) is MISSING
        assert store(cache, KEY, CODECS.encode(5), Metadata()) is not None
        assert load(cache, KEY, codecs=CODECS) == 5
    finally:
        server.released.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
        thread.join()


def test_connection_lost_in_the_middle_of_a_content_is_a_miss(s3: Bucket, tmp_path: Path) -> None:
    """A body that breaks off is never a result, not even the part that came; when the server is back it is found."""
    url, options = s3
    data = os.urandom(3_000_000)
    S3Cache(url, options).put(KEY, make_entry(data))
    with dropping_proxy(options["endpoint"]) as proxy:
        quick = {"client_options": {"timeout": "2s"}, "retry_config": {"max_retries": 1}}
        remote = S3Cache(url, {**options, "endpoint": proxy.url, **quick})
        assert remote.lookup(KEY) is not None
        proxy.allowance = 500_000
        with pytest.raises(CacheError):
            remote.get(KEY)
        assert proxy.cuts > 0
        cache = LayeredCache(SqliteCache(tmp_path), remote)
        with pytest.warns(MerklWarning, match="goes on without it"):
            assert cache.get(KEY) is None
        assert cache.get(KEY) is None, "a remote in trouble rests"
        proxy.allowance = None
        back = LayeredCache(SqliteCache(tmp_path), S3Cache(url, {**options, "endpoint": proxy.url}))
        assert read(back.get(KEY)) == data
        back.close()
        cache.close()
    assert verify(SqliteCache(tmp_path)) == []


def test_connection_lost_while_storing_leaves_no_result(s3: Bucket) -> None:
    """Either the whole result is in the bucket or none of it counts."""
    url, options = s3
    with dropping_proxy(options["endpoint"]) as proxy:
        proxy.allowance = 0
        quick = {"client_options": {"timeout": "1s"}, "retry_config": {"max_retries": 1}}
        remote = S3Cache(url, {**options, "endpoint": proxy.url, **quick})
        with pytest.raises(CacheError):
            remote.put(KEY, make_entry(os.urandom(12 << 20)))
    there = S3Cache(url, options)
    assert there.get(KEY) is None
    assert verify(there) == []


def test_verify_and_collect_look_after_a_bucket(s3: Bucket) -> None:
    """Damage in a bucket is found and repaired; what no project reaches goes with its content."""
    cache = S3Cache(*s3)
    for number in (1, 2, 3):
        cache.put(make_key(number), make_entry(b"%d" % number * 50_000, created=1000.0, task="t"))
    cache.note_root(Root("/elsewhere", "flow.main", "another-host", "run", 1.0, (make_key(1),)))
    assert [root.keys for root in cache.roots()] == [(make_key(1),)]
    damaged = make_entry(b"2" * 50_000).content_hash
    S3ContentBackend(*s3).store.put(f"objects/{damaged[:2]}/{damaged}", b"other")
    assert {found.name for found in verify(cache, repair=True)} == {make_key(2)}
    assert verify(cache) == []
    garbage = collect(cache, unreachable=True, dry_run=False)
    assert garbage.keys == (make_key(3),)
    assert list(cache.keys()) == [make_key(1)]
    assert read(cache.get(make_key(1))) == b"1" * 50_000
    assert list(cache.contents.hashes()) == [make_entry(b"1" * 50_000).content_hash]


def test_a_bucket_that_takes_nothing_is_said_once_and_counted(s3_endpoint: str, tmp_path: Path) -> None:
    """There is no such bucket; the run does without it, and says at its end how many results it has not got."""
    options = {"endpoint": s3_endpoint, **seaweed.KEYS}
    workspace = Workspace(tmp_path, cache=S3Cache("s3://nowhere/prefix", options))
    with pytest.warns(MerklWarning) as said:
        assert workspace.run(lambda: [negative(n) for n in range(5)]).result == [0, -1, -2, -3, -4]
    refused = [str(one.message) for one in said if "stored" in str(one.message)]
    assert len(refused) == 2
    assert "negative is not stored, the run goes on: s3://nowhere/prefix" in refused[0]
    assert refused[1] == "4 more results are not stored, and computed again next time"


@task
def negative(n: int) -> int:
    return -n
