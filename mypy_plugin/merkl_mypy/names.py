"""The full names of everything the plugin hooks or builds, in one place."""

from __future__ import annotations

from typing import Final

MERKL: Final = "merkl"
FUTURE: Final = "merkl.graph.future.Future"
TASK: Final = "merkl.graph.task.Task"
TASK_FN: Final = "merkl.graph.task.task"
BATCH_FN: Final = "merkl.graph.batch.batch"
PIPELINE_FN: Final = "merkl.graph.pipeline.pipeline"
EVALUATE_FN: Final = "merkl.workspace.values.evaluate"
BASH_TASK_FN: Final = "merkl.shell.bash.bash_task"
PLACEHOLDER_MODULES: Final = ("merkl.shell.placeholders", "merkl.shell", "merkl")
PLACEHOLDER: Final = "merkl.shell.placeholders.Placeholder"
ARG_SERIALIZER_FN: Final = "merkl_serializers.markers.arg_serializer"
EVAL: Final = "merkl.graph.building.Eval"
FILE_REF: Final = "merkl.files.fileref.FileRef"
DIR_REF: Final = "merkl.files.dirref.DirRef"

# Where the decorators' overloads for other checkers are.
SURFACE_MODULES: Final = ("merkl.graph.surface.", "merkl.graph.batch.", "merkl.graph.pipeline.")
SURFACE: Final = "merkl.graph.surface.TaskSurface"
TASK_DECORATOR: Final = "merkl.graph.surface.TaskDecorator"
BATCH_DECORATOR: Final = "merkl.graph.surface.BatchDecorator"
PIPELINE_DECORATOR: Final = "merkl.graph.surface.PipelineDecorator"
ANY_FUNCTION: Final = "merkl.graph.surface.AnyFunction"
TASK_METHOD: Final = "merkl.graph.surface.TaskMethod"

DECORATORS: Final = {
    TASK_FN: "task",
    "merkl.graph.surface.task": "task",
    BATCH_FN: "batch",
    "merkl.graph.surface.batch": "batch",
    PIPELINE_FN: "pipeline",
    "merkl.graph.surface.pipeline": "pipeline",
}
# What their calls with options are checked against.
OPTIONS: Final = {
    "task": "merkl.graph.surface.task_options",
    "batch": "merkl.graph.batch.batch_options",
    "pipeline": "merkl.graph.pipeline.pipeline_options",
}
DECORATOR_CALLS: Final = {
    f"{TASK_DECORATOR}.__call__": "task",
    "merkl.graph.surface.OneOutDecorator.__call__": "task",
    "merkl.graph.surface.TupleOutsDecorator.__call__": "task",
    "merkl.graph.surface.NamedOutsDecorator.__call__": "task",
    "merkl.graph.surface.ComputedOutsDecorator.__call__": "task",
    f"{BATCH_DECORATOR}.__call__": "batch",
    f"{PIPELINE_DECORATOR}.__call__": "pipeline",
}

# What stands for the callee of a call without a name (see `nameless`).
CALLEE: Final = "merkl_mypy.callee"
# The same for a display (see `joins`).
JOINED: Final = "merkl_mypy.joined"

# The attributes of a task whose types follow from its signature.
TASK_ATTRIBUTES: Final = ("fn", "run", "bind", "map", "grid", "__or__")

# Extra attributes of an instance, invisible to users: what `outs=` said, and the signature that a bound
# method of a task (`task.map`) checks its calls against.
OUTS_ATTR: Final = "__merkl_outs__"
SIGNATURE_ATTR: Final = "__merkl_signature__"
RETURNED_ATTR: Final = "__merkl_returned__"
ASYNC_ATTR: Final = "__merkl_async__"
KIND_ATTR: Final = "__merkl_kind__"
EXEMPT_ATTR: Final = "__merkl_exempt__"
DECORATOR_ATTR: Final = "__merkl_decorator__"
SINGLE_ATTR: Final = "__merkl_single__"
