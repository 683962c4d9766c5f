"""What the depth lessons share: deep, narrow nets, and how large a gradient arrives."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

import handmade
import torch_ref
from compare.arrays import Backend, to_numpy
from compare.experiments import _digits

WIDTH = 32
EXAMPLES = 256
LIBRARIES = {"handmade": handmade, "torch_ref": torch_ref}
DEPTHS = (2, 4, 8, 16, 32, 64)
ACTIVATIONS = ("Sigmoid", "Tanh", "ReLU")
INITIALISERS: Mapping[str, Callable[[Any, Any, str], Any]] = {
    "torch's default": lambda init, weight, name: None,
    "xavier": lambda init, weight, name: init.xavier_uniform_(
        weight, init.calculate_gain(name)
    ),
    "kaiming": lambda init, weight, name: init.kaiming_uniform_(
        weight, nonlinearity=name
    ),
    "orthogonal": lambda init, weight, name: init.orthogonal_(
        weight, init.calculate_gain(name)
    ),
    "normal, std 1": lambda init, weight, name: init.normal_(weight, std=1.0),
}
"""From `nn.init`, a weight and the activation's name to an initialised weight."""


def net(nn: Any, depth: int, activation: str, initialiser: str) -> Any:
    """`depth` hidden layers of one width between the pixels and the ten digits."""
    widths = [64] + [WIDTH] * depth
    layers = []
    for i, o in pairwise(widths):
        layers += [nn.Linear(i, o), getattr(nn, activation)()]
    model = nn.Sequential(*layers, nn.Linear(WIDTH, 10))
    for layer in model:
        if isinstance(layer, nn.Linear):
            INITIALISERS[initialiser](nn.init, layer.weight, activation.lower())
    return model


@lru_cache(maxsize=256)
def gradient_norms(
    library: str, depth: int, activation: str, initialiser: str
) -> np.ndarray:
    """The length of the loss's gradient by each layer's weights, first layer first."""
    handmade.manual_seed(0)
    model = net(handmade.nn, depth, activation, initialiser)
    wing, backend = LIBRARIES[library], Backend()
    if library == "torch_ref":
        weights = backend.state_for_torch(model.state_dict())
        model = net(torch_ref.nn, depth, activation, initialiser)
        model.load_state_dict(weights)
    give = backend.torch if library == "torch_ref" else backend.handmade
    data = _digits.digits()
    model.to(give(np.zeros(1)))
    criterion = wing.nn.CrossEntropyLoss()
    loss = criterion(model(give(data.x[:EXAMPLES])), give(data.target[:EXAMPLES]))
    if library == "torch_ref":
        loss.backward()
    else:
        model.backward(criterion.backward())
    gradients = [p.grad for name, p in model.named_parameters() if "weight" in name]
    return np.array([np.linalg.norm(to_numpy(g)) for g in gradients])


def first_layer(library: str, activation: str, initialiser: str) -> np.ndarray:
    """The length of the first layer's gradient, for each of the depths."""
    norms = [gradient_norms(library, d, activation, initialiser) for d in DEPTHS]
    return np.array([lengths[0] for lengths in norms])


def factor(library: str, activation: str, initialiser: str) -> float:
    """By how much one layer more multiplies the first layer's gradient.

    By least squares: a line through the logarithms, against the depth.
    """
    lengths = first_layer(library, activation, initialiser)
    return float(np.exp(np.polyfit(DEPTHS, np.log(lengths), 1)[0]))
