"""Quantisation: integers with one scale, or floating-point numbers of fewer digits."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from handmade._array import Array, array_namespace, check, holds
from handmade._bits import FLOATS, known_bits, known_float

DIGITS = {"float32": (24, -126), "float16": (11, -14), "bfloat16": (8, -126)}
"""How many binary digits a number has, and the exponent of the smallest that has
them all; below, the spacing stays the same."""
LARGEST = {
    "float32": 2.0**127 * (2 - 2.0**-23),
    "float16": 2.0**15 * (2 - 2.0**-10),
    "bfloat16": 2.0**127 * (2 - 2.0**-7),
}
BYTES_OF_SCALE = 4


class Quantized(NamedTuple):
    """A quantised array: what is stored, and what a layer computes with.

    Args:
        stored: whole numbers, int8 where they fit, of the weights' shape.
        scale: the value of a stored 1, an array of one number.
        used: stored · scale, in the dtype of the weights.
    """

    stored: Array
    scale: Array
    used: Array


def quantize(weight: Array, bits: int | str) -> Quantized:
    """Round each weight to the nearest of a few evenly spaced values.

    Forward:
        n bits      s = max |w| / m    q = round(w / s)               m = 2ⁿ⁻¹ − 1
        "ternary"   s = mean |w|       q = round(w / s), at most ±1
        "binary"    s = mean |w|       q = 1 where w ≥ 0, else −1
        used = q s

    Backward:
        None here: round has the slope 0 nearly everywhere. What trains through it is
        `nn.QuantizedLinear`.

    At the kink:
        Half way between two, the even one is taken, as round does in NumPy and torch.
        A weight of 0 is 1 in binary, which has no other number for it (−0.0, too).

    Stability:
        Where all weights are 0, s = 0 and nothing is divided by it. Otherwise s is at
        least the smallest number above 0, and m s at most the largest of the dtype:
        at both ends s gives way, so that q and q s stay finite.

    Args:
        weight: at least one finite number.
        bits: n from 2 to 24, "ternary" (log₂ 3 = 1.58 bits) or "binary".

    Raises:
        TypeError: `weight` is neither float32 nor float64, or `bits` is no whole
            number and no string.
        ValueError: `bits` is unknown, or a weight is NaN or infinite.

    Torch:
        None with these scales; given s, `torch.fake_quantize_per_tensor_affine` with
        zero point 0 gives the same but for ties (it multiplies by 1/s).

    Source:
        Ternary: Ma et al., "The Era of 1-bit LLMs" (2024). Binary: Rastegari et al.,
        "XNOR-Net" (2016).
    """
    xp, bits = _asked(weight, bits)
    most = 1 if isinstance(bits, str) else 2 ** (bits - 1) - 1
    size = xp.abs(weight)
    scale = _scale(xp, size, bits)
    if bits == "binary":
        steps = xp.where(weight >= 0, xp.ones_like(size), -xp.ones_like(size))
    else:
        divisor = xp.where(scale > 0, scale, xp.ones_like(scale))
        steps = xp.clip(xp.round(weight / divisor), -most, most)
    return Quantized(xp.astype(steps, _smallest(xp, most)), scale, steps * scale)


def _scale(xp: Any, size: Array, bits: int | str) -> Array:
    """The scale of the absolute weights, kept within what the dtype can hold."""
    finfo, largest = xp.finfo(size.dtype), xp.max(size)
    if isinstance(bits, str):
        scale = _mean(xp, size, largest)
    else:
        most = 2 ** (bits - 1) - 1
        top = float(finfo.max) / most * (1 - float(finfo.eps))
        scale = xp.clip(largest / most, None, top)
    least = float(finfo.smallest_normal) * float(finfo.eps)
    return xp.maximum(scale, xp.clip(largest, None, least))


def _mean(xp: Any, size: Array, largest: Array) -> Array:
    """The mean, though the sum may be too large; a power of 2 rounds nothing."""
    one = xp.ones_like(largest)
    shrunk = xp.where(largest > 1, 2.0**-64 * one, one)
    return xp.minimum(xp.mean(size * shrunk), largest * shrunk) / shrunk


def _asked(weight: Array, bits: Any) -> tuple[Any, int | str]:
    """The array library and the bits, if both make sense."""
    xp = check("quantize", weight=weight)
    bits = known_bits("quantize", bits)
    if math.prod(weight.shape) == 0:
        raise ValueError(
            f"quantize: weight must hold at least one number, "
            f"got shape {tuple(weight.shape)}"
        )
    if holds(xp.any(~xp.isfinite(weight))):
        raise ValueError("quantize: every weight must be finite, got NaN or infinity")
    return xp, bits


def _smallest(xp: Any, most: int) -> Any:
    """The shortest integer type of the array library that holds `most`."""
    if most < 2**7:
        return xp.int8
    return xp.int16 if most < 2**15 else xp.int32


def rounded(values: Array, name: str) -> Array:
    """The nearest numbers of a shorter floating-point type, in the dtype as given.

    Forward:
        2ᵉ ≤ |v| < 2ᵉ⁺¹,  h = 2ᵉ⁺¹⁻ᵈ for d digits,  y = h · round(v / h)

    At the kink:
        Half way between two, the even one.

    Stability:
        All divisors are powers of 2, so nothing but the wanted rounding happens. What
        is float64 is rounded to float32 first, as in torch.

    Args:
        values: what to round.
        name: "float32" (d = 24), "float16" (11) or "bfloat16" (8).

    Raises:
        TypeError: `values` is neither float32 nor float64.
        ValueError: `name` is another, or a value is NaN or too large for it.

    Torch:
        `values.float().to(torch.bfloat16).to(values.dtype)`, where what is too large
        may become infinite; refused here.

    Source:
        2ᵉ without a logarithm: Rump, Ogita & Oishi, SIAM J. Sci. Comput. 31 (2008).
    """
    xp = check("rounded", values=values)
    digits, least = DIGITS[known_float("rounded", name)]
    if not bool(xp.all(xp.abs(values) <= LARGEST[name])):
        raise ValueError(
            f"rounded: {name} holds numbers up to ±{LARGEST[name]:g}; "
            f"values has a larger one, or NaN"
        )
    x = xp.astype(xp.astype(values, xp.float32), xp.float64)
    q = (2.0**52 + 1) * x
    power = xp.abs(q - (1 - 2.0**-53) * q)
    spacing = xp.clip(power, 2.0**least, None) * 2.0 ** (1 - digits)
    return xp.astype(xp.round(x / spacing) * spacing, values.dtype)


def quantized_state_dict(
    state_dict: dict[str, Array], bits: int | str
) -> dict[str, Array]:
    """A model's state with quantised weights.

    Quantised is every array of two or more dimensions, each with a scale of its own;
    biases stay. "float32", "float16" and "bfloat16" round all that is floating.

    Args:
        state_dict: by name, as a module gives it; not changed.
        bits: as in `quantize`, or the name of a floating-point type.
    """
    _require_arrays("quantized_state_dict", state_dict)
    if isinstance(bits, str) and bits in FLOATS:
        return {name: _shortened(a, bits) for name, a in state_dict.items()}
    return {
        name: quantize(a, bits).used if a.ndim > 1 else a
        for name, a in state_dict.items()
    }


def _shortened(array: Array, name: str) -> Array:
    return rounded(array, name) if "float" in str(array.dtype) else array


def model_bytes(state_dict: dict[str, Array], bits: int | str) -> int:
    """The size of a model in bytes: packed weights, and one scale for each array.

    Five ternary weights fit into one byte, 3⁵ = 243 ≤ 2⁸. What is not quantised
    (arrays of one dimension, as biases) and each scale is float32.

    Args:
        state_dict: by name, as a module gives it.
        bits: as in `quantized_state_dict`.

    Example:
        A layer of 64 inputs and 128 outputs has 8192 weights and 128 biases:

        >>> import numpy as np
        >>> layer = {"weight": np.ones((128, 64)), "bias": np.ones(128)}
        >>> model_bytes(layer, "float32"), model_bytes(layer, 4)
        (33280, 4612)
    """
    _require_arrays("model_bytes", state_dict)
    if isinstance(bits, str) and bits in FLOATS:
        count = sum(math.prod(a.shape) for a in state_dict.values())
        return count * FLOATS[bits] // 8
    bits = known_bits("model_bytes", bits)
    return sum(_bytes(a, bits) for a in state_dict.values())


def _require_arrays(owner: str, state_dict: Any) -> None:
    """Refuse what is no dict of arrays."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"{owner}: state_dict must be a dict, got {type(state_dict).__name__}"
        )
    for name, array in state_dict.items():  # pyright: ignore[reportUnknownVariableType]
        array_namespace(owner, **{str(name): array})  # pyright: ignore[reportUnknownArgumentType]


def _bytes(array: Array, bits: int | str) -> int:
    count = math.prod(array.shape)
    if array.ndim < 2:
        return 4 * count
    if bits == "ternary":
        return math.ceil(count / 5) + BYTES_OF_SCALE
    width = 1 if isinstance(bits, str) else bits
    return math.ceil(count * width / 8) + BYTES_OF_SCALE


__all__ = [
    "Quantized",
    "model_bytes",
    "quantize",
    "quantized_state_dict",
    "rounded",
]
