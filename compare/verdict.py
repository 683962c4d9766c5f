"""Equal, rounding, convention or mistake: what a difference is, in words."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any, Literal, Self

import numpy as np

from compare.tolerance import (
    SAFETY,
    ULP_FLOOR,
    Difference,
    difference,
    largest_at,
)

Kind = Literal["equal", "rounding", "convention", "bug"]
ORDER: tuple[Kind, ...] = ("equal", "rounding", "convention", "bug")


@dataclass(frozen=True)
class Verdict:
    """The result of a comparison.

    Args:
        kind: equal (bit for bit), rounding, convention (has a name) or bug.
        words: the same in a sentence.
        difference: the largest one, relative to the largest expected entry.
        ulp: the same in units in the last place of the dtype.
        index: of the largest difference, if there is one.
        learned: whether anything was trained; a comparison of nothing proves nothing.
    """

    kind: Kind
    words: str
    difference: float = 0.0
    ulp: float = 0.0
    index: tuple[int, ...] | None = None
    learned: bool = True

    @property
    def agrees(self) -> bool:
        """Whether both are equal up to rounding."""
        return self.kind in ("equal", "rounding")


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
            return Verdict("convention", "transposed", inf)
        return Verdict("bug", f"shape {got.shape}, expected {want.shape}", inf)
    if got.dtype != want.dtype:
        words = f"dtype changed: {got.dtype}, not {want.dtype}"
        return Verdict("convention", words, inf)
    found = difference(got, want)
    if found.max_abs == 0:
        return Verdict("equal", "identical (bit for bit)")
    index = largest_at(got, want)
    place = f"at {list(index)}" if index else "the number"
    numbers = f"{place}: got {got[index]:.9g}, expected {want[index]:.9g}"
    if found.max_abs == inf:  # finite in one of them only
        return Verdict("bug", numbers, inf, inf, index)
    reference = max(found.scale, scale)
    relative = found.max_abs / reference if reference else inf
    if relative <= tolerance:
        words = f"equal up to rounding: largest difference {relative:.1e}"
        words += f" (tolerance {tolerance:.1e})"
        return Verdict("rounding", words, relative, relative / eps, index)
    name = _convention(got, want, tolerance, sizes or {}) if found.finite else None
    kind = "convention" if name else "bug"
    words = f"{name or 'cause not recognised'}; {numbers}"
    return Verdict(kind, words, relative, relative / eps, index)


@dataclass
class History:
    """What the steps so far have shown; a verdict is made of it.

    Args:
        steps: how many were taken.
        checks: in how many the one-step error was taken.
        one_step: the largest relative one-step error.
        trajectory: the largest relative difference of the trajectories.
        identical: whether no number ever differed, on the trajectories or in one step.
        batch_size: number of examples in the last batch.
        kinks: steps in which rounding decided a kink.
        divergence: the step from which the trajectories are further apart than
            rounding alone explains, if there is one.
        failure: the first mistake.
        first_loss: PyTorch's loss in the first step.
        loss_changed: whether any later loss was another.
        parameters_changed: whether PyTorch's side ever changed a parameter.
        has_gradients: whether the learner has gradients at all.
        has_nonzero_gradient: whether any entry of them was ever not 0.
    """

    steps: int = 0
    checks: int = 0
    one_step: float = 0.0
    trajectory: float = 0.0
    identical: bool = True
    batch_size: int = 1
    kinks: set[int] = field(default_factory=set)
    divergence: int | None = None
    failure: Verdict | None = None
    first_loss: float | None = None
    loss_changed: bool = False
    parameters_changed: bool = False
    has_gradients: bool = False
    has_nonzero_gradient: bool = False

    def observe(self, loss: float, found: Mapping[str, Difference]) -> None:
        """Note whether both sides are identical, and whether PyTorch's side learns."""
        self.identical &= all(d.max_abs == 0 for d in found.values())
        if self.first_loss is None:
            self.first_loss = loss
        self.loss_changed = self.loss_changed or loss != self.first_loss
        if not self.has_nonzero_gradient:
            scales = [d.scale for n, d in found.items() if n.startswith("gradient ")]
            self.has_gradients = self.has_gradients or bool(scales)
            self.has_nonzero_gradient = any(scales)

    def add(self, trajectory: float, one_step: float | None) -> None:
        """Add the errors of one more step."""
        self.trajectory = max(self.trajectory, trajectory)
        if one_step is not None:
            self.one_step = max(self.one_step, one_step)
            self.identical &= one_step == 0
            self.checks += 1
        self.steps += 1

    def nothing_learned(self) -> str:
        """Why the comparison proves nothing, or ""."""
        if self.has_gradients and not self.has_nonzero_gradient:
            return "every gradient is 0"
        if not self.parameters_changed:
            return "no parameter changed"
        if self.steps > 1 and not self.loss_changed:
            return "the loss never changed"
        return ""

    def state(self) -> dict[str, Any]:
        """The history as plain values."""
        return {**asdict(self), "kinks": sorted(self.kinks)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The history that `state` returned."""
        failure = state["failure"]
        if failure is not None:
            index = failure["index"]
            failure = Verdict(**{**failure, "index": index and tuple(index)})
        return cls(**{**state, "kinks": set(state["kinks"]), "failure": failure})


def summarize(
    history: History, tolerance: float, eps: float, zero: Collection[str]
) -> Verdict:
    """The verdict of a whole training.

    Args:
        history: of its steps.
        tolerance: the relative one-step error that rounding can explain a priori.
        eps: the distance from 1 to the next number of the dtype.
        zero: names of tensors whose true value is 0.
    """
    if history.failure is not None:
        return history.failure
    if not history.steps:
        return Verdict("equal", "no step was compared", learned=False)
    reason = history.nothing_learned()
    if history.identical:
        words = [f"identical (bit for bit, {history.steps} steps)"]
        kind, error = "equal", 0.0
    else:
        kind, error = "rounding", history.one_step
        words = [*_rounding(history, tolerance, zero), *_zero(zero)]
    if reason:
        words.append(f"but nothing was learned: {reason}")
    ulp, text = error / eps, "; ".join(words)
    return Verdict(kind, text, error, ulp, learned=not reason)


def _rounding(
    history: History, tolerance: float, zero: Collection[str]
) -> Iterator[str]:
    """Both errors in words, and what happened at kinks."""
    limit = f"tolerance {tolerance:.1e}"
    if history.one_step > tolerance:
        limit = (
            f"above the {limit}, but within {ULP_FLOOR} ULP of the tensor's largest "
            f"value or {SAFETY} times what one ULP changes"
        )
    yield (
        f"largest one-step difference {history.one_step:.1e} ({limit}); accumulated "
        f"{history.trajectory:.1e} after {history.steps} steps"
    )
    if history.kinks:
        more = " and others" if len(history.kinks) > 1 else ""
        yield f"at step {min(history.kinks)}{more} rounding decides a kink"
    if history.divergence is not None:
        why = ": the optimizer amplifies rounding errors" if zero else ""
        why = ": rounding decides a kink" if history.kinks else why
        yield (
            f"from step {history.divergence} the trajectories diverge{why}; every "
            f"single step still agrees"
        )


def _zero(names: Collection[str]) -> Iterator[str]:
    """The gradients whose true value is 0, in words."""
    gradients = sorted(n.removeprefix("gradient ") for n in names if "gradient " in n)
    if gradients:
        verb = "is" if len(gradients) == 1 else "are"
        yield (
            f"the gradient of {', '.join(gradients)} {verb} 0 up to rounding, so its "
            f"difference has no meaning"
        )


def _convention(
    got: np.ndarray, want: np.ndarray, tolerance: float, sizes: dict[str, int]
) -> str | None:
    """The name of the convention that turns `want` into `got`, if there is one."""
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
