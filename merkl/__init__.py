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

import importlib
from typing import TYPE_CHECKING

from merkl._base.errors import (
    ArgumentMutatedError,
    BindError,
    CacheError,
    CacheFormatError,
    CommandFailedError,
    CommandTemplateError,
    ConfigError,
    FingerprintError,
    FutureAccessError,
    GraphError,
    ImpurePipelineError,
    InputChangedError,
    MerklError,
    MerklWarning,
    MissingDependencyError,
    MissingInputError,
    OutputError,
    SelectionError,
    SerializationError,
    TargetError,
    TaskFailedError,
    TaskOutsError,
    TypeMismatchError,
    UnsupportedFileError,
    WorkerDiedError,
    WouldRunError,
)
from merkl._base.hash_mode import HashMode
from merkl._base.lazy import load_on_demand
from merkl.graph.building import Eval
from merkl.graph.future import Future
from merkl.graph.secret import Secret
from merkl.graph.session import sessions
from merkl.graph.task import Task, task

if TYPE_CHECKING:
    from merkl_serializers import arg_serializer

    from merkl.cache import (
        BaseCache,
        ContentCache,
        Entry,
        FileContentBackend,
        Metadata,
        SqliteCache,
        SqliteContentBackend,
    )
    from merkl.cache.s3 import S3ContentBackend
    from merkl.codecs import Codec, register_codec
    from merkl.execution.context import annotate, call_seed
    from merkl.execution.interrupts import interruptible
    from merkl.files import DirRef, FileRef
    from merkl.fingerprint import find_pip_version, pip_version_of
    from merkl.graph.batch import batch
    from merkl.graph.io import glob_future, path_future, read_future, write_future
    from merkl.graph.pipeline import pipeline
    from merkl.shell import (
        arg,
        bash_task,
        dir_arg,
        file_arg,
        out_dir_arg,
        out_file_arg,
        stdin_arg,
        stdout_arg,
    )
    from merkl.workspace import Workspace, digest, evaluate

#: Where the names live that are loaded when they are first asked for, so that `import merkl` stays quick.
_HOMES = {
    "BaseCache": "merkl.cache",
    "ContentCache": "merkl.cache",
    "Entry": "merkl.cache",
    "FileContentBackend": "merkl.cache",
    "S3ContentBackend": "merkl.cache.s3",
    "Metadata": "merkl.cache",
    "SqliteCache": "merkl.cache",
    "SqliteContentBackend": "merkl.cache",
    "Codec": "merkl.codecs",
    "register_codec": "merkl.codecs",
    "annotate": "merkl.execution.context",
    "call_seed": "merkl.execution.context",
    "interruptible": "merkl.execution.interrupts",
    "DirRef": "merkl.files",
    "FileRef": "merkl.files",
    "find_pip_version": "merkl.fingerprint",
    "pip_version_of": "merkl.fingerprint",
    "batch": "merkl.graph.batch",
    "pipeline": "merkl.graph.pipeline",
    "glob_future": "merkl.graph.io",
    "path_future": "merkl.graph.io",
    "read_future": "merkl.graph.io",
    "write_future": "merkl.graph.io",
    "arg": "merkl.shell",
    "bash_task": "merkl.shell",
    "dir_arg": "merkl.shell",
    "file_arg": "merkl.shell",
    "out_dir_arg": "merkl.shell",
    "out_file_arg": "merkl.shell",
    "stdin_arg": "merkl.shell",
    "stdout_arg": "merkl.shell",
    "Workspace": "merkl.workspace",
    "digest": "merkl.workspace",
    "evaluate": "merkl.workspace",
    "arg_serializer": "merkl_serializers",
}

__getattr__ = load_on_demand(__name__, _HOMES)

sessions.set_default(lambda: importlib.import_module("merkl.workspace").default_workspace())

__all__ = [
    "ArgumentMutatedError",
    "BaseCache",
    "BindError",
    "CacheError",
    "CacheFormatError",
    "Codec",
    "CommandFailedError",
    "CommandTemplateError",
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
    "ImpurePipelineError",
    "InputChangedError",
    "MerklError",
    "MerklWarning",
    "Metadata",
    "MissingDependencyError",
    "MissingInputError",
    "OutputError",
    "S3ContentBackend",
    "Secret",
    "SelectionError",
    "SerializationError",
    "SqliteCache",
    "SqliteContentBackend",
    "TargetError",
    "Task",
    "TaskFailedError",
    "TaskOutsError",
    "TypeMismatchError",
    "UnsupportedFileError",
    "WorkerDiedError",
    "Workspace",
    "WouldRunError",
    "annotate",
    "arg",
    "arg_serializer",
    "bash_task",
    "batch",
    "call_seed",
    "digest",
    "dir_arg",
    "evaluate",
    "file_arg",
    "find_pip_version",
    "glob_future",
    "interruptible",
    "out_dir_arg",
    "out_file_arg",
    "path_future",
    "pip_version_of",
    "pipeline",
    "read_future",
    "register_codec",
    "stdin_arg",
    "stdout_arg",
    "task",
    "write_future",
]
