"""Exact numbers: decimals and fractions."""

from __future__ import annotations

import decimal
import fractions
from typing import TYPE_CHECKING

from merkl_serializers.builtin_types import exact
from merkl_serializers.walk import Walk
from merkl_serializers.wire import pack, pack_int, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def _encode_decimal(value: decimal.Decimal, walk: Walk) -> bytes:
    # str(value) would depend on the context of the moment.
    sign, digits, exponent = value.as_tuple()
    return b"\xc1D" + pack(sign) + pack_str("".join(map(str, digits))) + pack(exponent)


def _encode_fraction(value: fractions.Fraction, walk: Walk) -> bytes:
    return b"\xc1q" + pack_int(value.numerator) + pack_int(value.denominator)


def install(registry: CanonicalRegistry) -> None:
    """Register the encoders of this file."""
    registry.add_maker(decimal.Decimal, exact(decimal.Decimal, _encode_decimal, decimal.Decimal))
    registry.add_maker(
        fractions.Fraction,
        exact(fractions.Fraction, _encode_fraction, lambda v: fractions.Fraction(v.numerator, v.denominator)),
    )
