"""What counts of an instance of somebody else's class: its canonical bytes, else its type and what of the user's it holds."""

from __future__ import annotations

import functools
import gc
import re
from collections.abc import Callable, Iterable, Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from merkl_serializers import is_random_state

from merkl.fingerprint.contents import attributes_of
from merkl.fingerprint.guards import Content
from merkl.fingerprint.naming import calls_by_name, name_of, package_of
from merkl.fingerprint.nodes import Edge, Node
from merkl.fingerprint.reach import Reach
from merkl.hashing.fingerprints import fragment_digest, token_digest

__all__ = ["expand_foreign", "expand_proxy", "holds_users", "is_proxy"]

#: Objects of libraries are looked at before each call, so only those of up to this many bytes.
_QUICKLY_ENCODED = 4096
#: Things that do work but say nothing about results: their type is enough, and no warning is due.
_SILENT = re.compile(
    r"^(logging\.|_?thread\.|threading\.|weakref\.|contextvars\.|asyncio\.|functools\._|builtins\.object$|types\.)"
)
#: Those of them that can be taken apart until they are used, or always: what they hold is the state of a run.
_HOLDS_RUN = re.compile(r"^asyncio\.")


#: What is taken by what it is, not by what it holds: a proxy only says that it is one of them.
_TAKEN_AS_SUCH = (FunctionType, BuiltinFunctionType, MethodType, ModuleType, type)


def is_proxy(value: object) -> bool:
    """Say whether an object is of another class than the function, class or module that it passes for."""
    kind = type(value)
    return isinstance(value, _TAKEN_AS_SUCH) and not issubclass(kind, _TAKEN_AS_SUCH)


def expand_proxy(reach: Reach, node: Node, value: object) -> None:
    """Take an object that passes for a function (what `wrapt` makes of one): its own class, and what it stands before.

    What it answers for itself is the other's, so only the collector tells what it holds.
    """
    node.own = fragment_digest([b"proxy", name_of(type(value)).encode()])
    node.edges.append(Edge(b"class", reach.node_for(type(value), node.name)))
    for number, part in enumerate(gc.get_referents(value)):
        named = part if isinstance(part, dict) else {"": part}
        for name, held in sorted((str(key), held) for key, held in named.items() if holds_users(reach, held)):
            node.edges.append(Edge(b"%d." % number + name.encode(), reach.node_for(held, node.name)))


def expand_foreign(
    reach: Reach,
    node: Node,
    value: object,
    encode: Callable[[object], bytes],
    encode_with_classes: Callable[[object], tuple[bytes, Iterable[type]]],
) -> None:
    """Take an instance of somebody else's class: by its canonical bytes, else by its type and what it wraps."""
    node.package = package_of(type(value).__module__)
    node.is_dynamic = calls_by_name(type(value).__module__)
    try:
        if _HOLDS_RUN.match(name_of(type(value))):
            raise TypeError("it holds the state of a run")
        if is_random_state(value):
            raise TypeError("a random generator changes with each use; pass a seed or use merkl.call_seed()")
        data, met = encode_with_classes(value)
        digest = token_digest(b"constant", data)
        # The bytes say which classes the objects inside have, not what their methods do.
        users = sorted(filter(reach.ownership.owns_class, met), key=name_of)
        if users:
            node.own = digest
            for cls in users:
                node.edges.append(Edge(b"holds", reach.node_for(cls, cls.__qualname__)))
        else:
            node.digest = digest
        is_mutable = type(value).__hash__ in (None, object.__hash__) and len(data) <= _QUICKLY_ENCODED
        # A reference to a file stays as it is while the file changes.
        if is_mutable or getattr(type(value), "__merkl_external__", False):
            node.guards.contents.append(Content(value, encode))
    except Exception as error:  # noqa: BLE001 - any failure of a user-registered encoder leaves us the type
        _expand_opaque(reach, node, value, next(iter(str(error).splitlines()), "") or "no reason given")


def _expand_opaque(reach: Reach, node: Node, value: object, reason: str) -> None:
    """Take what has no canonical bytes by its type, and by what of the user's it wraps."""
    name = name_of(type(value))
    node.own = fragment_digest([b"instance of", name.encode()])
    attributes = sorted((attributes_of(value) or {}).items())
    wrapped = [(key, part) for key, part in attributes if holds_users(reach, part)]
    if not wrapped:
        # What compiled code holds (`cmp_to_key(f)`, `map(f, xs)`, a decoder of a class) shows only to the collector.
        held = enumerate(gc.get_referents(value))
        wrapped = [(str(number), part) for number, part in held if holds_users(reach, part)]
    for key, part in wrapped:
        node.edges.append(Edge(b"." + key.encode(), reach.node_for(part, node.name)))
    # What an iterator goes over is not told by the code that it runs.
    is_told = bool(wrapped) and not isinstance(value, Iterator)
    node.opaque = "" if is_told else reason
    if not is_told and not _SILENT.match(name):
        reach.warn(
            f"opaque:{node.name}",
            f"{node.name} is a {name}, which has no canonical bytes ({reason}): "
            f"only its type enters the key. If results depend on it, declare on what in deps=.",
        )


def holds_users(reach: Reach, value: object) -> bool:
    """Say whether a value is code of the user's, an instance of it, or may hold it."""
    if isinstance(value, FunctionType):
        return reach.ownership.owns_function(value)
    if isinstance(value, type):
        return reach.ownership.owns_class(value)
    return reach.ownership.owns_class(type(value)) or isinstance(value, functools.partial | MethodType)
