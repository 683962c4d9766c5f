"""torch.nn by name; what torch lacks is written forward-only, for autograd."""

import torch
from torch.nn import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Flatten,
    Identity,
    L1Loss,
    LeakyReLU,
    Linear,
    LogSoftmax,
    Module,
    MSELoss,
    NLLLoss,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)

from torch_ref import _init, _utils

init, utils = _init, _utils


class Step(Module):
    """1 where x > 0, else 0 (NaN, too); autograd finds the gradient 0, as sign's is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """sign(relu(x)), which is [x > 0]."""
        return torch.relu(x).sign()


__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "Flatten",
    "Identity",
    "L1Loss",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "Module",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Step",
    "Tanh",
]
