"""Edits to classes that change what `main.task` gives, and are easily overlooked.

Each case is a project (one text, files apart by `## name`), the text to replace, and what to put there.
"""

from __future__ import annotations

CASES = {
    "nested class": (
        """
        class O:
            class I:
                def m(self):
                    return 1
        def task():
            return O.I().m()
        """,
        "return 1",
        "return 2",
    ),
    "partialmethod": (
        """
        from functools import partialmethod
        class O:
            def m(self,x):
                return x
            n=partialmethod(m,1)
        def task():
            return O().n()
        """,
        ",1)",
        ",2)",
    ),
    "literal args": (
        """
        import typing
        M=typing.Literal['a','b']
        def task():
            return typing.get_args(M)
        """,
        "'b'",
        "'c'",
    ),
    "enum missing": (
        """
        import enum
        class E(enum.Enum):
            A=1
            @classmethod
            def _missing_(cls,v):
                return cls.A if v==5 else None
        def task():
            try: return str(E(5))
            except ValueError as e: return str(e)
        """,
        "v==5",
        "v==6",
    ),
    "enum functional": (
        """
        import enum
        E=enum.Enum('E','A B')
        def task():
            return [e.name for e in E]
        """,
        "'A B'",
        "'A C'",
    ),
    "metaclass call": (
        """
        class Me(type):
            def __call__(cls):
                o=super().__call__()
                o.x=1
                return o
        class A(metaclass=Me):
            pass
        def task():
            return A().x
        """,
        "x=1",
        "x=2",
    ),
    "metaclass prop": (
        """
        class Me(type):
            @property
            def p(cls):
                return 1
        class A(metaclass=Me):
            pass
        def task():
            return A.p
        """,
        "return 1",
        "return 2",
    ),
    "class body computed": (
        """
        def comp():
            return 1
        class A:
            x=comp()
        def task():
            return A.x
        """,
        "return 1",
        "return 2",
    ),
    "deco class": (
        """
        class D:
            def __init__(s,f):
                s.f=f
            def __call__(s,x):
                return s.f(x)+1
        @D
        def h(x):
            return x
        def task():
            return h(1)
        """,
        ")+1",
        ")+2",
    ),
    "deco class fn": (
        """
        class D:
            def __init__(s,f):
                s.f=f
            def __call__(s,x):
                return s.f(x)
        @D
        def h(x):
            return x+1
        def task():
            return h(1)
        """,
        "x+1",
        "x+2",
    ),
    "set_name": (
        """
        class De:
            def __set_name__(s,o,n):
                s.n=n+'1'
            def __get__(s,i,o):
                return s.n
        class A:
            d=De()
        def task():
            return A().d
        """,
        "'1'",
        "'2'",
    ),
    "class_getitem": (
        """
        class A:
            def __class_getitem__(c,k):
                return 1
        def task():
            return A[0]
        """,
        "return 1",
        "return 2",
    ),
    "abc register": (
        """
        import abc
        class B(abc.ABC):
            pass
        class X:
            pass
        B.register(X)
        def task():
            return isinstance(X(),B)
        """,
        "B.register(X)",
        "pass",
    ),
    "typeddict keys": (
        """
        from typing import TypedDict
        class T(TypedDict):
            a: int
            b: int
        def task():
            return sorted(T.__annotations__)
        """,
        "    b: int\n",
        "    c: int\n",
    ),
    "dataclass fields()": (
        """
        import dataclasses
        @dataclasses.dataclass
        class T:
            a: int
            b: int
        def task():
            return [f.name for f in dataclasses.fields(T)]
        """,
        "    b: int\n",
        "    c: int\n",
    ),
    "dataclass metadata": (
        """
        import dataclasses
        @dataclasses.dataclass
        class T:
            a: int = dataclasses.field(metadata={'u':1},default=0)
        def task():
            return dataclasses.fields(T)[0].metadata['u']
        """,
        "'u':1",
        "'u':2",
    ),
    "compiled regex in class": (
        """
        import re
        class A:
            r=re.compile('a')
        def task():
            return bool(A.r.match('b'))
        """,
        "'a'",
        "'b'",
    ),
    "init kwarg via super": (
        """
        class B:
            def __init__(s,k=1):
                s.k=k
        class A(B):
            pass
        def task():
            return A().k
        """,
        "k=1",
        "k=2",
    ),
    "contextmanager class": (
        """
        import contextlib
        class M(contextlib.ContextDecorator):
            def __enter__(s):
                L.append(1)
            def __exit__(s,*a):
                pass
        L=[]
        @M()
        def h():
            return list(L)
        def task():
            L.clear()
            return h()
        """,
        "append(1)",
        "append(2)",
    ),
    "format spec": (
        """
        class V:
            def __format__(s,f):
                return f+'1'
        def task():
            return f'{V():z}'
        """,
        "'1'",
        "'2'",
    ),
    "sort lt": (
        """
        class V:
            def __init__(s,x):
                s.x=x
            def __lt__(s,o):
                return s.x<o.x
        def task():
            return [v.x for v in sorted([V(2),V(1)])]
        """,
        "s.x<o.x",
        "s.x>o.x",
    ),
    "method via string loop": (
        """
        class A:
            def m1(s):
                return 1
            def m2(s):
                return 2
        def task():
            a=A()
            return [getattr(a,'m'+k)() for k in '12']
        """,
        "return 1",
        "return 3",
    ),
    "dispatch dunder": (
        """
        class A:
            def __getattr__(s,n):
                return len(n)
        def task():
            return A().foo
        """,
        "len(n)",
        "len(n)+1",
    ),
    "class via globals": (
        """
        class A:
            def m(s):
                return 1
        def task():
            return globals()['A']().m()
        """,
        "return 1",
        "return 2",
    ),
    "frozen dataclass instance default": (
        """
        import dataclasses
        @dataclasses.dataclass(frozen=True)
        class P:
            x: int = 1
        def h(p=P(2)):
            return p.x
        def task():
            return h()
        """,
        "P(2)",
        "P(3)",
    ),
}
