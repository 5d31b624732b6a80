"""Loaded into the fork server alone: takes it, and so all workers, out of the reach of the terminal's Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import sys

if any("multiprocessing.forkserver" in word for word in sys.orig_argv):
    with contextlib.suppress(OSError):
        os.setsid()
