"""Fits power laws to measured times, and finds where one time falls below another."""

from typing import NamedTuple

import numpy as np

DECADE = 10
"""The fit starts at a tenth of the largest size: overhead matters less there."""


class Power(NamedTuple):
    """The exponent k of time = factor · sizeᵏ.

    Args:
        exponent: k.
        error: its standard error, from the scatter of the points around the line.
    """

    exponent: float
    error: float


def last_decade(sizes: np.ndarray) -> np.ndarray:
    """Which sizes are at least a tenth of the largest."""
    return sizes * DECADE >= sizes.max()


def fitted(sizes: np.ndarray, values: np.ndarray) -> Power:
    """The exponent by least squares on the logarithms of the last decade.

    Raises:
        ValueError: fewer than three sizes lie there, or a number is not above 0.
    """
    if min(sizes.min(), values.min()) <= 0:
        raise ValueError("a power law needs sizes and values above 0")
    chosen = last_decade(sizes)
    if (count := int(chosen.sum())) < 3:
        raise ValueError(f"a fit needs 3 sizes in the last decade, got {count}")
    x, y = np.log(sizes[chosen]), np.log(values[chosen])
    x, y = x - x.mean(), y - y.mean()
    exponent = float(x @ y / (x @ x))
    variance = float(np.sum((y - exponent * x) ** 2) / (count - 2))
    return Power(exponent, float(np.sqrt(variance / (x @ x))))


def crossing(sizes: np.ndarray, first: np.ndarray, second: np.ndarray) -> float | None:
    """The size from which `second` takes no longer than `first`; None if never.

    It is interpolated between two measured sizes, on the logarithms.

    Args:
        sizes: increasing.
        first: seconds at each size.
        second: seconds at each size.
    """
    ratio = np.log(second / first)
    faster = np.flatnonzero(ratio <= 0)
    if not len(faster):
        return None
    if (i := int(faster[0])) == 0:
        return float(sizes[0])
    share = ratio[i - 1] / (ratio[i - 1] - ratio[i])
    low, high = np.log(sizes[i - 1]), np.log(sizes[i])
    return float(np.exp(low + share * (high - low)))
