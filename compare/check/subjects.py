"""What somebody's file defines: the things to check, and what each stands for."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import handmade
from compare.testing import LAYERS, LOSSES, OPTIMIZERS, Case

FUNCTIONS = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "hardtanh": "Hardtanh",
    "relu6": "ReLU6",
    "softplus": "Softplus",
    "silu": "SiLU",
    "gelu": "GELU",
    "step": "Step",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "linear": "Linear",
    "conv1d": "Conv1d",
    "conv2d": "Conv2d",
    "max_pool1d": "MaxPool1d",
    "max_pool2d": "MaxPool2d",
    "avg_pool1d": "AvgPool1d",
    "avg_pool2d": "AvgPool2d",
    "l1_loss": "L1Loss",
    "mse_loss": "MSELoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "multi_margin_loss": "MultiMarginLoss",
    "kl_div": "KLDivLoss",
    "nll_loss": "NLLLoss",
    "cross_entropy": "CrossEntropyLoss",
}
"""torch.nn.functional's names, and the class whose cases each is judged on."""
LOSS_NAMES = {case.name for case in LOSSES}
CASES: dict[str, list[Case]] = {}
for _case in [*LAYERS, *LOSSES, *OPTIMIZERS]:
    CASES.setdefault(_case.name, []).append(_case)


MODULE = "checked_file"
"""What somebody's file is called as a module."""
COUNTS = ("num_batches_tracked",)
"""Buffers that a beginner's version may lack: nothing is computed with them."""


class NotCovered(Exception):
    """The file does not take such arguments or inputs; the message names them."""


@dataclass(frozen=True)
class Subject:
    """One thing to check.

    Args:
        label: how the file calls it.
        name: the class of `handmade` that it stands for.
        kind: "layer", "loss", "dropout", "sample", "optimizer", "scalar",
            "rosenblatt", "descend", "newton" or "blind".
        make: the class, or the function.
        backward: the function's partner.
    """

    label: str
    name: str
    kind: str
    make: Callable[..., Any]
    backward: Callable[..., Any] | None = None


def find(module: ModuleType) -> list[Subject]:
    """Everything in a loaded file that can be checked, in the order of definition."""
    return among(defined(module))


def defined(module: ModuleType) -> dict[str, Any]:
    """What a loaded file itself defines, by its public name."""
    return {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and name[0] != "_"
    }


def among(own: dict[str, Any]) -> list[Subject]:
    """Everything among these that can be checked, by its name, in their order."""
    return [s for name, value in own.items() if (s := _subject(name, value, own))]


def _subject(name: str, value: Any, own: dict[str, Any]) -> Subject | None:
    if inspect.isclass(value):
        if name == "Rosenblatt":
            return Subject(name, name, "rosenblatt", value)
        if name == "Dropout":
            return Subject(name, name, "dropout", value)
        if name == "GaussianSample":
            return Subject(name, name, "sample", value)
        if name not in CASES:
            return None
        is_optimizer = name in handmade.optim.__all__
        kind = "loss" if name in LOSS_NAMES else "layer"
        return Subject(name, name, "optimizer" if is_optimizer else kind, value)
    if not callable(value):
        return None
    if (backward := own.get(f"{name}_backward")) and name in FUNCTIONS:
        kind = "loss" if FUNCTIONS[name] in LOSS_NAMES else "layer"
        return Subject(name, FUNCTIONS[name], kind, value, backward)
    if gradient := own.get(f"grad_{name}"):
        return Subject(name, name, "scalar", value, gradient)
    if name == "descend":
        return Subject(name, name, "descend", value)
    if name == "newton_step":
        return Subject(name, name, "newton", value)
    if name == "blind_step":
        return Subject(name, name, "blind", value)
    return None
