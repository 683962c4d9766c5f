"""How far two arrays differ, and how much of that rounding can explain."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite, isinf
from typing import Any, Literal

import numpy as np

from compare.backend import to_numpy


@dataclass(frozen=True)
class Difference:
    """How far two arrays differ.

    Entries that are the same infinity, or NaN in both, do not differ.
    """

    max_abs: float  # max |got − want|; infinite for another shape, dtype or non-finite
    scale: float  # max |want| over the finite entries
    finite: bool = True  # every entry of both arrays
    exact: bool = False  # a count, for which there is no rounding

    @property
    def relative(self) -> float:
        """Max |got − want| / max |want|; infinite where only `want` is all zero."""
        if self.max_abs == 0:
            return 0.0
        return self.max_abs / self.scale if self.scale else inf

    def within(self, tolerance: float) -> bool:
        """Whether max |got − want| ≤ tolerance · max |want| (· 1 where that is 0)."""
        return self.max_abs <= tolerance * (self.scale or 1.0)


def difference(got: Any, want: Any, *, same_dtype: bool = False) -> Difference:
    """The largest difference of two arrays of any library; nothing is broadcast.

    Args:
        got: the array under test.
        want: the reference.
        same_dtype: whether another dtype counts as an infinite difference.
    """
    with np.errstate(all="ignore"):
        return _difference(got, want, same_dtype)


def differences(
    got: Mapping[str, Any], want: Mapping[str, Any]
) -> dict[str, Difference]:
    """The difference of every named array that both have, in shape, dtype and value."""
    with np.errstate(all="ignore"):
        return {
            name: _difference(got[name], want[name], same_dtype=True)
            for name in want
            if name in got
        }


def _difference(got: Any, want: Any, same_dtype: bool) -> Difference:
    if isinstance(got, int) or isinstance(want, int):
        return Difference(abs(float(got) - float(want)), abs(float(want)), exact=True)
    if type(got) is float is type(want) and isfinite(got - want):
        return Difference(abs(got - want), abs(want))
    got, want = to_numpy(got), to_numpy(want)
    if got.shape != want.shape or (same_dtype and got.dtype != want.dtype):
        return Difference(inf, _scale(want))
    if want.dtype.kind == "c":
        got, want = (np.stack([a.real, a.imag], axis=-1) for a in (got, want))
    elif want.dtype.kind != "f":
        got, want = got.astype(float), want.astype(float)
    buffer = np.empty_like(want)  # once: with large arrays memory takes the time
    scale = np.abs(want, out=buffer).max(initial=0)
    max_abs = np.abs(np.subtract(got, want, out=buffer), out=buffer).max(initial=0)
    if isfinite(max_abs):  # then so is every entry
        return Difference(float(max_abs), float(scale))
    finite = bool(np.isfinite(got).all() and np.isfinite(want).all())
    return Difference(float(_distances(got, want).max()), _scale(want), finite)


def _distances(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """|got − want|: 0 for the same infinity or NaN, infinite for another."""
    distances = np.abs(got - want)
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return np.where(same, 0.0, np.where(np.isfinite(distances), distances, inf))


def _scale(want: np.ndarray) -> float:
    return float(np.abs(want[np.isfinite(want)]).max(initial=0))


def largest_at(got: np.ndarray, want: np.ndarray) -> tuple[int, ...]:
    """The index of the largest difference of two arrays of one shape."""
    with np.errstate(all="ignore"):
        distances = _distances(got.astype(float), want.astype(float))
    largest = np.unravel_index(int(distances.argmax()), distances.shape)
    return tuple(map(int, largest))


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


ULP_FLOOR = 64
"""Differences below this many ULP of a tensor's largest value so far are rounding."""
SAFETY = 4
"""A difference may be this many times what a one-ULP perturbation changes."""
DECAY = 0.98
"""What is left of a measured sensitivity after a comparison, or a step without one."""
KINK_RATIO = 1000
"""At a kink the median perturbation moves a tensor this much further than the least."""
ZERO_RATIO = 1 / 16
"""A tensor is 0 but for rounding if every perturbation moves it by this much of it."""
ZERO_GROWTH = 100
"""A tensor that has grown by this much since is not 0 any more."""
TINY = float(np.finfo(float).tiny)
FLOAT64_EPS = float(np.finfo(float).eps)
HYPER = ("scheduler.base_lrs", "scheduler._last_lr", "scheduler.last_", "scaler.")
"""Hyper-parameters are float64 on both sides, whatever the dtype of the arrays."""

STATE = (
    *("batch_size", "reference_scale", "sensitivity"),
    *("true_zeros", "driven_by_rounding"),
)
"""What a tolerance learns from the steps."""

Cause = Literal["rounding", "kink", "zero", "mistake"]
"""What explains a difference. A kink is a point without a derivative, such as that of
ReLU, or a tie: rounding decides the side. "zero": the true value is 0, or an optimizer
divides by a gradient whose true value is 0."""


class Tolerance:
    """Decides for each tensor which difference after one step rounding can explain.

    Rounding is a difference within one of

    - `bound` · max |want|, the a priori tolerance;
    - `ULP_FLOOR` ULP of the largest value that the tensor has had: a gradient that has
      almost vanished keeps the rounding error of the numbers that cancelled in it;
    - `SAFETY` times the sensitivity: how far PyTorch's own result moves if its state
      and data are perturbed by one ULP (as TTrace does, arXiv 2506.09280).

    Args:
        eps: the distance from 1 to the next number of the dtype.
        shapes: of the parameters: their largest dimension and their number stand for
            the longest sum and the depth of the computation.
        half: whether it is float16 or bfloat16: sums are taken in float32 there, so
            that each rounds once, however long it is.
    """

    def __init__(
        self, eps: float, shapes: list[tuple[int, ...]], half: bool = False
    ) -> None:
        self.eps, self._depth, self._half = eps, len(shapes), half
        self._longest = max([1, *(max(shape, default=1) for shape in shapes)])
        self.batch_size = 1
        self.reference_scale: dict[str, float] = {}
        """The largest |want| of each tensor so far."""
        self.sensitivity: dict[str, float] = {}
        """How far PyTorch's own result moves by rounding, where it was measured."""
        self.true_zeros: dict[str, float] = {}
        """Tensors whose true value is 0: the size of the rounding errors they hold."""
        self.driven_by_rounding: list[str] = []
        """Parameters that an optimizer moves by the rounding errors of those."""

    @property
    def bound(self) -> float:
        """The relative difference after one step that any rounding can explain."""
        length = 1 if self._half else max(self._longest, self.batch_size)
        return rounding_tolerance(self.eps, length, self._depth)

    def observe(self, found: Mapping[str, Difference]) -> None:
        """Raise the reference scales to the sizes that the tensors have now."""
        for name, d in found.items():
            known = self.reference_scale.get(name, TINY)
            self.reference_scale[name] = max(d.scale, known)
            if d.scale > ZERO_GROWTH * self.true_zeros.get(name, inf):
                del self.true_zeros[name]

    def relative(
        self, found: Mapping[str, Difference], prefix: str = ""
    ) -> dict[str, float]:
        """Differences relative to the reference scale, of one kind of tensor.

        Tensors that hold nothing but rounding errors are left out.
        """
        left_out = {*self.true_zeros, *self.driven_by_rounding}
        return {
            name.removeprefix(prefix): d.max_abs / self.reference_scale[name]
            for name, d in found.items()
            if name.startswith(prefix) and name not in left_out
        }

    def exceeds(self, found: Mapping[str, Difference], fraction: float) -> bool:
        """Whether any difference is above this fraction of `allowed`."""
        return any(
            not d.max_abs <= fraction * self.allowed(name, d)
            for name, d in found.items()
            if d.max_abs
        )

    def exceeds_accumulated(self, found: Mapping[str, Difference], steps: int) -> bool:
        """Whether any difference is above what so many steps explain at most."""
        return any(
            d.exact or not d.max_abs <= steps * self.bound * self.reference_scale[name]
            for name, d in found.items()
            if d.max_abs and name not in self.true_zeros
        )

    def allowed(self, name: str, found: Difference) -> float:
        """The absolute difference that is rounding whatever the sensitivity is."""
        if found.exact:
            return 0.0
        scale = self.reference_scale[name]
        if "param_groups." in name or name.startswith(HYPER):
            return ULP_FLOOR * FLOAT64_EPS * scale
        return max(self.bound * found.scale, ULP_FLOOR * self.eps * scale)

    def decay(self) -> None:
        """Trust each measured sensitivity a little less."""
        self.sensitivity = {
            name: DECAY * moved for name, moved in self.sensitivity.items()
        }

    def is_rounding(self, name: str, found: Difference) -> bool:
        """Whether what is known so far explains the difference of one tensor."""
        measured = SAFETY * self.sensitivity.get(name, 0)
        return found.max_abs <= max(self.allowed(name, found), measured)

    def cause(
        self,
        name: str,
        found: Difference,
        usual: list[float],
        deviations: Iterable[float],
    ) -> Cause:
        """What explains a difference of one tensor beyond `is_rounding`.

        Args:
            name: of the tensor.
            found: its difference.
            usual: how far the first perturbations move PyTorch's own result.
            deviations: the same of many perturbations, taken only where they matter.
        """
        if found.exact or isinf(found.max_abs):
            return "mistake"
        if found.max_abs > SAFETY * max(usual):
            rare = any(found.max_abs <= SAFETY * moved for moved in deviations)
            return "kink" if rare else "mistake"
        if self._is_zero(name, usual) or _gradient_of(name) in self.true_zeros:
            return "zero"
        lasting = lasting_sensitivity(usual)
        return "kink" if found.max_abs > SAFETY * lasting else "rounding"

    def learn(self, name: str, cause: Cause, usual: list[float]) -> None:
        """Keep what the perturbations have shown of one tensor."""
        self.sensitivity[name] = lasting_sensitivity(usual)
        if cause != "zero":
            return
        if self._is_zero(name, usual):
            self.true_zeros[name] = self.reference_scale[name]
        elif name not in self.driven_by_rounding:
            self.driven_by_rounding.append(name)

    def _is_zero(self, name: str, usual: list[float]) -> bool:
        """Whether every perturbation moves a tensor by a large part of it."""
        return min(usual) >= ZERO_RATIO * self.reference_scale[name]

    def state(self) -> dict[str, Any]:
        """All that the steps so far have shown."""
        return copy.deepcopy({name: getattr(self, name) for name in STATE})

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        vars(self).update(copy.deepcopy(state))


def lasting_sensitivity(usual: list[float]) -> float:
    """The sensitivity that later steps will have, too: a kink is over with its step."""
    least, typical = min(usual), float(np.median(usual))
    return least if typical > KINK_RATIO * least else typical


def _gradient_of(name: str) -> str:
    """The name of the gradient that moves a parameter."""
    return name.replace("parameter ", "gradient ")
