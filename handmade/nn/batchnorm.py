"""Batch normalisation."""

import math
from typing import Any

import numpy as np

from handmade._array import Array
from handmade._numbers import finite_number, flag, whole
from handmade.nn._norm import Norm, Sizes, moments


class _BatchNorm(Norm):
    """Batch normalisation: each channel gets mean 0 and variance 1 over the batch.

    Forward:
        x̂ = (x − μ) / √(σ² + ε),   y = w x̂ + b

        In training μ and σ² (the mean of the squares, divided by n) are the batch's,
        and running statistics follow them by the momentum m:
        r ← (1 − m) r + m μ, and m n/(n−1) σ² for the variance. In evaluation mode
        the running statistics serve as μ and σ².

    Backward:
        In training μ and σ² depend on x, too, so with g = w ∂L/∂y, means per channel:
        ∂L/∂x = (g − mean g − x̂ · mean(g x̂)) / √(σ² + ε)
        In evaluation mode they are constants: ∂L/∂x = g / √(σ² + ε)
        ∂L/∂w = Σ ∂L/∂y · x̂,   ∂L/∂b = Σ ∂L/∂y, the sums over all but the channels

    Stability:
        The mean is subtracted twice, which removes its own rounding error.

    Args:
        num_features: how many channels, at least 1.
        eps: ε, above 0.
        momentum: m; None takes the plain average of all batches so far.
        affine: whether there are w and b.
        track_running_stats: without it there are no running statistics, and
            evaluation mode, too, takes the batch's.
        bias: without it, b is absent.

    Torch:
        The same. A batch of no values moves no running statistic, but is counted. Torch
        takes ε = 0 in evaluation mode; ValueError here.
    """

    buffer_names = ("running_mean", "running_var", "num_batches_tracked")
    dimensions: tuple[int, ...]
    """How many x may have."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
    ) -> None:
        owner = type(self).__name__
        num_features = whole(owner, "num_features", num_features, 1)
        super().__init__((num_features,), eps=eps, weight=affine, bias=bias)
        self.num_features = num_features
        if momentum is not None:
            momentum = finite_number(owner, "momentum", momentum)
        self.momentum = momentum
        tracked = flag(owner, "track_running_stats", track_running_stats)
        n, self.track_running_stats = num_features, tracked
        self.running_mean: Array = np.zeros(n, np.float32) if tracked else None
        self.running_var: Array = np.ones(n, np.float32) if tracked else None
        self.num_batches_tracked: Array = np.asarray(0, np.int64) if tracked else None

    def layout(self, x: Array) -> tuple[Sizes, Sizes, int]:
        """Statistics of each channel (dimension 1), or constants; w and b likewise."""
        owner, channels = type(self).__name__, self.num_features
        if x.ndim not in self.dimensions or x.shape[1] != channels:
            raise ValueError(
                f"{owner}: x must have {' or '.join(map(str, self.dimensions))} "
                f"dimensions, the second of size num_features = {channels}, got x of "
                f"shape {tuple(x.shape)}"
            )
        if not self.training and self.running_mean is not None:
            return x.shape, (), 1
        if math.prod(x.shape) == channels:
            raise ValueError(
                f"{owner}: the statistics of a batch need more than one value for each "
                f"channel, got x of shape {tuple(x.shape)}"
            )
        return x.shape, (0, *range(2, x.ndim)), 1

    def statistics(self, xp: Any, x: Array, axes: Sizes) -> tuple[Array, Array]:
        """With μ and σ² of this batch; in evaluation mode the running statistics."""
        shape = (-1, *(1,) * (x.ndim - 2))
        if not axes:
            mean, variance = self.running_mean, self.running_var
            return x - xp.reshape(mean, shape), xp.reshape(variance, shape)
        mean, centred, variance = moments(xp, x, axes)
        if self.training and self.track_running_stats:
            self._track(xp, mean, variance, math.prod(x.shape) // self.num_features)
        return centred, variance

    def _track(self, xp: Any, mean: Array, variance: Array, n: int) -> None:
        """Move the running statistics towards those of a batch of n, in new arrays."""
        self.num_batches_tracked = xp.asarray(self.num_batches_tracked + 1)
        if n == 0:
            return
        m = self.momentum
        if m is None:
            m = 1 / int(self.num_batches_tracked)
        mean, variance = xp.reshape(mean, (-1,)), xp.reshape(variance, (-1,))
        self.running_mean = (1 - m) * self.running_mean + m * mean
        self.running_var = (1 - m) * self.running_var + m * (variance * (n / (n - 1)))


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of features, or of the channels of sequences.

    Shape:
        x and y (n, c) or (n, c, l); w, b and running statistics (c,): c channels.

    Torch:
        `torch.nn.BatchNorm1d`.
    """

    dimensions = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of the channels of images.

    Shape:
        x and y (n, c, h, w); w, b and running statistics (c,): c channels.

    Torch:
        `torch.nn.BatchNorm2d`.
    """

    dimensions = (4,)
