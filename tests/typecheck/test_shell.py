"""`bash_task`: mypy reads the signature of the task off the placeholders in its f-string."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.typecheck import checked

PRELUDE = """
from typing import Final, Literal
from merkl import (
    DirRef, FileRef, Future, arg, bash_task, dir_arg, file_arg, out_dir_arg, out_file_arg, stdin_arg, stdout_arg,
)
png: FileRef[Literal[".png"]]
csv: FileRef[Literal[".csv"]]
future_png: Future[FileRef[Literal[".png"]]]
future_csv: Future[FileRef[Literal[".csv"]]]
"""

CASES = {
    "files": """
resize = bash_task(f"convert {file_arg('image', '.png')} -resize {arg('size', int)} {out_file_arg('out', '.png')}")
reveal_type(resize(png, size=64))  # T: Future[FileRef[Literal['.png']]]
reveal_type(resize(resize(future_png, 1), 1))  # T: Future[FileRef[Literal['.png']]]
resize(csv, 1)  # E: arg-type
resize(future_csv, 1)  # E: arg-type
resize(png)  # E: call-arg
resize(png, "a")  # E: arg-type
resize(png, 1, out="x")  # E: call-arg
reveal_type(resize.fn)  # T: def (image: FileRef[Literal['.png']], size: int) -> FileRef[Literal['.png']]
""",
    "kinds": """
several = bash_task(
    f'''split {arg('xs', list[str])} {arg("mode", Literal["a", "b"], default="a")} {arg("n", int | None)} {arg("xs", list[str])}
    {dir_arg("folder")} {out_file_arg("a", ".txt")} {out_dir_arg("b")} {stdout_arg(bytes)}''',
    track="name",
)
outs = several(["a"], n=None, folder=DirRef())
reveal_type(outs["a"])  # T: Future[FileRef[Literal['.txt']]]
reveal_type(outs["b"])  # T: Future[DirRef]
reveal_type(outs["stdout"])  # T: Future[bytes]
outs["c"]  # E: misc
several(["a"], "c", n=1, folder=DirRef())  # E: arg-type
several(["a"], "a", folder=DirRef())  # E: call-arg
""",
    "templates": """
reveal_type(bash_task("touch x")())  # T: Future[None]
size = arg("size", int, default=3)
TEMPLATE: Final = f"echo {size} {stdin_arg()}"
kept = bash_task(TEMPLATE)
kept(stdin="a"); kept(3, stdin=b""); kept()  # E: call-arg
def local(n: int, tool: str) -> None:
    made = bash_task(f"{tool} {n} {arg('text')} {stdout_arg()}")
    reveal_type(made("a"))  # T: Future[str]
    made(3)  # E: arg-type
reveal_type(bash_task(f"cat {arg('x')}" + f" | wc {stdout_arg(str)}")("a"))  # T: Future[str]
""",
    "unknown": """
def get() -> str: return ""
unseen = bash_task(get())  # N: merkl-unsupported
reveal_type(unseen(1, a=2))  # T: Any
odd = bash_task(f"echo {arg('x', type=type(3))}")  # N: merkl-unsupported
reveal_type(odd(""))  # T: Future[None]
""",
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[set[object], set[object]]]:
    """By module, what its comments ask for and what mypy said: one run for all."""
    files = {f"{name}.py": PRELUDE + source for name, source in CASES.items()}
    return checked.judge(tmp_path_factory.mktemp("shell"), files)


@pytest.mark.parametrize("case", CASES)
def test_calls_of_shell_tasks(case: str, judged: dict[str, tuple[set[object], set[object]]]) -> None:
    """Parameters, defaults and outs are those of the placeholders; what cannot be read is said."""
    wanted, said = judged[f"{case}.py"]
    assert said == wanted


def test_errors_name_the_variable(tmp_path: Path) -> None:
    """mypy itself takes the name off a function that is assigned to a variable."""
    (tmp_path / "named.py").write_text(
        f"{PRELUDE}ranked = bash_task(f\"sort {{arg('key', int)}}\")\nranked('a')\nranked()\n"
    )
    output = checked.run_mypy(tmp_path, "named.py")
    assert 'Argument 1 to "ranked" has incompatible type "str"; expected "int"' in output
    assert 'Missing positional argument "key" in call to "ranked"' in output
