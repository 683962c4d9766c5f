"""The batches that both sides learn from."""

from typing import Any

import numpy as np

from compare.experiment import Data


class Batches:
    """Batches without end: each epoch in a new order, without repetition.

    What is left of an epoch when it holds no whole batch any more is left out.

    Args:
        data: what to draw from.
        batch_size: examples in a batch; None gives all of them, in order.
        rng: draws the orders.

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
        self.data, self.rng = data, rng
        self.size = batch_size or len(data.x)
        self.in_order = batch_size is None
        self.order = np.arange(0)

    @property
    def numbers(self) -> int:
        """How many numbers a batch holds."""
        every = self.data.x.size + self.data.target.size
        return every * self.size // max(1, len(self.data.x))

    def __next__(self) -> tuple[np.ndarray, np.ndarray]:
        """The next batch: inputs and targets."""
        x, target = self.take(1)
        return x[0], target[0]

    def take(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The next `count` batches, one after the other in the first dimension."""
        if self.in_order:
            return _again(self.data.x, count), _again(self.data.target, count)
        chosen = np.stack([self._chosen() for _ in range(count)])
        return self.data.x[chosen], self.data.target[chosen]

    def _chosen(self) -> np.ndarray:
        """Where the examples of the next batch stand."""
        if len(self.order) < self.size:
            self.order = self.rng.permutation(len(self.data.x))
        chosen, self.order = self.order[: self.size], self.order[self.size :]
        return chosen

    def state(self) -> dict[str, Any]:
        """What is left of the epoch."""
        return {"order": self.order}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        self.order = state["order"]


def _again(array: np.ndarray, count: int) -> np.ndarray:
    """The same array `count` times; one that stands alone is not copied."""
    return array[None] if count == 1 else np.repeat(array[None], count, axis=0)
