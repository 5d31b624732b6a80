"""What a graph needs from the workspace it is built in, and how it finds that workspace without importing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from merkl_serializers import CanonicalRegistry

    from merkl._base.config import Settings
    from merkl.files.tracker import FileTracker
    from merkl.fingerprint import Fingerprinter
    from merkl.graph.future import Future
    from merkl.graph.sidecar import Sidecar

__all__ = ["Session", "SessionHolder", "sessions"]


class Session(Protocol):
    """The services of a workspace that calls and Futures use."""

    @property
    def root(self) -> Path:
        """The project's folder."""
        ...

    @property
    def settings(self) -> Settings:
        """Settings of the project."""
        ...

    @property
    def registry(self) -> CanonicalRegistry:
        """Canonical bytes of arguments."""
        ...

    @property
    def fingerprinter(self) -> Fingerprinter:
        """Fingerprints of tasks and classes."""
        ...

    @property
    def files(self) -> FileTracker:
        """Content hashes of files, found again by their stat."""
        ...

    def evaluate_futures(self, futures: Sequence[Future[Any]]) -> list[Any]:
        """Return the values of Futures, from the cache or by running; for a key left out, the `AbsentOutError`."""
        ...

    def load_written(self, path: str, sidecar: Sidecar) -> Any:
        """Return the value that a file holds which was written with a sidecar."""
        ...

    def is_cached(self, future: Future[Any]) -> bool:
        """Say whether the value of a Future is in the cache."""
        ...

    @property
    def keeps_graphs(self) -> bool:
        """Whether graphs of pipelines are kept and given again."""
        ...

    def recall_graph(self, key: str) -> bytes | None:
        """Return a graph that was kept."""
        ...

    def keep_graph(self, key: str, content: bytes) -> None:
        """Keep a graph, in place of what was kept under the key."""
        ...

    def content_identity(self, key: bytes) -> bytes | None:
        """Return the content identity of a result in the cache, None where there is none."""
        ...

    def forget(self, future: Future[Any]) -> None:
        """Remove the result of a Future from the cache."""
        ...


class SessionHolder:
    """The session in force: the innermost one entered, else the default one, made at first use."""

    def __init__(self) -> None:
        self._entered: ContextVar[Session | None] = ContextVar("merkl_session", default=None)
        self._make_default: Callable[[], Session] | None = None
        # Threads start with an empty context: they get the session that was entered last.
        self._stack: list[Session] = []

    def set_default(self, make: Callable[[], Session]) -> None:
        """Say how the session is made that holds where none was entered."""
        self._make_default = make

    def enter(self, session: Session) -> Any:
        """Put a session in force; returns the token that `leave` wants."""
        self._stack.append(session)
        return self._entered.set(session)

    def leave(self, token: Any) -> None:
        """Undo `enter`."""
        self._stack.pop()
        self._entered.reset(token)

    def current(self) -> Session:
        """Return the session in force."""
        session = self._entered.get()
        if session is not None:
            return session
        if self._stack:
            return self._stack[-1]
        if self._make_default is None:
            raise RuntimeError("no workspace is known; import merkl before using its parts")
        return self._make_default()


sessions = SessionHolder()
