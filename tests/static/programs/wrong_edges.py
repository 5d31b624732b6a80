"""Calls that are wrong. Without the plugin, positional edges are promised; mypy finds them all."""

from typing import Any

from merkl import task


@task
def number() -> int:
    return 1


@task
def text(a: int) -> str:
    return str(a)


@task
def mixed(a: int, b: str = "x") -> float:
    return 1.0


@task
def split(a: int) -> tuple[int, str]:
    return a, ""


@task
def table(xs: list[int]) -> dict[str, int]:
    return {}


@task
def eight(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: str) -> int:
    return 1


@task
def nine(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: str, i: int) -> int:
    return 1


@task
def keywords(a: int, *, b: str) -> int:
    return a


@task
def numbers(*xs: int) -> int:
    return 1


@task
def untyped(a: Any) -> Any:
    return a


class Model:
    @task
    def fit(self, xs: list[float], rate: float = 0.1) -> float:
        return rate

    @classmethod
    @task
    def load(cls, n: int) -> list[float]:
        return []


# A Future of another type
text(text(1))  # error: all
text(number())
mixed(number(), number())  # error: all
mixed("x", text(1))  # error: all
mixed(text(1), "x")  # error: all
table(number())  # error: all
table(table([1]))  # error: all
numbers(1, text(1))  # error: all
numbers(text(1))  # error: all
eight(1, 2, 3, 4, 5, 6, 7, number())  # error: all
eight(1, 2, 3, 4, 5, 6, number(), text(1))
eight(text(1), 2, 3, 4, 5, 6, 7, "h")  # error: all
nine(1, 2, 3, 4, 5, 6, 7, number(), 9)  # error: all
nine(1, 2, 3, 4, 5, 6, 7, "h", text(1))  # error: all

Model().fit(text(1))  # error: all
Model().fit(table([1]), 0.5)  # error: all
Model().fit("xs")  # error: all
Model.fit(Model(), text(1))  # error: all
Model.load(text(1))  # error: mypy, pyright, pyrefly
Model().load(text(1))  # error: mypy, pyright, pyrefly

# One out of several
left, right = split(1)
text(left)
text(right)  # error: all
mixed(1, left)  # error: all
text(split(1)[1])  # error: all
text(split(1))  # error: mypy

# Through a pipe
number() | text
text(1) | text  # error: mypy, pyright, ty
number() | abs  # error: all
number() | 3  # error: all
number() | number()  # error: all

# A constant of another type
text("x")  # error: all
text(None)  # error: all
mixed(number(), 3)  # error: all
mixed(1, 3)  # error: all
keywords("a", b="x")  # error: all

# Too many arguments
text(1, 2)  # error: mypy, pyright, ty
text(number(), 2)  # error: mypy, pyright, ty

# What overloads cannot see: keyword arguments, what is missing, what is inside containers
text()  # error: mypy
text(b=1)  # error: mypy
mixed(a=text(1))  # error: mypy
mixed(number(), b=number())  # error: mypy
mixed(number(), b=3)  # error: mypy
keywords(number())  # error: mypy
keywords(number(), b=number())  # error: mypy
table([number(), "x"])  # error: mypy
table([text(1)])  # error: mypy
table({"a": 1})  # error: mypy
eight(1, 2)  # error: mypy

# The results
number().eval().upper()  # error: all
text(1).eval().upper()
split(1).eval()  # error: all
number() + 1  # error: all
text(number.fn("x"))  # error: all
