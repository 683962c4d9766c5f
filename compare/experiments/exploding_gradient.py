"""Weights that are too large: each layer enlarges the gradient, and steps go wild."""

import numpy as np
from matplotlib.figure import Figure

from compare import figures
from compare.experiment import Experiment, MakeLearner, backprop
from compare.experiments import _deep, _digits
from compare.trained import Side

DEPTH = 8


def explodes(side: Side) -> tuple[bool, str]:
    """With weights of N(0, 1) each layer more enlarges the gradient of the first."""
    found = {
        name: _deep.factor(side.library, name, "normal, std 1")
        for name in ("ReLU", "Tanh")
    }
    words = ", ".join(f"{name} ×{value:.2f}" for name, value in found.items())
    return min(found.values()) > 1.5, f"a layer more: the gradient: {words}"


def first_step_would_break_it(side: Side) -> tuple[bool, str]:
    """Without clipping, one step would be so long that the weights drown in it."""
    norms = _deep.gradient_norms(side.library, DEPTH, "ReLU", "normal, std 1")
    length = float(np.linalg.norm(norms))
    return length > 1e4, f"the whole gradient has length {length:.1e}"


def clipping_saves_it(side: Side) -> tuple[bool, str]:
    """With its length held to 1, the same net comes down from its absurd loss."""
    losses = side["clipped"].losses
    first, last = losses[0], float(np.mean(losses[-10:]))
    return last < 0.2 * first, f"loss {first:.3g} → {last:.3g}"


def right_size_needs_nothing(side: Side) -> tuple[bool, str]:
    """With kaiming's weights there is nothing to clip."""
    last = float(np.mean(side["kaiming"].losses[-10:]))
    return last < 0.5, f"loss {last:.3f} after {len(side['kaiming'].losses)} steps"


def learner(initialiser: str, lr: float, clip: float | None = None) -> MakeLearner:
    """A deep net of ReLUs whose gradient may be clipped to a length."""
    return backprop(
        model=lambda nn: _deep.net(nn, DEPTH, "ReLU", initialiser),
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=lr),
        clip=None
        if clip is None
        else lambda nn, parameters: nn.utils.clip_grad_norm_(parameters, clip),
    )


def by_depth(side: Side) -> Figure:
    """The gradient of the first layer, against the number of layers."""
    figure, axes = figures.canvas(2)
    for ax, activation in zip(axes, ("ReLU", "Tanh"), strict=True):
        for name in ("normal, std 1", "kaiming", "orthogonal"):
            lengths = _deep.first_layer(side.library, activation, name)
            ax.semilogy(_deep.DEPTHS, lengths, "o-", label=name)
        figures.label(ax, activation, "layers", "gradient of the first layer")
        ax.legend(fontsize=11)
    return figure


EXPERIMENT = Experiment(
    title="The exploding gradient, and clipping it",
    course=("F3",),
    heading="Vanishing / Exploding Gradient",
    data=_digits.small().draw,
    learners={
        "clipped": learner("normal, std 1", lr=0.5, clip=1.0),
        "kaiming": learner("kaiming", lr=0.1),
    },
    steps=200,
    batch_size=64,
    claims={
        "with weights of N(0, 1) each layer more enlarges the gradient": explodes,
        "a gradient of such a length is useless": first_step_would_break_it,
        "clipped to length 1, it leads down": clipping_saves_it,
        "weights of the right size need no clipping": right_size_needs_nothing,
    },
    figures={"by_depth": by_depth},
    story="The same product of many factors, now above 1. Clipping keeps the direction "
    "of the gradient and gives it a sane length; weights of the right size make it "
    "unnecessary.",
)
