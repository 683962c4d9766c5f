"""torch.nn by name; what torch lacks is written forward-only, for autograd."""

from collections.abc import Iterable

import torch
from torch.nn import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Flatten,
    HingeEmbeddingLoss,
    HuberLoss,
    Identity,
    KLDivLoss,
    L1Loss,
    LeakyReLU,
    Linear,
    LogSoftmax,
    Module,
    MSELoss,
    MultiMarginLoss,
    NLLLoss,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    SmoothL1Loss,
    Softmax,
    Tanh,
)


class Step(Module):
    """1 where x > 0, else 0 (NaN, too); autograd finds the gradient 0, as sign's is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """sign(relu(x)), which is [x > 0]."""
        return torch.relu(x).sign()


class WeightedSum(Module):
    """Σᵢ aᵢ Lᵢ(x, y) over the pairs (aᵢ, Lᵢ)."""

    def __init__(self, losses: Iterable[tuple[float, Module]]) -> None:
        super().__init__()
        pairs = list(losses)
        self.weights = [a for a, _ in pairs]
        for index, (_, loss) in enumerate(pairs):
            self.add_module(str(index), loss)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The sum as one number."""
        losses = [loss(input, target) for loss in self.children()]
        pairs = zip(self.weights, losses, strict=True)
        return torch.stack([a * loss for a, loss in pairs]).sum()


class ExpectedCostLoss(Module):
    """The costs K[y, k] of the answers k, expected under softmax(x)."""

    cost: torch.Tensor

    def __init__(self, cost: torch.Tensor, *, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("cost", cost)
        self.reduction = reduction

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Reduced over the examples."""
        axis = min(1, input.ndim - 1)
        costs = self.cost[target].movedim(-1, axis)
        losses = (torch.softmax(input, axis) * costs).sum(axis)
        if self.reduction == "none":
            return losses
        return losses.mean() if self.reduction == "mean" else losses.sum()


class SmoothnessPenalty(Module):
    """The mean squared difference of neighbouring pixels of every row of weight."""

    def __init__(self, weight: Parameter, shape: tuple[int, int]) -> None:
        super().__init__()
        self.weight = weight
        self.shape = shape

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The same for every input and target."""
        images = self.weight.unflatten(1, self.shape)
        pairs = [images.diff(dim=1).flatten(), images.diff(dim=2).flatten()]
        return torch.cat(pairs).square().mean()


__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "ExpectedCostLoss",
    "Flatten",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "MultiMarginLoss",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "SmoothL1Loss",
    "SmoothnessPenalty",
    "Softmax",
    "Step",
    "Tanh",
    "WeightedSum",
]
