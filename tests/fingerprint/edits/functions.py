"""Edits to functions, modules and constants, each of which must change the fingerprint of `main.task`.

Each case is a project (one text, files apart by `## name`), the text to replace, and what to put there.
"""

from __future__ import annotations

CASES = {
    "own body": ("def task(x):\n    return x + 1\n", "x + 1", "x + 2"),
    "type of a constant in the body": ("def task(x):\n    return 1\n", "return 1", "return 1.0"),
    "helper": ("def h(x):\n    return x + 1\ndef task(x):\n    return h(x)\n", "x + 1", "x + 2"),
    "helper of a helper in a third module": (
        """
        from a import f
        def task(x):
            return f(x)
        ## a.py
        import b
        def f(x):
            return b.g(x)
        ## b.py
        def g(x):
            return x * 2
        """,
        "x * 2",
        "x * 3",
    ),
    "helper by attribute of a package": (
        """
        import pkg.sub.mod
        def task(x):
            return pkg.sub.mod.h(x)
        ## pkg/__init__.py
        ## pkg/sub/__init__.py
        ## pkg/sub/mod.py
        def h(x):
            return x + 1
        """,
        "x + 1",
        "x + 2",
    ),
    "helper by alias": (
        "import other as o\ndef task(x):\n    return o.h(x)\n## other.py\ndef h(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    "helper by star import": (
        "from other import *\ndef task(x):\n    return h(x)\n## other.py\ndef h(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    "helper by relative import inside the body": (
        """
        from pkg.mod import task
        ## pkg/__init__.py
        ## pkg/mod.py
        def task(x):
            from .other import h
            return h(x)
        ## pkg/other.py
        def h(x):
            return x + 1
        """,
        "x + 1",
        "x + 2",
    ),
    "helper by module import inside the body": (
        "def task(x):\n    import other as o\n    return o.h(x)\n## other.py\ndef h(x):\n    return 1\n",
        "return 1",
        "return 2",
    ),
    "module imported inside the body for what it does": (
        "import a\ndef task(x):\n    import plug\n    return a.R\n## a.py\nR = []\n## plug.py\nimport a\na.R.append(1)\n",
        "append(1)",
        "append(2)",
    ),
    "helper through map": (
        "def h(x):\n    return 1\ndef task(xs):\n    return list(map(h, xs))\n",
        "return 1",
        "return 2",
    ),
    "helper through partial": (
        "from functools import partial\ndef h(x, y):\n    return 1\np = partial(h, y=2)\ndef task(x):\n    return p(x)\n",
        "return 1",
        "return 2",
    ),
    "argument of a partial": (
        "from functools import partial\ndef h(x, y):\n    return 1\np = partial(h, y=2)\ndef task(x):\n    return p(x)\n",
        "y=2",
        "y=3",
    ),
    "lambda in a table": (
        "T = {'a': lambda x: x + 1}\ndef task(x):\n    return T['a'](x)\n",
        "x + 1",
        "x + 2",
    ),
    "one of two lambdas on a line": (
        "T = [lambda x: x + 1, lambda x: x + 2]\ndef task(x):\n    return T[0](x) * T[1](x)\n",
        "x + 1, lambda x: x + 2",
        "x + 2, lambda x: x + 1",
    ),
    "loop variable as the default of a lambda": (
        "T = [lambda x, k=k: x + k for k in (1, 2)]\ndef task(x):\n    return T[0](x)\n",
        "(1, 2)",
        "(3, 2)",
    ),
    "table of functions": (
        "def f(x):\n    return 1\ndef g(x):\n    return 2\nT = {'a': f, 'b': g}\ndef task(k, x):\n    return T[k](x)\n",
        "return 2",
        "return 3",
    ),
    "user's decorator": (
        """
        import functools
        def twice(f):
            @functools.wraps(f)
            def inner(x):
                return f(x) * 2
            return inner
        @twice
        def h(x):
            return x
        def task(x):
            return h(x)
        """,
        "* 2",
        "* 3",
    ),
    "decorated helper": (
        """
        import functools
        def twice(f):
            @functools.wraps(f)
            def inner(x):
                return f(x) * 2
            return inner
        @twice
        def h(x):
            return x + 1
        def task(x):
            return h(x)
        """,
        "x + 1",
        "x + 2",
    ),
    "argument of a decorator": (
        """
        def times(n):
            def deco(f):
                return lambda x: f(x) * n
            return deco
        @times(2)
        def h(x):
            return x
        def task(x):
            return h(x)
        """,
        "times(2)",
        "times(3)",
    ),
    "decorator that marks": (
        """
        def mark(n):
            def deco(f):
                f.weight = n
                return f
            return deco
        @mark(2)
        def h(x):
            return x
        def task(x):
            return h(x) * h.weight
        """,
        "mark(2)",
        "mark(3)",
    ),
    "closure value": (
        "def make(n):\n    def inner(x):\n        return x + n\n    return inner\nh = make(1)\ndef task(x):\n    return h(x)\n",
        "make(1)",
        "make(2)",
    ),
    "closure function": (
        "def g(x):\n    return 1\ndef make(f):\n    def inner(x):\n        return f(x)\n    return inner\nh = make(g)\ndef task(x):\n    return h(x)\n",
        "return 1",
        "return 2",
    ),
    "default of the task": ("def task(x=1):\n    return x\n", "x=1", "x=2"),
    "default that is a function": (
        "def h(x):\n    return 1\ndef task(x, f=h):\n    return f(x)\n",
        "return 1",
        "return 2",
    ),
    "keyword default of a helper": (
        "def h(*, k=1):\n    return k\ndef task():\n    return h()\n",
        "k=1",
        "k=2",
    ),
    "lru_cache": (
        "import functools\n@functools.lru_cache(maxsize=None)\ndef h(x):\n    return 1\ndef task(x):\n    return h(x)\n",
        "return 1",
        "return 2",
    ),
    "singledispatch registration": (
        """
        import functools
        @functools.singledispatch
        def h(x):
            return 0
        @h.register
        def _(x: int):
            return 1
        def task(x):
            return h(x)
        """,
        "return 1",
        "return 2",
    ),
    "singledispatch type": (
        """
        import functools
        @functools.singledispatch
        def h(x):
            return 0
        @h.register
        def _(x: int):
            return 1
        def task(x):
            return h(x)
        """,
        "x: int",
        "x: str",
    ),
    "singledispatch registration in another module": (
        """
        from other import h
        import more
        def task(x):
            return h(x)
        ## other.py
        import functools
        @functools.singledispatch
        def h(x):
            return 0
        ## more.py
        from other import h
        @h.register(int)
        def _(x):
            return 1
        """,
        "return 1",
        "return 2",
    ),
    "contextmanager": (
        "from contextlib import contextmanager\n@contextmanager\ndef cm():\n    yield 1\ndef task():\n    with cm() as x:\n        return x\n",
        "yield 1",
        "yield 2",
    ),
    "mutual recursion": (
        "def a(n):\n    return b(n - 1) if n else 0\ndef b(n):\n    return a(n) + 1\ndef task(n):\n    return a(n)\n",
        "a(n) + 1",
        "a(n) + 2",
    ),
    "constant": ("K = 1\ndef task():\n    return K\n", "K = 1", "K = 2"),
    "constant's type": ("K = 1\ndef task():\n    return K\n", "K = 1", "K = True"),
    "constant of another module": (
        "import conf\ndef task():\n    return conf.K\n## conf.py\nK = 1\n",
        "K = 1",
        "K = 2",
    ),
    "constant through a re-export": (
        "from api import K\ndef task():\n    return K\n## api.py\nfrom conf import K\n## conf.py\nK = 1\n",
        "K = 1",
        "K = 2",
    ),
    "nested container": ("K = {'a': [1, (2, {3})]}\ndef task():\n    return K\n", "{3}", "{4}"),
    "order of a dict constant": (
        "K = {'a': 1, 'b': 2}\ndef task():\n    return list(K)\n",
        "'a': 1, 'b': 2",
        "'b': 2, 'a': 1",
    ),
    "regular expression": (
        "import re\nK = re.compile('a')\ndef task(x):\n    return K.match(x)\n",
        "'a'",
        "'b'",
    ),
    "flags of a regular expression": (
        "import re\nK = re.compile('a')\ndef task(x):\n    return K.match(x)\n",
        "'a'",
        "'a', re.I",
    ),
    "bound method of a builtin": (
        "import re\nm = re.compile('a').match\ndef task(x):\n    return m(x)\n",
        "'a'",
        "'b'",
    ),
    "operator of a number, as a function": (
        "add = (5).__add__\ndef task(x):\n    return add(x)\n",
        "5",
        "6",
    ),
    "a helper's __call__": (
        "def h(x):\n    return 1\ncall = h.__call__\ndef task(x):\n    return call(x)\n",
        "return 1",
        "return 2",
    ),
    "class method of a builtin, of a class of one's own": (
        "class C(int):\n    def __new__(cls, n):\n        return int.__new__(cls, n + 1)\n"
        "read = C.from_bytes\ndef task(x):\n    return read(x)\n",
        "n + 1",
        "n + 2",
    ),
    "getattr with a literal name": (
        "import other\ndef task():\n    return getattr(other, 'h')()\n## other.py\ndef h():\n    return 1\n",
        "return 1",
        "return 2",
    ),
    "getattr with a computed name": (
        "import other\ndef task(n):\n    return getattr(other, n)()\n## other.py\ndef h():\n    return 1\n",
        "return 1",
        "return 2",
    ),
    "globals() with a literal name": ("K = 1\ndef task():\n    return globals()['K']\n", "K = 1", "K = 2"),
    "nested function": (
        "def task(x):\n    def inner(y):\n        return y + 1\n    return inner(x)\n",
        "y + 1",
        "y + 2",
    ),
    "global used in a nested function": (
        "K = 1\ndef task(x):\n    def inner():\n        return K\n    return inner()\n",
        "K = 1",
        "K = 2",
    ),
    "global used in a comprehension": (
        "K = 1\ndef task(xs):\n    return [x + K for x in xs]\n",
        "K = 1",
        "K = 2",
    ),
    "global used in an f-string": ("K = 1\ndef task(x):\n    return f'{x:{K}}'\n", "K = 1", "K = 2"),
    "text of an f-string": ("def task(x):\n    return f'a{x}'\n", "f'a", "f'b"),
    "helper swapped with another": (
        "def f():\n    return 1\ndef g():\n    return 2\ndef task():\n    return f() - g()\n",
        "f() - g()",
        "g() - f()",
    ),
    "function name that is read": ("def h():\n    return 1\ndef task():\n    return h.__name__\n", "h", "k"),
    "docstring that is read": ("def h():\n    'a'\ndef task():\n    return h.__doc__\n", "'a'", "'b'"),
    "global that is reassigned": (
        "N = 1\ndef task():\n    global N\n    N += 1\n    return N\n",
        "N = 1",
        "N = 2",
    ),
    "local that shadows a builtin": (
        "def len(x):\n    return 1\ndef task(x):\n    return len(x)\n",
        "return 1",
        "return 2",
    ),
    "async helper": (
        "import asyncio\nasync def h():\n    return 1\ndef task():\n    return asyncio.run(h())\n",
        "return 1",
        "return 2",
    ),
    "installed function for another": (
        "import math\ndef task(x):\n    return math.sin(x)\n",
        "math.sin",
        "math.cos",
    ),
    "imported name of an installed module": (
        "from math import sin as f\ndef task(x):\n    return f(x)\n",
        "import sin",
        "import cos",
    ),
    "installed module under one alias": (
        "import math as m\ndef task(x):\n    return m.sqrt(x)\n",
        "import math",
        "import cmath",
    ),
    "import in a branch": (
        "def task(x):\n    if x:\n        import json as m\n    else:\n        import pickle as m\n    return m.dumps(x)\n",
        "if x:",
        "if not x:",
    ),
    "branches of imports swapped": (
        "def task(x):\n    if x:\n        import json as m\n    else:\n        import pickle as m\n    return m.dumps(x)\n",
        "import json as m\n    else:\n        import pickle as m",
        "import pickle as m\n    else:\n        import json as m",
    ),
    "defaultdict's factory": (
        "from collections import defaultdict\ndef f():\n    return 1\nd = defaultdict(f)\ndef task():\n    return d['x']\n",
        "return 1",
        "return 2",
    ),
    "generator helper": ("def g():\n    yield 1\ndef task():\n    return list(g())\n", "yield 1", "yield 2"),
}
