"""A small net whose weights are rounded after each step, and which of them move."""

from typing import Any, Self

import numpy as np

from compare.backend import to_numpy
from compare.experiment import MakeLearner, backprop
from compare.experiments.common.libraries import LIBRARIES
from compare.results import Side, Trial

LR = 0.15
DIGITS = {"float32": 24, "float16": 11, "bfloat16": 8}
"""Binary digits of a number, by learner."""
UNROUNDED = "unrounded"

plain = backprop(
    model=lambda nn: nn.Sequential(nn.Linear(2, 14), nn.Tanh(), nn.Linear(14, 1)),
    loss=lambda nn: nn.MSELoss(),
    optimizer=lambda optim, parameters: optim.SGD(parameters, lr=LR),
)


class Shortened:
    """A learner that keeps its weights in a shorter type from step to step.

    Forward, backward and the update are computed in the run's own dtype; the new
    weights are then rounded, by each library in its own way.
    """

    def __init__(self, learner: Any, quantize: Any, name: str) -> None:
        self.learner, self.quantize, self.name = learner, quantize, name

    def step(self, x: Any, target: Any) -> float:
        """Learn once; returns the loss before the change."""
        loss, model = self.learner.step(x, target), self.learner.model
        shorter = self.quantize.quantized_state_dict(model.state_dict(), self.name)
        model.load_state_dict(shorter)
        return loss

    def to(self, other: Any) -> Self:
        """Move to the library, dtype and device of `other`."""
        self.learner.to(other)
        return self

    def __getattr__(self, name: str) -> Any:
        """All else is the learner's own."""
        return getattr(self.learner, name)


def shortened(name: str) -> MakeLearner:
    """The same net, stored in a shorter type."""
    return lambda library: Shortened(plain(library), library.quantize, name)


def path(trial: Trial) -> np.ndarray:
    """All weights as one row for each point of the path, the start included."""
    return np.array(
        [np.concatenate([a.ravel() for a in point.values()]) for point in trial.path]
    ).astype(float)


def unrounded(side: Side, trial: Trial) -> Trial:
    """The trial that went from the same seed without rounding."""
    (reference,) = [t for t in side.named(UNROUNDED) if t.seed == trial.seed]
    return reference


def distance(trial: Trial, reference: Trial) -> np.ndarray:
    """How far its weights are from another's after each step: √Σ(w − w′)² / √Σw′²."""
    own, others = path(trial), path(reference)
    gap = np.linalg.norm(own - others, axis=1)
    return (gap / np.linalg.norm(others, axis=1))[1:]


def still(trial: Trial) -> np.ndarray:
    """Which weights (column) a step (row) leaves exactly as they are.

    Without the first step, before which the weights are not rounded yet.
    """
    points = path(trial)[1:]
    return points[1:] == points[:-1]


def wanted(library: str, trial: Trial) -> np.ndarray:
    """By how much SGD wants to move each weight (column) in the same steps (rows)."""
    learner = plain(LIBRARIES[library]).to(trial.give(np.zeros(1)))
    x, target = trial.give(trial.data.x), trial.give(trial.data.target)
    rows = np.zeros_like(path(trial)[1:-1])
    for row, point in zip(rows, list(trial.path)[1:-1], strict=True):
        learner.model.load_state_dict({n: trial.give(a) for n, a in point.items()})
        learner.step(x, target)
        gradients = learner.gradients()
        row[:] = np.concatenate([to_numpy(gradients[n]).ravel() for n in point])
    return LR * rows


def spacing(trial: Trial, digits: int) -> np.ndarray:
    """From each weight to its next neighbour of so many binary digits, likewise."""
    size = np.abs(path(trial)[1:-1])
    return 2.0 ** (np.floor(np.log2(size)) - digits + 1)
