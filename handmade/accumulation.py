"""Gradient accumulation: a batch too large for one pass, in several micro-batches."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from handmade._array import Array
from handmade._numbers import whole
from handmade._plain_mean import require_all_count, require_plain_mean
from handmade.nn._reduction import Loss
from handmade.nn.module import Module, Parameter
from handmade.optim.lr_scheduler import LRScheduler
from handmade.optim.optimizer import Optimizer
from handmade.training import GradientLearner


class AccumulatingLearner(GradientLearner):
    """A `GradientLearner` that takes each batch in k micro-batches.

    Forward:
        L = Σᵢ nᵢ/n Lᵢ, with Lᵢ the mean loss of the nᵢ examples of micro-batch i

    Backward:
        ∂L/∂θ = Σᵢ nᵢ/n ∂Lᵢ/∂θ: every backward pass adds to the same gradients, and one
        update follows. The plain mean of the ∂Lᵢ/∂θ is that only for equal nᵢ.

    Shape:
        x and target (n, …): the whole batch, n ≥ k. The sizes nᵢ differ by at most 1,
        larger ones first.

    Stability:
        A sum of sums over micro-batches rounds otherwise than one over the batch.

    Args:
        model: what is trained.
        criterion: the loss, a mean that counts every example alike: no other
            `reduction`, no weights of the classes.
        optimizer: makes the optimizer from the model's parameters.
        scheduler: makes a schedule from the optimizer, stepped after every batch.
        clip: changes the accumulated gradients before each update.
        micro_batches: k ≥ 1.

    Raises:
        ValueError: the loss is no such mean, or k is less than 1; in `step`, a batch
            has fewer than k examples, or some are ignored.

    Torch:
        None: the loop with `loss.backward()` for each micro-batch, as in
        `torch_ref.accumulation`. BatchNorm standardises by the micro-batch that it
        sees, here as there, so it does not give what the whole batch would.
    """

    def __init__(
        self,
        model: Module,
        criterion: Loss,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        clip: Callable[[Iterable[Parameter]], Any] | None = None,
        *,
        micro_batches: int,
    ) -> None:
        require_plain_mean(self, criterion)
        super().__init__(model, criterion, optimizer, scheduler, clip)
        owner = type(self).__name__
        self.micro_batches = whole(owner, "micro_batches", micro_batches, 1)

    def _update(self, x: Array, target: Array) -> Array:
        """Forward and backward for each micro-batch, then one update."""
        require_all_count(self, self.criterion, target)
        loss = self._accumulate(x, target)
        if self.clip is not None:
            self.clip(self.model.parameters())
        self.optimizer.step()
        return loss

    def _accumulate(self, x: Array, target: Array) -> Array:
        """Add up the gradients of all micro-batches; returns the loss of the batch."""
        self.optimizer.zero_grad()
        total = 0.0
        for rows, share in _parts(x.shape[0], self.micro_batches):
            output = self.model(x[rows])
            total = total + share * self.criterion(output, target[rows])
            self._backward(share)
        return total


def _parts(n: int, k: int) -> Iterator[tuple[slice, float]]:
    """The rows of each of k parts of n examples, and their share nᵢ/n."""
    if n < k:
        raise ValueError(
            f"AccumulatingLearner: a batch of {n} examples has no {k} micro-batches; "
            f"take at most {n}"
        )
    size, larger = divmod(n, k)
    start = 0
    for i in range(k):
        stop = start + size + (i < larger)
        yield slice(start, stop), (stop - start) / n
        start = stop


__all__ = ["AccumulatingLearner"]
