"""One side of a finished run, as claims and figures see it: NumPy throughout."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare.backend import to_numpy
from compare.experiment import Data


class Path:
    """Parameters, step after step, in memory that is set aside once.

    Args:
        first: the parameters before the first step.
        points: how many are to come, the first included.
        every: how many steps lie between two of them; 0 keeps none.
    """

    def __init__(
        self, first: dict[str, np.ndarray], points: int = 0, every: int = 0
    ) -> None:
        self.every = every
        self._arrays = {
            n: np.empty((points, *a.shape), a.dtype) for n, a in first.items()
        }
        self._count = 0

    def append(self, parameters: dict[str, np.ndarray]) -> None:
        """Copy one more point."""
        for name, values in self._arrays.items():
            values[self._count] = parameters[name]
        self._count += 1

    def extend(self, points: dict[str, np.ndarray]) -> None:
        """Copy several more, stacked as in `arrays`."""
        for values in zip(*points.values(), strict=True):
            self.append(dict(zip(points, values, strict=True)))

    def arrays(self) -> dict[str, np.ndarray]:
        """Each parameter at all points (points, …)."""
        return {name: a[: self._count] for name, a in self._arrays.items()}

    def __len__(self) -> int:
        """How many points there are."""
        return self._count

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """One point; −1 is the last."""
        return {name: a[index] for name, a in self.arrays().items()}

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """Point after point."""
        return (self[i] for i in range(len(self)))


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
        path: where its parameters were, if they are few; empty if not.
        history: of each metric, as "accuracy/test": after which step it had which
            value.
    """

    name: str
    seed: int
    data: Data
    learner: Any
    give: Callable[[Any], Any]
    losses: "array[float]" = field(default_factory=lambda: array("d"))
    path: Path = field(default_factory=lambda: Path({}))
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def note(self, metric: str, step: int, value: float) -> None:
        """Add a value to the history of a metric."""
        self.history.setdefault(metric, []).append((step, value))

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return {name: points[-1][1] for name, points in self.history.items()}

    def curve(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """After which steps a metric was taken, and its values."""
        steps, values = zip(*self.history[metric], strict=True)
        return np.array(steps), np.array(values)

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

    def named(self, name: str) -> list[Trial]:
        """All trials of the learner `name`, seed after seed."""
        return [trial for trial in self.trials if trial.name == name]

    @property
    def only(self) -> Trial:
        """The first trial, where one is enough."""
        return self.trials[0]
