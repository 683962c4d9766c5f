"""Quantisation: weights stored in few bits or as short floats, by torch's rounding."""

from typing import NamedTuple

import torch
from torch import Tensor

from torch_ref._checks import quantisation_bits

FLOATS = {"float32": 32, "float16": 16, "bfloat16": 16}
"""Bits of each floating-point type that weights are stored as."""


class Quantized(NamedTuple):
    """Quantised weights: used = stored · scale.

    Attributes:
        stored: integers, in the shape of the weights.
        scale: the value of a stored 1, shape ().
        used: the weights that the layer computes with.
    """

    stored: Tensor
    scale: Tensor
    used: Tensor


def quantize(weight: Tensor, bits: int | str) -> Quantized:
    """Round each weight to the nearest multiple of one scale.

    Args:
        weight: a floating-point tensor of any shape.
        bits: 2 to 24, "ternary" (−1, 0, 1) or "binary" (−1, 1).

    Raises:
        TypeError: `bits` is neither a whole number nor a string.
        ValueError: `bits` is another, or there is no weight, or one is not finite.
    """
    bits = quantisation_bits("quantize", bits)
    if weight.numel() == 0:
        raise ValueError(f"quantize: no weight in shape {tuple(weight.shape)}")
    if not weight.isfinite().all():
        raise ValueError("quantize: every weight must be finite, got NaN or infinity")
    most = 1 if isinstance(bits, str) else 2 ** (bits - 1) - 1
    size = weight.detach().abs()
    scale = _scale(size, bits)
    if bits == "binary":
        steps = torch.ones_like(size).copysign(weight + 0.0)  # −0.0 + 0.0 is 0.0
    elif scale == 0:
        steps = torch.zeros_like(size)
    else:
        steps = weight.detach().div(scale).round().clamp(-most, most)
    integers = (torch.int8, torch.int16, torch.int32)
    dtype = next(t for t in integers if torch.iinfo(t).max >= most)
    return Quantized(steps.to(dtype), scale, steps * scale)


def _scale(size: Tensor, bits: int | str) -> Tensor:
    """Return the mean |weight| for ternary and binary, else the largest / (2ⁿ⁻¹ − 1).

    It is clamped so that no multiple overflows and no division underflows.
    """
    largest, finfo = size.amax(), torch.finfo(size.dtype)
    if isinstance(bits, str):
        power = 2.0**64 if largest > 1 else 1.0  # so that no sum is infinite
        scale = size.div(power).mean().clamp(max=largest.div(power)).mul(power)
    else:
        most = 2 ** (bits - 1) - 1
        scale = largest.div(most).clamp(max=finfo.max / most * (1 - finfo.eps))
    return scale.clamp(min=largest.clamp(max=finfo.smallest_normal * finfo.eps))


def rounded(values: Tensor, name: str) -> Tensor:
    """Round to the floating-point type `name`, and return in the dtype of `values`.

    Raises:
        ValueError: `name` is not in `FLOATS`, or a value is beyond its range.
    """
    if name not in FLOATS:
        known = ", ".join(FLOATS)
        raise ValueError(f"rounded: expected one of {known}, got {name!r}")
    dtype = getattr(torch, name)
    if not (values.abs() <= (largest := torch.finfo(dtype).max)).all():
        raise ValueError(f"rounded: {name} holds numbers up to ±{largest:g}")
    return values.to(torch.float32).to(dtype).to(values.dtype)


def quantized_state_dict(
    state_dict: dict[str, Tensor], bits: int | str
) -> dict[str, Tensor]:
    """Return the state with its tensors of two or more dimensions quantised.

    A floating-point type (`FLOATS`) rounds every floating-point tensor instead.
    """
    new = dict(state_dict)
    for name, tensor in state_dict.items():
        if bits in FLOATS and tensor.is_floating_point():
            new[name] = rounded(tensor, str(bits))
        elif bits not in FLOATS and tensor.dim() >= 2:
            new[name] = quantize(tensor, bits).used
    return new


def model_bytes(state_dict: dict[str, Tensor], bits: int | str) -> int:
    """Count the bytes of the packed weights, their scales, and the rest as float32."""
    sizes = [(t.numel(), t.dim() >= 2) for t in state_dict.values()]
    if bits in FLOATS:
        return sum(count for count, _ in sizes) * FLOATS[str(bits)] // 8
    bits = quantisation_bits("model_bytes", bits)
    # (weights a group, bytes a group): 5 ternary weights fit a byte, as 3⁵ ≤ 256.
    group, size = {"ternary": (5, 1), "binary": (8, 1)}.get(str(bits), (8, bits))
    packed = [-(-count * int(size) // group) + 4 for count, matrix in sizes if matrix]
    return sum(packed) + sum(4 * count for count, matrix in sizes if not matrix)


__all__ = [
    "Quantized",
    "model_bytes",
    "quantize",
    "quantized_state_dict",
    "rounded",
]
