"""torch.nn; what torch lacks is written as a forward pass only, for autograd."""

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
    RMSNorm,
    Sequential,
    Sigmoid,
    SiLU,
    SmoothL1Loss,
    Softmax,
    Softplus,
    Tanh,
)

from torch_ref import _init, _utils
from torch_ref._checks import quantisation_bits
from torch_ref._random import keep_mask, normal
from torch_ref.quantize import Quantized, quantize

init, utils = _init, _utils


class Dropout(torch.nn.Dropout):
    """torch's Dropout with the mask of `manual_seed`, the same as handmade's.

    Forward:
        y = x · k / (1 − p), each k 0 with probability p, else 1; in evaluation mode
        y = x
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Drop elements, (…) → (…)."""
        if not self.training:
            return input
        kept = 1 - self.p if self.p < 1 else 1.0
        factors = keep_mask(self.p, tuple(input.shape)).to(input) / kept
        return input.mul_(factors) if self.inplace else input * factors


class MultiheadAttention(torch.nn.MultiheadAttention):
    """torch's MultiheadAttention of one input: query, key and value are all x.

    Args:
        embed_dim, …, batch_first: torch's.
        is_causal: whether no position sees a later one; torch takes it in `forward`.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        is_causal: bool = False,
    ) -> None:
        options = (dropout, bias, add_bias_kv, add_zero_attn, kdim, vdim, batch_first)
        super().__init__(embed_dim, num_heads, *options)
        self.is_causal = is_causal

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the attention's output, (n, l, e) → (n, l, e) if `batch_first`."""
        length = x.shape[1 if self.batch_first and x.ndim == 3 else 0]
        later = x.new_ones(length, length, dtype=torch.bool).triu(1)
        mask = later if self.is_causal else None
        how = {"attn_mask": mask, "is_causal": self.is_causal, "need_weights": False}
        return super().forward(x, x, x, **how)[0]


class GaussianSample(Module):
    """The reparameterisation trick: a differentiable sample from N(μ, σ²).

    Forward:
        z = μ + σ ε, each ε from N(0, 1); in evaluation mode z = μ

    Shape:
        x (…, 2k): μ and log σ² side by side; z (…, k).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Draw z, (…, 2k) → (…, k)."""
        mean, log_variance = x.chunk(2, dim=-1)
        if not self.training:
            return mean
        noise = normal(0.0, 1.0, tuple(mean.shape)).to(x)
        return mean + (log_variance / 2).exp() * noise


class GaussianKLLoss(Module):
    """Kullback–Leibler divergence KL(N(μ, σ²) ‖ N(μ₀, σ₀²)), summed over a row.

    Args:
        reduction: over the rows: "mean", "sum" or "none".

    Shape:
        input (…, 2k): μ and log σ² side by side; target (…, 2k): μ₀ and log σ₀².
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the divergence, reduced over the rows."""
        mean, log_variance = (input - target).chunk(2, dim=-1)
        precision = target.chunk(2, dim=-1)[1].neg().exp()
        each = log_variance.expm1() - log_variance + mean.square() * precision
        losses = each.sum(dim=-1) / 2
        if self.reduction == "none":
            return losses
        return losses.mean() if self.reduction == "mean" else losses.sum()


class Residual(Sequential):
    """A skip connection around a sequence of layers: y = x + f(x), f(x) shaped as x."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return x + f(x).

        Raises:
            ValueError: f(x) has another shape than x.
        """
        change = super().forward(input)
        if change.shape != input.shape:
            raise ValueError(
                f"Residual: f(x) must have shape {tuple(input.shape)}, "
                f"got {tuple(change.shape)}"
            )
        return input + change


class _StraightThrough(torch.autograd.Function):
    """Straight-through estimator: quantise forward, pass the gradient unchanged."""

    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, bits: int | str) -> torch.Tensor:
        """Return the quantised weights."""
        return quantize(weight, bits).used

    @staticmethod
    def backward(ctx: Any, *grad_output: torch.Tensor) -> Any:
        """Return the gradient by the weights; `bits` has none."""
        return grad_output[0], None


class QuantizedLinear(Linear):
    """Quantisation-aware training: a linear layer that uses quantised weights.

    Args:
        in_features: the number of inputs.
        out_features: the number of outputs.
        bits: 2 to 24, "ternary" or "binary".
        bias: whether to add a bias, which is not quantised.
    """

    def __init__(
        self, in_features: int, out_features: int, bits: int | str, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, bias)
        self.bits = quantisation_bits("QuantizedLinear", bits)

    def quantized(self) -> Quantized:
        """Return the weights as stored, their scale, and the weights as used."""
        return quantize(self.weight.detach(), self.bits)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return x Wᵀ + b with quantised W, (…, i) → (…, o)."""
        used = _StraightThrough.apply(self.weight, self.bits)
        return torch.nn.functional.linear(input, used, self.bias)


class Step(Module):
    """The Heaviside step: 1 where x > 0, else 0, for NaN, too; its gradient is 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return [x > 0] as sign(relu(x)), through which autograd gives 0."""
        return torch.relu(x).sign()


class WeightedSum(Module):
    """A weighted sum of losses, Σᵢ aᵢ Lᵢ(x, y).

    Args:
        losses: the pairs (aᵢ, Lᵢ).
    """

    def __init__(self, losses: Iterable[tuple[float, Module]]) -> None:
        super().__init__()
        pairs = list(losses)
        self.weights = [a for a, _ in pairs]
        for index, (_, loss) in enumerate(pairs):
            self.add_module(str(index), loss)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the sum, shape ()."""
        losses = [loss(input, target) for loss in self.children()]
        pairs = zip(self.weights, losses, strict=True)
        return torch.stack([a * loss for a, loss in pairs]).sum()


class ExpectedCostLoss(Module):
    """Expected cost of a classification: Σₖ K[y, k] softmax(x)ₖ.

    Args:
        cost: K (c, c); K[y, k] is the cost of the answer k where y is right.
        reduction: over the examples: "mean", "sum" or "none".

    Shape:
        input (n, c, …) or (c,), target (n, …) or ().
    """

    cost: torch.Tensor

    def __init__(self, cost: Any, *, reduction: str = "mean") -> None:
        super().__init__()
        self.register_buffer("cost", torch.as_tensor(cost))
        self.reduction = reduction

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the expected cost, reduced over the examples."""
        axis = min(1, input.ndim - 1)
        costs = self.cost[target].movedim(-1, axis)
        losses = (torch.softmax(input, axis) * costs).sum(axis)
        if self.reduction == "none":
            return losses
        return losses.mean() if self.reduction == "mean" else losses.sum()


class SmoothnessPenalty(Module):
    """Mean squared difference of neighbouring pixels, each row of W an image.

    Args:
        weight: the parameter W (o, height · width).
        shape: (height, width).
    """

    def __init__(self, weight: Parameter, shape: tuple[int, int]) -> None:
        super().__init__()
        self.weight = weight
        self.shape = shape

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the penalty, shape (); it depends on neither argument."""
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
    "MultiheadAttention",
    "NLLLoss",
    "PReLU",
    "Parameter",
    "QuantizedLinear",
    "RMSNorm",
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
