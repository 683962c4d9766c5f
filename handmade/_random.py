"""The generator of initial weights, dropout masks and first cluster centres."""

import numpy as np

_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start the generator of weights, dropout masks and first centres afresh.

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


def normal(mean: float, std: float, shape: tuple[int, ...]) -> np.ndarray:
    """Draw float32 numbers from N(mean, std²)."""
    return _generator.normal(mean, std, shape).astype(np.float32)


def keep_mask(p: float, shape: tuple[int, ...]) -> np.ndarray:
    """Draw True, with probability 1 − p, for each element that dropout keeps."""
    return _generator.random(shape) >= p


def fraction() -> float:
    """Draw one number from U[0, 1), as k-means++ needs for each centre."""
    return float(_generator.random())
