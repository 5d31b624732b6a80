"""The parts of a workspace, each made when first needed: settings, caches, records, codecs, fingerprints."""

from __future__ import annotations

import contextlib
import functools
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from merkl_serializers import CanonicalRegistry, default_registry

from merkl._base.config import Settings, find_project_root, load_settings
from merkl._base.errors import MerklWarning
from merkl._base.places import shown_path
from merkl.cache import (
    BaseCache,
    Database,
    FileCache,
    Ledger,
    Metadata,
    SqliteCache,
    Trust,
    nearest,
    open_configured,
    open_relative,
)
from merkl.codecs import CodecRegistry, default_codecs
from merkl.execution.migrations import declared_successors, load_migrations
from merkl.execution.origins import Origins
from merkl.execution.results import Results
from merkl.files.codec import register_codecs
from merkl.files.tracker import FileTracker
from merkl.fingerprint import Fingerprinter, SourceStore
from merkl.workspace.graphs import KeptGraphs

__all__ = ["Parts"]


class Parts:
    """What a project's runs share. Nothing is read or written before a part is asked for.

    `root` is the project's folder, by default that of the nearest pyproject.toml; `cache` is a cache, or the URL of one.
    With `is_reading` off nothing is looked up, with `is_writing` off nothing is stored.
    """

    def __init__(
        self, root: Path | None, cache: BaseCache | str | None, *, is_reading: bool, is_writing: bool
    ) -> None:
        self._given_root = root
        self._given_cache = cache
        self.is_reading = is_reading
        self.is_writing = is_writing
        self._scratch: Path | None = None
        #: The cache that keeps metadata in the project's own database by itself.
        self._recording: BaseCache | None = None

    @functools.cached_property
    def root(self) -> Path:
        """The project's folder."""
        return self._given_root if self._given_root is not None else find_project_root()

    @functools.cached_property
    def settings(self) -> Settings:
        """The project's settings."""
        return load_settings(self.root)

    @functools.cached_property
    def cache(self) -> BaseCache:
        """Where results live."""
        given = self._given_cache
        if isinstance(given, BaseCache):
            return given
        return open_relative(given, self.root) if given else open_configured(self.settings.cache, self.root)

    @functools.cached_property
    def database(self) -> Database:
        """The project's own records, in its `.merkl/`; made when first used."""
        home = self.root / ".merkl"
        database = _database_of(self.cache)
        return (
            database if database is not None and database.path.parent == home else Database(home / "merkl.db")
        )

    @functools.cached_property
    def ledger(self) -> Ledger:
        """Runs, metadata and fingerprints, always in the project's own folder, wherever results live."""
        return Ledger(self.database)

    @functools.cached_property
    def files(self) -> FileTracker:
        """Content hashes of files, found again by their stat; kept once the project has a database."""
        tracker = FileTracker(root=self.root)
        if self.is_reading and (self.root / ".merkl" / "merkl.db").exists():
            tracker.attach(self.database, is_writing=self.is_writing)
        return tracker

    @functools.cached_property
    def origins(self) -> Origins | None:
        """What made the files that were written; None where nothing is kept."""
        is_kept = self.is_reading and self.is_writing
        return (
            Origins(self.database, self.files, self.root, lambda: declared_successors(self.ledger))
            if is_kept
            else None
        )

    @functools.cached_property
    def registry(self) -> CanonicalRegistry:
        """Canonical bytes of arguments."""
        return default_registry

    @functools.cached_property
    def codecs(self) -> CodecRegistry:
        """Codecs of results."""
        codecs = default_codecs()
        register_codecs(codecs, self.root / ".merkl" / "views")
        return codecs

    @functools.cached_property
    def fingerprinter(self) -> Fingerprinter:
        """Fingerprints of tasks and classes."""
        return Fingerprinter(
            encode=lambda value: self.registry.encode(value, resolve=_key_of).data,
            project_root=self.root,
            track=self.settings.track,
            package_versions=self.settings.package_versions,
            hash_store=self.sources,
            classes_in=self._encode_with_classes,
        )

    def _encode_with_classes(self, value: object) -> tuple[bytes, Iterable[type]]:
        encoded = self.registry.encode(value, resolve=_key_of)
        return encoded.data, encoded.classes

    @functools.cached_property
    def sources(self) -> SourceStore:
        """What source files say, kept between processes."""
        return SourceStore(self.root / ".merkl" / "sources")

    @functools.cached_property
    def graphs(self) -> KeptGraphs:
        """The graphs of pipelines."""
        return KeptGraphs(self.ledger)

    @functools.cached_property
    def trust(self) -> Trust:
        """Whose pickles are read."""
        return Trust.from_environment(allow_pickle=self.settings.cache.allow_pickle)

    @functools.cached_property
    def results(self) -> Results:
        """Stores and finds results."""
        return self._make_results(is_reading=self.is_reading)

    def results_to_look_at(self) -> Results:
        """Return where a command looks that runs nothing: to look must not make an empty cache."""
        database = _database_of(self.cache)
        is_there = database is None or database.path.exists()
        return self.results if is_there else self._make_results(is_reading=False)

    def _make_results(self, *, is_reading: bool) -> Results:
        return Results(
            self.cache,
            self.codecs,
            trust=self.trust,
            is_reading=is_reading,
            is_writing=self.is_writing,
            before_first_store=self.make_home,
            remember=self._remember,
            root=self.root,
            load_migrations=lambda: load_migrations(self.ledger),
        )

    def _remember(self, cache: BaseCache | None, key: str, metadata: Metadata) -> None:
        """Keep the metadata of a result that another cache than the workspace's own has stored, or none."""
        if cache is not None and cache is self._recording:
            return
        if cache is not None and _database_of(cache) is self.ledger.database:
            self._recording = cache
        else:
            self.ledger.record(key, metadata)

    def keep_sources(self) -> None:
        """Keep what source files say for the next process, where results are kept too."""
        if self.is_writing and (self.root / ".merkl").is_dir():
            self.sources.flush()

    def make_home(self) -> None:
        """Make the folder of results, kept out of version control, and say where it is unless the user chose it."""
        home = self.home
        if self.is_reading:
            self.files.attach(self.database)
        if not (home / ".gitignore").exists():
            with contextlib.suppress(OSError):
                home.mkdir(parents=True, exist_ok=True)
                (home / ".gitignore").write_text("*\n", encoding="utf-8")
                if self._given_root is None and isinstance(self.cache, SqliteCache):
                    kept = shown_path(self.cache.database.path.parent)
                    sys.stderr.write(f"merkl: results are kept in {kept}\n")
        self.graphs.write()

    @property
    def home(self) -> Path:
        """Where the project's records are kept."""
        return self.root / ".merkl"

    @property
    def scratch(self) -> Path | None:
        """Where the directories of calls are made; None: in the system's place for temporary files."""
        if self._scratch is None and self.is_writing:
            is_in_folder = isinstance(nearest(self.cache), (SqliteCache, FileCache))
            self._scratch = self.home / "scratch" if is_in_folder and self.home.exists() else None
        return self._scratch

    def settle(self) -> None:
        """Make durable all results; a cache in trouble is a warning."""
        if "cache" in self.__dict__:
            self._settle_cache(self.cache.flush)

    def close(self) -> None:
        """Make durable all results, and let go of the cache and the records; they open again when they are used."""
        self.keep_sources()
        if "cache" in self.__dict__:
            self._settle_cache(self.cache.close)
        if "results" in self.__dict__:
            self.results.tell_refused()
        if "ledger" in self.__dict__:
            # Of our own cache it was said just now; of another one the results are safe.
            with contextlib.suppress(OSError):
                self.ledger.close()

    def _settle_cache(self, settle: Callable[[], None]) -> None:
        try:
            settle()
        except OSError as error:
            warnings.warn(
                f"the last results could not be stored and will be computed again next time: {error}",
                MerklWarning,
                stacklevel=3,
            )


def _database_of(cache: BaseCache) -> Database | None:
    """Return the database that a cache keeps its index in, if it has one of its own here."""
    local = nearest(cache)
    return local.database if isinstance(local, SqliteCache) else None


def _key_of(value: Any) -> bytes:
    key: bytes = value.__merkl_key__()
    return key
