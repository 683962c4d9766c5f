"""Data-parallel training by `DistributedDataParallel`, and its communicator."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn import Module, Parameter
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from torch_ref._plain_mean import require_all_count
from torch_ref.accumulation import AccumulatingLearner


class Communicator:
    """Sums arrays over the ranks of torch.distributed's default process group.

    Raises:
        ValueError: `init_process_group` was not called.
    """

    def __init__(self) -> None:
        if not dist.is_initialized():
            raise ValueError("Communicator: init_process_group was not called")
        self.rank = dist.get_rank()
        self.size = dist.get_world_size()

    def all_reduce(self, array: Any) -> Any:
        """Replace `array` (a tensor or a NumPy array) by its sum over all ranks."""
        shared = torch.from_numpy(array) if isinstance(array, np.ndarray) else array
        dist.all_reduce(shared)
        return array


class DataParallelLearner(AccumulatingLearner):
    """A `GradientLearner` that gives each rank an equal part of every batch.

    Args:
        model: the module to train.
        criterion: the loss, a mean that counts every example alike.
        optimizer: makes the optimizer from the model's parameters.
        scheduler: makes the learning-rate schedule from the optimizer.
        clip: changes the averaged gradients before each update.
        communicator: sums over the ranks; DDP uses the same process group.
        micro_batches: in how many each rank takes its part, at least 1.

    Raises:
        ValueError: the loss is not such a mean, or there is no micro-batch.
    """

    def __init__(
        self,
        model: Module,
        criterion: Module,
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
        self._replica: DistributedDataParallel | None = None

    def step(self, x: Tensor, target: Tensor) -> float:
        """Forward, backward, update; return the loss of the whole batch.

        Raises:
            ValueError: the ranks do not divide the batch, or the loss ignores a target.
        """
        require_all_count(self, self.criterion, target)
        x, target = (part(a, self.communicator) for a in (x, target))
        parts = self._parts(x, target)
        self.optimizer.zero_grad()
        losses: list[Tensor] = []
        for i, (x_part, target_part, share) in enumerate(parts, start=1):
            # The last backward pass averages the gradients of all.
            with nullcontext() if i == len(parts) else self.replica.no_sync():
                loss = share * self.criterion(self.replica(x_part), target_part)
                loss.backward()
            losses.append(loss.detach())
        loss = self._average(sum(losses, torch.zeros_like(losses[0])))
        if self.clip is not None:
            self.clip(self.model.parameters())
        self.optimizer.step()
        self._schedule(loss)
        return loss.item()

    @property
    def replica(self) -> DistributedDataParallel:
        """The model wrapped in DDP, which averages the gradients in each backward."""
        if self._replica is None:  # DDP needs the final dtype and device
            self._replica = DistributedDataParallel(self.model)
        return self._replica

    def _average(self, loss: Tensor) -> Tensor:
        """Average running statistics and loss over all ranks; return the loss."""
        statistics = [b for b in self.model.buffers() if b.is_floating_point()]
        loss, *means = averaged([loss, *statistics], self.communicator)
        for buffer, mean in zip(statistics, means, strict=True):
            buffer.copy_(mean)
        return loss

    def to(self, other: Tensor) -> Self:
        """Move modules and optimizers to the dtype and device of `other`."""
        self._replica = None
        return super().to(other)


def part(array: Tensor, communicator: Communicator) -> Tensor:
    """Return this rank's rows of a batch: equal parts, in the order of the ranks.

    Raises:
        ValueError: the number of rows is 0, or the number of ranks does not divide it.
    """
    ranks, rows = communicator.size, len(array) if array.ndim else 0
    if rows == 0 or rows % ranks:
        raise ValueError(
            f"a batch of {rows} examples cannot be dealt out evenly to {ranks} ranks; "
            f"take a batch size that {ranks} divides"
        )
    return array.chunk(ranks)[communicator.rank]


def averaged(arrays: Iterable[Tensor], communicator: Communicator) -> list[Tensor]:
    """Return the mean of each array over all ranks, by a single all-reduce.

    Raises:
        ValueError: there is no array.
    """
    given = list(arrays)
    if not given:
        raise ValueError("averaged: there must be at least one array")
    flat = torch.nn.utils.parameters_to_vector(given)
    flat = communicator.all_reduce(flat) / communicator.size
    sizes = [array.numel() for array in given]
    return [
        piece.view_as(array)
        for piece, array in zip(flat.split(sizes), given, strict=True)
    ]


__all__ = ["Communicator", "DataParallelLearner", "averaged", "part"]
