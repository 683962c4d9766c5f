"""Data-parallel training: a part of the batch for each rank, gradients averaged."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from handmade._array import Array, check, is_count
from handmade._plain_mean import require_all_count
from handmade.accumulation import AccumulatingLearner
from handmade.nn._reduction import Loss
from handmade.nn.module import Module, Parameter
from handmade.optim.lr_scheduler import LRScheduler
from handmade.optim.optimizer import Optimizer

Buffer = tuple[Module, str]
"""Who holds it, and as what attribute."""


class Communicator(Protocol):
    """All-reduce between p processes, the ranks 0 … p − 1."""

    rank: int
    size: int

    def all_reduce(self, array: Array) -> Array:
        """Σ over all ranks of their `array`, the same on each rank bit for bit.

        `array` may be overwritten. Every rank must call this equally often, with
        arrays of one shape and dtype.
        """
        ...


class DataParallelLearner(AccumulatingLearner):
    """A `GradientLearner` whose batches are spread over all ranks.

    Forward:
        Rank r of p takes the rows r n/p … (r + 1) n/p − 1 of the batch of n.

    Backward:
        L = 1/p Σᵣ Lᵣ, so ∂L/∂θ = 1/p Σᵣ ∂Lᵣ/∂θ: each rank's gradients, averaged by one
        all-reduce of all of them in a row; the loss and running statistics ride along.

    Shape:
        x and target (n, …): the whole batch, the same on every rank; p divides n.

    Stability:
        Ranks that start from the same weights hold the same ones after every step, bit
        for bit. A sum of sums over the parts rounds otherwise than one over the batch.

    Args:
        model: what is trained.
        criterion: the loss, a mean that counts every example alike: no other
            `reduction`, no weights of the classes.
        optimizer: makes the optimizer from the model's parameters.
        scheduler: makes a schedule from the optimizer.
        clip: changes the averaged gradients before each update.
        communicator: adds up over the ranks.
        micro_batches: k ≥ 1, in which each rank takes its part.

    Raises:
        ValueError: the loss is no such mean, so that the mean over the ranks would not
            be the loss of the batch, or k is less than 1; in `step`, the examples
            cannot be dealt out evenly, are fewer than k, or some are ignored.

    Torch:
        `torch.nn.parallel.DistributedDataParallel`, which sends gradients off while
        others are still being computed. BatchNorm standardises by the part that its
        rank sees, here as there, so it does not give what one process would; its
        running statistics are averaged here, where DDP takes those of rank 0. That no
        gradient reaches a parameter is an error in DDP.
    """

    def __init__(
        self,
        model: Module,
        criterion: Loss,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        clip: Callable[[Iterable[Parameter]], Any] | None = None,
        *,
        communicator: Communicator,
        micro_batches: int = 1,
    ) -> None:
        how = optimizer, scheduler, clip
        super().__init__(model, criterion, *how, micro_batches=micro_batches)
        self.communicator = communicator

    def _update(self, x: Array, target: Array) -> Array:
        """Forward, backward, average, update; returns the loss of the whole batch."""
        require_all_count(self, self.criterion, target)
        x, target = (part(a, self.communicator) for a in (x, target))
        loss = self._average(self._accumulate(x, target))
        if self.clip is not None:
            self.clip(self.model.parameters())
        self.optimizer.step()
        return loss

    def _average(self, loss: Array) -> Array:
        """Average gradients and running statistics over all ranks, and the loss."""
        reached = [p for p in self.model.parameters() if p.grad is not None]
        statistics = list(_statistics(self.model))
        gradients = [p.grad for p in reached]
        buffers = [getattr(holder, name) for holder, name in statistics]
        loss, *means = averaged([loss, *gradients, *buffers], self.communicator)
        for parameter, mean in zip(reached, means, strict=False):
            parameter.grad = mean
        for (holder, name), mean in zip(statistics, means[len(reached) :], strict=True):
            setattr(holder, name, mean)
        return loss


def part(array: Array, communicator: Communicator) -> Array:
    """The rows of the batch that this rank trains on; every rank gets as many.

    Raises:
        ValueError: the number of rows is 0 or not divisible by that of the ranks.
    """
    ranks, rows = communicator.size, array.shape[0] if array.ndim else 0
    if rows == 0 or rows % ranks:
        raise ValueError(
            f"a batch of {rows} examples cannot be dealt out evenly to {ranks} ranks; "
            f"take a batch size that {ranks} divides"
        )
    each = rows // ranks
    return array[each * communicator.rank : each * (communicator.rank + 1)]


def averaged(arrays: Iterable[Array], communicator: Communicator) -> list[Array]:
    """The mean of each array over all ranks, by one all-reduce of all in a row.

    Forward:
        a ← 1/p Σᵣ aᵣ

    Args:
        arrays: of any shapes, in one dtype; alike on every rank.
        communicator: adds up over the ranks.

    Raises:
        TypeError: the arrays are of several libraries or dtypes.
        ValueError: there are none.
    """
    given = list(arrays)
    if not given:
        raise ValueError("averaged: there must be at least one array")
    named = {f"array {i}": array for i, array in enumerate(given)}
    xp = check("averaged", **named)
    flat = xp.concat([xp.reshape(array, (-1,)) for array in given])
    flat = communicator.all_reduce(flat) / communicator.size
    return _split(xp, flat, [tuple(array.shape) for array in given])


def _split(xp: Any, flat: Array, shapes: list[tuple[int, ...]]) -> list[Array]:
    """The inverse of concatenation: arrays of these shapes."""
    found: list[Array] = []
    start = 0
    for shape in shapes:
        stop = start + math.prod(shape)
        found.append(xp.reshape(flat[start:stop], shape))
        start = stop
    return found


def _statistics(model: Module) -> Iterator[Buffer]:
    """Every buffer that is no count: the running statistics of batch normalisation."""
    for holder in model.modules():
        for name in holder.buffer_names:
            array = getattr(holder, name)
            if array is not None and not is_count(array):
                yield holder, name


__all__ = ["Communicator", "DataParallelLearner", "averaged", "part"]
