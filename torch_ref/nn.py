"""torch.nn by name; what torch lacks is written forward-only, for autograd."""

from collections.abc import Iterable
from typing import Any

import torch
from torch.nn import (
    ELU,
    GELU,
    AvgPool1d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    BCELoss,
    BCEWithLogitsLoss,
    Conv1d,
    Conv2d,
    CrossEntropyLoss,
    Embedding,
    Flatten,
    GroupNorm,
    Hardtanh,
    HingeEmbeddingLoss,
    HuberLoss,
    Identity,
    KLDivLoss,
    L1Loss,
    LayerNorm,
    LeakyReLU,
    Linear,
    LogSoftmax,
    MaxPool1d,
    MaxPool2d,
    Module,
    MSELoss,
    MultiMarginLoss,
    NLLLoss,
    Parameter,
    PReLU,
    ReLU,
    ReLU6,
    Sequential,
    Sigmoid,
    SiLU,
    SmoothL1Loss,
    Softmax,
    Softplus,
    Tanh,
)

from handmade._bits import known_bits
from torch_ref import _init, _utils
from torch_ref._random import keep_mask, normal
from torch_ref.quantize import Quantized, quantize

init, utils = _init, _utils


class Dropout(torch.nn.Dropout):
    """Torch's own but for the mask: both sides drop the same units."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Input · k / (1 − p), k being 0 or 1; in evaluation mode the input."""
        if not self.training:
            return input
        kept = 1 - self.p if self.p < 1 else 1.0
        factors = keep_mask(self.p, tuple(input.shape)).to(input) / kept
        return input.mul_(factors) if self.inplace else input * factors


class GaussianSample(Module):
    """μ + σ ε of (μ, log σ²) side by side, with handmade's ε; in evaluation mode μ."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (…, 2k) to (…, k)."""
        mean, log_variance = x.chunk(2, dim=-1)
        if not self.training:
            return mean
        noise = normal(0.0, 1.0, tuple(mean.shape)).to(x)
        return mean + (log_variance / 2).exp() * noise


class GaussianKLLoss(Module):
    """KL(N(μ, σ²) ‖ N(μ₀, σ₀²)) of (μ, log σ²) and (μ₀, log σ₀²), summed over a row."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Reduced over the rows."""
        mean, log_variance = (input - target).chunk(2, dim=-1)
        precision = target.chunk(2, dim=-1)[1].neg().exp()
        each = log_variance.expm1() - log_variance + mean.square() * precision
        losses = each.sum(dim=-1) / 2
        if self.reduction == "none":
            return losses
        return losses.mean() if self.reduction == "mean" else losses.sum()


class Residual(Sequential):
    """The input plus what the layers make of it, which must have its shape."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Input + f(input)."""
        change = super().forward(input)
        if change.shape != input.shape:
            raise ValueError(
                f"Residual: f(x) must have shape {tuple(input.shape)}, "
                f"got {tuple(change.shape)}"
            )
        return input + change


class _StraightThrough(torch.autograd.Function):
    """Quantises; the gradient passes as if it had not."""

    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, bits: int | str) -> torch.Tensor:
        """The weights as they are used."""
        return quantize(weight, bits).used

    @staticmethod
    def backward(ctx: Any, *grad_output: torch.Tensor) -> Any:
        """Unchanged, and none by bits."""
        return grad_output[0], None


class QuantizedLinear(Linear):
    """A linear layer whose weights are quantised before they are used."""

    def __init__(
        self, in_features: int, out_features: int, bits: int | str, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, bias)
        self.bits = known_bits("QuantizedLinear", bits)

    def quantized(self) -> Quantized:
        """The weights as they are stored, their scale, and as they are used."""
        return quantize(self.weight.detach(), self.bits)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """torch.nn.functional.linear with the used weights."""
        used = _StraightThrough.apply(self.weight, self.bits)
        return torch.nn.functional.linear(input, used, self.bias)


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

    def __init__(self, cost: Any, *, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("cost", torch.as_tensor(cost))
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
    "ELU",
    "GELU",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "ExpectedCostLoss",
    "Flatten",
    "GaussianKLLoss",
    "GaussianSample",
    "GroupNorm",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "MultiMarginLoss",
    "NLLLoss",
    "PReLU",
    "Parameter",
    "QuantizedLinear",
    "ReLU",
    "ReLU6",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "SmoothnessPenalty",
    "Softmax",
    "Softplus",
    "Step",
    "Tanh",
    "WeightedSum",
]
