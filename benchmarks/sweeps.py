"""What grows in `bench --scaling`: the width, the depth, or the batch."""

from collections.abc import Callable
from dataclasses import dataclass

from compare.bench.workloads import LR, Work, mlp

BATCH = 64
"""Examples a step where something else grows."""
PIXELS, CLASSES = 64, 10
"""Inputs and outputs of the net whose width grows."""
THIN = 32
"""Units, and examples a step, where the depth grows."""


@dataclass(frozen=True)
class Sweep:
    """Works that differ in one number.

    Args:
        name: of what grows.
        title: the nets, for people, with n for the number.
        sizes: the numbers, rising.
        work: makes the work of a number.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    work: Callable[[int], Work]


def _wide(n: int) -> Work:
    """Two square matrices' worth: the hidden layers grow, inputs and outputs do not."""
    return mlp(f"width {n}", BATCH, PIXELS, n, n, CLASSES)


def _deep(n: int) -> Work:
    """A chain whose signal keeps its length; more layers learn at a smaller rate."""
    sizes = [THIN] * n + [CLASSES]
    how = {"activation": "Tanh", "lr": LR / n, "orthogonal": True}
    return mlp(f"depth {n}", THIN, *sizes, **how)


def _large(n: int) -> Work:
    """One hidden layer, and more and more examples."""
    return mlp(f"batch {n}", n, 784, 128, CLASSES)


SWEEPS = {
    sweep.name: sweep
    for sweep in (
        Sweep(
            "width",
            f"{PIXELS}-n-n-{CLASSES}, batch {BATCH}",
            (4, 16, 64, 256, 512, 1024, 2048, 4096),
            _wide,
        ),
        Sweep(
            "depth",
            f"n layers of {THIN} inputs, batch {THIN}",
            (1, 3, 10, 30, 100, 200, 400, 1000),
            _deep,
        ),
        Sweep(
            "batch",
            f"784-128-{CLASSES}, batch n",
            (1, 4, 16, 64, 256, 1024, 2048, 4096, 8192, 16384),
            _large,
        ),
    )
}
"""All sweeps by name. Three numbers or more lie in the last decade of each."""
