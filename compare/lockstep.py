"""Both sides, step by step, from the same weights on the same batches."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import handmade
import numpy as np
import torch_ref

from compare.arrays import Backend, mapped, to_numpy
from compare.experiment import Data, MakeLearner
from compare.verdict import Verdict, judge, rounding_bound

TRIES = 8
"""How often torch is disturbed by one ULP to see how far rounding can carry."""


class Diverged(ArithmeticError):
    """A loss or gradient is NaN or infinite; the message names step and tensor."""


@dataclass(frozen=True)
class Step:
    """What one step showed; differences are relative, by tensor name.

    Args:
        number: which step, from 0.
        handmade: the loss of the hand-written side, on its own weights.
        torch_ref: the loss of the PyTorch side.
        gradients: differences of the gradients, each side on its own weights (free).
        parameters: differences of the parameters after the step (free).
        resynced: the largest difference of all tensors when the hand-written side
            starts the step from torch's weights.
    """

    number: int
    handmade: float
    torch_ref: float
    gradients: dict[str, float]
    parameters: dict[str, float]
    resynced: float

    @property
    def free(self) -> float:
        """The largest difference of all tensors on the free clock."""
        return max([0.0, *self.gradients.values(), *self.parameters.values()])


@dataclass
class Scales:
    """The largest size that each tensor has had: what its differences are held against.

    A gradient that has almost vanished keeps the absolute rounding error of the large
    numbers that cancelled in it; measured against itself it would look wrong.
    """

    largest: dict[str, float] = field(default_factory=dict)

    def difference(self, name: str, got: np.ndarray, want: np.ndarray) -> float:
        """max |got − want| against the largest |want| so far."""
        scale = self.seen(name, want)
        gap = float(np.max(np.abs(got - want))) if want.size else 0.0
        return gap / scale if gap else 0.0

    def seen(self, name: str, want: np.ndarray) -> float:
        """The largest |want| so far, this one included."""
        size = float(np.max(np.abs(want))) if want.size else 0.0
        self.largest[name] = max(size, self.largest.get(name, np.finfo(float).tiny))
        return self.largest[name]


class Lockstep:
    """The hand-written learner on two clocks, and torch's beside it.

    The *free* one keeps its own weights. The *re-synced* one takes over torch's whole
    state before every step, so that its errors cannot add up: it decides the verdict.

    Args:
        make: makes a learner from a library.
        backend: which arrays, where, and in which dtype.
        seed: of the initial weights.
        start: parameters that do not start at random, by name.
    """

    def __init__(
        self,
        make: MakeLearner,
        backend: Backend,
        seed: int,
        start: Mapping[str, Any] | None = None,
    ) -> None:
        self.backend = backend
        self._make = make
        handmade.manual_seed(seed)
        self.handmade = make(handmade).to(backend.handmade(np.zeros(1)))
        self.resynced = make(handmade).to(backend.handmade(np.zeros(1)))
        self.torch_ref = self._torch_learner()
        self._start(dict(start or {}))
        self.scales = Scales()
        self.failure: Verdict | None = None
        self.worst_resynced = 0.0
        self.worst_free = 0.0
        self.steps = 0
        self.sensitive: list[int] = []

    def _torch_learner(self) -> Any:
        return self._make(torch_ref).to(self.backend.torch(np.zeros(1)))

    def _start(self, start: dict[str, Any]) -> None:
        """Give both sides the same weights: drawn once, copied, nothing shared."""
        state = mapped(self.handmade.state_dict(), to_numpy)
        weights = _weights(state)
        if unknown := start.keys() - weights.keys():
            raise ValueError(f"start names no parameter: {sorted(unknown)}")
        for name, value in start.items():
            weights[name] = np.broadcast_to(
                np.asarray(value, dtype=weights[name].dtype), weights[name].shape
            )
        self.handmade.load_state_dict(self.backend.state_for_handmade(state))
        theirs = mapped(self.torch_ref.state_dict(), to_numpy)
        _weights(theirs).update(weights)
        self.torch_ref.load_state_dict(self.backend.state_for_torch(theirs))

    def step(self, x: np.ndarray, target: np.ndarray) -> Step:
        """Let all learners take one step on the same batch.

        Raises:
            Diverged: a loss or a gradient is NaN or infinite.
        """
        hand_batch = self.backend.handmade(x), self.backend.handmade(target)
        torch_batch = self.backend.torch(x), self.backend.torch(target)
        before = mapped(self.torch_ref.state_dict(), lambda a: to_numpy(a).copy())
        self.resynced.load_state_dict(self.backend.state_for_handmade(before))
        with np.errstate(all="ignore"):  # NaN and Inf are looked for below
            losses = (
                self.handmade.step(*hand_batch),
                self.torch_ref.step(*torch_batch),
                self.resynced.step(*hand_batch),
            )
        number, self.steps = self.steps, self.steps + 1
        self._finite(number, losses)
        worst = self._resynced_difference(number, losses, before, torch_batch)
        step = Step(
            number,
            losses[0],
            losses[1],
            self._free("gradient", "gradients"),
            self._free("parameter", "parameters"),
            worst,
        )
        self.worst_resynced = max(self.worst_resynced, worst)
        self.worst_free = max(self.worst_free, step.free)
        return step

    def _finite(self, number: int, losses: tuple[float, ...]) -> None:
        for side, learner, loss in (
            ("handmade", self.handmade, losses[0]),
            ("torch_ref", self.torch_ref, losses[1]),
        ):
            if not math.isfinite(loss):
                raise Diverged(f"step {number}: the loss of {side} is {loss}")
            for kind in ("gradients", "parameters"):
                for name, array in getattr(learner, kind)().items():
                    values = to_numpy(array)
                    if not np.all(np.isfinite(values)):
                        index = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
                        raise Diverged(
                            f"step {number}: {kind[:-1]} {name} of {side} is not "
                            f"finite at {index}"
                        )

    def _free(self, label: str, kind: str) -> dict[str, float]:
        want = getattr(self.torch_ref, kind)()
        got = getattr(self.handmade, kind)()
        return {
            name: self.scales.difference(
                f"{label} {name}", to_numpy(got[name]), to_numpy(want[name])
            )
            for name in want
        }

    def _resynced_difference(
        self, number: int, losses: tuple[float, ...], before: Any, batch: Any
    ) -> float:
        got = {"loss": np.asarray(losses[2]), **_tensors(self.resynced)}
        want = {"loss": np.asarray(losses[1]), **_tensors(self.torch_ref)}
        if got.keys() != want.keys():
            self._fail(
                number,
                "gradients",
                Verdict("bug", f"got {sorted(got)}, expected {sorted(want)}"),
            )
        bound = self.bound(len(batch[0]))
        gaps = {name: self.scales.difference(name, got[name], want[name]) for name in want}
        for name, gap in gaps.items():
            if gap > bound and self.failure is None:
                verdict = judge(
                    got[name],
                    want[name],
                    bound=bound,
                    eps=self.backend.eps,
                    scale=self.scales.largest[name],
                    sizes={"N": len(batch[0])},
                )
                if gap <= 4 * self._sensitivity(name, want, before, batch):
                    self.sensitive.append(number)
                    gaps[name] = 0.0
                else:
                    self._fail(number, name, verdict)
        return max(gaps.values())

    def _fail(self, number: int, name: str, verdict: Verdict) -> None:
        words = f"step {number}, {name}: {verdict.words}"
        self.failure = Verdict(
            verdict.kind, words, verdict.difference, verdict.ulp, verdict.index
        )

    def _sensitivity(
        self, name: str, want: dict[str, np.ndarray], before: Any, batch: Any
    ) -> float:
        """How far torch's own result moves when weights and input move by one ULP.

        At a kink (a ReLU whose input is 0 but for rounding) that is far more than any
        bound on rounding, and neither side is wrong.
        """
        rng = np.random.default_rng(self.steps)
        learner, moved = self._torch_learner(), 0.0
        for _ in range(TRIES):
            disturbed = _disturbed(before, rng, self.backend.eps)
            learner.load_state_dict(self.backend.state_for_torch(disturbed))
            x = _disturbed(to_numpy(batch[0]), rng, self.backend.eps)
            loss = learner.step(self.backend.torch(x), batch[1])
            got = {"loss": np.asarray(loss), **_tensors(learner)}
            moved = max(moved, self.scales.difference(name, got[name], want[name]))
        return moved

    def bound(self, batch_size: int) -> float:
        """Up to here a re-synced difference is rounding."""
        arrays = [to_numpy(a) for a in self.torch_ref.parameters().values()]
        length = max([batch_size, *(max(a.shape, default=1) for a in arrays)])
        return rounding_bound(self.backend.eps, length, len(arrays))

    def verdict(self, batch_size: int) -> Verdict:
        """What all steps so far came to."""
        if self.failure is not None:
            return self.failure
        bound, eps = self.bound(batch_size), self.backend.eps
        if self.worst_resynced == self.worst_free == 0 and not self.sensitive:
            return Verdict("equal", f"equal bit for bit in all {self.steps} steps")
        if self.worst_free > bound * self.steps and not self.sensitive:
            words = (
                f"every re-synced step agrees, but on their own weights the sides part "
                f"by {self.worst_free:.1e} in {self.steps} steps: a learner keeps "
                f"something that its state_dict does not hold"
            )
            return Verdict("bug", words, self.worst_free, self.worst_free / eps)
        words = (
            f"re-synced {self.worst_resynced:.1e} ({self.worst_resynced / eps:.0f} ULP)"
            f" within {bound:.1e}; free {self.worst_free:.1e} after {self.steps} steps"
        )
        if self.sensitive:
            words += (
                f"; at step {self.sensitive[0]}{' and others' * (len(self.sensitive) > 1)}"
                f" a kink or cancellation, where one ULP moves torch itself as far"
            )
        return Verdict(
            "rounding", words, self.worst_resynced, self.worst_resynced / eps
        )


def batches(
    data: Data, batch_size: int | None, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches without end: each epoch in a new order, without repetition.

    Raises:
        ValueError: `batch_size` is larger than the data.
    """
    n = len(data.x)
    if batch_size is not None and batch_size > n:
        raise ValueError(f"batch_size {batch_size} is larger than the data, {n}")
    while True:
        if batch_size is None:
            yield data.x, data.target
            continue
        order = rng.permutation(n)
        for first in range(0, n - batch_size + 1, batch_size):
            chosen = order[first : first + batch_size]
            yield data.x[chosen], data.target[chosen]


def _weights(state: dict[str, Any]) -> dict[str, Any]:
    """The part of a learner's state that holds its weights."""
    return state.get("model", state)


def _tensors(learner: Any) -> dict[str, np.ndarray]:
    """Gradients and parameters of a learner, named."""
    return {
        **{f"gradient {n}": to_numpy(a) for n, a in learner.gradients().items()},
        **{f"parameter {n}": to_numpy(a) for n, a in learner.parameters().items()},
    }


def _disturbed(tree: Any, rng: np.random.Generator, eps: float) -> Any:
    """Every floating number moved by −1, 0 or 1 ULP."""

    def move(a: Any) -> Any:
        if a.dtype.kind != "f":
            return a
        return (a * (1 + eps * rng.integers(-1, 2, a.shape))).astype(a.dtype)

    return mapped(tree, move)
