"""Random inputs of the cases, with kinks, ties and extremes among them.

`normal(4, 5)` is a `Draw` of shape (4, 5): it takes a random generator.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Draw = Callable[[np.random.Generator], np.ndarray]


def _draw(function: Callable[..., Any]) -> Callable[..., Draw]:
    """From `function(rng, shape)` to a function of the shape that returns a `Draw`."""
    return lambda *shape, **options: lambda rng: function(rng, shape, **options)


normal = _draw(lambda rng, shape, scale=1.0: scale * rng.normal(size=shape))
"""Gaussian numbers around 0."""
kinked = _draw(lambda rng, shape: rng.normal(size=shape) * (rng.random(shape) > 1 / 3))
"""Gaussian numbers around 0, a third of them exactly 0."""
extreme = _draw(lambda rng, n: rng.choice([-1e4, -50.0, -1.0, 0.0, 1.0, 50.0, 1e4], n))
"""±1e4, 0 and numbers between."""
far = _draw(lambda rng, shape: 2000 + 2 * rng.normal(size=shape))
"""Numbers around 2000: the mean is large compared with the deviation."""
integers = _draw(lambda rng, shape: rng.integers(-2, 3, shape).astype(float))
"""Whole numbers from −2 to 2: many ties, many differences of exactly 1."""
positive = _draw(lambda rng, shape: rng.uniform(0.5, 2.0, shape))
"""Weights from ½ to 2."""
negative = _draw(lambda rng, shape: rng.uniform(-2.0, -0.5, shape))
"""Numbers from −2 to −½, smaller than the zeros of a padding."""
unit = _draw(lambda rng, shape: rng.uniform(0.01, 0.99, shape))
"""Probabilities, none at 0 or 1."""
unit_ends = _draw(lambda rng, shape: rng.choice([0.0, 0.5, 1.0, 0.3], shape))
"""Probabilities, some of them exactly 0, ½ or 1."""
coin = _draw(lambda rng, shape: rng.integers(0, 2, shape).astype(float))
"""0 or 1, as floats."""
signs = _draw(lambda rng, shape: rng.choice([-1.0, 1.0], shape))
"""1 or −1, as floats."""
standard = _draw(lambda rng, shape: np.zeros(shape))
"""Standard Gaussians: all means and all log-variances are 0."""


@_draw
def landing(rng: Any, shape: Any, on: tuple[float, ...], scale: float = 1.0) -> Any:
    """As `normal`, half of them exactly `on` one of the given numbers."""
    free = scale * rng.normal(size=shape)
    return np.where(rng.random(shape) > 0.5, rng.choice(on, shape), free)


@_draw
def strided(rng: Any, shape: Any) -> Any:
    """As `normal`, every second element of a transposed array: not contiguous."""
    doubled = (*shape[:-1], 2 * shape[-1])
    return rng.normal(size=doubled[::-1]).T[..., ::2]


@_draw
def classes(rng: Any, shape: Any, of: int, ignored: int | None = None) -> Any:
    """Class indices below `of`; the first is `ignored`, if that is given."""
    index = np.asarray(rng.integers(0, of, shape))
    if ignored is not None:
        index.reshape(-1)[0] = ignored
    return index


@_draw
def one_hot(rng: Any, shape: Any, of: int) -> Any:
    """Rows of class targets: 1 for the class, else 0."""
    return np.eye(of)[rng.integers(0, of, shape)]


@_draw
def probabilities(rng: Any, shape: Any) -> Any:
    """Probabilities that add to 1 along axis 1 (axis 0 if there is only one).

    They are multiples of 1/64, so that they add to 1 exactly in any precision.
    """
    raw, axis = rng.uniform(0.1, 1.0, shape), min(1, len(shape) - 1)
    shares = np.floor(64 * raw / raw.sum(axis=axis, keepdims=True))
    shares = np.moveaxis(shares, axis, 0)
    shares[:1] += 64 - shares.sum(axis=0)
    return np.moveaxis(shares, 0, axis) / 64


sparse_probabilities = _draw(
    lambda rng, shape: probabilities(*shape)(rng) * (rng.random(shape) > 1 / 3)
)
"""As `probabilities`, a third of them exactly 0."""
log_probabilities = _draw(lambda rng, shape: np.log(probabilities(*shape)(rng)))
"""Log-probabilities along axis 1 (axis 0 if there is only one)."""


@_draw
def gaussians(
    rng: Any, shape: Any, means: Callable[..., Draw] = normal, flat: int = 3
) -> Any:
    """Gaussians (…, 2k): k means, and k log-variances within ±`flat`."""
    half = (*shape[:-1], shape[-1] // 2)
    log_variances = flat * rng.uniform(-1, 1, half)
    return np.concatenate([means(*half)(rng), log_variances], axis=-1)


def costs(classes: int) -> Draw:
    """A cost matrix (true class, predicted class), 0 on its diagonal."""
    return lambda rng: rng.uniform(0, 3, (classes, classes)) * (1 - np.eye(classes))
