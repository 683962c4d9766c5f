"""Random generator used by handmade."""

import numpy as np

_generator: "np.random.Generator | None" = None
"""Made when something is drawn: loading `numpy.random` takes longer than all the rest,
and making a generator as long as a small layer, while most steps draw nothing."""
_seed: int | None = None
"""The seed; None for a random one."""


def manual_seed(seed: int) -> None:
    """Seed the random generator used by handmade.

    Args:
        seed: a non-negative integer.

    Torch:
        `torch.manual_seed`: the same role, but it draws other numbers.
    """
    global _generator, _seed
    plain = type(seed) is int and seed >= 0  # of anything else NumPy has to be asked
    _generator, _seed = None if plain else np.random.default_rng(seed), seed


def _drawing() -> "np.random.Generator":
    """The generator, created from the last seed when first used."""
    global _generator
    if _generator is None:
        _generator = np.random.default_rng(_seed)
    return _generator


def uniform(low: float, high: float, shape: tuple[int, ...]) -> np.ndarray:
    """Draw float32 numbers from U(low, high)."""
    return _drawing().uniform(low, high, shape).astype(np.float32)


def normal(mean: float, std: float, shape: tuple[int, ...]) -> np.ndarray:
    """Draw float32 numbers from N(mean, std²)."""
    return _drawing().normal(mean, std, shape).astype(np.float32)


def keep_mask(p: float, shape: tuple[int, ...]) -> np.ndarray:
    """Draw True, with probability 1 − p, for each element that dropout keeps."""
    return _drawing().random(shape) >= p


def integers(low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
    """Draw whole numbers, each of low … high − 1 equally often, as int64."""
    return _drawing().integers(low, high, shape)


def exponential() -> float:
    """Draw e ≥ 0, which is above any a ≥ 0 with probability exp(−a)."""
    return float(_drawing().exponential())


def fraction() -> float:
    """Draw one number from U[0, 1)."""
    return float(_drawing().random())
