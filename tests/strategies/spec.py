"""What an example is, and the choices that all drawers share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Choose = Callable[[Sequence[Any]], Any]

SCALES = (1.0, 1e-4, 1e-2, 1e2, 1e4)
DTYPES = ("float64", "float32")
INDICES = ("int64", "int32", "uint8")
REDUCTIONS = ("mean", "sum", "none")
LAYOUTS = {
    "numpy": ("contiguous", "strided", "transposed", "window", "reversed"),
    "torch": ("contiguous", "strided", "transposed", "window"),
}
KINDS: dict[str, Callable[..., np.ndarray]] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "kinked": lambda rng, shape: rng.normal(size=shape) * (rng.random(shape) > 1 / 3),
    "tied": lambda rng, shape: rng.integers(-2, 3, shape).astype(float),
    "wide": lambda rng, shape: rng.choice([-1, -0.01, 0, 0.01, 1], shape),
}
PROBABILITIES: dict[str, Callable[..., np.ndarray]] = {
    "inner": lambda rng, shape: rng.uniform(0.01, 0.99, shape),
    "near 0": lambda rng, shape: 10 ** rng.uniform(-6, -1, shape),
    "near 1": lambda rng, shape: 1 - 10 ** rng.uniform(-6, -1, shape),
    "ends": lambda rng, shape: rng.choice([0.0, 0.5, 1.0], shape),
}
ANSWERS: dict[str, Callable[..., np.ndarray]] = {
    "coin": lambda rng, shape: rng.integers(0, 2, shape).astype(float),
    "soft": lambda rng, shape: rng.uniform(0, 1, shape),
}


@dataclass(frozen=True)
class Spec:
    """How to construct a class, whichever the library: names, numbers, NumPy arrays."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    def build(self, nn: Any, give: Callable[[np.ndarray], Any]) -> Any:
        """The object, with `give` turning arrays into those of its library."""
        args = [_built(a, nn, give) for a in self.args]
        kwargs = {k: _built(v, nn, give) for k, v in self.kwargs.items()}
        return getattr(nn, self.name)(*args, **kwargs)

    def names(self) -> set[str]:
        """The classes named here."""
        inner = [a.names() for a in self.args if isinstance(a, Spec)]
        return {self.name}.union(*inner)


def _built(value: Any, nn: Any, give: Callable[[np.ndarray], Any]) -> Any:
    """A constructor argument for a library, however deep the arrays and layers lie."""
    if isinstance(value, Spec):
        return value.build(nn, give)
    if isinstance(value, (list, tuple)):
        return type(value)(_built(inner, nn, give) for inner in value)
    return give(value) if isinstance(value, np.ndarray) else value


@dataclass(frozen=True)
class Example:
    """A layer or a loss and what it is fed; all floats are float32 numbers.

    Args:
        spec: how to construct it.
        inputs: what forward is given; only the first is differentiated by.
        library, dtype, layout, index: the arrays of the hand-written side.
        upstream: the scale of the upstream gradient; None lets a loss go without.
        seed: of parameters, buffers, upstream gradient and what is dropped.
        training: the mode.
    """

    spec: Spec
    inputs: tuple[np.ndarray, ...]
    library: str = "numpy"
    dtype: str = "float64"
    layout: str = "contiguous"
    index: str = "int64"
    upstream: float | None = 1.0
    seed: int = 0
    training: bool = True

    def grad_output(self, shape: Sequence[int]) -> np.ndarray | None:
        """The upstream gradient: random, never all ones."""
        if self.upstream is None:
            return None
        rng = np.random.default_rng([self.seed, 1])
        return rounded(self.upstream * rng.normal(size=tuple(shape)))

    def state(
        self, parameters: dict[str, Sequence[int]], buffers: dict[str, Sequence[int]]
    ) -> dict[str, np.ndarray]:
        """Parameters and (positive) running statistics of these shapes."""
        rng = np.random.default_rng([self.seed, 2])
        drawn = {k: rounded(rng.normal(size=tuple(s))) for k, s in parameters.items()}
        return drawn | {
            k: rounded(rng.uniform(0.1, 2, tuple(s))) for k, s in buffers.items()
        }


@dataclass(frozen=True)
class Descent:
    """An optimiser's way down.

    Args:
        name: of its class.
        kwargs: constructor arguments.
        groups: of parameters, each with options of its own.
        steps: how many.
        missing: the share of gradients that are None.
        resumed: before this step, a fresh optimiser takes over the state.
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
        drawn = [rounded(KINDS["kinked"](rng, shape)) for shape in shapes]
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
    return rounded(scale * KINDS[kind](rng, size))


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
