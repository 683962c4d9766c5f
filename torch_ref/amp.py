"""Mixed precision: float16 arithmetic, float32 weights, and torch's `GradScaler`."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import Module, Parameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from torch_ref.training import GradientLearner


class GradScaler(torch.amp.GradScaler):
    """torch's own. Its device only says that scaling is possible: everywhere."""

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
    ) -> None:
        super().__init__(
            "cpu", init_scale, growth_factor, backoff_factor, growth_interval
        )


class MixedPrecisionLearner(GradientLearner):
    """A `GradientLearner` that computes in float16 and keeps its weights in float32.

    Args:
        model: the module to train, with weights in float32 or float64.
        criterion: the loss, computed in the dtype of the weights.
        optimizer: makes the optimizer from the model's parameters.
        scheduler: makes the learning-rate schedule from the optimizer.
        clip: changes the unscaled gradients before each update.
        scaler: scales the loss.
        dtype: "float16" or "bfloat16".
    """

    stateful = (*GradientLearner.stateful, "scaler")

    def __init__(
        self,
        model: Module,
        criterion: Module,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        clip: Callable[[Iterable[Parameter]], Any] | None = None,
        *,
        scaler: GradScaler,
        dtype: str = "float16",
    ) -> None:
        super().__init__(model, criterion, optimizer, scheduler, clip)
        self.scaler = scaler
        self.dtype: torch.dtype = getattr(torch, dtype)
        self.eps = torch.finfo(self.dtype).eps

    def step(self, x: Tensor, target: Tensor) -> float:
        """Forward and backward in half precision, then an update if all is finite."""
        scale = self.scaler.get_scale()
        weights = {name: p.to(self.dtype) for name, p in self._named.items()}
        output = functional_call(self.model, weights, (x.to(self.dtype),))
        loss = self.criterion(output.to(x.dtype), target)
        self.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        if self.clip is not None:
            self.clip(self.model.parameters())
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.scaler.get_scale() < scale:
            self.optimizer.zero_grad()  # skipped: no gradient was followed
        self._schedule(loss)
        return loss.item()


__all__ = ["GradScaler", "MixedPrecisionLearner"]
