"""`--array auto`: torch tensors for large models, NumPy arrays for small ones."""

from dataclasses import replace
from functools import cache

import numpy as np

import handmade
from compare.experiment import Experiment
from compare.run_config import RunConfig

TORCH_FROM = 50_000_000
"""Multiply-adds per matrix product from which torch tensors are used.

A call of NumPy takes less than half the time of a call of torch, which decides for
small matrices only. `python -m benchmarks.scaling` shows where torch catches up: on an
Intel Xeon (AMX, two cores; NumPy 2.4.6, torch 2.13.0) at 21 million (width) and 83
million (batch) in float32, at 12 million (batch) or never (width) in float64, and never
in deep narrow nets. Where they are close, NumPy is used.
"""


def choose_array(experiment: Experiment, config: RunConfig) -> tuple[RunConfig, str]:
    """The config with the array library that suits the lesson, and the reason."""
    array, reason = _choice(experiment, config)
    return replace(config, backend=replace(config.backend, array=array)), reason


def _choice(experiment: Experiment, config: RunConfig) -> tuple[str, str]:
    backend = config.backend
    if backend.device == "cuda":
        return "torch", "torch tensors (NumPy arrays cannot be on CUDA)"
    if backend.compile or backend.graph:
        return "torch", "torch tensors (NumPy has no compiler)"
    try:
        size = mean_product(experiment.on(config.data), config.seed)
    except Exception:  # an error in the lesson itself, which its run reports
        return "numpy", "NumPy arrays (model size unknown)"
    if size < TORCH_FROM:
        return "numpy", "NumPy arrays (small model)"
    words = f"{size / 1e6:,.0f} million multiply-adds per matrix product"
    return "torch", f"torch tensors (large model: {words})"


def mean_product(experiment: Experiment, seed: int = 0) -> float:
    """Multiply-adds of the forward product of a weight, on average over all learners.

    An upper bound: batch size times entries; for a convolution also times pixels,
    without regard to stride and pooling. 0 where no parameter is a matrix.
    """
    sizes: list[int] = []
    draw = cache(lambda data: data(np.random.default_rng([seed, 1])))
    for name, make in experiment.learners.items():
        x = draw(experiment.data_of(name)).x  # learners may share their data
        handmade.manual_seed(seed)
        for weight in make(handmade).parameters().values():
            if weight.ndim >= 2:
                pixels = np.prod(x.shape[2:], dtype=int) if weight.ndim > 2 else 1
                sizes.append((experiment.batch_size or len(x)) * weight.size * pixels)
    return float(np.mean(sizes)) if sizes else 0.0
