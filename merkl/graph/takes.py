"""What the parameters of a task are, for type checkers that read them off: a protocol for each number of arguments."""

from __future__ import annotations

from typing import Any, ParamSpec, Protocol, TypeVar

__all__ = [
    "Takes1",
    "Takes2",
    "Takes3",
    "Takes4",
    "Takes5",
    "Takes6",
    "Takes7",
    "Takes8",
    "Takes9",
    "TakesSelf",
]

P_rest = ParamSpec("P_rest")
R_co = TypeVar("R_co", covariant=True)
A_in = TypeVar("A_in", contravariant=True)
B_in = TypeVar("B_in", contravariant=True)
C_in = TypeVar("C_in", contravariant=True)
D_in = TypeVar("D_in", contravariant=True)
E_in = TypeVar("E_in", contravariant=True)
F_in = TypeVar("F_in", contravariant=True)
G_in = TypeVar("G_in", contravariant=True)
H_in = TypeVar("H_in", contravariant=True)
J_in = TypeVar("J_in", contravariant=True)


class Takes1(Protocol[A_in, R_co]):
    def _takes(self, a: A_in, /, *args: Any, **kwargs: Any) -> R_co: ...


class Takes2(Protocol[A_in, B_in, R_co]):
    def _takes(self, a: A_in, b: B_in, /, *args: Any, **kwargs: Any) -> R_co: ...


class Takes3(Protocol[A_in, B_in, C_in, R_co]):
    def _takes(self, a: A_in, b: B_in, c: C_in, /, *args: Any, **kwargs: Any) -> R_co: ...


class Takes4(Protocol[A_in, B_in, C_in, D_in, R_co]):
    def _takes(self, a: A_in, b: B_in, c: C_in, d: D_in, /, *args: Any, **kwargs: Any) -> R_co: ...


class Takes5(Protocol[A_in, B_in, C_in, D_in, E_in, R_co]):
    def _takes(self, a: A_in, b: B_in, c: C_in, d: D_in, e: E_in, /, *args: Any, **kwargs: Any) -> R_co: ...


class Takes6(Protocol[A_in, B_in, C_in, D_in, E_in, F_in, R_co]):
    def _takes(
        self, a: A_in, b: B_in, c: C_in, d: D_in, e: E_in, f: F_in, /, *args: Any, **kwargs: Any
    ) -> R_co: ...


class Takes7(Protocol[A_in, B_in, C_in, D_in, E_in, F_in, G_in, R_co]):
    def _takes(
        self, a: A_in, b: B_in, c: C_in, d: D_in, e: E_in, f: F_in, g: G_in, /, *args: Any, **kwargs: Any
    ) -> R_co: ...


class Takes8(Protocol[A_in, B_in, C_in, D_in, E_in, F_in, G_in, H_in, R_co]):
    def _takes(
        self,
        a: A_in,
        b: B_in,
        c: C_in,
        d: D_in,
        e: E_in,
        f: F_in,
        g: G_in,
        h: H_in,
        /,
        *args: Any,
        **kwargs: Any,
    ) -> R_co: ...


class Takes9(Protocol[A_in, B_in, C_in, D_in, E_in, F_in, G_in, H_in, J_in, R_co]):
    def _takes(
        self,
        a: A_in,
        b: B_in,
        c: C_in,
        d: D_in,
        e: E_in,
        f: F_in,
        g: G_in,
        h: H_in,
        j: J_in,
        /,
        *args: Any,
        **kwargs: Any,
    ) -> R_co: ...


class TakesSelf(Protocol[A_in, P_rest, R_co]):
    def _takes(self, instance: A_in, /, *args: P_rest.args, **kwargs: P_rest.kwargs) -> R_co: ...
