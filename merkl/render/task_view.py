"""What there is to see of a task: plain data first, then text."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from merkl_serializers import CanonicalRegistry

from merkl._base.hash_mode import HashMode
from merkl._base.hints import format_type
from merkl._base.places import shown_path, shown_place
from merkl.codecs import CodecRegistry
from merkl.execution.chronicle import describe_classes, describe_task
from merkl.execution.previews import preview_value
from merkl.graph.options import TaskOptions
from merkl.graph.outs import NamedOuts, Outs, SingleOut
from merkl.graph.session import sessions
from merkl.graph.signature import Parameter
from merkl.graph.task import Task
from merkl.render.call_states import place_components
from merkl.render.parameter_view import ParameterView, StoredView, view_codec, view_parameters

__all__ = ["OutView", "TaskView", "format_task", "view_task"]


class OutView(msgspec.Struct, frozen=True):
    """One out: its name (None where it is the only one), its type, and how it is stored."""

    name: str | None
    type: str
    stored: StoredView


class TaskView(msgspec.Struct, frozen=True):
    """A task as `merkl debug` shows it; `signature` has the types that its parameters take and what a call gives.

    `options` are those that differ from their defaults, `deps` what was declared, `packages` the versions of what the code
    reaches, whether or not they count. `components` are what the code hash covers, `classes` what keys cover besides: the
    user's classes among the annotations, with their methods.
    """

    name: str
    location: str
    signature: str
    parameters: tuple[ParameterView, ...]
    outs: tuple[OutView, ...]
    options: dict[str, str]
    deps: tuple[str, ...]
    packages: dict[str, str]
    code_hash: str
    components: tuple[dict[str, str], ...]
    classes: tuple[dict[str, str], ...]


def view_task(task: Task[..., Any, Any], registry: CanonicalRegistry, codecs: CodecRegistry) -> TaskView:
    """Return what there is to see of a task, given what encodes its arguments and stores its results."""
    outs = None if callable(task.options.outs) else task.outs_of(())
    fingerprint = task.fingerprint()
    components = describe_task(task)
    root = sessions.current().root
    return TaskView(
        name=f"{task.__module__}.{task.name}",
        location=_location(task),
        signature=_lifted_signature(task, outs),
        parameters=view_parameters(task, registry),
        outs=() if outs is None else tuple(_view_outs(task, outs, codecs)),
        options=_changed_options(task),
        deps=tuple(map(preview_value, task.options.deps)),
        packages=fingerprint.packages(),
        code_hash=fingerprint.digest.hex(),
        components=place_components(components, root),
        classes=place_components((one for one in describe_classes(task) if one not in components), root),
    )


def _view_outs(task: Task[..., Any, Any], outs: Outs, codecs: CodecRegistry) -> Iterator[OutView]:
    for name in outs.names():
        hint = outs.type_of(name)
        yield OutView(name, format_type(hint), view_codec(task, name, hint, codecs))


def _changed_options(task: Task[..., Any, Any]) -> dict[str, str]:
    defaults = TaskOptions()
    options = task.options._asdict()
    return {
        name: preview_value(value.value if isinstance(value, HashMode) else value)
        for name, value in options.items()
        if name != "deps" and value is not getattr(defaults, name) and value != getattr(defaults, name)
    }


def _location(task: Task[..., Any, Any]) -> str:
    if task.location:
        return shown_place(task.location)
    code = getattr(inspect.unwrap(task.fn), "__code__", None)
    return f"{shown_path(code.co_filename)}:{code.co_firstlineno}" if code is not None else ""


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
        words.append(_lifted_parameter(declaration, parameter))
    given = "…" if outs is None else _given_type(outs)
    one_line = f"{task.name}({', '.join(words)}) -> {given}"
    if len(one_line) <= 100:
        return one_line
    return f"{task.name}(\n" + "".join(f"    {word},\n" for word in words) + f") -> {given}"


_STARS: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def _lifted_parameter(declaration: inspect.Parameter, parameter: Parameter) -> str:
    stars = _STARS.get(declaration.kind, "")
    text = format_type(parameter.hint)
    lifted = "Any" if parameter.hint is Any else f"{text} | Future[{text}]"
    value = "***" if parameter.is_secret else repr(declaration.default)
    default = "" if declaration.default is declaration.empty else f" = {value}"
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
    """Return a task as text: signature, arguments, outs, options, code hash, and a line for each part of the fingerprint."""
    lines = [view.signature, "", f"defined at  {view.location}", f"code hash   {view.code_hash}"]
    if view.parameters:
        lines.append("arguments")
    for parameter in view.parameters:
        default = f" = {parameter.default}" if parameter.default else ""
        how = f"{parameter.serializer}: {parameter.why}" if parameter.serializer else parameter.why
        lines.append(f"  {parameter.name:<16} {parameter.type}{default}  [{how}]")
    lines.append("outs")
    for out in view.outs:
        stored = f"{', '.join(out.stored.codecs)}: {out.stored.why}"
        lines.append(f"  {'(one)' if out.name is None else out.name:<16} {out.type}  [{stored}]")
    if view.options:
        lines.append("options")
        lines += [f"  {name} = {text}" for name, text in view.options.items()]
    if view.deps:
        lines.append("declared dependencies")
        lines += [f"  {dep}" for dep in view.deps]
    if view.packages:
        lines.append("packages that it reaches")
        lines += [f"  {name} {version}" for name, version in view.packages.items()]
    lines += ["reaches", *_component_lines(view.components)]
    if view.classes:
        lines += ["classes of its arguments and outs", *_component_lines(view.classes)]
    return "\n".join(lines)


def _component_lines(components: Sequence[dict[str, str]]) -> Iterator[str]:
    width = max((len(c["kind"]) for c in components), default=0)
    for component in components:
        text = " ".join(component["text"].split())
        is_value = component["kind"] in ("constant", "option", "package", "command")
        shown = f" = {text[:60]}{'…' if len(text) > 60 else ''}" if is_value else ""
        place = f"  ({component['location']})" if component["location"] else ""
        yield f"  {component['kind']:<{width}}  {component['digest'][:12]}  {component['name']}{shown}{place}"
