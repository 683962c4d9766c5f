"""The random generator of everything drawn during training: NumPy's, as in handmade.

torch's own generator gives other numbers, so dropout would drop other units than the
hand-written implementation does after the same seed.
"""

import numpy as np
import torch

_generator: "np.random.Generator | None" = None
"""Made at the first draw."""
_seed: int | None = None
"""The seed to make it from; None draws one from the operating system."""


def manual_seed(seed: int) -> None:
    """Seed torch's generators and the NumPy generator of this module."""
    global _generator, _seed
    # torch.manual_seed formats a stack trace, which takes 1 ms; this does not.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    plain = type(seed) is int and seed >= 0  # anything else: NumPy decides now
    _generator, _seed = None if plain else np.random.default_rng(seed), seed


def _drawing() -> "np.random.Generator":
    """Return the generator, made on first use."""
    global _generator
    if _generator is None:
        _generator = np.random.default_rng(_seed)
    return _generator


def keep_mask(p: float, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw True with probability 1 − p for each element: those that dropout keeps."""
    return torch.from_numpy(np.asarray(_drawing().random(shape) >= p))


def normal(mean: float, std: float, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw float32 numbers from N(mean, std²)."""
    return torch.from_numpy(np.asarray(_drawing().normal(mean, std, shape))).float()


def integers(low: int, high: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw int64 numbers uniformly from low … high − 1."""
    return torch.from_numpy(np.asarray(_drawing().integers(low, high, shape)))


def exponential() -> float:
    """Draw from the exponential distribution of mean 1: P(e > a) = exp(−a)."""
    return float(_drawing().exponential())


def fraction() -> float:
    """Draw from the uniform distribution U[0, 1)."""
    return float(_drawing().random())
