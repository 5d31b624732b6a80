"""What the body of a pipeline looks at while it builds a graph: files, listings of directories, values of Futures.

Python's audit events tell of every `open`, `os.listdir` and `os.scandir` (so of `glob`, `os.walk` and `pathlib` too);
files that enter a key are told by `merkl.files.reads`. What cannot be looked at again, such as a socket or a process, is
noted as volatile: such a graph is not kept.
"""

from __future__ import annotations

import functools
import glob
import itertools
import os
import stat
import sys
import time
from collections.abc import Iterable
from pathlib import PurePath
from types import FrameType
from typing import Any, Final

import msgspec

from merkl._base.errors import MerklError
from merkl.files.content import executable_mark, hash_file
from merkl.files.reads import FileRead
from merkl.files.stat import StatSignature, is_settled, signature_of
from merkl.graph.building import building
from merkl.hashing.digests import hash_content

__all__ = ["Reading", "SeenPath", "watch_reads"]

#: "merkl.files.look" is told where a FileRef or DirRef looks whether something is there.
_READS: Final = frozenset(
    {
        "open",
        "os.listdir",
        "os.scandir",
        "glob.glob/2",
        "pathlib.Path.glob",
        "pathlib.Path.rglob",
        "merkl.files.look",
    }
)
#: What cannot be looked at again.
_VOLATILE: Final = frozenset(
    {
        "socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.fork",
        "os.forkpty", "os.posix_spawn", "os.spawn", "sqlite3.connect", "_thread.start_new_thread", "urllib.Request",
        "os.putenv", "os.unsetenv", "os.chdir", "socket.gethostbyname", "socket.gethostbyaddr", "socket.gethostname",
        "socket.getnameinfo", "socket.sendto", "ctypes.dlopen", "ctypes.dlsym", "ctypes.call_function",
    }
)  # fmt: skip
#: Modules that look at files of the code itself, or of MerkL's own, while a call is made.
_OWN: Final = (
    "importlib._bootstrap", "merkl.fingerprint", "merkl.cache", "merkl.assignability", "merkl.validation", "merkl.execution",
    "merkl.files.tracker", "merkl.files.identity", "merkl.files.tree", "merkl._base", "merkl.codecs",
)  # fmt: skip
#: Modules whose patterns look for names without saying so: all below the directory counts.
_PATTERNS: Final = frozenset({"glob", "pathlib", "pathlib._local", "pathlib._abc"})
#: Directories that change by themselves.
_BUSY: Final = frozenset({".merkl", "__pycache__", ".git"})
#: A tree of more entries is not compared.
_MOST_ENTRIES: Final = 20_000
#: Where MerkL asks what is installed, on behalf of nobody in particular.
_DISCOVERY: Final = ("merkl_serializers.registry", "load_entry_points")
_OWN_NAMES: Final = frozenset({"inspect", "linecache", "tokenize", "warnings", "traceback"})
_END: Final = "merkl.graph.pipeline"


class SeenPath(msgspec.Struct, frozen=True, array_like=True):
    """What was at a path.

    `kind` is "file" (of this content), "directory" (with these names), "tree" (with these names at any depth) or "absent".
    """

    path: str
    kind: str
    digest: str = ""
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    seen_at: int = 0

    def holds(self) -> bool:
        """Say whether the same is there now; a file is read only where its stat leaves a doubt."""
        try:
            signature = signature_of(os.stat(self.path))
        except OSError:
            return self.kind == "absent"
        known = StatSignature(self.size, self.mtime_ns, self.ctime_ns, self.inode)
        if self.kind == "file" and signature == known and is_settled(signature, self.seen_at):
            return True
        now = look_at(self.path, is_deep=self.kind == "tree")
        return now is not None and (now.kind, now.digest) == (self.kind, self.digest)


def look_at(path: str, *, is_deep: bool = False) -> SeenPath | None:
    """Return what is at a path; None for what has no content to compare, such as a pipe, and for a huge tree."""
    seen_at = time.time_ns()
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            names = _names_in(path, is_deep=is_deep)
            digest = hash_content(repr(sorted(names)).encode())
            return (
                None
                if len(names) > _MOST_ENTRIES
                else SeenPath(path, "tree" if is_deep else "directory", digest)
            )
        if not stat.S_ISREG(mode):
            return None
        content = hash_file(path)
        digest = content.content_hash + executable_mark(path)
    except (FileNotFoundError, NotADirectoryError):
        return SeenPath(path, "absent")
    except (OSError, MerklError):
        return None
    known = content.signature
    return SeenPath(path, "file", digest, known.size, known.mtime_ns, known.ctime_ns, known.inode, seen_at)


def _names_in(path: str, *, is_deep: bool) -> list[tuple[bytes, bool]]:
    found: list[tuple[bytes, bool]] = []
    pending = [path]
    while pending and len(found) <= _MOST_ENTRIES:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name in _BUSY:
                    continue
                is_directory = entry.is_dir()
                found.append((os.fsencode(os.path.relpath(entry.path, path)), is_directory))
                if is_deep and is_directory and not entry.is_symlink():
                    pending.append(entry.path)
    return found


class Reading:
    """What one run of a pipeline's body looked at, and whether that can be looked at again."""

    __slots__ = ("files", "is_busy", "paths", "values", "volatile")

    def __init__(self) -> None:
        self.paths: dict[str, SeenPath] = {}
        #: Files that entered keys.
        self.files: dict[str, FileRead] = {}
        #: Content identities of the values that were asked for, by key.
        self.values: dict[bytes, bytes] = {}
        #: Why the graph cannot be kept, "" if it can.
        self.volatile = ""
        self.is_busy = False

    def note_path(self, path: str, *, is_deep: bool = False) -> None:
        """Note what is at a path now; noted before, it must be the same still."""
        known = self.paths.get(path)
        if known is not None and not known.holds():
            self.volatile = f"{path} changed meanwhile"
        if known is not None and (known.kind != "directory" or not is_deep):
            return
        seen = look_at(path, is_deep=is_deep)
        if seen is None:
            self.volatile = f"{path} is no file that could be read again"
        else:
            self.paths[path] = seen

    def note_files(self, reads: Iterable[FileRead]) -> None:
        """Note files that entered a key."""
        for read in reads:
            before = self.files.setdefault(read.path, read)
            if before != read:
                self.volatile = f"{read.path} changed meanwhile"

    def note_value(self, key: bytes, identity: bytes | None) -> None:
        """Note a value that the body asked for, by its content identity; None where it is in no cache."""
        if identity is None or self.values.setdefault(key, identity) != identity:
            self.volatile = "it asked for a value that is in no cache"

    def add(self, other: Reading) -> None:
        """Note all that another body, called by this one, looked at."""
        self.paths = {**other.paths, **self.paths}
        self.note_files(other.files.values())
        self.values.update(other.values)
        self.volatile = self.volatile or other.volatile


@functools.cache
def watch_reads() -> None:
    """Have the bodies of pipelines watched from now on; Python offers no way back, and none is needed."""
    sys.addaudithook(_audit)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event not in _READS and event not in _VOLATILE:
        return
    recorder = building.get()
    reading = None if recorder is None else recorder.reading
    if reading is None or reading.is_busy or reading.volatile:
        return
    around = _modules_around()
    if around is None:
        return
    reading.is_busy = True
    try:
        _note(reading, event, args, is_deep=bool(around & _PATTERNS))
    except (MerklError, ValueError, TypeError, OSError):
        reading.volatile = f"it looks at what cannot be looked at again ({event})"
    finally:
        reading.is_busy = False


def _note(reading: Reading, event: str, args: tuple[Any, ...], *, is_deep: bool) -> None:
    if event in _VOLATILE:
        reading.volatile = f"it does what cannot be looked at again ({event})"
        return
    path, mode, flags = args if event == "open" else (args[0], None, 0)
    if event == "glob.glob/2":
        if glob.has_magic(path):  # then directories are scanned, which is told too
            return
        path = os.path.join(os.fsdecode(args[2] or ""), os.fsdecode(path))
    elif event.startswith("pathlib."):
        path, is_deep = _certain_part(path, args[1] if event.endswith(".glob") else ""), False
    if isinstance(path, int):
        return
    shown = os.path.abspath(os.fsdecode("." if path is None else path))
    if (isinstance(flags, int) and flags & os.O_WRONLY) or (isinstance(mode, str) and set(mode) & set("wax")):
        return
    reading.note_path(shown, is_deep=is_deep)


def _certain_part(folder: Any, pattern: Any) -> str:
    """Return the path that a pattern begins with, of which nobody is told where it is not there; what follows is scanned."""
    parts = itertools.takewhile(lambda part: not glob.has_magic(part), PurePath(pattern).parts)
    return os.path.join(folder, *parts)


def _modules_around() -> set[str] | None:
    """Return the modules between the body and what it looks at; None where MerkL or Python itself looks, not the body."""
    found: set[str] = set()
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name == _END:
            return found
        if name in _OWN_NAMES or name.startswith(_OWN) or (name, frame.f_code.co_name) == _DISCOVERY:
            return None
        found.add(name)
        frame = frame.f_back
    return None
