"""One side of a finished run, as claims and figures see it: NumPy throughout."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare.arrays import to_numpy
from compare.experiment import Data


@dataclass
class Trial:
    """One learner, trained once.

    Args:
        name: of the learner.
        seed: of its weights and batches.
        data: what it saw.
        learner: itself.
        give: turns NumPy arrays into the ones it takes.
        losses: at every step, before the step.
        metrics: the last value of each, as "accuracy/test".
    """

    name: str
    seed: int
    data: Data
    learner: Any
    give: Callable[[Any], Any]
    losses: list[float] = field(default_factory=list)
    path: list[dict[str, np.ndarray]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The output for `x`."""
        return to_numpy(self.learner.predict(self.give(x)))

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """What it learned, by name."""
        return {n: to_numpy(a) for n, a in self.learner.parameters().items()}

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """The gradient of its last step, by name."""
        return {n: to_numpy(a) for n, a in self.learner.gradients().items()}


@dataclass
class Side:
    """All trials of one library."""

    library: str
    trials: list[Trial] = field(default_factory=list)

    def __getitem__(self, name: str) -> Trial:
        """The first trial of the learner `name`."""
        return next(trial for trial in self.trials if trial.name == name)

    @property
    def only(self) -> Trial:
        """The first trial, where one is enough."""
        return self.trials[0]
