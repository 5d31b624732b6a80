"""Edits that must leave the fingerprint of `main.task` alone.

Each case is a project (one text, files apart by `## name`), the text to replace, and what to put there.
"""

from __future__ import annotations

CASES = {
    "unrelated method": (
        "class C:\n    def m(self):\n        return 1\n    def u(self):\n        return 3\ndef task():\n    return C().m()\n",
        "return 3",
        "return 4",
    ),
    "unrelated method of a dataclass": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 1\n    def u(self):\n        return 3\ndef task():\n    return C().n\n",
        "return 3",
        "return 4",
    ),
    "unrelated static method": (
        "class C:\n    @staticmethod\n    def m():\n        return 1\n    @staticmethod\n    def u():\n        return 3\ndef task():\n    return C.m()\n",
        "return 3",
        "return 4",
    ),
    "unrelated method added": (
        "class C:\n    def m(self):\n        return 1\ndef task():\n    return C().m()\n",
        "return 1\n",
        "return 1\n    def u(self):\n        return 3\n",
    ),
    "comment": ("def task(x):\n    return x + 1\n", "return", "# why\n    return"),
    "docstring": ("def task(x):\n    'a'\n    return x + 1\n", "'a'", "'b'"),
    "docstring added": ("def task(x):\n    return x + 1\n", "return", "'doc'\n    return"),
    "docstring of a helper": ("def h():\n    'a'\n    return 1\ndef task():\n    return h()\n", "'a'", "'b'"),
    "docstring of a class and a method": (
        "class C:\n    'a'\n    def m(self):\n        'a'\n        return 1\ndef task():\n    return C().m()\n",
        "'a'",
        "'b'",
    ),
    "blank lines and moved lines": (
        "def h():\n    return 1\ndef task():\n    return h()\n",
        "def h",
        "\n\nX = 3\n\ndef h",
    ),
    "formatting": ("def task(x):\n    return [x, 1]\n", "[x, 1]", "[\n        x,\n        1,\n    ]"),
    "parentheses": ("def task(x):\n    return x + 1\n", "x + 1", "(x + (1))"),
    "quotes": ("def task(x):\n    return 'a'\n", "'a'", '"a"'),
    "implicit concatenation": ("def task(x):\n    return 'ab'\n", "'ab'", "'a' 'b'"),
    "raw string": ("def task(x):\n    return '\\\\d'\n", "'\\\\d'", "r'\\d'"),
    "spelling of a number": ("def task(x):\n    return 1000000\n", "1000000", "1_000_000"),
    "unrelated function": ("def u():\n    return 1\ndef task(x):\n    return x\n", "return 1", "return 2"),
    "unrelated global": ("U = 1\ndef task(x):\n    return x\n", "U = 1", "U = 2"),
    "unrelated import": ("import os\ndef task(x):\n    return x\n", "import os", "import sys"),
    "unrelated function in the helper's module": (
        "import o\ndef task(x):\n    return o.h(x)\n## o.py\ndef h(x):\n    return x\ndef u():\n    return 1\n",
        "return 1",
        "return 2",
    ),
    "global shadowed by a local": ("K = 1\ndef task(x):\n    K = x\n    return K\n", "K = 1", "K = 2"),
    "global shadowed by a parameter": ("K = 1\ndef task(K):\n    return K\n", "K = 1", "K = 2"),
    "global shadowed in a comprehension": (
        "k = 1\ndef task(xs):\n    return [k for k in xs]\n",
        "k = 1",
        "k = 2",
    ),
    "attribute named like a global": ("K = 1\ndef task(x):\n    return x.K\n", "K = 1", "K = 2"),
    "keyword named like a global": ("K = 1\ndef task(x):\n    return dict(K=x)\n", "K = 1", "K = 2"),
    "annotation of the task": (
        "from typing import Optional\ndef task(x: Optional[int]) -> int:\n    return x\n",
        "Optional[int]",
        "int | None",
    ),
    "annotation of a helper": (
        "def h(x: int) -> int:\n    return x\ndef task(x):\n    return h(x)\n",
        "x: int",
        "x: 'int'",
    ),
    "annotation of a variable": ("def task(x):\n    y: int = x\n    return y\n", "y: int = x", "y = x"),
    "annotation's spelling in a dataclass": (
        "from typing import Optional\nfrom dataclasses import dataclass\n@dataclass\nclass C:\n    x: Optional[int] = None\ndef task():\n    return C().x\n",
        "Optional[int]",
        "int | None",
    ),
    "spelling of a union that is a value": (
        "from typing import Optional, get_args\nT = Optional[int]\ndef task():\n    return len(get_args(T))\n",
        "Optional[int]",
        "None | int",
    ),
    "spelling of a union in a default of a model": (
        "from typing import Optional\nfrom pydantic import BaseModel\nclass M(BaseModel):\n    x: Optional[int] = None\ndef task():\n    return M().x\n",
        "Optional[int]",
        "int | None",
    ),
    "spelling of a union in a dict of types": (
        "from typing import Union\nT = {'a': list[Union[int, str]]}\ndef task():\n    return len(T)\n",
        "Union[int, str]",
        "int | str",
    ),
    "annotation's spelling in a model": (
        "from typing import Optional, List\nfrom pydantic import BaseModel\nclass M(BaseModel):\n    x: List[int] = []\ndef task():\n    return M().x\n",
        "List[int]",
        "list[int]",
    ),
    "renamed helper": ("def h(x):\n    return x\ndef task(x):\n    return h(x)\n", "h(x)", "k(x)"),
    "renamed constant": ("K = 1\ndef task(x):\n    return K\n", "K", "J"),
    "moved helper": (
        "def h(x):\n    return x\ndef task(x):\n    return h(x)\n## o.py\n",
        "def h(x):\n    return x\ndef task(x):\n    return h(x)\n## o.py\n",
        "from o import h\ndef task(x):\n    return h(x)\n## o.py\ndef h(x):\n    return x\n",
    ),
    "moved helper reached by attribute": (
        "def h(x):\n    return x\ndef task(x):\n    return h(x)\n## o.py\n",
        "def h(x):\n    return x\ndef task(x):\n    return h(x)\n## o.py\n",
        "import o\ndef task(x):\n    return o.h(x)\n## o.py\ndef h(x):\n    return x\n",
    ),
    "import moved into the body": (
        "from o import h\ndef task(x):\n    return h(x)\n## o.py\ndef h(x):\n    return x\n",
        "from o import h\ndef",
        "import o\nh = o.h\ndef",
    ),
    "alias of an installed module": ("import math as m\ndef task(x):\n    return m.sin(x)\n", "m", "math"),
    "name taken from an installed module": (
        "import math\ndef task(x):\n    return math.sin(x)\n",
        "import math\ndef task(x):\n    return math.sin(x)",
        "from math import sin\ndef task(x):\n    return sin(x)",
    ),
    "renamed mutual recursion": (
        "def a(n):\n    return b(n - 1) if n else 0\ndef b(n):\n    return a(n) + 1\ndef task(n):\n    return a(n)\n",
        "b(n",
        "zz(n",
    ),
    "order of definitions": (
        "def f():\n    return 1\ndef g():\n    return 2\ndef task():\n    return f() + g()\n",
        "def f():\n    return 1\ndef g():\n    return 2\n",
        "def g():\n    return 2\ndef f():\n    return 1\n",
    ),
    "constant computed another way": ("K = 4\ndef task():\n    return K\n", "K = 4", "K = 2 + 2"),
    "pass": (
        "def task(x):\n    if x:\n        return 1\n",
        "        return 1",
        "        pass\n        return 1",
    ),
    "main guard": (
        "def task(x):\n    return x\n",
        "return x\n",
        "return x\nif __name__ == '__main__':\n    print(task(1))\n",
    ),
    "order of a set constant": (
        "K = {'a', 'b', 'c'}\ndef task():\n    return K\n",
        "'a', 'b', 'c'",
        "'c', 'a', 'b'",
    ),
    "__name__ of the module": (
        "import logging\nlog = logging.getLogger(__name__)\ndef task(x):\n    log.info('x')\n    return x\n",
        "import logging",
        "import logging  # noqa",
    ),
    "name of a helper where only classes are named": (
        """
        def h(x):
            return type(x).__name__, x.__class__.__qualname__
        def task(x):
            return h(x)
        """,
        "h",
        "helper",
    ),
    "what getattr with a literal name leaves out": (
        """
        import other
        def task():
            import another
            return getattr(other, 'h')(), getattr(another, 'h', 0)
        ## other.py
        def h():
            return 1
        def unused():
            return 5
        ## another.py
        from other import unused
        def h():
            return 2
        """,
        "return 5",
        "return 6",
    ),
}
