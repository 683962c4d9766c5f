"""Activation functions."""

import math
from numbers import Integral
from typing import Any

import numpy as np

from handmade._array import Array, check, check_grad
from handmade._numbers import choice, finite_number, only, real_number, whole
from handmade.nn._gate import normal_gate, sigmoid, tanh_gate
from handmade.nn.module import Module, Parameter


def log_softmax(x: Array, dim: int | None) -> Array:
    """The logarithm of `softmax`, x − log Σ eˣ; nothing overflows.

    A maximum that is infinite makes all NaN, as in torch: there it is ∞ − ∞.
    """
    xp = check("log_softmax", x=x)
    if 0 in x.shape:
        return x  # the maximum of nothing does not exist
    shifted = x - xp.max(x, axis=dim, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=dim, keepdims=True))


def softmax(x: Array, dim: int | None) -> Array:
    """eˣ / Σ eˣ along `dim`, or over all; the maximum is subtracted first.

    One that is infinite makes all NaN, as in torch.
    """
    xp = check("softmax", x=x)
    if 0 in x.shape:
        return x  # the maximum of nothing does not exist
    powers = xp.exp(x - xp.max(x, axis=dim, keepdims=True))
    return powers / xp.sum(powers, axis=dim, keepdims=True)


class ReLU(Module):
    """Rectified linear unit: the positive part of x.

    Forward:
        y = max(0, x)

    Backward:
        ∂L/∂x = ∂L/∂y · [x > 0]

    At the kink:
        The slope at x = 0 is 0, as in torch; the course's slide says 1.

    Torch:
        `torch.nn.ReLU`; `inplace` does not exist here. Where the slope is 0, an
        infinite ∂L/∂y gives 0 there and NaN, which is ∞ · 0, here.
    """

    takes_half = True

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x)
        y = xp.clip(x, 0.0, None)
        self.saved = xp.astype(y != 0, y.dtype)  # [x > 0]; 1 for NaN
        return y

    def backward(self, grad_output: Array) -> Array:
        positive = self.saved
        check_grad(self, grad_output, positive)
        return grad_output * positive


class LeakyReLU(Module):
    """ReLU with a small slope for negative inputs.

    Forward:
        y = x where x > 0, else ε x

    Backward:
        ∂L/∂x = ∂L/∂y · (1 where x > 0, else ε)

    At the kink:
        The slope at x = 0 is ε, as in torch.

    Args:
        negative_slope: ε.

    Torch:
        `torch.nn.LeakyReLU`; `inplace` does not exist here.
    """

    takes_half = True

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = real_number("LeakyReLU", "negative_slope", negative_slope)

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x)
        self.saved = x
        return xp.where(x > 0, x, self.negative_slope * xp.clip(x, None, 0.0))

    def backward(self, grad_output: Array) -> Array:
        x = self.saved
        xp = check_grad(self, grad_output, x)
        return grad_output * xp.where(x > 0, xp.ones_like(x), self.negative_slope)


class PReLU(Module):
    """Leaky ReLU whose negative slope is learned.

    Forward:
        y = x where x > 0, else w x

    Backward:
        ∂L/∂x = ∂L/∂y · (1 where x > 0, else w)
        ∂L/∂w = Σ ∂L/∂y · x · [x ≤ 0]        over all but the channel

    Shape:
        x (n, c, …) and w (c,), one slope a channel; or x of any shape and w (1,).

    At the kink:
        The slope at x = 0 is w, as in torch.

    Args:
        num_parameters: 1 or c, at least 1.
        init: what w starts at.

    Raises:
        ValueError: x does not have num_parameters channels; with fewer than two
            dimensions it has one.

    Torch:
        `torch.nn.PReLU`. num_parameters = 0 raises ValueError here.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        n = whole("PReLU", "num_parameters", num_parameters, 1)
        self.num_parameters = n
        self.init = real_number("PReLU", "init", init)
        self.weight = Parameter(np.full((n,), self.init, np.float32))

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x, weight=self.weight.data)
        weight = xp.reshape(self.weight.data, self._beside(x))
        self.saved = x, weight
        return xp.where(x > 0, x, weight * xp.clip(x, None, 0.0))

    def backward(self, grad_output: Array) -> Array:
        x, weight = self.saved
        xp = check_grad(self, grad_output, x)
        grads = xp.where(x > 0, xp.zeros_like(x), grad_output) * xp.clip(x, None, 0.0)
        others = None if self.num_parameters == 1 else (0, *range(2, x.ndim))
        grad_weight = xp.sum(grads, axis=others)
        self.weight.accumulate(xp.reshape(grad_weight, self.weight.shape))
        return grad_output * xp.where(x > 0, xp.ones_like(x), weight)

    def _beside(self, x: Array) -> tuple[int, ...]:
        """The shape in which w broadcasts to x."""
        n = self.num_parameters
        if n == 1:
            return (1,) * x.ndim
        if x.ndim < 2 or x.shape[1] != n:
            raise ValueError(
                f"PReLU: x must have num_parameters = {n} channels in dimension 1, "
                f"got x of shape {tuple(x.shape)}"
            )
        return (1, n, *(1,) * (x.ndim - 2))


class ELU(Module):
    """Exponential linear unit: negative inputs saturate at −α.

    Forward:
        y = x where x > 0, else α (eˣ − 1)

    Backward:
        ∂L/∂x = ∂L/∂y · (1 where x > 0, else α eˣ)

    At the kink:
        The slope at x = 0 is α, as in torch; only α = 1 makes it smooth.

    Stability:
        eˣ of the negative part alone, so that nothing overflows; expm1 keeps the digits
        of a small x.

    Args:
        alpha: α, of either sign, or 0.

    Torch:
        `torch.nn.ELU`; `inplace` does not exist here. Torch's slope at NaN depends on
        the layout in memory; here it is 1.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = finite_number("ELU", "alpha", alpha)

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x)
        self.saved = x
        return xp.where(x <= 0, self.alpha * xp.expm1(xp.clip(x, None, 0.0)), x)

    def backward(self, grad_output: Array) -> Array:
        x = self.saved
        xp = check_grad(self, grad_output, x)
        slope = self.alpha * xp.exp(xp.clip(x, None, 0.0))
        return grad_output * xp.where(x <= 0, slope, xp.ones_like(x))


class Hardtanh(Module):
    """x clipped to [a, b]: a piecewise linear tanh.

    Forward:
        y = min(max(x, a), b)

    Backward:
        ∂L/∂x = ∂L/∂y · [a < x < b]

    At the kink:
        The slope is 0 at both ends, as in torch.

    Args:
        min_val: a.
        max_val: b, above a.

    Torch:
        `torch.nn.Hardtanh`; `inplace` and the deprecated names `min_value` and
        `max_value` are refused. Torch's slope at NaN depends on the layout in memory;
        here it is 1.
    """

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        only("Hardtanh", inplace=(inplace, False))
        only("Hardtanh", min_value=(min_value, None), max_value=(max_value, None))
        self.min_val = real_number("Hardtanh", "min_val", min_val)
        self.max_val = real_number("Hardtanh", "max_val", max_val)
        if not self.min_val < self.max_val:
            raise ValueError(
                f"Hardtanh: max_val must be above min_val, got min_val={min_val} and "
                f"max_val={max_val}"
            )

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x)
        self.saved = x
        return xp.clip(x, self.min_val, self.max_val)

    def backward(self, grad_output: Array) -> Array:
        x = self.saved
        xp = check_grad(self, grad_output, x)
        beyond = (x <= self.min_val) | (x >= self.max_val)
        return xp.where(beyond, xp.zeros_like(x), grad_output)


class ReLU6(Hardtanh):
    """ReLU clipped at 6: `Hardtanh` from 0 to 6.

    Forward:
        y = min(max(x, 0), 6)

    Backward:
        ∂L/∂x = ∂L/∂y · [0 < x < 6]

    At the kink:
        The slope is 0 at 0 and at 6, as in torch.

    Torch:
        `torch.nn.ReLU6`; `inplace` does not exist here. For the slope at NaN see
        `Hardtanh`.
    """

    def __init__(self) -> None:
        super().__init__(0.0, 6.0)


class Softplus(Module):
    """A smooth approximation of ReLU, the sharper the larger β.

    Forward:
        y = log(1 + exp(βx)) / β, but x itself where βx > threshold

    Backward:
        ∂L/∂x = ∂L/∂y · σ(βx), but ∂L/∂y itself where βx > threshold

    At the kink:
        Where βx is the threshold, the curve still holds, as in torch.

    Stability:
        log(1 + exp z) = max(z, 0) + log(1 + e^-|z|), so nothing overflows.

    Args:
        beta: β, finite and not 0; a negative one gives −log(1 + exp(−|β|x)) / |β|.
        threshold: from where on x is the answer.

    Torch:
        `torch.nn.Softplus`, which is infinite at β = 0; ValueError here. With a
        threshold above 709 (88 in float32) torch overflows; here nothing does.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = real_number("Softplus", "beta", beta)
        self.threshold = real_number("Softplus", "threshold", threshold)
        if self.beta == 0 or not math.isfinite(self.beta):
            raise ValueError(f"Softplus: beta must be finite and not 0, got {beta}")
        if math.isnan(self.threshold):
            raise ValueError(f"Softplus: threshold must be a number, got {threshold}")

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x)
        z = self._scaled(xp, x)
        self.saved = z
        end = xp.clip(x, 0.0, None) if self.beta > 0 else xp.clip(x, None, 0.0)
        curve = end + xp.log1p(xp.exp(-xp.abs(z))) / self.beta
        return xp.where(z > self.threshold, x, curve)

    def backward(self, grad_output: Array) -> Array:
        z = self.saved
        xp = check_grad(self, grad_output, z)
        return xp.where(z > self.threshold, grad_output, grad_output * sigmoid(z))

    def _scaled(self, xp: Any, x: Array) -> Array:
        """Z = βx, held where it would overflow: the curve is straight long before."""
        limit = float(xp.finfo(x.dtype).max) / (2 * max(1, abs(self.beta)))
        return self.beta * xp.clip(x, -limit, limit)


class SiLU(Module):
    """Sigmoid linear unit (swish): x · σ(x).

    Forward:
        y = x σ(x)

    Backward:
        ∂L/∂x = ∂L/∂y · (σ(x) + x σ(x) σ(−x))

    Stability:
        1 − σ(x) is computed as σ(−x), so nothing cancels in the far tail.

    Torch:
        `torch.nn.SiLU`; `inplace` does not exist here. Both are NaN where ∞ meets 0.
    """

    def forward(self, x: Array) -> Array:
        check(self, x=x)
        gate = sigmoid(x)
        self.saved = x, gate
        return x * gate

    def backward(self, grad_output: Array) -> Array:
        x, gate = self.saved
        check_grad(self, grad_output, x)
        return grad_output * (gate + x * (gate * sigmoid(-x)))


class GELU(Module):
    """Gaussian error linear unit: x · Φ(x), Φ the standard normal CDF.

    Forward:
        y = x Φ(x), Φ(x) = ½ (1 + erf(x / √2)); or, with "tanh",
        Φ(x) ≈ ½ (1 + tanh u), u = √(2/π) (x + 0.044715 x³)

    Backward:
        ∂L/∂x = ∂L/∂y · (Φ + x Φ′), Φ′ = exp(−x²/2) / √(2π); or, with "tanh",
        Φ′ = ½ (1 − tanh² u) u′, u′ = √(2/π) (1 + 3 · 0.044715 x²)

    Stability:
        1 + erf z is computed as erfc(−z), and 1 ± tanh u as 2σ(±2u): nothing cancels
        in the far tail. No large x is squared.

    Args:
        approximate: "none" or "tanh".

    Torch:
        `torch.nn.GELU`, whose far tail is rounded to 0, and whose "tanh" overflows at
        numbers too large to be squared. Both are NaN at −∞, and so are their slopes at
        ±∞. At ∞ both are ∞; but in float32 torch's "none" may be NaN there, and ∞ from
        half the largest number on.

    Source:
        Hendrycks and Gimpel, Gaussian Error Linear Units (2016).
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = choice("GELU", "approximate", approximate, ("none", "tanh"))

    def forward(self, x: Array) -> Array:
        check(self, x=x)
        gate, slope = (normal_gate if self.approximate == "none" else tanh_gate)(x)
        self.saved = x, gate, slope
        return x * gate

    def backward(self, grad_output: Array) -> Array:
        x, gate, slope = self.saved
        check_grad(self, grad_output, x)
        return grad_output * (gate + x * slope)


class Step(Module):
    """Heaviside step function, the perceptron's activation.

    Forward:
        y = 1 where x > 0, else 0

    Backward:
        ∂L/∂x = 0 everywhere, so no gradient descent can train what lies before it.

    At the kink:
        y(0) = 0; the derivative there does not exist, and 0 is returned.

    Torch:
        None. `torch_ref.nn.Step` is sign(relu(x)), whose autograd gradient is 0. Both
        give 0 at NaN: it is not above 0.
    """

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x)
        self.saved = x
        return xp.astype(x > 0, x.dtype)

    def backward(self, grad_output: Array) -> Array:
        xp = check_grad(self, grad_output, self.saved)
        return xp.zeros_like(grad_output)


class Sigmoid(Module):
    """Logistic function, ℝ → (0, 1).

    Forward:
        y = 1 / (1 + e⁻ˣ)

    Backward:
        ∂L/∂x = ∂L/∂y · y (1 − y)

    Stability:
        Only e^-|x| is computed: no overflow.

    Torch:
        `torch.nn.Sigmoid`.
    """

    takes_half = True

    def forward(self, x: Array) -> Array:
        y = sigmoid(x, owner=self)
        self.saved = 1 * y  # the caller may overwrite what is returned
        return y

    def backward(self, grad_output: Array) -> Array:
        y = self.saved
        check_grad(self, grad_output, y)
        return grad_output * (y * (1 - y))


class Tanh(Module):
    """Hyperbolic tangent, ℝ → (−1, 1).

    Forward:
        y = tanh x

    Backward:
        ∂L/∂x = ∂L/∂y · (1 − y²)

    Torch:
        `torch.nn.Tanh`.
    """

    takes_half = True

    def forward(self, x: Array) -> Array:
        y = check(self, x=x).tanh(x)
        self.saved = 1 * y  # the caller may overwrite what is returned
        return y

    def backward(self, grad_output: Array) -> Array:
        y = self.saved
        check_grad(self, grad_output, y)
        return grad_output * (1 - y * y)


class Softmax(Module):
    """Normalised exponentials: probabilities that sum to 1 along `dim`.

    Forward:
        yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)

    Backward:
        ∂L/∂xᵢ = yᵢ (∂L/∂yᵢ − Σⱼ ∂L/∂yⱼ yⱼ)

    Stability:
        The maximum is subtracted from x first.

    Args:
        dim: the dimension that sums to 1; must be given.

    Torch:
        `torch.nn.Softmax`, whose guess of `dim` when it is None is deprecated;
        ValueError here. As there, a single number x () has the dimension 0 or −1.
    """

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        axis = _valid_axis(self, x, self.dim)
        y = softmax(x, axis)
        self.saved = 1 * y, axis
        return y

    def backward(self, grad_output: Array) -> Array:
        y, axis = self.saved
        xp = check_grad(self, grad_output, y)
        mean = xp.sum(grad_output * y, axis=axis, keepdims=True)
        return y * (grad_output - mean)


class LogSoftmax(Module):
    """Logarithm of the softmax, computed without forming small probabilities.

    Forward:
        yᵢ = xᵢ − log Σⱼ exp(xⱼ)

    Backward:
        ∂L/∂xᵢ = ∂L/∂yᵢ − exp(yᵢ) Σⱼ ∂L/∂yⱼ

    Stability:
        The maximum is subtracted from x first.

    Args:
        dim: the dimension whose probabilities sum to 1; must be given.

    Torch:
        `torch.nn.LogSoftmax`; see `Softmax` for `dim`.
    """

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        axis = _valid_axis(self, x, self.dim)
        y = log_softmax(x, axis)
        self.saved = 1 * y, axis
        return y

    def backward(self, grad_output: Array) -> Array:
        y, axis = self.saved
        xp = check_grad(self, grad_output, y)
        total = xp.sum(grad_output, axis=axis, keepdims=True)
        return grad_output - xp.exp(y) * total


def _valid_axis(owner: Module, x: Array, dim: int | None) -> int | None:
    """The axis to sum along; None, all of x, where x is a single number."""
    check(owner, x=x)
    ndim = max(x.ndim, 1)  # torch, too, lets a single number have a dimension 0
    if not isinstance(dim, Integral) or not -ndim <= dim < ndim:
        raise ValueError(
            f"{type(owner).__name__}: dim must be a dimension of x, which has shape "
            f"{tuple(x.shape)}; got dim={dim}"
        )
    return int(dim) if x.ndim else None
