"""The node of any value: constants by canonical bytes, containers and instances by what they hold, code by following it."""

from __future__ import annotations

import abc
import contextvars
import enum
import functools
import operator
import re
import struct
import types
import typing
import weakref
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, MethodWrapperType, ModuleType

from merkl.fingerprint.classes import Subclasses, expand_class, expand_subclasses
from merkl.fingerprint.contents import (
    ATOMS,
    CONTAINERS,
    MAPPINGS,
    SEQUENCES,
    SETS,
    WEAK,
    attributes_of,
    contents_in,
    current_value,
    given_to_member,
    is_plain,
    ordered,
    preview,
    reduced,
    remembered_by,
    state_of,
    weakly_held,
)
from merkl.fingerprint.foreign import expand_foreign, expand_proxy, holds_users, is_proxy
from merkl.fingerprint.guards import Content, Guards, Identical, raw_items
from merkl.fingerprint.naming import module_name, name_of, package_of
from merkl.fingerprint.nodes import Edge, Node
from merkl.fingerprint.reach import Attributes, Hidden, Reach, Surroundings, leaf, named
from merkl.fingerprint.readers import Annotations, annotations_of, expand_annotations
from merkl.fingerprint.tokens import constant_token, words_of
from merkl.hashing.fingerprints import fragment_digest, token_digest

__all__ = ["Values"]

_C_DESCRIPTORS = (
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
)
_HINTS = (types.GenericAlias, types.UnionType, typing.TypeVar, typing.NewType, typing.ParamSpec)
#: What an instance of a subclass holds beside its attributes.
_HOLDERS: tuple[type, ...] = (dict, list, tuple, set, frozenset, deque)
_SCALARS: tuple[typing.Any, ...] = (str, bytes, int, float, complex)
#: Bases of a user's class whose instances hold nothing but attributes, or what is taken already.
_NOTHING_MORE: tuple[object, ...] = (
    object,
    abc.ABC,
    typing.Generic,
    typing.Protocol,
    bool,
    *_HOLDERS[:-1],
    *_SCALARS,
)
#: Marks a hint that is told by what it says, not by the class of the object that says it.
_HINT = b"hint"


class Values:
    """Gives every value its node; nodes of things with an identity are made once and expanded later."""

    def __init__(
        self,
        reach: Reach,
        encode: Callable[[object], bytes],
        classes_in: Callable[[object], tuple[bytes, Iterable[type]]] | None = None,
    ) -> None:
        self._reach = reach
        self._encode = encode
        self._encode_with_classes = classes_in or (lambda value: (encode(value), ()))
        self._nodes: dict[int, Node] = {}
        self._annotations: dict[int, tuple[Node, Node]] = {}
        reach.node_for = self.node_for
        reach.known_node = self.known_node
        reach.module_node = self._module

    def node_for(self, value: object, name: str) -> Node:
        """Return the node of a value that was found under a name."""
        kind = type(value)
        if kind in ATOMS:
            return self._constant(value, name)
        known = self._nodes.get(id(value))
        if known is not None:
            return known
        if value.__class__ is not kind and is_proxy(value):
            return self._later("proxy", name, value)
        if hasattr(kind, "__merkl_key__"):
            key: bytes = value.__merkl_key__()  # type: ignore[attr-defined]
            return leaf("future", name, token_digest(b"future", key), text=name)
        if hasattr(kind, "__merkl_task__"):
            return self._later("task", name, value)
        if isinstance(value, ModuleType):
            return self._module(value)
        if isinstance(value, type) and not isinstance(value, types.GenericAlias):  # type: ignore[unreachable]
            return self._class(value)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, BuiltinFunctionType | MethodWrapperType):
            return self._builtin(value, name)
        if isinstance(value, _C_DESCRIPTORS):
            return named(
                f"{name_of(getattr(value, '__objclass__', type(value)))}.{getattr(value, '__name__', '')}"
            )
        if isinstance(value, enum.Enum):
            return self._later("enum", name, value)
        return self._later("constant", name, value)

    def known_node(self, value: object, name: str) -> Node | None:
        """Return the node of a value, None for an object of somebody else's class that has no canonical bytes."""
        kind = type(value)
        if kind not in ATOMS and not callable(value) and not self._reach.ownership.owns_class(kind):
            if kind in _C_DESCRIPTORS:
                return None
            if isinstance(value, _HINTS):
                return self.node_for(value, name)
            try:
                self._encode(value)
            except Exception:  # noqa: BLE001 - whatever an encoder raises
                return None
        return self.node_for(value, name)

    def annotations_of(self, node: Node) -> Node | None:
        """Return the node of the annotations of what a node stands for, the same one each time."""
        known = self._annotations.get(id(node))
        if known is not None:
            return known[1]
        made = annotations_of(node)
        if made is not None:
            self._annotations[id(node)] = (node, made)
        return made

    def expand(self, node: Node) -> None:
        """Fill in what a node says and uses."""
        value = node.subject
        node.expanded = True
        if node.kind in {"code", "code_object"} and isinstance(value, FunctionType):
            self._reach.expand_function(node, value)
        elif isinstance(value, Hidden):
            self._reach.expand_hidden(node, value)
        elif isinstance(value, Annotations):
            expand_annotations(self._reach, node, value)
        elif isinstance(value, Subclasses):
            expand_subclasses(self._reach, node, value)
        elif node.kind in {"class", "class_object"} and isinstance(value, type):
            expand_class(self._reach, node, value)
        elif node.kind == "module" and isinstance(value, ModuleType):
            self._expand_module(node, value)
        elif node.kind == "task":
            self._expand_task(node, value)
        elif node.kind == "proxy":
            expand_proxy(self._reach, node, value)
        else:
            self._expand_value(node, value)

    def reset(self, node: Node) -> None:
        """Make a node forget what it says, so that it is found out again."""
        node.edges = []
        node.guards = Guards()
        node.expanded = False
        node.methods.clear()
        node.mentions = frozenset()
        node.is_dynamic = False
        node.opaque = ""
        node.is_complete = node.from_source = True
        node.digest = None
        if node.kind == "code_object":
            node.kind = "code"

    # --- nodes that are made at once ----------------------------------------------------------------------

    def _later(self, kind: str, name: str, value: object) -> Node:
        node = self._nodes[id(value)] = Node(kind, name, subject=value, expanded=False)
        return node

    def _constant(self, value: object, name: str) -> Node:
        node = leaf("constant", name, token_digest(b"atom", constant_token(value)))
        node.text = preview(value, name)
        if isinstance(value, str):
            node.mentions = frozenset(words_of(value))
        return node

    def _class(self, cls: type) -> Node:
        if self._reach.ownership.owns_class(cls):
            return self._later("class", f"{cls.__module__}.{cls.__qualname__}", cls)
        return named(name_of(cls))

    def _function(self, fn: FunctionType) -> Node:
        if self._reach.ownership.owns_function(fn):
            return self._later("code", f"{fn.__module__}.{fn.__qualname__}", fn)
        if fn.__closure__ or "__wrapped__" in fn.__dict__:
            return self._later("wrapper", name_of(fn), fn)
        return named(name_of(fn))

    def _builtin(self, fn: BuiltinFunctionType | MethodWrapperType, name: str) -> Node:
        owner = fn.__self__
        if owner is None or isinstance(owner, ModuleType):
            return named(name_of(fn))
        if isinstance(owner, type) and not self._reach.ownership.owns_class(owner):
            return named(f"{name_of(owner)}.{fn.__name__}")
        return self._later("constant", name, fn)

    def _module(self, module: ModuleType) -> Node:
        known = self._nodes.get(id(module))
        if known is not None:
            return known
        if self._reach.ownership.owns_module(module):
            return self._later("module", module.__name__, module)
        return named(module_name(module))

    # --- nodes that are filled in later -------------------------------------------------------------------

    def _expand_module(self, node: Node, module: ModuleType) -> None:
        """Take a module as a whole: all of its source, and what it imports from the user's other modules."""
        path = module.__dict__.get("__file__")
        file = self._reach.sources.file(path, module.__dict__) if isinstance(path, str) else None
        if file is None:
            node.own = fragment_digest([b"module without source", module.__name__.encode()])
            for name, value in sorted(module.__dict__.items()):
                if not name.startswith("__"):
                    node.edges.append(Edge(name.encode(), self.node_for(value, f"{module.__name__}.{name}")))
            return
        node.own = fragment_digest([b"module", file.whole().digest])
        node.location = f"{self._reach.ownership.relative(file.path)}:1"
        node.text = file.source
        self._reach.follow(node, file.whole(), Surroundings(module.__dict__), b"module")
        node.guards.contents.append(Content(module.__dict__))
        for name, value in sorted(module.__dict__.items()):
            if name.startswith("__") or name in file.record.imports:
                continue
            is_foreign = isinstance(value, FunctionType) and value.__code__.co_filename != file.path
            if (
                type(value) in ATOMS
                or type(value) in CONTAINERS
                or (is_foreign and holds_users(self._reach, value))
            ):
                target = self.known_node(value, f"{module.__name__}.{name}")
                if target is not None:
                    node.edges.append(Edge(b"holds " + name.encode(), target))

    def _expand_task(self, node: Node, value: object) -> None:
        task = value.__merkl_task__  # type: ignore[attr-defined]
        version = getattr(task, "code_version", None)
        node.own = fragment_digest(
            [b"task", repr(version).encode(), repr(getattr(task, "hash_key", None)).encode()]
        )
        node.text = node.name
        fn = self.node_for(task.fn, node.name)
        node.edges.append(Edge(b"task", fn))
        for number, dep in enumerate(task.deps or ()):
            node.edges.append(Edge(b"dep %d" % number, self.node_for(dep, f"{node.name}.deps[{number}]")))

    def _expand_value(self, node: Node, value: object) -> None:
        kind = type(value)
        node.text = preview(value, node.name)
        if isinstance(value, FunctionType):
            self._expand_wrapper(node, value)
        elif isinstance(value, enum.Enum):
            node.own = fragment_digest([b"enum", value.name.encode()])
            self._edge(node, b"class", kind)
            self._edge(node, b"value", value.value)
            self._add_attributes_of_member(node, value)
        elif kind in SEQUENCES or kind in SETS or kind in MAPPINGS:
            self._expand_container(node, value)
        elif kind in WEAK:
            self._expand_weak(node, value)
        elif not self._expand_callable(node, value):
            self._expand_instance(node, value)

    def _add_attributes_of_member(self, node: Node, member: enum.Enum) -> None:
        """Add what a member of an enum was given beside its value, such as a label."""
        node.guards.contents.append(Content(vars(member)))
        for name, item in given_to_member(member):
            self._edge(node, b"." + name.encode(), item, f"{node.name}.{name}")

    def _edge(self, node: Node, label: bytes, value: object, name: str | None = None) -> None:
        node.edges.append(Edge(label, self.node_for(value, name or node.name)))

    def _expand_wrapper(self, node: Node, fn: FunctionType) -> None:
        """Take a function that a library made around something: its name, and what of the user's it holds."""
        node.own = fragment_digest([b"wrapper", name_of(fn).encode()])
        seen: list[object] = [fn.__dict__["__wrapped__"]] if "__wrapped__" in fn.__dict__ else []
        for cell in fn.__closure__ or ():
            try:
                seen.append(cell.cell_contents)
            except ValueError:
                continue
        registry = fn.__dict__.get("registry")
        if isinstance(registry, Mapping):
            node.guards.contents.append(Content(registry))
            for cls, implementation in sorted(registry.items(), key=lambda item: name_of(item[0])):
                self._edge(node, b"dispatch " + name_of(cls).encode(), implementation)
                self._edge(node, b"on", cls)
        is_librarys = bool(package_of(str(fn.__globals__.get("__name__"))))
        for number, value in enumerate(seen):
            if type(value) in ATOMS or callable(value):
                self._edge(node, b"holds %d" % number, value)
            # What a library makes of a function may depend on its annotations (validation, command lines).
            annotations = self.annotations_of(self.node_for(value, node.name)) if is_librarys else None
            if annotations is not None:
                node.edges.append(Edge(b"annotations %d" % number, annotations))

    def _expand_container(self, node: Node, value: object) -> None:
        kind = type(value)
        node.guards.contents.extend(contents_in(value))
        if is_plain(value):
            digest = self._plain_digest(value)
            if digest is not None:
                node.digest = digest
                return
        bound = repr(value.maxlen).encode() if isinstance(value, deque) else b""
        node.own = fragment_digest([b"container", kind.__name__.encode(), bound])
        if kind in MAPPINGS:
            if isinstance(value, defaultdict):
                self._edge(node, b"default_factory", value.default_factory)
            for key, item in typing.cast("Mapping[object, object]", value).items():
                self._edge(node, b"key", key)
                self._edge(node, b"item", item, f"{node.name}[{key!r}]" if type(key) in ATOMS else None)
            return
        items = list(typing.cast("typing.Iterable[object]", value))
        if kind in SETS:
            items.sort(key=self._order_in_set)
        for number, item in enumerate(items):
            self._edge(node, b"item", item, f"{node.name}[{number}]" if kind not in SETS else None)

    def _expand_weak(self, node: Node, value: object) -> None:
        """Take a container that keeps nothing alive: the code that it leads to, not values that may go at any time."""
        node.own = fragment_digest([b"weak container", type(value).__name__.encode()])
        node.guards.contents.append(Content(value, weakly_held))
        for key, held in weakly_held(value):
            self._edge(node, b"key", key)
            self._edge(node, b"held", held)

    def _order_in_set(self, item: object) -> tuple[str, bytes]:
        """Return what puts the items of a set into one order in every process."""
        name = name_of(item if hasattr(item, "__qualname__") else type(item))
        try:
            return name, self._encode(item)
        except Exception:  # noqa: BLE001 - an item without canonical bytes has its name alone
            return name, b""

    def _plain_digest(self, value: object) -> bytes | None:
        """Return the digest of a container of plain values by its canonical bytes, None if it has none."""
        in_order = ordered(value)
        try:
            shape = () if in_order is value else (self._encode(in_order),)
            return token_digest(b"constant", self._encode(value), *shape)
        except Exception:  # noqa: BLE001 - whatever an encoder raises: then item by item
            return None

    def _expand_callable(self, node: Node, value: object) -> bool:
        """Take the callables and descriptors that hold others; tell whether it was one."""
        parts: list[tuple[bytes, object]] | None = None
        match value:
            case MethodType():
                parts = [(b"method", value.__func__), (b"self", value.__self__)]
            case functools.partial() | functools.partialmethod():
                node.guards.contents.append(Content(value.keywords))
                parts = [
                    (b"function", value.func),
                    (b"args", value.args),
                    (b"keywords", dict(value.keywords)),
                ]
            case staticmethod() | classmethod():
                parts = [(b"function", value.__func__)]
            case property():
                parts = [(b"get", value.fget), (b"set", value.fset), (b"delete", value.fdel)]
            case functools.cached_property():
                parts = [(b"function", value.func)]
            case functools.singledispatchmethod():
                parts = [(b"function", value.dispatcher)]
            case operator.attrgetter() | operator.itemgetter() | operator.methodcaller():
                parts = [(b"arguments", value.__reduce__()[1])]
                node.mentions = frozenset(words_of(repr(value)))
            case struct.Struct():
                parts = [(b"format", value.format)]
            case weakref.ReferenceType():
                parts = [(b"referent", value())]
            case contextvars.ContextVar():
                node.guards.contents.append(Content(value, lambda it: Identical([current_value(it)])))
                parts = [(b"value", current_value(value))]
            case BuiltinFunctionType() | MethodWrapperType():
                node.own = value.__name__.encode()
                parts = [(b"self", value.__self__)]
            case _ if type(value).__module__ == "functools" and hasattr(value, "cache_info"):
                parts = [(b"wrapped", value.__wrapped__)]  # type: ignore[attr-defined]
            case _ if isinstance(value, _HINTS) or type(value).__module__ == "typing":
                parts = self._hint_parts(node, value)
        if parts is None:
            return False
        kind = b"hint" if node.own == _HINT else str(type(value).__qualname__).encode()
        node.own = fragment_digest([b"callable", kind, node.own])
        for label, part in parts:
            self._edge(node, label, part)
        return True

    def _hint_parts(self, node: Node, value: object) -> list[tuple[bytes, object]]:
        if isinstance(value, typing.NewType):
            node.own = value.__name__.encode()
            return [(b"supertype", value.__supertype__)]
        arguments = typing.get_args(value)
        if isinstance(value, typing.TypeVar) and (value.__bound__ or value.__constraints__):
            node.own = repr(value).encode()
            return [(b"bound", value.__bound__), (b"constraints", list(value.__constraints__))]
        if not arguments:
            node.own = re.sub(r"0x[0-9a-f]+", "", repr(value)).encode()
            return []
        origin = typing.get_origin(value)
        if origin is types.UnionType or origin is typing.Union:
            # `Optional[int]` and `int | None` are two types of object that mean the same.
            node.own = _HINT
            return [(b"member", member) for member in sorted(arguments, key=lambda m: m is types.NoneType)]
        node.own = _HINT
        return [(b"origin", origin), (b"arguments", list(arguments))]

    # --- instances ----------------------------------------------------------------------------------------

    def _expand_instance(self, node: Node, value: object) -> None:
        kind = type(value)
        if not self._reach.ownership.owns_class(kind):
            expand_foreign(self._reach, node, value, self._encode, self._encode_with_classes)
            return
        node.own = b"instance"
        self._edge(node, b"class", kind, kind.__qualname__)
        for base in _HOLDERS:
            if issubclass(kind, base):
                items = raw_items(value, base)
                self._edge(node, b"content", frozenset(items) if base in SETS else items)
                node.guards.contents.append(Content.of_subclass(value, base))
        for scalar in _SCALARS:
            if issubclass(kind, scalar):
                self._edge(node, b"content", scalar.__repr__(value))
        if any(
            base not in _NOTHING_MORE and not self._reach.ownership.owns_class(base) for base in kind.__mro__
        ):
            self._edge(node, b"reduced", reduced(value))
        vars_of = attributes_of(value)
        if vars_of is not None:
            is_all = not remembered_by(kind)
            node.guards.contents.append(Content(vars_of) if is_all else Content(value, _names_in))
        for name, item in state_of(value):
            node.guards.bindings.append((Attributes(value), name, item))
            self._edge(node, b"." + name.encode(), item, f"{node.name}.{name}")


def _names_in(value: object) -> list[str]:
    """Return the names of an instance's attributes, without what it only remembers."""
    return [name for name, _ in state_of(value)]
