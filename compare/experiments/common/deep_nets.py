"""Deep, narrow nets: the gradient of their first layers, and remedies for ten."""

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures, mlp, reporting, trained
from compare.experiments.common.libraries import give, untrained

WIDTH = 32
DEPTHS = (2, 4, 8, 16, 32, 64)


def too_large(init: Any, weight: Any, name: str) -> Any:
    b = 1.5 * math.sqrt(6 / weight.shape[1])  # 1.5 times kaiming's bound for ReLU
    return init.uniform_(weight, -b, b)


INITIALISERS: dict[str, Callable[[Any, Any, str], Any]] = {
    "torch's default": lambda init, w, name: None,
    "xavier": lambda init, w, name: init.xavier_uniform_(w, init.calculate_gain(name)),
    "kaiming": lambda init, w, name: init.kaiming_uniform_(w, nonlinearity=name),
    "orthogonal": lambda init, w, name: init.orthogonal_(w, init.calculate_gain(name)),
    "normal, std 1": lambda init, w, name: init.normal_(w, std=1.0),
    "1.5 × kaiming": too_large,
}
"""Each takes `nn.init`, a weight and the name of the activation."""


def learner(
    depth: int, activation: str, initialiser: str, lr: float = 0.1, **options: Any
) -> MakeLearner:
    """`depth` hidden layers of width 32 between the pixels and the ten digits."""

    def model(nn: Any) -> Any:
        net = mlp(64, *[WIDTH] * depth, 10, activation=activation)(nn)
        for layer in net:
            if isinstance(layer, nn.Linear):
                INITIALISERS[initialiser](nn.init, layer.weight, activation.lower())
        return net

    return trained(model, lr=lr, **options)


def train(
    library: str, depth: int, activation: str, initialiser: str, steps: int
) -> tuple[Any, list[float]]:
    """The net after so many steps on 256 digits, and its losses, which may overflow."""
    found = untrained(library, learner(depth, activation, initialiser))
    data = digits.small()
    x, target = (give(library, a[:256]) for a in (data.x, data.target))
    with np.errstate(all="ignore"):
        return found, [found.step(x, target) for _ in range(steps)]


@lru_cache(maxsize=256)
def gradient_norms(library: str, activation: str, init: str, depth: int) -> np.ndarray:
    """The norm of the loss's gradient by each layer's weights, first layer first."""
    found, _ = train(library, depth, activation, init, steps=1)
    gradients = found.gradients().items()
    weights = [to_numpy(g) for name, g in gradients if "weight" in name]
    return np.array([np.linalg.norm(w) for w in weights])


def first_layer_norms(library: str, activation: str, initialiser: str) -> np.ndarray:
    """The norm of the first layer's gradient, for each of the depths."""
    norms = [gradient_norms(library, activation, initialiser, d) for d in DEPTHS]
    return np.array([by_layer[0] for by_layer in norms])


def factor(library: str, activation: str, initialiser: str) -> float:
    """The factor by which one more layer multiplies the first layer's gradient."""
    norms = first_layer_norms(library, activation, initialiser)[:4]  # deeper: rounding
    return float(np.exp(np.polyfit(DEPTHS[:4], np.log(norms), 1)[0]))


Block = Callable[[Any], list[Any]]  # from the library's `nn` to the layers of one


def plain(nn: Any) -> list[Any]:
    return [nn.Linear(WIDTH, WIDTH), nn.Tanh()]


def ten_blocks(block: Block) -> MakeLearner:
    """Ten blocks between the pixels and the ten digits."""

    def model(nn: Any) -> Any:
        layers = [layer for _ in range(10) for layer in block(nn)]
        first = nn.Linear(64, WIDTH, bias=False)
        return nn.Sequential(first, *layers, nn.Linear(WIDTH, 10))

    return trained(model, lr=0.01)


def lesson(name: str, block: Block, accuracy: float, **texts: Any) -> Experiment:
    """Ten plain blocks, and ten with a remedy, which reach this test accuracy."""
    remedy = f"with {name.replace('_', ' ')} at least {accuracy:.0%} of the test digits"
    return Experiment(
        **texts,
        heading="Lösungen",
        data=digits.draw,
        learners={"plain": ten_blocks(plain), name: ten_blocks(block)},
        steps=250,
        batch_size=64,
        seeds=3,
        metrics={"accuracy": digits.accuracy},
        claims={
            "10 plain layers only guess": partial(_accuracy, "plain", below=0.2),
            f"{remedy} are right, from every seed": partial(
                _accuracy, name, at_least=accuracy
            ),
        },
        figures={"losses": _draw},
    )


def _accuracy(name: str, side: Side, at_least=0.0, below=np.inf) -> tuple[bool, str]:
    found = digits.last(side, name)
    words = f"test accuracy {reporting.percent(found)}; {reporting.seeds(side.trials)}"
    return at_least <= min(found) and max(found) < below, words


@figures.panels(("10 layers of tanh, {seeds}", "step", "training loss"))
def _draw(side: Side, ax: plots.Axes) -> None:
    for name, style in zip(side.names, plots.CURVES, strict=False):
        label = name.replace("_", " ")
        figures.draw_seeds(ax, side.named(name), label, alpha=0.7, **style)
