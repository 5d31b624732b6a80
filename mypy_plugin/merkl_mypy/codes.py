"""The plugin's error codes. `docs/types.md` has an example of each."""

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
