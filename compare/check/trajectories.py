"""Where an optimiser goes under the same random gradients: a file's, torch's, wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from compare.testing import reference
from compare.testing.reference import Question, Results

STEPS = 6
WITHOUT = range(2, 4)
"""The steps in which the last parameter has no gradient, where that is tried."""
ON_TORCH = torch.tensor, torch.nn.Parameter
"""What makes an array of torch, and a parameter of it."""
Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Steps(Question):
    """Some steps of an optimiser, and what is done to it meanwhile."""

    shapes: Shapes = ()  # of its parameters
    new_lr: float | None = None  # the learning rate after half of the steps
    scale: float = 1.0  # of the gradients
    without: bool = False  # whether a parameter has no gradient for some steps
    dtype: str = "float64"


@dataclass
class Trajectory:
    """Where an optimiser went."""

    path: Results = field(default_factory=dict)  # each parameter after each step
    mutated: bool = False  # whether it changed a gradient
    kept: bool = False  # whether `zero_grad` left a gradient that is not 0


def gradients(steps: Steps) -> Iterator[list[np.ndarray]]:
    """The gradients of every step."""
    rng = np.random.default_rng(5)
    for _ in range(STEPS):
        drawn = (steps.scale * rng.normal(size=shape) for shape in steps.shapes)
        yield [array.astype(steps.dtype) for array in drawn]


def start(steps: Steps) -> list[np.ndarray]:
    """The parameters before the first step."""
    rng = np.random.default_rng(4)
    return [rng.normal(size=shape).astype(steps.dtype) for shape in steps.shapes]


def trajectory(
    make: Callable[..., Any],
    steps: Steps,
    give: Callable[[np.ndarray], Any] = np.array,
    parameter: Callable[[Any], Any] = handmade.nn.Parameter,
) -> Trajectory:
    """Where an optimiser goes; `give` makes an array of its library."""
    params = [parameter(give(a)) for a in start(steps)]
    optimizer = make(params, **steps.kwargs)
    found = Trajectory()
    for number, given in enumerate(gradients(steps)):
        if number == STEPS // 2 and steps.new_lr is not None:
            if hasattr(optimizer, "set_lr"):
                optimizer.set_lr(steps.new_lr)
            for group in getattr(optimizer, "param_groups", []):
                group["lr"] = steps.new_lr
        optimizer.zero_grad()
        kept = [p.grad for p in params if p.grad is not None]
        found.kept |= any(bool(np.any(to_numpy(gradient))) for gradient in kept)
        for p, gradient in zip(params, given, strict=True):
            p.grad = give(gradient)
        if steps.without and number in WITHOUT:
            params[-1].grad = None
        optimizer.step()
        found.mutated |= any(
            p.grad is not None and not np.array_equal(to_numpy(p.grad), gradient)
            for p, gradient in zip(params, given, strict=True)
        )
        for which, p in enumerate(params):
            name = f"params[{which}] after step {number + 1}"
            found.path[name] = np.ravel(to_numpy(p.data)).copy()
    return found


def torchs_path(steps: Steps) -> Results:
    """Where torch's optimiser of this name goes."""
    return reference.call(_torchs_path, steps)


def _torchs_path(steps: Steps) -> Results:
    make = getattr(torch_ref.optim, steps.name)
    return trajectory(make, steps, *ON_TORCH).path
