"""Forward-Forward with autograd cut between the layers."""

import copy
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from handmade._numbers import finite_number, whole
from torch_ref import _random


def goodness(y: Tensor) -> Tensor:
    """The mean of the squared activities."""
    return y.square().mean(dim=-1)


def grad_goodness(y: Tensor) -> Tensor:
    """∂G/∂y of each activity, by torch.func."""
    return torch.func.grad(lambda activities: goodness(activities).sum())(y)


def direction(x: Tensor) -> Tensor:
    """Each row divided by its root mean square, so that its goodness is 1."""
    size = torch.linalg.vector_norm(x, dim=-1, keepdim=True) / x.shape[-1] ** 0.5
    return x / (size + 1e-8)


def with_label(x: Tensor, label: Tensor, num_classes: int) -> Tensor:
    """Append the label one-hot, (n, i) → (n, i + c).

    Raises:
        TypeError: a label or `num_classes` is no integer, or x is not floating.
        ValueError: x is not (n, i), there is not one label a row, or one is not in
            0 … c − 1.
    """
    if not x.is_floating_point():
        raise TypeError(
            f"with_label: x must hold floating-point numbers, got {x.dtype}"
        )
    num_classes = whole("with_label", "num_classes", num_classes, 1)
    if x.ndim != 2:
        raise ValueError(f"with_label: x must be (n, i), got shape {tuple(x.shape)}")
    _require_labels("with_label", label, len(x), num_classes)
    return torch.cat([x, F.one_hot(label.long(), num_classes).to(x)], dim=1)


def wrong_label(label: Tensor, num_classes: int) -> Tensor:
    """For each label one of the other classes, each equally often.

    Raises:
        TypeError: a label or `num_classes` is no integer.
        ValueError: there are no other classes, or a label is not in 0 … c − 1.
    """
    num_classes = whole("wrong_label", "num_classes", num_classes, 2)
    _require_labels("wrong_label", label, label.numel(), num_classes)
    further = _random.integers(1, num_classes, tuple(label.shape)).to(label.device)
    return torch.remainder(label.long() + further, num_classes).to(label.dtype)


class ForwardForward:
    """Each layer learns for itself to be active on what is true, and calm on the rest.

    Args:
        features: the inputs and the widths of the layers.
        num_classes: so many inputs are appended.
        optimizer: makes an optimiser from one layer's parameters.
        theta: the goodness at which a layer is undecided.
    """

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
        self.model = nn.Sequential(
            *(nn.Sequential(nn.Linear(i, o), nn.ReLU()) for i, o in pairwise(widths))
        )
        self.optimizers = [optimizer(layer.parameters()) for layer in self.model]

    def step(self, x: Tensor, target: Tensor) -> float:
        """Let every layer learn once; returns the sum of their losses before."""
        true = with_label(x, target, self.num_classes)
        if len(true) == 0:
            raise ValueError("ForwardForward: x must hold at least one example")
        wrong = wrong_label(target, self.num_classes)
        false = with_label(x, wrong, self.num_classes)
        losses: list[float] = []
        for layer, optimizer in zip(self.model, self.optimizers, strict=True):
            true, false = layer(direction(true)), layer(direction(false))
            loss = self._loss(goodness(true), goodness(false))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            true, false = true.detach(), false.detach()
            losses.append(loss.item())
        return sum(losses)

    def _loss(self, true: Tensor, false: Tensor) -> Tensor:
        """Softplus of how far each goodness is on the wrong side of θ."""
        return F.softplus(torch.cat([self.theta - true, false - self.theta])).mean()

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """The goodness of `x` with each label, summed over all layers, (n, c)."""
        n, c = len(x), self.num_classes
        labels = torch.arange(c, device=x.device).repeat(n)
        rows = with_label(x.repeat_interleave(c, dim=0), labels, c)
        total = torch.zeros_like(rows[:, 0])
        for layer in self.model:
            rows = layer(direction(rows))
            total = total + goodness(rows)
        return total.reshape(n, c)

    def parameters(self) -> dict[str, Tensor]:
        """The data of every parameter."""
        return {n: p.detach() for n, p in self.model.named_parameters()}

    def gradients(self) -> dict[str, Tensor]:
        """What autograd found of each layer's own loss, once there was a step."""
        return {
            name: p.grad
            for name, p in self.model.named_parameters()
            if p.grad is not None
        }

    def state_dict(self) -> dict[str, Any]:
        """The states of the layers and of their optimisers."""
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        return {"model": self.model.state_dict(), "optimizers": optimizers}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied.

        Raises:
            KeyError: it is the state of another kind of learner, or of other layers.
            ValueError: it has another number of optimisers, or other shapes.
        """
        if (own := self.state_dict().keys()) != state_dict.keys():
            raise KeyError(
                f"ForwardForward.load_state_dict: expected {[*own]}, "
                f"got {[*state_dict]}"
            )
        self.model.load_state_dict(state_dict["model"])
        pairs = zip(self.optimizers, state_dict["optimizers"], strict=True)
        for optimizer, state in pairs:
            # Torch would go on with the given buffers themselves.
            optimizer.load_state_dict(copy.deepcopy(state))

    def to(self, other: Tensor) -> Self:
        """Move layers and optimisers to the dtype and device of `other`."""
        self.model.to(other)
        for optimizer in self.optimizers:
            optimizer.load_state_dict(optimizer.state_dict())
        return self


def _require_labels(owner: str, label: Tensor, n: int, num_classes: int) -> None:
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
