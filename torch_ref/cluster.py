"""k-means: the error's gradient by autograd, and Lloyd's step as a Newton step."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter, ParameterDict

from torch_ref import _random
from torch_ref._checks import whole
from torch_ref.training import ModelLearner


def squared_distances(x: Tensor, centres: Tensor) -> Tensor:
    """Return |xₙ − cₖ|² for every example n and every centre k.

    Shape:
        x (n, i), centres (k, i); result (n, k).

    Raises:
        TypeError: the dtypes differ.
        ValueError: a shape is another, or there is no centre.
    """
    _check_match("squared_distances", x, centres)
    if len(centres) == 0:
        raise ValueError("squared_distances: centres must hold at least one, got none")
    return (x[:, None] - centres).square().sum(dim=2)


def quantisation_error(x: Tensor, centres: Tensor) -> Tensor:
    """Return the mean squared distance to the nearest centre, shape ()."""
    if len(x) == 0:
        raise ValueError("quantisation_error: x must hold at least one example")
    return squared_distances(x, centres).min(dim=1).values.mean()


def quantisation_gradient(x: Tensor, centres: Tensor) -> Tensor:
    """Return the gradient of the quantisation error by the centres (k, i)."""
    return torch.func.grad(quantisation_error, argnums=1)(x, centres)


def kmeans_plus_plus(x: Tensor, k: int) -> Tensor:
    """Choose k examples by D² sampling (k-means++), (n, i) → (k, i).

    Raises:
        ValueError: `k` is below 1 or above the number of different examples, or `x` is
            not finite.
    """
    _check_examples("kmeans_plus_plus", x, k)
    exact = x.double() / (x.abs().max().double() or 1.0)
    chosen = [int(_random.fraction() * len(x))]
    while len(chosen) < k:
        sums = squared_distances(exact, exact[chosen]).amin(dim=1).cumsum(0)
        if sums[-1] == 0:
            raise ValueError(
                f"kmeans_plus_plus: k must be at most the number of different "
                f"examples, {len(chosen)}, got {k}; closer than 1e-162 of the largest "
                f"number, two count as one"
            )
        drawn = sums[-1] * _random.fraction()
        chosen.append(int(torch.searchsorted(sums, drawn, right=True)))
    return x[chosen]


class KMeans(ModelLearner):
    """k-means by Lloyd's algorithm, each step as a Newton step on the error.

    Args:
        k: the number of clusters.
        features: i, the number of inputs.
        centres: the first centres (k, i); None: k-means++ on the first batch.
    """

    def __init__(self, k: int, features: int, centres: Any = None) -> None:
        shape = whole("KMeans", "k", k, 1), whole("KMeans", "features", features, 1)
        self.seeded = centres is not None
        given = torch.zeros(shape) if centres is None else torch.as_tensor(centres)
        _check_shape(given, shape)
        if not given.is_floating_point():
            raise TypeError(
                f"KMeans: centres must hold floating-point numbers, got {given.dtype}"
            )
        _check_examples("KMeans", given, 1)
        self.centres = Parameter(given.clone())
        super().__init__(ParameterDict({"centres": self.centres}))

    def step(self, x: Tensor, target: Tensor) -> float:
        """Take one Lloyd step, whatever the target; return the error before it."""
        _check_examples("KMeans", x, len(self.centres))
        _check_match("KMeans", x, self.centres)
        _check_range("KMeans", x, self.centres)
        if not self.seeded:
            self.centres.data = kmeans_plus_plus(x, len(self.centres))
            self.seeded = True
        self.centres.grad = None
        error = quantisation_error(x, self.centres)
        error.backward()
        self.centres.data = self._newton(x)
        return error.item()

    def _newton(self, x: Tensor) -> Tensor:
        """Return the centres minus gradient / second derivative.

        With fixed members, the Hessian is diagonal and the same for all features.
        """
        start, members = _fill_empty(x, self.centres.detach().clone())

        def error(centres: Tensor) -> Tensor:
            return (x - centres[members]).square().sum(dim=1).mean()

        counts = torch.bincount(members, minlength=len(start)).to(start)
        curvature = 2 * counts / len(x)
        return start - torch.func.grad(error)(start) / curvature[:, None]

    def predict(self, x: Tensor) -> Tensor:
        """Return the index of the nearest centre, (n, i) → (n,)."""
        if not self.seeded:
            raise RuntimeError(
                "KMeans: predict() needs centres: give them or take a step first"
            )
        _check_match("KMeans", x, self.centres)
        _check_range("KMeans", x, self.centres)
        return squared_distances(x, self.centres.detach()).argmin(dim=1)

    def state_dict(self) -> dict[str, Any]:
        """Return the centres, and whether they have been chosen."""
        return self.parameters() | {"seeded": self.seeded}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; tensors are copied.

        Raises:
            KeyError: the names differ, as in the state of another kind of learner.
            ValueError: the centres have another shape.
        """
        if (own := self.state_dict().keys()) != state_dict.keys():
            raise KeyError(
                f"KMeans.load_state_dict: expected {[*own]}, got {[*state_dict]}"
            )
        _check_shape(state_dict["centres"], tuple(self.centres.shape))
        self.model.load_state_dict({"centres": state_dict["centres"]})
        self.seeded = bool(state_dict["seeded"])


def _fill_empty(x: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Move each empty centre to the farthest example; return centres and members.

    Examples that are the only member of their cluster stay there.
    """
    distances, nearest = squared_distances(x, centres).min(dim=1)
    counts = torch.bincount(nearest, minlength=len(centres))
    for j in torch.nonzero(counts == 0).flatten():
        moved = torch.where(counts[nearest] > 1, distances, -1.0).argmax()
        counts[nearest[moved]] -= 1
        counts[j] += 1
        nearest[moved], centres[j] = j, x[moved]
    return centres, nearest


def _check_shape(centres: Tensor, shape: tuple[int, ...]) -> None:
    if centres.shape != shape:
        raise ValueError(
            f"KMeans: centres must have shape {shape}, got {tuple(centres.shape)}"
        )


def _check_match(owner: str, x: Tensor, centres: Tensor) -> None:
    """Refuse dtypes and shapes that torch would promote or broadcast."""
    if x.dtype != centres.dtype:
        raise TypeError(f"{owner}: x is {x.dtype}, but centres is {centres.dtype}")
    if x.ndim != 2 or centres.ndim != 2 or x.shape[1] != centres.shape[1]:
        raise ValueError(
            f"{owner}: x must have shape (n, i) and centres (k, i), "
            f"got {tuple(x.shape)} and {tuple(centres.shape)}"
        )


def _check_range(owner: str, x: Tensor, centres: Tensor) -> None:
    """Refuse numbers whose squared distances may add up to infinity."""
    limit = (torch.finfo(x.dtype).max / max(x.numel(), 1)) ** 0.5 / 2
    for name, tensor in (("x", x), ("centres", centres)):
        if not (tensor.abs() <= limit).all():
            raise ValueError(
                f"{owner}: numbers of {name} must be finite and at most {limit:.1e} in "
                f"size, so that squared distances fit {x.dtype}"
            )


def _check_examples(owner: str, x: Tensor, k: int) -> None:
    """Refuse what is not at least k finite rows."""
    if x.ndim != 2 or x.shape[1] == 0:
        raise ValueError(f"{owner}: x must have shape (n, i), got {tuple(x.shape)}")
    if whole(owner, "k", k, 1) > len(x):
        raise ValueError(
            f"{owner}: k must be at most the number of examples, {len(x)}, got {k}"
        )
    if not x.isfinite().all():
        raise ValueError(f"{owner}: every number must be finite, got NaN or infinity")


__all__ = [
    "KMeans",
    "kmeans_plus_plus",
    "quantisation_error",
    "quantisation_gradient",
    "squared_distances",
]
