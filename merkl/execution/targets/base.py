"""What a target is: calls are submitted by key, their ends are polled for, and no value passes unless no cache has it.

What passes between processes are Structs: made and pickled several times as fast as dataclasses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from merkl.cache import Metadata, Record
from merkl.execution.audit import Finding
from merkl.execution.events import Status
from merkl.execution.results import FreshResult

__all__ = ["SMALL", "Death", "KnownResult", "Reply", "Target", "Ticket"]

#: Contents up to this size go with their keys, so that nobody has to wait for the cache or look there.
SMALL = 4096


class KnownResult(msgspec.Struct, frozen=True):
    """What goes with the key of a result: its record; its content where that is small or in no cache.

    `is_tainted` says that it is, or was made of, what an interrupted body returned; of an input, `is_own` that a body of this
    run made it.
    """

    record: Record
    fresh: FreshResult | None = None
    is_tainted: bool = False
    is_own: bool = False


class Ticket(msgspec.Struct, frozen=True):
    """A call on its way to a target.

    `payload` is the pickled call, in which other calls are keys only; `inputs` are the results it needs by key, as far as
    they are known; `parents` the keys of calls that were submitted and have not ended. `resources` are the figures for
    this attempt; where another attempt asks for others, `retries` is 0, and the run submits the call again. `forced`
    are keys that may not be linked to an equal result. `audited` is as an `Observer` has it. `reached` is what the task
    reaches in modules that the worker imports, where the task itself comes along.
    """

    key: bytes
    task: str
    payload: bytes
    inputs: dict[bytes, KnownResult]
    parents: tuple[bytes, ...] = ()
    resources: dict[str, Any] = {}
    timeout: float | None = None
    forced: tuple[bytes, ...] = ()
    accepts_interrupted: bool = False
    retries: int | None = None
    audited: tuple[str, ...] | None = None
    reached: tuple[tuple[str, str, bytes], ...] = ()


class Death(msgspec.Struct, frozen=True):
    """How a worker ended in the middle of a call: by a signal (negative) or an exit code, None where nobody knows.

    `is_timeout` says that it was ended because the call took too long, `is_unstarted` that the call had only waited there,
    `is_final` that the target has tried again itself.
    """

    exit_code: int | None
    is_timeout: bool = False
    is_unstarted: bool = False
    is_final: bool = False


class Reply(msgspec.Struct, frozen=True):
    """What became of a submitted call.

    `outs` are its results by key, `linked` the calls that had not to run. One of the others says why there are none: the
    `error` that the call raised, the `death` of its worker, `differs` where the worker has other code, the key of a `lost`
    input. `warnings` are what it said meanwhile, `metadata` (by the key that has it) is what it could not write down
    where the run does, `findings` what its body touched, where it was watched. `run` says for which run it was carried out,
    where a target gives several runs one reply. `was_shown`: what its body printed was seen where the run is.
    """

    key: bytes
    status: Status
    duration: float = 0.0
    outs: dict[bytes, KnownResult] = {}
    linked: frozenset[bytes] = frozenset()
    error: bytes | None = None
    death: Death | None = None
    differs: bool = False
    lost: bytes | None = None
    warnings: tuple[tuple[type[Warning], str], ...] = ()
    metadata: tuple[tuple[str, Metadata], ...] = ()
    findings: tuple[Finding, ...] = ()
    run: str = ""
    was_shown: bool = False


class Target(ABC):
    """Where calls run: submit, poll and cancel over keys.

    Subclass it and name a factory in the entry-point group `merkl.targets` to run calls elsewhere. All methods are
    called from one thread.
    """

    #: Calls may be submitted before their inputs are there: `Ticket.parents` are what they depend on.
    takes_unready: bool = False
    #: Coroutines that ask for no resources are left to the process of the run, which has many of them wait at once.
    leaves_coroutines: bool = False
    #: `Ticket.audited` is heeded.
    can_audit: bool = False
    #: An evaluation hands calls out to it: it serves one at a time.
    is_in_use: bool = False

    @abstractmethod
    def admits(self, resources: dict[str, Any]) -> bool:
        """Say whether a call that wants these resources can be submitted now.

        Raises `TargetError` where it never can.
        """

    @abstractmethod
    def submit(self, ticket: Ticket) -> None:
        """Have a call run."""

    @abstractmethod
    def poll(self, timeout: float) -> Sequence[Reply]:
        """Return the calls that ended since, waiting at most `timeout` seconds for the first; () if none did."""

    @abstractmethod
    def cancel(self) -> Collection[bytes]:
        """Take back the calls that have not started; return their keys."""

    @abstractmethod
    def interrupt(self) -> bool:
        """Pass Ctrl-C on to the bodies that run, once; say whether there are any."""

    def interrupt_later_ones(self) -> None:  # noqa: B027 - for those whose workers are told of each call beforehand
        """Pass Ctrl-C on, which has ended the run, to bodies that have begun since, or that nothing was passed on to."""

    def wake(self) -> None:  # noqa: B027 - then `poll` is called at short intervals
        """Have a `poll` that waits return now; called in another thread, where the target `leaves_coroutines`."""

    def started(self) -> Sequence[bytes]:
        """Return the keys of calls that started since the last time it was asked, as far as that is known."""
        return ()

    def settle(self) -> None:  # noqa: B027 - most have nothing to settle
        """Make sure that all results of calls that ended are where others can see them."""

    @abstractmethod
    def close(self, *, at_once: bool = False) -> None:
        """Let go of the workers; `at_once` kills those that run something."""
