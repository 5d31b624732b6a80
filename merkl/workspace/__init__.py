"""Where results live and calls run: settings, caches, records and runners, put together."""

from merkl.workspace.connect import connect_layers
from merkl.workspace.values import digest, evaluate
from merkl.workspace.workspace import RunOutcome, Workspace, default_workspace

__all__ = ["RunOutcome", "Workspace", "default_workspace", "digest", "evaluate"]

connect_layers()
