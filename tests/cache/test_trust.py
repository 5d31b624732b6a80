"""Nothing from a cache that others can write to is unpickled, unless allowed or sealed with the project's key."""

from __future__ import annotations

import io
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import msgspec
import pytest

from merkl import Workspace, evaluate, task
from merkl._base.errors import MerklWarning
from merkl.cache import (
    MISSING,
    BaseCache,
    FileCache,
    LayeredCache,
    MemoryCache,
    SqliteCache,
    Trust,
    load,
    store,
)
from merkl.cache.base import Entry, Metadata
from merkl.cache.contract import make_key
from merkl.codecs import DecodeError, default_codecs
from merkl.hashing.digests import hash_content

CODECS = default_codecs()
KEY = make_key(1)


class Evil:
    """Makes a folder when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.path),))


def put(cache: BaseCache, payload: bytes, **metadata: Any) -> None:
    """Store bytes as an attacker would: any metadata goes."""
    filled = Metadata(size=len(payload), codec_version=1, **metadata)
    cache.put(KEY, Entry(payload, hash_content(payload), filled))


FORGERIES = {"as a pickle": ("pickle", ""), "as items of an iterator": ("stream", "pickle 1 ")}


@pytest.mark.parametrize("how", FORGERIES)
@pytest.mark.parametrize("layered", [False, True])
def test_pickle_in_a_shared_cache_is_a_miss(tmp_path: Path, how: str, layered: bool) -> None:
    """However it is dressed, a pickle that others could have written is not read, directly or through a layer."""
    codec, decode_type = FORGERIES[how]
    shared: BaseCache = FileCache(tmp_path / "shared")
    put(shared, pickle.dumps(Evil(tmp_path / "owned")), codec=codec, decode_type=decode_type)
    cache = LayeredCache(SqliteCache(tmp_path / "mine"), shared) if layered else shared
    for _ in range(2):  # the second time from the copy nearby
        with pytest.warns(MerklWarning, match="pickle"):
            assert load(cache, KEY, codecs=CODECS) is MISSING
    assert not (tmp_path / "owned").exists()


def test_pickle_as_a_part_of_data_is_refused(tmp_path: Path) -> None:
    """A part of a data content that says it is a pickle is never read as one."""
    import numpy

    pieces = CODECS.encode([numpy.zeros(3)]).content
    payload = pickle.dumps(Evil(tmp_path / "owned"))
    head = pieces[2].replace(b"\xa3npy", b"\xa6pickle")
    ext = head.index(b"\xa6pickle")
    forged = b"".join([pieces[0], len(head).to_bytes(8, "little"), head, payload])
    assert ext > 0
    with pytest.raises(DecodeError):
        CODECS.decode("data", 1, "", forged)
    assert not (tmp_path / "owned").exists()


def test_own_pickles_are_read_beside_a_shared_cache(tmp_path: Path) -> None:
    """A local result that only pickle can store is read, also when a shared cache is behind."""
    cache = LayeredCache(SqliteCache(tmp_path), MemoryCache())
    store(cache, KEY, CODECS.encode(KeyError("k")), Metadata())
    assert isinstance(load(cache, KEY, codecs=CODECS), KeyError)


def test_seal_opens_a_shared_pickle_and_only_with_the_key(tmp_path: Path) -> None:
    """A result sealed with the project's key is read with it, and a miss with another or none."""
    cache = FileCache(tmp_path)
    store(cache, KEY, CODECS.encode(KeyError("k")), Metadata(), trust=Trust(signing_key=b"ours"))
    assert isinstance(load(cache, KEY, codecs=CODECS, trust=Trust(signing_key=b"ours")), KeyError)
    for trust in (Trust(signing_key=b"theirs"), Trust()):
        with pytest.warns(MerklWarning, match="pickle"):
            assert load(cache, KEY, codecs=CODECS, trust=trust) is MISSING


def test_seal_does_not_cover_other_bytes(tmp_path: Path) -> None:
    """A seal moved to another content is worth nothing."""
    cache = FileCache(tmp_path)
    trust = Trust(signing_key=b"ours")
    store(cache, KEY, CODECS.encode(KeyError("k")), Metadata(), trust=trust)
    entry = cache.get(KEY)
    assert entry is not None
    payload = pickle.dumps(Evil(tmp_path / "owned"))
    changed = msgspec.structs.replace(entry.metadata, size=len(payload))
    cache.put(KEY, Entry(payload, hash_content(payload), changed))
    with pytest.warns(MerklWarning, match="pickle"):
        assert load(cache, KEY, codecs=CODECS, trust=trust) is MISSING


def test_allow_pickle_reads_them(tmp_path: Path) -> None:
    """A project may say that it trusts everyone who can write to its cache."""
    cache = FileCache(tmp_path)
    store(cache, KEY, CODECS.encode(KeyError("k")), Metadata())
    assert isinstance(load(cache, KEY, codecs=CODECS, trust=Trust(allow_pickle=True)), KeyError)


def test_key_is_written_nowhere(tmp_path: Path) -> None:
    """The signing key is in no file of the cache."""
    cache = FileCache(tmp_path)
    store(cache, KEY, CODECS.encode(KeyError("k")), Metadata(), trust=Trust(signing_key=b"very-secret"))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert all(b"very-secret" not in path.read_bytes() for path in files)


def test_streams_and_data_need_no_trust(tmp_path: Path) -> None:
    """What runs no code is read from shared caches as it is."""
    cache = FileCache(tmp_path)
    for number, value in enumerate([{"a": (1,)}, io.BytesIO(b"x"), iter([(1,), (2,)]), iter([b"a"])]):
        store(cache, make_key(number), CODECS.encode(value), Metadata())
        assert load(cache, make_key(number), codecs=CODECS) is not MISSING


class Model:
    """Only pickle can store it; larger than what is handed on beside the cache."""

    def __init__(self, size: int) -> None:
        self.weights = "w" * size


@task
def fit(size: int) -> Model:
    return Model(size)


@task
def weigh(model: Model) -> int:
    return len(model.weights)


@task
def weigh_both(one: Model, other: Model) -> int:
    return len(one.weights) + len(other.weights)


@pytest.mark.parametrize("target", [None, 2])
def test_a_run_reads_the_pickles_that_its_own_bodies_made(tmp_path: Path, target: int | None) -> None:
    """Others could write to the cache, but no other bytes have their hash. Another run takes them for a miss."""
    shared = FileCache(tmp_path / "shared")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Workspace(tmp_path / "one", cache=shared, target=target):
            models = [fit(100_000), fit(50)]
            total = weigh_both(*models)
            assert evaluate([weigh(model) for model in models] + [total]) == [100_000, 50, 100_050]
            assert len(evaluate(fit(100_000)).weights) == 100_000
    with (
        Workspace(tmp_path / "two", cache=shared, target=target),
        pytest.warns(MerklWarning, match="set allow_pickle = true"),
    ):
        assert len(evaluate(fit(100_000)).weights) == 100_000
