"""The definitions and bindings of one source file by name, each with a digest of what it says; nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from merkl.fingerprint.records import ClassRecord, DefinitionRecord, FileRecord, Fragment, ImportTarget
from merkl.fingerprint.sources import index_source, parse
from merkl.fingerprint.syntax import fragment_of
from merkl.hashing.digests import hash_content
from merkl.hashing.fingerprints import fragment_digest

__all__ = ["SourceDefinitions"]


class SourceDefinitions:
    """What a source file defines and binds at its top level.

    >>> text = b"LIMIT = 3\\ndef double(x):\\n    return 2 * x  # twice\\n"
    >>> source = SourceDefinitions(text, "flow.py")
    >>> source.digest("double") == SourceDefinitions(text.replace(b"# twice", b""), "flow.py").digest("double")
    True
    >>> source.digest("LIMIT") == SourceDefinitions(text.replace(b"3", b"4"), "flow.py").digest("LIMIT")
    False
    """

    def __init__(self, content: bytes, path: str) -> None:
        self.content_hash = hash_content(content)
        self._text = content.decode("utf-8", "replace")
        self._record: FileRecord = index_source(content, path)
        self._definitions = {one.qualname for one in self._record.definitions}
        self._definitions.update(one.qualname for one in self._record.classes)
        self._bindings: dict[str, list[ast.stmt]] = {}
        self._fragments: dict[str, list[Fragment]] = {}
        for statement in parse(content, path)[0].body:
            for name in _bound_by(statement):
                self._bindings.setdefault(name, []).append(statement)

    @classmethod
    def read(cls, path: str) -> SourceDefinitions:
        """Return what a file defines.

        Raises:
            OSError: it cannot be read.
            SyntaxError: it does not parse.
        """
        return cls(Path(path).read_bytes(), path)

    def digest(self, name: str) -> str:
        """Return a digest, in hex, of all that the file says of a qualified name; "" where it says nothing."""
        pieces: list[bytes] = []
        for definition in self._record.definitions:
            if definition.qualname == name:
                pieces += _pieces(_of_definition(definition))
        for each in self._record.classes:
            if each.qualname == name:
                pieces += _pieces(_of_class(each))
        if not pieces:
            pieces += _pieces(self._binding(name))
        return fragment_digest(pieces).hex() if pieces else ""

    def named(self, dotted: str) -> str | None:
        """Return the qualified name in this file that a name with its module means, None where there is none."""
        parts = dotted.split(".")
        return next(
            (name for start in range(len(parts)) if self.is_definition(name := ".".join(parts[start:]))), None
        )

    def says(self, text: str) -> bool:
        """Say whether these lines stand in the file."""
        return text in "\n".join(self._text.splitlines())

    def is_definition(self, name: str) -> bool:
        """Say whether a name is a function or class."""
        return name in self._definitions

    def is_bound(self, name: str) -> bool:
        """Say whether the top level binds a name."""
        return name in self._bindings

    def imported(self, name: str) -> ImportTarget | None:
        """Return where an import at the top level takes a name from."""
        return self._record.imports.get(name)

    def names_in(self, name: str) -> set[str]:
        """Return the names that the statements use which bind a name."""
        return {ref.base for fragment in self._binding(name) for ref in fragment.refs if ref.base != name}

    def _binding(self, name: str) -> list[Fragment]:
        if name not in self._fragments:
            self._fragments[name] = [
                fragment_of(lambda encoder, node=statement: encoder.node(node))  # type: ignore[misc]
                for statement in self._bindings.get(name, ())
            ]
        return self._fragments[name]


def _bound_by(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement at the top level binds, except by def and class."""
    pending: list[ast.AST] = [statement]
    found: dict[str, None] = {}
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = None
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update({(alias.asname or alias.name).partition(".")[0]: None for alias in node.names})
        pending.extend(ast.iter_child_nodes(node))
    yield from found


def _of_definition(definition: DefinitionRecord) -> Iterable[Fragment]:
    return (definition.body, definition.defaults, *definition.decorators)


def _of_class(each: ClassRecord) -> Iterable[Fragment]:
    return (each.core, each.annotations, *each.decorators)


def _pieces(fragments: Iterable[Fragment]) -> Iterator[bytes]:
    """Yield digests, and what goes into their holes: another helper is another meaning."""
    for fragment in fragments:
        yield fragment.digest
        yield msgspec.msgpack.encode(fragment.refs)
