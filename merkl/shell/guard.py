"""Kills the groups of commands whose MerkL is gone: a run that is killed leaves no command behind."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Final

__all__ = ["group_guard"]

#: Reads "+ GROUP" and "- GROUP" until there is nobody any more who writes, and then kills what is left. The shell that begins
#: it ends at once, so that it is nobody's child: a body that waits for all its children does not wait for this one.
_SCRIPT: Final = """
exec 3<&0
{
    trap '' HUP INT QUIT TERM
    groups=' '
    while read -r sign group; do
        case $sign in
            +) groups="$groups$group " ;;
            -) groups="${groups%% $group *} ${groups#* $group }" ;;
        esac
    done
    for group in $groups; do
        kill -9 "-$group"
    done
} <&3 3<&- >/dev/null 2>&1 &
"""


class _GroupGuard:
    """The other process, as this one sees it: begun with the first command."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipe = -1
        self._owner = 0

    def watch(self, group: int) -> None:
        """Have a group killed when this process is gone."""
        with self._lock:
            if self._owner != os.getpid():
                self._begin()
            if not self._tell(f"+ {group}\n"):  # a body has closed it
                self._begin()
                self._tell(f"+ {group}\n")

    def forget(self, group: int) -> None:
        """Say that a group has ended; before its leader is reaped, whose number may then be another's."""
        self._tell(f"- {group}\n")

    def _begin(self) -> None:
        self._owner, self._pipe = os.getpid(), -1
        with contextlib.suppress(OSError):  # it is for the worst case: commands run without it, too
            reader, self._pipe = os.pipe()
            try:
                actions = [(os.POSIX_SPAWN_DUP2, reader, 0)]
                environment = {"PATH": os.environ.get("PATH", os.defpath)}
                pid = os.posix_spawn(
                    "/bin/sh", ["sh", "-c", _SCRIPT], environment, file_actions=actions, setpgroup=0
                )
                os.waitpid(pid, 0)
            finally:
                os.close(reader)

    def _tell(self, line: str) -> bool:
        try:
            os.write(self._pipe, line.encode())
        except OSError:
            return False
        return True


#: That of this process.
group_guard = _GroupGuard()
