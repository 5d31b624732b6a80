"""Edits to constants of the standard library's types that change what `main.task` gives, and are easily overlooked.

Each case is a project (one text, files apart by `## name`), the text to replace, and what to put there.
"""

from __future__ import annotations

CASES = {
    "bound of a deque": (
        """
        from collections import deque
        V = deque([1], maxlen=2)
        def task():
            return V.maxlen
        """,
        "maxlen=2",
        "maxlen=3",
    ),
    "items of a subclass of deque": (
        """
        from collections import deque
        class D(deque):
            pass
        V = D([1, 2])
        def task():
            return list(V)
        """,
        "[1, 2]",
        "[1, 3]",
    ),
    "arguments of an exception": (
        """
        class E(Exception):
            pass
        V = E("a")
        def task():
            return str(V)
        """,
        '"a"',
        '"b"',
    ),
    "value of a subclass of Decimal": (
        """
        from decimal import Decimal
        class D(Decimal):
            pass
        V = D("1")
        def task():
            return str(V)
        """,
        '"1"',
        '"2"',
    ),
    "date of a subclass": (
        """
        import datetime
        class D(datetime.date):
            pass
        V = D(2020, 1, 1)
        def task():
            return V.isoformat()
        """,
        "1, 1)",
        "1, 2)",
    ),
    "contextvar": (
        """
        import contextvars
        V=contextvars.ContextVar('v',default=1)
        def task():
            return V.get()
        """,
        "=1",
        "=2",
    ),
    "simplenamespace": (
        """
        from types import SimpleNamespace
        V=SimpleNamespace(a=1)
        def task():
            return V.a
        """,
        "a=1",
        "a=2",
    ),
    "simplenamespace fn": (
        """
        from types import SimpleNamespace
        def h():
            return 1
        V=SimpleNamespace(a=h)
        def task():
            return V.a()
        """,
        "return 1",
        "return 2",
    ),
    "chainmap": (
        """
        from collections import ChainMap
        V=ChainMap({'a':1})
        def task():
            return V['a']
        """,
        "1",
        "2",
    ),
    "counter": (
        """
        from collections import Counter
        V=Counter('aab')
        def task():
            return V['a']
        """,
        "aab",
        "aaab",
    ),
    "struct": (
        """
        import struct
        V=struct.Struct('<i')
        def task():
            return V.pack(1)
        """,
        "'<i'",
        "'>i'",
    ),
    "template": (
        """
        import string
        V=string.Template('a $x')
        def task():
            return V.substitute(x=1)
        """,
        "a $x",
        "b $x",
    ),
    "range": (
        """
        V=range(3)
        def task():
            return list(V)
        """,
        "3",
        "4",
    ),
    "slice": (
        """
        V=slice(1,3)
        def task():
            return [1,2,3,4][V]
        """,
        "3)",
        "4)",
    ),
    "fraction": (
        """
        from fractions import Fraction
        V=Fraction(1,3)
        def task():
            return V
        """,
        "3",
        "4",
    ),
    "array": (
        """
        import array
        V=array.array('i',[1])
        def task():
            return V[0]
        """,
        "[1]",
        "[2]",
    ),
    "sdm": (
        """
        from functools import singledispatchmethod
        class O:
            @singledispatchmethod
            def m(self,x):
                return 0
            @m.register
            def _(self,x:int):
                return 1
        def task():
            return O().m(1)
        """,
        "return 1",
        "return 2",
    ),
    "cmp_to_key": (
        """
        import functools
        def h(a,b):
            return a-b
        K=functools.cmp_to_key(h)
        def task():
            return sorted([2,1,3],key=K)
        """,
        "a-b",
        "b-a",
    ),
    "bound in dict": (
        """
        class A:
            def __init__(s,x):
                s.x=x
            def m(s):
                return s.x
        T={'a':A(1).m}
        def task():
            return T['a']()
        """,
        "A(1)",
        "A(2)",
    ),
    "attrgetter": (
        """
        import operator
        class A:
            x=1
            y=2
        G=operator.attrgetter('x')
        def task():
            return G(A)
        """,
        "'x'",
        "'y'",
    ),
    "userdict": (
        """
        from collections import UserDict
        class U(UserDict):
            def __missing__(s,k):
                return 1
        V=U()
        def task():
            return V['z']
        """,
        "return 1",
        "return 2",
    ),
    "lru partial": (
        """
        from functools import partial, lru_cache
        @lru_cache
        def h(x,y):
            return x+y
        P=partial(h,1)
        def task():
            return P(1)
        """,
        "x+y",
        "x-y",
    ),
    "generator const": (
        """
        def gen():
            yield 1
        G=list(gen())
        def task():
            return G
        """,
        "yield 1",
        "yield 2",
    ),
    "logging adapter": (
        """
        import logging
        class F(logging.Filter):
            def filter(s,r):
                return 1
        V=F()
        def task():
            return V.filter(None)
        """,
        "return 1",
        "return 2",
    ),
    "property obj const": (
        """
        class A:
            x=property(lambda s: 1)
        def task():
            return A().x
        """,
        "s: 1",
        "s: 2",
    ),
    "weakref": (
        """
        import weakref
        class A:
            x=1
        a=A()
        R=weakref.ref(a)
        def task():
            return R().x
        """,
        "x=1",
        "x=2",
    ),
    "zoneinfo": (
        """
        import zoneinfo, datetime
        Z=zoneinfo.ZoneInfo('UTC')
        def task():
            return str(Z)
        """,
        "'UTC'",
        "'Europe/Paris'",
    ),
    "timezone": (
        """
        import datetime
        Z=datetime.timezone(datetime.timedelta(hours=1))
        def task():
            return str(Z)
        """,
        "hours=1",
        "hours=2",
    ),
    "date const": (
        """
        import datetime
        Z=datetime.date(2020,1,1)
        def task():
            return Z.isoformat()
        """,
        "1,1",
        "1,2",
    ),
    "path": (
        """
        import pathlib
        Z=pathlib.Path('a')
        def task():
            return str(Z)
        """,
        "'a'",
        "'b'",
    ),
    "sum start object": (
        """
        class V:
            def __init__(s,x):
                s.x=x
            def __radd__(s,o):
                return o+s.x*2
        def task():
            return sum([V(1),V(2)])
        """,
        "s.x*2",
        "s.x*3",
    ),
    "json default": (
        """
        import json
        def d(o):
            return 1
        def task():
            return json.dumps(object(),default=d)
        """,
        "return 1",
        "return 2",
    ),
    "json encoder cls": (
        """
        import json
        class E(json.JSONEncoder):
            def default(s,o):
                return 1
        def task():
            return json.dumps(object(),cls=E)
        """,
        "return 1",
        "return 2",
    ),
    "defaultdict fn": (
        """
        from collections import defaultdict
        def f():
            return 1
        D=defaultdict(f)
        def task():
            return D[0]
        """,
        "return 1",
        "return 2",
    ),
    "dict subclass method": (
        """
        class D(dict):
            def get2(s):
                return 1
        V={'x':D()}
        def task():
            return V['x'].get2()
        """,
        "return 1",
        "return 2",
    ),
    "tuple subclass": (
        """
        class T(tuple):
            def s(self):
                return 1
        V=[T((1,2))]
        def task():
            return V[0].s()
        """,
        "return 1",
        "return 2",
    ),
}
