"""Weights that are too large: each layer enlarges the gradient, and steps go wild."""

from typing import Any

from compare import plots
from compare.experiment import Experiment, Side
from compare.experiments.common import deep_nets, digits, figures, reporting
from compare.experiments.common.deep_nets import factor, learner

DEPTH = 8
LARGE = "1.5 × kaiming"


def clip(nn: Any, parameters: Any) -> Any:
    return nn.utils.clip_grad_norm_(parameters, 1.0)


def explodes(side: Side) -> tuple[bool, str]:
    found = {a: factor(side.library, a, "normal, std 1") for a in ("ReLU", "Tanh")}
    words = reporting.listed(found, "×{:.2f}")
    return min(found.values()) > 1.5, f"each layer more: {words}"


def sgd_diverges(side: Side) -> tuple[bool, str]:
    _, losses = deep_nets.train(side.library, DEPTH, "ReLU", LARGE, steps=6)
    words = f"loss {losses[0]:.3g}, after five plain steps {losses[-1]:.3g}"
    return not losses[-1] < 10 * losses[0], words  # NaN is not smaller, either


def clipping_saves_it(side: Side) -> tuple[bool, str]:
    last = reporting.final_loss(side["clipped"])
    return last < 1.0, f"loss {side['clipped'].losses[0]:.3g} → {last:.3g}"


def right_size_needs_nothing(side: Side) -> tuple[bool, str]:
    last = reporting.final_loss(side["kaiming"])
    return last < 0.5, f"loss {last:.3f} after {len(side['kaiming'].losses)} steps"


@figures.panels(
    ("First layer", "layers", "gradient norm"),
    (f"{DEPTH} layers of ReLU", "step", "training loss"),
)
def by_depth(side: Side, norms: figures.Axes, losses: figures.Axes) -> None:
    for activation, style in (("ReLU", "-"), ("Tanh", "--")):
        for name, color in (("normal, std 1", plots.RED), ("kaiming", plots.BLUE)):
            values = deep_nets.first_layer_norms(side.library, activation, name)
            label = f"{activation}, {name}"
            norms.semilogy(deep_nets.DEPTHS, values, style, color=color, label=label)
    losses.plot(side["kaiming"].losses, color=plots.BLUE, ls="-")
    label = f"ReLU, {LARGE}, clipped"
    losses.plot(side["clipped"].losses, color=plots.GREEN, ls="-.", label=label)
    plots.log_scale(losses, plots.LOG_FROM)


EXPERIMENT = Experiment(
    title="The exploding gradient, and clipping it",
    course=("F3",),
    teaches=("nn.utils.clip_grad_norm_", "nn.init.kaiming_uniform_"),
    heading="Vanishing / Exploding Gradient",
    data=digits.draw,
    learners={
        "clipped": learner(DEPTH, "ReLU", LARGE, clip=clip),
        "kaiming": learner(DEPTH, "ReLU", "kaiming"),
    },
    steps=300,
    batch_size=64,
    claims={
        "with weights of N(0, 1) each layer more enlarges the gradient": explodes,
        "weights 1.5 times larger: plain SGD diverges in five steps": sgd_diverges,
        "clipped to length 1, the same gradient leads down": clipping_saves_it,
        "weights of the right size need no clipping": right_size_needs_nothing,
    },
    figures={"by_depth": by_depth},
    story="The same product of many factors, now above 1. A few steps along such a "
    "gradient throw the weights further from the goal than they ever were. Clipping "
    "keeps its direction and gives it a sane length; weights of the right size make "
    "that unnecessary.",
)
