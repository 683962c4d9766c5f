"""Optimisers, right and wrong: what each known mistake would do to the parameters."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import handmade
import torch_ref
from compare.arrays import Backend, to_numpy

STEPS = 6
SHAPES = ((3, 2), (2,))
Path = list[np.ndarray]
"""All parameters in one array, after every step."""
Options = Mapping[str, Any]


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


def gradients(dtype: str = "float64") -> Iterator[list[np.ndarray]]:
    """The same random gradients for everybody."""
    rng = np.random.default_rng(5)
    for _ in range(STEPS):
        yield [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def start(dtype: str = "float64") -> list[np.ndarray]:
    """Where everybody starts."""
    rng = np.random.default_rng(4)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def walked(
    make: Callable[..., Any],
    options: Options,
    dtype: str = "float64",
    new_lr: float | None = None,
) -> Walk:
    """Let a hand-written optimiser step; half-way its learning rate may change."""
    params = [handmade.nn.Parameter(a) for a in start(dtype)]
    optimizer = make(params, **options)
    path, mutated, kept = [], False, False
    for number, given in enumerate(gradients(dtype)):
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


def torchs_path(name: str, options: Options, new_lr: float | None = None) -> Path:
    """Where torch's optimiser comes through."""
    backend = Backend("torch")
    params = [backend.torch(a).requires_grad_() for a in start()]
    optimizer = getattr(torch_ref.optim, name)(params, **options)
    path = []
    for number, given in enumerate(gradients()):
        if number == STEPS // 2 and new_lr is not None:
            _set_lr(optimizer, new_lr)
        for parameter, gradient in zip(params, given, strict=True):
            parameter.grad = backend.torch(gradient)
        optimizer.step()
        path.append(_joined([to_numpy(p).copy() for p in params]))
    return path


@dataclass
class Sgd:
    """Every number that SGD's rule depends on, so that a mistake is one of them."""

    lr: float = 1e-3
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    maximize: bool = False
    mistake: str = ""

    def path(self, new_lr: float | None = None) -> Path:
        """Where SGD comes through when it makes this mistake."""
        theta, v = _joined(start()), None
        path = []
        for number, given in enumerate(gradients()):
            if number == STEPS // 2 and new_lr is not None:
                self.lr = new_lr
            theta, v = self._step(theta, _joined(given), v)
            path.append(theta)
        return path

    def _step(self, theta: Any, g: Any, v: Any) -> tuple[Any, Any]:
        old, what = v, self.mistake
        decay = self.weight_decay * theta
        g = -g if self.maximize else g
        if what != "decay beside" and what != "decay after":
            g = g + decay
        if not self.momentum:
            late = decay if what.startswith("decay ") else 0
            return theta - self.lr * (g + late), v
        if what == "lr inside":
            g = self.lr * g
        damped = (1 - self.dampening) * g
        if what in ("moving average", "average from zero"):
            damped = (1 - self.momentum) * g
        if old is None:
            v = damped if what in ("zero", "average from zero") else g
        else:
            v = self.momentum * old + damped
        if what == "forgotten" and old is None:
            return theta - self.lr * g, 0 * g
        change = v
        if self.nesterov:
            last = v if old is None else old
            change = {
                "no look ahead": v,
                "swapped": v + self.momentum * g,
                "old velocity": g + self.momentum * last,
                "old zero": g + self.momentum * (0 * g if old is None else old),
            }.get(what, g + self.momentum * v)
        if what == "decay after":
            change = change + decay
        lr = 1.0 if what == "lr inside" else self.lr
        late = self.lr * decay if what == "decay beside" else 0
        return theta - lr * change - late, v


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("weight decay missing", {"weight_decay": 0.0}, ""),
    ("maximize ignored", {"maximize": False}, ""),
    ("dampening", {"dampening": 0.0}, ""),
    ("dampening", {"dampening": "momentum"}, ""),
    ("dampening", {}, "moving average"),
    ("momentum's first step", {}, "zero"),
    ("momentum's first step", {}, "forgotten"),
    ("dampening", {}, "average from zero"),
    ("nesterov", {}, "no look ahead"),
    ("nesterov", {}, "swapped"),
    ("nesterov", {}, "old velocity"),
    ("nesterov", {}, "old zero"),
    ("weight decay decoupled", {}, "decay beside"),
    ("weight decay decoupled", {}, "decay after"),
    ("lr inside the velocity", {}, "lr inside"),
    ("factor 2", {"weight_decay": 2.0}, ""),
    ("sign", {"weight_decay": -1.0}, ""),
    ("factor 2", {"lr": 2.0}, ""),
    ("factor ½", {"lr": 0.5}, ""),
    ("sign", {"lr": -1.0}, ""),
]
"""Name, changed numbers (for lr and weight_decay a factor), mistake in the rule."""


def mistaken(options: Options, new_lr: float | None) -> Iterator[tuple[str, Path]]:
    """Every named mistake that SGD with these options can make, and its path."""
    for name, changes, mistake in MISTAKES:
        numbers = {k: v for k, v in options.items() if k in Sgd.__dataclass_fields__}
        for key, value in changes.items():
            if key in ("lr", "weight_decay"):
                numbers[key] = value * numbers.get(key, 1e-3 if key == "lr" else 0.0)
            else:
                numbers[key] = numbers.get(value, 0.0) if value == "momentum" else value
        lr = new_lr
        if lr is not None and "lr" in changes:
            lr = changes["lr"] * lr
        # Where a mistake grows without bound, its path is no explanation.
        with np.errstate(all="ignore"):
            path = Sgd(**numbers, mistake=mistake).path(lr)
        if all(math.isfinite(float(np.sum(theta))) for theta in path):
            yield name, path


def _set_lr(optimizer: Any, lr: float) -> None:
    if hasattr(optimizer, "param_groups"):
        for group in optimizer.param_groups:
            group["lr"] = lr
    else:
        optimizer.lr = lr


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(a) for a in arrays])
