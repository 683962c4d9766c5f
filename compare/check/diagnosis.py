"""Which mistake explains all wrong results of a layer or a loss."""

import numpy as np

from compare.check.failure import Failure
from compare.check.mistakes import MISTAKES, Mistake
from compare.testing.reference import Question

LARGE = 1e3
"""From this input on, only a stable formula gives the right result."""


def diagnosis(failures: list[Failure]) -> str:
    """The name of the first mistake that explains every failure; "" if none does.

    Failures at extreme inputs are left out: where they are the only ones, the formula
    is unstable, and where they are not, they follow from the others.
    """
    ordinary = [f for f in failures if not is_extreme(f.question)]
    if not ordinary:
        return "unstable form"
    ordinary = [f for f in ordinary if f.x.size] or ordinary
    ways: dict[str, list[Mistake]] = {}
    for mistake in MISTAKES:
        if not mistake.of or failures[0].question.name in mistake.of:
            ways.setdefault(mistake.name, []).append(mistake)
    for name, same in ways.items():
        if all(any(mistake.explains(f) for mistake in same) for f in ordinary):
            return name
    return ""


def is_extreme(question: Question) -> bool:
    """Whether an input is very large, or a probability is exactly 0 or 1."""
    x = question.inputs[0]
    is_certain = question.name == "BCELoss" and bool(np.any((x == 0) | (x == 1)))
    return is_certain or bool(np.max(np.abs(x), initial=0.0) >= LARGE)
