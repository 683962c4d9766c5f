"""A finished run as checks and figures see it: NumPy arrays throughout."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compare.backend import to_numpy
from compare.data import Data

SMALL = 64
"""Learners with at most this many numbers keep their parameters after every step."""
MAX_NUMBERS = 500_000
"""A longer history keeps them after every second step, or third, …"""


class ParameterHistory:
    """The parameters of a small learner, from before the first step to the last.

    Args:
        first: the parameters before the first step.
        steps: how many steps are to come.
    """

    def __init__(self, first: dict[str, np.ndarray], steps: int) -> None:
        size = sum(a.size for a in first.values())
        self.every = -(-size * (steps + 1) // MAX_NUMBERS) if size <= SMALL else 0
        """Steps between two entries; 0 where nothing is kept."""
        length = steps // self.every + 1 if self.every else 0
        self._arrays = {
            n: np.empty((length, *a.shape), a.dtype) for n, a in first.items()
        }
        self._length = 0
        if self.is_due(0):
            self.append(first)

    def is_due(self, step: int) -> bool:
        """Whether the parameters after so many steps are kept."""
        return self.every > 0 and step % self.every == 0

    def append(self, parameters: dict[str, np.ndarray]) -> None:
        """Copy one more entry."""
        for name, values in self._arrays.items():
            values[self._length] = parameters[name]
        self._length += 1

    def arrays(self) -> dict[str, np.ndarray]:
        """Each parameter at all entries (entries, …)."""
        return {name: a[: self._length] for name, a in self._arrays.items()}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over what `arrays` returned."""
        for name, values in arrays.items():
            self._length = len(values)
            self._arrays[name][: self._length] = values

    def __len__(self) -> int:
        """The number of entries."""
        return self._length

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """One entry; −1 is the last."""
        return {name: a[index] for name, a in self.arrays().items()}

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """Entry after entry."""
        return (self[i] for i in range(len(self)))


@dataclass
class Trial:
    """One learner, trained from one seed, on one side.

    Args:
        name: of the learner.
        seed: of its weights and batches.
        data: its examples.
        learner: the trained learner.
        give: converts NumPy arrays to those that it takes.
        losses: of every step, before the update.
        path: its parameters after every step, if they are few; empty if not.
        history: of each metric, such as "accuracy/test": (step, value) pairs.
        watched: numbers of the last step, where it was watched: see `Watch.step`.
    """

    name: str
    seed: int
    data: Data
    learner: Any
    give: Callable[[Any], Any]
    losses: "array[float]" = field(default_factory=lambda: array("d"))
    path: ParameterHistory = field(default_factory=lambda: ParameterHistory({}, 0))
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    watched: dict[str, dict[str, float]] = field(default_factory=dict)

    def record(self, step: int, loss: float) -> None:
        """Add the loss of a step, and the parameters after it where they are kept."""
        self.losses.append(loss)
        if self.path.is_due(step + 1):
            self.path.append(self.parameters)

    def note(self, metric: str, step: int, value: float) -> None:
        """Add a value to the history of a metric."""
        self.history.setdefault(metric, []).append((step, value))

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return {name: points[-1][1] for name, points in self.history.items()}

    def curve(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """The steps after which a metric was taken, and its values."""
        steps, values = zip(*self.history[metric], strict=True)
        return np.array(steps), np.array(values)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The output for inputs `x` (n, …)."""
        return to_numpy(self.learner.predict(self.give(x)))

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters by name."""
        return {n: to_numpy(a) for n, a in self.learner.parameters().items()}

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """The gradients of the last step by name."""
        return {n: to_numpy(a) for n, a in self.learner.gradients().items()}

    def state(self) -> dict[str, Any]:
        """All that was recorded."""
        losses, path = np.array(self.losses), self.path.arrays()
        kept = {"losses": losses, "path": path, "history": self.history}
        return kept | {"watched": self.watched}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self.losses = array("d", state["losses"])
        self.path.load(state["path"])
        self.watched = state["watched"]
        for metric, points in state["history"].items():
            self.history[metric] = [(step, value) for step, value in points]


@dataclass
class Side:
    """All trials of one implementation, `handmade` or `torch_ref`."""

    library: str
    trials: list[Trial] = field(default_factory=list)

    def __getitem__(self, name: str) -> Trial:
        """The first trial of the learner `name`."""
        return next(trial for trial in self.trials if trial.name == name)

    @property
    def names(self) -> list[str]:
        """The learners in their order, each once."""
        return list(dict.fromkeys(trial.name for trial in self.trials))

    def named(self, name: str) -> list[Trial]:
        """All trials of the learner `name`, seed after seed."""
        return [trial for trial in self.trials if trial.name == name]

    @property
    def only(self) -> Trial:
        """The first trial, where one is enough."""
        return self.trials[0]
