"""What a task is, as one digest: its code, all code and constants that code reaches, and its declared deps."""

from merkl._base.hash_mode import HashMode
from merkl.fingerprint.fingerprinter import Component, Fingerprint, Fingerprinter
from merkl.fingerprint.packages import PipVersion, find_pip_version, pip_version_of
from merkl.fingerprint.sources import DigestStore
from merkl.fingerprint.store import SourceStore

__all__ = [
    "Component",
    "DigestStore",
    "Fingerprint",
    "Fingerprinter",
    "HashMode",
    "PipVersion",
    "SourceStore",
    "find_pip_version",
    "pip_version_of",
]
