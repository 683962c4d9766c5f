"""The generator that masks and noise are drawn from: the same one as handmade's.

Torch's own generator draws other numbers, so the two sides would drop other units.
"""

import numpy as np
import torch

_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start torch's generator and the one of all masks and noise afresh."""
    global _generator
    torch.manual_seed(seed)
    _generator = np.random.default_rng(seed)


def keep_mask(p: float, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw True, with probability 1 − p, for each element that dropout keeps."""
    return torch.from_numpy(np.asarray(_generator.random(shape) >= p))


def normal(mean: float, std: float, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw float32 numbers from N(mean, std²)."""
    drawn = np.asarray(_generator.normal(mean, std, shape))
    return torch.from_numpy(drawn.astype(np.float32))
