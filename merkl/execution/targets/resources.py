"""What a call may ask for, and what there is of it on this machine: processors, graphics processors, memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from merkl._base.errors import TargetError
from merkl._base.sizes import parse_size

__all__ = ["Slots", "UnmetResourcesError", "parse_bytes"]


class UnmetResourcesError(TargetError):
    """A call asks for what a target never has."""


def parse_bytes(text: str | float) -> float:
    """Return a number of bytes from "4GB", "512MiB" or a number.

    Raises `UnmetResourcesError` for anything else, as a function of the attempt may return.

    >>> parse_bytes("4GB"), parse_bytes("1 KiB"), parse_bytes(7)
    (4000000000.0, 1024.0, 7.0)
    """
    if isinstance(text, (int, float)):
        return float(text)
    try:
        return float(parse_size(text))
    except ValueError as error:
        raise UnmetResourcesError(str(error)) from None


class Slots:
    """How much of each resource is there, and how much of it is in use.

    `cpu` is a number, `memory` bytes, `gpu` the names of devices as CUDA_VISIBLE_DEVICES has them; other resources are
    numbers that `totals` must name.
    """

    def __init__(self, cpu: int, totals: Mapping[str, Any] | None = None) -> None:
        given = dict(totals or {})
        gpus = given.pop("gpu", None)
        self.gpus = _find_gpus() if gpus is None else [str(number) for number in range(int(gpus))]
        self._totals: dict[str, float] = {
            "cpu": float(cpu),
            "memory": _memory(),
            "gpu": float(len(self.gpus)),
        }
        self._totals.update((name, parse_bytes(value)) for name, value in given.items())
        self._used = dict.fromkeys(self._totals, 0.0)
        self._free_gpus = list(self.gpus)

    def want(self, resources: Mapping[str, Any]) -> dict[str, float]:
        """Return the figures that a call asks for; one processor where it says nothing.

        Raises `UnmetResourcesError` for more than there is, for a part of a device, and for a resource that nobody has.
        """
        wanted = {"cpu": 1.0}
        for name, value in resources.items():
            if name not in self._totals:
                raise UnmetResourcesError(
                    f"no resource {name!r} is known here; there are {', '.join(self._totals)}. Say how much there is "
                    f"of it with resources = {{ {name} = … }} of the target"
                )
            wanted[name] = parse_bytes(value)
            if wanted[name] > self._totals[name]:
                raise UnmetResourcesError(
                    f"it wants {name}={value!r}, and this target has {_shown(name, self._totals[name])} at most"
                )
            if name == "gpu" and wanted[name] % 1:
                raise UnmetResourcesError(f"it wants gpu={value!r}, and a device is one call's alone")
        return wanted

    def has(self, wanted: Mapping[str, float]) -> bool:
        """Say whether that much is free now."""
        return all(self._used[name] + much <= self._totals[name] for name, much in wanted.items())

    def take(self, wanted: Mapping[str, float]) -> list[str]:
        """Reserve it; return the devices."""
        for name, much in wanted.items():
            self._used[name] += much
        count = int(wanted.get("gpu", 0))
        devices, self._free_gpus = self._free_gpus[:count], self._free_gpus[count:]
        return devices

    def give_back(self, wanted: Mapping[str, float], devices: list[str]) -> None:
        """Undo `take`."""
        for name, much in wanted.items():
            self._used[name] -= much
        self._free_gpus = sorted({*self._free_gpus, *devices}, key=self.gpus.index)


def _shown(name: str, much: float) -> str:
    return f"{much / 1e9:.1f} GB" if name == "memory" else f"{much:g}"


def _memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return float("inf")


def _find_gpus() -> list[str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    folder = Path("/proc/driver/nvidia/gpus")
    try:
        return [str(number) for number, _ in enumerate(folder.iterdir())]
    except OSError:
        return []
