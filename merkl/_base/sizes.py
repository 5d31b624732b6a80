"""Numbers of bytes as people write and read them."""

from __future__ import annotations

import re

__all__ = ["format_size", "parse_size"]

_UNITS = {"": 1, "b": 1}
_UNITS |= {letter + "b": 1000**power for power, letter in enumerate("kmgtp", 1)}
_UNITS |= {letter + "ib": 1024**power for power, letter in enumerate("kmgtp", 1)}
_UNITS |= {letter: 1000**power for power, letter in enumerate("kmgtp", 1)}


def parse_size(text: str | int) -> int:
    """Return a number of bytes: `20 GB`, `1.5GiB`, `500M`, or a plain number.

    Raises:
        ValueError: it is no size.

    >>> parse_size("1.5 GB"), parse_size("64 KiB"), parse_size(10)
    (1500000000, 65536, 10)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)", str(text).strip())
    unit = _UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None:
        raise ValueError(f"{text!r} is no size: wanted is a number with a unit, as in 20GB, 1.5GiB or 500MB")
    return int(float(found[1]) * unit)


def format_size(size: int) -> str:
    """Return a number of bytes with three digits at most.

    >>> format_size(999), format_size(1_500_000), format_size(12_345_678)
    ('999 B', '1.5 MB', '12 MB')
    """
    if size < 1000:
        return f"{size} B"
    number = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        number /= 1000
        if number < 999.5:
            return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"
    return f"{number / 1000:.1f} PB"
