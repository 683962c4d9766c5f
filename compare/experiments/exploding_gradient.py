"""Weights that are too large: each layer enlarges the gradient, and steps go wild."""

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Experiment, MakeLearner, backprop
from compare.experiments.common import deep as _deep
from compare.experiments.common import digits as _digits
from compare.results import Side

DEPTH = 8
LARGE = "1.5 × kaiming"


def explodes(side: Side) -> tuple[bool, str]:
    """With weights of N(0, 1) each layer more enlarges the gradient of the first."""
    found = {
        name: _deep.factor(side.library, name, "normal, std 1")
        for name in ("ReLU", "Tanh")
    }
    words = ", ".join(f"{name} ×{value:.2f}" for name, value in found.items())
    return min(found.values()) > 1.5, f"each layer more: {words}"


def plain_steps_break_it(side: Side) -> tuple[bool, str]:
    """Weights half as large again: along the plain gradient all is lost at once."""
    first, *_, last = _deep.losses(side.library, DEPTH, "ReLU", LARGE, 6)
    words = f"loss {first:.3g}, after five plain steps {last:.3g}"
    return not last < 10 * first, words  # NaN is not smaller, either


def clipping_saves_it(side: Side) -> tuple[bool, str]:
    """With the gradient's length held to 1, the same net learns."""
    losses = side["clipped"].losses
    first, last = losses[0], float(np.mean(losses[-10:]))
    return last < 1.0, f"loss {first:.3g} → {last:.3g}"


def right_size_needs_nothing(side: Side) -> tuple[bool, str]:
    """With kaiming's weights there is nothing to clip."""
    last = float(np.mean(side["kaiming"].losses[-10:]))
    return last < 0.5, f"loss {last:.3f} after {len(side['kaiming'].losses)} steps"


def learner(initialiser: str, clip: float | None) -> MakeLearner:
    """A deep net of ReLUs whose gradient may be clipped to a length."""
    return backprop(
        model=lambda nn: _deep.net(nn, DEPTH, "ReLU", initialiser),
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=_deep.LR),
        clip=None
        if clip is None
        else lambda nn, parameters: nn.utils.clip_grad_norm_(parameters, clip),
    )


def by_depth(side: Side) -> Figure:
    """The gradient of the first layer against the number of layers; the losses."""
    figure, (lengths, losses) = plots.canvas(2)
    for activation, style in (("ReLU", "-"), ("Tanh", "--")):
        for name, color in (("normal, std 1", plots.RED), ("kaiming", plots.BLUE)):
            values = _deep.first_layer(side.library, activation, name)
            said = f"{activation}, {name}"
            lengths.semilogy(_deep.DEPTHS, values, style, color=color, label=said)
    plots.label(lengths, "first gradient", "layers", "")
    plots.below(figure, lengths, columns=2)
    for trial in side.trials:
        losses.semilogy(trial.losses, label=trial.name)
    plots.label(losses, f"{DEPTH} layers of ReLU", "step", "loss")
    losses.legend(fontsize=12)
    return figure


EXPERIMENT = Experiment(
    title="The exploding gradient, and clipping it",
    course=("F3",),
    heading="Vanishing / Exploding Gradient",
    data=_digits.small().draw,
    learners={
        "clipped": learner(LARGE, clip=1.0),
        "kaiming": learner("kaiming", clip=None),
    },
    steps=300,
    batch_size=64,
    claims={
        "with weights of N(0, 1) each layer more enlarges the gradient": explodes,
        "weights half as large again: five plain steps lose all": plain_steps_break_it,
        "clipped to length 1, the same gradient leads down": clipping_saves_it,
        "weights of the right size need no clipping": right_size_needs_nothing,
    },
    figures={"by_depth": by_depth},
    story="The same product of many factors, now above 1. A few steps along such a "
    "gradient throw the weights further from the goal than they ever were. Clipping "
    "keeps its direction and gives it a sane length; weights of the right size make "
    "that unnecessary.",
)
