"""The self-test of serializers: is a value's digest the same in every process?"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from merkl_serializers.registry import CanonicalRegistry, default_registry

if TYPE_CHECKING:
    from collections.abc import Callable

pickler: Any = pickle
with contextlib.suppress(ModuleNotFoundError):
    import cloudpickle

    pickler = cloudpickle

__all__ = ["check_stability"]

_HASH_SEEDS = ("1", "2", "3")
_CHILD = "from merkl_serializers.stability import answer; answer()"
_SECONDS = 120


def check_stability(
    samples: Sequence[object], *, registry: CanonicalRegistry = default_registry
) -> list[str]:
    """Return what is wrong with the digests of samples, one sentence each; nothing when all are stable.

    Each sample is hashed twice here, once more after a pickle round trip, and in two processes with other hash
    seeds, which get the serializers that are registered here. Local functions and classes need cloudpickle.

    >>> check_stability([])
    []
    """
    problems: list[str] = []
    sent: list[tuple[int, str, bytes]] = []
    for number, sample in enumerate(samples):
        name = f"sample {number} ({type(sample).__module__}.{type(sample).__qualname__})"
        try:
            here = registry.digest(sample)
            if registry.digest(sample) != here:
                problems.append(f"{name} has another digest each time it is hashed")
                continue
            packed = pickler.dumps(sample)
            copied = registry.digest(pickle.loads(packed))
        except Exception as error:  # noqa: BLE001  (whatever a sample does is the finding)
            problems.append(f"{name} cannot be tested: {type(error).__name__}: {error}")
            continue
        if copied != here:
            problems.append(f"{name} has another digest after a pickle round trip")
        else:
            sent.append((number, here, packed))
    if not sent:
        return problems
    used = _serializers_used([samples[number] for number, _, _ in sent], registry)
    try:
        payload = pickler.dumps(([packed for _, _, packed in sent], used))
    except Exception as error:  # noqa: BLE001  (any error of pickling)
        return [
            *problems,
            f"the serializers cannot be sent to another process: {type(error).__name__}: {error}",
        ]
    # The two that this process was not started with.
    for seed in [seed for seed in _HASH_SEEDS if seed != os.environ.get("PYTHONHASHSEED")][:2]:
        answers = _ask_child(payload, seed)
        for (number, here, _), there in zip(sent, answers, strict=True):
            if there != here:
                name = f"sample {number} ({type(samples[number]).__module__}.{type(samples[number]).__qualname__})"
                what = there if there.startswith("!") else "has another digest"
                problems.append(f"{name} in a process with PYTHONHASHSEED={seed}: {what.lstrip('! ')}")
    return problems


def _serializers_used(
    samples: list[object], registry: CanonicalRegistry
) -> dict[type, Callable[[Any], object]]:
    """Return the registered serializers that these samples may need."""
    met = {type(sample) for sample in samples}.union(*[registry.encode(sample).classes for sample in samples])
    registered = registry.registered().items()
    return {base: encoder for base, encoder in registered if any(issubclass(cls, base) for cls in met)}


def _ask_child(payload: bytes, seed: str) -> list[str]:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=payload,
        stdout=subprocess.PIPE,
        env=environment,
        check=True,
        timeout=_SECONDS,
    )
    answers: list[str] = json.loads(done.stdout.splitlines()[-1])
    return answers


def answer() -> None:
    """Be the child: read samples and serializers from stdin, write the digests to stdout."""
    samples: list[bytes]
    registered: dict[type, Callable[[Any], object]]
    samples, registered = pickle.loads(sys.stdin.buffer.read())
    registry = CanonicalRegistry(discover=True)
    for type_, encoder in registered.items():
        registry.register(type_, encoder, replace=True)
    digests = []
    for packed in samples:
        try:
            digests.append(registry.digest(pickle.loads(packed)))
        except Exception as error:  # noqa: BLE001  (to be told, not raised here)
            digests.append(f"! {type(error).__name__}: {error}")
    sys.stdout.write("\n" + json.dumps(digests))
