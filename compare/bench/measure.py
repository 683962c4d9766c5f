"""Nothing is timed before all have come to the same numbers."""

from collections.abc import Mapping

import numpy as np

from compare.bench.implementations import Contestant, Weights
from compare.tolerance import rounding_tolerance

STEPS = 3
"""How many steps are compared."""


class Disagreement(RuntimeError):
    """Two contestants do not compute the same; the message names the tensor."""


def require_agreement(
    contestants: Mapping[str, Contestant],
    reference: str,
    start: Weights,
    eps: float,
    coarse: float = 0.0,
) -> None:
    """Let all take some steps, and compare losses and weights with the reference's.

    How far a weight may differ is measured against how far it has moved: a gradient
    that is wrong by a factor shows, however large the weights are.

    Args:
        contestants: by name, all at the start; the reference is one of them.
        reference: the name of whom the others must agree with.
        start: the weights that all of them begin with.
        eps: the dtype's distance from 1 to the next number.
        coarse: the same of what a product's factors are rounded to before they are
            multiplied, if they are; sums are not, so their length does not count.

    Raises:
        Disagreement: one does not.
    """
    losses = {
        name: np.array([one.step() for _ in range(STEPS)])
        for name, one in contestants.items()
    }
    want, moved = losses[reference], contestants[reference].weights()
    sums = [n for a in start.values() for n in (len(a), a.size // len(a))]
    depth = len(start)
    bound = rounding_tolerance(eps, max(sums), depth) + rounding_tolerance(
        coarse, 1, depth
    )
    bound *= STEPS
    for name, one in contestants.items():
        if not (got := one.weights()):
            continue  # the floor has none
        _require(name, "the loss", losses[name], want, bound * np.abs(want).max())
        for tensor, end in moved.items():
            travelled = np.abs(end - start[tensor]).max()
            slack = bound * travelled + STEPS * eps * np.abs(end).max()
            _require(name, tensor, got[tensor], end, slack)


def _require(
    name: str, tensor: str, got: np.ndarray, want: np.ndarray, slack: float
) -> None:
    """Refuse what lies further apart than `slack`, or has another shape."""
    if got.shape != want.shape:
        raise Disagreement(
            f"{name} has {tensor} of shape {got.shape}, not {want.shape}: "
            f"nothing was timed"
        )
    gap = np.abs(got - want)
    if not gap.max() <= slack:
        place = np.unravel_index(int(np.argmax(gap)), gap.shape)
        raise Disagreement(
            f"{name} disagrees after {STEPS} steps: {tensor} at "
            f"{[int(i) for i in place]} is {got[place]:.9g}, where {want[place]:.9g} "
            f"is expected: nothing was timed"
        )
