"""Checks of hyper-parameters: each returns the plain value or raises.

`owner` and `name` say in the error whose argument is wrong.
"""

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from torch import Tensor


def finite_number(owner: str, name: str, value: Any) -> float:
    """Return `value` as a float; TypeError if not real, ValueError if not finite."""
    return _number(owner, name, value, math.isfinite, "finite")


def positive(owner: str, name: str, value: Any) -> float:
    """Return `value` as a float; ValueError unless 0 < value < ∞."""
    wanted = "positive and finite"
    return _number(owner, name, value, lambda number: 0 < number < math.inf, wanted)


def at_least(owner: str, name: str, value: Any, least: float) -> float:
    """Return `value` as a float; ValueError unless value ≥ least."""
    wanted = f"at least {least:g}"
    return _number(owner, name, value, lambda number: number >= least, wanted)


def fraction(owner: str, name: str, value: Any) -> float:
    """Return `value` as a float; ValueError unless 0 ≤ value < 1."""
    wanted = "from 0 to below 1"
    return _number(owner, name, value, lambda number: 0 <= number < 1, wanted)


def _number(
    owner: str, name: str, value: Any, good: Callable[[float], bool], wanted: str
) -> float:
    if not isinstance(value, Real):
        kind = type(value).__name__
        raise TypeError(f"{owner}: {name} must be a real number, got {kind}")
    if not good(number := float(value)):
        raise ValueError(f"{owner}: {name} must be {wanted}, got {value}")
    return number


def whole(owner: str, name: str, value: Any, least: int) -> int:
    """Return `value` as an int; TypeError if not whole, ValueError if below `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        kind = type(value).__name__
        raise TypeError(f"{owner}: {name} must be a whole number, got {kind}")
    if value < least:
        raise ValueError(f"{owner}: {name} must be at least {least}, got {value}")
    return int(value)


def scalar(owner: str, name: str, value: Any) -> float:
    """Return a number, or a tensor of one element, as a float; else ValueError."""
    if not isinstance(value, Tensor):
        return float(value)
    if value.numel() != 1:
        shape = tuple(value.shape)
        raise ValueError(f"{owner}: {name} must be one number, got shape {shape}")
    return float(value.item())


def quantisation_bits(owner: str, bits: Any) -> int | str:
    """Return `bits` if weights can be quantised to it: 2 to 24, "ternary" or "binary".

    Raises:
        TypeError: it is neither a whole number nor a string.
        ValueError: it is another number or another string.
    """
    if isinstance(bits, str):
        if bits in ("ternary", "binary"):
            return bits
        raise ValueError(
            f'{owner}: bits must be a whole number, "ternary" or "binary", got "{bits}"'
        )
    number = whole(owner, "bits", bits, least=1)
    if number == 1:
        raise ValueError(
            f"{owner}: bits must be at least 2, got 1; "
            f'weights of −1 and 1 are called "binary"'
        )
    if number > 24:  # float32 has 24 significant bits
        raise ValueError(f"{owner}: bits must be at most 24, got {number}")
    return number
