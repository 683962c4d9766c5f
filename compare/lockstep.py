"""Train both implementations on the same batches and compare every step.

Two errors are tracked, as for the numerical solution of a differential equation:

- the *one-step* (local) error: the hand-written learner takes a step from PyTorch's
  full state, so that errors cannot accumulate. It decides the verdict.
- the *trajectory* (global) error: each implementation continues from its own state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import inf
from typing import Any

import numpy as np
from torch import nn

import handmade
import torch_ref
from compare.backend import Backend, mapped, to_numpy
from compare.compile import prepared
from compare.defaults import CHECK_EVERY
from compare.experiment import MakeLearner
from compare.history import History
from compare.sensitivity import Sensitivity
from compare.snapshot import (
    Values,
    copied,
    non_finite,
    numpy_state,
    snapshot,
    unmatched,
    values,
    weights,
)
from compare.tolerance import Difference, Tolerance, differences
from compare.verdict import Verdict, classify

FIRST_CHECKS = 8
"""The one-step check runs in this many first steps."""
CLOSE = 1 / 16
"""It also runs wherever the trajectories differ by more than this fraction of the
tolerance: closer than that, a mistake in this step would be visible anyway."""


class NonFinite(ArithmeticError):
    """A loss or gradient is NaN or infinite; the message names step and tensor.

    Args:
        words: the message.
        step: its number.
        losses: of both sides at this step.
    """

    def __init__(self, words: str, step: int, losses: dict[str, float]) -> None:
        super().__init__(words)
        self.step, self.losses = step, losses


@dataclass(frozen=True)
class Step:
    """The result of one training step; differences are relative, by tensor name."""

    number: int  # from 0
    losses: dict[str, float]  # of each side, before the update
    gradients: dict[str, float]  # differences on the trajectories
    parameters: dict[str, float]  # the same, after the step
    one_step: float | None  # the largest one-step error; None if it was not checked
    trajectory: float  # the largest difference of the trajectories so far
    tolerance: float  # of the one-step error
    rates: dict[str, list[float]]  # learning rates by side; empty without a schedule


class Implementation:
    """A learner made from one library, and its state after the last step."""

    def __init__(self, library: Any, make: MakeLearner, backend: Backend) -> None:
        self.library = library
        if library is handmade:
            self.give = backend.to_handmade
            self.learner = prepared(make(library), backend)
        else:
            self.give = backend.to_torch
            self.learner = make(library).to(backend.to_torch(np.zeros(1)))
        self.state = snapshot(self.learner)

    def load(self, state: Any) -> None:
        """Take over a state of either library."""
        self.state = mapped(state, lambda array: self.give(to_numpy(array)))
        self.learner.load_state_dict(self.state)

    def step(self, batch: tuple[Any, Any], seed: int) -> Values:
        """Train on one batch of NumPy arrays; returns all that is compared."""
        self.library.manual_seed(seed)
        with np.errstate(all="ignore"):  # NaN and infinity are reported by `Lockstep`
            loss = self.learner.step(*map(self.give, batch))
        self.state = snapshot(self.learner)
        return values(self.learner, loss, self.state)

    def rates(self) -> list[float]:
        """The learning rate of each group if there is a schedule, else nothing."""
        scheduler = getattr(self.learner, "scheduler", None)
        return [] if scheduler is None else list(scheduler.get_last_lr())


class Lockstep:
    """A hand-written learner and PyTorch's, trained on the same batches.

    Args:
        make: makes a learner from a library, `handmade` or `torch_ref`.
        backend: array library, device and dtype.
        seed: of the initial weights and of random draws within steps.
        start: initial values of parameters by name, instead of random ones.
        check_every: the one-step check runs at least this often.
    """

    def __init__(
        self,
        make: MakeLearner,
        backend: Backend,
        seed: int,
        start: Mapping[str, Any] | None = None,
        check_every: int = CHECK_EVERY,
    ) -> None:
        self.backend, self.seed, self.check_every = backend, seed, check_every
        self._make = make
        handmade.manual_seed(seed)
        self._ours = Implementation(handmade, make, backend)
        self._theirs = Implementation(torch_ref, make, backend)
        self.sides = {"handmade": self._ours, "torch_ref": self._theirs}
        self.handmade_learner = self._ours.learner
        self.torch_learner = self._theirs.learner
        self._copy_weights(start or {})
        parameters = self.torch_learner.parameters().values()
        mixed = isinstance(self.torch_learner, torch_ref.amp.MixedPrecisionLearner)
        self.eps = self.torch_learner.eps if mixed else backend.eps
        shapes = [tuple(a.shape) for a in parameters]
        self.tolerance = Tolerance(self.eps, shapes, half=mixed)
        self.history = History()

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return self.history.steps

    @cached_property
    def one_step_side(self) -> Implementation:
        """A second hand-written learner, which takes steps from PyTorch's state."""
        return Implementation(handmade, self._make, self.backend)

    @cached_property
    def _scratch(self) -> Implementation:
        """A second PyTorch learner, which takes steps from any other state."""
        return Implementation(torch_ref, self._make, self.backend)

    def _copy_weights(self, start: Mapping[str, Any]) -> None:
        """Copy the initial weights of the hand-written learner to PyTorch's."""
        ours, theirs = (
            numpy_state(self.handmade_learner),
            numpy_state(self.torch_learner),
        )
        initial = weights(ours)
        if unknown := start.keys() - initial.keys():
            names = f"{sorted(unknown)}; there are {sorted(initial)}"
            raise ValueError(f"start names no parameter: {names}")
        for name, value in start.items():
            value = np.asarray(value, dtype=initial[name].dtype)
            initial[name] = np.broadcast_to(value, initial[name].shape)
        weights(theirs).update(initial)
        for name in theirs:  # a module beside the model, such as a teacher
            if isinstance(getattr(self.torch_learner, name, None), nn.Module):
                theirs[name].update(ours[name])
        self._ours.load(ours)
        self._theirs.load(theirs)

    def step(self, x: np.ndarray, target: np.ndarray) -> Step:
        """Train both learners on one batch and compare all that the step computed.

        Raises:
            NonFinite: a loss or a gradient is NaN or infinite.
        """
        batch, self.tolerance.batch_size = (x, target), len(x)
        before = self._ours.state, self._theirs.state
        rates = {name: side.rates() for name, side in self.sides.items()}
        ours = self._ours.step(batch, self._step_seed)
        theirs = self._theirs.step(batch, self._step_seed)
        found = differences(ours, theirs)
        if not all(d.finite for d in found.values()):
            self._raise_non_finite(ours, theirs)
        self._observe(found, theirs["loss"], before[1])
        one_step = None
        if self._is_check_due(found) or unmatched(ours, theirs):
            one_step = self._one_step_error(before[1], batch, theirs)
        else:
            self.tolerance.decay()
        loss, gradients, parameters = (
            self.tolerance.relative(found, kind)
            for kind in ("loss", "gradient ", "parameter ")
        )
        if self._trajectories_diverge(found):
            self._check_from_own_state(before[0], batch, ours)
        relative = [*loss.values(), *gradients.values(), *parameters.values()]
        self.history.add(max(relative, default=0.0), one_step)
        return Step(
            self.steps - 1,
            {"handmade": ours["loss"], "torch_ref": theirs["loss"]},
            gradients,
            parameters,
            one_step,
            self.history.trajectory,
            self.tolerance.bound,
            rates,
        )

    @property
    def _step_seed(self) -> int:
        """The seed of what the current step draws: the same for all learners."""
        return seed_of_step(self.seed, self.steps)

    def _observe(self, found: dict[str, Difference], loss: float, before: Any) -> None:
        """Note the sizes of all tensors, and whether PyTorch's side learns."""
        self.tolerance.observe(found)
        self.history.observe(loss, found)
        learning = self.history.learning
        if not learning.parameters_changed:
            moved = differences(weights(before), weights(self._theirs.state))
            learning.parameters_changed = any(d.max_abs for d in moved.values())

    def _is_check_due(self, found: dict[str, Difference]) -> bool:
        regular = self.steps < FIRST_CHECKS or self.steps % self.check_every == 0
        return regular or self.tolerance.exceeds(found, CLOSE)

    def _one_step_error(self, before: Any, batch: Any, want: Values) -> float:
        """The largest error of the hand-written step from PyTorch's own state."""
        self.one_step_side.load(before)
        got = self.one_step_side.step(batch, self._step_seed)
        found = self._compare_step(got, want, before, batch)
        errors = self.tolerance.relative(found)
        self.history.add_gradients(errors)
        return max(errors.values(), default=0.0)

    def _trajectories_diverge(self, found: dict[str, Difference]) -> bool:
        """Whether the trajectories are further apart than the steps so far explain."""
        history, steps = self.history, self.steps
        if history.divergence is None and self.tolerance.exceeds_accumulated(
            found, steps + 1
        ):
            history.divergence = steps
        return history.divergence is not None

    def _check_from_own_state(self, before: Any, batch: Any, got: Values) -> None:
        """Let PyTorch take the step from the hand-written learner's own state.

        Where rounding decides a kink the trajectories may diverge for good although
        both sides are right: then both take the same step from the same state.
        """
        self._scratch.load(before)
        want = mapped(self._scratch.step(batch, self._step_seed), copied)
        self._compare_step(got, want, before, batch)

    def _compare_step(
        self, got: Values, want: Values, before: Any, batch: Any
    ) -> dict[str, Difference]:
        """Compare one step of both from the same state; keep the first mistake."""
        if names := unmatched(got, want):
            self._fail("tensors", Verdict("mistake", f"only on one side: {names}", inf))
        found = differences(got, want)
        self.tolerance.observe(found)
        self.tolerance.decay()
        sensitivity = self.sensitivity(want, before, batch)
        for name, one in found.items():
            if self.history.failure is not None:
                break  # the first mistake is the verdict
            if self.tolerance.is_rounding(name, one):
                continue
            usual, many = sensitivity.usual(name), sensitivity.deviations(name)
            cause = self.tolerance.cause(name, one, usual, many)
            self.tolerance.learn(name, cause, usual)
            if cause == "kink" and self.steps not in self.history.kinks[-1:]:
                self.history.kinks.append(self.steps)
            elif cause == "mistake":
                self._fail(name, self._classified(got[name], want[name]))
        return found

    def sensitivity(self, want: Values, before: Any, batch: Any) -> Sensitivity:
        """How far PyTorch's step from `before` moves if its inputs move by one ULP."""
        now = {"step": self.steps, "seed": self._step_seed}
        return Sensitivity(self._scratch, want, before, batch, eps=self.eps, **now)

    def _classified(self, got: Any, want: Any) -> Verdict:
        """What a mistake looks like; one below the tolerance is a mistake, too."""
        got, want = (np.asarray(to_numpy(a)) for a in (got, want))
        if want.ndim == 0:
            got, want = got.astype(float), want.astype(float)
        how = {"eps": self.eps, "sizes": {"N": self.tolerance.batch_size}}
        found = classify(got, want, tolerance=self.tolerance.bound, **how)
        return classify(got, want, tolerance=0.0, **how) if found.agrees else found

    def _fail(self, name: str, verdict: Verdict) -> None:
        words = f"step {self.steps}, {name}: {verdict.words}"
        failure = replace(verdict, words=words)
        self.history.failure = self.history.failure or failure

    def _raise_non_finite(self, ours: Values, theirs: Values) -> None:
        """Name what is not finite; on one side only it is a mistake."""
        words = {"handmade": non_finite(ours), "torch_ref": non_finite(theirs)}
        found = [f"{text} of {side}" for side, text in words.items() if text]
        if len(found) == 1:
            other = next(side for side, text in words.items() if not text)
            text = f"step {self.steps}: {found[0]}, while {other} is finite"
            self.history.failure = self.history.failure or Verdict("mistake", text, inf)
        losses = {"handmade": float(ours["loss"]), "torch_ref": float(theirs["loss"])}
        raise NonFinite(f"step {self.steps}: {' and '.join(found)}", self.steps, losses)

    def verdict(self) -> Verdict:
        """The result of all steps so far."""
        return self.history.verdict(self.tolerance)

    def errors(self) -> dict[str, Any]:
        """The numbers of the verdict."""
        return self.history.errors(self.tolerance)

    def state(self) -> dict[str, Any]:
        """Everything that later steps and the verdict depend on."""
        return {
            "handmade": numpy_state(self.handmade_learner),
            "torch_ref": numpy_state(self.torch_learner),
            "tolerance": self.tolerance.state(),
            "history": self.history.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        self._ours.load(state["handmade"])
        self._theirs.load(state["torch_ref"])
        self.tolerance.load_state(state["tolerance"])
        self.history = History.from_state(state["history"])


@lru_cache(maxsize=256)
def seed_of_step(seed: int, step: int) -> int:
    """The seed of a step's random draws, independent of the initial weights' seed."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])
