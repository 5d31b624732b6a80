"""Where calls run: this process, local processes, Dask."""

from merkl.execution.targets.choice import make_target, require_target

__all__ = ["make_target", "require_target"]
