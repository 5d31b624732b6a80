"""Follow what code uses: from a function to the helpers, classes, modules and values that its names stand for.

Names are looked up where the running program would look them up, so aliases, star imports, monkeypatches and
decorators need no rules of their own. Nothing is run, except that a module of the user's that a body imports is
imported.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CellType, FunctionType, ModuleType
from typing import cast

from merkl.fingerprint.blind_spots import blind_spot
from merkl.fingerprint.codeobjects import code_fragment
from merkl.fingerprint.guards import MISSING
from merkl.fingerprint.naming import calls_by_name, module_name, normal_name, package_of
from merkl.fingerprint.nodes import Edge, Node
from merkl.fingerprint.ownership import Ownership
from merkl.fingerprint.records import DefinitionRecord, Fragment, Ref
from merkl.fingerprint.sources import SourceFile, SourceIndex
from merkl.fingerprint.told import takes_in_silence, without_marks
from merkl.fingerprint.user_modules import UserModules, absolute_name
from merkl.hashing.fingerprints import fragment_digest, token_digest

__all__ = ["Attributes", "Hidden", "Reach", "Surroundings", "leaf", "named"]

#: Names that a module has of itself: where it lies and what it is called are no part of a fingerprint.
_OWN_NAMES = {
    "__name__",
    "__file__",
    "__spec__",
    "__package__",
    "__loader__",
    "__path__",
    "__builtins__",
    "__cached__",
}
_TELLING = {"__name__", "__qualname__", "__doc__", "__module__", "__annotations__"}
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_OURS = {"merkl"}
#: Decorators that do not look at annotations.
_BLIND_DECORATORS = {
    "abc.abstractmethod",
    "builtins.classmethod",
    "builtins.property",
    "builtins.staticmethod",
    "contextlib.asynccontextmanager",
    "contextlib.contextmanager",
    "functools.cache",
    "functools.cached_property",
    "functools.lru_cache",
    "functools.wraps",
    "typing.final",
    "typing.no_type_check",
    "typing.overload",
    "typing.override",
    "typing_extensions.override",
}


@dataclass(slots=True, frozen=True)
class Surroundings:
    """Where names of a piece of code are looked up."""

    namespace: dict[str, object]
    cells: dict[str, CellType] = field(default_factory=dict)
    writes: frozenset[str] = frozenset()

    @property
    def module(self) -> str:
        return str(self.namespace.get("__name__", ""))


@dataclass(slots=True, frozen=True)
class Hidden:
    """A definition whose function is out of reach: what its source says stands for it."""

    file: SourceFile
    record: DefinitionRecord
    around: Surroundings


def leaf(kind: str, name: str, digest: bytes, text: str = "", package: str = "") -> Node:
    """Return a node that uses nothing else."""
    return Node(kind, name, digest=digest, text=text, package=package)


@functools.lru_cache(maxsize=10_000)
def named(dotted: str) -> Node:
    """Return the node of something that is named, not entered: one for each name, since it never changes."""
    name = normal_name(dotted)
    kind = "merkl" if dotted.partition(".")[0] in _OURS else "named"
    digest = token_digest(b"named", name.encode())
    return Node(kind, name, digest=digest, package=package_of(name), is_dynamic=calls_by_name(name))


class Reach:
    """Turns names into nodes, and functions into nodes with edges. `node_for` gives the node of any value,
    `known_node` the same, but None for one of which only its type is known."""

    def __init__(self, sources: SourceIndex, ownership: Ownership, warn: Callable[[str, str], None]) -> None:
        self.sources = sources
        self.ownership = ownership
        self.warn = warn
        self.node_for: Callable[[object, str], Node]
        self._modules = UserModules(ownership)
        self._imported: dict[
            tuple[int, str, tuple[str, ...]], tuple[dict[str, object], object, Edge | None]
        ] = {}
        self.known_node: Callable[[object, str], Node | None]
        self.module_node: Callable[[ModuleType], Node]

    # --- functions ----------------------------------------------------------------------------------------

    def expand_function(self, node: Node, fn: FunctionType) -> None:
        """Give the node of a user's function its own digest, its edges, and its guards."""
        code = fn.__code__
        cells = dict(zip(code.co_freevars, fn.__closure__ or (), strict=True))
        found = self.sources.definition(code, fn.__globals__)
        node.guards.codes.append((fn, code, fn.__defaults__, fn.__kwdefaults__, len(fn.__dict__)))
        for carried in (fn.__kwdefaults__ or {}, fn.__dict__):
            node.guards.bindings.extend((carried, name, value) for name, value in carried.items())
        node.location = f"{self.ownership.relative(code.co_filename)}:{code.co_firstlineno}"
        if found is None:
            fragment = code_fragment(code)
            node.own = fragment_digest([b"code object", fragment.digest])
            node.kind = "code_object"
            node.from_source = False
            node.text = f"<no source for {fn.__qualname__}>"
            self.follow(node, fragment, Surroundings(fn.__globals__, cells, fragment.writes), b"body")
        else:
            file, record = found
            self.expand_definition(
                node, file, record, Surroundings(fn.__globals__, cells, record.body.writes)
            )
        self._state(node, fn)
        cell = cells.get("__class__")
        if cell is not None:
            owner = self._cell_value(node, cell)
            if owner is not MISSING:
                node.edges.append(Edge(b"__class__", self.node_for(owner, "__class__")))

    def expand_hidden(self, node: Node, hidden: Hidden) -> None:
        """Give a node what the source says of a definition, default values included."""
        self.expand_definition(node, hidden.file, hidden.record, hidden.around)
        self.add_fragment(node, hidden.record.defaults, hidden.around, b"defaults")

    def expand_definition(
        self,
        node: Node,
        file: SourceFile,
        record: DefinitionRecord,
        around: Surroundings,
    ) -> None:
        """Give a node what its definition in the source says and uses."""
        node.own = fragment_digest([b"definition", record.body.digest])
        node.text = lambda: file.text(record.line, record.last_line)
        node.location = f"{self.ownership.relative(file.path)}:{record.line}"
        self.follow(node, record.body, around, b"body")
        reads_annotations = False
        for decorator in record.decorators:
            targets = self.decorator_targets(node, decorator, around)
            if any(target.kind == "merkl" for target in targets):
                continue
            self.add_fragment(node, decorator, around, b"decorator")
            reads_annotations |= not (targets and targets[0].name in _BLIND_DECORATORS)
        if reads_annotations:
            self.add_fragment(node, record.annotations, around, b"annotations")

    def add_fragment(self, node: Node, fragment: Fragment, around: Surroundings, label: bytes) -> None:
        """Make a further piece of syntax part of a node."""
        node.own = fragment_digest([node.own, label, fragment.digest])
        self.follow(node, fragment, around, label)

    def decorator_targets(self, node: Node, decorator: Fragment, around: Surroundings) -> list[Node]:
        """Return what the names in a decorator stand for."""
        return [self.resolve(node, ref, around).target for ref in decorator.refs[:1]]

    def follow(self, node: Node, fragment: Fragment, around: Surroundings, label: bytes) -> None:
        """Add an edge for every name that a piece of syntax takes from outside."""
        for ref in fragment.refs:
            edge = self.resolve(node, ref, around)
            node.edges.append(Edge(label + b":" + edge.label, edge.target))
        node.mentions |= fragment.mentions
        for what, detail in fragment.blind:
            node.is_dynamic = True
            warning = blind_spot(node.name, what, detail, around.namespace, self.ownership)
            if warning is not None:
                self.warn(f"{what}:{node.name}", warning)

    def _state(self, node: Node, fn: FunctionType) -> None:
        """Add what a function object carries beside its code: default values and attributes."""
        defaults = fn.__defaults__ or ()
        code = fn.__code__
        names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
        for number, default in enumerate(defaults):
            node.edges.append(
                Edge(b"default %d" % number, self.node_for(default, f"{fn.__name__}({names[number]})"))
            )
        for name, default in sorted((fn.__kwdefaults__ or {}).items()):
            node.edges.append(
                Edge(b"default " + name.encode(), self.node_for(default, f"{fn.__name__}({name})"))
            )
        for name, value in sorted(fn.__dict__.items()):
            if name != "__wrapped__" and not name.startswith("__"):
                node.edges.append(
                    Edge(b"attribute " + name.encode(), self.node_for(value, f"{fn.__name__}.{name}"))
                )
            elif name == "__wrapped__" and isinstance(value, FunctionType):
                node.edges.append(Edge(b"wrapped", self.node_for(value, name)))

    def _cell_value(self, node: Node, cell: CellType) -> object:
        try:
            value = cell.cell_contents
        except ValueError:
            value = MISSING
        node.guards.cells.append((cell, value))
        return value

    # --- names --------------------------------------------------------------------------------------------

    def resolve(self, node: Node, ref: Ref, around: Surroundings) -> Edge:
        """Return what a name stands for, and note in the node's guards what that depends on."""
        if ref.kind == "module":
            return Edge(b"", leaf("named", ref.base, token_digest(b"module", ref.base.encode())))
        if ref.kind == "import":
            return self._resolve_import(node, ref, around)
        if ref.kind == "told":
            before = len(node.guards.bindings)
            found = self.resolve(node, Ref("name", ref.base, without_marks(ref.path)), around)
            # What a module's `__getattr__` gave it may not give again.
            is_made = any(
                name == "__getattr__" and value is not MISSING
                for _, name, value in node.guards.bindings[before:]
            )
            kind = None if is_made else takes_in_silence(node, found, ref.path)
            return found if kind is None else _edge(ref.path[-1:], named(f"builtins.{kind}"))
        name = ref.base
        if name in _OWN_NAMES:
            return _edge(ref.path, leaf("named", name, token_digest(b"own name", name.encode())))
        if name in around.cells:
            value = self._cell_value(node, around.cells[name])
            if value is MISSING:
                return _edge(ref.path, _unresolved(name))
            return self._walk(node, value, ref.path, name, around.namespace)
        value = around.namespace.get(name, MISSING)
        if name not in around.writes:
            node.guards.bindings.append((around.namespace, name, value))
        else:
            self.warn(
                f"reassigned:{around.module}.{name}",
                f"{node.name} reassigns the global {name!r} of module {around.module!r}; the key holds the value that it "
                f"has when the task is first used, not what it becomes. Pass it as an argument, or declare in deps= "
                f"what the result depends on.",
            )
        if value is not MISSING:
            imported = self._imported_name(around.namespace, name, ref.path)
            if imported is not None:
                return imported
            return self._walk(node, value, ref.path, f"{around.module}.{name}", around.namespace)
        if hasattr(builtins, name):
            if self._patch_in(builtins, (name,)) is not None:
                return self._foreign_module(node, builtins, (name, *ref.path))
            return _edge(ref.path, named(f"builtins.{name}"))
        if ref.kind == "name" and self._may_come(around.namespace, name):
            node.is_complete = False
        return _edge(ref.path, _unresolved(name))

    def _walk(
        self, node: Node, value: object, path: tuple[str, ...], name: str, namespace: dict[str, object]
    ) -> Edge:
        """Follow attributes as far as they lead through modules, then take the node of what is there."""
        for position, attribute in enumerate(path):
            if not isinstance(value, ModuleType):
                return self._labelled(value, path[position:], name)
            rest = path[position:]
            if not self.ownership.owns_module(value):
                return self._foreign_module(node, value, rest)
            namespace = value.__dict__
            found = namespace.get(attribute, MISSING)
            node.guards.bindings.append((namespace, attribute, found))
            if found is MISSING:
                late = namespace.get("__getattr__", MISSING)
                node.guards.bindings.append((namespace, "__getattr__", late))
                found = self._late_attribute(value, attribute)
            if found is MISSING:
                if self._may_come(namespace, attribute):
                    node.is_complete = False
                return _edge(rest, _unresolved(attribute))
            imported = self._imported_name(namespace, attribute, rest[1:])
            if imported is not None:
                return imported
            name = f"{value.__name__}.{attribute}"
            value = found
        return self._labelled(value, (), name)

    def _labelled(self, value: object, rest: tuple[str, ...], name: str) -> Edge:
        target = self.node_for(value, name)
        if (
            rest
            and rest[-1] in _TELLING
            and len(rest) == 1
            and isinstance(value, FunctionType | type | ModuleType)
        ):
            text = getattr(value, rest[0], None)
            told = inspect.cleandoc(text) if isinstance(text, str) else _ADDRESS.sub("", repr(text))
            if rest[0] != "__module__":
                return Edge(rest[0].encode() + b"=" + told.encode("utf-8", "surrogatepass"), target)
        return _edge(rest, target)

    def _foreign_module(self, node: Node, module: ModuleType, rest: tuple[str, ...]) -> Edge:
        patch = self._patch_in(module, rest)
        if patch is not None:
            namespace, name, value, further = patch
            node.guards.bindings.append((namespace, name, value))
            return self._labelled(value, further, name)
        return Edge(b"", named(".".join((module_name(module), *rest))))

    def _patch_in(
        self, module: ModuleType, path: tuple[str, ...]
    ) -> tuple[dict[str, object], str, object, tuple[str, ...]] | None:
        """Return what the user has put into a module of somebody else's under these names, if anything."""
        value: object = module
        for position, name in enumerate(path):
            namespace = value.__dict__
            value = namespace.get(name, MISSING)
            if isinstance(value, ModuleType):
                if self.ownership.owns_module(value):
                    return None
                continue
            is_users = (isinstance(value, FunctionType) and self.ownership.owns_function(value)) or (
                isinstance(value, type) and self.ownership.owns_class(value)
            )
            return (namespace, name, value, path[position + 1 :]) if is_users else None
        return None

    def _late_attribute(self, module: ModuleType, attribute: str) -> object:
        """Return an attribute that a module gives on demand: a submodule, or by its `__getattr__`."""
        submodule = sys.modules.get(f"{module.__name__}.{attribute}")
        if submodule is not None:
            return submodule
        try:
            return getattr(module, attribute)
        except Exception:  # noqa: BLE001 - whatever a module's __getattr__ raises: it has no such attribute
            return MISSING

    def _imported_name(self, namespace: dict[str, object], name: str, rest: tuple[str, ...]) -> Edge | None:
        """Return the edge of a name that an import statement takes from a module that is not the user's.

        The statement, not the object, says the name: it is the same on every version of Python and the package.
        """
        key = (id(namespace), name, rest)
        value = namespace.get(name, MISSING)
        known = self._imported.get(key)
        if known is not None and known[0] is namespace and known[1] is value:
            return known[2]
        edge = self._find_imported_name(namespace, name, rest)
        self._imported[key] = (namespace, value, edge)
        return edge

    def _find_imported_name(
        self, namespace: dict[str, object], name: str, rest: tuple[str, ...]
    ) -> Edge | None:
        for _ in range(20):  # a chain of re-exports
            file = self._file_of(namespace)
            target = file.record.imports.get(name) if file is not None else None
            if target is None:
                return None
            try:
                absolute = absolute_name(target.module, target.level, namespace)
            except (ImportError, ValueError):
                return None
            module = sys.modules.get(absolute)
            if not isinstance(module, ModuleType):  # not loaded, or an object was put in its place
                return None
            if not self.ownership.owns_module(module):
                dotted = ".".join(
                    (module_name(module), *((target.attribute,) if target.attribute else ()), *rest)
                )
                if target.attribute and namespace.get(name, MISSING) is not getattr(
                    module, target.attribute, None
                ):
                    return None  # bound to something else since
                if self._patch_in(module, ((target.attribute,) if target.attribute else ()) + rest):
                    return None
                return Edge(b"", named(dotted))
            if target.attribute is None or namespace.get(name, MISSING) is not module.__dict__.get(
                target.attribute, None
            ):
                return None
            namespace, name = module.__dict__, target.attribute
        return None

    def home_of(self, module: ModuleType, name: str) -> tuple[str, str]:
        """Return the module and name under which a name was bound first that a module may have imported from others."""
        namespace = module.__dict__
        for _ in range(20):
            file = self._file_of(namespace)
            target = file.record.imports.get(name) if file is not None else None
            if target is None or target.attribute is None:
                break
            try:
                absolute = absolute_name(target.module, target.level, namespace)
            except (ImportError, ValueError):
                break
            source = sys.modules.get(absolute)
            value = namespace.get(name, MISSING)
            if not isinstance(source, ModuleType) or value is not source.__dict__.get(target.attribute):
                break
            module, namespace, name = source, source.__dict__, target.attribute
        return module.__name__, name

    def _file_of(self, namespace: dict[str, object]) -> SourceFile | None:
        path = namespace.get("__file__")
        return self.sources.file(path, namespace) if isinstance(path, str) and path.endswith(".py") else None

    def _may_come(self, namespace: dict[str, object], name: str) -> bool:
        """Tell whether a missing name will be bound later: its module is being imported, and binds it."""
        spec = namespace.get("__spec__")
        importing = getattr(spec, "_initializing", False) or namespace.get("__name__") == "__main__"
        if not importing:
            return False
        file = self._file_of(namespace)
        return file is None or name in file.record.bound

    # --- imports inside a body ----------------------------------------------------------------------------

    def _resolve_import(self, node: Node, ref: Ref, around: Surroundings) -> Edge:
        try:
            absolute = absolute_name(ref.base, ref.level, around.namespace)
        except (ImportError, ValueError):
            return _edge(ref.path, _unresolved("." * ref.level + ref.base))
        value = self._modules.find(absolute)
        if value is None:
            dotted = ".".join((absolute, *ref.path))
            return Edge(b"", named(dotted))
        node.guards.bindings.append((cast("dict[str, object]", sys.modules), absolute, value))
        path = list(ref.path)
        while (
            path
            and isinstance(value, ModuleType)
            and self.ownership.owns_module(value)
            and path[0] not in value.__dict__
        ):
            submodule = self._modules.find(f"{value.__name__}.{path[0]}")
            if submodule is None:
                break
            value = submodule
            path.pop(0)
        return self._walk(node, value, tuple(path), absolute, around.namespace)


class Attributes:
    """The attributes of an object, as guards read them: like a dict."""

    __slots__ = ("_owner",)

    def __init__(self, owner: object) -> None:
        self._owner = owner

    def get(self, name: str, default: object = None) -> object:
        """Return an attribute."""
        return getattr(self._owner, name, default)


def _edge(rest: tuple[str, ...], target: Node) -> Edge:
    return Edge(".".join(rest).encode(), target)


def _unresolved(name: str) -> Node:
    return leaf("unresolved", name, token_digest(b"unresolved", name.encode()))
