"""Where optimisers go under the same random gradients: a file's, torch's, wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from compare.check.mistakes.optimizers import Options, all_options, wrong_steps

STEPS = 6
Shapes = tuple[tuple[int, ...], ...]
Path = list[np.ndarray]
"""All parameters in one array, after every step."""


@dataclass
class Trajectory:
    """Where an optimiser went."""

    path: Path
    mutated: bool = False  # whether it changed a gradient
    kept: bool = False  # whether `zero_grad` left a gradient that is not 0


def gradients(shapes: Shapes, dtype: str = "float64") -> Iterator[list[np.ndarray]]:
    """The gradients of every step."""
    rng = np.random.default_rng(5)
    for _ in range(STEPS):
        yield [rng.normal(size=shape).astype(dtype) for shape in shapes]


def start(shapes: Shapes, dtype: str = "float64") -> list[np.ndarray]:
    """The parameters before the first step."""
    rng = np.random.default_rng(4)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def trajectory(
    make: Callable[..., Any],
    options: Options,
    shapes: Shapes,
    dtype: str = "float64",
    new_lr: float | None = None,
    give: Callable[[np.ndarray], Any] = np.array,
    parameter: Callable[[Any], Any] = handmade.nn.Parameter,
) -> Trajectory:
    """Where an optimiser goes.

    Args:
        make: from parameters and options to the optimiser.
        options: by name.
        shapes: of the parameters.
        dtype: of the parameters and gradients.
        new_lr: the learning rate after half of the steps, if it is to change.
        give: makes an array of the optimiser's library.
        parameter: makes a parameter of an array.
    """
    params = [parameter(give(a)) for a in start(shapes, dtype)]
    optimizer = make(params, **options)
    found = Trajectory([])
    for number, given in enumerate(gradients(shapes, dtype)):
        if number == STEPS // 2 and new_lr is not None:
            if not hasattr(optimizer, "param_groups"):
                optimizer.lr = new_lr
            for group in getattr(optimizer, "param_groups", []):
                group["lr"] = new_lr
        if hasattr(optimizer, "zero_grad"):
            optimizer.zero_grad()
            kept = [p.grad for p in params if p.grad is not None]
            found.kept |= any(bool(np.any(gradient)) for gradient in kept)
        for p, gradient in zip(params, given, strict=True):
            p.grad = give(gradient)
        optimizer.step()
        found.mutated |= any(
            p.grad is not None and not np.array_equal(p.grad, gradient)
            for p, gradient in zip(params, given, strict=True)
        )
        data = [np.ravel(to_numpy(p.data)) for p in params]
        found.path.append(np.concatenate(data))
    return found


def torchs_path(
    name: str, options: Options, shapes: Shapes, new_lr: float | None = None
) -> Path:
    """Where torch's optimiser of this name goes."""
    make, on_torch = getattr(torch_ref.optim, name), (torch.tensor, torch.nn.Parameter)
    return trajectory(make, options, shapes, "float64", new_lr, *on_torch).path


def wrong_paths(
    name: str, options: Options, shapes: Shapes, new_lr: float | None = None
) -> Iterator[tuple[str, Path]]:
    """Every mistake that can be made with these options, and where it leads."""
    options = all_options(name, options)
    for wrong in wrong_steps(name, options):
        make = wrong.optimizer()
        with np.errstate(all="ignore"):
            path = trajectory(make, options, shapes, new_lr=new_lr).path
        # What overflows in time matches anything else that does.
        if np.all(np.isfinite(path)) or not np.all(np.isfinite(path[0])):
            yield wrong.name, path
