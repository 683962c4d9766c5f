"""torch.nn by name; what torch lacks is written forward-only, for autograd."""

import torch
from torch.nn import (
    AvgPool1d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    ELU,
    GELU,
    BCELoss,
    BCEWithLogitsLoss,
    Conv1d,
    Conv2d,
    CrossEntropyLoss,
    Embedding,
    Flatten,
    GroupNorm,
    Hardtanh,
    Identity,
    L1Loss,
    LayerNorm,
    LeakyReLU,
    Linear,
    LogSoftmax,
    MaxPool1d,
    MaxPool2d,
    Module,
    MSELoss,
    NLLLoss,
    Parameter,
    PReLU,
    ReLU,
    ReLU6,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)

from torch_ref._random import keep_mask


class Dropout(torch.nn.Dropout):
    """Torch's own but for the mask: both sides drop the same units."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Input · k / (1 − p), k being 0 or 1; in evaluation mode the input."""
        if not self.training:
            return input
        kept = 1 - self.p if self.p < 1 else 1.0
        factors = keep_mask(self.p, tuple(input.shape)).to(input) / kept
        return input.mul_(factors) if self.inplace else input * factors


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


class Step(Module):
    """1 where x > 0, else 0 (NaN, too); autograd finds the gradient 0, as sign's is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """sign(relu(x)), which is [x > 0]."""
        return torch.relu(x).sign()


__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "ELU",
    "GELU",
    "BCELoss",
    "BCEWithLogitsLoss",
    "Conv1d",
    "Conv2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "Hardtanh",
    "Identity",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "NLLLoss",
    "PReLU",
    "Parameter",
    "ReLU",
    "Residual",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Step",
    "Tanh",
]
