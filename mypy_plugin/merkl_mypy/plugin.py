"""The plugin itself: which hook answers to which name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mypy.nodes import Decorator, FuncDef, OverloadedFuncDef, TypeInfo, Var
from mypy.options import Options
from mypy.plugin import (
    AnalyzeTypeContext,
    FunctionContext,
    FunctionSigContext,
    MethodContext,
    MethodSigContext,
    Plugin,
)
from mypy.types import FunctionLike, Type

from merkl_mypy import names
from merkl_mypy.calls import CallChecker
from merkl_mypy.decorators import decorator_applied, decorator_called
from merkl_mypy.guard import guarded_result, guarded_signature

_BUILTIN_MODULES = (
    "builtins.",
    "typing.",
    "typing_extensions.",
    "collections.",
    "functools.",
    "dataclasses.",
)


class MerklPlugin(Plugin):
    """Types the calls of tasks as those of plain functions, whose arguments may be Futures."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._calls = CallChecker()
        self._signature = guarded_signature(self._calls.signature)
        self._instance_signature = guarded_signature(self._calls.instance_signature)
        self._finish = self._calls.finish
        self._decorators = {
            name: guarded_result(decorator_called(kind)) for name, kind in names.DECORATORS.items()
        }
        self._decorator_calls = {
            name: guarded_result(decorator_applied(kind)) for name, kind in names.DECORATOR_CALLS.items()
        }

    def report_config_data(self, ctx: Any) -> Any:
        """A change of the plugin's own version makes mypy check everything again."""
        return {"merkl_mypy": names.VERSION}

    def get_type_analyze_hook(self, fullname: str) -> Callable[[AnalyzeTypeContext], Type] | None:
        """`AnyFunction` in the decorators' signatures is any object to this plugin."""
        return _any_function if fullname == names.ANY_FUNCTION else None

    def get_function_signature_hook(
        self, fullname: str
    ) -> Callable[[FunctionSigContext], FunctionLike] | None:
        """Calls of anything that may be a task."""
        if fullname.startswith(_BUILTIN_MODULES):
            return None
        if "." in fullname:
            symbol = self.lookup_fully_qualified(fullname)
            if symbol is not None and isinstance(symbol.node, (FuncDef, TypeInfo)):
                return None
        self._calls.name = fullname
        return self._signature

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        """Calls of methods that may be tasks, and of values of type Task."""
        if fullname.startswith(_BUILTIN_MODULES):
            return None
        if fullname in (f"{names.TASK}.__call__", f"{names.TASK_METHOD}.__call__"):
            self._calls.name = fullname
            return self._instance_signature
        owner, _, member = fullname.rpartition(".")
        symbol = self.lookup_fully_qualified(owner)
        if symbol is not None and isinstance(symbol.node, TypeInfo):
            found = symbol.node.get(member)
            if found is None or not isinstance(found.node, (Decorator, Var, OverloadedFuncDef)):
                return None
        self._calls.name = fullname
        return self._signature

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """Decorators, and the end of a call whose arguments were swapped."""
        if self._calls.pending and self._calls.awaits(fullname):
            return self._finish
        return self._decorators.get(fullname)

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        """The second step of a decorator with options, and the end of a call."""
        if self._calls.pending and self._calls.awaits(fullname):
            return self._finish
        return self._decorator_calls.get(fullname)


def _any_function(ctx: AnalyzeTypeContext) -> Type:
    return ctx.api.named_type("builtins.object", [])
