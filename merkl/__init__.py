"""MerkL: typed dataflow in Python.

The layers, top to bottom; each may import those below it, none above:

    cli, render             the command line, and pictures of graphs
    workspace               where results live and calls run: puts everything together
    execution, shell        order, runner, interrupts; shell commands as tasks
    graph                   tasks, calls, Futures
    files, fingerprint, assignability, validation
    cache, hashing, codecs  results by key, keys, results as bytes
    _base                   errors, containers, type hints, settings

`merkl_serializers` (canonical bytes) and `merkl_mypy` (the mypy plugin) are packages of their own in the same wheel.
"""

from merkl._base.errors import (
    ArgumentMutatedError,
    BindError,
    CacheError,
    CacheFormatError,
    ConfigError,
    FingerprintError,
    FutureAccessError,
    GraphError,
    MerklError,
    MerklWarning,
    MissingDependencyError,
    MissingInputError,
    SerializationError,
    TargetError,
    TaskFailedError,
    TaskOutsError,
    TypeMismatchError,
    WorkerDiedError,
)
from merkl.cache import (
    BaseCache,
    ContentCache,
    Entry,
    FileContentBackend,
    Metadata,
    SqliteCache,
    SqliteContentBackend,
)
from merkl.codecs import Codec
from merkl.execution.context import annotate, call_seed
from merkl.files import DirRef, FileRef
from merkl.fingerprint import HashMode, find_pip_version, pip_version_of
from merkl.graph.building import Eval
from merkl.graph.future import Future
from merkl.graph.secret import Secret
from merkl.graph.task import Task, task
from merkl.workspace import Workspace, digest, evaluate
from merkl_serializers import arg_serializer

__all__ = [
    "ArgumentMutatedError",
    "BaseCache",
    "BindError",
    "CacheError",
    "CacheFormatError",
    "Codec",
    "ConfigError",
    "ContentCache",
    "DirRef",
    "Entry",
    "Eval",
    "FileContentBackend",
    "FileRef",
    "FingerprintError",
    "Future",
    "FutureAccessError",
    "GraphError",
    "HashMode",
    "MerklError",
    "MerklWarning",
    "Metadata",
    "MissingDependencyError",
    "MissingInputError",
    "Secret",
    "SerializationError",
    "SqliteCache",
    "SqliteContentBackend",
    "TargetError",
    "Task",
    "TaskFailedError",
    "TaskOutsError",
    "TypeMismatchError",
    "WorkerDiedError",
    "Workspace",
    "annotate",
    "arg_serializer",
    "call_seed",
    "digest",
    "evaluate",
    "find_pip_version",
    "pip_version_of",
    "task",
]
