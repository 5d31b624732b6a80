"""A call: a task with bound arguments, its key, and what it knows of where it was made."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any

from merkl._base.code_places import describe_site
from merkl._base.places import shown_place
from merkl._base.readable import readable
from merkl.graph.future import Future
from merkl.graph.writes import Write
from merkl.hashing.keys import describe_constant, describe_input, hash_call, hash_call_content, hash_out

if TYPE_CHECKING:
    from merkl.files.reads import FileRead
    from merkl.fingerprint import Fingerprint
    from merkl.graph.batch import BatchTask
    from merkl.graph.building import Stage
    from merkl.graph.outs import Outs
    from merkl.graph.task import Task

__all__ = ["BatchGroup", "Call", "Nested", "take_sequence"]

_sequence = itertools.count(1)
#: Where a function is called that a command line names.
_OF_COMMANDS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "execution", "program.py")


class Nested:
    """The place of an argument that is no Future but holds some: its bytes depend on what they stand for.

    `shape` is the digest of all else in it, once that was asked for.
    """

    __slots__ = ("futures", "shape")

    def __init__(self, futures: tuple[Future[Any], ...]) -> None:
        self.futures = futures
        self.shape = ""


#: What the key of a call sees of one argument: a described constant, the Future it is, or the Futures it holds.
Encoded = bytes | Future[Any] | Nested


class BatchGroup:
    """Calls that were made as the items of one batch: `task` runs several of them at once."""

    __slots__ = ("task",)

    def __init__(self, task: BatchTask) -> None:
        self.task = task


class Call:
    """One call of a task.

    `values` are the arguments in the order of the parameters, `encodings` what the key sees of each, `extras` the digests
    of classes among them and of `extra_key`, `mutable` the positions of constants that could be changed before the body
    runs, `files` the files among the constants with what they held, `sequence` the place in program order. `stages` are
    those of the pipeline whose output it is: they run first. `batch` is the group with which its body may run at once.
    With `is_settled` False the constants were encoded while code that they use was still to be bound.
    """

    __slots__ = (
        "__weakref__",
        "_code",
        "_key",
        "_lasti",
        "batch",
        "encodings",
        "extras",
        "files",
        "fingerprint",
        "held",
        "is_settled",
        "mutable",
        "outs",
        "sequence",
        "stages",
        "task",
        "values",
        "writes",
    )

    def __init__(
        self,
        task: Task[..., Any, Any],
        values: tuple[Any, ...],
        encodings: tuple[Encoded, ...],
        outs: Outs,
        extras: tuple[bytes, ...],
        mutable: tuple[int, ...],
        code: CodeType,
        lasti: int,
    ) -> None:
        self.task = task
        self.values = values
        self.encodings = encodings
        self.outs = outs
        self.extras = extras
        self.mutable = mutable
        self.sequence: float = next(_sequence)
        self.writes: tuple[Write, ...] = ()
        self.stages: tuple[Stage, ...] = ()
        self.batch: BatchGroup | None = None
        self.files: tuple[FileRead, ...] = ()
        self.fingerprint: bytes | None = None
        #: What the fingerprint was taken from, in the process that took it.
        self.held: Fingerprint | None = None
        self.is_settled = True
        # After unpickling it is the location itself.
        self._code: CodeType | str = code
        self._lasti = lasti
        self._key: bytes | None = None

    def key(self) -> bytes:
        """Return the recipe key.

        It is computed when the call is made, except where the task's code, or that of its arguments, is not complete yet
        (a module that is still being imported): then at each request, for this call and its ancestors, until it is.
        """
        if self._key is not None:
            return self._key
        provisional: dict[Call, bytes] = {}

        def resolve(future: Future[Any]) -> bytes:
            call = future._call
            key = call._key or provisional[call]
            return key if future._out is None else hash_out(key, future._out)

        for call in sorted(self._ancestors_without_key(), key=_by_sequence):
            fingerprint = call.task.fingerprint()
            is_final = fingerprint.is_complete and (call.is_settled or call.task.settle_arguments(call))
            key = provisional[call] = hash_call(
                fingerprint.digest, call._describe_arguments(resolve), call.extras
            )
            if is_final and all(f._call._key is not None for f in call.inputs()):
                call.fix_key(fingerprint, key)
        return self._key or provisional[self]

    def fix_key(self, fingerprint: Fingerprint, key: bytes) -> None:
        """Keep the key for good, with the fingerprint it was made from."""
        self.fingerprint = fingerprint.digest
        self.held = fingerprint
        self._key = key

    def adopt_key(self, fingerprint: bytes, key: bytes) -> None:
        """Take over the key that was made elsewhere: in another process, in another checkout, of the parts of a batch."""
        self.fingerprint = fingerprint
        self._key = key

    def has_changed_code(self) -> bool:
        """Say whether code or constants that the key was made from have changed in this process since it was made."""
        if self.held is None or self.held.is_current():
            return False
        return self.task.fingerprint().digest != self.fingerprint

    def adopt_code(self) -> None:
        """Go on with the key though the body, which has just run, changed what its task's code reaches."""
        if self.held is not None:
            self.held.adopt_changes()

    @property
    def is_keyed(self) -> bool:
        """Whether the key is known for good."""
        return self._key is not None

    def _ancestors_without_key(self) -> list[Call]:
        seen: set[Call] = {self}
        stack: list[Call] = [self]
        while stack:
            for future in stack.pop().inputs():
                call = future._call
                if call._key is None and call not in seen:
                    seen.add(call)
                    stack.append(call)
        return list(seen)

    def recompute_key(self) -> bytes:
        """Return the key that the arguments have now: another one than before if one was changed in place."""
        assert self.fingerprint is not None
        return hash_call(self.fingerprint, self._describe_arguments(_recipe_key, afresh=True), self.extras)

    def changed_arguments(self) -> list[str]:
        """Return the names of constants that were changed in place since the call was made."""
        if not self.mutable or self._key is None or self.recompute_key() == self._key:
            return []
        names = self.task.signature.names
        constants = [i for i in self.mutable if type(self.encodings[i]) is bytes]
        changed = [names[i] for i in constants if self._describe_constant(i) != self.encodings[i]]
        return changed or [names[i] for i in self.mutable if i not in constants]

    def _describe_constant(self, index: int) -> bytes:
        return describe_constant(self.task.encode_argument(index, self.values[index], _recipe_key).data)

    def key_under(self, fingerprint: bytes, resolve: Callable[[Future[Any]], bytes]) -> bytes:
        """Return the key that the call would have with another fingerprint and other keys of its inputs."""
        return hash_call(fingerprint, self._describe_arguments(resolve), self.extras)

    def content_key(self, identify: Callable[[Future[Any]], bytes]) -> bytes:
        """Return the content key, given the content identity of each input."""
        if self.fingerprint is None:
            self.key()
        assert self.fingerprint is not None
        return hash_call_content(self.fingerprint, self._describe_arguments(identify), self.extras)

    def _describe_arguments(
        self, resolve: Callable[[Future[Any]], bytes], *, afresh: bool = False
    ) -> list[bytes]:
        parts: list[bytes] = []
        for index, name in self.task.signature.key_order:
            encoded = self.encodings[index]
            if type(encoded) is Future:
                parts += (name, describe_input(resolve(encoded)))
            elif type(encoded) is Nested or (afresh and index in self.mutable):
                parts += (
                    name,
                    describe_constant(self.task.encode_argument(index, self.values[index], resolve).data),
                )
            else:
                parts += (name, encoded)  # type: ignore[arg-type]
        return parts

    @property
    def parts(self) -> tuple[Call, ...]:
        """The calls that run when this one does: itself, or the items of a batch."""
        return (self,)

    def without(self, done: Sequence[Call]) -> Call | None:
        """Return the call for the parts that are not done; None if all are."""
        return None if self in done else self

    def inputs(self) -> list[Future[Any]]:
        """Return the Futures among the arguments, in order, as often as they occur."""
        found: list[Future[Any]] = []
        for encoded in self.encodings:
            if type(encoded) is bytes:
                continue
            if type(encoded) is Nested:
                found += encoded.futures
            elif type(encoded) is Future:
                found.append(encoded)
        return found

    def known_inputs(self) -> Iterable[Future[Any]]:
        """Return the Futures among the arguments, as far as they are known without running the body of a pipeline."""
        return self.inputs()

    def has_inputs(self) -> bool:
        """Say whether there is a Future among the arguments."""
        for encoded in self.encodings:  # noqa: SIM110 - asked of each call that runs; a generator takes several times as long
            if type(encoded) is not bytes:
                return True
        return False

    def parents(self) -> tuple[Future[Any], ...]:
        """Return the Futures among the arguments, in order, each once."""
        return tuple({id(f): f for f in self.inputs()}.values())

    def arguments(self) -> dict[str, Any]:
        """Return the arguments by parameter, as they were given."""
        return dict(zip(self.task.signature.names, self.values, strict=True))

    def add_write(self, write: Write) -> None:
        """Remember that an out is to be written to a file."""
        self.writes = (*self.writes, write)

    def futures(self) -> list[Future[Any]]:
        """Return a Future for each out that this call may have."""
        return [Future(self, out) for out in self.outs.names()]

    def out_keys(self) -> list[bytes]:
        """Return the keys of the Futures that `futures` gives."""
        key = self.key()
        return [key if out is None else hash_out(key, out) for out in self.outs.names()]

    def location(self) -> str:
        """Return `file:line` of the place where the call was made; of one that a command makes, where its task is."""
        if isinstance(self._code, str):
            return self._code
        if self._code.co_filename == _OF_COMMANDS:
            own = getattr(self.task.fn, "__code__", None)
            if own is not None:
                return f"{readable(own.co_filename)}:{own.co_firstlineno}"
        return describe_site(self._code, self._lasti)

    def take_place_of(self, other: Call) -> None:
        """Say that the call was made where another one was: it is an item of that one, a map."""
        self._code, self._lasti = other._code, other._lasti

    def place(self) -> str:
        """Return `location()` as people see it: relative to the working directory where that is shorter."""
        return shown_place(self.location())

    def __getstate__(self) -> dict[str, Any]:
        names = (name for cls in type(self).__mro__ for name in getattr(cls, "__slots__", ()))
        state = {name: getattr(self, name) for name in names if name != "__weakref__"}
        return {**state, "held": None, "_code": self.location()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


def take_sequence() -> int:
    """Return a place in program order: after all calls made so far, before those that will be made."""
    return next(_sequence)


def _by_sequence(call: Call) -> float:
    return call.sequence


def _recipe_key(future: Future[Any]) -> bytes:
    return future.__merkl_key__()
