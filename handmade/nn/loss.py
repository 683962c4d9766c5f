"""Regression losses."""

from typing import Any

from handmade._array import Array, array_namespace, check_alike
from handmade._numbers import finite_number, positive
from handmade.nn._reduction import Loss


class L1Loss(Loss):
    """Mean absolute error: robust against outliers.

    Forward:
        Lₙ = |xₙ − yₙ|, averaged over all elements

    Backward:
        ∂Lₙ/∂xₙ = sign(xₙ − yₙ)
        ∂L/∂xₙ = ∂Lₙ/∂xₙ / N where the mean is taken over N elements

    Shape:
        x and y alike, any shape.

    At the kink:
        The slope at x = y is 0, as in torch.

    Torch:
        `torch.nn.L1Loss`; the slope at NaN is 0 there and NaN here.
    """

    def forward(self, input: Array, target: Array) -> Array:
        xp = check_alike(self, input, target)
        self.saved = input - target
        return self._reduced(xp, xp.abs(self.saved))

    def backward(self, grad_output: Array | None = None) -> Array:
        error = self.saved
        xp = array_namespace(self, error=error)
        return self._grad_losses(grad_output) * xp.sign(error)


class MSELoss(Loss):
    """Mean squared error.

    Forward:
        Lₙ = (xₙ − yₙ)², averaged over all elements, without a factor ½

    Backward:
        ∂Lₙ/∂xₙ = 2 (xₙ − yₙ)
        ∂L/∂xₙ = ∂Lₙ/∂xₙ / N where the mean is taken over N elements

    Shape:
        x and y alike, any shape.

    Torch:
        `torch.nn.MSELoss`. The course divides by the N examples, torch by the N
        elements; for one output a row that is the same.
    """

    def forward(self, input: Array, target: Array) -> Array:
        xp = check_alike(self, input, target)
        self.saved = input - target
        return self._reduced(xp, self.saved * self.saved)

    def backward(self, grad_output: Array | None = None) -> Array:
        error = self.saved
        return 2 * self._grad_losses(grad_output) * error


class SmoothL1Loss(Loss):
    """Absolute error, quadratic below β.

    Forward:
        Lₙ = ½ dₙ² / β where |dₙ| < β, else |dₙ| − ½ β, with dₙ = xₙ − yₙ; averaged
        over all elements

    Backward:
        ∂Lₙ/∂xₙ = dₙ / β where |dₙ| < β, else sign dₙ
        ∂L/∂xₙ = ∂Lₙ/∂xₙ / N where the mean is taken over N elements

    Shape:
        x and y alike, any shape.

    At the kink:
        There is none, unless β = 0: that is `L1Loss`, with slope 0 at x = y. So is a β
        too small for the dtype of x.

    Args:
        reduction: as for every loss.
        beta: β ≥ 0.

    Torch:
        `torch.nn.SmoothL1Loss`: `HuberLoss(delta=β)` divided by β. With β = 0 the
        slope at NaN is 0 there and NaN here.
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = finite_number("SmoothL1Loss", "beta", beta)
        if self.beta < 0:
            raise ValueError(f"SmoothL1Loss: beta must be at least 0, got {beta}")

    def forward(self, input: Array, target: Array) -> Array:
        xp = check_alike(self, input, target)
        error, beta = input - target, _rounded(xp, self.beta, input.dtype)
        self.saved = error, beta
        losses = size = xp.abs(error)
        if beta > 0:
            small = xp.clip(size, None, beta)
            losses = small / beta * (size - 0.5 * small)
        return self._reduced(xp, losses)

    def backward(self, grad_output: Array | None = None) -> Array:
        error, beta = self.saved
        xp = array_namespace(self, error=error)
        slope = xp.sign(error)
        if beta > 0:
            slope = xp.clip(error, -beta, beta) / beta
        return self._grad_losses(grad_output) * slope


class HuberLoss(Loss):
    """Huber loss: quadratic up to δ, linear beyond.

    Forward:
        Lₙ = ½ dₙ² where |dₙ| ≤ δ, else δ (|dₙ| − ½ δ), with dₙ = xₙ − yₙ; averaged
        over all elements

    Backward:
        ∂Lₙ/∂xₙ = dₙ where |dₙ| ≤ δ, else δ sign dₙ: dₙ, kept in [−δ, δ]
        ∂L/∂xₙ = ∂Lₙ/∂xₙ / N where the mean is taken over N elements

    Shape:
        x and y alike, any shape.

    Args:
        reduction: as for every loss.
        delta: δ > 0.

    Torch:
        `torch.nn.HuberLoss`.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = positive("HuberLoss", "delta", delta)

    def forward(self, input: Array, target: Array) -> Array:
        xp = check_alike(self, input, target)
        self.saved = input - target
        size = xp.abs(self.saved)
        small = xp.clip(size, None, self.delta)
        losses = small * (size - 0.5 * small)
        return self._reduced(xp, losses)

    def backward(self, grad_output: Array | None = None) -> Array:
        error = self.saved
        xp = array_namespace(self, error=error)
        slope = xp.clip(error, -self.delta, self.delta)
        return self._grad_losses(grad_output) * slope


def _rounded(xp: Any, number: float, dtype: Any) -> float:
    """The number, but 0 if that is what the dtype makes of it."""
    info = xp.finfo(dtype)
    smallest = float(info.smallest_normal) * float(info.eps)
    return number if number > smallest / 2 else 0.0
