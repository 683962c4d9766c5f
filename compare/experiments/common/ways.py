"""The ways to differentiate, by name, and the functions to try them on."""

from collections.abc import Callable
from typing import Any

import numpy as np

from compare.backend import to_numpy
from compare.experiments.common.libraries import LIBRARIES, give

FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "SumOfSquares": lambda ad, p: p[0] ** 2 + p[1] ** 2,
    "SumOfCubes": lambda ad, p: ad.sum(p**3),
    "InverseSquare": lambda ad, p: 1 / (p[0] ** 2 + p[1] ** 2),
    "SquaredDifference": lambda ad, p: p[0] ** 2 - 2 * p[0] * p[1] + p[1] ** 2,
    "SinePlusExponential": lambda ad, p: ad.sin(p[0]) + ad.exp(p[1]),
    "Product": lambda ad, p: p[0] * p[1],
    "Plane": lambda ad, p: p[0] + 2 * p[1],
    "ProductWithSquare": lambda ad, p: 2 * p[0] * p[1] ** 2,
}
"""The course's functions, by the class of `handmade.surfaces` that has their gradient
by hand."""


def ways(library: str, f: Callable[[Any, Any], Any]) -> dict[str, Callable[..., Any]]:
    """By name, from a point to the gradient of f there; all but "by hand"."""
    ad = LIBRARIES[library].autodiff

    def value(p: Any) -> Any:
        return f(ad, p)

    def forward(p: Any) -> list[float]:
        """The gradient by a walk for each entry of p."""
        directions = [give(library, e) for e in np.eye(len(p))]
        return [float(ad.jvp(value, (p,), (e,))[1]) for e in directions]

    return {
        "one-sided": lambda p, **h: ad.forward_difference(value, p, **h),
        "central": lambda p, **h: ad.central_difference(value, p, **h),
        "complex step": lambda p, **h: ad.complex_step(value, p, **h),
        "forward": forward,
        "reverse": ad.grad(value),
    }


def points(count: int) -> np.ndarray:
    """One point from each of `count` seeds, none near the axes."""
    rngs = [np.random.default_rng(seed) for seed in range(count)]
    return np.array([r.uniform(0.5, 2, 2) * r.choice([-1, 1], 2) for r in rngs])


def relative(got: Any, want: np.ndarray) -> float:
    """The largest difference, against the largest entry."""
    return float(np.abs(to_numpy(got) - want).max() / np.abs(want).max())
