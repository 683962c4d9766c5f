"""Each layer shrinks the gradient a little; many layers leave nothing of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from compare.experiment import Draw, Experiment, Side
from compare.experiments.common import deep_nets, digits, figures, reporting
from compare.experiments.common.deep_nets import DEPTHS, factor, learner

ACTIVATIONS = ("Sigmoid", "Tanh", "ReLU")
INITIALISERS = [*deep_nets.INITIALISERS][:5]


def shrinks(side: Side) -> tuple[bool, str]:
    found = {a: factor(side.library, a, "torch's default") for a in ACTIVATIONS}
    words = reporting.listed(found, "×{:.2f}")
    return max(found.values()) < 0.8, f"each layer more: {words}"


def good_weights_keep_it(side: Side) -> tuple[bool, str]:
    """Kaiming's weights for ReLU, orthogonal ones for tanh."""
    relu = factor(side.library, "ReLU", "kaiming")
    tanh = factor(side.library, "Tanh", "orthogonal")
    words = f"ReLU with kaiming ×{relu:.3f}, tanh with orthogonal ×{tanh:.3f}"
    return 0.9 < relu < 1.1 and 0.9 < tanh < 1.1, words


def sigmoid_cannot_be_saved(side: Side) -> tuple[bool, str]:
    """Its slope is at most ¼, so xavier's weights do not help."""
    found = factor(side.library, "Sigmoid", "xavier")
    return found < 0.5, f"sigmoid with xavier ×{found:.2f}"


def deep_does_not_learn(side: Side) -> tuple[bool, str]:
    """Guessing has the loss ln 10."""
    shallow, deep = (reporting.final_loss(side[f"depth_{n}"]) for n in (2, 16))
    holds = bool(shallow < 1.0 and abs(deep - np.log(10)) < 0.1)
    return holds, f"loss {shallow:.2f} with 2 layers, {deep:.2f} with 16"


def draw(n: Any, norms: Callable[..., np.ndarray], x: str, y: str) -> Draw:
    """Norms against n: a panel for each activation, on one scale."""

    @figures.panels(*zip(ACTIVATIONS, ("", x, ""), (y, "", ""), strict=True))
    def drawn(side: Side, *axes: figures.Axes) -> None:
        for ax, activation in zip(axes, ACTIVATIONS, strict=True):
            for name in INITIALISERS:
                ax.semilogy(n, norms(side.library, activation, name), label=name)
        for ax in axes[1:]:
            ax.sharey(axes[0])
            ax.tick_params(labelleft=False)

    return drawn


BY_LAYER = partial(deep_nets.gradient_norms, depth=64)
BY_DEPTH = deep_nets.first_layer_norms
EXPERIMENT = Experiment(
    title="The vanishing gradient: each layer takes its share",
    course=("F3",),
    teaches=("nn.init.xavier_uniform_",),
    heading="Vanishing / Exploding Gradient",
    data=digits.draw,
    learners={
        f"depth_{depth}": learner(depth, "Sigmoid", "xavier", lr=0.5, momentum=0.9)
        for depth in (2, 16)
    },
    steps=200,
    batch_size=64,
    claims={
        "with default weights each layer more shrinks the gradient": shrinks,
        "weights of the right size keep it within a tenth": good_weights_keep_it,
        "no weights of the usual size save the sigmoid": sigmoid_cannot_be_saved,
        "16 layers of sigmoids do not learn, 2 do": deep_does_not_learn,
    },
    figures={
        "by_layer": draw(
            range(1, 66), BY_LAYER, "layer, the 65th is the output", "gradient norm"
        ),
        "by_depth": draw(DEPTHS, BY_DEPTH, "layers", "gradient norm, first layer"),
    },
    story="Going back, the gradient is multiplied by weights and slopes in every "
    "layer. A factor of 0.3 leaves 10⁻³³ of it after 64 layers: the first layers "
    "never learn that anything is wrong. Initialisers, told of the activation, choose "
    "weights that make the factor about 1; for the sigmoid, whose slope is at most ¼, "
    "they cannot.",
)
