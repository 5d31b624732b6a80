"""From bound arguments to a call: each argument is encoded, checked against its annotation, and put into the key."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import TYPE_CHECKING, Any

from merkl_serializers import Encoding, UnserializableError, encode_scalar, is_random_state

from merkl._base.code_places import describe_site
from merkl._base.errors import MerklError, SerializationError, TypeMismatchError
from merkl._base.hint_classes import iter_classes
from merkl._base.places import shown_place
from merkl.files import DirRef, FileRef
from merkl.files.reads import FileRead, collect_reads, stop_collecting
from merkl.graph.call import Call, Encoded, Nested
from merkl.graph.future import Future
from merkl.graph.nested import find_futures
from merkl.graph.option_functions import apply_option
from merkl.graph.outs import Outs
from merkl.graph.session import sessions
from merkl.graph.signature import Parameter, TaskSignature
from merkl.hashing.keys import describe_constant, describe_input, hash_call

if TYPE_CHECKING:
    from merkl_serializers import CanonicalRegistry

    from merkl.fingerprint import Fingerprint, Fingerprinter
    from merkl.graph.task import Task

__all__ = ["CallExtras", "encode_argument", "encode_arguments", "settle_arguments"]


class CallExtras:
    """Digests of the user's classes that enter a key beside the arguments: their methods may run."""

    __slots__ = ("_described", "_of_annotations", "fingerprinter", "is_complete")

    def __init__(self, fingerprinter: Fingerprinter, signature: TaskSignature) -> None:
        self.fingerprinter = fingerprinter
        hints = [*(p.hint for p in signature.parameters), signature.returns]
        classes = {cls for hint in hints for cls in iter_classes(hint)}
        self._described = [fingerprinter.describe(cls) for cls in classes if fingerprinter.owns_class(cls)]
        self._of_annotations = tuple(sorted({described.digest for described in self._described}))
        #: False where a module that is still being imported will bind names that these classes use.
        self.is_complete = all(described.is_complete for described in self._described)

    def is_current(self) -> bool:
        """Tell whether the classes among the annotations are what they were."""
        return all(described.is_current() for described in self._described)

    def of(self, classes: set[type]) -> tuple[bytes, ...]:
        """Return the sorted digests of the classes among the annotations and among the arguments."""
        if not classes:
            return self._of_annotations
        return tuple(sorted({*self._of_annotations, *self._digest(classes)}))

    def _digest(self, classes: set[type]) -> tuple[bytes, ...]:
        digests = (self.fingerprinter.digest_class(cls) for cls in classes)
        return tuple(sorted({digest for digest in digests if digest is not None}))


def _recipe_key(future: Future[Any]) -> bytes:
    return future.__merkl_key__()


def encode_argument(
    registry: CanonicalRegistry, parameter: Parameter, value: Any, resolve: Callable[[Any], bytes]
) -> Encoding:
    """Return the canonical bytes of an argument, through the parameter's own serializer if it has one."""
    if parameter.serializer is not None and type(value) is not Future:
        value = parameter.serializer(value)
    return registry.encode(value, resolve=resolve, keep_dict_order=True)


def encode_arguments(
    task: Task[..., Any, Any],
    signature: TaskSignature,
    fingerprint: Fingerprint,
    extras: CallExtras,
    values: tuple[Any, ...],
    outs: Outs,
    code: CodeType,
    lasti: int,
) -> Call:
    """Return the call with these arguments, checked and with its key.

    Raises `TypeMismatchError` or `SerializationError`, which name task, parameter, and the place of the call.
    """
    before = extras.fingerprinter.incomplete_count
    encodings: list[Encoded] = []
    parts: dict[int, bytes] = {}
    classes: set[type] = set()
    mutable: list[int] = []
    files: list[FileRead] = []
    registry: CanonicalRegistry | None = None
    for index, (parameter, value) in enumerate(zip(signature.parameters, values, strict=True)):
        encoded: Encoded
        holds_futures = False
        if type(value) is Future:
            encoded, holds_futures = value, True
            parts[index] = describe_input(value.__merkl_key__())
        elif parameter.serializer is None and (scalar := encode_scalar(value)) is not None:
            encoded = parts[index] = describe_constant(scalar)
        elif not parameter.is_keyed:
            encoded = b""
            futures = find_futures(value)
            holds_futures = bool(futures)
            encoded = Nested(futures) if futures else b""
        else:
            registry = registry or sessions.current().registry
            found: list[Future[Any]] = []
            reading = collect_reads(files)
            try:
                encoding = _encode(task, registry, parameter, value, found, code, lasti)
            finally:
                stop_collecting(reading)
            part = parts[index] = describe_constant(encoding.data)
            holds_futures = bool(found)
            encoded = Nested(tuple(found)) if found else part
            classes.update(encoding.classes)
            # A file that changes is looked for by itself (`Call.files`): its path can't.
            if (encoding.is_mutable and not isinstance(value, FileRef | DirRef)) or found:
                mutable.append(index)
        check = parameter.check
        if check is not None and (not holds_futures or task.checks_types()):
            problem = check(value, holds_futures)
            if problem is not None:
                raise _type_mismatch(task, parameter, problem, describe_site(code, lasti))
        encodings.append(encoded)
    digests = extras.of(classes)
    if task.options.extra_key is not None:
        digests = (*digests, _extra_key(task, signature, values))
    call = Call(task, values, tuple(encodings), outs, digests, tuple(mutable), code, lasti)
    if files:
        call.files = tuple(files)
    call.is_settled = extras.is_complete and extras.fingerprinter.incomplete_count == before
    if call.is_settled and fingerprint.is_complete and all(f._call.is_keyed for f in call.inputs()):
        described: list[bytes] = []
        for index, name in signature.key_order:
            described += (name, parts[index])
        call.fix_key(fingerprint, hash_call(fingerprint.digest, described, digests))
    return call


def settle_arguments(call: Call, extras: CallExtras) -> bool:
    """Encode again the constants of a call that was made while code they use was still to be bound.

    Says whether all of it is bound now: then what the call holds is final.
    """
    before = extras.fingerprinter.incomplete_count
    registry = sessions.current().registry
    encodings = list(call.encodings)
    classes: set[type] = set()
    for index, (parameter, value) in enumerate(zip(call.task.signature.parameters, call.values, strict=True)):
        if type(value) is Future or not parameter.is_keyed:
            continue
        encoding = encode_argument(registry, parameter, value, _recipe_key)
        classes.update(encoding.classes)
        if type(encodings[index]) is bytes:
            encodings[index] = describe_constant(encoding.data)
    call.encodings = tuple(encodings)
    of_user = call.extras[-1:] if call.task.options.extra_key is not None else ()
    call.extras = (*extras.of(classes), *of_user)
    call.is_settled = extras.is_complete and extras.fingerprinter.incomplete_count == before
    return call.is_settled


def _encode(
    task: Task[..., Any, Any],
    registry: CanonicalRegistry,
    parameter: Parameter,
    value: Any,
    found: list[Future[Any]],
    code: CodeType,
    lasti: int,
) -> Encoding:
    def resolve(future: Any) -> bytes:
        found.append(future)
        return _recipe_key(future)

    try:
        if is_random_state(value):
            raise UnserializableError(
                "a random generator changes with each use, so a result would depend on what ran before",
                type_name=type(value).__qualname__,
                remedy="pass a seed, or use merkl.call_seed() in the body",
            )
        return encode_argument(registry, parameter, value, resolve)
    except UnserializableError as error:
        location = describe_site(code, lasti)
        problem = parameter.check(value, False) if parameter.check is not None else None
        if problem is not None:
            raise _type_mismatch(task, parameter, problem, location) from None
        if isinstance(
            error.__cause__, MerklError
        ):  # a file that cannot be read, say: no serializer would help
            error.__cause__.add_note(
                f"task {task.name!r}, parameter {parameter.name!r}, called at {shown_place(location)}"
            )
            raise error.__cause__ from None
        raise SerializationError(
            f"task {task.name!r}, parameter {parameter.name!r}{error.path}: no canonical bytes for {error.type_name} "
            f"(called at {shown_place(location)}): {error.reason}\n{error.remedy}",
            task=task.name,
            parameter=parameter.name,
            path=error.path,
            remedy=error.remedy,
        ) from error


def _extra_key(task: Task[..., Any, Any], signature: TaskSignature, values: tuple[Any, ...]) -> bytes:
    assert task.options.extra_key is not None
    extra = apply_option(task.options.extra_key, signature.signature, values)
    return (
        b"extra" + sessions.current().registry.encode(extra, resolve=_recipe_key, keep_dict_order=True).data
    )


def _type_mismatch(
    task: Task[..., Any, Any], parameter: Parameter, problem: Any, location: str
) -> TypeMismatchError:
    actual = "***" if parameter.is_secret else problem.actual
    because = f": {problem.reason}" if problem.reason else ""
    if problem.path and not parameter.is_secret:
        found = f"{problem.path} of {parameter.name!r} is {actual}, wanted {problem.expected}"
    else:
        found = f"wanted {problem.expected}, got {actual}"
    return TypeMismatchError(
        f"task {task.name!r}, parameter {parameter.name!r}: {found}{because} (called at {shown_place(location)})",
        task=task.name,
        parameter=parameter.name,
        expected=problem.expected,
        actual=actual,
        path=problem.path,
        location=location,
    )
