"""Edits to classes and their instances, each of which must change the fingerprint of `main.task`.

Each case is a project (one text, files apart by `## name`), the text to replace, and what to put there.
"""

from __future__ import annotations

CASES = {
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
    "cached_property": (
        "import functools\nclass C:\n    @functools.cached_property\n    def p(self):\n        return 1\ndef task():\n    return C().p\n",
        "return 1",
        "return 2",
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
    "private global used in a class": (
        "_C__k = 1\nclass C:\n    def m(self):\n        return __k\ndef task():\n    return C().m()\n",
        "_C__k = 1",
        "_C__k = 2",
    ),
    "operator of a user's class": (
        "class V:\n    def __add__(self, o):\n        return 1\ndef task():\n    return V() + V()\n",
        "return 1",
        "return 2",
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
    "exception class": (
        "class E(Exception):\n    def __str__(self):\n        return 'a'\ndef task():\n    try:\n        raise E\n    except E as e:\n        return str(e)\n",
        "'a'",
        "'b'",
    ),
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
