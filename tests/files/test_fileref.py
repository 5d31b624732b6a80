"""FileRef: construction, suffixes, value semantics, reading and writing."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from merkl._base.errors import MissingInputError, TypeMismatchError, UnsupportedFileError
from merkl.files import DirRef, FileRef
from merkl.files.scratch import use_scratch
from merkl.files.suffix import suffix_of

Png = FileRef[Literal[".png"]]


class CsvFile(FileRef[Literal[".csv"]]):
    """A subclass that fixes its suffix."""


def make(path: Path, text: str = "x") -> Path:
    path.write_text(text)
    return path


def test_refers_to_the_given_path(tmp_path: Path) -> None:
    path = make(tmp_path / "a.csv")
    ref = FileRef(path)
    assert (ref.path, os.fspath(ref), ref.suffix, ref.name) == (path, str(path), ".csv", "a.csv")


def test_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"no file '.*nope\.csv'"):
        FileRef(tmp_path / "nope.csv")


def test_dangling_link_names_its_target(tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to("gone.txt")
    with pytest.raises(MissingInputError, match=r"link to the missing 'gone\.txt'"):
        FileRef(tmp_path / "l")


def test_directory_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFileError, match="Use DirRef"):
        FileRef(tmp_path)


@pytest.mark.parametrize("name", ["loop", "a\0b", "a" * 300])
def test_a_path_that_cannot_be_looked_at_is_a_clear_error(name: str, tmp_path: Path) -> None:
    """A link that leads to itself, a NUL, a name that is too long."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UnsupportedFileError, match=r"cannot be read: .*Mend the path"):
        FileRef(tmp_path / name)


def test_fifo_is_refused_without_hanging(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnsupportedFileError, match="fifo"):
        FileRef(tmp_path / "pipe")


def test_relative_path_holds_after_a_change_of_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "a.txt", "here")
    monkeypatch.chdir(tmp_path)
    ref = FileRef("a.txt")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert ref.read_text() == "here"
    assert str(ref.path) == "a.txt"


def test_fresh_file_lies_in_the_scratch_directory_with_its_suffix(tmp_path: Path) -> None:
    with use_scratch(tmp_path) as scratch:
        refs = [FileRef(suffix=".png"), FileRef[Literal[".png"]](), Png()]
    assert all(ref.path.parent == scratch and ref.suffix == ".png" and ref.is_fresh for ref in refs)
    assert len(set(refs)) == 3


def test_subclass_with_a_suffix_applies_it(tmp_path: Path) -> None:
    assert CsvFile().suffix == ".csv"
    with pytest.raises(TypeMismatchError, match=r"'\.png'.*wants '\.csv'"):
        CsvFile(make(tmp_path / "a.png"))


def test_typed_reference_checks_the_suffix(tmp_path: Path) -> None:
    path = make(tmp_path / "a.csv")
    with pytest.raises(TypeMismatchError, match=r"suffix '\.csv'.*wants '\.png' or '\.jpg'"):
        FileRef[Literal[".png", ".jpg"]](path)


def test_several_suffixes_need_a_choice_for_a_fresh_file() -> None:
    with pytest.raises(TypeError, match=r"\.png, \.jpg"):
        FileRef[Literal[".png", ".jpg"]]()


def test_declared_long_suffix_becomes_the_suffix(tmp_path: Path) -> None:
    path = make(tmp_path / "a.roi.json")
    assert FileRef(path).suffix == ".json"
    assert FileRef[Literal[".roi.json"]](path).suffix == ".roi.json"


@pytest.mark.parametrize("wrong", ["png", ".", ".a/b", ".a\0"])
def test_wrong_suffix_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no file suffix"):
        FileRef(suffix=wrong)


def test_suffix_parameter_without_literal_is_refused() -> None:
    with pytest.raises(TypeError, match=r'FileRef\[Literal\["\.png"\]\]'):
        FileRef[".png"]  # type: ignore[type-arg]


def test_hints_resolve_and_take_apart() -> None:
    def body(image: FileRef[Literal[".png"]], any_file: FileRef) -> Png: ...  # type: ignore[type-arg, empty-body]

    hints = get_type_hints(body)
    assert get_origin(hints["image"]) is FileRef
    assert get_args(hints["image"]) == (Literal[".png"],)
    assert hints["image"] == hints["return"]
    assert hints["any_file"] is FileRef
    assert pickle.loads(pickle.dumps(Png)) == Png


@pytest.mark.parametrize(
    ("hint", "name", "fine"),
    [
        (Png, "a.png", True),
        (Png, "a.csv", False),
        (FileRef[Literal[".png"] | Literal[".csv"]], "a.csv", True),
        (FileRef[Any], "a.csv", True),
        (FileRef, "a", True),
        (CsvFile, "a.csv", False),
        (FileRef[Literal[""]], "Makefile", True),
        (FileRef[Literal[".tar.gz"]], "a.tar.gz", True),
    ],
)
def test_check_hook_compares_with_the_hint(hint: Any, name: str, fine: bool, tmp_path: Path) -> None:
    assert (FileRef.__merkl_check__(hint, FileRef(make(tmp_path / name))) is None) is fine


def test_check_hook_says_both_sides(tmp_path: Path) -> None:
    message = FileRef.__merkl_check__(Png, FileRef(make(tmp_path / "a.csv")))
    assert message is not None
    assert "'.csv'" in message
    assert "'.png'" in message
    assert FileRef.__merkl_check__(Png, "a.png") == "str is no FileRef"


def test_is_immutable_and_equal_by_path(tmp_path: Path) -> None:
    path = make(tmp_path / "a.csv")
    ref = FileRef(path)
    assert ref == FileRef(str(path))
    assert hash(ref) == hash(FileRef(path))
    assert ref != FileRef(make(tmp_path / "b.csv"))
    assert copy.deepcopy(ref) is ref
    with pytest.raises(AttributeError, match="never changed"):
        ref.suffix = ".png"  # type: ignore[misc]


def test_pickle_keeps_all_and_needs_no_file(tmp_path: Path) -> None:
    ref = FileRef[Literal[".roi.json"]](make(tmp_path / "a.roi.json"))
    dumped = pickle.dumps(ref)
    ref.path.unlink()
    loaded = pickle.loads(dumped)
    assert (loaded, loaded.suffix, type(loaded)) == (ref, ".roi.json", FileRef)


def test_inputs_are_not_written(tmp_path: Path) -> None:
    ref = FileRef(make(tmp_path / "a.csv"))
    for write in (
        lambda: ref.write_text("y"),
        lambda: ref.write_bytes(b"y"),
        lambda: ref.open("a"),
        lambda: ref.open("r+b"),
    ):
        with pytest.raises(PermissionError, match="never changed"):
            write()
    assert ref.read_bytes() == b"x"


def test_text_goes_to_disk_and_back_as_it_is() -> None:
    ref = FileRef()
    ref.write_text("é\r\nb\n")
    assert ref.read_bytes() == "é\r\nb\n".encode()
    assert ref.read_text() == "é\r\nb\n"


def test_name_that_is_no_utf8(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\xfe.csv"
    with open(raw, "w") as file:
        file.write("x")
    ref = FileRef(os.fsdecode(raw))
    assert ref.read_text() == "x"
    assert ref.suffix == ".csv"
    assert os.fsencode(ref) == raw
    assert FileRef(raw) == ref  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.csv", ".csv"),
        ("a.tar.gz", ".tar.gz"),
        ("x.v1.2.gz", ".gz"),
        (".hidden", ""),
        ("d.x/plain", ""),
        ("a b.c d", ".c d"),
    ],
)
def test_suffix_of_names(name: str, suffix: str) -> None:
    assert suffix_of(name) == suffix


def test_a_directory_is_no_file_in_the_hook(tmp_path: Path) -> None:
    assert FileRef.__merkl_check__(FileRef, DirRef(tmp_path)) == "DirRef is no FileRef"
