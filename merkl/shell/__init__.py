"""Shell commands as typed tasks."""

from merkl.shell.bash import bash_task
from merkl.shell.placeholders import (
    arg,
    dir_arg,
    file_arg,
    out_dir_arg,
    out_file_arg,
    stdin_arg,
    stdout_arg,
)

__all__ = [
    "arg",
    "bash_task",
    "dir_arg",
    "file_arg",
    "out_dir_arg",
    "out_file_arg",
    "stdin_arg",
    "stdout_arg",
]
