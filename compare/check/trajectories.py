"""Where optimisers go under the same random gradients: a file's, torch's, wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.check.mistakes.optimizers import Options, all_options, wrong_steps

STEPS = 6
Shapes = tuple[tuple[int, ...], ...]
Path = list[np.ndarray]
"""All parameters in one array, after every step."""


@dataclass(frozen=True)
class Trajectory:
    """Where an optimiser went.

    Args:
        path: its parameters after every step.
        mutated: whether it changed a gradient.
        kept: whether `zero_grad` left a gradient that is not 0.
    """

    path: Path
    mutated: bool = False
    kept: bool = False


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
) -> Trajectory:
    """Where a hand-written optimiser goes; half-way its learning rate may change."""
    params = [handmade.nn.Parameter(a) for a in start(shapes, dtype)]
    optimizer = make(params, **options)
    path, mutated, kept = [], False, False
    for number, given in enumerate(gradients(shapes, dtype)):
        if number == STEPS // 2 and new_lr is not None:
            _set_lr(optimizer, new_lr)
        if hasattr(optimizer, "zero_grad"):
            optimizer.zero_grad()
        else:
            for parameter in params:
                parameter.grad = None
        for parameter, gradient in zip(params, given, strict=True):
            kept |= parameter.grad is not None and bool(np.any(parameter.grad))
            parameter.grad = gradient.copy()
        optimizer.step()
        mutated |= any(
            not np.array_equal(p.grad, g)
            for p, g in zip(params, given, strict=True)
            if p.grad is not None
        )
        path.append(_joined([np.array(p.data) for p in params]))
    return Trajectory(path, mutated, kept)


def torchs_path(
    name: str, options: Options, shapes: Shapes, new_lr: float | None = None
) -> Path:
    """Where torch's optimiser of this name goes."""
    backend = Backend("torch")
    params = [backend.torch(a).requires_grad_() for a in start(shapes)]
    optimizer = getattr(torch_ref.optim, name)(params, **options)
    path = []
    for number, given in enumerate(gradients(shapes)):
        if number == STEPS // 2 and new_lr is not None:
            _set_lr(optimizer, new_lr)
        for parameter, gradient in zip(params, given, strict=True):
            parameter.grad = backend.torch(gradient)
        optimizer.step()
        path.append(_joined([to_numpy(p).copy() for p in params]))
    return path


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


def _set_lr(optimizer: Any, lr: float) -> None:
    if hasattr(optimizer, "param_groups"):
        for group in optimizer.param_groups:
            group["lr"] = lr
    else:
        optimizer.lr = lr


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(a) for a in arrays])
