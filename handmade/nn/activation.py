"""Activations g: what a neuron makes of its weighted sum."""

from handmade._array import Array, floating_namespace, require_shape
from handmade._numbers import real_number
from handmade.nn.module import Module


def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ), written with e^-|x| alone so that no x overflows."""
    xp = floating_namespace("sigmoid", x=x)
    small = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, xp.ones_like(x), small) / (1 + small)


def log_softmax(x: Array, dim: int | None) -> Array:
    """The logarithm of `softmax`, x − log Σ eˣ; nothing overflows."""
    xp = floating_namespace("log_softmax", x=x)
    if 0 in x.shape:
        return x  # the maximum of nothing does not exist
    shifted = x - xp.max(x, axis=dim, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=dim, keepdims=True))


def softmax(x: Array, dim: int | None) -> Array:
    """The shares eˣ / Σ eˣ along `dim`, or of all; the maximum is taken out first."""
    xp = floating_namespace("softmax", x=x)
    if 0 in x.shape:
        return x  # the maximum of nothing does not exist
    powers = xp.exp(x - xp.max(x, axis=dim, keepdims=True))
    return powers / xp.sum(powers, axis=dim, keepdims=True)


class ReLU(Module):
    """The positive part.

    Forward:
        y = max(0, x)

    Backward:
        ∂L/∂x = ∂L/∂y · [x > 0]

    At the kink:
        The slope at x = 0 is 0, as in torch; the course's slide says 1.

    Torch:
        `torch.nn.ReLU`; `inplace` does not exist here.
    """

    def forward(self, x: Array) -> Array:
        xp = floating_namespace("ReLU", x=x)
        self.saved = x
        return xp.where(x <= 0, xp.zeros_like(x), x)

    def backward(self, grad_output: Array) -> Array:
        x = self.saved
        xp = _matching("ReLU", x, grad_output)
        return xp.where(x <= 0, xp.zeros_like(x), grad_output)


class LeakyReLU(Module):
    """The positive part, and a little of the negative one.

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

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = real_number("LeakyReLU", "negative_slope", negative_slope)

    def forward(self, x: Array) -> Array:
        xp = floating_namespace("LeakyReLU", x=x)
        self.saved = x
        return xp.where(x > 0, x, self.negative_slope * x)

    def backward(self, grad_output: Array) -> Array:
        x = self.saved
        xp = _matching("LeakyReLU", x, grad_output)
        return xp.where(x > 0, grad_output, self.negative_slope * grad_output)


class Step(Module):
    """Fires or does not: the perceptron's own activation.

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
        xp = floating_namespace("Step", x=x)
        self.saved = x
        return xp.astype(x > 0, x.dtype)

    def backward(self, grad_output: Array) -> Array:
        xp = _matching("Step", self.saved, grad_output)
        return xp.zeros_like(grad_output)


class Sigmoid(Module):
    """Squeezes every number into (0, 1).

    Forward:
        y = 1 / (1 + e⁻ˣ)

    Backward:
        ∂L/∂x = ∂L/∂y · y (1 − y)

    Stability:
        Only e^-|x| is computed; saturates to 0 and 1 without overflow.

    Torch:
        `torch.nn.Sigmoid`.
    """

    def forward(self, x: Array) -> Array:
        y = sigmoid(x)
        self.saved = y
        return y

    def backward(self, grad_output: Array) -> Array:
        y = self.saved
        _matching("Sigmoid", y, grad_output)
        return grad_output * (y * (1 - y))


class Tanh(Module):
    """Squeezes every number into (−1, 1), odd about 0.

    Forward:
        y = tanh x

    Backward:
        ∂L/∂x = ∂L/∂y · (1 − y²)

    Torch:
        `torch.nn.Tanh`.
    """

    def forward(self, x: Array) -> Array:
        y = floating_namespace("Tanh", x=x).tanh(x)
        self.saved = y
        return y

    def backward(self, grad_output: Array) -> Array:
        y = self.saved
        _matching("Tanh", y, grad_output)
        return grad_output * (1 - y * y)


class Softmax(Module):
    """Turns numbers into shares that are positive and add to 1 along `dim`.

    Forward:
        yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)

    Backward:
        ∂L/∂xᵢ = yᵢ (∂L/∂yᵢ − Σⱼ ∂L/∂yⱼ yⱼ)

    Stability:
        The maximum is taken out of x first.

    Args:
        dim: the dimension that adds to 1; must be given.

    Torch:
        `torch.nn.Softmax`, whose guess of `dim` when it is None is deprecated and
        refused here. As there, a single number x () has the dimension 0 or −1.
    """

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        axis = _valid_axis("Softmax", x, self.dim)
        y = softmax(x, axis)
        self.saved = y, axis
        return y

    def backward(self, grad_output: Array) -> Array:
        y, axis = self.saved
        xp = _matching("Softmax", y, grad_output)
        mean = xp.sum(grad_output * y, axis=axis, keepdims=True)
        return y * (grad_output - mean)


class LogSoftmax(Module):
    """The logarithm of the softmax, without ever forming a small share.

    Forward:
        yᵢ = xᵢ − log Σⱼ exp(xⱼ)

    Backward:
        ∂L/∂xᵢ = ∂L/∂yᵢ − exp(yᵢ) Σⱼ ∂L/∂yⱼ

    Stability:
        The maximum is taken out of x first.

    Args:
        dim: the dimension whose shares add to 1; must be given.

    Torch:
        `torch.nn.LogSoftmax`; see `Softmax` for `dim`.
    """

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def forward(self, x: Array) -> Array:
        axis = _valid_axis("LogSoftmax", x, self.dim)
        y = log_softmax(x, axis)
        self.saved = y, axis
        return y

    def backward(self, grad_output: Array) -> Array:
        y, axis = self.saved
        xp = _matching("LogSoftmax", y, grad_output)
        total = xp.sum(grad_output, axis=axis, keepdims=True)
        return grad_output - xp.exp(y) * total


def _matching(owner: str, like: Array, grad_output: Array) -> Array:
    """The namespace, once `grad_output` is known to fit the forward pass."""
    require_shape(owner, "grad_output", grad_output, like.shape)
    return floating_namespace(owner, x=like, grad_output=grad_output)


def _valid_axis(owner: str, x: Array, dim: int | None) -> int | None:
    """The axis to add along; None, which is all of x, where x is a single number."""
    floating_namespace(owner, x=x)
    ndim = max(x.ndim, 1)  # torch, too, lets a single number have a dimension 0
    if dim is None or not -ndim <= dim < ndim:
        raise ValueError(
            f"{owner}: dim must be a dimension of x, which has shape "
            f"{tuple(x.shape)}; got dim={dim}"
        )
    return dim if x.ndim else None
