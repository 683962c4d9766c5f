"""Slopes measured numerically: is a file's gradient that of its own value?"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from compare.check.calling import answer
from compare.check.results import Failure

H = 1e-5
MOST = 24
"""In at most so many entries of an array the slope is measured."""

Value = Callable[[np.ndarray], float]


def is_own_gradient(f: Failure) -> bool | None:
    """Whether the file's gradients are those of its value.

    None if that cannot be measured, since there is a kink everywhere.
    """
    is_measured = False
    for name, x, value in _variables(f):
        if name not in f.got or f.got[name].shape != x.shape:
            continue
        measured = {
            index: (left + right) / 2
            for index, left, right in islice(_one_sided(value, x), MOST)
            if abs(right - left) <= 1e-3 * (abs(right) + abs(left)) + 1e-4
        }
        slopes = np.array([*measured.values()])
        gradients = np.array([f.got[name][index] for index in measured])
        scale = np.max(np.abs([*slopes, *f.got[name].flat]), initial=0.0)
        if np.any(np.abs(gradients - slopes) > 1e-5 * scale + 1e-9):
            return False
        is_measured |= bool(measured)
    return True if is_measured else None


def _variables(f: Failure) -> Iterator[tuple[str, np.ndarray, Value]]:
    """Each gradient's name, its variable, and the file's value as a function of it."""

    def value(**changes: Any) -> float:
        changed = replace(f.question, **changes)
        output = answer(f.definition, changed).results["output"]
        return float(np.sum(output * f.upstream))

    x, *others = f.question.inputs
    if not f.question.of_index:
        yield "input gradient", x, lambda z: value(inputs=(z, *others))
    for group in ("further", "state"):
        own = getattr(f.question, group)
        for name, a in own.items():
            yield (
                f"gradient {name}",
                a,
                lambda z, g=group, o=own, n=name: value(**{g: {**o, n: z}}),
            )


def is_kinked(value: Value, x: np.ndarray) -> bool:
    """Whether in some entry the slopes to the left and to the right of x differ."""
    most = 1e-3 * (1 + abs(float(value(x))))
    return any(not abs(right - left) <= most for _, left, right in _one_sided(value, x))


def _one_sided(value: Value, x: np.ndarray) -> Iterator[tuple[Any, float, float]]:
    """The index of every entry, and the slopes to its left and to its right."""
    here = float(value(x))
    for index in np.ndindex(x.shape):
        slopes = []
        for h in (-H, H):
            moved = x.astype(float)
            moved[index] += h
            slopes.append((float(value(moved)) - here) / h)
        yield index, *slopes
