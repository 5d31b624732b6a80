"""Follow what a class is made of: its definition, its user-defined bases, its methods, and what was attached later."""

from __future__ import annotations

import abc
import copyreg
import enum
import functools
import linecache
import sys
import typing
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import Any, cast

from merkl.fingerprint.contents import given_to_member
from merkl.fingerprint.fields import OPTIONS_OF_CLASS, field_values
from merkl.fingerprint.guards import MISSING, Content
from merkl.fingerprint.naming import mangled
from merkl.fingerprint.nodes import ONLY_MENTIONED, Edge, Node
from merkl.fingerprint.reach import Hidden, Reach, Surroundings
from merkl.fingerprint.records import ClassRecord, DefinitionRecord, Fragment
from merkl.fingerprint.sources import SourceFile
from merkl.fingerprint.unnamed_calls import DUCK_METHODS, PLAIN_BASES, PLAIN_DECORATORS
from merkl.hashing.fingerprints import fragment_digest

__all__ = ["Subclasses", "class_records", "expand_class", "expand_subclasses", "functions_in"]

_NEUTRAL_BASES: tuple[object, ...] = (object, abc.ABC, typing.Generic, typing.Protocol)
_NEUTRAL_METACLASSES = (type, abc.ABCMeta, type(typing.Protocol), enum.EnumMeta)
_ATOMS = (bool, int, float, complex, str, bytes, type(None))
#: Attributes of these types count by what they hold when the class is looked at: registries are filled from elsewhere.
_CONTAINERS = (list, tuple, dict, set, frozenset, deque, defaultdict, OrderedDict)


def expand_class(reach: Reach, node: Node, cls: type) -> None:
    """Give the node of a user's class its own digest, its edges, and its guards."""
    found = class_records(reach, cls)
    if found is None:
        _expand_object(reach, node, cls)
        return
    file, records, around = found
    node.own = fragment_digest([b"class", cls.__qualname__.encode()])
    node.location = f"{reach.ownership.relative(file.path)}:{records[0].line}"
    node.text = lambda: "\n".join(file.text(r.line, r.last_line) for r in records)
    for record in records:
        reach.add_fragment(node, record.core, around, b"class")
        for decorator in record.decorators:
            reach.add_fragment(node, decorator, around, b"decorator")
        if record.decorators or _reads_annotations(reach, cls):
            reach.add_fragment(node, record.annotations, around, b"annotations")
        _add_methods(reach, node, cls, file, record, around)
    _watch_shape(node, cls)
    _add_bases(reach, node, cls)
    _add_attached(reach, node, cls, file, records)
    _add_fields(reach, node, cls)
    _add_virtual(reach, node, cls)
    _add_found_by_others(reach, node, cls)


@dataclass(slots=True, frozen=True)
class Subclasses:
    """What `cls.__subclasses__()` gives, where code that is reached asks for it."""

    of: type


def expand_subclasses(reach: Reach, node: Node, subclasses: Subclasses) -> None:
    """Give a node the user's direct subclasses of a class; their own come along with each of them."""
    node.own = fragment_digest([b"subclasses"])
    node.guards.contents.append(Content(subclasses.of, _identities_of_subclasses))
    # What a decorator has replaced (a dataclass with slots) stays in the list until it is collected: the last one counts.
    direct: list[type] = type.__subclasses__(subclasses.of)
    found = {f"{cls.__module__}.{cls.__qualname__}": cls for cls in direct}
    for _, cls in sorted(found.items()):
        if reach.ownership.owns_class(cls):
            node.edges.append(Edge(b"subclass", reach.node_for(cls, cls.__qualname__)))


def _identities_of_subclasses(cls: type) -> list[int]:
    direct: list[type] = type.__subclasses__(cls)
    return list(map(id, direct))


def functions_in(value: object) -> Iterator[FunctionType]:
    """Yield the plain functions in an entry of a class: a method, a property's three, a class or static method."""
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, staticmethod | classmethod):
        yield from functions_in(value.__func__)
    elif isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from functions_in(part)
    elif isinstance(
        value, (functools.cached_property | functools.partialmethod, functools.singledispatchmethod)
    ):
        yield from functions_in(value.func)


def class_records(reach: Reach, cls: type) -> tuple[SourceFile, list[ClassRecord], Surroundings] | None:
    """Return the definition of a class and what is around it; several where nothing tells which of that name it is."""
    lines = {fn.__code__.co_firstlineno for v in vars(cls).values() for fn in functions_in(v)}
    for path in _paths_of(cls):
        found = reach.sources.classes(cls, path)
        if found is None:
            continue
        file, records = found
        first = getattr(cls, "__firstlineno__", None)
        exact = [r for r in records if r.line == first]
        holding = [r for r in records if any(r.line <= line <= r.last_line for line in lines)]
        return file, exact or holding or records, Surroundings(_namespace(cls, file), _cells(cls))
    return None


def _paths_of(cls: type) -> Iterator[str]:
    module = sys.modules.get(cls.__module__)
    path = getattr(module, "__file__", None)
    if isinstance(path, str):
        yield path
    for value in vars(cls).values():
        for fn in functions_in(value):
            if fn.__module__ == cls.__module__ and fn.__code__.co_filename != path:
                yield fn.__code__.co_filename
    if not isinstance(path, str):
        # Cells and lines of a prompt, the newest first.
        yield from reversed([name for name in linecache.cache if name.startswith("<") or "ipykernel" in name])


def _namespace(cls: type, file: SourceFile) -> dict[str, object]:
    for value in vars(cls).values():
        for fn in functions_in(value):
            if fn.__code__.co_filename == file.path:
                return fn.__globals__
    module = sys.modules.get(cls.__module__)
    return vars(module) if module is not None else {}


def _cells(cls: type) -> dict[str, CellType]:
    """Return the closure of a class defined inside a function, as far as its methods hold it."""
    cells: dict[str, CellType] = {}
    for value in vars(cls).values():
        for fn in functions_in(value):
            if fn.__qualname__.startswith(cls.__qualname__ + "."):
                cells.update(zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True))
    cells.pop("__class__", None)
    return cells


def _reads_annotations(reach: Reach, cls: type) -> bool:
    """Tell whether something may have read the annotations: a metaclass, a base, or a base's hook."""
    if type(cls) not in (type, abc.ABCMeta, type(typing.Protocol)):
        return True
    for base in cls.__mro__[1:]:
        if base in _NEUTRAL_BASES:
            continue
        if (
            not reach.ownership.owns_class(base)
            or "__init_subclass__" in vars(base)
            or "__dataclass_fields__" in vars(base)
        ):
            return True
    return False


def _add_methods(
    reach: Reach, node: Node, cls: type, file: SourceFile, record: ClassRecord, around: Surroundings
) -> None:
    whole = _calls_all_methods(reach, node, cls, record, around)
    for index in record.methods:
        method = file.record.definitions[index]
        name = mangled(record.name, method.name)
        entry = vars(cls).get(name, MISSING)
        node.guards.bindings.append((vars(cls), name, entry))
        for fn in functions_in(entry):
            if reach.sources.matches(fn.__code__, method):
                target = reach.node_for(fn, fn.__qualname__)
                break
        else:
            # Hidden in a wrapper, or replaced: what the source says counts nevertheless.
            hidden = Hidden(file, method, around)
            target = Node("code", f"{cls.__module__}.{method.qualname}", subject=hidden, expanded=False)
        if whole or _is_called_unnamed(reach, node, method, around):
            node.edges.append(Edge(b"method " + method.name.encode(), target))
        else:
            node.methods.append((method.name, target))


def _calls_all_methods(
    reach: Reach, node: Node, cls: type, record: ClassRecord, around: Surroundings
) -> bool:
    """Tell whether others may call methods of a class by name: a library's base or metaclass, a decorator."""
    if type(cls) not in _NEUTRAL_METACLASSES:
        return True
    for base in cls.__mro__[1:]:
        if base not in _NEUTRAL_BASES and base not in PLAIN_BASES and not reach.ownership.owns_class(base):
            return True
    return any(_is_unknown(reach, node, decorator, around) for decorator in record.decorators)


def _is_called_unnamed(reach: Reach, node: Node, method: DefinitionRecord, around: Surroundings) -> bool:
    """Tell whether a method may be called without any code that is reached saying its name."""
    name = method.name
    return (
        (name.startswith("_") and name.endswith("_"))
        or name in DUCK_METHODS
        or any(_is_unknown(reach, node, decorator, around) for decorator in method.decorators)
    )


def _is_unknown(reach: Reach, node: Node, decorator: Fragment, around: Surroundings) -> bool:
    """Tell whether a decorator may keep what it decorates for others to call."""
    targets = reach.decorator_targets(node, decorator, around)
    if len(targets) == 1 and decorator.refs[0].path[-1:] in (("setter",), ("getter",), ("deleter",)):
        return False
    return not (targets and targets[0].name in PLAIN_DECORATORS)


def _watch_shape(node: Node, cls: type) -> None:
    """Look again where a class gets other bases, or an attribute that hides what it inherits."""
    node.guards.shapes.append((cls, cls.__bases__, len(vars(cls))))


def _add_bases(reach: Reach, node: Node, cls: type) -> None:
    for base in cls.__bases__:
        if base is not object:
            node.edges.append(Edge(b"base", reach.node_for(base, base.__qualname__)))
    if type(cls) is not type:
        node.edges.append(Edge(b"metaclass", reach.node_for(type(cls), type(cls).__qualname__)))


def _add_attached(reach: Reach, node: Node, cls: type, file: SourceFile, records: list[ClassRecord]) -> None:
    """Add what the class holds that its definition does not show: attributes set later, wrappers, tasks."""
    own = {
        mangled(record.name, method.name): method
        for record in records
        for method in (file.record.definitions[index] for index in record.methods)
    }
    is_enum = "_member_map_" in vars(cls)
    if is_enum:
        _add_members(reach, node, cast("type[enum.Enum]", cls))
    for name, value in sorted(vars(cls).items()):
        if is_enum and (not isinstance(value, FunctionType) or name in {"_generate_next_value_", "__new__"}):
            continue
        functions = list(functions_in(value))
        if functions:
            fresh = [
                fn
                for fn in functions
                if reach.ownership.owns_function(fn)
                and not _is_generated(fn)
                and not (name in own and reach.sources.matches(fn.__code__, own[name]))
            ]
            for fn in fresh:
                node.edges.append(
                    Edge(b"attached " + name.encode(), reach.node_for(fn, f"{cls.__qualname__}.{name}"))
                )
        elif not name.startswith("__") and name != "_abc_impl":
            _add_attribute(reach, node, cls, name, value, is_shown=name in own)


def _add_members(reach: Reach, node: Node, cls: type[enum.Enum]) -> None:
    """Add what the members of an enum were given beside their values."""
    for member_name, member in cls.__members__.items():
        node.guards.contents.append(Content(vars(member)))
        for name, value in given_to_member(member):
            label = f"{member_name}.{name}"
            _add_if_known(reach, node, f"member {label}".encode(), value, f"{cls.__qualname__}.{label}")


def _add_attribute(
    reach: Reach, node: Node, cls: type, name: str, value: object, *, is_shown: bool = False
) -> None:
    """Add an entry of a class that is no method, what is the bookkeeping of a metaclass only if it has bytes."""
    if (
        is_shown
        or type(value) in _ATOMS
        or (type(value) in _CONTAINERS and not _is_made_by_metaclass(cls, name))
        or hasattr(type(value), "__merkl_task__")
        or _is_instance_of_users(reach, value)
    ):
        node.guards.bindings.append((vars(cls), name, value))
        target = reach.node_for(value, f"{cls.__qualname__}.{name}")
        node.edges.append(Edge(b"attribute " + name.encode(), target))
    else:
        _add_if_known(reach, node, b"attribute " + name.encode(), value, f"{cls.__qualname__}.{name}")


def _add_fields(reach: Reach, node: Node, cls: type) -> None:
    """Add what the fields of the loaded class hold."""
    for label, value in field_values(cls):
        _add_if_known(reach, node, label.encode(), value, _name_of_field(cls, label))


def _name_of_field(cls: type, label: str) -> str:
    """Return what people know a part of a class by."""
    kind, _, name = label.partition(" ")
    if label == OPTIONS_OF_CLASS:
        return f"options of {cls.__qualname__}"
    return f"options of {cls.__qualname__}.{name}" if kind == "flags" else f"{cls.__qualname__}.{name}"


def _add_if_known(reach: Reach, node: Node, label: bytes, value: object, name: str) -> None:
    """Add a value that the source of its class shows too: where it has no bytes, the source is enough."""
    target = reach.known_node(value, name)
    if target is not None:
        node.edges.append(Edge(label, target))


def _add_virtual(reach: Reach, node: Node, cls: type) -> None:
    """Add the classes that are registered as subclasses of an abstract one: `isinstance` asks for them."""
    if type(cls) is not abc.ABCMeta:
        return
    node.guards.contents.append(Content(cls, lambda _: abc.get_cache_token()))
    registered = [found for found in (reference() for reference in _registry_of(cls)) if found is not None]
    for other in sorted(registered, key=lambda other: (other.__module__, other.__qualname__)):
        node.edges.append(Edge(b"registered", reach.node_for(other, other.__qualname__)))


def _add_found_by_others(reach: Reach, node: Node, cls: type) -> None:
    """Add what finds the class, not the other way round: its subclasses, and how pickle and copy take it apart."""
    subclasses = Node(
        "class", f"the subclasses of {cls.__qualname__}", subject=Subclasses(cls), expanded=False
    )
    node.methods.append((ONLY_MENTIONED, subclasses))
    table: dict[Any, Any] = copyreg.dispatch_table
    reducer = table.get(cls, MISSING)
    node.guards.bindings.append((table, cast("Any", cls), reducer))
    # Of exceptions a library that is imported takes on all that there are (tblib, and so Dask): they are no others by that.
    is_of_all = issubclass(cls, BaseException) and isinstance(reducer, FunctionType)
    if reducer is not MISSING and not (is_of_all and not reach.ownership.owns_function(cast("Any", reducer))):
        node.edges.append(Edge(b"reducer", reach.node_for(reducer, f"the reducer of {cls.__qualname__}")))


def _registry_of(cls: type) -> Iterable[Callable[[], type | None]]:
    dump = getattr(abc, "_get_dump", None)  # a private function; without it registrations go unseen
    return dump(cls)[0] if dump is not None else ()


def _is_made_by_metaclass(cls: type, name: str) -> bool:
    """Tell whether an attribute may be the bookkeeping of a metaclass: it is made of what the definition shows."""
    return type(cls) not in _NEUTRAL_METACLASSES or name in ("_fields", "_field_defaults")


def _is_instance_of_users(reach: Reach, value: object) -> bool:
    return not isinstance(value, type) and reach.ownership.owns_class(type(value))


def _expand_object(reach: Reach, node: Node, cls: type) -> None:
    """Take a class without source (made by `type()`, `make_dataclass`, `namedtuple`, a prompt) as what it holds."""
    node.own = fragment_digest([b"class object", cls.__qualname__.encode()])
    node.kind = "class_object"
    node.text = f"<no source for class {cls.__qualname__}>"
    is_enum, fields = "_member_map_" in vars(cls), vars(cls).get("_fields", ())
    for name, value in sorted(vars(cls).items()):
        node.guards.bindings.append((vars(cls), name, value))
        functions = [fn for fn in functions_in(value) if not _is_generated(fn)]
        if functions:
            for fn in functions:
                node.edges.append(
                    Edge(b"method " + name.encode(), reach.node_for(fn, f"{cls.__qualname__}.{name}"))
                )
        elif not (name.startswith("__") or name == "_abc_impl" or is_enum or name in fields):
            _add_attribute(reach, node, cls, name, value)
    names = [*fields, *vars(cls).get("__annotations__", {})]
    node.own = fragment_digest([node.own, *(repr(str(name)).encode() for name in names)])
    _add_fields(reach, node, cls)
    _watch_shape(node, cls)
    _add_bases(reach, node, cls)
    _add_found_by_others(reach, node, cls)


def _is_generated(fn: FunctionType) -> bool:
    """Tell whether a method was made by the standard library or attrs: it says nothing that the fields don't say."""
    code, module = fn.__code__, str(fn.__globals__.get("__name__"))
    if module in ("collections", "dataclasses") or module.startswith("namedtuple_"):
        return True
    if module == "reprlib":  # around a method that may be the user's
        inner = [cell.cell_contents for cell in fn.__closure__ or ()]
        return all(_is_generated(each) for each in inner if isinstance(each, FunctionType))
    return code.co_qualname.startswith("__create_fn__.") or code.co_filename.startswith("<attrs ")
