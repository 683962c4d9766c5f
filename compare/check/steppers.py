"""Optimisers, right and wrong: what each known mistake would do to the parameters."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.check.mistakes import Mistake, mistakes
from compare.check.rules import RULES, Options

STEPS = 6
RIGHT = Mistake("none")
NAN = ("step from 0", "unsquared", "not squared")
"""Mistakes that divide by 0, or take the root of what is below 0, from the start."""
Shapes = tuple[tuple[int, ...], ...]
Path = list[np.ndarray]
"""All parameters in one array, after every step."""


@dataclass(frozen=True)
class Walk:
    """An optimiser's way under the same random gradients.

    Args:
        path: where it came through.
        mutated: whether it changed a gradient.
        kept: whether `zero_grad` left a gradient that is not 0.
    """

    path: Path
    mutated: bool = False
    kept: bool = False


def gradients(shapes: Shapes, dtype: str = "float64") -> Iterator[list[np.ndarray]]:
    """The same random gradients for everybody."""
    rng = np.random.default_rng(5)
    for _ in range(STEPS):
        yield [rng.normal(size=shape).astype(dtype) for shape in shapes]


def start(shapes: Shapes, dtype: str = "float64") -> list[np.ndarray]:
    """Where everybody starts."""
    rng = np.random.default_rng(4)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def walked(
    make: Callable[..., Any],
    options: Options,
    shapes: Shapes,
    dtype: str = "float64",
    new_lr: float | None = None,
) -> Walk:
    """Let a hand-written optimiser step; half-way its learning rate may change."""
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
    return Walk(path, mutated, kept)


def torchs_path(
    name: str, options: Options, shapes: Shapes, new_lr: float | None = None
) -> Path:
    """Where torch's optimiser comes through."""
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


def mistaken(
    name: str, options: Options, shapes: Shapes, new_lr: float | None
) -> Iterator[tuple[str, Path]]:
    """Every named mistake that an optimiser can make with these options, its path."""
    options = whole(name, options)
    for mistake in mistakes(name, options):
        # Where a mistake grows without bound, its path is no explanation.
        with np.errstate(all="ignore"):
            path = ruled(name, options, shapes, new_lr, mistake)
        if mistake.what in NAN or np.all(np.isfinite(path)):
            yield mistake.name, path


def whole(name: str, options: Options) -> dict[str, Any]:
    """These options and the defaults of all others."""
    given = inspect.signature(getattr(handmade.optim, name)).parameters.values()
    defaults = {p.name: p.default for p in given if p.name != "params"}
    decoupled = {"decoupled_weight_decay": True} if name == "AdamW" else {}
    return {**defaults, **decoupled, **options}


def ruled(
    name: str,
    options: dict[str, Any],
    shapes: Shapes,
    new_lr: float | None = None,
    mistake: Mistake = RIGHT,
) -> Path:
    """Where the rule comes through that has this mistake."""
    params = start(shapes)
    memories = [{"number": i, "of": len(params)} for i in range(len(params))]
    path = []
    for number, given in enumerate(gradients(shapes)):
        if number == STEPS // 2 and new_lr is not None:
            options = {**options, "lr": new_lr}
        read = mistake.changed(options)
        for i, (theta, g, memory) in enumerate(
            zip(params, given, memories, strict=True)
        ):
            memory["steps"] = number
            params[i] = RULES[name](theta, g, memory, read, mistake.what)
        path.append(_joined(params))
    return path


def _set_lr(optimizer: Any, lr: float) -> None:
    if hasattr(optimizer, "param_groups"):
        for group in optimizer.param_groups:
            group["lr"] = lr
    else:
        optimizer.lr = lr


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(a) for a in arrays])
