"""`merkl-unserializable`: parameters without canonical bytes and results without a codec, at the line of the def."""

from __future__ import annotations

from pathlib import Path

from tests.typecheck import checked

PRELUDE = """
import io, queue, socket, sqlite3, ssl, threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass
from typing import IO, Annotated, Any, NamedTuple, TextIO, TypedDict, TypeVar
from merkl import arg_serializer, task
"""

KINDS = """
@task
def connection(
    x: int,
    conn: socket.socket,
) -> int: return 1
@task
def inside(x: list[threading.Lock], y: int) -> int: return 1  # E: merkl-unserializable
@task
def generator(x: int) -> Generator[int, None, None]: yield 1  # E: merkl-unserializable
@task
def iterator(x: int) -> Iterator[int]: yield 1  # E: merkl-unserializable
@task
def files(y: io.StringIO, z: io.BytesIO | None = None) -> IO[bytes]: raise NotImplementedError  # E: merkl-unserializable
@task
def fine(a: int | socket.socket, b: Callable[[socket.socket], int], c: type[socket.socket], d: Any, e: object) -> None: ...
T = TypeVar("T", bound=socket.socket)
@task
def bound(a: T) -> dict[str, tuple[int, T]]: raise NotImplementedError  # E: merkl-unserializable
@task
async def waits(x: Awaitable[int]) -> int: return 1  # E: merkl-unserializable
made = task(lambda: socket.socket())  # E: merkl-unserializable
""".replace("def connection(\n", "def connection(  # E: merkl-unserializable\n")

CLASSES = """
@dataclass
class Job:
    name: str
    lock: threading.Lock
class Plain:
    shared = threading.Lock()
class Held:
    def __init__(self) -> None:
        self.lock = threading.Lock()
    @task
    def method(self, x: int) -> int: return 1  # E: merkl-unserializable
class Reduced(Held):
    def __reduce__(self) -> Any: return (Reduced, ())
class Keyed(TypedDict):
    s: socket.socket
class Named(NamedTuple):
    s: socket.socket
@task
def job(x: Job) -> int: return 1  # E: merkl-unserializable
@task
def plain(x: Plain, y: Reduced) -> int: return 1
@task
def held(x: Held) -> int: return 1  # E: merkl-unserializable
@task
def keyed(x: Keyed) -> int: return 1  # E: merkl-unserializable
@task
def named(x: Named) -> int: return 1  # E: merkl-unserializable
"""

ARRANGED = """
import registered
@arg_serializer(ssl.SSLContext)
def of_context(c: ssl.SSLContext) -> str: return "x"
@task
def known(x: sqlite3.Connection, y: ssl.SSLContext, z: threading.Lock) -> int: return 1
@task(arg_serializers={"x": id}, ignore_args=["y"], codec="pickle")
def options(x: socket.socket, y: threading.Event, z: int) -> queue.Queue[int]: raise NotImplementedError
@task
def annotated(x: Annotated[socket.socket, arg_serializer(id)]) -> int: return 1
@task
def unknown(x: socket.socket) -> int: return 1  # E: merkl-unserializable
"""

REGISTERED = """
import sqlite3, threading
from merkl import arg_serializer
@arg_serializer(sqlite3.Connection)
def of_connection(c: sqlite3.Connection) -> str: return "x"
@arg_serializer(threading.Lock)
def of_lock(c: threading.Lock) -> str: return "x"
"""

USED_UP = """
from typing import Annotated, Any, Iterable, Iterator
from merkl import Future, arg_serializer, batch, pipeline, task
@task
def total(xs: Iterable[float]) -> float: return sum(xs)
@task(ignore_args=["xs"])
def ignoring(xs: Iterable[float], y: int = 1) -> float: return sum(xs)
@task
def arranged(xs: Annotated[Iterator[float], arg_serializer(repr)]) -> float: return sum(xs)
@task
def inc(x: float) -> float: return x
@task
def stars(*xs: float) -> float: return 1
@pipeline
def pipe(xs: Iterable[float]) -> Future[float]: return total(list(xs))
class C:
    @task
    def m(self, xs: Iterable[float]) -> float: return 1
f = inc(1)
total({"a": 1.0}.values())
total({"a": f}.values())
total({1.0: f}.keys())
total({"a": "b"}.values())  # E: arg-type
total({"a": inc.map([1.0])}.values())  # E: arg-type
total(x for x in [1.0])  # E: merkl-unserializable
total(inc(x) for x in [1.0])  # E: merkl-unserializable
total(xs=map(float, [1]))  # E: merkl-unserializable
total(iter([1.0]))  # E: merkl-unserializable
total(reversed([1.0]))  # E: merkl-unserializable
total([x for x in [1.0]])
ignoring(x for x in [1.0])
arranged(iter([1.0]))
stars(*(x for x in [1.0]))
stars(*(inc(x) for x in [1.0]))
reveal_type(inc.map(inc(x) for x in [1.0]))  # T: list[Future[float]]
pipe(x for x in [1.0])
C().m(x for x in [1.0])  # E: merkl-unserializable
def given(xs: Iterable[float], ys: Iterator[float], other: Any) -> None:
    total(xs)
    total(ys)  # E: merkl-unserializable
    total(other)
"""


def test_arguments_that_are_used_up_are_reported(tmp_path: Path) -> None:
    """At the call, where the parameter's type allows them; views of dicts are arguments like any other."""
    checked.check(tmp_path, {"used_up.py": USED_UP})


def test_types_that_cannot_be_hashed_or_stored_are_reported(tmp_path: Path) -> None:
    """At the def, whether the type is given by itself, inside a container or as an upper bound."""
    checked.check(tmp_path, {"kinds.py": PRELUDE + KINDS})


def test_classes_that_hold_such_a_value_are_reported(tmp_path: Path) -> None:
    """Unless they say how they are reduced, or hold it in the class."""
    checked.check(tmp_path, {"classes.py": PRELUDE + CLASSES})


def test_registered_types_are_known_from_the_cache_too(tmp_path: Path) -> None:
    """Registrations of other modules count, also when mypy loads those modules from its cache."""
    files = {"arranged.py": PRELUDE + ARRANGED, "registered.py": REGISTERED}
    checked.check(tmp_path, files)
    checked.check(tmp_path, {**files, "arranged.py": PRELUDE + ARRANGED + "# edited\n"})


def test_registrations_in_modules_that_are_not_imported_are_known(tmp_path: Path) -> None:
    """A program registers its serializers somewhere; the module with the task need not import that."""
    files = {"arranged.py": PRELUDE + ARRANGED.replace("import registered", ""), "registered.py": REGISTERED}
    checked.check(tmp_path, files)


def test_a_parameter_that_is_used_up_says_what_to_take(tmp_path: Path) -> None:
    """A serializer for generators is no way out, so none is proposed."""
    (tmp_path / "flow.py").write_text(
        "from collections.abc import Generator\nfrom merkl import task\n\n@task\n"
        "def f(x: Generator[int, None, None], y: map[int]) -> int:\n    return 1\n"
    )
    output = checked.run_mypy(tmp_path, "flow.py")
    assert (
        output.count(
            "is used up by whoever reads it and has no canonical bytes: take a Sequence, pass a list"
        )
        == 2
    )
    assert "arg_serializer" not in output
