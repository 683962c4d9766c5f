"""Where a rule goes that is called step by step: a file's, torch's, a wrong variant's.

An optimizer, a schedule, a clipping function, a perceptron or a descent leaves numbers:
these are compared with torch's. A mistake is named by running the right rule with it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from compare.check import wording
from compare.check.comparison import Comparison
from compare.check.definitions import Definition, NotTested
from compare.check.report import Finding
from compare.check.results import Answer, Failure, explained
from compare.testing import reference
from compare.testing.reference import Question, Results

Run = Callable[[Any, Any], Results]
"""What a rule leaves in a test case."""
STEPS = 6
WITHOUT = range(2, 4)
"""The steps in which the last parameter has no gradient, where that is tried."""
ON_TORCH = torch.tensor, torch.nn.Parameter
"""What makes an array of torch, and a parameter of it."""


def compared(
    definition: Definition,
    questions: Iterable[Question],
    run: Run,
    torchs: Any,
    variants: Iterable[tuple[str, Any]],
    variant: Run,
    tolerance: float = 1e-9,
    shown: Callable[[list[Failure]], Any] = wording.shown,
) -> Finding:
    """Compare a rule with torch's in all test cases.

    `variants` are names of mistakes and ways to make them; `variant` gives what a rule
    with one of these leaves, which explains a failure up to the tolerance.
    """
    comparison = Comparison(definition, tolerance=1e-11)
    for question in questions:
        try:
            answer = Answer(run(definition.make, question))
        except NotTested as why:
            comparison.skipped.setdefault(str(why), [])
            continue
        comparison.add(question, run(torchs, question), answer)
    return comparison.finding(
        lambda failures: explained(variants, failures, variant, tolerance), shown
    )


# -- optimizers ------------------------------------------------------------------------


@dataclass(frozen=True)
class Steps(Question):
    """Some steps of an optimizer, and what is done to it meanwhile."""

    shapes: tuple[tuple[int, ...], ...] = ()  # of its parameters
    new_lr: float | None = None  # the learning rate after half of the steps
    scale: float = 1.0  # of the gradients
    without: bool = False  # whether a parameter has no gradient for some steps
    dtype: str = "float64"

    def drawn(self, seed: int, scale: float = 1.0) -> Iterator[list[np.ndarray]]:
        """An array for each parameter, again and again."""
        rng = np.random.default_rng(seed)
        while True:
            arrays = [scale * rng.normal(size=shape) for shape in self.shapes]
            yield [array.astype(self.dtype) for array in arrays]

    def start(self) -> list[np.ndarray]:
        """The parameters before the first step."""
        return next(self.drawn(4))

    def gradients(self) -> list[list[np.ndarray]]:
        """The gradients of every step."""
        return [
            one for one, _ in zip(self.drawn(5, self.scale), range(STEPS), strict=False)
        ]


def trajectory(
    make: Callable[..., Any],
    steps: Steps,
    give: Callable[[np.ndarray], Any] = np.array,
    parameter: Callable[[Any], Any] = handmade.nn.Parameter,
) -> tuple[Results, dict[str, str]]:
    """Each parameter after each step, and mistakes that these do not show, and where.

    `give` makes an array of the optimizer's library.
    """
    params = [parameter(give(a)) for a in steps.start()]
    optimizer, path, noticed = make(params, **steps.kwargs), Results(), {}
    for number, given in enumerate(steps.gradients()):
        if number == STEPS // 2 and steps.new_lr is not None:
            set_lr(optimizer, steps.new_lr)
        optimizer.zero_grad()
        if any(p.grad is not None and np.any(to_numpy(p.grad)) for p in params):
            where = "zero_grad leaves a gradient that is not 0"
            noticed["gradients not cleared"] = where
        for p, gradient in zip(params, given, strict=True):
            p.grad = give(gradient)
        if steps.without and number in WITHOUT:
            params[-1].grad = None
        optimizer.step()
        for which, (p, gradient) in enumerate(zip(params, given, strict=True)):
            if p.grad is not None and not np.array_equal(to_numpy(p.grad), gradient):
                is_cleared = not np.any(to_numpy(p.grad))
                name = (
                    "gradients cleared in the step" if is_cleared else "input mutated"
                )
                noticed[name] = "the gradient"
            name = f"params[{which}] after step {number + 1}"
            path[name] = np.ravel(to_numpy(p.data)).copy()
    return path, noticed


def set_lr(optimizer: Any, lr: float) -> None:
    """Set the learning rate in the way that an optimizer has for it."""
    if hasattr(optimizer, "set_lr"):
        optimizer.set_lr(lr)
        return
    for group in getattr(optimizer, "param_groups", []):
        group["lr"] = lr


def torchs_path(steps: Steps) -> Results:
    """Where torch's optimizer of this name goes."""
    return reference.call(_torchs_path, steps)


def _torchs_path(steps: Steps) -> Results:
    make = getattr(torch_ref.optim, steps.name)
    return trajectory(make, steps, *ON_TORCH)[0]
