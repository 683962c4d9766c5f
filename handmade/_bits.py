"""Storage formats of weights: integers of n bits, shorter floating-point types."""

from typing import Any

from handmade._numbers import whole

MOST = 24
"""More bits than this are more than float32 itself has digits for."""
NAMED = ("ternary", "binary")
FLOATS = {"float32": 32, "float16": 16, "bfloat16": 16}
"""Bits of each kind of floating-point number that weights are stored as."""


def known_bits(owner: str, bits: Any) -> int | str:
    """`bits` if weights can be quantised to it: 2 to 24, "ternary" or "binary".

    Raises:
        TypeError: it is neither a whole number nor a string.
        ValueError: it is another number or another string.
    """
    if isinstance(bits, str):
        if bits not in NAMED:
            raise ValueError(
                f'{owner}: bits must be a whole number, "ternary" or "binary", '
                f'got "{bits}"'
            )
        return bits
    number = whole(owner, "bits", bits, least=1)
    if number == 1:
        raise ValueError(
            f"{owner}: bits must be at least 2, got 1; weights of one bit, "
            f'−1 and 1, are called "binary"'
        )
    if number > MOST:
        raise ValueError(f"{owner}: bits must be at most {MOST}, got {number}")
    return number


def known_float(owner: str, name: Any) -> str:
    """`name` if it is one of FLOATS.

    Raises:
        ValueError: it is not.
    """
    if name not in FLOATS:
        raise ValueError(f"{owner}: expected one of {', '.join(FLOATS)}, got {name!r}")
    return name
