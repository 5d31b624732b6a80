"""The user's code behind a library: objects in its containers, names that it reads from text, what was put into it."""

from __future__ import annotations

import copyreg
from pathlib import Path
from textwrap import dedent

import pytest
import tblib.pickling_support
from merkl_serializers import default_registry
from sample import Project, digest

HEAD = """
class A:
    def m(self):
        return 1
"""
HELD = {
    "array of objects": ("import numpy as np\nC = np.array([A()], dtype=object)", "C[0].m()"),
    "field of a structured array": (
        "import numpy as np\nC = np.array([(A(),)], dtype=[('a', object)])",
        "C[0][0].m()",
    ),
    "column of a frame": ("import pandas as pd\nC = pd.DataFrame({'a': [A()]})", "C['a'][0].m()"),
    "index": ("import pandas as pd\nC = pd.Index([A()])", "C[0].m()"),
    "counter": ("from collections import Counter\nC = Counter([A()])", "list(C)[0].m()"),
    "chain of maps": ("from collections import ChainMap\nC = ChainMap({'a': A()})", "C['a'].m()"),
    "namespace": ("from types import SimpleNamespace\nC = SimpleNamespace(a=A())", "C.a.m()"),
    "argument of an exception": ("C = ValueError(A())", "C.args[0].m()"),
    "zone of a time": (
        "import datetime as d\nclass Z(d.tzinfo):\n    def utcoffset(self, x):\n        return d.timedelta(A().m())\n"
        "C = d.time(1, tzinfo=Z())",
        "C.utcoffset()",
    ),
}


def encode_with_classes(value: object) -> tuple[bytes, frozenset[type]]:
    encoded = default_registry.encode(value)
    return encoded.data, encoded.classes


@pytest.mark.parametrize("case", HELD)
def test_methods_of_objects_that_a_librarys_object_holds_count(case: str, tmp_path: Path) -> None:
    """The canonical bytes of the whole say only which classes are in it."""
    constant, use = HELD[case]
    source = f"{HEAD}{constant}\ndef task() -> object:\n    return {use}\n"
    project = Project(
        tmp_path, encode=lambda value: default_registry.encode(value).data, classes_in=encode_with_classes
    )
    digests = []
    for text in (source, source, source.replace("return 1", "return 2")):
        digests.append(project.write({"main.py": text}).fingerprint().digest)
    project.forget()
    assert digests[0] == digests[1] != digests[2]


MADE_OF_FUNCTIONS = {
    "toolz.curry, which says by a name what it was made of": "import toolz\n@toolz.curry\ndef h(x):\n    return x + 1\n",
    "cytoolz.curry": "import cytoolz\n@cytoolz.curry\ndef h(x):\n    return x + 1\n",
    "toolz.curry that calls itself": "import toolz\n@toolz.curry\ndef h(x):\n    return h(x - 1) if x else 0 + 1\n",
    "numba.njit": "import numba\n@numba.njit\ndef h(x):\n    return x + 1\n",
    "numba.njit with types": "import numba\n@numba.njit('f8(f8)')\ndef h(x):\n    return x + 1\n",
    "wrapt.decorator": "import wrapt\n@wrapt.decorator\ndef d(w, i, a, k):\n    return w(*a, **k)\n"
    "@d\ndef h(x):\n    return x + 1\n",
    "decorator of wrapt": "import wrapt\n@wrapt.decorator\ndef d(w, i, a, k):\n    return w(*a, **k) + 1\n"
    "@d\ndef h(x):\n    return x\n",
    "proxy that passes for the function before which it stands": """
class Proxy:
    def __init__(self, f):
        object.__setattr__(self, "_f", f)
    def __getattribute__(self, name):
        return getattr(object.__getattribute__(self, "_f"), name)
    def __call__(self, x):
        return object.__getattribute__(self, "_f")(x)
@Proxy
def h(x):
    return x + 1
""",
}


@pytest.mark.parametrize("case", MADE_OF_FUNCTIONS)
def test_what_a_library_makes_of_a_function_counts_by_the_function(case: str, tmp_path: Path) -> None:
    """The same in each process, though numba gives it another name in each, and another where the function is edited."""
    source = MADE_OF_FUNCTIONS[case]
    for library in ("cytoolz", "numba", "wrapt"):
        if f"import {library}" in source:
            pytest.importorskip(library)
    source += "def task() -> object:\n    return h(1.0)\n"
    project = Project(
        tmp_path, encode=lambda value: default_registry.encode(value).data, classes_in=encode_with_classes
    )
    digests = []
    for text in (source, source, source.replace("+ 1", "+ 2")):
        digests.append(project.write({"main.py": text}).fingerprint().digest)
    project.forget()
    assert digests[0] == digests[1] != digests[2]


NAMED = {
    "name in the text of a query": (
        "K = 1\ndef task(frame):\n    return frame.query('a > @K')\n",
        "K = 1",
        "K = 2",
    ),
    "name in a query that is put together": (
        "K = 1\ndef task(frame, c):\n    text = f'{c} > @K'\n    return frame.query(text)\n",
        "K = 1",
        "K = 2",
    ),
    "helper in the text of an expression": (
        "def h(x):\n    return 1\ndef task(frame):\n    return frame.eval('@h(a)')\n",
        "return 1",
        "return 2",
    ),
    "attribute of this module in the table of modules": (
        "import sys\nK = 1\ndef task():\n    return sys.modules[__name__].K\n",
        "K = 1",
        "K = 2",
    ),
    "function put into a library": (
        "import math\ndef h():\n    return 1\nmath.merkl_test_h = h\ndef task():\n    return math.merkl_test_h()\n",
        "return 1",
        "return 2",
    ),
}


@pytest.mark.parametrize("case", NAMED)
def test_names_that_reach_the_user_another_way_count(case: str, tmp_path: Path) -> None:
    """Text that pandas resolves, the table of modules, a patched library."""
    source, old, new = NAMED[case]
    assert digest(tmp_path, {"main.py": source}) != digest(tmp_path, {"main.py": source.replace(old, new)})


def test_an_attribute_of_another_module_in_the_table_of_modules(tmp_path: Path) -> None:
    """Of a module that is named, what is read counts, and nothing else in it."""
    main = "import sys\nimport other\ndef task():\n    return sys.modules['other'].K\n"
    files = {"main.py": main, "other.py": "K = 1\nU = 1\n"}
    wanted = digest(tmp_path, files)
    assert digest(tmp_path, {**files, "other.py": "K = 2\nU = 1\n"}) != wanted
    assert digest(tmp_path, {**files, "other.py": "K = 1\nU = 2\n"}) == wanted


def test_an_at_sign_in_other_text_names_nothing(tmp_path: Path) -> None:
    """Only pandas' methods read names from text."""
    source = dedent("""
        K = 1
        def task():
            return "mail@K"
    """)
    assert digest(tmp_path, {"main.py": source}) == digest(
        tmp_path, {"main.py": source.replace("K = 1", "K = 2")}
    )


def test_a_library_that_pickles_all_exceptions_changes_no_key(tmp_path: Path) -> None:
    """As Dask does once it is imported: an exception of the project's is the same before and after."""
    project = Project(tmp_path).write(
        {
            "main.py": """
            class Refused(Exception):
                pass
            def task():
                raise Refused("no")
            """
        }
    )
    task = project.load()
    before = project.fingerprinter().fingerprint(task).digest
    refused = task.__globals__["Refused"]
    try:
        tblib.pickling_support.install(refused)
        after = project.fingerprinter().fingerprint(task).digest
    finally:
        copyreg.dispatch_table.pop(refused)  # type: ignore[attr-defined]
        project.forget()
    assert after == before
