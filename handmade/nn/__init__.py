"""Layers and losses with torch.nn's names, defaults and parameter layout.

Each stands in a file named as torch's own, its backward directly under its forward.
"""

from handmade.nn import init as init
from handmade.nn import utils as utils
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
from handmade.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
)
from handmade.nn.module import Module, Parameter

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
