"""k-means the PyTorch way: the error's gradient by autograd, the step by Newton."""

from typing import Any, Self

import torch
from torch import Tensor

from handmade._numbers import whole
from handmade.cluster import TOO_CLOSE
from torch_ref import _random


def squared_distances(x: Tensor, centres: Tensor) -> Tensor:
    """How far every example (row) is from every centre (column), squared."""
    _fit("squared_distances", x, centres)
    if len(centres) == 0:
        raise ValueError("squared_distances: centres must hold at least one, got none")
    return (x[:, None] - centres).square().sum(dim=2)


def quantisation_error(x: Tensor, centres: Tensor) -> Tensor:
    """The mean squared distance to the nearest centre."""
    if len(x) == 0:
        raise ValueError("quantisation_error: x must hold at least one example")
    return squared_distances(x, centres).min(dim=1).values.mean()


def quantisation_gradient(x: Tensor, centres: Tensor) -> Tensor:
    """What autograd makes of the quantisation error."""
    return torch.func.grad(quantisation_error, argnums=1)(x, centres)


def kmeans_plus_plus(x: Tensor, k: int) -> Tensor:
    """Choose k examples by D² sampling.

    Raises:
        ValueError: `k` is below 1 or above the number of different examples, or `x` is
            not finite.
    """
    _refuse("kmeans_plus_plus", x, k)
    exact = x.double() / (x.abs().max().double() or 1.0)
    chosen = [int(_random.fraction() * len(x))]
    while len(chosen) < k:
        sums = squared_distances(exact, exact[chosen]).amin(dim=1).cumsum(0)
        if sums[-1] == 0:
            raise ValueError(
                f"kmeans_plus_plus: k must be at most the number of different "
                f"examples, {len(chosen)}, got {k}; {TOO_CLOSE}"
            )
        drawn = sums[-1] * _random.fraction()
        chosen.append(int(torch.searchsorted(sums, drawn, right=True)))
    return x[chosen]


class KMeans:
    """Lloyd's algorithm as Newton's step on what autograd says of the error."""

    def __init__(self, k: int, features: int, centres: Any = None) -> None:
        shape = whole("KMeans", "k", k, 1), whole("KMeans", "features", features, 1)
        self.seeded = centres is not None
        given = torch.zeros(shape) if centres is None else torch.as_tensor(centres)
        _require_shape(given, shape)
        if not given.is_floating_point():
            raise TypeError(
                f"KMeans: centres must hold floating-point numbers, got {given.dtype}"
            )
        _refuse("KMeans", given, 1)
        self.centres = torch.nn.Parameter(given.clone())

    def step(self, x: Tensor, target: Tensor) -> float:
        """One Lloyd step, whatever the target; returns the error before it."""
        _refuse("KMeans", x, len(self.centres))
        _fit("KMeans", x, self.centres)
        _squares_fit("KMeans", x, self.centres)
        if not self.seeded:
            self.centres.data = kmeans_plus_plus(x, len(self.centres))
            self.seeded = True
        self.centres.grad = None
        error = quantisation_error(x, self.centres)
        error.backward()
        self.centres.data = self._newton(x)
        return error.item()

    def _newton(self, x: Tensor) -> Tensor:
        """The centres minus gradient / second derivative.

        With fixed members, the Hessian is diagonal and in all features the same.
        """
        start, members = _none_empty(x, self.centres.detach().clone())

        def error(centres: Tensor) -> Tensor:
            return (x - centres[members]).square().sum(dim=1).mean()

        counts = torch.bincount(members, minlength=len(start)).to(start)
        curvature = 2 * counts / len(x)
        return start - torch.func.grad(error)(start) / curvature[:, None]

    def predict(self, x: Tensor) -> Tensor:
        """The index of the nearest centre."""
        if not self.seeded:
            raise RuntimeError(
                "KMeans: predict() needs centres: give them or take a step first"
            )
        _fit("KMeans", x, self.centres)
        _squares_fit("KMeans", x, self.centres)
        return squared_distances(x, self.centres.detach()).argmin(dim=1)

    def parameters(self) -> dict[str, Tensor]:
        """The centres."""
        return {"centres": self.centres.detach()}

    def gradients(self) -> dict[str, Tensor]:
        """What autograd found in the last step."""
        grad = self.centres.grad
        return {} if grad is None else {"centres": grad}

    def state_dict(self) -> dict[str, Any]:
        """The centres, and whether they have been chosen."""
        return {"centres": self.centres.detach(), "seeded": self.seeded}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied.

        Raises:
            KeyError: it is the state of another kind of learner.
            ValueError: its centres have another shape.
        """
        if (own := self.state_dict().keys()) != state_dict.keys():
            raise KeyError(
                f"KMeans.load_state_dict: expected {[*own]}, got {[*state_dict]}"
            )
        centres = state_dict["centres"]
        _require_shape(centres, tuple(self.centres.shape))
        self.centres.data = centres.to(self.centres, copy=True)
        self.seeded = bool(state_dict["seeded"])

    def to(self, other: Tensor) -> Self:
        """Move to the dtype and device of `other`."""
        self.centres.data = self.centres.data.to(other)
        return self


def _none_empty(x: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Centres and members, once each empty one sits on the farthest free example."""
    lost, nearest = squared_distances(x, centres).min(dim=1)
    counts = torch.bincount(nearest, minlength=len(centres))
    for j in torch.nonzero(counts == 0).flatten():
        moved = torch.where(counts[nearest] > 1, lost, -1.0).argmax()
        counts[nearest[moved]] -= 1
        counts[j] += 1
        nearest[moved], centres[j] = j, x[moved]
    return centres, nearest


def _require_shape(centres: Tensor, shape: tuple[int, ...]) -> None:
    if centres.shape != shape:
        raise ValueError(
            f"KMeans: centres must have shape {shape}, got {tuple(centres.shape)}"
        )


def _fit(owner: str, x: Tensor, centres: Tensor) -> None:
    """Refuse what torch would broadcast or widen."""
    if x.dtype != centres.dtype:
        raise TypeError(f"{owner}: x is {x.dtype}, but centres is {centres.dtype}")
    if x.ndim != 2 or centres.ndim != 2 or x.shape[1] != centres.shape[1]:
        raise ValueError(
            f"{owner}: x must have shape (n, i) and centres (k, i), "
            f"got {tuple(x.shape)} and {tuple(centres.shape)}"
        )


def _squares_fit(owner: str, x: Tensor, centres: Tensor) -> None:
    """Refuse numbers whose squared distances may add up to infinity."""
    limit = (torch.finfo(x.dtype).max / max(x.numel(), 1)) ** 0.5 / 2
    for name, tensor in (("x", x), ("centres", centres)):
        if not (tensor.abs() <= limit).all():
            raise ValueError(
                f"{owner}: numbers of {name} must be finite and at most {limit:.1e} in "
                f"size, so that squared distances fit {x.dtype}"
            )


def _refuse(owner: str, x: Tensor, k: int) -> None:
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
