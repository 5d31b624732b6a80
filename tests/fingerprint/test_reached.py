"""Ways to reach code and constants that are easily overlooked: an edit behind each of them changes the fingerprint.

Each case is a project (one text, files apart by `## name`), the text to replace, and what to put there; the edit changes
what the task gives, too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from merkl_serializers import default_registry
from sample import Project
from test_edits import files

CASES = {
    "order of bare categories": (
        """
        import pandas as pd
        V = pd.Categorical(["a", "b"], ordered=False)
        def task():
            return V.ordered
        """,
        "ordered=False",
        "ordered=True",
    ),
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
    "value of a subclass of an array": (
        """
        import numpy as np
        class A(np.ndarray):
            pass
        V = np.array([1, 2]).view(A)
        def task():
            return V.tolist()
        """,
        "[1, 2]",
        "[1, 3]",
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
    "module getattr": (
        """
        import other
        def task():
            return other.dyn()
        ## other.py
        def _x():
            return 1
        def __getattr__(n):
            if n=='dyn': return _x
            raise AttributeError(n)
        """,
        "return 1",
        "return 2",
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
    "try import": (
        """
        try:
            import fast as impl
        except ImportError:
            import slow as impl
        def task():
            return impl.f()
        ## slow.py
        def f():
            return 1
        """,
        "return 1",
        "return 2",
    ),
    "monkeypatch": (
        """
        import other, patch
        def task():
            return other.f()
        ## other.py
        def f():
            return 0
        ## patch.py
        import other
        def g():
            return 1
        other.f=g
        """,
        "return 1",
        "return 2",
    ),
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
    "annotated validator": (
        """
        from pydantic import BaseModel, AfterValidator
        from typing import Annotated
        def v(x):
            return x+1
        class M(BaseModel):
            a: Annotated[int, AfterValidator(v)]
        def task():
            return M(a=1).a
        """,
        "x+1",
        "x+2",
    ),
    "typeadapter": (
        """
        from pydantic import BaseModel, TypeAdapter
        class M(BaseModel):
            a: int = 1
        T=TypeAdapter(list[M])
        def task():
            return T.validate_python([{}])[0].a
        """,
        "= 1",
        "= 2",
    ),
    "model validator": (
        """
        from pydantic import BaseModel, model_validator
        def h(x):
            return x+1
        class M(BaseModel):
            a: int = 1
            @model_validator(mode='after')
            def _v(self):
                self.a = h(self.a)
                return self
        def task():
            return M().a
        """,
        "x+1",
        "x+2",
    ),
    "computed field": (
        """
        from pydantic import BaseModel, computed_field
        class M(BaseModel):
            a: int = 1
            @computed_field
            def b(self)->int:
                return self.a+1
        def task():
            return M().model_dump()
        """,
        "self.a+1",
        "self.a+2",
    ),
    "model config": (
        """
        from pydantic import BaseModel, ConfigDict
        class M(BaseModel):
            model_config=ConfigDict(extra='allow')
            a: int = 1
        def task():
            return M(b=1).model_dump()
        """,
        "'allow'",
        "'ignore'",
    ),
    "nested model": (
        """
        from pydantic import BaseModel
        class I(BaseModel):
            x: int = 1
        class M(BaseModel):
            a: I = I()
        def task():
            return M().a.x
        """,
        "= 1",
        "= 2",
    ),
    "attrs converter": (
        """
        import attrs
        def conv(x):
            return x+1
        @attrs.define
        class M:
            a: int = attrs.field(converter=conv)
        def task():
            return M(1).a
        """,
        "x+1",
        "x+2",
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
    "vectorize": (
        """
        import numpy as np
        def h(x):
            return x+1
        V=np.vectorize(h)
        def task():
            return V([1]).tolist()
        """,
        "x+1",
        "x+2",
    ),
    "frompyfunc": (
        """
        import numpy as np
        def h(x):
            return x+1
        V=np.frompyfunc(h,1,1)
        def task():
            return V(1)
        """,
        "x+1",
        "x+2",
    ),
    "poly1d": (
        """
        import numpy as np
        V=np.poly1d([1,2])
        def task():
            return V(1)
        """,
        "[1,2]",
        "[1,3]",
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
    "annotations read": (
        """
        class T:
            a: int
        def task():
            return list(T.__annotations__)
        """,
        "a: int",
        "b: int",
    ),
    "fn annotations read": (
        """
        def h(a: 'x'):
            pass
        def task():
            return h.__annotations__
        """,
        "'x'",
        "'y'",
    ),
    "inspect signature": (
        """
        import inspect
        def h(a=1):
            pass
        def task():
            return str(inspect.signature(h))
        """,
        "a=1",
        "b=1",
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
    "registry elsewhere": (
        """
        import other, plug
        def task():
            return [f() for f in other.REG.values()]
        ## other.py
        REG={}
        ## plug.py
        from other import REG
        def a():
            return 1
        REG['a']=a
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
    "exec literal": (
        """
        def h():
            return 1
        def task():
            ns={'h':h}
            exec('r=h()',ns)
            return ns['r']
        """,
        "return 1",
        "return 2",
    ),
    "exec literal text": (
        """
        def task():
            ns={}
            exec('r=1',ns)
            return ns['r']
        """,
        "r=1",
        "r=2",
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
    "msgspec": (
        """
        import msgspec
        class M(msgspec.Struct, rename='upper'):
            a: int = 1
        def task():
            return msgspec.json.encode(M())
        """,
        "'upper'",
        "'lower'",
    ),
    "msgspec decoder": (
        """
        import msgspec
        class M(msgspec.Struct):
            a: int = 1
        D=msgspec.json.Decoder(M)
        def task():
            return D.decode(b'{}').a
        """,
        "= 1",
        "= 2",
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
    "np array class attr": (
        """
        import numpy as np
        class A:
            r=np.array([1,2])
        def task():
            return A.r.sum()
        """,
        "1,2",
        "1,3",
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
    "from package init star all": (
        """
        from pkg import *
        def task():
            return f()
        ## pkg/__init__.py
        from .a import f
        __all__=['f']
        ## pkg/a.py
        def f():
            return 1
        """,
        "return 1",
        "return 2",
    ),
    "namespace pkg": (
        """
        from ns.a import f
        def task():
            return f()
        ## ns/a.py
        def f():
            return 1
        """,
        "return 1",
        "return 2",
    ),
    "global in other module set": (
        """
        import other
        other.X=1
        def task():
            return other.X
        ## other.py
        X=0
        """,
        "X=1",
        "X=2",
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
    "hasattr probe": (
        """
        class A:
            def extra(s):
                return 1
        def task():
            a=A()
            f=getattr(a,'extra',None)
            return f() if f else 0
        """,
        "return 1",
        "return 2",
    ),
    "numpy structured dtype": (
        """
        import numpy as np
        D=np.dtype([('a','i4')])
        def task():
            return D.names
        """,
        "'a'",
        "'b'",
    ),
    "pandas frame": (
        """
        import pandas as pd
        D=pd.DataFrame({'a':[1]})
        def task():
            return D.a.tolist()
        """,
        "[1]",
        "[2]",
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
    "decorator w/ state": (
        """
        COUNT=[]
        def deco(n):
            def d(f):
                f.n=n
                return f
            return d
        @deco(1)
        def h():
            return h.n
        def task():
            return h()
        """,
        "deco(1)",
        "deco(2)",
    ),
    "wraps with dict closure": (
        """
        import functools
        def deco(**kw):
            def d(f):
                @functools.wraps(f)
                def w(): return kw['n'], f()
                return w
            return d
        @deco(n=1)
        def h():
            return 0
        def task():
            return h()
        """,
        "n=1",
        "n=2",
    ),
    "wrapt-like": (
        """
        import functools
        class P:
            def __init__(s,f,o):
                functools.update_wrapper(s,f); s.o=o
            def __call__(s):
                return s.o+s.__wrapped__()
        def h():
            return 1
        h=P(h,5)
        def task():
            return h()
        """,
        "return 1",
        "return 2",
    ),
}


def observe(folder: Path, source: str) -> tuple[bytes, str]:
    project = Project(folder, encode=lambda value: default_registry.encode(value).data).write(files(source))
    sys.path.insert(0, str(folder))
    try:
        task = project.load()
        digest = project.fingerprinter().fingerprint(task).digest
        try:
            return digest, repr(task())
        except TypeError as error:
            return digest, repr(error)
    finally:
        sys.path.remove(str(folder))
        project.forget()


@pytest.mark.parametrize("case", CASES)
def test_an_edit_behind_it_changes_the_fingerprint(case: str, tmp_path: Path) -> None:
    """The output and the fingerprint change together."""
    source, old, new = CASES[case]
    assert source.count(old) >= 1
    (one, before), (other, after) = (
        observe(tmp_path / str(number), text)
        for number, text in enumerate([source, source.replace(old, new, 1)])
    )
    assert before != after
    assert one != other
