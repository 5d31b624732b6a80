"""Edits to objects of other libraries that change what `main.task` gives, and are easily overlooked.

Each case is a project (one text, files apart by `## name`), the text to replace, and what to put there.
"""

from __future__ import annotations

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
