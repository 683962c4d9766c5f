"""Layers and losses with torch.nn's names, defaults and parameter layout.

Each stands in a file named as torch's own, its backward directly under its forward.
"""

from handmade.nn import init as init
from handmade.nn import utils as utils
from handmade.nn.activation import (
    ELU,
    GELU,
    Hardtanh,
    LeakyReLU,
    LogSoftmax,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
from handmade.nn.attention import MultiheadAttention
from handmade.nn.batchnorm import BatchNorm1d, BatchNorm2d
from handmade.nn.container import Residual, Sequential
from handmade.nn.conv import Conv1d, Conv2d
from handmade.nn.dropout import Dropout
from handmade.nn.flatten import Flatten
from handmade.nn.gaussian import GaussianKLLoss, GaussianSample
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
from handmade.nn.normalization import GroupNorm, LayerNorm, RMSNorm
from handmade.nn.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from handmade.nn.quantized import QuantizedLinear
from handmade.nn.sparse import Embedding

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
