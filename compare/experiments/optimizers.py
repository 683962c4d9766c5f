"""All optimizers on one task, each in step with its PyTorch twin."""

from collections.abc import Mapping
from typing import Any

from compare import plots
from compare.experiment import Experiment, Side
from compare.experiments.common import digits, mlp, reporting, trained

OPTIMIZERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 0.3}),
    "SGD with momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "Adagrad": ("Adagrad", {"lr": 0.05}),
    "Adadelta": ("Adadelta", {"lr": 3.0}),
    "RMSprop": ("RMSprop", {"lr": 0.003}),
    "Rprop": ("Rprop", {"lr": 0.003, "step_sizes": (1e-6, 0.02)}),
    "Adam": ("Adam", {"lr": 0.01}),
    "AdamW": ("AdamW", {"lr": 0.01}),
    "NAdam": ("NAdam", {"lr": 0.01}),
    "Muon": ("Muon", {"lr": 0.03}),
}
"""By name, all on 64-32-10 with tanh; Muon takes matrices, so its net has no biases."""
OWN_STEPS = ("adagrad", "adadelta", "rmsprop", "rprop", "adam", "adamw", "nadam")
"""Those that choose a step for each weight."""


def all_learn(side: Side) -> tuple[bool, str]:
    ratio, worst = max((t.losses[-1] / t.losses[0], t.name) for t in side.trials)
    return ratio < 0.5, f"least of all {worst}, loss × {ratio:.2f}"


def bold_where_flat(side: Side) -> tuple[bool, str]:
    found = {name: side[name].losses[-1] for name in ("sgd", *OWN_STEPS)}
    plain, *own = found.values()
    return max(own) < plain, reporting.listed(found, "{:.3f}")


def draw(side: Side) -> plots.Figure:
    """A panel for each optimizer, with all others in grey behind it."""
    figure, axes = plots.canvas(len(OPTIMIZERS), rows=3, sharex=True, sharey=True)
    for ax, name, title in zip(axes, side.names, OPTIMIZERS, strict=True):
        for other in side.names:
            ax.semilogy(side[other].losses, color=plots.GREY, ls="-", lw=0.6)
        ax.semilogy(side[name].losses, color=plots.BLUE, ls="-", lw=2.5)
        ax.set_title(title.replace(" with ", ", "), fontsize=10)
    figure.supxlabel("step")
    figure.supylabel("training loss")
    return figure


EXPERIMENT = Experiment(
    title="Optimizers: cautious where it is steep, bold where it is flat",
    course=("A6", "A3", "F1"),
    teaches=("optim.Adagrad", "optim.RMSprop", "optim.Adam", "optim.Rprop"),
    heading="gradient descent, cautious and bold",
    data=digits.draw,
    learners={
        label.lower().replace(" ", "_"): trained(
            mlp(64, 32, 10, activation="Tanh", bias=name != "Muon"),
            optimizer=name,
            **options,
        )
        for label, (name, options) in OPTIMIZERS.items()
    },
    steps=100,
    metrics={"accuracy": digits.accuracy},
    claims={
        "every optimizer more than halves the loss": all_learn,
        "steps of its own for each weight get further than plain SGD": bold_where_flat,
    },
    figures={"losses": draw},
    story="How much each weight changes is the optimizer's business. Rprop looks only "
    "at the sign and grows its step while that stays: unbeaten here, where every step "
    "sees all digits, and useless on small batches, whose signs are chance. Adagrad "
    "and its children divide by the size that the gradient has had: small steps where "
    "it is steep, large ones where it is flat. Momentum helps a single rate as much. "
    "Each rate was chosen by hand; Muon, which takes matrices only, has no biases.",
)
