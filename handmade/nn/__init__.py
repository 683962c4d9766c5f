"""Layers and losses with torch.nn's names, defaults and parameter layout.

Each stands in a file named as torch's own, its backward directly under its forward.
"""

from handmade.nn.activation import (
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    Softmax,
    Step,
    Tanh,
)
from handmade.nn.container import Sequential
from handmade.nn.flatten import Flatten
from handmade.nn.linear import Identity, Linear
from handmade.nn.loss import HuberLoss, L1Loss, MSELoss, SmoothL1Loss
from handmade.nn.loss_custom import ExpectedCostLoss, SmoothnessPenalty, WeightedSum
from handmade.nn.loss_entropy import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    KLDivLoss,
    NLLLoss,
)
from handmade.nn.loss_margin import HingeEmbeddingLoss, MultiMarginLoss
from handmade.nn.module import Module, Parameter

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
