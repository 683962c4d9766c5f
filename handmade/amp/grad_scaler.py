"""Mixed precision: arithmetic in float16, weights in float32, and a scaled loss."""

import math
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

import numpy as np

from handmade._array import Array, check
from handmade._learner import require_names
from handmade._numbers import choice, positive, whole
from handmade.nn._reduction import Loss
from handmade.nn.module import Module, Parameter
from handmade.optim.lr_scheduler import LRScheduler
from handmade.optim.optimizer import Optimizer
from handmade.training import GradientLearner


class GradScaler:
    """Scales the loss, so that small gradients do not become 0 in float16.

    Forward:
        L′ = s L, so that every gradient is s ∂L/∂θ: s = 2¹⁶ lifts 2⁻⁴⁰ to 2⁻²⁴,
        float16's smallest number above 0

    Backward:
        unscale_   g ← g / s
        step       θ is updated only if every g is finite
        update     s ← s · backoff_factor  where g was not finite
                   s ← s · growth_factor   after growth_interval finite steps in a row

    Stability:
        s is rounded to float32, and 1/s too. It does not grow beyond float32's range.

    Args:
        init_scale: s at first, above 0.
        growth_factor: above 1.
        backoff_factor: between 0 and 1.
        growth_interval: at least 1 step.

    Raises:
        ValueError: a number is out of its range.
        RuntimeError: `unscale_` or `step` is called twice, or `update` before them; or
            no parameter has a gradient.

    Torch:
        `torch.amp.GradScaler`: same names, same `state_dict`. It takes a device and
        `enabled`, several losses, and a new scale in `update`; none of these here. It
        refuses a step without `scale`, and lets `unscale_` be without a gradient.

    Source:
        Micikevicius et al., "Mixed Precision Training" (ICLR 2018).
    """

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
    ) -> None:
        self._scale = _float32(positive("GradScaler", "init_scale", init_scale))
        self._growth_factor = positive("GradScaler", "growth_factor", growth_factor)
        self._backoff_factor = positive("GradScaler", "backoff_factor", backoff_factor)
        self._growth_interval = whole(
            "GradScaler", "growth_interval", growth_interval, 1
        )
        self._growth_tracker = 0
        if not 0 < self._scale < math.inf:
            raise ValueError(
                f"GradScaler: init_scale must be within float32's range, "
                f"got {init_scale}"
            )
        self._overflows: dict[Optimizer, bool] = {}
        """Of optimisers unscaled since the last `update`: is a gradient not finite?"""
        self._stepped: set[Optimizer] = set()
        if growth_factor <= 1:
            raise ValueError(
                f"GradScaler: growth_factor must be above 1, got {growth_factor}"
            )
        if backoff_factor >= 1:
            raise ValueError(
                f"GradScaler: backoff_factor must be below 1, got {backoff_factor}"
            )

    def scale(self, outputs: Array) -> Array:
        """The loss times s or, by hand, 1 times s: the gradient that reaches the loss.

        Args:
            outputs: a Python number, or an array of float32 or float64.
        """
        if not isinstance(outputs, int | float):
            check(self, outputs=outputs)
        return outputs * self._scale

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide all gradients by s, and note whether they are finite.

        Raises:
            TypeError: a gradient is neither float32 nor float64.
        """
        if optimizer in self._overflows:
            raise RuntimeError("GradScaler: unscale_ was called twice before update")
        params = [p for group in optimizer.param_groups for p in group["params"]]
        reached = [p for p in params if p.grad is not None]
        if not reached:
            raise RuntimeError("GradScaler: no parameter has a gradient")
        xp = check(self, **{f"gradient {i}": p.grad for i, p in enumerate(reached)})
        finite = [bool(xp.all(xp.isfinite(p.grad))) for p in reached]
        self._overflows[optimizer] = not all(finite)
        inverse = _float32(1 / self._scale) if self._scale else math.inf
        for parameter in reached:
            with np.errstate(invalid="ignore"):
                parameter.grad = parameter.grad * inverse

    def step(self, optimizer: Optimizer) -> None:
        """Update the parameters, unless a gradient is infinite or NaN."""
        if optimizer in self._stepped:
            raise RuntimeError("GradScaler: step was called twice before update")
        if optimizer not in self._overflows:
            self.unscale_(optimizer)
        if not self._overflows[optimizer]:
            optimizer.step()
        self._stepped.add(optimizer)

    def update(self) -> None:
        """Choose the scale of the next step."""
        if not self._overflows:
            raise RuntimeError("GradScaler: update was called before step")
        self._growth_tracker += 1
        if any(self._overflows.values()):
            self._scale = _float32(self._scale * self._backoff_factor)
            self._growth_tracker = 0
        elif self._growth_tracker == self._growth_interval:
            grown = _float32(self._scale * self._growth_factor)
            self._scale = grown if math.isfinite(grown) else self._scale
            self._growth_tracker = 0
        self._overflows.clear()
        self._stepped.clear()

    def get_scale(self) -> float:
        """The scale s."""
        return self._scale

    def state_dict(self) -> dict[str, Any]:
        """The numbers of the constructor, s as "scale", and the finite steps so far."""
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned.

        Raises:
            KeyError: the names differ.
            TypeError: it is no dict, or something in it is no number.
            ValueError: a number is out of its range.
        """
        require_names("GradScaler", self.state_dict(), state_dict)
        scale, *factors, tracker = (state_dict[name] for name in self.state_dict())
        tracker = whole("GradScaler.load_state_dict", "_growth_tracker", tracker, 0)
        vars(self).update(vars(GradScaler(scale, *factors)), _growth_tracker=tracker)


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
        optimizer: makes the optimiser from the model's parameters.
        scheduler: makes a schedule from the optimiser, stepped after every batch.
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


def _float32(number: float) -> float:
    """The nearest float32, which may be infinite."""
    with np.errstate(over="ignore"):
        return float(np.float32(number))


__all__ = ["GradScaler", "MixedPrecisionLearner"]
