"""k-means clustering and k-means++ seeding."""

import math
from typing import Any, Self

import numpy as np

from handmade import _random
from handmade._array import (
    Array,
    array_namespace,
    check,
    converted,
    device,
    require_shape,
)
from handmade._learner import require_names
from handmade._numbers import flag, whole

TOO_CLOSE = "closer than 1e-162 of the largest number, two count as one"
"""Part of the error message where squares of float64 underflow."""


def squared_distances(x: Array, centres: Array) -> Array:
    """Squared Euclidean distance of every example to every centre.

    Forward:
        d[n, j] = ‖x[n] − c[j]‖²

    Shape:
        x (n, i), centres (k, i) → (n, k).

    Stability:
        Differences are squared, not x² − 2xc + c², in which large numbers cancel.

    Raises:
        ValueError: `x` is not (n, i) or `centres` not (k, i).
    """
    xp = check("squared_distances", x=x, centres=centres)
    if x.ndim != 2:
        raise ValueError(
            f"squared_distances: x must have shape (n, i), got {tuple(x.shape)}"
        )
    if centres.ndim != 2 or centres.shape[0] == 0 or centres.shape[1] != x.shape[1]:
        raise ValueError(
            f"squared_distances: centres must have shape (k, {x.shape[1]}) with k at "
            f"least 1, got {tuple(centres.shape)}"
        )
    rows = [centres[j, :] for j in range(centres.shape[0])]
    return xp.stack([xp.sum((x - row) ** 2, axis=1) for row in rows], axis=1)


def quantisation_error(x: Array, centres: Array) -> Array:
    """Mean squared distance of the examples to their nearest centre.

    Forward:
        E = 1/N Σₙ min_j ‖x[n] − c[j]‖²

    Shape:
        x (N, i), centres (k, i) → ().

    Raises:
        ValueError: there are no examples, or the shapes do not fit.
    """
    squared = _some("quantisation_error", squared_distances(x, centres))
    xp = array_namespace("quantisation_error", squared=squared)
    return xp.mean(xp.min(squared, axis=1))


def quantisation_gradient(x: Array, centres: Array) -> Array:
    """The gradient of the quantisation error by the centres.

    Backward:
        ∂E/∂c[j] = 2/N Σ (c[j] − x[n]) over the members of j, whose nearest centre it is

    Shape:
        x (N, i), centres (k, i) → (k, i).

    At the kink:
        An example that is equally far from several centres belongs to the first.

    Raises:
        ValueError: there are no examples, or the shapes do not fit.
    """
    squared = _some("quantisation_gradient", squared_distances(x, centres))
    xp = array_namespace("quantisation_gradient", squared=squared)
    return _gradient(xp, x, centres, xp.argmin(squared, axis=1))


def kmeans_plus_plus(x: Array, k: int) -> Array:
    """k-means++ seeding: k distant examples as initial centres.

    The first is any example; each further one is drawn with a probability that is
    proportional to its squared distance from the nearest centre so far.

    Stability:
        Distances are taken of x / max |x|, so that no square is infinite or all are 0.
        Examples that lie closer together than about 1e-162 max |x| count as one.

    Args:
        x: the examples (n, i).
        k: how many to choose, from 1 to n.

    Returns:
        (k, i), in the order of the draws.

    Raises:
        TypeError: `k` is no whole number.
        ValueError: `k` is below 1 or above the number of different examples, or `x` is
            not finite.

    Source:
        D. Arthur, S. Vassilvitskii, "k-means++: the advantages of careful seeding"
        (2007).
    """
    xp = _examples("kmeans_plus_plus", x, k)
    exact = xp.astype(x, xp.float64)  # so that rounding decides no draw
    if float(largest := _largest(xp, exact)) > 0:
        exact = exact / largest
    chosen = [int(_random.fraction() * x.shape[0])]
    squared = squared_distances(exact, exact[chosen[0] : chosen[0] + 1, :])[:, 0]
    while len(chosen) < k:
        sums = xp.cumulative_sum(squared)
        if float(sums[-1]) == 0:
            raise ValueError(
                f"kmeans_plus_plus: k must be at most the number of different "
                f"examples, {len(chosen)}, got {k}; {TOO_CLOSE}"
            )
        drawn = sums[-1:] * _random.fraction()
        new = int(xp.searchsorted(sums, drawn, side="right")[0])
        chosen.append(new)
        latest = squared_distances(exact, exact[new : new + 1, :])[:, 0]
        squared = xp.minimum(squared, latest)
    return xp.stack([x[i, :] for i in chosen], axis=0)


class KMeans:
    """Lloyd's algorithm: every centre moves to the mean of those nearest to it.

    Forward:
        the loss is the quantisation error E = 1/N Σₙ min_j ‖x[n] − c[j]‖²

    Backward:
        ∂E/∂c[j] = 2/N Σ (c[j] − x[n]) over the N_j members of j
        ∂²E/∂c[j]² = 2 N_j / N · 1 as long as no example changes its centre
        c[j] − (∂²E/∂c[j]²)⁻¹ ∂E/∂c[j] = 1/N_j Σ x[n]: the mean is the Newton step

    At the kink:
        An example that is equally far from several centres belongs to the first. A
        centre without members has no mean: it takes over the example that is farthest
        from its own centre (the first of equals), which leaves the centre that it
        belonged to, unless it is alone there. Several such centres do so in order.

    Args:
        k: how many centres.
        features: how many numbers an example has.
        centres: where they start (k, features); None lets `kmeans_plus_plus` choose
            them from the first batch.

    Torch:
        None; `torch_ref.cluster.KMeans` lets autograd differentiate E and divides by
        the second derivative.

    Source:
        S. Lloyd, "Least squares quantization in PCM" (1982); L. Bottou, Y. Bengio,
        "Convergence properties of the k-means algorithms" (1995) for the Newton step.
    """

    def __init__(self, k: int, features: int, centres: Array | None = None) -> None:
        self.k = whole("KMeans", "k", k, 1)
        shape = (self.k, whole("KMeans", "features", features, 1))
        self.seeded = centres is not None
        self.centres: Array = np.zeros(shape, np.float32)
        self.gradient: Array | None = None
        if centres is not None:
            require_shape("KMeans", "centres", centres, shape)
            _finite("KMeans", check("KMeans", centres=centres), centres)
            self.centres = converted(centres, like=centres)

    def step(self, x: Array, target: Array) -> float:
        """One Lloyd step, whatever the target; returns the error before it.

        Raises:
            TypeError: `x` is not of the dtype and library of the centres.
            ValueError: `x` is not (n, features) with n at least k, or not finite, or so
                large that the sum of squared distances is not; nothing has moved then.
        """
        xp = _examples("KMeans", x, self.k)
        self._fit(x)
        _squares_fit("KMeans", xp, x, self.centres)
        if not self.seeded:
            self.centres, self.seeded = kmeans_plus_plus(x, self.k), True
        squared = squared_distances(x, self.centres)
        self.gradient = _gradient(xp, x, self.centres, xp.argmin(squared, axis=1))
        members = _one_hot(xp, _all_used(xp, squared), self.centres)
        counts = xp.sum(members, axis=0)
        self.centres = (members.T @ x) / counts[:, None]
        return float(xp.mean(xp.min(squared, axis=1)))

    def predict(self, x: Array) -> Array:
        """The index of the nearest centre, (n, features) → (n,) int64.

        Raises:
            RuntimeError: there are no centres yet: none given and no step taken.
            TypeError: `x` is not of the dtype and library of the centres.
            ValueError: `x` is not (n, features), or so large that the sum of squared
                distances is infinite.
        """
        if not self.seeded:
            raise RuntimeError(
                "KMeans: predict() needs centres: give them or take a step first"
            )
        _squares_fit("KMeans", self._fit(x), x, self.centres)
        squared = squared_distances(x, self.centres)
        xp = array_namespace("KMeans", squared=squared)
        return xp.astype(xp.argmin(squared, axis=1), xp.int64)

    def _fit(self, x: Array) -> Any:
        """The library of examples that are of the kind of the centres."""
        xp = check("KMeans", x=x, centres=self.centres)
        features = self.centres.shape[1]
        if x.ndim != 2 or x.shape[1] != features:
            raise ValueError(
                f"KMeans: x must have shape (n, {features}), got {tuple(x.shape)}"
            )
        return xp

    def parameters(self) -> dict[str, Array]:
        """The centres."""
        return {"centres": self.centres}

    def gradients(self) -> dict[str, Array]:
        """The gradient of the error at the centres before the last step."""
        return {} if self.gradient is None else {"centres": self.gradient}

    def state_dict(self) -> dict[str, Any]:
        """The centres, and whether they have been chosen."""
        return {"centres": self.centres, "seeded": self.seeded}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied.

        Raises:
            KeyError: it is the state of another kind of learner.
            TypeError: it is no dict, or a part of it is of another kind.
            ValueError: its centres have another shape.
        """
        require_names("KMeans", self.state_dict(), state_dict)
        require_shape("KMeans", "centres", state_dict["centres"], self.centres.shape)
        seeded = flag("KMeans", "seeded", state_dict["seeded"])
        self.centres = converted(state_dict["centres"], like=self.centres)
        self.seeded = seeded

    def to(self, other: Array) -> Self:
        """Move to the library, dtype and device of the array `other`."""
        self.centres = converted(self.centres, like=other)
        return self


def _gradient(xp: Any, x: Array, centres: Array, nearest: Array) -> Array:
    """2/N Σ (c[j] − x[n]) over the members of each centre."""
    away = xp.take(centres, nearest, axis=0) - x
    return 2 / x.shape[0] * (_one_hot(xp, nearest, centres).T @ away)


def _all_used(xp: Any, squared: Array) -> Array:
    """The nearest centre of each example; no centre is left without an example."""
    nearest, lost = xp.argmin(squared, axis=1), xp.min(squared, axis=1)
    for j in range(squared.shape[1]):
        if bool(xp.any(nearest == j)):
            continue
        sizes = _sizes(xp, nearest, squared.shape[1])
        alone = xp.take(sizes, nearest, axis=0) == 1
        farthest = xp.argmax(xp.where(alone, -xp.ones_like(lost), lost))
        place = xp.arange(nearest.shape[0], dtype=xp.int64, device=device(nearest))
        nearest = xp.where(place == farthest, xp.full_like(nearest, j), nearest)
    return nearest


def _one_hot(xp: Any, nearest: Array, centres: Array) -> Array:
    """1 where an example (row) belongs to a centre (column), else 0."""
    index = xp.arange(centres.shape[0], dtype=nearest.dtype, device=device(nearest))
    return xp.astype(nearest[:, None] == index, centres.dtype)


def _sizes(xp: Any, nearest: Array, k: int) -> Array:
    """How many members each centre has."""
    return xp.stack([xp.sum(xp.astype(nearest == j, xp.int64)) for j in range(k)])


def _some(owner: str, squared: Array) -> Array:
    if squared.shape[0] == 0:
        raise ValueError(f"{owner}: x must hold at least one example, got none")
    return squared


def _finite(owner: str, xp: Any, array: Array) -> None:
    if not bool(xp.all(xp.isfinite(array))):
        raise ValueError(f"{owner}: every number must be finite, got NaN or infinity")


def _largest(xp: Any, array: Array) -> Array:
    return xp.max(xp.abs(array))


def _squares_fit(owner: str, xp: Any, x: Array, centres: Array) -> None:
    """Refuse numbers whose squared distances add up to more than the dtype holds.

    Each difference is at most 2m, so that the sum is at most n · i · (2m)².
    """
    count = max(math.prod(x.shape), 1)
    limit = math.sqrt(float(xp.finfo(x.dtype).max) / count) / 2
    for name, array in (("x", x), ("centres", centres)):
        if not bool(xp.all(xp.abs(array) <= limit)):
            raise ValueError(
                f"{owner}: numbers of {name} must be finite and at most {limit:.1e} in "
                f"size, so that squared distances fit {x.dtype}"
            )


def _examples(owner: str, x: Array, k: Any) -> Any:
    """The namespace of examples (n, i) that are finite and at least k."""
    xp = check(owner, x=x)
    if x.ndim != 2 or x.shape[1] == 0:
        raise ValueError(f"{owner}: x must have shape (n, i), got {tuple(x.shape)}")
    if whole(owner, "k", k, 1) > x.shape[0]:
        raise ValueError(
            f"{owner}: k must be at most the number of examples, {x.shape[0]}, got {k}"
        )
    _finite(owner, xp, x)
    return xp


__all__ = [
    "KMeans",
    "kmeans_plus_plus",
    "quantisation_error",
    "quantisation_gradient",
    "squared_distances",
]
