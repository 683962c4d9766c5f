"""What the steps of a training have shown, and the verdict over all of them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from compare.tolerance import SAFETY, ULP_FLOOR, Difference, Tolerance
from compare.verdict import Verdict


@dataclass
class Learning:
    """Whether PyTorch's side learns at all: a comparison of nothing proves nothing."""

    losses: tuple[float, float] | None = None  # the smallest and the largest
    gradient: float | None = None  # the largest |entry|; None without gradients
    parameters_changed: bool = False

    def observe(self, loss: float, found: Mapping[str, Difference]) -> None:
        """Note the loss and the sizes of the gradients of a step."""
        least, most = self.losses or (loss, loss)
        self.losses = min(least, loss), max(most, loss)
        if not self.gradient:
            scales = [d.scale for n, d in found.items() if n.startswith("gradient ")]
            self.gradient = max(scales, default=self.gradient)

    def missing(self, steps: int) -> str:
        """Why nothing was learned in so many steps, or ""."""
        if self.gradient == 0:
            return "every gradient is 0"
        if not self.parameters_changed:
            return "no parameter changed"
        if steps > 1 and self.losses and self.losses[0] == self.losses[1]:
            return "the loss never changed"
        return ""


@dataclass
class History:
    """What the steps so far have shown."""

    steps: int = 0
    one_step: float = 0.0  # the largest relative one-step error
    trajectory: float = 0.0  # the largest relative difference of the trajectories
    identical: bool = True  # no number ever differed
    kinks: list[int] = field(default_factory=list)  # steps that rounding decided
    divergence: int | None = None  # the step from which rounding alone is not enough
    failure: Verdict | None = None  # the first mistake
    gradients: dict[str, float] = field(default_factory=dict)  # one-step, by tensor
    learning: Learning = field(default_factory=Learning)

    def observe(self, loss: float, found: Mapping[str, Difference]) -> None:
        """Note whether both sides are identical, and whether PyTorch's side learns."""
        self.identical = self.identical and not any(d.max_abs for d in found.values())
        self.learning.observe(loss, found)

    def add(self, trajectory: float, one_step: float | None) -> None:
        """Add the errors of one more step."""
        self.trajectory = max(self.trajectory, trajectory)
        self.one_step = max(self.one_step, one_step or 0.0)
        self.identical = self.identical and not one_step
        self.steps += 1

    def add_gradients(self, one_step: Mapping[str, float]) -> None:
        """Keep the largest one-step error of each gradient."""
        for name, error in one_step.items():
            if name.startswith("gradient "):
                tensor = name.removeprefix("gradient ")
                self.gradients[tensor] = max(error, self.gradients.get(tensor, 0.0))

    def errors(self, tolerance: Tolerance) -> dict[str, Any]:
        """The numbers of the verdict, for summary.json."""
        names = ("steps", "one_step", "trajectory", "kinks", "divergence", "gradients")
        return {"tolerance": tolerance.bound} | {n: getattr(self, n) for n in names}

    def verdict(self, tolerance: Tolerance) -> Verdict:
        """The verdict of the whole training."""
        if self.failure is not None:
            return self.failure
        if not self.steps:
            return Verdict("equal", "no step was compared", learned=False)
        if self.identical:
            kind, words = "equal", [f"identical (bit for bit, {self.steps} steps)"]
        else:
            kind, words = "rounding", [*_rounding(self, tolerance)]
            words += _zero(tolerance.true_zeros)
        error = 0.0 if self.identical else self.one_step
        if reason := self.learning.missing(self.steps):
            words.append(f"but nothing was learned: {reason}")
        ulp, text = error / tolerance.eps, "; ".join(words)
        return Verdict(kind, text, error, ulp, learned=not reason)

    def state(self) -> dict[str, Any]:
        """The history as plain values."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The history that `state` returned."""
        failure, learning = state["failure"], Learning(**state["learning"])
        if failure is not None:
            index = failure["index"] and tuple(failure["index"])
            failure = Verdict(**{**failure, "index": index})
        return cls(**{**state, "failure": failure, "learning": learning})


def _rounding(history: History, tolerance: Tolerance) -> Iterator[str]:
    """Both errors in words, and what happened at kinks."""
    limit = f"tolerance {tolerance.bound:.0e}"
    if history.one_step > tolerance.bound:
        limit = (
            f"above the {limit}, but within {ULP_FLOOR} ULP of the tensor's largest "
            f"value or {SAFETY} times what one ULP changes"
        )
    yield (
        f"equal up to rounding: largest one-step difference {history.one_step:.0e} "
        f"({limit}), after {history.steps} steps {history.trajectory:.0e}"
    )
    if history.kinks:
        more = " and others" if len(history.kinks) > 1 else ""
        yield f"at step {history.kinks[0]}{more} rounding decides a kink"
    if history.divergence is not None:
        why = ""
        if history.kinks:
            why = ": rounding decides a kink"
        elif tolerance.true_zeros:
            why = ": the optimizer amplifies rounding errors"
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
