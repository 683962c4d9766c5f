"""Training in mixed precision: arithmetic in half precision, weights in float32."""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

import numpy as np

from handmade._array import Array, check
from handmade._numbers import choice
from handmade.amp.grad_scaler import GradScaler
from handmade.nn._reduction import Loss
from handmade.nn.module import Module, Parameter
from handmade.optim.lr_scheduler import LRScheduler
from handmade.optim.optimizer import Optimizer
from handmade.training import GradientLearner


class MixedPrecisionLearner(GradientLearner):
    """A `GradientLearner` that computes in float16 and keeps its weights in float32.

    Forward:
        y = float32(f(float16(x); float16(θ))),  L of y in float32

    Backward:
        ∂L/∂θ = float32(∂(s L)/∂float16(θ)) / s: computed in float16, where without
        the scale s what is below 2⁻²⁵ becomes 0

    Stability:
        A step with an infinite or NaN gradient is skipped; it leaves no gradients. The
        update is float32: in float16, θ − lr g would often be θ.

    Args:
        model: what is trained, of layers with `takes_half`. Its weights are float32,
            or float64, which stands for float32 throughout.
        criterion: the loss.
        optimizer: makes the optimizer from the model's parameters.
        scheduler: makes a schedule from the optimizer, stepped after every batch.
        clip: changes the unscaled gradients before each update.
        scaler: chooses s.
        dtype: "float16", or "bfloat16": float32's range in 8 bits of precision, which
            torch and JAX have and NumPy lacks.

    Raises:
        TypeError: `scaler` is no GradScaler; in `step`, the array library lacks the
            dtype, or a layer takes only float32 and float64.
        ValueError: `dtype` is another.

    Torch:
        None in one class: the loop of `torch_ref.amp`, with `torch.amp.GradScaler`.
        `torch.autocast` chooses by operation; its list is where `takes_half` is from.

    Source:
        Micikevicius et al., "Mixed Precision Training" (ICLR 2018).
    """

    stateful = (*GradientLearner.stateful, "scaler")

    def __init__(
        self,
        model: Module,
        criterion: Loss,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        clip: Callable[[Iterable[Parameter]], Any] | None = None,
        *,
        scaler: GradScaler,
        dtype: str = "float16",
    ) -> None:
        super().__init__(model, criterion, optimizer, scheduler, clip)
        known = ("float16", "bfloat16")
        self.dtype = choice("MixedPrecisionLearner", "dtype", dtype, known)
        if not isinstance(scaler, GradScaler):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"MixedPrecisionLearner: scaler must be a GradScaler, "
                f"got {type(scaler).__name__}"
            )
        self.scaler = scaler

    def _update(self, x: Array, target: Array) -> Array:
        """Forward and backward in half precision, then an update if all is finite."""
        xp = check(self, x=x)
        if not hasattr(xp, self.dtype):
            raise TypeError(f"{type(self).__name__}: {xp.__name__} has no {self.dtype}")
        half, scale = getattr(xp, self.dtype), self.scaler.get_scale()
        self.optimizer.zero_grad()
        with (
            np.errstate(over="ignore", invalid="ignore"),
            _weights_in(self.model, half),
        ):
            output = self.model(xp.astype(x, half))
            loss = self.criterion(xp.astype(output, x.dtype), target)
            grad_output = self.criterion.backward(self.scaler.scale(1.0))
            self.model.backward(xp.astype(grad_output, half))
        self.scaler.unscale_(self.optimizer)
        if self.clip is not None:
            self.clip(self.model.parameters())
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.scaler.get_scale() < scale:
            self.optimizer.zero_grad()  # skipped: no gradient was followed
        return loss


@contextmanager
def _weights_in(model: Module, dtype: Any) -> Generator[None]:
    """Within this, the weights are copies in `dtype`; gradients end in their own."""
    weights = {parameter: parameter.data for parameter in model.parameters()}
    xp = check(model, **{f"weight {i}": a for i, a in enumerate(weights.values())})
    for parameter, data in weights.items():
        parameter.data = xp.astype(data, dtype)
    try:
        yield
    finally:
        for parameter, data in weights.items():
            parameter.data = data
            if parameter.grad is not None:
                parameter.grad = xp.astype(parameter.grad, data.dtype)
