"""How far two arrays differ, and how much of that rounding can explain."""

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from compare.backend import to_numpy


@dataclass(frozen=True)
class Difference:
    """How far two arrays differ.

    Args:
        max_abs: max |got − want|. Infinite where shape or dtype differ, or where only
            one of two entries is finite; entries that are the same infinity, or NaN in
            both, do not differ.
        scale: max |want| over the finite entries.
        finite: whether every entry of both arrays is finite.
    """

    max_abs: float
    scale: float
    finite: bool = True

    @property
    def relative(self) -> float:
        """Max |got − want| / max |want|; infinite where only `want` is all zero."""
        if self.max_abs == 0:
            return 0.0
        return self.max_abs / self.scale if self.scale else inf

    def within(self, tolerance: float) -> bool:
        """Whether max |got − want| ≤ tolerance · max |want|; where that is 0, · 1."""
        return self.max_abs <= tolerance * (self.scale or 1.0)


def difference(got: Any, want: Any, *, same_dtype: bool = False) -> Difference:
    """The largest difference of two arrays of any library; nothing is broadcast.

    Args:
        got: the array under test.
        want: the reference.
        same_dtype: whether another dtype counts as an infinite difference.
    """
    got, want = to_numpy(got), to_numpy(want)
    if got.shape != want.shape or (same_dtype and got.dtype != want.dtype):
        return Difference(inf, _scale(want))
    if want.dtype.kind not in "fc":
        got, want = got.astype(float), want.astype(float)
    with np.errstate(all="ignore"):
        buffer = np.empty_like(want)  # once: with large arrays memory takes the time
        scale = float(np.abs(want, out=buffer).max(initial=0))
        np.abs(np.subtract(got, want, out=buffer), out=buffer)
        max_abs = float(buffer.max(initial=0))
    if np.isfinite(max_abs):  # then so is every entry
        return Difference(max_abs, scale)
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    differs = np.where(same, 0.0, np.where(np.isfinite(buffer), buffer, inf))
    return Difference(float(differs.max(initial=0)), _scale(want), finite=False)


def _scale(want: np.ndarray) -> float:
    return float(np.abs(want[np.isfinite(want)]).max(initial=0))


def largest_at(got: np.ndarray, want: np.ndarray) -> tuple[int, ...]:
    """The index of the largest difference of two arrays of one shape."""
    with np.errstate(all="ignore"):
        differs = np.abs(np.subtract(got, want, dtype=float))
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    differs = np.where(same, 0.0, np.where(np.isfinite(differs), differs, inf))
    return tuple(int(i) for i in np.unravel_index(int(differs.argmax()), differs.shape))


def rounding_tolerance(eps: float, length: int, depth: int) -> float:
    """The relative difference of two correct orders of computation.

    Each of `depth` operations sums up to `length` products; each sum may round by
    γₙ ≈ n · eps (Higham, Accuracy and Stability of Numerical Algorithms, chapter 3);
    both sides round, forward and backward.

    Args:
        eps: the distance from 1 to the next number of the dtype.
        length: number of terms of the longest sum.
        depth: how many operations follow each other.
    """
    return 4 * eps * max(length, 1) * max(depth, 1)
