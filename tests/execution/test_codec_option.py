"""Codecs of the user's own, for a type, a task or one out of it: warm equals cold, and what cannot be read is computed."""

from __future__ import annotations

from typing import Any, ClassVar, TypedDict

import pytest

from merkl import Codec, ConfigError, MerklWarning, SerializationError, Workspace, register_codec, task


class Model:
    """Something that only its own codec knows how to write."""

    def __init__(self, weights: list[float]) -> None:
        self.weights = weights

    def __reduce__(self) -> Any:
        raise TypeError("no pickle of a model")


class ModelCodec(Codec):
    name = "test-model"

    def encode(self, value: Any, declared: Any) -> bytes | None:
        return ",".join(map(repr, value.weights)).encode() if type(value) is Model else None

    def decode(self, content: Any, decode_type: str) -> Model:
        return Model([float(word) for word in bytes(content).decode().split(",") if word])


class ReverseCodec(Codec):
    """Writes text backwards, so that one sees who wrote it."""

    name = "test-reverse"

    def encode(self, value: Any, declared: Any) -> bytes | None:
        return value[::-1].encode() if type(value) is str else None

    def decode(self, content: Any, decode_type: str) -> str:
        return bytes(content).decode()[::-1]


class Fitted(TypedDict):
    model: Model
    note: str
    score: float


def stored_codecs(workspace: Workspace) -> list[str]:
    """Return the codecs of all that is stored."""
    return sorted(item.codec for item in workspace.cache.items())


def test_codec_of_a_task_is_used_and_read_again(workspace: Workspace) -> None:
    """The object given as `codec=` writes, and reads in a later workspace that was never told of it."""

    @task(codec=ReverseCodec())
    def hello(name: str) -> str:
        return f"hello {name}"

    assert hello("you").eval() == "hello you"
    assert stored_codecs(workspace) == ["test-reverse"]
    workspace.cache.flush()
    with Workspace(workspace.root) as later:
        outcome = later.run(lambda: hello("you"))
        assert (outcome.result, len(outcome.report.run)) == ("hello you", 0)


def test_each_out_may_have_its_own(workspace: Workspace) -> None:
    """Outs that are not named are stored as if nothing had been said."""

    @task(codec={"model": ModelCodec(), "note": ReverseCodec()})
    def fit(rate: float) -> Fitted:
        return {"model": Model([rate, 2.0]), "note": "done", "score": 0.5}

    fitted = fit(0.25)
    assert fitted["model"].eval().weights == [0.25, 2.0]
    assert (fitted["note"].eval(), fitted["score"].eval()) == ("done", 0.5)
    assert stored_codecs(workspace) == ["msgpack", "test-model", "test-reverse"]
    with Workspace(workspace.root) as later:
        outcome = later.run(lambda: dict(fit(0.25)))
        assert outcome.result["model"].weights == [0.25, 2.0]
        assert len(outcome.report.run) == 0


def test_codec_that_cannot_take_the_value_is_an_error(workspace: Workspace) -> None:
    """What was asked for by name is not quietly replaced by something else."""

    @task(codec=ModelCodec())
    def number() -> int:
        return 1

    with pytest.raises(SerializationError, match="test-model"):
        number().eval()


def test_registered_type_is_stored_with_its_codec(workspace: Workspace) -> None:
    """Registering after the workspace was opened is in time."""

    class Late(Model):
        pass

    class LateCodec(ModelCodec):
        name = "test-late"

        def encode(self, value: Any, declared: Any) -> bytes | None:
            return b"1.0" if type(value) is Late else None

        def decode(self, content: Any, decode_type: str) -> Late:
            return Late([1.0])

    @task
    def early() -> int:
        return 1

    @task
    def late() -> Any:
        return Late([1.0])

    early().eval()
    register_codec(LateCodec(), Late)
    assert type(late().eval()) is Late
    assert "test-late" in stored_codecs(workspace)


def test_another_version_is_a_miss_with_a_warning(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes whose meaning changed are not read; the result is computed again and stored in the new way."""
    ran: list[int] = []

    class Versioned(ReverseCodec):
        name = "test-versioned"
        version: ClassVar[int] = 1

    @task(codec=Versioned(), ignore_args=("log",))
    def hello(log: Any = None) -> str:
        log.append(1)
        return "hello"

    assert hello(ran).eval() == "hello"
    workspace.cache.flush()
    monkeypatch.setattr(Versioned, "version", 2)
    with Workspace(workspace.root):
        with pytest.warns(MerklWarning, match="computed again"):
            assert hello(ran).eval() == "hello"
        assert hello(ran).eval() == "hello"
    assert len(ran) == 2


def test_unreadable_content_is_a_miss_with_a_warning(workspace: Workspace) -> None:
    """A codec that fails to read costs a computation, not the run."""

    class Broken(ReverseCodec):
        name = "test-broken"

        def decode(self, content: Any, decode_type: str) -> str:
            raise ZeroDivisionError("broken")

    @task(codec=Broken())
    def hello() -> str:
        return "hello"

    hello().eval()
    workspace.cache.flush()
    with Workspace(workspace.root), pytest.warns(MerklWarning, match="computed again"):
        assert hello().eval() == "hello"


def test_two_codecs_of_one_name_are_refused(workspace: Workspace) -> None:
    """One would read what the other wrote."""

    class Npy(ModelCodec):
        name = "npy"

    @task(codec=Npy())
    def model() -> Any:
        return Model([1.0])

    with pytest.raises(ConfigError, match="give yours another"):
        model().eval()
