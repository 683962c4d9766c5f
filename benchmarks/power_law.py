"""Power laws in measured times, and where one library overtakes another."""

from typing import NamedTuple

import numpy as np

DECADE = 10
"""Laws are fitted to the sizes from the largest down to this part of it."""


class Power(NamedTuple):
    """Of a law time = factor · sizeᵏ.

    Args:
        exponent: k.
        error: its standard error, as the points scatter around the line.
    """

    exponent: float
    error: float


def last_decade(sizes: np.ndarray) -> np.ndarray:
    """Which sizes are at least a tenth of the largest: there the work rules."""
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
    scatter = float(np.sum((y - exponent * x) ** 2) / (count - 2))
    return Power(exponent, float(np.sqrt(scatter / (x @ x))))


def overtaken(
    amounts: np.ndarray, leader: np.ndarray, chaser: np.ndarray
) -> float | None:
    """The amount of work from which `chaser` first takes no longer than `leader`.

    It is interpolated between two measured amounts, on the logarithms.

    Args:
        amounts: of work, rising.
        leader: its seconds at each amount.
        chaser: its seconds.

    Returns:
        None where the chaser is always slower.
    """
    lead = np.log(chaser / leader)
    faster = np.flatnonzero(lead <= 0)
    if not len(faster):
        return None
    if (i := int(faster[0])) == 0:
        return float(amounts[0])
    share = lead[i - 1] / (lead[i - 1] - lead[i])
    low, high = np.log(amounts[i - 1]), np.log(amounts[i])
    return float(np.exp(low + share * (high - low)))
