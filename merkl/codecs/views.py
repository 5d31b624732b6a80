"""memoryviews in pickles: pickle makes bytes of them, here they come back as views of the same format and shape."""

from __future__ import annotations

import pickle
from typing import Any

__all__ = ["reduce_view"]


def reduce_view(view: memoryview) -> tuple[Any, ...]:
    """Return what makes a memoryview again, as `__reduce__` does.

    Raises:
        PicklingError: nothing makes one of its format.
    """
    state = (view.tobytes(), view.format, tuple(view.shape or ()), view.readonly)
    try:
        made = _view_of(*state)
        is_same = (made.format, made.shape, made.readonly) == state[1:]
    except (TypeError, ValueError):
        is_same = False
    if not is_same:
        raise pickle.PicklingError(
            f"nothing makes a memoryview of format {view.format!r} again; give or return its bytes"
        )
    return _view_of, state


def _view_of(content: bytes, form: str, shape: tuple[int, ...], is_readonly: bool) -> memoryview:
    flat = memoryview(content if is_readonly else bytearray(content))
    try:
        return flat.cast(form) if len(shape) == 1 else flat.cast(form, shape)  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError):
        # Others than native formats (">i"), and shapes with a 0, come from numpy.
        import numpy

        dtype = numpy.dtype(form)
        array = numpy.frombuffer(flat, dtype).reshape(shape) if content else numpy.empty(shape, dtype)
        array.flags.writeable = not is_readonly
        return array.data
