"""The generator of all that is drawn while learning: the same one as handmade's.

Torch's own generator draws other numbers, so the two sides would drop other units.
"""

import numpy as np
import torch

_generator: "np.random.Generator | None" = None
"""Made when something is drawn, as in `handmade`."""
_seed: int | None = None
"""What it is then made from; None for anything."""


def manual_seed(seed: int) -> None:
    """Start torch's generator, and the one shared with handmade, afresh."""
    global _generator, _seed
    # torch.manual_seed formats stack traces: a millisecond in every step of a lockstep.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    plain = type(seed) is int and seed >= 0  # of anything else NumPy has to be asked
    _generator, _seed = None if plain else np.random.default_rng(seed), seed


def _drawing() -> "np.random.Generator":
    """The generator, started from the seed it was last given."""
    global _generator
    if _generator is None:
        _generator = np.random.default_rng(_seed)
    return _generator


def keep_mask(p: float, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw True, with probability 1 − p, for each element that dropout keeps."""
    return torch.from_numpy(np.asarray(_drawing().random(shape) >= p))


def normal(mean: float, std: float, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw float32 numbers from N(mean, std²)."""
    return torch.from_numpy(np.asarray(_drawing().normal(mean, std, shape))).float()


def integers(low: int, high: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw whole numbers, each of low … high − 1 equally often, as int64."""
    return torch.from_numpy(np.asarray(_drawing().integers(low, high, shape)))


def exponential() -> float:
    """Draw e ≥ 0, which is above any a ≥ 0 with probability exp(−a)."""
    return float(_drawing().exponential())


def fraction() -> float:
    """Draw one number from U[0, 1)."""
    return float(_drawing().random())
