"""What a cache is: five methods over `Entry`, and the plain data that passes through them.

A user's own backend derives from `BaseCache`; everything below the first five methods has a default.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, TypeAlias

import blake3
import msgspec

from merkl.cache.inventory import Item, Root
from merkl.hashing.digests import hash_content

__all__ = [
    "ArgumentPreview",
    "BaseCache",
    "Content",
    "Entry",
    "Metadata",
    "Record",
    "content_bytes",
    "content_size",
]

#: Stored bytes: in memory, mapped, or a seekable binary file open for reading.
Content: TypeAlias = bytes | bytearray | memoryview | mmap.mmap | IO[bytes]

#: From here on a chunk is hashed while it is written.
OVERLAP = 4 << 20

#: Up to here a spooled stream stays in memory.
SPOOL_IN_MEMORY = 1 << 20


class ArgumentPreview(msgspec.Struct, frozen=True, array_like=True):
    """One bound argument as people and `why` see it: a short text and the digest of its canonical bytes."""

    name: str
    preview: str = ""
    digest: str = ""


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Everything worth knowing about one stored result; what debug, why, log and dag read.

    `size`, `codec`, `codec_version`, `decode_type`, `extra`, `seal` and `origin` are what decoding needs: a backend that
    keeps nothing else must keep `essential()`. The rest is for people.
    """

    size: int = 0
    codec: str = ""
    codec_version: int = 0
    decode_type: str = ""
    #: a file's suffix; for a directory the digest of names and modes
    extra: str = ""
    #: HMAC over the record under the project's signing key, or ""
    seal: str = ""
    #: the shared cache that this copy was fetched from: it is trusted no more than that one
    origin: str = ""
    task: str = ""
    #: the task's signature as text
    signature: str = ""
    #: 64 hex digits; its components are in the ledger, once for each fingerprint
    fingerprint: str = ""
    arguments: tuple[ArgumentPreview, ...] = ()
    #: keys of the Futures among the arguments
    parents: tuple[str, ...] = ()
    #: what entered the key beside fingerprint and arguments: digests of the user's classes among them, and `extra_key`
    extras: tuple[str, ...] = ()
    out: str | None = None
    #: Unix time when the body had returned
    created: float = 0.0
    duration: float = 0.0
    #: bytes that the process had resident at most while the body ran; None where that cannot be told
    peak_memory: int | None = None
    #: id of the run; host, Python and package versions are in the ledger's row of that run
    run: str = ""
    location: str = ""
    content_key: str = ""
    #: this is what an interrupted body returned; the key that the result of a finished one would have
    interrupted: str = ""
    #: this is what an interrupted body returned, and it counts as the result of its call all the same
    accepted: bool = False
    tags: dict[str, Any] = {}
    #: tail of what the body wrote to stdout and stderr
    output: str = ""

    def essential(self) -> Metadata:
        """Return only what decoding needs.

        >>> essential = Metadata(codec="npy", codec_version=1, task="train").essential()
        >>> essential.codec, essential.task
        ('npy', '')
        """
        return Metadata(
            size=self.size,
            codec=self.codec,
            codec_version=self.codec_version,
            decode_type=self.decode_type,
            extra=self.extra,
            seal=self.seal,
            origin=self.origin,
        )


class Record(msgspec.Struct, frozen=True, gc=False):
    """What identifies a stored content, without its bytes: the ingredients of a content identity."""

    content_hash: str
    size: int
    codec: str
    codec_version: int
    decode_type: str = ""
    extra: str = ""
    created: float = 0.0


class Entry(msgspec.Struct, frozen=True):
    """One result as a cache takes it and gives it back: bytes, their BLAKE3 in hex, and the metadata."""

    content: Any  # Content; Any because Struct annotations must be types that msgspec knows
    content_hash: str
    metadata: Metadata

    @property
    def record(self) -> Record:
        """Return the record of this entry."""
        meta = self.metadata
        return Record(
            self.content_hash,
            meta.size,
            meta.codec,
            meta.codec_version,
            meta.decode_type,
            meta.extra,
            meta.created,
        )

    def pack(self) -> bytes:
        """Return the entry as one byte string, for backends that keep one blob a key.

        >>> entry = Entry(b"abc", hash_content(b"abc"), Metadata(codec="raw", size=3))
        >>> Entry.unpack(entry.pack()) == entry
        True
        """
        head = _HEAD.encode((self.content_hash, self.metadata))
        return b"".join((len(head).to_bytes(4, "little"), head, content_bytes(self.content)))

    @classmethod
    def unpack(cls, blob: bytes | memoryview) -> Entry:
        """Return the entry that `pack` wrote.

        Raises:
            ValueError: the blob is no packed entry (truncated or damaged).
        """
        view = memoryview(blob)
        start = 4 + int.from_bytes(view[:4], "little")
        content_hash, metadata = _PACKED.decode(view[4:start])
        return cls(bytes(view[start:]), content_hash, metadata)


_HEAD = msgspec.json.Encoder(enc_hook=repr)
_PACKED = msgspec.json.Decoder(tuple[str, Metadata])


class BaseCache(ABC):
    """Keeps entries by key; subclass it and write five methods to store results anywhere.

    Keys are 64 hex digits. Methods may be called from several threads. `get` of what `put` took gives the same
    content, content hash and `metadata.essential()`; whether it keeps the rest of the metadata is the backend's
    choice. A backend in trouble raises `OSError`: the run then goes on without it. `merkl.testing` has the suite
    that checks all this.

    >>> class DictCache(BaseCache):
    ...     def __init__(self): self.blobs = {}
    ...     def has(self, key): return key in self.blobs
    ...     def get(self, key): return Entry.unpack(self.blobs[key]) if key in self.blobs else None
    ...     def put(self, key, entry): self.blobs[key] = entry.pack()
    ...     def delete(self, key): return self.blobs.pop(key, None) is not None
    ...     def keys(self): return iter(list(self.blobs))
    """

    #: Others than this user can write here: nothing in it is unpickled unless allowed or sealed.
    shared: bool = True
    #: `get` itself makes sure that the content has its hash; otherwise the reader does.
    verifies: bool = False
    #: Nothing is stored: `put` would do nothing.
    read_only: bool = False
    #: Many keys that are looked up together cost little more than one, so that some may be looked up in vain.
    is_quick: bool = False

    @abstractmethod
    def has(self, key: str) -> bool:
        """Say whether a result is stored under `key`."""

    @abstractmethod
    def get(self, key: str) -> Entry | None:
        """Return the entry under `key`, None where there is none or its content is lost or damaged."""

    @abstractmethod
    def put(self, key: str, entry: Entry) -> None:
        """Keep `entry` under `key`, in place of what was there; content that is a file is read from its start."""

    @abstractmethod
    def delete(self, key: str) -> bool:
        """Forget `key`; say whether it was there."""

    @abstractmethod
    def keys(self) -> Iterator[str]:
        """Iterate over all keys, in any order."""

    def lookup(self, key: str) -> Record | None:
        """Return what is known of the content under `key` without loading it."""
        entry = self.get(key)
        if entry is None:
            return None
        close_content(entry.content)
        return entry.record

    def load(self, key: str) -> Entry | None:
        """Return the entry with `metadata.essential()` at least: what decoding needs, and maybe quicker than `get`."""
        return self.get(key)

    def peek(self, key: str) -> tuple[Record, Entry | None] | None:
        """Return what `lookup` returns, and the entry too where its content comes along at no further cost."""
        record = self.lookup(key)
        return None if record is None else (record, None)

    def peek_many(self, keys: Sequence[str]) -> dict[str, tuple[Record, Entry | None]]:
        """Return what `peek` returns for each of the keys that is there."""
        found = ((key, self.peek(key)) for key in keys)
        return {key: peeked for key, peeked in found if peeked is not None}

    def find_alias(self, alias: str) -> str | None:
        """Return the key of a result whose content key this is; a cache that keeps none has a row under it."""
        return alias if self.has(alias) else None

    def may_find(self, alias: str, fingerprint: str) -> bool:
        """Say whether `find_alias` may find this, the content key of a task with that fingerprint, as far as is known."""
        return True

    def metadata(self, key: str) -> Metadata | None:
        """Return the metadata under `key`."""
        entry = self.get(key)
        if entry is None:
            return None
        close_content(entry.content)
        return entry.metadata

    def link(self, key: str, other: str, metadata: Metadata | None = None) -> bool:
        """Store the content of `other` under `key` too, with other metadata where given; False if `other` is not here."""
        entry = self.get(other)
        if entry is None:
            return False
        try:
            self.put(key, entry if metadata is None else Entry(entry.content, entry.content_hash, metadata))
        finally:
            close_content(entry.content)
        return True

    def spool(self, chunks: Iterable[bytes | memoryview]) -> Spooled:
        """Write chunks down while hashing them, where `put` will find them cheap to take; bounded memory."""
        return spool(chunks, tempfile.SpooledTemporaryFile(SPOOL_IN_MEMORY))

    def items(self) -> Iterator[Item]:
        """Iterate over what upkeep wants to know of all results; those that cannot be read are left out."""
        for key in self.keys():
            entry = self.get(key)
            if entry is not None:
                close_content(entry.content)
                yield item_of(key, entry.record, entry.metadata)

    def find(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Return the keys that begin with these hex digits, at most `limit`."""
        return list(itertools.islice((key for key in self.keys() if key.startswith(prefix)), limit))

    def recall(self, key: str) -> Metadata | None:
        """Return the metadata of a result, also of one that was forgotten, where they are kept longer than it."""
        return self.metadata(key)

    def add_alias(self, alias: str, key: str, entry: Entry) -> None:
        """Have `find_alias` find what was put under `key`; a cache that does not by itself gets a row under `alias`."""
        essential = entry.metadata.essential()
        if type(entry.content) is bytes:
            self.put(alias, Entry(entry.content, entry.content_hash, essential))
        else:
            self.link(alias, key, essential)

    def forget(self, key: str) -> bool:
        """Delete `key` so that it is computed again: what has its content key is not found by that any more either."""
        metadata = self.metadata(key)
        if metadata is not None and metadata.content_key:
            self.delete(metadata.content_key)
        return self.delete(key)

    def drop(self, key: str) -> bool:
        """Forget `key`, and remove its content at once where no other result has it; say whether it was there."""
        return self.delete(key)

    def note_root(self, root: Root) -> None:  # noqa: B027 - most backends are not swept
        """Keep what a project asked for, so that a sweep leaves it; the latest few of each group are kept."""

    def roots(self) -> Iterator[Root]:
        """Iterate over what was noted."""
        return iter(())

    def flush(self) -> None:  # noqa: B027 - most backends have nothing to flush
        """Make durable all that was put so far."""

    def close(self) -> None:
        """Flush and let go of files and connections; using the cache again opens it again."""
        self.flush()


class Spooled(msgspec.Struct, frozen=True):
    """A stream that was written down: an open file at its start, its hash and size. Closing the file discards it."""

    file: Any
    content_hash: str
    size: int

    def close(self) -> None:
        """Discard what is left of it."""
        self.file.close()


def spool(chunks: Iterable[bytes | memoryview], file: Any) -> Spooled:
    """Write chunks to `file` while hashing them; the file is closed if that fails."""
    hasher = blake3.blake3(max_threads=blake3.blake3.AUTO)
    size = 0
    try:
        for chunk in chunks:
            if len(chunk) < OVERLAP:
                file.write(chunk)
                hasher.update(chunk)
            else:  # both let other threads run, so hashing costs no time beside writing
                from concurrent.futures import ThreadPoolExecutor

                with ThreadPoolExecutor(1) as pool:
                    hashed = pool.submit(hasher.update, chunk)
                    file.write(chunk)
                    hashed.result()
            size += len(chunk)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Spooled(file, hasher.hexdigest(), size)


def item_of(
    key: str, record: Record, metadata: Metadata, *, is_inline: bool = False, used: float = 0.0
) -> Item:
    """Return what upkeep sees of a result."""
    return Item(
        key,
        record.content_hash,
        record.size,
        record.codec,
        metadata.task,
        record.created,
        used or record.created,
        is_inline,
        metadata.interrupted,
    )


def hash_file_content(file: Any) -> Spooled:
    """Return an open file as if it had been spooled: read once, left at its start; it is closed if that fails."""
    hasher = blake3.blake3(max_threads=blake3.blake3.AUTO)
    size = 0
    try:
        for piece in content_chunks(file, OVERLAP):
            hasher.update(piece)
            size += len(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Spooled(file, hasher.hexdigest(), size)


def content_bytes(content: Content) -> bytes:
    """Return the content as bytes; a file is read from its start to its end."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, (bytearray, memoryview)):
        return bytes(content)
    if isinstance(content, mmap.mmap):
        return content[:]
    content.seek(0)
    return content.read()


def content_size(content: Content) -> int:
    """Return the number of bytes of a content."""
    if type(content) is bytes:
        return len(content)
    if isinstance(content, memoryview):
        return content.nbytes
    if isinstance(content, (bytes, bytearray, mmap.mmap)):
        return len(content)
    return content.seek(0, 2)


def content_chunks(content: Content, size: int = 1 << 20) -> Iterator[bytes | memoryview]:
    """Iterate over a content from its start in pieces of `size` bytes."""
    if isinstance(content, (bytes, bytearray, memoryview, mmap.mmap)):
        view = memoryview(content)
        for start in range(0, len(view), size):
            yield view[start : start + size]
        return
    content.seek(0)
    while piece := content.read(size):
        yield piece


def copy_content(content: Content, target: IO[bytes]) -> None:
    """Write a content to an open file."""
    if isinstance(content, (bytes, bytearray, memoryview, mmap.mmap)):
        target.write(content)
        return
    content.seek(0)
    shutil.copyfileobj(content, target, 1 << 20)


def verify_content(content: Content, content_hash: str) -> bool:
    """Say whether the bytes are those that `content_hash` names; a file is left at its start."""
    if isinstance(content, (bytes, bytearray, memoryview, mmap.mmap)):
        return hash_content(content) == content_hash  # type: ignore[arg-type]
    hasher = blake3.blake3(max_threads=blake3.blake3.AUTO)
    for piece in content_chunks(content):
        hasher.update(piece)
    content.seek(0)
    return hasher.hexdigest() == content_hash


def close_content(content: Content) -> None:
    """Close a content that is a file; anything else needs none."""
    if not isinstance(content, (bytes, bytearray, memoryview)):
        with contextlib.suppress(BufferError):
            content.close()
