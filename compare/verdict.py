"""Equal, rounding or mistake: what a difference is, in words."""

from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np

from compare.tolerance import difference, largest_at

Kind = Literal["equal", "rounding", "mistake"]
"""Bit for bit; up to rounding; anything else."""
ORDER: tuple[Kind, ...] = ("equal", "rounding", "mistake")


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison."""

    kind: Kind
    words: str  # the same in a sentence
    difference: float = 0.0  # the largest, relative to the largest expected entry
    ulp: float = 0.0  # the same in units in the last place of the dtype
    index: tuple[int, ...] | None = None  # of the largest difference
    learned: bool = True  # a comparison in which nothing was trained proves nothing

    @property
    def agrees(self) -> bool:
        """Whether both are equal up to rounding."""
        return self.kind in ("equal", "rounding")

    @property
    def sentence(self) -> str:
        """The words, those of a mistake named as such."""
        return self.words if self.agrees else f"mistake: {self.words}"


def worst(verdicts: list[Verdict]) -> Verdict:
    """The gravest verdict; among those of one kind the largest difference."""
    return max(verdicts, key=lambda v: (ORDER.index(v.kind), v.difference))


def classify(
    got: np.ndarray,
    want: np.ndarray,
    *,
    tolerance: float,
    eps: float,
    scale: float = 0.0,
    sizes: dict[str, int] | None = None,
) -> Verdict:
    """Say what the difference of two arrays is.

    Args:
        got: the hand-written result.
        want: the reference.
        tolerance: the relative difference that rounding can explain.
        eps: the distance from 1 to the next number of the dtype.
        scale: a lower limit of what the difference is relative to, where `want` itself
            may vanish.
        sizes: named numbers that a wrong factor may come from, such as {"N": 64}.
    """
    if got.shape != want.shape:
        if got.shape == want.shape[::-1] and np.allclose(got.T, want):
            return Verdict("mistake", "transposed", inf)
        return Verdict("mistake", f"shape {got.shape}, expected {want.shape}", inf)
    if got.dtype != want.dtype:
        words = f"dtype changed: {got.dtype}, not {want.dtype}"
        return Verdict("mistake", words, inf)
    found = difference(got, want)
    if found.max_abs == 0:
        return Verdict("equal", "identical (bit for bit)")
    index = largest_at(got, want)
    place = f"at {list(index)}" if index else "the number"
    numbers = f"{place}: {_told_apart(got[index], want[index])}"
    if found.max_abs == inf:  # finite in one of them only
        return Verdict("mistake", numbers, inf, inf, index)
    reference = max(found.scale, scale)
    relative = found.max_abs / reference if reference else inf
    if relative <= tolerance:
        words = f"equal up to rounding: largest difference {relative:.1e}"
        words += f" (tolerance {tolerance:.1e})"
        return Verdict("rounding", words, relative, relative / eps, index)
    name = _name(got, want, tolerance, sizes or {}) if found.finite else None
    words = f"{name or 'cause not recognised'}; {numbers}"
    return Verdict("mistake", words, relative, relative / eps, index)


def _told_apart(got: np.generic, want: np.generic) -> str:
    """Both numbers in as many digits as it takes to tell them apart."""
    pairs = ((f"{got:.{digits}g}", f"{want:.{digits}g}") for digits in (9, 12, 17))
    got_text, want_text = next(p for p in pairs if p[0] != p[1])
    return f"got {got_text}, expected {want_text}"


def _name(
    got: np.ndarray, want: np.ndarray, tolerance: float, sizes: dict[str, int]
) -> str | None:
    """The name of the mistake that turns `want` into `got`, if it has one."""
    got, want = got.astype(np.float64), want.astype(np.float64)
    tolerance *= 10  # of a factor, which is estimated
    if got.ndim == 2 and difference(got.T, want).relative <= tolerance:
        return "transposed"
    if not (weight := float(np.sum(want * want))):
        return None
    ratio = float(np.sum(got * want)) / weight
    if difference(got, ratio * want).relative > tolerance:
        return None
    for name, factor in _factors(sizes).items():
        if abs(ratio - factor) <= tolerance * abs(factor):
            return name
    return None


def _factors(sizes: dict[str, int]) -> dict[str, float]:
    """The factors that have a name."""
    factors = {"wrong sign": -1.0, "factor 2": 2.0, "factor ½": 0.5}
    for name, n in sizes.items():
        factors[f"factor {name} = {n} (not divided by {name})"] = float(n)
        factors[f"factor 1/{name} = 1/{n} (divided by {name} twice)"] = 1 / n
        if n > 1:
            factors[f"factor {name}/({name}−1) with {name} = {n}"] = n / (n - 1)
            factors[f"factor ({name}−1)/{name} with {name} = {n}"] = (n - 1) / n
    return factors
