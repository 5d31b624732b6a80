"""Runs tasks whose results are large streams in a workspace, and prints how much memory that took at most.

Run as a script: `stream_results.py FOLDER MEGABYTES`.
"""

import contextlib
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from merkl import FileRef, Workspace, task

MB = 1 << 20


def pieces(count: int, salt: int) -> Iterator[bytes]:
    """Yield that many different megabytes."""
    for number in range(count):
        yield (number * 10 + salt).to_bytes(4, "little") * (MB // 4)


@task
def as_iterator(count: int) -> Iterator[bytes]:
    return pieces(count, 1)


@task
def as_open_file(count: int) -> BinaryIO:
    file = tempfile.TemporaryFile()
    file.writelines(pieces(count, 2))
    return file


@task
def as_file(count: int) -> FileRef:
    made = FileRef()
    with open(made, "wb") as file:
        file.writelines(pieces(count, 3))
    return made


@task
def as_file_of_the_user(count: int, name: str) -> FileRef:
    with open(name, "wb") as file:
        file.writelines(pieces(count, 4))
    return FileRef(name)


@task
def length(data: Iterator[bytes]) -> int:
    return sum(map(len, data))


@task
def length_of_open_file(data: BinaryIO) -> int:
    return sum(iter(lambda: len(data.read(MB)), 0))


@task
def length_of_file(data: FileRef) -> int:
    with open(data, "rb") as file:
        return sum(iter(lambda: len(file.read(MB)), 0))


def peak() -> int:
    """Return the most memory that this process had, in megabytes (getrusage counts the one that started it)."""
    with contextlib.suppress(FileNotFoundError), open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(folder: str, count: int) -> None:
    """Run each, twice: computed, and read back."""
    os.chdir(folder)
    for _ in range(2):
        with Workspace(folder):
            lengths = [
                length(as_iterator(count)).eval(),
                length_of_open_file(as_open_file(count)).eval(),
                length_of_file(as_file(count)).eval(),
                length_of_file(as_file_of_the_user(count, os.path.join(folder, "mine.bin"))).eval(),
                sum(map(len, as_iterator(count).eval())),
            ]
        assert lengths == [count * MB] * 5, lengths
    assert os.path.getsize("mine.bin") == count * MB
    print(peak())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
