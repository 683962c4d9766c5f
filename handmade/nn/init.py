"""Weight initialisation.

All numbers come from the generator that `handmade.manual_seed` starts, in float32, so
that both precisions begin alike. Each function gives the parameter new data of the same
shape, dtype, library and device, and returns it; torch's `generator` does not exist.

σ is a standard deviation, i and o are a weight's fans: how many numbers each output is
made from (fan_in), and how many each input goes into (fan_out).
"""

import math
from typing import Any

import numpy as np

from handmade import _random
from handmade._array import check, converted
from handmade._numbers import at_least, choice, real_number
from handmade.nn.module import Parameter

_CONVOLUTIONS = [f"conv{way}{d}d" for way in ("", "_transpose") for d in (1, 2, 3)]
_GAINS = {
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
    **dict.fromkeys(["linear", *_CONVOLUTIONS, "sigmoid"], 1.0),
}
_RAREST = 0.01
"""How often a draw must fall between the bounds of `trunc_normal_`."""


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights compensate for a nonlinearity.

    Forward:
        1 for linear layers and sigmoid, 5/3 for tanh, √2 for relu, 3/4 for selu,
        √(2 / (1 + a²)) for leaky_relu of slope a

    Args:
        nonlinearity: in torch's spelling.
        param: a, 0.01 unless given; the others have none, and ignore it.

    Raises:
        ValueError: the nonlinearity is none of these.

    Torch:
        `torch.nn.init.calculate_gain`.
    """
    owner = "calculate_gain"
    choice(owner, "nonlinearity", nonlinearity, [*_GAINS, "leaky_relu"])
    if nonlinearity != "leaky_relu":
        return _GAINS[nonlinearity]
    slope = real_number(owner, "param", 0.01 if param is None else param)
    return math.sqrt(2.0 / (1 + slope * slope))


def uniform_(tensor: Parameter, a: float = 0.0, b: float = 1.0) -> Parameter:
    """Draw from U(a, b).

    Raises:
        ValueError: a > b, or one of them is infinite or NaN.

    Torch:
        `torch.nn.init.uniform_`.
    """
    owner = "uniform_"
    shape = _shape(owner, tensor)
    low, high = real_number(owner, "a", a), real_number(owner, "b", b)
    if not 0 <= high - low < math.inf:
        raise ValueError(
            f"{owner}: a and b must be finite, a no more than b, got {a} and {b}"
        )
    return _filled(tensor, _random.uniform(low, high, shape))


def normal_(tensor: Parameter, mean: float = 0.0, std: float = 1.0) -> Parameter:
    """Draw from N(mean, σ²).

    Args:
        tensor: the parameter.
        mean: the middle.
        std: σ, at least 0.

    Torch:
        `torch.nn.init.normal_`.
    """
    owner = "normal_"
    shape = _shape(owner, tensor)
    middle, spread = real_number(owner, "mean", mean), at_least(owner, "std", std, 0)
    return _filled(tensor, _random.normal(middle, spread, shape))


def trunc_normal_(
    tensor: Parameter,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
) -> Parameter:
    """Draw from N(mean, σ²), truncated to [a, b].

    Args:
        tensor: the parameter.
        mean: the middle.
        std: σ, positive.
        a: the least.
        b: the largest.

    Raises:
        ValueError: fewer than one draw in a hundred would fall between a and b.

    Torch:
        `torch.nn.init.trunc_normal_`, which also draws from far tails.
    """
    owner = "trunc_normal_"
    shape = _shape(owner, tensor)
    mean = real_number(owner, "mean", mean)
    a, b = real_number(owner, "a", a), real_number(owner, "b", b)
    if at_least(owner, "std", std, 0) == 0:
        raise ValueError(f"{owner}: std must be positive, got {std}")
    low, high = (math.erf((x - mean) / std / math.sqrt(2)) / 2 for x in (a, b))
    if not high - low >= _RAREST:
        raise ValueError(
            f"{owner}: N({mean}, {std}²) hardly ever falls between a = {a} and b = {b}"
        )
    values = _random.normal(mean, std, shape)
    while np.any(outside := (values < a) | (values > b)):
        values = np.where(outside, _random.normal(mean, std, shape), values)
    return _filled(tensor, values)


def constant_(tensor: Parameter, val: float) -> Parameter:
    """Set every number to `val`.

    Torch:
        `torch.nn.init.constant_`.
    """
    shape = _shape("constant_", tensor)
    return _filled(tensor, np.full(shape, real_number("constant_", "val", val)))


def ones_(tensor: Parameter) -> Parameter:
    """Set every number to 1.

    Torch:
        `torch.nn.init.ones_`.
    """
    return _filled(tensor, np.ones(_shape("ones_", tensor)))


def zeros_(tensor: Parameter) -> Parameter:
    """Set every number to 0.

    Torch:
        `torch.nn.init.zeros_`.
    """
    return _filled(tensor, np.zeros(_shape("zeros_", tensor)))


def eye_(tensor: Parameter) -> Parameter:
    """Set to the identity matrix.

    Raises:
        ValueError: the parameter does not have two dimensions.

    Torch:
        `torch.nn.init.eye_`.
    """
    shape = _shape("eye_", tensor)
    if len(shape) != 2:
        raise ValueError(f"eye_: expected two dimensions, got shape {shape}")
    return _filled(tensor, np.eye(*shape))


def xavier_uniform_(tensor: Parameter, gain: float = 1.0) -> Parameter:
    """Glorot initialisation with a uniform distribution.

    Forward:
        U(−√3 σ, √3 σ) with σ = gain √(2 / (i + o))

    Args:
        tensor: the parameter, of two or more dimensions.
        gain: at least 0; see `calculate_gain`.

    Torch:
        `torch.nn.init.xavier_uniform_`.

    Source:
        Glorot and Bengio 2010.
    """
    bound = math.sqrt(3.0) * _xavier_std("xavier_uniform_", tensor, gain)
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Parameter, gain: float = 1.0) -> Parameter:
    """Glorot initialisation with a normal distribution.

    Forward:
        N(0, σ²) with σ = gain √(2 / (i + o))

    Args:
        tensor: the parameter, of two or more dimensions.
        gain: at least 0; see `calculate_gain`.

    Torch:
        `torch.nn.init.xavier_normal_`.

    Source:
        Glorot and Bengio 2010.
    """
    return normal_(tensor, 0.0, _xavier_std("xavier_normal_", tensor, gain))


def kaiming_uniform_(
    tensor: Parameter,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
) -> Parameter:
    """He initialisation with a uniform distribution.

    Forward:
        U(−√3 σ, √3 σ) with σ = gain / √i (or √o)

    Args:
        tensor: the parameter, of two or more dimensions.
        a: the slope of leaky_relu; 0 makes it relu.
        mode: "fan_in" for √i, which keeps signals; "fan_out" for √o: gradients.
        nonlinearity: what follows; see `calculate_gain`.

    Torch:
        `torch.nn.init.kaiming_uniform_`.

    Source:
        He et al. 2015.
    """
    owner = "kaiming_uniform_"
    bound = math.sqrt(3.0) * _kaiming_std(owner, tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(
    tensor: Parameter,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
) -> Parameter:
    """He initialisation with a normal distribution.

    Forward:
        N(0, σ²) with σ = gain / √i (or √o)

    Args:
        tensor: the parameter, of two or more dimensions.
        a: the slope of leaky_relu; 0 makes it relu.
        mode: "fan_in" for √i, which keeps signals; "fan_out" for √o: gradients.
        nonlinearity: what follows; see `calculate_gain`.

    Torch:
        `torch.nn.init.kaiming_normal_`.

    Source:
        He et al. 2015.
    """
    std = _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity)
    return normal_(tensor, 0.0, std)


def orthogonal_(tensor: Parameter, gain: float = 1) -> Parameter:
    """Draw a random orthogonal matrix, which preserves lengths.

    Forward:
        Z = Q R with Z from N(0, 1); Q with its columns times the signs of diag R

    Shape:
        The first dimension against all others together; with fewer rows than columns
        the rows are orthonormal, else the columns.

    Stability:
        Without the signs Q would depend on how the library factorises.

    Args:
        tensor: the parameter, of two or more dimensions.
        gain: multiplies it.

    Torch:
        `torch.nn.init.orthogonal_`.

    Source:
        Saxe et al. 2013; the signs are Mezzadri's, 2007.
    """
    owner = "orthogonal_"
    rows, *others = _matrix(owner, tensor)
    columns, gain = math.prod(others), real_number(owner, "gain", gain)
    long, short = max(rows, columns), min(rows, columns)
    z = _random.normal(0.0, 1.0, (long, short)).astype(np.float64)
    q, r = np.linalg.qr(z)
    q = q * np.sign(np.diagonal(r))
    q = q.T if rows < columns else q
    return _filled(tensor, gain * np.reshape(q, tensor.shape))


def _shape(owner: str, tensor: Any) -> tuple[int, ...]:
    """The shape of what must be a Parameter of float32 or float64."""
    if not isinstance(tensor, Parameter):
        raise TypeError(
            f"{owner}: expected a handmade Parameter, got {type(tensor).__name__}"
        )
    check(owner, tensor=tensor.data)
    return tensor.shape


def _matrix(owner: str, tensor: Parameter) -> tuple[int, ...]:
    """The shape of what must have two dimensions or more, and numbers in it."""
    shape = _shape(owner, tensor)
    if len(shape) < 2 or 0 in shape:
        raise ValueError(
            f"{owner}: expected two or more dimensions, none of size 0, "
            f"got shape {shape}"
        )
    return shape


def _fans(owner: str, tensor: Parameter) -> tuple[int, int]:
    """The i and o of a weight (o, i, …), of a convolution times its window's size."""
    outputs, inputs, *window = _matrix(owner, tensor)
    return inputs * math.prod(window), outputs * math.prod(window)


def _xavier_std(owner: str, tensor: Parameter, gain: float) -> float:
    fan_in, fan_out = _fans(owner, tensor)
    return at_least(owner, "gain", gain, 0) * math.sqrt(2.0 / (fan_in + fan_out))


def _kaiming_std(
    owner: str, tensor: Parameter, a: float, mode: str, nonlinearity: str
) -> float:
    fan_in, fan_out = _fans(owner, tensor)
    mode = choice(owner, "mode", mode, ("fan_in", "fan_out"))
    fan = fan_in if mode == "fan_in" else fan_out
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _filled(tensor: Parameter, values: np.ndarray) -> Parameter:
    """The parameter, with a copy of `values` as its data."""
    tensor.data = converted(np.asarray(values), like=tensor.data)
    return tensor


__all__ = [
    "calculate_gain",
    "constant_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
