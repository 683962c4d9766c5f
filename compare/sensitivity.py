"""Sensitivity: how far PyTorch's own step moves if all its inputs move by one ULP.

The idea of TTrace (arXiv 2506.09280): a difference that PyTorch itself makes when its
inputs are rounded otherwise says nothing about the hand-written side.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from compare.backend import mapped, to_numpy
from compare.snapshot import Values
from compare.tolerance import differences

PERTURBATIONS, MAX_PERTURBATIONS = 8, 64
"""How often PyTorch's step is perturbed: usually, and before a difference is a mistake:
at a near-tie of two losses one perturbation in ten may decide differently."""


class Sensitivity:
    """How far perturbations by one ULP move the results of one step of PyTorch.

    Perturbed are weights, optimizer state, input and target, and what autograd keeps
    for the backward pass: where tanh saturates, its derivative 1 − y² is made of y's
    last digits, whatever the input. A target that is a whole number is a label, and
    exact. No step is taken before its result is asked for.

    Args:
        side: PyTorch's implementation, which takes the perturbed steps.
        want: all that the step computes without perturbation.
        state: from which it is taken.
        batch: input and target.
        eps: the distance from 1 to the next number of the dtype.
        step: its number.
        seed: of what it draws.
    """

    def __init__(
        self,
        side: Any,
        want: Values,
        state: Any,
        batch: tuple[Any, Any],
        *,
        eps: float,
        step: int,
        seed: int,
    ) -> None:
        self._side, self._eps, self._step, self._seed = side, eps, step, seed
        self._runs = self._perturbed_runs(want, state, batch)
        self._known: list[dict[str, float]] = []

    def deviations(self, name: str) -> Iterator[float]:
        """Max |perturbed − unperturbed| of one tensor, perturbation by perturbation.

        A result that is not finite tells of no rounding: it counts as not moved. So
        does a gradient of a step that is skipped.
        """
        for number in range(MAX_PERTURBATIONS):
            if number == len(self._known):
                self._known.append(next(self._runs))
            yield self._known[number][name]

    def usual(self, name: str) -> list[float]:
        """The deviations of one tensor under the first few perturbations."""
        return [*islice(self.deviations(name), PERTURBATIONS)]

    def _perturbed_runs(
        self, want: Values, state: Any, batch: tuple[Any, Any]
    ) -> Iterator[dict[str, float]]:
        rng, eps = np.random.default_rng(self._step), self._eps
        state = mapped(state, to_numpy)
        x, target = (to_numpy(self._side.give(a)) for a in batch)
        for number in range(MAX_PERTURBATIONS):
            start = perturbed(state, rng, eps)
            inputs = perturbed(x, rng, eps), perturbed(target, rng, eps, integers=False)
            found = differences(self._perturbed_step(start, inputs, number), want)
            moved = {n: d.max_abs for n, d in found.items() if isfinite(d.max_abs)}
            yield dict.fromkeys(want, 0.0) | moved

    def _perturbed_step(self, state: Any, batch: Any, number: int) -> Values:
        seed = MAX_PERTURBATIONS * self._step + number
        perturb = partial(perturbed_tensor, seed=seed)
        try:
            self._side.load(state)
            with saved_tensors_hooks(lambda kept: kept, perturb):
                return self._side.step(batch, self._seed)
        except RuntimeError:  # torch.func allows no such hooks
            self._side.load(state)
            return self._side.step(batch, self._seed)


def perturbed(
    tree: Any, rng: np.random.Generator, eps: float, *, integers: bool = True
) -> Any:
    """A nested state of NumPy arrays, every float moved by −1, 0 or 1 ULP (relative).

    Without `integers` floats that are whole numbers stay: a label is exact.
    """

    def move(a: Any) -> Any:
        if a.dtype.kind != "f":
            return a
        moved = (a * (1 + eps * rng.integers(-1, 2, a.shape))).astype(a.dtype)
        return moved if integers else np.where(a == np.round(a), a, moved)

    return mapped(tree, move)


def perturbed_tensor(tensor: Tensor, seed: int) -> Tensor:
    """The same for a tensor of torch of any dtype.

    Equal numbers move alike, so that the largest one is still found by its value.
    """
    if not tensor.is_floating_point():
        return tensor
    whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
    bits = tensor.contiguous().view(whole).to(torch.int64)
    mixed = (bits + seed * 0x9E3779B9) * 0x5851F42D4C957F2D  # each bit counts
    moves = (mixed >> 33) % 3 - 1
    return tensor * (1 + torch.finfo(tensor.dtype).eps * moves.to(tensor.dtype))
