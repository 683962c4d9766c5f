"""Train both implementations on the same batches and compare every step.

Two errors are tracked, as for the numerical solution of a differential equation:

- the *one-step* (local) error: the hand-written learner takes a step from PyTorch's
  full state, so that errors cannot accumulate. It decides the verdict.
- the *trajectory* (global) error: each implementation continues from its own state.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from math import inf
from typing import Any

import numpy as np

import handmade
import torch_ref
from compare.backend import Backend, mapped, to_numpy
from compare.compile import prepared
from compare.experiment import MakeLearner
from compare.snapshot import (
    Values,
    copied,
    non_finite,
    numpy_state,
    perturbed,
    snapshot,
    unmatched,
    values,
    weights,
)
from compare.tolerance import MAX_PERTURBATIONS, Difference, Tolerance, differences
from compare.verdict import History, Verdict, classify, summarize

FIRST_CHECKS = 8
"""The one-step check runs in this many first steps."""
CHECK_EVERY = 32
"""Afterwards it runs at least this often."""
CLOSE = 1 / 16
"""It also runs wherever the trajectories differ by more than this fraction of the
tolerance: closer than that, a mistake in this step would be visible anyway."""


OTHER_WEIGHTS = {"teacher"}
"""Parts of a learner's state that hold weights, too, beside its model."""


class Diverged(ArithmeticError):
    """A loss or gradient is NaN or infinite; the message names step and tensor."""


@dataclass(frozen=True)
class Step:
    """The result of one training step; differences are relative, by tensor name.

    Args:
        number: of the step, from 0.
        handmade: loss of the hand-written learner, before the update.
        torch_ref: loss of PyTorch's.
        gradients: differences of the gradients, on the trajectories.
        parameters: differences of the parameters after the step, on the trajectories.
        one_step: the largest difference of all tensors when the hand-written learner
            starts from PyTorch's state; None if it was not checked.
        rates: by implementation, the learning rate of each group; empty without a
            schedule.
    """

    number: int
    handmade: float
    torch_ref: float
    gradients: dict[str, float]
    parameters: dict[str, float]
    one_step: float | None
    rates: dict[str, list[float]] = field(default_factory=dict)

    @property
    def trajectory(self) -> float:
        """The largest difference of all gradients and parameters."""
        return max([0.0, *self.gradients.values(), *self.parameters.values()])


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
        self.handmade = prepared(make(handmade), backend)
        self.torch_ref = self._torch_learner()
        self._copy_weights(dict(start or {}))
        self._remember()
        parameters = self.torch_ref.parameters().values()
        self.tolerance = Tolerance(backend.eps, [tuple(a.shape) for a in parameters])
        self.history = History()

    @cached_property
    def one_step_learner(self) -> Any:
        """A second hand-written learner, which takes steps from PyTorch's state."""
        return prepared(self._make(handmade), self.backend)

    @cached_property
    def _scratch(self) -> Any:
        """A second PyTorch learner, which takes steps from any other state."""
        return self._torch_learner()

    def _torch_learner(self) -> Any:
        return self._make(torch_ref).to(self.backend.torch(np.zeros(1)))

    def _copy_weights(self, start: dict[str, Any]) -> None:
        """Copy the initial weights of the hand-written learner to PyTorch's."""
        ours, theirs = numpy_state(self.handmade), numpy_state(self.torch_ref)
        initial = weights(ours)
        if unknown := start.keys() - initial.keys():
            names = f"{sorted(unknown)}; there are {sorted(initial)}"
            raise ValueError(f"start names no parameter: {names}")
        for name, value in start.items():
            value = np.asarray(value, dtype=initial[name].dtype)
            initial[name] = np.broadcast_to(value, initial[name].shape)
        weights(theirs).update(initial)
        theirs |= {n: ours[n] for n in theirs.keys() & ours.keys() & OTHER_WEIGHTS}
        self._load(handmade, self.handmade, ours)
        self._load(torch_ref, self.torch_ref, theirs)

    def _remember(self) -> None:
        """Keep both states, from which the next step can be repeated."""
        self._states = {
            "handmade": snapshot(self.handmade),
            "torch_ref": snapshot(self.torch_ref),
        }

    def step(self, x: np.ndarray, target: np.ndarray) -> Step:
        """Train both learners on one batch and compare all that the step computed.

        Raises:
            Diverged: a loss or a gradient is NaN or infinite.
        """
        batch = self.backend.handmade(x), self.backend.handmade(target)
        torch_batch = self.backend.torch(x), self.backend.torch(target)
        rates = {s: learning_rates(getattr(self, s)) for s in self._states}
        losses = (
            self._train(handmade, self.handmade, batch),
            self._train(torch_ref, self.torch_ref, torch_batch),
        )
        before = self._states
        self._remember()
        got = values(self.handmade, losses[0], self._states["handmade"])
        want = values(self.torch_ref, losses[1], self._states["torch_ref"])
        found = differences(got, want)
        if not all(d.finite for d in found.values()):
            self._raise_diverged(got, want)
        self.history.observe(losses[1], found)
        self._note_change(before["torch_ref"])
        self.history.batch_size = len(x)
        self.tolerance.observe(found)

        one_step = None
        if self._is_check_due(found) or unmatched(got, want):
            start = before["torch_ref"]
            one_step = self._check_one_step(start, batch, torch_batch, want)
        else:
            self.tolerance.decay()
        gradients = self.tolerance.relative(found, "gradient ")
        parameters = self.tolerance.relative(found, "parameter ")
        step = Step(self.steps, *losses, gradients, parameters, one_step, rates)
        if self._trajectories_diverge(found):
            self._check_from_own_state(before["handmade"], torch_batch, got)
        loss = self.tolerance.relative(found, "loss").values()
        self.history.add(max([step.trajectory, *loss]), one_step)
        return step

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return self.history.steps

    def _train(self, library: Any, learner: Any, batch: Any) -> float:
        """One training step; whatever it draws is the same for all learners."""
        library.manual_seed(seed_of_step(self.seed, self.steps))
        with np.errstate(all="ignore"):  # NaN and infinity are reported by `step`
            return learner.step(*batch)

    def _load(self, library: Any, learner: Any, state: Any) -> None:
        """Let a learner of one library take over a state of either."""
        backend, is_torch = self.backend, library is torch_ref
        convert = backend.state_for_torch if is_torch else backend.state_for_handmade
        learner.load_state_dict(convert(state))

    def _is_check_due(self, found: dict[str, Difference]) -> bool:
        """Whether this step is also taken from PyTorch's state."""
        if self.steps < FIRST_CHECKS or self.steps % self.check_every == 0:
            return True
        bound = self.tolerance.bound(self.history.batch_size)
        return any(
            not d.max_abs <= CLOSE * self.tolerance.allowed(name, d, bound)
            for name, d in found.items()
        )

    def _check_one_step(
        self, before: Any, batch: Any, torch_batch: Any, want: Values
    ) -> float:
        """Let the hand-written learner take the step from PyTorch's state.

        Returns:
            The largest relative difference of all tensors.
        """
        learner = self.one_step_learner
        self._load(handmade, learner, before)
        loss = self._train(handmade, learner, batch)
        got = values(learner, loss, learner.state_dict())
        found = self._compare_step(got, want, before, torch_batch)
        return max(self.tolerance.relative(found, "").values(), default=0.0)

    def _note_change(self, before: Any) -> None:
        """Note whether PyTorch's side changed any parameter."""
        if not self.history.parameters_changed:
            moved = differences(weights(before), weights(self._states["torch_ref"]))
            self.history.parameters_changed = any(d.max_abs for d in moved.values())

    def _trajectories_diverge(self, found: dict[str, Difference]) -> bool:
        """Whether the trajectories are further apart than the steps so far explain."""
        if self.history.divergence is not None:
            return True
        bound = self.tolerance.bound(self.history.batch_size)
        return self.tolerance.is_far(found, bound * (self.steps + 1))

    def _check_from_own_state(self, before: Any, torch_batch: Any, got: Values) -> None:
        """Let PyTorch take the step from the hand-written learner's own state.

        Where rounding decides a kink the trajectories may diverge for good although
        both sides are right: then both take the same step from the same state.
        """
        if self.history.divergence is None:
            self.history.divergence = self.steps
        self._load(torch_ref, self._scratch, before)
        loss = self._train(torch_ref, self._scratch, torch_batch)
        want = values(self._scratch, loss, self._scratch.state_dict())
        self._compare_step(got, mapped(want, copied), before, torch_batch)

    def _compare_step(
        self, got: Values, want: Values, before: Any, torch_batch: Any
    ) -> dict[str, Difference]:
        """Compare one step of both from the same state; keep the first mistake."""
        if names := unmatched(got, want):
            self._fail("tensors", Verdict("bug", f"only on one side: {names}", inf))
        bound = self.tolerance.bound(len(torch_batch[0]))
        found = differences(got, want)
        self.tolerance.observe(found)
        self.tolerance.decay()
        runs = Replay(self.perturbed_moves(want, before, torch_batch))
        for name, one in found.items():
            if self.history.failure is not None:
                break  # the first mistake is the verdict
            moves = (run[name] for run in runs)
            cause = self.tolerance.cause(name, one, bound, moves)
            if cause == "kink":
                self.history.kinks.add(self.steps)
            elif cause == "mistake":
                self._fail(name, self._classified(got[name], want[name], bound))
        return found

    def perturbed_moves(
        self, want: Values, before: Any, torch_batch: Any
    ) -> Iterator[dict[str, float]]:
        """How far PyTorch's own results move, by name, if all inputs move by one ULP.

        A target that is a whole number is a label, and exact.
        """
        rng, eps = np.random.default_rng(self.steps), self.backend.eps
        state, (x, target) = mapped(before, to_numpy), map(to_numpy, torch_batch)
        for _ in range(MAX_PERTURBATIONS):
            self._load(torch_ref, self._scratch, perturbed(state, rng, eps))
            moved = perturbed(x, rng, eps), perturbed(target, rng, eps, integers=False)
            batch = tuple(map(self.backend.torch, moved))
            loss = self._train(torch_ref, self._scratch, batch)
            got = values(self._scratch, loss, self._scratch.state_dict())
            yield {name: d.max_abs for name, d in differences(got, want).items()}

    def _classified(self, got: Any, want: Any, bound: float) -> Verdict:
        """What a mistake looks like; one below the tolerance is a mistake, too."""
        got, want = (np.asarray(to_numpy(a)) for a in (got, want))
        if want.ndim == 0:
            got, want = got.astype(float), want.astype(float)
        how = {"eps": self.backend.eps, "sizes": {"N": self.history.batch_size}}
        found = classify(got, want, tolerance=bound, **how)
        return classify(got, want, tolerance=0.0, **how) if found.agrees else found

    def _fail(self, name: str, verdict: Verdict) -> None:
        words = f"step {self.steps}, {name}: {verdict.words}"
        failure = replace(verdict, words=words)
        self.history.failure = self.history.failure or failure

    def _raise_diverged(self, got: Values, want: Values) -> None:
        """Name what is not finite; on one side only it is a mistake.

        Raises:
            Diverged: always.
        """
        words = {"handmade": non_finite(got), "torch_ref": non_finite(want)}
        found = [f"{text} of {side}" for side, text in words.items() if text]
        if len(found) == 1:
            other = next(side for side, text in words.items() if not text)
            text = f"step {self.steps}: {found[0]}, while {other} is finite"
            self.history.failure = self.history.failure or Verdict("bug", text, inf)
        raise Diverged(f"step {self.steps}: {' and '.join(found)}")

    def verdict(self) -> Verdict:
        """The result of all steps so far."""
        bound = self.tolerance.bound(self.history.batch_size)
        return summarize(self.history, bound, self.backend.eps, self.tolerance.zero)

    def state(self) -> dict[str, Any]:
        """Everything that later steps and the verdict depend on."""
        return {
            "handmade": numpy_state(self.handmade),
            "torch_ref": numpy_state(self.torch_ref),
            "scales": dict(self.tolerance.scales),
            "noise": dict(self.tolerance.noise),
            "zero": dict(self.tolerance.zero),
            "followers": sorted(self.tolerance.followers),
            "history": self.history.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        self._load(handmade, self.handmade, state["handmade"])
        self._load(torch_ref, self.torch_ref, state["torch_ref"])
        self._remember()
        self.tolerance.scales = dict(state["scales"])
        self.tolerance.noise = dict(state["noise"])
        self.tolerance.zero = dict(state["zero"])
        self.tolerance.followers = set(state["followers"])
        self.history = History.from_state(state["history"])


class Replay:
    """An iterator that can be iterated again: what it has given is kept."""

    def __init__(self, source: Iterator[Any]) -> None:
        self._source, self._given = source, []

    def __iter__(self) -> Iterator[Any]:
        yield from self._given
        for item in self._source:
            self._given.append(item)
            yield item


@lru_cache(maxsize=256)
def seed_of_step(seed: int, step: int) -> int:
    """The seed of a step's random draws, independent of the initial weights' seed."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0])


def learning_rates(learner: Any) -> list[float]:
    """The learning rate of each group if there is a schedule, else nothing."""
    scheduler = getattr(learner, "scheduler", None)
    return [] if scheduler is None else list(scheduler.get_last_lr())
