"""The generator that initial weights are drawn from."""

import numpy as np

_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start the generator of all initial weights afresh.

    Args:
        seed: a non-negative integer.

    Torch:
        `torch.manual_seed`: the same role; the numbers drawn are others.
    """
    global _generator
    _generator = np.random.default_rng(seed)


def uniform(low: float, high: float, shape: tuple[int, ...]) -> np.ndarray:
    """Draw float32 numbers from U(low, high)."""
    return _generator.uniform(low, high, shape).astype(np.float32)
