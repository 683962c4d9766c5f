"""All optimisers on one task, each in step with its PyTorch twin."""

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Experiment, MakeLearner, Side, backprop
from compare.experiments.common import digits, figures, reporting
from compare.experiments.common.learners import mlp

MAKERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "SGD": lambda optim, p: optim.SGD(p, lr=0.3),
    "SGD with momentum": lambda optim, p: optim.SGD(p, lr=0.1, momentum=0.9),
    "Adagrad": lambda optim, p: optim.Adagrad(p, lr=0.05),
    "Adadelta": lambda optim, p: optim.Adadelta(p, lr=3.0),
    "RMSprop": lambda optim, p: optim.RMSprop(p, lr=0.003),
    "Rprop": lambda optim, p: optim.Rprop(p, lr=0.003, step_sizes=(1e-6, 0.02)),
    "Adam": lambda optim, p: optim.Adam(p, lr=0.01),
    "AdamW": lambda optim, p: optim.AdamW(p, lr=0.01),
    "NAdam": lambda optim, p: optim.NAdam(p, lr=0.01),
    "Muon": lambda optim, p: optim.Muon(p, lr=0.03),
}
OWN_STEPS = ("adagrad", "adadelta", "rmsprop", "rprop", "adam", "adamw", "nadam")
"""Those that choose a step for each weight."""


def learner(name: str) -> MakeLearner:
    """64-32-10 with tanh, on all digits at once; Muon takes matrices, so no biases."""
    return backprop(
        model=mlp(64, 32, 10, activation="Tanh", bias=name != "Muon"),
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=MAKERS[name],
    )


def all_learn(side: Side) -> tuple[bool, str]:
    ratios = {t.name: t.losses[-1] / t.losses[0] for t in side.trials}
    worst = max(ratios, key=lambda name: ratios[name])
    return ratios[worst] < 0.5, f"least of all {worst}, loss × {ratios[worst]:.2f}"


def bold_where_flat(side: Side) -> tuple[bool, str]:
    found = {name: side[name].losses[-1] for name in ("sgd", *OWN_STEPS)}
    plain, *own = found.values()
    return max(own) < plain, reporting.listed(found, "{:.3f}")


def draw(side: Side) -> Figure:
    figure, (ax,) = plots.canvas()
    for name, label in zip(figures.learner_names(side), MAKERS, strict=True):
        style = "--" if label == "AdamW" else "-"  # it lies on Adam
        ax.semilogy(side[name].losses, style, label=label, linewidth=2)
    ax.set_ylim(bottom=0.02)
    plots.label(ax, "one task, all optimisers", "step", "loss")
    plots.beside(ax)
    return figure


EXPERIMENT = Experiment(
    title="Optimisers: cautious where it is steep, bold where it is flat",
    course=("A6", "A3", "F1"),
    heading="gradient descent, cautious and bold",
    data=digits.small().draw,
    learners={name.lower().replace(" ", "_"): learner(name) for name in MAKERS},
    steps=100,
    metrics={"accuracy": digits.accuracy},
    claims={
        "every optimiser more than halves the loss": all_learn,
        "steps of its own for each weight get further than plain SGD": bold_where_flat,
    },
    figures={"losses": draw},
    story="How much each weight changes is the optimiser's business. Rprop looks only "
    "at the sign and grows its step while that stays: unbeaten here, where every step "
    "sees all digits, and useless on small batches, whose signs are chance. Adagrad "
    "and its children divide by the size that the gradient has had: small steps where "
    "it is steep, large ones where it is flat. Momentum helps a single rate as much. "
    "Each rate was chosen by hand; Muon, which takes matrices only, has no biases.",
)
