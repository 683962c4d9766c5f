"""Random examples, and the choices that all of them share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.testing import draws
from compare.testing.case import Layer
from compare.testing.reference import Question

Choose = Callable[[Sequence[Any]], Any]
"""Picks one of several options."""
Drawn = tuple[Layer, tuple[np.ndarray, ...]]
"""How to build a class, and the inputs of forward."""
Draw = Callable[[Choose, Any], Drawn]

SCALES = (1.0, 1e-4, 1e-2, 1e2, 1e4)
DTYPES = ("float64", "float32")
INDICES = ("int64", "int32", "uint8")
REDUCTIONS = ("mean", "sum", "none")
LAYOUTS = {
    "numpy": ("contiguous", "strided", "transposed", "window", "reversed"),
    "torch": ("contiguous", "strided", "transposed", "window"),
}
KINDS: dict[str, Callable[..., draws.Draw]] = {
    "normal": draws.normal,
    "kinked": draws.kinked,
    "tied": draws.integers,
    "wide": lambda *shape: lambda rng: rng.choice([-1, -0.01, 0, 0.01, 1], shape),
}
PROBABILITIES: dict[str, Callable[..., draws.Draw]] = {
    "inner": draws.unit,
    "near 0": lambda *shape: lambda rng: 10 ** rng.uniform(-6, -1, shape),
    "near 1": lambda *shape: lambda rng: 1 - 10 ** rng.uniform(-6, -1, shape),
    "ends": draws.unit_ends,
}
ANSWERS: dict[str, Callable[..., draws.Draw]] = {
    "coin": draws.coin,
    "soft": lambda *shape: lambda rng: rng.uniform(0, 1, shape),
}


@dataclass(frozen=True)
class Example(Question):
    """A question, and the arrays that the hand-written side answers it on.

    Args:
        library, dtype, layout, index: of these arrays.
        upstream: the scale of the upstream gradient; None lets a loss go without.
    """

    library: str = "numpy"
    dtype: str = "float64"
    layout: str = "contiguous"
    index: str = "int64"
    upstream: float | None = 1.0

    def grad_output(self, output: Any) -> np.ndarray | None:
        """The upstream gradient: random, never all ones."""
        if self.upstream is None:
            return None
        rng = np.random.default_rng([self.seed, 1])
        return rounded(self.upstream * rng.normal(size=np.shape(output)))


@dataclass(frozen=True)
class Descent:
    """Some steps of an optimizer.

    Args:
        name: of its class.
        kwargs: constructor arguments.
        groups: of parameters, each with options of its own.
        steps: how many.
        missing: the fraction of gradients that are None.
        resumed: before this step, a fresh optimizer takes over the state.
        library, dtype, layout, index: the arrays of the hand-written side.
        seed: of the gradients.
    """

    name: str
    kwargs: dict[str, Any]
    groups: tuple[tuple[dict[str, Any], list[np.ndarray]], ...]
    steps: int
    missing: float = 0.0
    resumed: int | None = None
    library: str = "numpy"
    dtype: str = "float64"
    layout: str = "contiguous"
    index: str = "int64"
    seed: int = 0

    def gradients(self, step: int) -> list[np.ndarray | None]:
        """A gradient, or none, for each parameter."""
        rng = np.random.default_rng([self.seed, step])
        shapes = [a.shape for _, arrays in self.groups for a in arrays]
        drawn = [rounded(draws.kinked(*shape)(rng)) for shape in shapes]
        return [None if rng.random() < self.missing else g for g in drawn]


def rounded(values: Any) -> np.ndarray:
    """Rounded to float32, in float64: both precisions are asked the same."""
    return np.asarray(values).astype(np.float32).astype(np.float64)


def shape(choose: Choose, low: int = 0, empty: bool = True) -> tuple[int, ...]:
    """From `low` to 4 dimensions; in one of eight a size is 0, if it may be."""
    sizes = [choose((2, 1, 3, 4)) for _ in range(choose(range(low, 5)))]
    if sizes and empty and choose(range(8)) == 7:
        sizes[choose(range(len(sizes)))] = 0
    return tuple(sizes)


def values(choose: Choose, rng: Any, size: tuple[int, ...]) -> np.ndarray:
    """Numbers of either sign: of any scale, kinks and ties among them."""
    kind, scale = choose(tuple(KINDS)), choose(SCALES)
    return rounded(scale * KINDS[kind](*size)(rng))


def weights(choose: Choose, rng: Any, size: tuple[int, ...]) -> np.ndarray | None:
    """None, or positive weights that broadcast to `size`."""
    if choose((True, False)):
        return None
    last = size[len(size) - choose(range(len(size) + 1)) :]
    some = tuple(choose((n, 1)) for n in last)
    return rounded(choose((1.0, 1e-2, 1e2)) * rng.uniform(0.5, 2, some))


def number(choose: Choose, value: float | None) -> Any:
    """Python's number or NumPy's, whose float64 must not widen float32 arrays."""
    return value if value is None else choose((float, np.float64))(value)


def dimension(choose: Choose, ndim: int) -> int:
    """A dimension, counted from either end; a single number, too, has one."""
    return choose(range(-max(ndim, 1), max(ndim, 1)))


def given(**options: Any) -> dict[str, Any]:
    return {k: v for k, v in options.items() if v is not None}


def some(choose: Choose, **options: Any) -> dict[str, Any]:
    """Any of the options, or none of them."""
    return {k: v for k, v in options.items() if choose((False, True))}
