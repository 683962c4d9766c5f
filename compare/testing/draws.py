"""Random inputs of the cases, with kinks, ties and extremes among them."""

from collections.abc import Callable

import numpy as np

Draw = Callable[[np.random.Generator], np.ndarray]


def normal(*shape: int, scale: float = 1.0) -> Draw:
    """Gaussian numbers around 0."""
    return lambda rng: scale * rng.normal(size=shape)


def kinked(*shape: int) -> Draw:
    """Gaussian numbers around 0, a third of them exactly 0."""
    return lambda rng: rng.normal(size=shape) * (rng.random(shape) > 1 / 3)


def landing(*shape: int, on: tuple[float, ...], scale: float = 1.0) -> Draw:
    """As `normal`, half of them exactly `on` one of the given numbers."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        free = scale * rng.normal(size=shape)
        return np.where(rng.random(shape) > 0.5, rng.choice(on, shape), free)

    return draw


def extreme(*shape: int) -> Draw:
    """±1e4, 0 and numbers between."""
    return lambda rng: rng.choice([-1e4, -50.0, -1.0, 0.0, 1.0, 50.0, 1e4], shape)


def far(*shape: int) -> Draw:
    """Numbers around 2000: the mean is large compared with the deviation."""
    return lambda rng: 2000 + 2 * rng.normal(size=shape)


def integers(*shape: int) -> Draw:
    """Whole numbers from −2 to 2: many ties, many differences of exactly 1."""
    return lambda rng: rng.integers(-2, 3, shape).astype(float)


def signs(*shape: int) -> Draw:
    """1 or −1, as floats."""
    return lambda rng: rng.choice([-1.0, 1.0], shape)


def strided(*shape: int) -> Draw:
    """As `normal`, every second element of a transposed array: not contiguous."""
    doubled = (*shape[:-1], 2 * shape[-1])
    return lambda rng: rng.normal(size=doubled[::-1]).T[..., ::2]


def positive(*shape: int) -> Draw:
    """Weights from ½ to 2."""
    return lambda rng: rng.uniform(0.5, 2.0, shape)


def negative(*shape: int) -> Draw:
    """Numbers from −2 to −½, smaller than the zeros of a padding."""
    return lambda rng: rng.uniform(-2.0, -0.5, shape)


def unit(*shape: int) -> Draw:
    """Probabilities, none at 0 or 1."""
    return lambda rng: rng.uniform(0.01, 0.99, shape)


def unit_ends(*shape: int) -> Draw:
    """Probabilities, some of them exactly 0, ½ or 1."""
    return lambda rng: rng.choice([0.0, 0.5, 1.0, 0.3], shape)


def coin(*shape: int) -> Draw:
    """0 or 1, as floats."""
    return lambda rng: rng.integers(0, 2, shape).astype(float)


def classes(*shape: int, of: int, ignored: int | None = None) -> Draw:
    """Class indices below `of`; the first is `ignored`, if that is given."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        index = np.asarray(rng.integers(0, of, shape))
        if ignored is not None:
            index.reshape(-1)[0] = ignored
        return index

    return draw


def probabilities(*shape: int) -> Draw:
    """Probabilities that add to 1 along axis 1 (axis 0 if there is only one).

    They are multiples of 1/64, so that they add to 1 exactly in any precision.
    """
    axis = min(1, len(shape) - 1)

    def draw(rng: np.random.Generator) -> np.ndarray:
        raw = rng.uniform(0.1, 1.0, shape)
        share = np.floor(64 * raw / raw.sum(axis=axis, keepdims=True))
        rest = 64 - share.sum(axis=axis, keepdims=True)
        first = np.expand_dims(share.take(0, axis=axis), axis) + rest
        others = np.delete(share, 0, axis=axis)
        return np.concatenate([first, others], axis=axis) / 64

    return draw

    return draw


def sparse_probabilities(*shape: int) -> Draw:
    """As `probabilities`, a third of them exactly 0."""
    return lambda rng: probabilities(*shape)(rng) * (rng.random(shape) > 1 / 3)


def costs(classes: int) -> Draw:
    """A cost matrix (true class, predicted class), 0 on its diagonal."""
    return lambda rng: rng.uniform(0, 3, (classes, classes)) * (1 - np.eye(classes))


def gaussians(*shape: int, means: Callable[..., Draw] = normal, flat: int = 3) -> Draw:
    """Gaussians (…, 2k): k means, and k log-variances within ±`flat`."""
    half = (*shape[:-1], shape[-1] // 2)

    def draw(rng: np.random.Generator) -> np.ndarray:
        log_variances = flat * rng.uniform(-1, 1, half)
        return np.concatenate([means(*half)(rng), log_variances], axis=-1)

    return draw


def standard(*shape: int) -> Draw:
    """Standard Gaussians: all means and all log-variances are 0."""
    return lambda rng: np.zeros(shape)


def log_probabilities(*shape: int) -> Draw:
    """Log-probabilities along axis 1 (axis 0 if there is only one)."""
    return lambda rng: np.log(probabilities(*shape)(rng))
