"""What one source file says, as plain data that can be kept: its definitions, and the names each one uses."""

from __future__ import annotations

import msgspec

__all__ = ["ClassRecord", "DefinitionRecord", "FileRecord", "Fragment", "ImportTarget", "Ref"]


class Ref(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A name that a piece of syntax takes from outside itself, with the attributes read off it.

    `kind` is "name" (a global, closure or builtin name), "soft" (the same, but it may be missing), "told" (the same,
    but the code only puts something into it; see `told.py`), "import" (an object or attribute of a module that is
    imported inside a body) or "module" (a module imported inside a body, of which only the name counts). For imports
    `base` is the module as written, `level` its leading dots.
    """

    kind: str
    base: str
    path: tuple[str, ...] = ()
    level: int = 0


class Fragment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A piece of syntax: its digest with numbered holes, and what goes into the holes."""

    digest: bytes
    refs: tuple[Ref, ...] = ()
    #: Attribute names and words in strings: what methods this code could be calling.
    mentions: frozenset[str] = frozenset()
    #: Globals that this code rebinds.
    writes: frozenset[str] = frozenset()
    #: What cannot be seen from outside: "getattr", "globals", "exec", "import".
    blind: tuple[tuple[str, str], ...] = ()


class DefinitionRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One `def` or `lambda`."""

    name: str
    qualname: str
    line: int
    last_line: int
    body: Fragment
    defaults: Fragment
    annotations: Fragment
    decorators: tuple[Fragment, ...] = ()
    #: Digest of the code object that the definition compiles to on this interpreter; b"" where unknown.
    code: bytes = b""


class ClassRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One `class`: everything but its methods in `core`, and each method by itself."""

    name: str
    qualname: str
    line: int
    last_line: int
    core: Fragment
    annotations: Fragment
    decorators: tuple[Fragment, ...] = ()
    #: Where its methods are among the definitions of the file.
    methods: tuple[int, ...] = ()


class ImportTarget(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an import statement at the top level of a module takes a name from."""

    module: str
    attribute: str | None
    level: int


class FileRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that fingerprints need to know about one source file."""

    definitions: tuple[DefinitionRecord, ...]
    classes: tuple[ClassRecord, ...]
    imports: dict[str, ImportTarget]
    #: Names that the module binds at its top level.
    bound: frozenset[str]
