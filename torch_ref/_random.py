"""The generator of dropout masks and first cluster centres: the same as handmade's.

Torch's own generator draws other numbers, so the two sides would drop other units.
"""

import numpy as np
import torch

_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start torch's generator and the one of masks and first centres afresh."""
    global _generator
    # torch.manual_seed would also seed GPUs, from which nothing is drawn, and format
    # three stack traces for it: a millisecond and more in every step of a lockstep.
    torch.default_generator.manual_seed(seed)
    _generator = np.random.default_rng(seed)


def keep_mask(p: float, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw True, with probability 1 − p, for each element that dropout keeps."""
    return torch.from_numpy(np.asarray(_generator.random(shape) >= p))


def fraction() -> float:
    """Draw one number from U[0, 1), as k-means++ needs for each centre."""
    return float(_generator.random())
