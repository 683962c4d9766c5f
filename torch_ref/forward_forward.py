"""Hinton's Forward-Forward algorithm: autograd within a layer, none between layers."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from torch_ref import _random
from torch_ref._checks import finite_number, whole
from torch_ref.training import ModelLearner


def goodness(y: Tensor) -> Tensor:
    """Return the mean of the squared activations, (…, o) → (…)."""
    return y.square().mean(dim=-1)


def grad_goodness(y: Tensor) -> Tensor:
    """Return the gradient of the goodness by each activation, (…, o) → (…, o)."""
    return torch.func.grad(lambda y: goodness(y).sum())(y)


def direction(x: Tensor) -> Tensor:
    """Divide each row by its root mean square, so that its goodness is 1, (…, i)."""
    rms = torch.linalg.vector_norm(x, dim=-1, keepdim=True) / x.shape[-1] ** 0.5
    return x / (rms + 1e-8)


def with_label(x: Tensor, label: Tensor, num_classes: int) -> Tensor:
    """Append the one-hot label, (n, i) → (n, i + c).

    Raises:
        TypeError: a label or `num_classes` is no integer, or x is not floating-point.
        ValueError: x is not (n, i), label is not (n,), or a label is not in
            0 … c − 1.
    """
    if not x.is_floating_point():
        raise TypeError(
            f"with_label: x must hold floating-point numbers, got {x.dtype}"
        )
    num_classes = whole("with_label", "num_classes", num_classes, 1)
    if x.ndim != 2:
        raise ValueError(f"with_label: x must be (n, i), got shape {tuple(x.shape)}")
    _check_labels("with_label", label, len(x), num_classes)
    return torch.cat([x, F.one_hot(label.long(), num_classes).to(x)], dim=1)


def wrong_label(label: Tensor, num_classes: int) -> Tensor:
    """Draw one of the other classes for each label, uniformly, (n,) → (n,).

    Raises:
        TypeError: a label or `num_classes` is no integer.
        ValueError: there are no other classes, or a label is not in 0 … c − 1.
    """
    num_classes = whole("wrong_label", "num_classes", num_classes, 2)
    _check_labels("wrong_label", label, label.numel(), num_classes)
    further = _random.integers(1, num_classes, tuple(label.shape)).to(label.device)
    return torch.remainder(label.long() + further, num_classes).to(label.dtype)


class ForwardForward(ModelLearner):
    """Train each layer alone: high goodness on true labels, low on wrong ones.

    Args:
        features: the number of inputs, then the width of each layer.
        num_classes: c; the one-hot label is appended to the inputs.
        optimizer: makes an optimizer from one layer's parameters.
        theta: θ, the goodness at which a layer is undecided.
    """

    stateful = ("model", "optimizers")

    def __init__(
        self,
        features: Sequence[int],
        num_classes: int,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        *,
        theta: float = 2.0,
    ) -> None:
        owner = "ForwardForward"
        widths = [whole(owner, "each of features", width, 1) for width in features]
        if len(widths) < 2:
            raise ValueError(
                f"{owner}: features must hold the inputs and at least one layer, "
                f"got {features}"
            )
        self.num_classes = whole(owner, "num_classes", num_classes, 2)
        self.theta = finite_number(owner, "theta", theta)
        widths[0] += self.num_classes
        self.layers = [
            nn.Sequential(nn.Linear(i, o), nn.ReLU()) for i, o in pairwise(widths)
        ]
        super().__init__(nn.Sequential(*self.layers))
        self.optimizers = [optimizer(layer.parameters()) for layer in self.layers]

    def step(self, x: Tensor, target: Tensor) -> float:
        """Train every layer once; return the sum of their losses before the update."""
        true = with_label(x, target, self.num_classes)
        if len(true) == 0:
            raise ValueError("ForwardForward: x must hold at least one example")
        wrong = wrong_label(target, self.num_classes)
        false = with_label(x, wrong, self.num_classes)
        losses: list[float] = []
        for layer, optimizer in zip(self.layers, self.optimizers, strict=True):
            true, false = layer(direction(true)), layer(direction(false))
            loss = self._loss(goodness(true), goodness(false))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            true, false = true.detach(), false.detach()
            losses.append(loss.item())
        return sum(losses)

    def _loss(self, true: Tensor, false: Tensor) -> Tensor:
        """Mean of softplus(θ − G) over true and softplus(G − θ) over wrong labels."""
        return F.softplus(torch.cat([self.theta - true, false - self.theta])).mean()

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """Return the goodness of x with each label, summed over the layers, (n, c)."""
        n, c = len(x), self.num_classes
        labels = torch.arange(c, device=x.device).repeat(n)
        rows = with_label(x.repeat_interleave(c, dim=0), labels, c)
        total = torch.zeros_like(rows[:, 0])
        for layer in self.layers:
            rows = layer(direction(rows))
            total = total + goodness(rows)
        return total.reshape(n, c)


def _check_labels(owner: str, label: Tensor, n: int, num_classes: int) -> None:
    """Refuse labels that are not n integers, each of 0 … c − 1."""
    if label.is_floating_point() or label.is_complex() or label.dtype == torch.bool:
        raise TypeError(f"{owner}: label must hold integers, got {label.dtype}")
    if label.shape != (n,):
        raise ValueError(
            f"{owner}: label must have shape {(n,)}, got {tuple(label.shape)}"
        )
    if ((label < 0) | (label >= num_classes)).any():
        raise ValueError(f"{owner}: every label must be in 0 … {num_classes - 1}")


__all__ = [
    "ForwardForward",
    "direction",
    "goodness",
    "grad_goodness",
    "with_label",
    "wrong_label",
]
