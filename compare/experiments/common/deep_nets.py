"""What the depth lessons share: deep, narrow nets, and how large a gradient arrives."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

import handmade
from compare.backend import Backend, to_numpy
from compare.experiments.common import digits as _digits
from compare.experiments.common.libraries import LIBRARIES, give

WIDTH = 32
EXAMPLES = 256
LR = 0.1
DEPTHS = (2, 4, 8, 16, 32, 64)
FITTED = 4
"""So many depths give a factor; beyond, rounding has its say in what explodes."""
ACTIVATIONS = ("Sigmoid", "Tanh", "ReLU")


def kaiming_bound(weight: Any) -> float:
    """The b of kaiming's U(−b, b) for ReLU: √(6 / inputs)."""
    return float(np.sqrt(6 / weight.shape[1]))


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
    "1.5 × kaiming": lambda init, weight, name: init.uniform_(
        weight, *(1.5 * kaiming_bound(weight) * np.array([-1, 1])).tolist()
    ),
}
"""From `nn.init`, a weight and the activation's name to an initialised weight."""


SHOWN = tuple(INITIALISERS)[:-1]
STYLES = ("-", "-", "--", ":", "-")
"""Lines that lie on each other shall all be seen."""


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


def learner(library: str, depth: int, activation: str, initialiser: str) -> Any:
    """Such a net with plain SGD; both libraries' have the same weights."""
    wing = LIBRARIES[library]

    def made(wing: Any) -> Any:
        handmade.manual_seed(0)
        return wing.training.GradientLearner(
            net(wing.nn, depth, activation, initialiser),
            wing.nn.CrossEntropyLoss(),
            lambda parameters: wing.optim.SGD(parameters, lr=LR),
        )

    weights = made(handmade).model.state_dict()
    if library == "torch_ref":
        weights = Backend().state_for_torch(weights)
    found = made(wing).to(give(library, np.zeros(1)))
    found.model.load_state_dict(weights)
    return found.to(give(library, np.zeros(1)))


def losses(
    library: str, depth: int, activation: str, initialiser: str, steps: int
) -> list[float]:
    """The loss before each of so many plain steps."""
    stepping = learner(library, depth, activation, initialiser)
    return [_stepped(stepping, library) for _ in range(steps)]


@lru_cache(maxsize=256)
def gradient_norms(
    library: str, depth: int, activation: str, initialiser: str
) -> np.ndarray:
    """The length of the loss's gradient by each layer's weights, first layer first."""
    stepping = learner(library, depth, activation, initialiser)
    _stepped(stepping, library)
    gradients = stepping.gradients().items()
    norms = [np.linalg.norm(to_numpy(g)) for name, g in gradients if "weight" in name]
    return np.array(norms)


def _stepped(stepping: Any, library: str) -> float:
    """One step on some digits; what explodes may overflow."""
    data = _digits.digits()
    seen = (give(library, a[:EXAMPLES]) for a in (data.x, data.target))
    with np.errstate(all="ignore"):
        return stepping.step(*seen)


def first_layer(library: str, activation: str, initialiser: str) -> np.ndarray:
    """The length of the first layer's gradient, for each of the depths."""
    norms = [gradient_norms(library, d, activation, initialiser) for d in DEPTHS]
    return np.array([lengths[0] for lengths in norms])


def factor(library: str, activation: str, initialiser: str) -> float:
    """By how much one layer more multiplies the first layer's gradient.

    By least squares: a line through the logarithms, against the depth.
    """
    lengths = first_layer(library, activation, initialiser)[:FITTED]
    return float(np.exp(np.polyfit(DEPTHS[:FITTED], np.log(lengths), 1)[0]))


def draw_lines(ax: Any, activation: str, x: Any, values: Callable[[str], Any]) -> None:
    """One line for each initialiser, log scale; all of them can be seen."""
    for name, style in zip(SHOWN, STYLES, strict=True):
        ax.semilogy(x, values(name), style, label=name, linewidth=2.5)
    ax.set_title(activation, fontsize=15)
