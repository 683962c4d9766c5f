"""Data parallel by `DistributedDataParallel`, and the communicator of both wings."""

from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn import CrossEntropyLoss, Module, NLLLoss, Parameter
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from torch_ref.training import GradientLearner


class Communicator:
    """`handmade.distributed.Communicator` by torch.distributed's own process group.

    Raises:
        ValueError: there is no process group yet (`init_process_group`).
    """

    def __init__(self) -> None:
        if not dist.is_initialized():
            raise ValueError("Communicator: init_process_group was not called")
        self.rank = dist.get_rank()
        self.size = dist.get_world_size()

    def all_reduce(self, array: Any) -> Any:
        """Σ over all ranks of their `array`, which is overwritten; NumPy's, too."""
        shared = torch.from_numpy(array) if isinstance(array, np.ndarray) else array
        dist.all_reduce(shared)
        return array


class DataParallelLearner(GradientLearner):
    """A `GradientLearner` whose batches are spread over all ranks.

    Args:
        model: what is trained.
        criterion: the loss, a mean that counts every example alike.
        optimizer: makes the optimiser from the model's parameters.
        scheduler: makes a schedule from the optimiser.
        clip: changes the averaged gradients before each update.
        communicator: adds up over the ranks; DDP does so by itself, over the same.

    Raises:
        ValueError: the loss is no such mean.
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
    ) -> None:
        _require_mean(criterion)
        super().__init__(model, criterion, optimizer, scheduler, clip)
        self.communicator = communicator
        self._replica: DistributedDataParallel | None = None

    def step(self, x: Tensor, target: Tensor) -> float:
        """Forward, backward, update; returns the loss of the whole batch.

        Raises:
            ValueError: the examples cannot be dealt out evenly, or some are ignored.
        """
        _require_all_count(self.criterion, target)
        x, target = (part(a, self.communicator) for a in (x, target))
        output = self.replica(x)
        loss = self.criterion(output, target)
        self.optimizer.zero_grad()
        loss.backward()
        loss = self._average(loss.detach())
        if self.clip is not None:
            self.clip(self.model.parameters())
        self.optimizer.step()
        self._schedule(loss)
        return loss.item()

    @property
    def replica(self) -> DistributedDataParallel:
        """The model, its gradients averaged in each backward pass."""
        if self._replica is None:  # not before the model has its dtype and device
            self._replica = DistributedDataParallel(self.model)
        return self._replica

    def _average(self, loss: Tensor) -> Tensor:
        """Average running statistics over all ranks, and the loss."""
        statistics = [b for b in self.model.buffers() if b.is_floating_point()]
        loss, *means = averaged([loss, *statistics], self.communicator)
        for buffer, mean in zip(statistics, means, strict=True):
            buffer.copy_(mean)
        return loss

    def to(self, other: Tensor) -> Self:
        """Move model, loss and optimiser to the dtype and device of `other`."""
        self._replica = None
        return super().to(other)


def part(array: Tensor, communicator: Communicator) -> Tensor:
    """The rows that this rank learns from: as many on each, in the order of the ranks.

    Raises:
        ValueError: the number of rows is 0 or not divisible by that of the ranks.
    """
    ranks, rows = communicator.size, len(array) if array.ndim else 0
    if rows == 0 or rows % ranks:
        raise ValueError(
            f"a batch of {rows} examples cannot be dealt out evenly to {ranks} ranks; "
            f"take a batch size that {ranks} divides"
        )
    return array.chunk(ranks)[communicator.rank]


def averaged(arrays: Iterable[Tensor], communicator: Communicator) -> list[Tensor]:
    """The mean of each array over all ranks, by one all-reduce of all in a row.

    Raises:
        ValueError: there are none.
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


def _require_mean(criterion: Module) -> None:
    """Refuse a loss that is no mean in which every example counts alike."""
    for loss in criterion.modules():
        name = type(loss).__name__
        reduction = getattr(loss, "reduction", "mean")
        if not reduction.endswith("mean"):
            raise ValueError(
                f"DataParallelLearner: {name} must have reduction='mean', whose "
                f"average over the ranks is the loss of the batch, got {reduction!r}"
            )
        if isinstance(loss, NLLLoss | CrossEntropyLoss) and loss.weight is not None:
            raise ValueError(
                f"DataParallelLearner: {name} must have no weight: its mean divides by "
                f"the weights of the classes, which differ from rank to rank"
            )


def _require_all_count(criterion: Module, target: Tensor) -> None:
    """Refuse targets that the loss ignores: the ranks' means would count unlike."""
    for loss in criterion.modules():
        ignored = getattr(loss, "ignore_index", None)
        if ignored is not None and bool((target == ignored).any()):
            raise ValueError(
                f"DataParallelLearner: no target may be ignore_index {ignored}: the "
                f"mean would be over more examples on one rank than on another"
            )


__all__ = ["Communicator", "DataParallelLearner", "averaged", "part"]
