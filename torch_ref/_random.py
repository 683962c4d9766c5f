"""The generator of all that is drawn while learning: the same one as handmade's.

Torch's own generator draws other numbers, so the two sides would drop other units.
"""

import numpy as np
import torch

_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start torch's generator, and the one shared with handmade, afresh."""
    global _generator
    # torch.manual_seed formats stack traces: a millisecond in every step of a lockstep.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    _generator = np.random.default_rng(seed)


def keep_mask(p: float, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw True, with probability 1 − p, for each element that dropout keeps."""
    return torch.from_numpy(np.asarray(_generator.random(shape) >= p))


def normal(mean: float, std: float, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw float32 numbers from N(mean, std²)."""
    return torch.from_numpy(np.asarray(_generator.normal(mean, std, shape))).float()


def integers(low: int, high: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw whole numbers, each of low … high − 1 equally often, as int64."""
    return torch.from_numpy(np.asarray(_generator.integers(low, high, shape)))


def exponential() -> float:
    """Draw e ≥ 0, which is above any a ≥ 0 with probability exp(−a)."""
    return float(_generator.exponential())


def fraction() -> float:
    """Draw one number from U[0, 1)."""
    return float(_generator.random())
