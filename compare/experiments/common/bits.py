"""A net whose weights have few bits: from the beginning, or rounded afterwards."""

from collections.abc import Callable
from typing import Any

import numpy as np

from compare.backend import to_numpy
from compare.experiment import MakeLearner, backprop
from compare.experiments.common import digits as _digits
from compare.experiments.common.libraries import LIBRARIES
from compare.results import Side, Trial

AFTER = ("float32", "float16", "bfloat16", 8, 4, 2, "ternary", "binary")
"""How the weights of the net trained without rounding are stored afterwards."""
TRAINED: dict[str, int | str] = {"4_bits": 4, "ternary": "ternary", "binary": "binary"}
"""The learners that compute with few bits while they learn."""


def net(linear: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """64-128-10 with ReLU, of one kind of linear layer."""

    def model(nn: Any) -> Any:
        layer = linear(nn)
        return nn.Sequential(layer(64, 128), nn.ReLU(), layer(128, 10))

    return model


def learner(model: Callable[[Any], Any]) -> MakeLearner:
    """The net, trained as every other here."""
    return backprop(
        model=model,
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1, momentum=0.9),
    )


def in_few(bits: int | str) -> MakeLearner:
    """The net of quantised layers."""
    return learner(net(lambda nn: lambda i, o: nn.QuantizedLinear(i, o, bits)))


def afterwards(library: str, trial: Trial, bits: int | str) -> float:
    """The share of test digits read right when few bits are left of the weights."""
    wing = LIBRARIES[library]
    model = net(lambda nn: nn.Linear)(wing.nn)
    model.to(trial.give(np.zeros(1)))
    state = trial.learner.model.state_dict()
    model.load_state_dict(wing.quantize.quantized_state_dict(state, bits))
    x, target = trial.data.test_set
    return _digits.read_right(target, to_numpy(model(trial.give(x))))


def all_afterwards(side: Side, bits: int | str) -> list[float]:
    """After training, from every seed."""
    trials = side.named("float")
    return [afterwards(side.library, trial, bits) for trial in trials]


def size(side: Side, bits: int | str) -> int:
    """The bytes of the net."""
    state = side["float"].learner.model.state_dict()
    return LIBRARIES[side.library].quantize.model_bytes(state, bits)


def during(side: Side, learner: str) -> list[float]:
    """What a learner reads right as it was trained, from every seed."""
    return [_digits.read_right_by(trial) for trial in side.named(learner)]


def name(bits: int | str) -> str:
    """What a number of bits is called."""
    return f"{bits} bits" if isinstance(bits, int) else bits
