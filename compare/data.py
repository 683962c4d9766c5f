"""The examples of a lesson, and the batches that both implementations train on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

Augment = Callable[[np.random.Generator, np.ndarray], np.ndarray]
"""Changes the inputs of a batch (b, …) at random, and keeps their shape."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Training examples and, where there are any, test examples.

    Args:
        x: training inputs (n, …).
        target: training targets (n, …).
        x_test: test inputs (m, …), never trained on.
        target_test: test targets (m, …).
        augment: changes the inputs of every batch that is trained on; None changes
            nothing.
    """

    x: np.ndarray
    target: np.ndarray
    x_test: np.ndarray | None = None
    target_test: np.ndarray | None = None
    augment: Augment | None = None

    @property
    def test_set(self) -> tuple[np.ndarray, np.ndarray]:
        """Test inputs and targets.

        Raises:
            ValueError: there are none.
        """
        if self.x_test is None or self.target_test is None:
            raise ValueError("these data have no test set")
        return self.x_test, self.target_test

    def parts(self) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """The name, inputs and targets of the training set and the test set."""
        yield "train", self.x, self.target
        if self.x_test is not None:
            yield "test", *self.test_set


class DataLoader:
    """Batches without end: every epoch in a new order, an incomplete last one dropped.

    Args:
        data: the examples.
        batch_size: examples in a batch; None gives all of them, in order.
        rng: draws the order of each epoch, and for `data.augment`.

    Raises:
        ValueError: `batch_size` is larger than the data.
    """

    def __init__(
        self, data: Data, batch_size: int | None, rng: np.random.Generator
    ) -> None:
        if batch_size is not None and batch_size > len(data.x):
            raise ValueError(
                f"batch_size {batch_size} is larger than the data, {len(data.x)}"
            )
        self.data, self.rng, self.batch_size = data, rng, batch_size
        self._order = np.arange(0)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[np.ndarray, np.ndarray]:
        """The next batch: inputs (batch, …) and targets (batch, …)."""
        x, target = self._drawn()
        augment = self.data.augment
        return x if augment is None else augment(self.rng, x), target

    def _drawn(self) -> tuple[np.ndarray, np.ndarray]:
        if self.batch_size is None:
            return self.data.x, self.data.target
        if len(self._order) < self.batch_size:
            self._order = self.rng.permutation(len(self.data.x))
        chosen, self._order = np.split(self._order, [self.batch_size])
        return self.data.x[chosen], self.data.target[chosen]

    def state(self) -> dict[str, Any]:
        """What is left of the epoch, and the generator."""
        return {"order": self._order, "rng": self.rng.bit_generator.state}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        self._order = state["order"]
        self.rng.bit_generator.state = state["rng"]
