"""Run cells as a notebook does: each compiled under a name of its own, which the line cache knows; print keys as JSON.

The words are the number of the first cell, and `lines` or `bare` (as at a prompt that keeps no lines).
"""

import json
import linecache
import sys
import tempfile
import warnings

import __main__
from merkl import Workspace

warnings.simplefilter("ignore")
number = int(sys.argv[1])
del __main__.__dict__["__file__"]


def run(source):
    """Run one cell in the namespace of all."""
    global number
    name = f"<ipython-input-{number}-{hash(source) & 0xFFFF:x}>" if sys.argv[2] == "lines" else "<stdin>"
    number += 1
    if sys.argv[2] == "lines":
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), __main__.__dict__)


HELPER = "def h(x):\n    return x * 2\n"
CLASS = "class Config:\n    rate = 1\n    def m(self):\n        return 1\n"
TASK = "@task\ndef t(x: int) -> int:\n    return h(x) + K + Config().m()\n"
found = {}


def note(what):
    call = __main__.t(1)
    found[what] = [call.hash, call.eval()]


with Workspace(tempfile.mkdtemp()):
    for cell in ("from merkl import task\n", HELPER, CLASS, "K = 3\n", TASK):
        run(cell)
    note("first")
    run("# the same\n" + HELPER.replace("2", "2  # twice"))
    note("helper run again")
    run(HELPER.replace("2", "3"))
    note("helper changed")
    run(HELPER)
    note("helper changed back")
    run(CLASS.replace("return 1", "return 2"))
    note("class changed")
    run(CLASS)
    run("K = 4\n")
    note("constant changed")
    run("K = 3\n")
    run("Config.m = lambda self: 5\n")
    note("method replaced")
    run(CLASS)
    run(TASK)
    note("task run again")
json.dump(found, sys.stdout)
