"""The fingerprint of a task: one digest of its code, everything that code reaches, and its declared dependencies."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Literal

from merkl._base.errors import FingerprintError, FingerprintWarning, MerklError
from merkl._base.hash_mode import HashMode
from merkl.fingerprint.borrowed import Place, borrowed
from merkl.fingerprint.guards import Guards
from merkl.fingerprint.naming import name_of
from merkl.fingerprint.nodes import Aspect, Node, Territory, digest_of, explore
from merkl.fingerprint.ownership import Ownership
from merkl.fingerprint.packages import PipVersion, ReachedPipVersions, version_of_import
from merkl.fingerprint.reach import Reach
from merkl.fingerprint.readers import TEXTS, reads_annotations
from merkl.fingerprint.sources import DigestStore, SourceIndex
from merkl.fingerprint.values import Values
from merkl.hashing.fingerprints import (
    fingerprint_digest,
    fragment_digest,
    territory_digest,
    token_digest,
    versioned_digest,
)

__all__ = ["Component", "Fingerprint", "Fingerprinter"]

_LEAVES = {"named", "unresolved", "merkl"}


@dataclass(frozen=True, slots=True)
class Component:
    """One definition, constant or package that a fingerprint covers.

    `kind` is "code", "class", "constant", "dep", "package", "code_object" or the like; `digest` (hex) is that of
    the component alone, without what it uses; `text` is source or a preview (of a secret: nothing); `location`
    is `file:line`, the file relative to the project, or "".
    """

    name: str
    kind: str
    digest: str
    location: str
    _text: str | Callable[[], str] = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        """Source text or a preview."""
        return self._text() if callable(self._text) else self._text

    def as_json(self) -> dict[str, str | int]:
        """Return it as plain data that JSON holds: name, kind, digest, text, file ("" if there is none), line (then 0)."""
        file, _, line = self.location.rpartition(":")
        return {
            "name": self.name,
            "kind": self.kind,
            "digest": self.digest,
            "text": self.text.encode("utf-8", "replace").decode(),
            "file": file,
            "line": int(line or 0),
        }


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a task is, as 32 bytes, with the parts that made it.

    With `is_complete` False, names were missing in a module that is still being imported: do not keep it.
    With `from_source` False, some source no longer compiles to the loaded code, or there is none.
    """

    digest: bytes
    components: tuple[Component, ...]
    is_complete: bool
    from_source: bool
    #: Import names of the installed packages that the code reaches.
    package_names: tuple[str, ...] = ()
    #: What all nodes depend on, each thing once; and the same by node.
    _guards: Guards = field(repr=False, compare=False, default_factory=Guards)
    _by_node: tuple[Guards, ...] = field(repr=False, compare=False, default=())

    def packages(self) -> dict[str, str]:
        """Return the versions of the installed distributions that the code reaches, whether or not they count."""
        found = (version_of_import(name) for name in self.package_names)
        return {version.name: version.version for version in found if version is not None}

    def is_current(self) -> bool:
        """Tell whether everything it was taken from is still as it was."""
        return self._guards.hold()

    def adopt_changes(self) -> None:
        """Go on holding though the body that just ran changed what it was taken from (a table of its own, say).

        Otherwise the keys of later calls would depend on which calls ran and which were found in the cache.
        """
        if not self._guards.hold():
            for guards in self._by_node:
                guards.adopt()
            self._guards.adopt()


class Fingerprinter:
    """Takes fingerprints, and remembers what it saw.

    Args:
        encode: canonical bytes of a value; raises for values that have none.
        project_root: what locations are relative to.
        track: installed packages that count as the user's code.
        package_versions: whether the versions of installed packages that a task reaches are part of it.
        hash_store: keeps what source files say between processes.
        classes_in: canonical bytes of a value, and the classes of the objects in it; raises like `encode`.

    >>> def double(x):
    ...     return 2 * x
    >>> len(Fingerprinter(encode=lambda value: repr(value).encode(), project_root=None).fingerprint(double).digest)
    32
    """

    def __init__(
        self,
        *,
        encode: Callable[[object], bytes],
        project_root: Path | None,
        track: Sequence[str] = (),
        package_versions: Literal["off", "minor", "exact"] = "off",
        hash_store: DigestStore | None = None,
        classes_in: Callable[[object], tuple[bytes, Iterable[type]]] | None = None,
    ) -> None:
        if package_versions not in ("off", "minor", "exact"):
            raise FingerprintError(
                f"package_versions = {package_versions!r}: it is one of 'off', 'minor', 'exact'."
            )
        self._versions = package_versions
        self._ownership = Ownership(project_root, track)
        self._warned: set[str] = set()
        self._reach = Reach(SourceIndex(hash_store), self._ownership, self._warn)
        self._values = Values(self._reach, encode, classes_in)
        self._aspects = (
            Aspect("__annotations__", reads_annotations, self._values.annotations_of),
            *TEXTS,
        )
        self._digests: dict[int, bytes] = {}
        self._lock = threading.RLock()
        self._busy: set[int] = set()
        self._components: dict[int, tuple[Node, object, Component]] = {}
        self._described: dict[int, tuple[object, Fingerprint]] = {}
        #: Whether a walk met what it is inside of, so that its digest holds there alone.
        self._is_cut = False
        #: How many digests were given so far in which names were missing that are still to come (see `is_complete`).
        self.incomplete_count = 0

    def fingerprint(
        self,
        fn: Callable[..., object],
        *,
        hash_mode: HashMode = HashMode.FIND_DEPS,
        deps: Iterable[object] = (),
        code_version: object = None,
        hash_key: str | None = None,
        whole: bool = False,
    ) -> Fingerprint:
        """Return the fingerprint of a function and its declared dependencies.

        Args:
            fn: the plain function.
            hash_mode: how much of the code around it counts.
            deps: functions, classes, modules, tasks, Futures, file references, package versions, or any value that
                has canonical bytes.
            code_version: stands for all code if given; constants reached and deps still count.
            hash_key: names the task where `code_version` is used, instead of its qualified name.
            whole: every method of the classes that are reached counts, not only those that are mentioned: objects of
                them may be in the result, and others call what they like.

        Raises:
            FingerprintError: a declared dependency has no digest.
        """
        with self._lock:
            root = self._values.node_for(fn, getattr(fn, "__qualname__", repr(fn)))
            found = self._explore(root, whole=whole)
            nodes = found.nodes if hash_mode is HashMode.FIND_DEPS else [root]
            code = self._code_of(root, found, fn, hash_mode)
            deps = tuple(deps)
            dep_nodes = [
                self._dep_node(dep, number) for number, dep in enumerate(deps) if not _is_reached(dep)
            ]
            dep_digests: list[bytes] = []
            for node in dep_nodes:
                reached = self._explore(node, whole=True)
                _require_known(fn, node)
                nodes = list(dict.fromkeys([*nodes, *reached.nodes]))
                dep_digests.append(self._territory_digest(node, reached))
            wants = (
                self._versions
                if self._versions != "off"
                else "exact"
                if any(map(_is_reached, deps))
                else "off"
            )
            packages = _package_components(nodes, wants)
            digest = self._combine(fn, nodes, code, hash_mode, dep_digests, packages, code_version, hash_key)
            shown = [*nodes, *self._module_of(fn)] if hash_mode is HashMode.MODULE else nodes
            return self._result(digest, shown, dep_nodes, packages)

    def digest_callable(self, fn: object) -> bytes:
        """Return the digest of a callable that is a value: what it does and reaches, not what it is called."""
        return self.describe(fn).digest

    def describe(self, thing: object) -> Fingerprint:
        """Return the digest of a class or callable that is a value, with the parts that made it."""
        with self._lock:
            held = self._described.get(id(thing))
            if held is not None and held[1].is_current():
                return held[1]
            if id(thing) in self._busy:
                self._is_cut = True
                return Fingerprint(token_digest(b"recursive"), (), True, True)
            if not self._busy:
                self._is_cut = False
            self._busy.add(id(thing))
            try:
                root = self._values.node_for(thing, getattr(thing, "__qualname__", type(thing).__qualname__))
                # Whoever is given the callable may call any method of what it returns.
                found = self._explore(root, whole=True)
                digest = self._territory_digest(root, found)
                result = self._result(digest, found.nodes, (), ())
            finally:
                self._busy.discard(id(thing))
            if not result.is_complete:
                self.incomplete_count += 1
            elif not self._is_cut:
                self._described[id(thing)] = (thing, result)
            return result

    def borrowed_by(
        self, things: Iterable[object], place_of: Callable[[object], Place | None]
    ) -> dict[Place, object]:
        """Return what code does not take along where it travels by value, by the place where it is found (see `borrowed`)."""
        with self._lock:
            roots = [self._values.node_for(thing, f"[{number}]") for number, thing in enumerate(things)]
            return borrowed(roots, self._look, place_of)

    def digest_class(self, cls: type) -> bytes | None:
        """Return the digest of a user's class, None for one of the standard library or an installed package."""
        return self.digest_callable(cls) if self.owns_class(cls) else None

    def home_of(self, name: str) -> str:
        """Return the name of a constant by the module that binds it, where the one it is named by imports it from there."""
        parts = name.split(".")
        for count in range(len(parts) - 1, 0, -1):
            module = sys.modules.get(".".join(parts[:count]))
            if isinstance(module, ModuleType):
                own, bracket, item = parts[count].partition("[")
                found = ".".join(self._reach.home_of(module, own))
                return ".".join([found + bracket + item, *parts[count + 1 :]])
        return name

    def owns_class(self, cls: type) -> bool:
        """Tell whether a class is the user's, so that its code counts."""
        return self._ownership.owns_class(cls)

    def digest_named(self, thing: object) -> bytes | None:
        """Return the digest of a class or function that something refers to by name, None where it is not the user's."""
        if isinstance(thing, type):
            return self.digest_class(thing)
        if isinstance(thing, FunctionType) and self._ownership.owns_function(thing):
            return self.digest_callable(thing)
        return None

    # --- parts --------------------------------------------------------------------------------------------

    def _explore(self, root: Node, *, whole: bool = False) -> Territory:
        """Return what a node reaches; where something has changed since it was looked at, look again."""
        return explore(
            root,
            self._look,
            whole=whole,
            aspects=self._aspects,
        )

    def _look(self, node: Node) -> None:
        if node.expanded and not node.guards.hold():
            self._values.reset(node)
            self._digests.clear()
        if node.expanded:
            return
        try:
            self._values.expand(node)
        except BaseException as error:
            # Half of what it uses, kept for the whole, would give a key that says too little: also where Ctrl-C came.
            self._values.reset(node)
            if not isinstance(error, Exception) or isinstance(
                error, (MerklError, RecursionError, MemoryError)
            ):
                raise
            where = f" ({node.location})" if node.location else ""
            raise FingerprintError(
                f"{node.name}{where} uses an object that cannot be looked at ({type(error).__name__}: {error}). "
                f"Mend its class, or keep it out of globals and defaults and declare in deps= what the result depends on."
            ) from error

    def _territory_digest(self, root: Node, found: Territory) -> bytes:
        known = self._digests
        methods = [
            (digest_of(owner, known), name.encode(), digest_of(method, known))
            for owner, name, method in found.methods
        ]
        return territory_digest(digest_of(root, known), methods)

    def _code_of(self, root: Node, found: Territory, fn: object, mode: HashMode) -> bytes:
        if mode is HashMode.FIND_DEPS:
            return self._territory_digest(root, found)
        if mode is HashMode.FUNCTION or not isinstance(fn, FunctionType):
            return self._own_digest(root)
        file = self._reach.sources.file(fn.__code__.co_filename, fn.__globals__)
        if file is None:
            return self._own_digest(root)
        whole = file.whole()
        names = repr([(ref.kind, ref.base, ref.path, ref.level) for ref in whole.refs]).encode()
        return fragment_digest([whole.digest, names, self._own_digest(root)])

    def _module_of(self, fn: object) -> list[Node]:
        """Return the module that a function stands in as a part, to be shown: its digest counts by `_code_of`."""
        if not isinstance(fn, FunctionType):
            return []
        path = fn.__code__.co_filename
        file = self._reach.sources.file(path, fn.__globals__)
        if file is None:
            return []
        location = f"{self._ownership.relative(path)}:1"
        return [
            Node("module", fn.__module__, digest=file.whole().digest, text=file.source, location=location)
        ]

    def _own_digest(self, root: Node) -> bytes:
        """Return the digest of a task's own code: what it uses by name only, its default values by value."""
        parts = [root.own]
        for edge in root.edges:
            is_default = edge.label.startswith(b"default")
            named = (
                digest_of(edge.target, self._digests)
                if is_default
                else edge.target.name.rpartition(".")[2].encode()
            )
            parts.extend(
                (len(edge.label).to_bytes(8, "little"), edge.label, len(named).to_bytes(8, "little"), named)
            )
        return fragment_digest(parts)

    def _dep_node(self, dep: object, number: int) -> Node:
        if isinstance(dep, PipVersion):
            return _package_node(dep, "exact")
        node = self._values.node_for(dep, f"deps[{number}]")
        return node

    def _combine(
        self,
        fn: object,
        nodes: Sequence[Node],
        code: bytes,
        mode: HashMode,
        deps: Sequence[bytes],
        packages: Sequence[Node],
        code_version: object,
        hash_key: str | None,
    ) -> bytes:
        versions = [node.digest or b"" for node in packages]
        if code_version is None:
            return fingerprint_digest(mode.value.encode(), code, deps, versions)
        name = hash_key or f"{getattr(fn, '__module__', '')}.{getattr(fn, '__qualname__', '')}"
        constants = [digest_of(n, self._digests) for n in nodes if n.kind in {"constant", "enum", "future"}]
        return versioned_digest(name.encode(), repr(code_version).encode(), constants, deps, versions)

    def _result(
        self, digest: bytes, nodes: Sequence[Node], deps: Sequence[Node], packages: Sequence[Node]
    ) -> Fingerprint:
        bindings: dict[tuple[int, str], tuple[object, str, object]] = {}
        guards = Guards()
        for node in nodes:
            for namespace, name, value in node.guards.bindings:
                bindings[id(namespace), name] = (namespace, name, value)
            guards.codes.extend(node.guards.codes)
            guards.shapes.extend(node.guards.shapes)
            guards.cells.extend(node.guards.cells)
            guards.contents.extend(node.guards.contents)
        guards.bindings.extend(bindings.values())
        declared = set(map(id, deps))
        components = [
            replace(self._component(node), kind="dep") if id(node) in declared else self._component(node)
            for node in (*nodes, *packages)
            if node.kind not in _LEAVES
        ]
        return Fingerprint(
            digest,
            tuple(dict.fromkeys(components)),
            all(node.is_complete for node in nodes),
            all(node.from_source for node in nodes),
            tuple(sorted({node.package for node in nodes if node.package})),
            guards,
            tuple(node.guards for node in nodes),
        )

    def _component(self, node: Node) -> Component:
        """Return what is told of a node, made once for each time that the node is looked at."""
        known = self._components.get(id(node))
        if known is not None and known[0] is node and known[1] is node.edges:
            return known[2]
        own = node.digest if node.digest is not None else fragment_digest([node.own, *(_named_edges(node))])
        component = Component(node.name, node.kind, own.hex(), node.location, node.text)
        if not node.digest:
            self._components[id(node)] = (node, node.edges, component)
        return component

    def _warn(self, key: str, message: str) -> None:
        if key not in self._warned:
            self._warned.add(key)
            warnings.warn(message, FingerprintWarning, stacklevel=2)


def _named_edges(node: Node) -> list[bytes]:
    return [edge.label + b"=" + edge.target.name.rpartition(".")[2].encode() for edge in node.edges]


def _require_known(fn: object, dep: Node) -> None:
    """Refuse a declared dependency that is, or holds, a value of which only the type is known."""
    seen = {id(dep)}
    pending = [dep]
    while pending:
        node = pending.pop()
        if node.opaque:
            task = getattr(fn, "__qualname__", repr(fn))
            raise FingerprintError(
                f"task {task!r}: {node.name} is a {name_of(type(node.subject))}, which has no canonical bytes: {node.opaque}. "
                f"Declare in deps= a value that says what the result depends on, or register how the type is "
                f"hashed with @arg_serializer({type(node.subject).__qualname__})."
            )
        for edge in node.edges:
            if edge.target.kind == "constant" and id(edge.target) not in seen:
                seen.add(id(edge.target))
                pending.append(edge.target)


def _is_reached(dep: object) -> bool:
    return isinstance(dep, ReachedPipVersions)


def _package_components(nodes: Iterable[Node], versions: str) -> list[Node]:
    if versions == "off":
        return []
    found = (version_of_import(top) for top in sorted({node.package for node in nodes if node.package}))
    return [_package_node(version, versions) for version in found if version is not None]


def _package_node(version: PipVersion, precision: str) -> Node:
    text = version.version if precision == "exact" else ".".join(version.version.split(".")[:2])
    digest = token_digest(b"package", version.name.encode(), text.encode())
    return Node("package", version.name, digest=digest, text=text)
