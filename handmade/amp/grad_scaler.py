"""GradScaler: a scaled loss, so that small gradients survive float16."""

import math
from typing import Any

import numpy as np

from handmade._array import Array, check
from handmade._learner import require_names
from handmade._numbers import positive, whole
from handmade.optim.optimizer import Optimizer


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
        """Of optimizers unscaled since the last `update`: is a gradient not finite?"""
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


def _float32(number: float) -> float:
    """The nearest float32, which may be infinite."""
    with np.errstate(over="ignore"):
        return float(np.float32(number))
