"""Gradient accumulation: `loss.backward()` for each micro-batch, then one update."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from torch_ref._plain_mean import require_all_count, require_plain_mean
from torch_ref.training import GradientLearner


class AccumulatingLearner(GradientLearner):
    """A `GradientLearner` that takes each batch in micro-batches of nearly equal size.

    Args:
        model: the module to train.
        criterion: the loss, a mean that counts every example alike.
        optimizer: makes the optimizer from the model's parameters.
        scheduler: makes the learning-rate schedule from the optimizer.
        clip: changes the accumulated gradients before each update.
        micro_batches: how many, at least 1.

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
        micro_batches: int,
    ) -> None:
        require_plain_mean(self, criterion)
        if micro_batches < 1:
            raise ValueError(f"micro_batches must be at least 1, got {micro_batches}")
        super().__init__(model, criterion, optimizer, scheduler, clip)
        self.micro_batches = micro_batches

    def step(self, x: Tensor, target: Tensor) -> float:
        """Forward and backward for each micro-batch, one update; return the loss.

        Raises:
            ValueError: there are fewer examples than micro-batches, or the loss
                ignores a target.
        """
        require_all_count(self, self.criterion, target)
        parts = self._parts(x, target)
        self.optimizer.zero_grad()
        losses: list[Tensor] = []
        for x_part, target_part, share in parts:
            loss = share * self.criterion(self.model(x_part), target_part)
            loss.backward()
            losses.append(loss.detach())
        if self.clip is not None:
            self.clip(self.model.parameters())
        self.optimizer.step()
        total = sum(losses, torch.zeros_like(losses[0]))
        self._schedule(total)
        return total.item()

    def _parts(self, x: Tensor, target: Tensor) -> list[tuple[Tensor, Tensor, float]]:
        """Return inputs, targets and share of the batch of each micro-batch."""
        if len(x) < self.micro_batches:
            raise ValueError(f"{len(x)} examples have no {self.micro_batches} parts")
        parts = (a.tensor_split(self.micro_batches) for a in (x, target))
        return [(*part, len(part[0]) / len(x)) for part in zip(*parts, strict=True)]


__all__ = ["AccumulatingLearner"]
