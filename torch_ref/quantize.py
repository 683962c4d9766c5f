"""Weights in few bits with torch's own rounding and types."""

from typing import NamedTuple

import torch
from torch import Tensor

from handmade._bits import FLOATS, known_bits, known_float


class Quantized(NamedTuple):
    """Whole numbers, the value of a stored 1, and their product."""

    stored: Tensor
    scale: Tensor
    used: Tensor


def quantize(weight: Tensor, bits: int | str) -> Quantized:
    """Each weight by the nearest of a few evenly spaced values."""
    bits = known_bits("quantize", bits)
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
    fits = (t for t in (torch.int8, torch.int16, torch.int32))
    dtype = next(t for t in fits if torch.iinfo(t).max >= most)
    return Quantized(steps.to(dtype), scale, steps * scale)


def _scale(size: Tensor, bits: int | str) -> Tensor:
    """The mean or the largest share, no larger or smaller than the dtype can use."""
    largest, finfo = size.amax(), torch.finfo(size.dtype)
    if isinstance(bits, str):
        power = 2.0**64 if largest > 1 else 1.0  # so that no sum is infinite
        scale = size.div(power).mean().clamp(max=largest.div(power)).mul(power)
    else:
        most = 2 ** (bits - 1) - 1
        scale = largest.div(most).clamp(max=finfo.max / most * (1 - finfo.eps))
    return scale.clamp(min=largest.clamp(max=finfo.smallest_normal * finfo.eps))


def rounded(values: Tensor, name: str) -> Tensor:
    """To the shorter type and back."""
    dtype = getattr(torch, known_float("rounded", name))
    if not (values.abs() <= (largest := torch.finfo(dtype).max)).all():
        raise ValueError(f"rounded: {name} holds numbers up to ±{largest:g}")
    return values.to(torch.float32).to(dtype).to(values.dtype)


def quantized_state_dict(
    state_dict: dict[str, Tensor], bits: int | str
) -> dict[str, Tensor]:
    """The state with what few bits leave of every array of two or more dimensions."""
    new = dict(state_dict)
    for name, tensor in state_dict.items():
        if bits in FLOATS and tensor.is_floating_point():
            new[name] = rounded(tensor, str(bits))
        elif bits not in FLOATS and tensor.dim() >= 2:
            new[name] = quantize(tensor, bits).used
    return new


def model_bytes(state_dict: dict[str, Tensor], bits: int | str) -> int:
    """The bytes of the packed weights, of a scale each, and of the rest as float32."""
    sizes = [(t.numel(), t.dim() >= 2) for t in state_dict.values()]
    if bits in FLOATS:
        return sum(count for count, _ in sizes) * FLOATS[str(bits)] // 8
    bits = known_bits("model_bytes", bits)
    group, of = {"ternary": (5, 1), "binary": (8, 1)}.get(str(bits), (8, bits))
    packed = [-(-count * int(of) // group) + 4 for count, matrix in sizes if matrix]
    return sum(packed) + sum(4 * count for count, matrix in sizes if not matrix)


__all__ = [
    "Quantized",
    "model_bytes",
    "quantize",
    "quantized_state_dict",
    "rounded",
]
