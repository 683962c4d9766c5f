"""Where an optimiser goes under the same random gradients: a file's, torch's, wrong."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import to_numpy

STEPS = 6
WITHOUT = range(2, 4)
"""The steps in which the last parameter has no gradient, where that is tried."""
Shapes = tuple[tuple[int, ...], ...]
Path = list[np.ndarray]
"""All parameters in one array, after every step."""


@dataclass
class Trajectory:
    """Where an optimiser went."""

    path: Path
    mutated: bool = False  # whether it changed a gradient
    kept: bool = False  # whether `zero_grad` left a gradient that is not 0


@dataclass(frozen=True)
class Situation:
    """What is done to an optimiser while it runs."""

    new_lr: float | None = None  # the learning rate after half of the steps
    scale: float = 1.0  # of the gradients
    without: bool = False  # whether a parameter has no gradient for some steps


def gradients(
    shapes: Shapes, dtype: str = "float64", scale: float = 1.0
) -> Iterator[list[np.ndarray]]:
    """The gradients of every step."""
    rng = np.random.default_rng(5)
    for _ in range(STEPS):
        yield [(scale * rng.normal(size=shape)).astype(dtype) for shape in shapes]


def start(shapes: Shapes, dtype: str = "float64") -> list[np.ndarray]:
    """The parameters before the first step."""
    rng = np.random.default_rng(4)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def trajectory(
    make: Callable[..., Any],
    options: Mapping[str, Any],
    shapes: Shapes,
    dtype: str = "float64",
    situation: Situation = Situation(),
    give: Callable[[np.ndarray], Any] = np.array,
    parameter: Callable[[Any], Any] = handmade.nn.Parameter,
) -> Trajectory:
    """Where an optimiser of such parameters goes; `give` makes an array of its library."""
    params = [parameter(give(a)) for a in start(shapes, dtype)]
    optimizer = make(params, **options)
    found = Trajectory([])
    for number, given in enumerate(gradients(shapes, dtype, situation.scale)):
        if number == STEPS // 2 and situation.new_lr is not None:
            if hasattr(optimizer, "set_lr"):
                optimizer.set_lr(situation.new_lr)
            for group in getattr(optimizer, "param_groups", []):
                group["lr"] = situation.new_lr
        optimizer.zero_grad()
        kept = [p.grad for p in params if p.grad is not None]
        found.kept |= any(bool(np.any(to_numpy(gradient))) for gradient in kept)
        for p, gradient in zip(params, given, strict=True):
            p.grad = give(gradient)
        if situation.without and number in WITHOUT:
            params[-1].grad = None
        optimizer.step()
        found.mutated |= any(
            p.grad is not None and not np.array_equal(to_numpy(p.grad), gradient)
            for p, gradient in zip(params, given, strict=True)
        )
        data = [np.ravel(to_numpy(p.data)) for p in params]
        found.path.append(np.concatenate(data))
    return found


def torchs_path(
    name: str,
    options: Mapping[str, Any],
    shapes: Shapes,
    situation: Situation = Situation(),
) -> Path:
    """Where torch's optimiser of this name goes."""
    make, on_torch = getattr(torch_ref.optim, name), (torch.tensor, torch.nn.Parameter)
    return trajectory(make, options, shapes, "float64", situation, *on_torch).path
