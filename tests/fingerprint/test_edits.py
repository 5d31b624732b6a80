"""Edits to small projects: which must change the fingerprint of `main.task`, and which must not.

Each case is a project (one text, files apart by `## name`), the text to replace, and what to put there.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sample import digest

pytestmark = pytest.mark.filterwarnings("ignore::merkl._base.errors.FingerprintWarning")

MUST = {
    "default of a namedtuple": (
        """
        from collections import namedtuple
        Pair = namedtuple("Pair", "a b", defaults=[1])
        def task(x):
            return Pair(x).b
        """,
        "[1]",
        "[2]",
    ),
    "method of a class that registered itself in an attribute of its base": (
        """
        class Base:
            known = {}
            def __init_subclass__(cls):
                Base.known[cls.__name__] = cls
        class Sub(Base):
            def value(self):
                return 1
        def task(x):
            return Base.known[x]().value()
        """,
        "return 1",
        "return 2",
    ),
    "item put into an attribute of a class elsewhere": (
        "class A:\n    items = []\nA.items.append(1)\ndef task(x):\n    return A.items[0]\n",
        "append(1)",
        "append(2)",
    ),
    "list set as an attribute of a class elsewhere": (
        "class A:\n    pass\nA.items = [1]\ndef task(x):\n    return A.items[0]\n",
        "[1]",
        "[2]",
    ),
    "instance set as an attribute of a class elsewhere": (
        """
        class Limit:
            def __init__(self, n):
                self.n = n
        class A:
            pass
        A.limit = Limit(1)
        def task(x):
            return A.limit.n
        """,
        "Limit(1)",
        "Limit(2)",
    ),
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
    "method of a class made in the body": (
        "class C:\n    def m(self):\n        return 1\ndef task():\n    return C().m()\n",
        "return 1",
        "return 2",
    ),
    "method called by a method": (
        "class C:\n    def m(self):\n        return self.n()\n    def n(self):\n        return 1\ndef task():\n    return C().m()\n",
        "return 1",
        "return 2",
    ),
    "property": (
        "class C:\n    @property\n    def p(self):\n        return 1\nc = C()\ndef task():\n    return c.p\n",
        "return 1",
        "return 2",
    ),
    "property setter": (
        "class C:\n    @property\n    def p(self):\n        return self.v\n    @p.setter\n    def p(self, v):\n        self.v = v + 1\ndef task():\n    c = C()\n    c.p = 1\n    return c.p\n",
        "v + 1",
        "v + 2",
    ),
    "static method": (
        "class C:\n    @staticmethod\n    def s():\n        return 1\ndef task():\n    return C.s()\n",
        "return 1",
        "return 2",
    ),
    "class method": (
        "class C:\n    @classmethod\n    def s(cls):\n        return 1\ndef task():\n    return C.s()\n",
        "return 1",
        "return 2",
    ),
    "method of a base in another module": (
        "from other import B\nclass C(B):\n    x = 1\ndef task():\n    return C().m()\n## other.py\nclass B:\n    def m(self):\n        return 1\n",
        "return 1",
        "return 2",
    ),
    "class attribute": ("class C:\n    k = 1\ndef task():\n    return C.k\n", "k = 1", "k = 2"),
    "helper used by a method": (
        "def h():\n    return 1\nclass C:\n    def m(self):\n        return h()\ndef task():\n    return C().m()\n",
        "return 1",
        "return 2",
    ),
    "metaclass": (
        "class M(type):\n    def __call__(cls):\n        return 1\nclass C(metaclass=M):\n    x = 1\ndef task():\n    return C()\n",
        "return 1",
        "return 2",
    ),
    "__init_subclass__": (
        "class B:\n    def __init_subclass__(cls):\n        cls.k = 1\nclass C(B):\n    x = 1\ndef task():\n    return C.k\n",
        "cls.k = 1",
        "cls.k = 2",
    ),
    "descriptor": (
        "class D:\n    def __get__(self, o, t):\n        return 1\nclass C:\n    d = D()\ndef task():\n    return C().d\n",
        "return 1",
        "return 2",
    ),
    "attribute set on a class later": (
        "class C:\n    k = 1\nC.k = 2\ndef task():\n    return C.k\n",
        "C.k = 2",
        "C.k = 3",
    ),
    "method attached to a class later": (
        "class C:\n    k = 1\ndef m(self):\n    return 1\nC.m = m\ndef task():\n    return C().m()\n",
        "return 1",
        "return 2",
    ),
    "instance at module level": (
        "class C:\n    def __init__(self, n):\n        self.n = n\nc = C(1)\ndef task():\n    return c.n\n",
        "C(1)",
        "C(2)",
    ),
    "method of an instance at module level": (
        "class C:\n    def m(self):\n        return 1\nc = C()\ndef task():\n    return c.m()\n",
        "return 1",
        "return 2",
    ),
    "bound method at module level": (
        "class C:\n    def m(self):\n        return 1\nh = C().m\ndef task():\n    return h()\n",
        "return 1",
        "return 2",
    ),
    "lru_cache": (
        "import functools\n@functools.lru_cache(maxsize=None)\ndef h(x):\n    return 1\ndef task(x):\n    return h(x)\n",
        "return 1",
        "return 2",
    ),
    "cached_property": (
        "import functools\nclass C:\n    @functools.cached_property\n    def p(self):\n        return 1\ndef task():\n    return C().p\n",
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
    "dataclass instance": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int\nc = C(1)\ndef task():\n    return c.n\n",
        "C(1)",
        "C(2)",
    ),
    "dataclass default": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 1\ndef task():\n    return C().n\n",
        "int = 1",
        "int = 2",
    ),
    "dataclass default factory": (
        "from dataclasses import dataclass, field\ndef f():\n    return 1\n@dataclass\nclass C:\n    n: int = field(default_factory=f)\ndef task():\n    return C().n\n",
        "return 1",
        "return 2",
    ),
    "dataclass option": (
        "from dataclasses import dataclass\n@dataclass(eq=True)\nclass C:\n    n: int = 1\ndef task():\n    return C() == C()\n",
        "eq=True",
        "eq=False",
    ),
    "class variable or field": (
        "from dataclasses import dataclass\nfrom typing import ClassVar\n@dataclass\nclass C:\n    n: int = 1\ndef task():\n    return repr(C())\n",
        "n: int",
        "n: ClassVar[int]",
    ),
    "enum member": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\ndef task():\n    return E.A.value\n",
        "A = 1",
        "A = 3",
    ),
    "enum constant": (
        "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\nK = E.A\ndef task():\n    return K\n",
        "K = E.A",
        "K = E.B",
    ),
    "pydantic validator": (
        """
        from pydantic import BaseModel, field_validator
        class M(BaseModel):
            n: int
            @field_validator("n")
            @classmethod
            def check(cls, v):
                return v + 1
        def task():
            return M(n=1).n
        """,
        "v + 1",
        "v + 2",
    ),
    "pydantic field type": (
        "from pydantic import BaseModel\nclass M(BaseModel):\n    n: int\ndef task():\n    return M(n='1').n\n",
        "n: int",
        "n: str",
    ),
    "pydantic field default": (
        "from pydantic import BaseModel\nclass M(BaseModel):\n    n: int = 1\ndef task():\n    return M().n\n",
        "int = 1",
        "int = 2",
    ),
    "NamedTuple default": (
        "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int = 1\ndef task():\n    return P().x\n",
        "int = 1",
        "int = 2",
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
    "private global used in a class": (
        "_C__k = 1\nclass C:\n    def m(self):\n        return __k\ndef task():\n    return C().m()\n",
        "_C__k = 1",
        "_C__k = 2",
    ),
    "local that shadows a builtin": (
        "def len(x):\n    return 1\ndef task(x):\n    return len(x)\n",
        "return 1",
        "return 2",
    ),
    "operator of a user's class": (
        "class V:\n    def __add__(self, o):\n        return 1\ndef task():\n    return V() + V()\n",
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
    "user's dict subclass": (
        "class D(dict):\n    def __missing__(self, k):\n        return 1\nd = D(a=1)\ndef task():\n    return d['b']\n",
        "return 1",
        "return 2",
    ),
    "content of a user's dict subclass": (
        "class D(dict):\n    x = 1\nd = D(a=1)\ndef task():\n    return d['a']\n",
        "a=1",
        "a=2",
    ),
    "value in slots": (
        "class C:\n    __slots__ = ('n',)\n    def __init__(self, n):\n        self.n = n\nc = C(1)\ndef task():\n    return c.n\n",
        "C(1)",
        "C(2)",
    ),
    "defaultdict's factory": (
        "from collections import defaultdict\ndef f():\n    return 1\nd = defaultdict(f)\ndef task():\n    return d['x']\n",
        "return 1",
        "return 2",
    ),
    "namedtuple's fields": (
        "from collections import namedtuple\nP = namedtuple('P', 'a b')\ndef task():\n    return P(1, 2).a\n",
        "'a b'",
        "'b a'",
    ),
    "make_dataclass": (
        "from dataclasses import make_dataclass\nP = make_dataclass('P', [('a', int, 1)])\ndef task():\n    return P().a\n",
        "int, 1",
        "int, 2",
    ),
    "class made by a function": (
        "def make(n):\n    class C:\n        def m(self):\n            return n\n    return C\nK = make(1)\ndef task():\n    return K().m()\n",
        "make(1)",
        "make(2)",
    ),
    "super": (
        "class B:\n    def m(self):\n        return 1\nclass C(B):\n    def m(self):\n        return super().m() + 1\ndef task():\n    return C().m()\n",
        "return 1\n",
        "return 2\n",
    ),
    "match on a class": (
        "class P:\n    __match_args__ = ('x',)\n    x = 1\ndef task(p):\n    match p:\n        case P(x):\n            return x\n",
        "x = 1",
        "x = 2",
    ),
    "generator helper": ("def g():\n    yield 1\ndef task():\n    return list(g())\n", "yield 1", "yield 2"),
    "exception class": (
        "class E(Exception):\n    def __str__(self):\n        return 'a'\ndef task():\n    try:\n        raise E\n    except E as e:\n        return str(e)\n",
        "'a'",
        "'b'",
    ),
}

MUST |= {
    "method called by name of a literal getattr": (
        "class C:\n    def m(self):\n        return 1\ndef task():\n    return getattr(C(), 'm')()\n",
        "return 1",
        "return 2",
    ),
    "method called by a computed name": (
        "class C:\n    def m(self):\n        return 1\ndef task(n):\n    return getattr(C(), n)()\n",
        "return 1",
        "return 2",
    ),
    "method called by methodcaller": (
        "import operator\nclass C:\n    def m(self):\n        return 1\ncall = operator.methodcaller('m')\ndef task():\n    return call(C())\n",
        "return 1",
        "return 2",
    ),
    "property read by a format string": (
        "class C:\n    @property\n    def m(self):\n        return 1\ndef task():\n    return '{0.m}'.format(C())\n",
        "return 1",
        "return 2",
    ),
    "method called by the standard library": (
        "import json\nclass W:\n    t = ''\n    def write(self, s):\n        self.t += s\ndef task(x):\n    w = W()\n    json.dump(x, w)\n    return w.t\n",
        "+= s",
        "+= s + ' '",
    ),
    "method called by a library's base": (
        "import json\nclass E(json.JSONEncoder):\n    def default(self, o):\n        return 1\ndef task():\n    return json.dumps(object(), cls=E)\n",
        "return 1",
        "return 2",
    ),
    "visitor method": (
        "import ast\nclass V(ast.NodeVisitor):\n    n = 0\n    def visit_Name(self, o):\n        self.n += 1\ndef task(s):\n    v = V()\n    v.visit(ast.parse(s))\n    return v.n\n",
        "+= 1",
        "+= 2",
    ),
    "method aliased in the class body": (
        "class C:\n    def m(self):\n        return 1\n    run2 = m\ndef task():\n    return C().run2()\n",
        "return 1",
        "return 2",
    ),
    "method registered by a decorator": (
        "R = []\ndef reg(f):\n    R.append(f.__name__)\n    return f\nclass C:\n    @reg\n    def m(self):\n        return 1\ndef task():\n    return [vars(C)[n](C()) for n in R]\n",
        "return 1",
        "return 2",
    ),
    "hook method called by a user's base": (
        "class B:\n    def run2(self):\n        return self.hook()\nclass C(B):\n    def hook(self):\n        return 1\ndef task():\n    return C().run2()\n",
        "return 1",
        "return 2",
    ),
    "attribute of a keyword pattern": (
        "class C:\n    @property\n    def a(self):\n        return 1\nc = C()\ndef task():\n    match c:\n        case C(a=x):\n            return x\n",
        "return 1",
        "return 2",
    ),
}

MUST_NOT = {
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
}


def files(text: str) -> dict[str, str]:
    """Take a project's text apart into its files."""
    from textwrap import dedent

    parts = re.split(r"^## (\S+)\n?", dedent(text), flags=re.MULTILINE)
    return {"main.py": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def edited(text: str, old: str, new: str) -> str:
    """Replace every occurrence of a piece of text (of a word, where it is one)."""
    assert old in text
    return re.sub(rf"\b{old}\b", new, text) if old.isidentifier() else text.replace(old, new)


@pytest.mark.parametrize("case", MUST)
def test_edit_changes_the_fingerprint(case: str, tmp_path: Path) -> None:
    """Whatever can change the result changes the fingerprint."""
    text, old, new = MUST[case]
    assert digest(tmp_path, files(text)) != digest(tmp_path, files(edited(text, old, new)))


@pytest.mark.parametrize("case", MUST_NOT)
def test_edit_keeps_the_fingerprint(case: str, tmp_path: Path) -> None:
    """What cannot change the result leaves the fingerprint alone."""
    text, old, new = MUST_NOT[case]
    assert digest(tmp_path, files(text)) == digest(tmp_path, files(edited(text, old, new)))
