"""Results of calls between bodies and the cache: store, find, link, load, and keep what is not stored."""

from __future__ import annotations

import datetime
import functools
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from merkl._base.errors import (
    AbsentOutError,
    CacheError,
    CacheFormatError,
    MerklWarning,
    MissingInputError,
    SerializationError,
    UnsupportedFileError,
)
from merkl.cache import (
    MISSING,
    BaseCache,
    Entry,
    Metadata,
    Record,
    Trust,
    decode_entry,
    link,
    load,
    lookup,
    open_relative,
    peek,
    record_of,
    store,
)
from merkl.codecs import Codec, CodecRegistry, DecodeError, Encoded
from merkl.execution.migrations import ADOPTED, Migrations
from merkl.execution.nesting import Nesting
from merkl.execution.previews import describe_arguments
from merkl.graph.call import Call
from merkl.graph.future import Future
from merkl.graph.options import Expires
from merkl.graph.session import sessions
from merkl.graph.task import Task
from merkl.hashing.keys import describe_content, hash_code_of_content

__all__ = ["ABSENT", "FreshResult", "Results", "identify", "with_record"]

#: The codec name that marks an optional out which the body did not give.
ABSENT = "absent"

_SHAREABLE = (int, float, str, bytes, bool, type(None), complex)


def identify(record: Record) -> bytes:
    """Return the content identity of a stored result."""
    return describe_content(
        record.codec, record.codec_version, record.decode_type, record.content_hash, record.extra
    )


def _identify_code(encoded: Encoded, value: Any) -> Encoded:
    """Make the user's code that a content names part of its identity.

    The bytes of an object say what its class is called, not what its methods do: two results with equal bytes but other
    methods are different inputs for a task that calls them, and early cutoff must tell them apart.
    """
    fingerprinter = sessions.current().fingerprinter
    digests = {fingerprinter.digest_named(item) for item in (type(value), *encoded.code)} - {None}
    if not digests:
        return encoded
    code = hash_code_of_content(digest for digest in digests if digest is not None).hex()
    return msgspec.structs.replace(encoded, extra=f"{encoded.extra} {code}" if encoded.extra else code)


def is_shareable(value: Any) -> bool:
    """Say whether nobody can change a value in place, so that several bodies may have the same object."""
    return type(value) in _SHAREABLE or (type(value) is tuple and all(map(is_shareable, value)))


class FreshResult(msgspec.Struct, gc=False):
    """One out of a call that ran in this run.

    Its value where that can be shared, its encoded form where it is not in the cache, neither where it is to be loaded.
    There is one for each call of a graph: nothing refers back to it, so the garbage collector need not look at it.
    """

    record: Record
    #: UNSET where there is none: None is a value like any other.
    value: Any
    encoded: Encoded | None
    is_stored: bool = True


class Results:
    """Stores and finds results for a run.

    With `is_reading` off nothing is looked up, with `is_writing` off nothing is stored. `remember` is told the metadata
    of each result that is stored, and in which cache; of one that is not to be kept, without a cache.
    """

    def __init__(
        self,
        cache: BaseCache,
        codecs: CodecRegistry,
        *,
        trust: Trust,
        is_reading: bool = True,
        is_writing: bool = True,
        before_first_store: Callable[[], None] | None = None,
        remember: Callable[[BaseCache | None, str, Metadata], None] | None = None,
        root: Path | None = None,
        load_migrations: Callable[[], Migrations] | None = None,
    ) -> None:
        self._load_migrations = load_migrations
        self.cache = cache
        self.codecs = codecs
        self.trust = trust
        self.is_reading = is_reading
        self.is_writing = is_writing
        #: Contents up to this size are kept beside the cache, to be handed to other processes with their keys.
        self.hands_over = 0
        #: What evaluations inside of bodies have stored.
        self.nesting = Nesting()
        self._others: dict[str, BaseCache] = {}
        self._before_first_store = before_first_store
        #: Told of each result that is stored.
        self.remember = remember
        self._root = root or Path.cwd()
        #: Hashes of contents that could run code when they are read, and are known to come from bodies of this run.
        self._own: set[str] = set()
        #: How many results a cache did not take, and how many of them were spoken of.
        self._refused = self._told = 0

    def cache_of(self, task: Task[..., Any, Any]) -> BaseCache:
        """Return where the results of a task live."""
        option = task.options.cache
        if option is None:
            return self.cache
        if isinstance(option, str):
            if option not in self._others:
                self._others[option] = open_relative(option, self._root)
            return self._others[option]
        return option

    def find(self, future: Future[Any]) -> Record | None:
        """Return the record of a Future's result, None where there is none or it has expired."""
        found = self.peek(future)
        return None if found is None else found[0]

    def peek(self, future: Future[Any]) -> tuple[Record, Entry | None] | None:
        """Return what `find` returns, and the entry too where it is small enough to come along."""
        if not self.is_reading:
            return None
        return self.accept(future, peek(self.cache_of(future._call.task), future.hash))

    def accept(
        self, future: Future[Any], found: tuple[Record, Entry | None] | None
    ) -> tuple[Record, Entry | None] | None:
        """Return what was found for a Future unless it has expired; what it had before an edit that changed nothing."""
        if found is None:
            if self._migrations is None:
                return None
            cache = self.cache_of(future._call.task)
            found = peek(cache, future.hash) if self._adopt(cache, future) else None
        expires = future._call.task.options.expires
        if found is None or expires is None:
            return found
        return (
            None if _is_expired(expires, self.cache_of(future._call.task), future.hash, found[0]) else found
        )

    @functools.cached_property
    def _migrations(self) -> Migrations | None:
        """The edits that were declared to change nothing; None where there are none."""
        return (self._load_migrations() or None) if self._load_migrations is not None else None

    def _adopt(self, cache: BaseCache, future: Future[Any]) -> bool:
        """Take over the result that a call had before an edit that was declared to change nothing."""
        if not self.is_writing or self._migrations is None:
            return False
        for earlier in self._migrations.earlier_keys(future):
            before = cache.metadata(earlier.hex()) if lookup(cache, earlier.hex()) is not None else None
            if before is None:
                continue
            fingerprint = future._call.fingerprint
            metadata = msgspec.structs.replace(
                before,
                fingerprint=fingerprint.hex() if fingerprint else "",
                arguments=describe_arguments(future._call),
                parents=tuple(dict.fromkeys(f.hash for f in future._call.inputs())),
                content_key="",
                tags={**before.tags, ADOPTED: earlier.hex()},
            )
            if self.link(future._call.task, future.__merkl_key__(), earlier, metadata):
                return True
        return False

    def decode_entry(self, future: Future[Any], entry: Entry) -> tuple[Any] | None:
        """Return the value of an entry that `peek` gave, None where it cannot be read (with a warning)."""
        cache = self.cache_of(future._call.task)
        key = future.__merkl_key__().hex()
        if future._call.task.options.codec is not None:
            self._learn_codecs(future._call.task)
        value = decode_entry(cache, entry, key, codecs=self.codecs, trust=self.trust, own=self._own)
        return None if value is MISSING else (value,)

    def find_by_content(self, call: Call, content_key: bytes) -> tuple[bytes, Record] | None:
        """Return the key and the record of a result of a call's task that has this content key."""
        task = call.task
        if not self.is_reading or task.options.expires is not None:
            return None
        cache = self.cache_of(task)
        alias = content_key.hex()
        fingerprint = "" if call.fingerprint is None else call.fingerprint.hex()
        try:
            key = cache.find_alias(alias) if cache.may_find(alias, fingerprint) else None
        except CacheFormatError:
            raise
        except OSError:
            return None
        record = None if key is None else lookup(cache, key)
        return None if key is None or record is None else (bytes.fromhex(key), record)

    def link(self, task: Task[..., Any, Any], key: bytes, other: bytes, metadata: Metadata) -> bool:
        """Give the result under another key this key as well; say whether it is there under it now."""
        cache = self.cache_of(task)
        is_linked = self.is_writing and link(cache, key.hex(), other.hex(), metadata)
        if is_linked and self.remember is not None:
            self.remember(cache, key.hex(), metadata)
        return is_linked

    def take_for_own(self, record: Record) -> None:
        """Note that a body of this run made a result: it may be read from a cache that others can write to."""
        if not self.trust.allow_pickle:
            codec = self.codecs.get(record.codec)
            if codec is None or codec.needs_trust(record.decode_type):
                self._own.add(record.content_hash)

    def is_own(self, record: Record) -> bool:
        """Say whether a result was taken for one that this run made."""
        return record.content_hash in self._own

    def load(self, future: Future[Any], record: Record) -> tuple[Any] | None:
        """Return the value of a stored result in a tuple, None where its content is lost (with a warning)."""
        return self.load_key(future._call.task, future.__merkl_key__(), record, future.out)

    def load_key(
        self, task: Task[..., Any, Any], key: bytes, record: Record, out: str | None
    ) -> tuple[Any] | None:
        """Return the value under a key, as `load` does."""
        if record.codec == ABSENT:
            raise AbsentOutError(
                f"task {task.name!r} did not return the key {out!r} this time; it is declared NotRequired, "
                "so ask for it only where it is known to be there",
                task=task.name,
                expected=out,
            )
        self._learn_codecs(task)
        value = load(self.cache_of(task), key.hex(), codecs=self.codecs, trust=self.trust, own=self._own)
        return None if value is MISSING else (value,)

    def _learn_codecs(self, task: Task[..., Any, Any]) -> None:
        """Know by name the codecs that a task was given as objects: they read what they stored."""
        option = task.options.codec
        if option is not None and not isinstance(option, str):
            for codec in option.values() if isinstance(option, Mapping) else (option,):
                if not isinstance(codec, str):
                    self.codecs.learn(codec)

    def save(
        self,
        call: Call,
        value: Any,
        keys: Sequence[bytes],
        metadata: Metadata,
        *,
        urgent: bool,
        is_held: bool = False,
    ) -> FreshResult:
        """Store an out of a call under all its keys, the first with its metadata; none means: for this run only.

        With `is_held` it is not under the Future's own key, so what is given back holds all that the run needs of it. A
        cache in trouble is a warning, not an error. Raises `SerializationError` where no codec takes the value.
        """
        task = call.task
        where = f"task {task.name!r}" if metadata.out is None else f"task {task.name!r}, out {metadata.out!r}"
        try:
            codec = None if task.options.codec is None else self._codec_of(task, metadata.out)
            encoded = self.codecs.encode(value, call.outs.type_of(metadata.out), codec)
        except SerializationError as error:
            raise SerializationError(f"{where}: {error}", task=task.name, remedy=error.remedy) from error
        except (MissingInputError, UnsupportedFileError) as error:
            raise type(error)(f"{where}: {error}") from error
        if encoded.code or type(value).__module__ != "builtins":
            encoded = _identify_code(encoded, value)
        return self._save_encoded(task, value, encoded, keys, metadata, urgent=urgent, is_held=is_held)

    def hold(self, future: Future[Any], value: Any) -> FreshResult | None:
        """Return a result with all that other processes need of it, as its cache turned out to take nothing.

        None where that is a file.
        """
        encoded = self.codecs.encode(value, future.type, self._codec_of(future._call.task, future.out))
        if not isinstance(encoded.content, (bytes, list)):
            return None
        content = (
            encoded.content if isinstance(encoded.content, bytes) else b"".join(map(bytes, encoded.content))
        )
        held = msgspec.structs.replace(_identify_code(encoded, value), content=content)
        return FreshResult(record_of(held), UNSET, held, is_stored=False)

    def save_absent(self, call: Call, keys: Sequence[bytes], metadata: Metadata) -> FreshResult:
        """Store that the body did not give an optional out."""
        return self._save_encoded(call.task, UNSET, Encoded(b"", ABSENT, 1), keys, metadata, urgent=False)

    def _save_encoded(
        self,
        task: Task[..., Any, Any],
        value: Any,
        encoded: Encoded,
        keys: Sequence[bytes],
        metadata: Metadata,
        *,
        urgent: bool,
        is_held: bool = False,
    ) -> FreshResult:
        shared = value if is_shareable(value) else UNSET
        is_kept = self.is_writing and task.options.keep != "never" and keys
        record = self._put(self.cache_of(task), encoded, keys, metadata, urgent=urgent) if is_kept else None
        if keys and not is_kept and self.is_writing and self.remember is not None:
            # What it was made of says later why something that was made of it runs.
            self.remember(None, keys[0].hex(), metadata)
        if record is not None and not is_held:
            if shared is not UNSET or record.size > self.hands_over or type(encoded.content) is not bytes:
                return FreshResult(record, shared, None)
            return FreshResult(record, shared, msgspec.structs.replace(encoded, code=()))
        is_stream = not isinstance(encoded.content, (bytes, list))
        is_stored = record is not None
        record = record or record_of(encoded)
        if is_stream:
            return FreshResult(record, value, None, is_stored=is_stored)
        return FreshResult(record, shared, encoded, is_stored=is_stored)

    def _put(
        self, cache: BaseCache, encoded: Encoded, keys: Sequence[bytes], metadata: Metadata, *, urgent: bool
    ) -> Record | None:
        if self._before_first_store is not None:
            self._before_first_store()
            self._before_first_store = None
        first, *aliases = [key.hex() for key in keys]
        entry = store(
            cache,
            first,
            encoded,
            metadata,
            aliases=aliases,
            trust=self.trust,
            urgent=urgent,
            refused=self._note_refused,
        )
        if entry is None:
            return None
        if not encoded.is_safe:
            self.take_for_own(entry.record)
        if self.remember is not None:
            self.remember(cache, first, entry.metadata)
        return entry.record

    def _note_refused(self, said: str) -> None:
        self._refused += 1
        if self._refused == 1:
            self._told = 1
            warnings.warn(said, MerklWarning, stacklevel=2)

    def tell_refused(self) -> None:
        """Warn of the results that a cache did not take, but for the first, of which that was said at once."""
        more, self._told = self._refused - self._told, self._refused
        if more:
            are = "more result is" if more == 1 else "more results are"
            warnings.warn(
                f"{more} {are} not stored, and computed again next time", MerklWarning, stacklevel=2
            )

    def decode(self, result: FreshResult) -> Any:
        """Return a value of its own of a result that is not in the cache."""
        encoded = result.encoded
        assert encoded is not None
        content = (
            encoded.content if isinstance(encoded.content, bytes) else b"".join(map(bytes, encoded.content))
        )
        try:
            return self.codecs.decode(
                encoded.codec, encoded.codec_version, encoded.decode_type, bytearray(content)
            )
        except DecodeError as error:
            raise CacheError(f"a result cannot be read back from its own bytes: {error}") from error

    def remember_all(self, task: Task[..., Any, Any], stored: Iterable[tuple[str, Metadata]]) -> None:
        """Tell of results that another process has stored for a task."""
        if self.remember is not None:
            for key, metadata in stored:
                self.remember(self.cache_of(task), key, metadata)

    def _codec_of(self, task: Task[..., Any, Any], out: str | None) -> Codec | None:
        option = task.options.codec
        self._learn_codecs(task)
        if isinstance(option, Mapping):
            option = option.get(out or "")
        if not isinstance(option, str):
            return option
        codec = self.codecs.get(option)
        if codec is None:
            warnings.warn(
                f"task {task.name!r} wants the codec {option!r}, which is not registered; the codec is chosen "
                "by the value",
                MerklWarning,
                stacklevel=2,
            )
        return codec

    def forget(self, future: Future[Any]) -> None:
        """Remove a result."""
        self.cache_of(future._call.task).forget(future.__merkl_key__().hex())


def with_record(metadata: Metadata, record: Record) -> Metadata:
    """Return metadata that say what a record says."""
    return msgspec.structs.replace(
        metadata,
        size=record.size,
        codec=record.codec,
        codec_version=record.codec_version,
        decode_type=record.decode_type,
        extra=record.extra,
    )


#: Seconds that the clocks of machines that share a cache may differ.
_CLOCKS_DIFFER = 300.0


def _is_expired(expires: Expires, cache: BaseCache, key: str, record: Record) -> bool:
    if isinstance(expires, datetime.timedelta):
        # What was made later than now is of a clock that was put back since: how old it is nobody knows.
        return not -_CLOCKS_DIFFER <= time.time() - record.created < expires.total_seconds()
    metadata = cache.metadata(key)
    return metadata is None or bool(expires(metadata))
