"""Edits behind names that are found at run time; they change what `main.task` gives, and are easily overlooked.

Each case is a project (one text, files apart by `## name`), the text to replace, and what to put there.
"""

from __future__ import annotations

CASES = {
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
    "name of a function read elsewhere": (
        """
        import mod
        def shown(f):
            return f.__name__
        def task():
            return shown(mod.g)
        ## mod.py
        def one(): pass
        g=one
        """,
        "one(): pass\n        g=one",
        "two(): pass\n        g=two",
    ),
    "name in a code object": (
        """
        import mod
        def task():
            return mod.g.__code__.co_name
        ## mod.py
        def one(): pass
        g=one
        """,
        "one(): pass\n        g=one",
        "two(): pass\n        g=two",
    ),
    "docstring read elsewhere": (
        """
        import mod
        def shown(f):
            return f.__doc__
        def task():
            return shown(mod.g)
        ## mod.py
        def g():
            'one'
        """,
        "one",
        "two",
    ),
    "docstring of a class by its object": (
        """
        class A:
            'one'
            def told(self):
                return type(self).__doc__
        def task():
            return A().told()
        """,
        "one",
        "two",
    ),
    "docstring by inspect": (
        """
        import inspect
        def g():
            'one'
        def task():
            return inspect.getdoc(g)
        """,
        "one",
        "two",
    ),
    "source by inspect": (
        """
        import inspect
        def g():
            return 1  # one
        def task():
            return inspect.getsource(g)
        """,
        "# one",
        "# two",
    ),
    "attribute of a member of an enum": (
        """
        import enum
        class E(enum.Enum):
            A=1
        E.A.label='one'
        def task():
            return E.A.label
        """,
        "one",
        "two",
    ),
    "attribute of a member of an enum, by an argument": (
        """
        import enum
        class E(enum.Enum):
            A=1
        E.A.label='one'
        def label_of(member):
            return member.label
        def task():
            return [label_of(member) for member in E]
        """,
        "one",
        "two",
    ),
    "name that another module puts into one": (
        """
        import mod, other
        def task():
            return hasattr(mod,'Q')
        ## mod.py
        K=1
        ## other.py
        import mod
        mod.Q=1
        """,
        "mod.Q",
        "mod.R",
    ),
    "table that another module fills in one that counts as a whole": (
        """
        import mod, other
        def task():
            return vars(mod)['TABLE']['a']
        ## mod.py
        TABLE={}
        ## other.py
        import mod
        mod.TABLE['a']=1
        """,
        "=1",
        "=2",
    ),
    "bound of a type variable": (
        """
        import typing
        T=typing.TypeVar('T',bound=int)
        def task():
            return T.__bound__.__name__
        """,
        "bound=int",
        "bound=str",
    ),
}
