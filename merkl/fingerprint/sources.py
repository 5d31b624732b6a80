"""From a loaded function or class to its definition in the source: each file is parsed once, and kept.

What a file says is kept under the digest of its bytes, so a second process parses nothing that has not changed.
"""

from __future__ import annotations
import __future__

import ast
import hashlib
import linecache
import os
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import Protocol

import msgspec

from merkl.fingerprint.codeobjects import code_digest, code_extent, nested_code
from merkl.fingerprint.records import ClassRecord, DefinitionRecord, FileRecord, Fragment, ImportTarget
from merkl.fingerprint.scopes import FUNCTIONS, children, scope_of
from merkl.fingerprint.syntax import Definition, SyntaxEncoder, fragment_of
from merkl.hashing.digests import FORMAT_VERSION

__all__ = ["DigestStore", "SourceFile", "SourceIndex", "index_source"]

#: Part of the key that records are kept under: a change of what they hold changes it.
_RECORD_VERSION = f"7:{FORMAT_VERSION.decode()}"
_NOTHING = Fragment(b"")
#: The names that IPython gives to cells.
_CELL = re.compile(r"ipykernel_\d+[/\\]|<ipython-input-")
_DECODER = msgspec.msgpack.Decoder(FileRecord)
_ENCODER = msgspec.msgpack.Encoder(order="sorted")


class DigestStore(Protocol):
    """Keeps what source files say between processes: bytes under a name."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...


@dataclass(slots=True)
class SourceFile:
    """One version of one source file: its record, and its text."""

    path: str
    record: FileRecord
    content: bytes
    by_name: dict[str, list[DefinitionRecord]] = field(default_factory=dict)
    _whole: Fragment | None = None
    _lines: list[str] | None = None

    def __post_init__(self) -> None:
        for definition in self.record.definitions:
            self.by_name.setdefault(definition.name, []).append(definition)

    def find(self, code: CodeType, digest: bytes) -> DefinitionRecord | None:
        """Return the definition that compiles to this code, at its line if several do."""
        found = [d for d in self.by_name.get(code.co_name, ()) if d.code == digest]
        for definition in found:
            if definition.line == code.co_firstlineno:
                return definition
        return found[0] if found else None

    @property
    def source(self) -> str:
        """The text of the file."""
        return _decode(self.content)

    def whole(self) -> Fragment:
        """Return all of the module as one piece of syntax."""
        if self._whole is None:
            tree = parse(self.content, self.path)[0]
            self._whole = fragment_of(lambda encoder: encoder.module(tree))
        return self._whole

    def text(self, line: int, last_line: int) -> str:
        """Return the lines of a definition."""
        if self._lines is None:
            self._lines = self.source.splitlines()
        return "\n".join(self._lines[line - 1 : last_line])


class SourceIndex:
    """Finds the definition of loaded code. Files are read when first asked for, and again when they changed."""

    def __init__(self, store: DigestStore | None = None) -> None:
        self._store = store
        self._files: dict[str, SourceFile | None] = {}
        self._contents: dict[str, bytes] = {}
        self._codes: dict[int, tuple[CodeType, bytes]] = {}

    def definition(
        self, code: CodeType, module_globals: dict[str, object]
    ) -> tuple[SourceFile, DefinitionRecord] | None:
        """Return the definition that a code object was compiled from, None if no source compiles to it."""
        digest = self._code_digest(code)
        for again in (False, True):
            file = self.file(code.co_filename, module_globals, again=again)
            found = file.find(code, digest) if file is not None else None
            if file is not None and found is not None:
                return file, found
        return None

    def matches(self, code: CodeType, record: DefinitionRecord) -> bool:
        """Tell whether code was compiled from this definition."""
        return record.code == self._code_digest(code) and record.name == code.co_name

    def classes(self, cls: type, path: str) -> tuple[SourceFile, list[ClassRecord]] | None:
        """Return the definitions in a file that have the qualified name of a class."""
        for again in (False, True):
            file = self.file(path, {}, again=again)
            found = (
                [c for c in file.record.classes if c.qualname == cls.__qualname__] if file is not None else []
            )
            if file is not None and found:
                return file, found
        return None

    def file(self, path: str, module_globals: dict[str, object], *, again: bool = False) -> SourceFile | None:
        """Return what a file says, None if it has no source that parses; `again` looks whether it has changed."""
        if path in self._files and not again:
            return self._files[path]
        content = _content(path, module_globals)
        if content is None:
            return self._files.setdefault(path, None)
        if again and self._contents.get(path) == content:
            return self._files.get(path)
        self._contents[path] = content
        file = self._files[path] = self._load(path, content)
        return file

    def _load(self, path: str, content: bytes) -> SourceFile | None:
        # The digests of code objects hold for one interpreter, the rest for all of them.
        tag = f"{_RECORD_VERSION}:{sys.implementation.cache_tag}:{sys.version_info[:3]}:{sys.flags.optimize}"
        tag += ":cell" if _CELL.search(path) else ""
        key = f"source:{tag}:{hashlib.sha256(content).hexdigest()}"
        kept = self._store.get(key) if self._store is not None else None
        if kept is not None:
            try:
                record = _DECODER.decode(kept)
                return SourceFile(path, record, content)
            except msgspec.DecodeError:
                pass
        try:
            record = index_source(content, path)
        except (SyntaxError, ValueError, RecursionError):
            return None
        if self._store is not None:
            self._store.put(key, _ENCODER.encode(record))
        return SourceFile(path, record, content)

    def _code_digest(self, code: CodeType) -> bytes:
        known = self._codes.get(id(code))
        if known is None:
            known = self._codes[id(code)] = (code, code_digest(code))
        return known[1]


def index_source(content: bytes, path: str) -> FileRecord:
    """Return what a source file says.

    Raises:
        SyntaxError: the source does not parse.
    """
    return _Indexer(*parse(content, path)).record()


def parse(content: bytes, path: str) -> tuple[ast.Module, list[CodeType]]:
    """Return the tree and the code of a source file, without the warnings that importing it gave already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(content, path)
        if _CELL.search(path):
            return tree, _compile_cell(tree, path)
        try:
            return tree, [compile(tree, path, "exec", dont_inherit=True)]
        except SyntaxError:
            # What is typed in may await at its top level.
            return tree, [compile(tree, path, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)]


def _compile_cell(tree: ast.Module, path: str) -> list[CodeType]:
    """Compile a cell as IPython does: each statement by itself, so that none knows what others import.

    A method of a module that is imported in the same piece of source is called by other instructions than of one that is not.
    """
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    codes: list[CodeType] = []
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            for alias in statement.names:
                flags |= getattr(__future__, alias.name).compiler_flag
        codes.append(compile(ast.Module([statement], []), path, "exec", flags, dont_inherit=True))
    return codes


class _Indexer:
    """Collects the definitions of one parsed file."""

    def __init__(self, tree: ast.Module, codes: list[CodeType]) -> None:
        self._tree = tree
        self._codes: dict[tuple[str, int], list[CodeType]] = {}
        for each in (inner for code in codes for inner in nested_code(code)):
            self._codes.setdefault((each.co_name, each.co_firstlineno), []).append(each)
        self._definitions: list[DefinitionRecord] = []
        self._classes: list[ClassRecord] = []

    def record(self) -> FileRecord:
        pending: list[ast.AST] = [self._tree]
        while pending:
            node = pending.pop()
            if isinstance(node, ast.ClassDef):
                self._class(node, node.name, None)
            elif isinstance(node, FUNCTIONS):
                self._function(node, _name(node), None)
            else:
                pending.extend(children(node))
        scope = scope_of("module", self._tree.body)
        imports = {
            name: ImportTarget(refs[0].base, refs[0].path[0] if refs[0].path else None, refs[0].level)
            for name, refs in scope.imports.items()
            if len(refs) == 1
        }
        return FileRecord(tuple(self._definitions), tuple(self._classes), imports, frozenset(scope.bound))

    def _inner(self, node: Definition, qualname: str, owner: str | None) -> None:
        """Record a definition inside another one; what is inside of it was met already."""
        if isinstance(node, ast.ClassDef):
            self._class(node, qualname, owner, descend=False)
        else:
            self._function(node, qualname, owner, descend=False)

    def _function(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
        qualname: str,
        owner: str | None,
        *,
        descend: bool = True,
    ) -> int:
        decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
        line = min([node.lineno, *(d.lineno for d in decorators)])
        name = _name(node)
        outside = qualname.rpartition(".")[0] + "." if "." in qualname else ""
        code = self._code_of(node, name, line)

        def part(write: Callable[[SyntaxEncoder], None], prefix: str) -> Fragment:
            return fragment_of(write, owner=owner, qualname=prefix, found=self._inner if descend else None)

        body = part(lambda encoder: encoder.function(node), f"{qualname}.<locals>.")
        record = DefinitionRecord(
            name,
            qualname,
            line,
            node.end_lineno or line,
            body,
            part(lambda encoder: encoder.defaults(node.args), outside) if _has_defaults(node) else _NOTHING,
            _NOTHING
            if isinstance(node, ast.Lambda)
            else fragment_of(lambda encoder: encoder.annotations(node), owner=owner),
            tuple(part(_writer(decorator), outside) for decorator in decorators),
            code_digest(code) if code is not None else b"",
        )
        position = len(self._definitions)
        self._definitions.append(record)
        return position

    def _code_of(self, node: ast.AST, name: str, line: int) -> CodeType | None:
        codes = self._codes.get((name, line), [])
        if len(codes) == 1 or not isinstance(node, ast.Lambda):
            return codes[0] if codes else None
        # Several lambdas on one line: theirs is the code whose positions lie in the body, closest to all of it.
        best: tuple[tuple[int, int], CodeType] | None = None
        start = (node.body.lineno, node.body.col_offset)
        end = (node.body.end_lineno or 0, node.body.end_col_offset or 0)
        for code in codes:
            extent = code_extent(code)
            if extent is None or extent[:2] < start or extent[2:] > end:
                continue
            distance = (extent[0] - start[0], extent[1] - start[1])
            if best is None or distance < best[0]:
                best = (distance, code)
        return best[1] if best is not None else None

    def _class(self, node: ast.ClassDef, qualname: str, owner: str | None, *, descend: bool = True) -> None:
        methods = [
            self._function(child, f"{qualname}.{child.name}", node.name, descend=descend)
            for child in node.body
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        ]

        def core(encoder: SyntaxEncoder) -> None:
            encoder.text(node.name)
            encoder.class_core(node)

        found = self._inner if descend else None
        outside = qualname.rpartition(".")[0] + "." if "." in qualname else ""
        self._classes.append(
            ClassRecord(
                node.name,
                qualname,
                min([node.lineno, *(d.lineno for d in node.decorator_list)]),
                node.end_lineno or node.lineno,
                fragment_of(core, owner=node.name, qualname=f"{qualname}.", found=found),
                fragment_of(lambda encoder: encoder.class_annotations(node), owner=node.name),
                tuple(
                    fragment_of(_writer(decorator), owner=owner, qualname=outside, found=found)
                    for decorator in node.decorator_list
                ),
                tuple(methods),
            )
        )


def _name(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> str:
    return "<lambda>" if isinstance(node, ast.Lambda) else node.name


def _has_defaults(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    return bool(node.args.defaults or node.args.kw_defaults)


def _writer(node: ast.expr) -> Callable[[SyntaxEncoder], None]:
    return lambda encoder: encoder.node(node)


def _content(path: str, module_globals: dict[str, object]) -> bytes | None:
    """Return the bytes of a source file, or what the line cache knows under a name that is no file."""
    if path.endswith((".py", ".pyw")) or os.path.isfile(path):
        try:
            with open(path, "rb") as stream:
                return stream.read()
        except OSError:
            pass
    lines = linecache.getlines(path, module_globals)
    return "".join(lines).encode() if lines else None


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "replace")
