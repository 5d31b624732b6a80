"""The plugin itself: which hook answers to which name."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from mypy.checker_state import checker_state
from mypy.nodes import Decorator, MypyFile, OverloadedFuncDef, TypeInfo, Var
from mypy.options import Options
from mypy.plugin import (
    AnalyzeTypeContext,
    AttributeContext,
    ClassDefContext,
    DynamicClassDefContext,
    FunctionContext,
    FunctionSigContext,
    MethodContext,
    MethodSigContext,
    Plugin,
    ReportConfigContext,
)
from mypy.types import FunctionLike, Type

from merkl_mypy import names
from merkl_mypy.attributes import attribute_hook
from merkl_mypy.calls import CallChecker
from merkl_mypy.decorators import decorator_applied, decorator_called
from merkl_mypy.early import EarlyTypes
from merkl_mypy.evaluate import evaluated
from merkl_mypy.guard import guarded_result, guarded_signature, guarded_start
from merkl_mypy.joins import Joins, first_display
from merkl_mypy.misuse import CODE_OF_METHOD, add_methods, attribute_read, method_used, written_to
from merkl_mypy.nameless import NamelessCalls, is_undecorated, may_be_task, name_method
from merkl_mypy.partials import MAP, PARTIAL, partial_called, partial_made
from merkl_mypy.pipes import piped_to
from merkl_mypy.review import PROBE, Reviews, add_trigger
from merkl_mypy.serializable import note_registration, registrations
from merkl_mypy.shell import shell_task
from merkl_mypy.surface import complete_task_class, leave_one_way
from merkl_mypy.walk import text_of

_BUILTIN_MODULES = (
    "builtins.",
    "typing.",
    "typing_extensions.",
    "collections.",
    "functools.",
    "dataclasses.",
)

# What mypy calls displays of lists and the like, which are calls to it.
_DISPLAYS = frozenset(["<list>", "<set>", "<dict>"])

_HOOKED_MODULES = (*_BUILTIN_MODULES, "enum.", "ctypes.")


class MerklPlugin(Plugin):
    """Types the calls of tasks as those of plain functions, whose arguments may be Futures."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._digest = _digest_of_sources()
        self._seen = 0  # so many of mypy's modules
        self._reviews = Reviews()
        self._calls = CallChecker(self._reviews)
        self._signature = guarded_signature(self._calls.signature)
        self._instance_signature = guarded_signature(self._calls.instance_signature)
        self._finish = self._calls.finish
        self._mapped = guarded_signature(self._calls.map_signature)
        self._nameless = NamelessCalls()
        self._joins = Joins()
        # Each puts nodes of its own into the module, behind which the ones before it do not look.
        starts = (EarlyTypes().begin, self._calls.eager.begin, self._nameless.begin, self._joins.begin)
        self._reviews.starts += map(guarded_start, starts)
        self._reviews.before += [self._joins.end, self._nameless.end]
        self._first_display = guarded_result(self._begin_at_display)
        self._name_method = guarded_result(name_method)
        self._methods: dict[str, bool] = {}  # attributes that were looked up, and whether they may be tasks
        self._misused = guarded_signature(method_used)
        self._written = guarded_signature(written_to)
        self._piped = guarded_signature(piped_to)
        self._attribute_read = guarded_result(attribute_read)
        self._attributes = {name: guarded_result(attribute_hook(name)) for name in names.TASK_ATTRIBUTES}
        self._functions = {
            **{name: guarded_result(decorator_called(kind)) for name, kind in names.DECORATORS.items()},
            PROBE: guarded_result(self._reviews.run),
            names.EVALUATE_FN: guarded_result(evaluated),
            names.ARG_SERIALIZER_FN: guarded_result(note_registration),
            names.BASH_TASK_FN: guarded_result(shell_task),
            names.CALLEE: guarded_result(self._nameless.called),
            names.JOINED: guarded_result(self._joins.joined),
            PARTIAL: guarded_result(partial_made),
            MAP: guarded_result(self._calls.map_done),
        }
        self._decorator_calls = {
            name: guarded_result(decorator_applied(kind)) for name, kind in names.DECORATOR_CALLS.items()
        } | {f"{PARTIAL}.__call__": guarded_result(partial_called)}

    def report_config_data(self, ctx: ReportConfigContext) -> Any:
        """A change of the plugin's own version makes mypy check everything again."""
        if ctx.is_check:  # the module may be taken from mypy's cache
            registrations.take(ctx.path)
        return {"merkl_mypy": self._digest}

    def get_additional_deps(self, file: MypyFile) -> list[tuple[int, str, int]]:
        """No deps; but each module that is not in mypy's cache comes by here before any is checked."""
        registrations.take(file.path)
        if not file.is_stub:
            text = text_of(file)
            self._nameless.read(file, text)
            self._joins.read(file, text)
        add_trigger(file)
        return []

    def _see_new_modules(self) -> None:
        """A module that mypy has in its cache, and checks again because of another one, comes by in no other place."""
        modules = self._modules
        if modules is not None and len(modules) > self._seen:
            for tree in itertools.islice(modules.values(), self._seen, None):
                add_trigger(tree)
            self._seen = len(modules)

    def get_type_analyze_hook(self, fullname: str) -> Callable[[AnalyzeTypeContext], Type] | None:
        """`AnyFunction` in the decorators' signatures is any object to this plugin."""
        self._see_new_modules()
        return _any_function if fullname == names.ANY_FUNCTION else None

    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        """Future's own class gets the methods whose use is reported; the decorators one signature."""
        self._see_new_modules()
        if fullname == names.FUTURE:
            return add_methods
        return leave_one_way if fullname.startswith(names.SURFACE_MODULES) else None

    def get_dynamic_class_hook(self, fullname: str) -> Callable[[DynamicClassDefContext], None] | None:
        """None; but mypy asks about each assignment of a call before it checks the module."""
        self._see_new_modules()
        return None

    def get_base_class_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        """`Task` gets exact signatures for those that other checkers see."""
        return complete_task_class if fullname == names.SURFACE else None

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        """Attributes of tasks, and attributes that a Future does not have."""
        if checker_state.type_checker is not self._reviews.last:
            self._reviews.ask_here()
        if fullname.startswith("merkl.graph."):
            owner, _, name = fullname.rpartition(".")
            if owner == names.TASK and name in names.TASK_ATTRIBUTES:
                return self._attributes[name]
            if owner == names.FUTURE:
                symbol = self.lookup_fully_qualified(owner)
                if symbol is not None and isinstance(symbol.node, TypeInfo) and symbol.node.get(name) is None:
                    return self._attribute_read
            return None
        return self._method(fullname)

    def get_class_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        """Class methods and static methods that may be tasks."""
        return self._method(fullname)

    def _method(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        # A hook of ours would stand in the way of mypy's own, such as the one for the names of enum members.
        if fullname.startswith(_HOOKED_MODULES):
            return None
        known = self._methods.get(fullname)
        if known is None:
            known = may_be_task(self, fullname)
            if known is not None:
                self._methods[fullname] = known
        return None if known is False else self._name_method

    def get_function_signature_hook(
        self, fullname: str
    ) -> Callable[[FunctionSigContext], FunctionLike] | None:
        """Calls of anything that may be a task."""
        if checker_state.type_checker is not self._reviews.last:
            self._reviews.ask_here()
        if fullname in self._calls.names:
            self._calls.name = fullname
            return self._signature
        if fullname.startswith(_BUILTIN_MODULES):
            return self._mapped if fullname == MAP else None
        if "." in fullname:
            symbol = self.lookup_fully_qualified(fullname)
            if symbol is not None and (isinstance(symbol.node, TypeInfo) or is_undecorated(symbol.node)):
                return None
        self._calls.name = fullname
        return self._signature

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        """Calls of methods that may be tasks, and of values of type Task."""
        if checker_state.type_checker is not self._reviews.last:
            self._reviews.ask_here()
        if fullname.startswith(_BUILTIN_MODULES):
            return None
        if fullname in self._calls.names:
            self._calls.name = fullname
            return self._signature
        if fullname in (f"{names.TASK}.__call__", f"{names.TASK_METHOD}.__call__"):
            self._calls.name = fullname
            return self._instance_signature
        owner, _, member = fullname.rpartition(".")
        if owner == names.FUTURE:
            if member in ("__gt__", "__rshift__"):
                return self._written
            if member == "__or__":
                return self._piped
            return self._misused if member in CODE_OF_METHOD else None
        symbol = self.lookup_fully_qualified(owner)
        if symbol is not None and isinstance(symbol.node, TypeInfo):
            found = symbol.node.get(member)
            if found is None or not isinstance(found.node, (Decorator, Var, OverloadedFuncDef)):
                return None
            if is_undecorated(found.node):
                return None
        self._calls.name = fullname
        return self._signature

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """Decorators, and the end of a call whose arguments were swapped."""
        if self._calls.pending and fullname != MAP and self._calls.awaits(fullname):
            return self._finish
        if fullname in _DISPLAYS and checker_state.type_checker is not self._reviews.last:
            return self._first_display  # mypy may ask twice, and wants the same answer
        return self._functions.get(fullname)

    def _begin_at_display(self, ctx: FunctionContext) -> Type:
        self._reviews.ask_here()  # too late for this display to be replaced
        return first_display(ctx)

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        """The second step of a decorator with options, and the end of a call."""
        if self._calls.pending and self._calls.awaits(fullname):
            return self._finish
        if fullname == f"{names.TASK_METHOD}.__call__":
            return self._finish
        return self._decorator_calls.get(fullname)


def _any_function(ctx: AnalyzeTypeContext) -> Type:
    return ctx.api.named_type("builtins.object", [])


def _digest_of_sources() -> str:
    """What mypy's cache is tied to: another version of the plugin checks everything afresh."""
    digest = sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
