"""The plugin's error codes.

Here `f` is a `Future[int]` and `inc` a task; each line gets exactly the error of its code.

| code | what is wrong | example |
| --- | --- | --- |
| merkl-future-bool | a Future is tested for truth | `if f: ...`, `f or 1`, `any([f])` |
| merkl-future-value | a Future is used as its value, given to a plain function | `f + 1`, `math.sqrt(f)`, `isinstance(f, int)` |
| merkl-future-iter | a Future is iterated, indexed, unpacked or measured | `for x in f: ...`, `f[0]`, `len(f)`, `a, b = f` |
| merkl-future-format | a Future is made into a string | `f"{f}"`, `print(f)`, `"%s" % f` |
| merkl-future-compare | a Future is compared with a value, or by order | `f == 1`, `1 < f`, `f is None`, `f in [1]` |
| merkl-future-attr | an attribute of the value is read from its Future | `f.real` |
| merkl-future-return | the body of a task returns a Future | `@task` `def g() -> int: return inc(1)` |
| merkl-task-in-task | a call inside the body of a task that nothing evaluates | `@task` `def g() -> None: inc(1)` |
| merkl-outs | `outs=` and the return annotation disagree | `@task(outs=3)` `def g() -> tuple[int, str]: ...` |
| merkl-unserializable | a type without canonical bytes or codec | `@task` `def g(conn: socket.socket) -> int: ...` |
| merkl-unsupported | a note: the plugin cannot see through this | `bash_task(read_template())` |
| merkl-internal | a note: an unexpected error inside the plugin | |
"""

from __future__ import annotations

from typing import Final

from mypy.errorcodes import ErrorCode

_CATEGORY: Final = "MerkL"

FUTURE_BOOL: Final = ErrorCode("merkl-future-bool", "A Future is tested for truth", _CATEGORY)
FUTURE_VALUE: Final = ErrorCode("merkl-future-value", "A Future is used as if it were its value", _CATEGORY)
FUTURE_ITER: Final = ErrorCode("merkl-future-iter", "A Future is iterated, indexed or measured", _CATEGORY)
FUTURE_FORMAT: Final = ErrorCode("merkl-future-format", "A Future is formatted into a string", _CATEGORY)
FUTURE_COMPARE: Final = ErrorCode("merkl-future-compare", "A Future is compared with a value", _CATEGORY)
FUTURE_ATTR: Final = ErrorCode(
    "merkl-future-attr", "An attribute of the value is read from its Future", _CATEGORY
)
FUTURE_RETURN: Final = ErrorCode("merkl-future-return", "A task's body returns a Future", _CATEGORY)
TASK_IN_TASK: Final = ErrorCode("merkl-task-in-task", "A task is called inside a task's body", _CATEGORY)
OUTS: Final = ErrorCode("merkl-outs", "outs= and the return annotation disagree", _CATEGORY)
UNSERIALIZABLE: Final = ErrorCode(
    "merkl-unserializable", "A type has no canonical bytes or no codec", _CATEGORY
)
UNSUPPORTED: Final = ErrorCode("merkl-unsupported", "The plugin cannot see through this", _CATEGORY)
INTERNAL: Final = ErrorCode("merkl-internal", "An unexpected error inside the plugin", _CATEGORY)
