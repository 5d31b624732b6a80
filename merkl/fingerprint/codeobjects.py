"""Digest a code object by what it does, and list the outside names it uses, for code without (true) source.

The digest holds for one version of Python only: it serves to tell whether source and loaded code agree, and
stands in for source where there is none (`exec`, a prompt without history, a file edited after import).
"""

from __future__ import annotations

import dis
import re
import struct
from collections.abc import Iterator
from types import CodeType

from merkl.fingerprint.records import Fragment, Ref
from merkl.hashing.fingerprints import fragment_digest

__all__ = ["code_digest", "code_extent", "code_fragment", "nested_code"]

_LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
_STORES = {"STORE_GLOBAL", "DELETE_GLOBAL"}
_ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD"}
_CELLS = {"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF", "LOAD_CLOSURE"}
_LITERALS = frozenset({type(None), bool, int, str, bytes, float, type(...)})
_INTERACTIVE_NAME = re.compile(r"^[A-Za-z_]\w*$")


def code_digest(code: CodeType) -> bytes:
    """Return the digest of a code object without file name, line numbers and qualified name.

    Constants count by type and value, nested code likewise, frozensets without regard to their order.
    """
    constants = code.co_consts
    # What `repr` writes is told apart by type and value for literals, and it is written in C.
    told = constants if _LITERALS.issuperset(map(type, constants)) else b"".join(map(_constant, constants))
    parts = (
        code.co_code,
        code.co_exceptiontable,
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags),
        (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
        told,
    )
    return fragment_digest([repr(parts).encode()])


def code_fragment(code: CodeType) -> Fragment:
    """Return what a code object digests to, with the outside names that it loads."""
    refs: dict[Ref, None] = {}
    writes: set[str] = set()
    mentions: set[str] = set()
    for each in (code, *nested_code(code)):
        mentions.update(each.co_names)
        mentions.update(c for c in each.co_consts if isinstance(c, str) and _INTERACTIVE_NAME.match(c))
        for ref in _loads(each, set(code.co_freevars), writes):
            refs[ref] = None
    return Fragment(code_digest(code), tuple(refs), frozenset(mentions), frozenset(writes))


def nested_code(code: CodeType) -> Iterator[CodeType]:
    """Yield the code objects inside a code object, at any depth."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from nested_code(constant)


def code_extent(code: CodeType) -> tuple[int, int, int, int] | None:
    """Return (line, column, last line, last column) of what a code object was compiled from, None if unknown."""
    starts: list[tuple[int, int]] = []
    ends: list[tuple[int, int]] = []
    for line, last_line, column, last_column in code.co_positions():
        if (
            line is None
            or last_line is None
            or column is None
            or last_column is None
            or (column, last_column) == (0, 0)
        ):
            continue
        starts.append((line, column))
        ends.append((last_line, last_column))
    return (*min(starts), *max(ends)) if starts else None


def _loads(code: CodeType, free: set[str], writes: set[str]) -> Iterator[Ref]:
    chain: tuple[str, tuple[str, ...]] | None = None
    for step in dis.get_instructions(code):
        if chain is not None and step.opname in _ATTRIBUTES:
            chain = (chain[0], (*chain[1], str(step.argval)))
            continue
        if chain is not None:
            yield Ref("name", *chain)
            chain = None
        if step.opname in _LOADS or (step.opname in _CELLS and step.argval in free):
            chain = (str(step.argval), ())
            if step.opname in _STORES:
                writes.add(str(step.argval))
        elif step.opname == "IMPORT_NAME":
            yield Ref("import", str(step.argval))
    if chain is not None:
        yield Ref("name", *chain)


def _constant(value: object) -> bytes:
    match value:
        case CodeType():
            return b"code" + code_digest(value)
        case tuple():
            return b"(" + b"".join(_constant(item) for item in value) + b")"
        case frozenset():
            return b"{" + b"".join(sorted(_constant(item) for item in value)) + b"}"
        case str():
            return b"s" + _bytes(value.encode("utf-8", "surrogatepass"))
        case bytes():
            return b"b" + _bytes(value)
        case float():
            return b"d" + struct.pack(">d", value)
        case complex():
            return b"c" + struct.pack(">dd", value.real, value.imag)
    return type(value).__name__.encode() + _bytes(repr(value).encode())


def _bytes(data: bytes) -> bytes:
    return b"%d:" % len(data) + data
