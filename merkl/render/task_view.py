"""What there is to see of a task: plain data first, then text."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from merkl._base.hints import format_type
from merkl.fingerprint import Component
from merkl.graph.outs import NamedOuts, Outs, SingleOut
from merkl.graph.task import Task

__all__ = ["OutView", "TaskView", "format_task", "view_task"]


class OutView(msgspec.Struct, frozen=True):
    """One out: its name (None where it is the only one) and its type."""

    name: str | None
    type: str


class TaskView(msgspec.Struct, frozen=True):
    """A task as `merkl debug` shows it; `signature` has the types that its parameters take and what a call gives."""

    name: str
    location: str
    signature: str
    outs: tuple[OutView, ...]
    code_hash: str
    components: tuple[dict[str, str], ...]


def view_task(task: Task[..., Any, Any]) -> TaskView:
    """Return what there is to see of a task."""
    outs = None if callable(task.options.outs) else task.outs_of(())
    fingerprint = task.fingerprint()
    return TaskView(
        name=f"{task.__module__}.{task.name}",
        location=_location(task),
        signature=_lifted_signature(task, outs),
        outs=()
        if outs is None
        else tuple(OutView(name, format_type(outs.type_of(name))) for name in outs.names()),
        code_hash=fingerprint.digest.hex(),
        components=tuple(map(_component, fingerprint.components)),
    )


def _component(component: Component) -> dict[str, str]:
    return {
        "name": component.name,
        "kind": component.kind,
        "digest": component.digest,
        "location": component.location,
        "text": component.text,
    }


def _location(task: Task[..., Any, Any]) -> str:
    code = getattr(inspect.unwrap(task.fn), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""


def _lifted_signature(task: Task[..., Any, Any], outs: Outs | None) -> str:
    words: list[str] = []
    keyword_only = False
    declared = task.signature.signature.parameters.values()
    for declaration, parameter in zip(declared, task.signature.parameters, strict=True):
        if declaration.kind is declaration.VAR_POSITIONAL:
            keyword_only = True
        if declaration.kind is declaration.KEYWORD_ONLY and not keyword_only:
            words.append("*")
            keyword_only = True
        words.append(_lifted_parameter(declaration, parameter.hint))
    given = "…" if outs is None else _given_type(outs)
    one_line = f"{task.name}({', '.join(words)}) -> {given}"
    if len(one_line) <= 100:
        return one_line
    return f"{task.name}(\n" + "".join(f"    {word},\n" for word in words) + f") -> {given}"


_STARS: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def _lifted_parameter(declaration: inspect.Parameter, hint: Any) -> str:
    stars = _STARS.get(declaration.kind, "")
    text = format_type(hint)
    lifted = "Any" if hint is Any else f"{text} | Future[{text}]"
    default = "" if declaration.default is declaration.empty else f" = {declaration.default!r}"
    return f"{stars}{declaration.name}: {lifted}{default}"


def _given_type(outs: Outs) -> str:
    types = [f"Future[{format_type(outs.type_of(name))}]" for name in outs.names()]
    if isinstance(outs, SingleOut):
        return types[0]
    if isinstance(outs, NamedOuts):
        return (
            "{" + ", ".join(f"{name!r}: {kind}" for name, kind in zip(outs.names(), types, strict=True)) + "}"
        )
    return f"tuple[{', '.join(types)}]"


def format_task(view: TaskView) -> str:
    """Return a task as text: signature, outs, code hash, and a line for each component of the fingerprint."""
    lines = [view.signature, "", f"defined at  {view.location}", f"code hash   {view.code_hash}", "outs"]
    lines += [f"  {'(one)' if out.name is None else out.name:<16} {out.type}" for out in view.outs]
    lines.append("reaches")
    width = max((len(c["kind"]) for c in view.components), default=0)
    for component in view.components:
        text = " ".join(component["text"].split())
        shown = f" = {text[:60]}{'…' if len(text) > 60 else ''}" if component["kind"] == "constant" else ""
        place = f"  ({component['location']})" if component["location"] else ""
        lines.append(
            f"  {component['kind']:<{width}}  {component['digest'][:12]}  {component['name']}{shown}{place}"
        )
    return "\n".join(lines)
