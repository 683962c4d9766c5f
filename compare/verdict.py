"""Equal, rounding, convention or bug: the answer, and the words for it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["equal", "rounding", "convention", "bug"]
ORDER: tuple[Kind, ...] = ("equal", "rounding", "convention", "bug")


@dataclass(frozen=True)
class Verdict:
    """What a comparison came to.

    Args:
        kind: how it ended.
        words: the same in a sentence.
        difference: the largest one, relative to the largest expected entry.
        ulp: the same in units of the dtype's last place.
        index: where it stands, if there is any.
    """

    kind: Kind
    words: str
    difference: float = 0.0
    ulp: float = 0.0
    index: tuple[int, ...] | None = None

    @property
    def agrees(self) -> bool:
        """Whether both sides are the same but for rounding."""
        return self.kind in ("equal", "rounding")


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict that says the most: the gravest kind, then the largest difference."""
    return max(verdicts, key=lambda v: (ORDER.index(v.kind), v.difference))


def rounding_bound(eps: float, length: int, depth: int) -> float:
    """How far two correct orders of computation may lie apart, relatively.

    Each of `depth` operations sums up to `length` products, and each sum may round by
    γ = length · eps; both sides round, forward and backward.

    Args:
        eps: the dtype's distance from 1 to the next number.
        length: the longest sum.
        depth: how many operations follow each other.
    """
    return 4 * eps * max(length, 1) * max(depth, 1)


def difference(got: np.ndarray, want: np.ndarray, scale: float = 0.0) -> float:
    """Max |got − want| / max(|want|, scale); 0 where both are 0."""
    if got.size == 0:
        return 0.0
    gap = float(np.max(np.abs(got - want)))
    size = max(float(np.max(np.abs(want))), scale)
    return gap / size if size else (0.0 if gap == 0 else float("inf"))


def judge(
    got: np.ndarray,
    want: np.ndarray,
    *,
    bound: float,
    eps: float,
    scale: float = 0.0,
    sizes: dict[str, int] | None = None,
) -> Verdict:
    """Compare what the hand-written side got with what torch says.

    Args:
        got: the hand-written result.
        want: torch's.
        bound: up to here, relatively, a difference is rounding; see `rounding_bound`.
        eps: the dtype's distance from 1 to the next number.
        scale: measure against at least this, where `want` itself may vanish.
        sizes: named numbers that a factor may come from, such as {"N": 64}.
    """
    if got.shape != want.shape:
        if got.shape == want.shape[::-1] and np.allclose(got.T, want):
            return Verdict("convention", "transposed", float("inf"))
        return Verdict(
            "bug", f"shape {got.shape} where {want.shape} is expected", float("inf")
        )
    if got.dtype != want.dtype:
        words = f"dtype changed: {got.dtype}, not {want.dtype}"
        return Verdict("convention", words, float("inf"))
    if np.array_equal(got, want, equal_nan=True):
        return Verdict("equal", "equal bit for bit")
    odd = ~(np.isfinite(got) & np.isfinite(want)) & ~_same(got, want)
    if np.any(odd):
        index = _first(odd)
        words = f"{_at(index)} is {got[index]:.6g} where {want[index]:.6g} is expected"
        return Verdict("bug", words, float("inf"), float("inf"), index)
    got64 = np.where(np.isfinite(want), got, 0).astype(np.float64)
    want64 = np.where(np.isfinite(want), want, 0).astype(np.float64)
    gap = difference(got64, want64, scale)
    index = _first(np.abs(got64 - want64) == np.max(np.abs(got64 - want64)))
    numbers = f"{_at(index)}: got {got[index]:.9g}, expected {want[index]:.9g}"
    if gap <= bound:
        words = f"rounding: {gap:.1e} relative, {gap / eps:.1f} ULP, bound {bound:.1e}"
        return Verdict("rounding", words, gap, gap / eps, index)
    name = _named_pattern(got64, want64, bound, sizes or {})
    kind = "convention" if name else "bug"
    words = f"{name or 'no known pattern'}; {numbers}"
    return Verdict(kind, words, gap, gap / eps, index)


def _named_pattern(
    got: np.ndarray, want: np.ndarray, bound: float, sizes: dict[str, int]
) -> str | None:
    """The name of the convention that turns `want` into `got`, if there is one."""
    if got.ndim == 2 and got.shape[0] == got.shape[1] and _close(got.T, want, bound):
        return "transposed"
    weight = float(np.sum(want * want))
    if weight == 0:
        return None
    ratio = float(np.sum(got * want)) / weight
    if not _close(got, ratio * want, bound):
        return None
    factors = {"the sign is turned": -1.0, "factor 2": 2.0, "factor ½": 0.5}
    for name, n in sizes.items():
        factors[f"factor {name} = {n} (the mean's 1/{name} is missing)"] = float(n)
        factors[f"factor 1/{name} = 1/{n} (a mean is taken twice)"] = 1 / n
        if n > 1:
            factors[f"factor {name}/({name}−1) with {name} = {n}"] = n / (n - 1)
            factors[f"factor ({name}−1)/{name} with {name} = {n}"] = (n - 1) / n
    for name, factor in factors.items():
        if abs(ratio - factor) <= bound * abs(factor) * 10:
            return name
    return None


def _close(got: np.ndarray, want: np.ndarray, bound: float) -> bool:
    return difference(got, want) <= 10 * bound


def _same(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    return (got == want) | (np.isnan(got) & np.isnan(want))


def _first(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def _at(index: tuple[int, ...]) -> str:
    return f"at {list(index)}" if index else "the number"
