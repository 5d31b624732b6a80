"""Objects of a real S3 server as inputs and outputs."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from merkl import (
    ConfigError,
    DirRef,
    FileRef,
    GraphError,
    InputChangedError,
    MissingInputError,
    OutputError,
    TaskFailedError,
    Workspace,
    path_future,
    read_future,
    task,
)
from merkl.cache.s3 import ObjectStore


@task
def upper(text: str) -> str:
    return text.upper()


@task
def size(file: FileRef) -> int:
    return len(file.read_bytes())


@task
def page(text: str) -> FileRef:
    made = FileRef(suffix=".txt")
    made.write_text(text)
    return made


class Bucket:
    """A bucket by itself, and the URLs of objects in it."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self.base, _, _ = url.removeprefix("s3://").partition("/")
        self.options = options
        self.store = ObjectStore(f"s3://{self.base}", options)

    def url(self, name: str) -> str:
        query = urllib.parse.urlencode({"endpoint": self.options["endpoint"], "region": "us-east-1"})
        return f"s3://{self.base}/{name}?{query}"

    def put(self, name: str, content: bytes) -> None:
        self.store.put(name, content)

    def get(self, name: str) -> bytes:
        found = self.store.get(name)
        assert found is not None
        content: Any = found[0]
        return content if isinstance(content, bytes) else content.read()


@pytest.fixture
def bucket(s3: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Bucket:
    url, options = s3
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", options["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", options["secret_access_key"])
    return Bucket(url, options)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with Workspace(tmp_path):
        yield tmp_path


def test_an_object_is_read_as_text_bytes_and_file(bucket: Bucket, home: Path) -> None:
    bucket.put("a b/é.csv", "1,é\r\n".encode())
    url = bucket.url("a%20b/%C3%A9.csv")
    assert read_future(url).eval() == "1,é\r\n"
    assert read_future(url, "rb").eval() == "1,é\r\n".encode()
    assert path_future(url).eval().suffix == ".csv"
    assert size(path_future(url)).eval() == 6


def test_an_object_is_downloaded_once_for_each_version(bucket: Bucket, home: Path) -> None:
    bucket.put("x.txt", b"one")
    first = read_future(bucket.url("x.txt"))
    assert upper(first).eval() == "ONE"
    again = path_future(bucket.url("x.txt"))
    assert again.in_cache()
    bucket.put("x.txt", b"two")
    second = read_future(bucket.url("x.txt"))
    assert second.hash != first.hash
    assert upper(second).eval() == "TWO"


def test_an_object_that_changes_before_it_is_fetched_is_an_error(bucket: Bucket, home: Path) -> None:
    bucket.put("x.txt", b"one")
    future = read_future(bucket.url("x.txt"))
    bucket.put("x.txt", b"two")
    with pytest.raises(TaskFailedError) as caught:
        future.eval()
    assert isinstance(caught.value.__cause__, InputChangedError)


def test_a_missing_object_is_an_error_when_the_graph_is_built(bucket: Bucket, home: Path) -> None:
    with pytest.raises(MissingInputError, match="no object"):
        read_future(bucket.url("nope.txt"))
    with pytest.raises(ConfigError, match="names no object"):
        read_future(bucket.url(""))


def test_large_and_empty_objects(bucket: Bucket, home: Path) -> None:
    for name, content in (("empty", b""), ("large", bytes(range(256)) * 80_000)):
        bucket.put(name, content)
        assert read_future(bucket.url(name), "rb").eval() == content


def test_results_are_written_and_only_where_needed(bucket: Bucket, home: Path) -> None:
    future = upper("a").write(bucket.url("out/a.txt"), sidecar=True)
    future.eval()
    assert bucket.get("out/a.txt") == b"A"
    assert json.loads(bucket.get("out/a.txt.merkl"))["key"] == future.hash
    before = bucket.store.head("out/a.txt")
    future.eval()
    assert bucket.store.head("out/a.txt") == before
    bucket.put("out/a.txt", b"other")
    future.eval()
    assert bucket.get("out/a.txt") == b"A"


def test_files_are_sent_and_directories_are_not(bucket: Bucket, home: Path) -> None:
    page("p" * 100_000).write(bucket.url("p.txt")).eval()
    assert bucket.get("p.txt") == b"p" * 100_000

    @task
    def folder() -> DirRef:
        return DirRef()

    with pytest.raises(OutputError, match="one by one"):
        folder().write(bucket.url("d")).eval()


def test_two_futures_for_one_object(bucket: Bucket, home: Path) -> None:
    first = upper("a").write(bucket.url("x"))
    with pytest.raises(GraphError):
        upper("b").write(bucket.url("x"))
    assert first.eval() == "A"


def test_a_url_that_holds_credentials_is_refused(home: Path) -> None:
    with pytest.raises(ConfigError, match="credentials"):
        read_future("s3://bucket/x?secret_access_key=abc")
    with pytest.raises(ConfigError, match="credentials"):
        read_future("s3://me:secret@bucket/x")
