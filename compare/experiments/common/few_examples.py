"""Overfitting: a wide net and a hundred digits, with and without regularisation."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Claim, Data, Experiment, MakeLearner, backprop
from compare.experiments.common import digits, figures
from compare.results import Side, Trial

WIDTH = 128
STEPS = 300
METRICS = {"accuracy": digits.accuracy, "cross_entropy": digits.cross_entropy}


def hundred_digits(rng: object = None) -> Data:
    """Ten digits of each class to learn from."""
    return digits.small().first(100)


def learner(
    *, drop: tuple[float, float] | None = None, weight_decay: float = 0.0
) -> MakeLearner:
    """64-128-128-10.

    Args:
        drop: the probabilities of dropout, of inputs and of hidden units.
        weight_decay: of the optimiser.
    """

    def model(nn: Any) -> Any:
        hidden = [nn.Linear(64, WIDTH), nn.ReLU()]
        second = [nn.Linear(WIDTH, WIDTH), nn.ReLU()]
        if drop:
            hidden = [nn.Dropout(drop[0]), *hidden, nn.Dropout(drop[1])]
            second = [*second, nn.Dropout(drop[1])]
        return nn.Sequential(*hidden, *second, nn.Linear(WIDTH, 10))

    return backprop(
        model=model,
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(
            parameters, lr=0.1, momentum=0.9, weight_decay=weight_decay
        ),
    )


def lesson(name: str, regularised: MakeLearner, **described: Any) -> Experiment:
    """The same net without and with regularisation.

    Args:
        name: of the regularisation.
        regularised: the net with it.
        described: title, course and story.
    """
    words = name.replace("_", " ")
    return Experiment(
        **described,
        heading="Lösungen",
        data=hundred_digits,
        learners={"plain": learner(), name: regularised},
        steps=STEPS,
        seeds=3,
        metrics=METRICS,
        claims={
            f"{words} closes the gap to at most two thirds": _gap_closes(name),
            f"{words} costs at most half a point of accuracy": _hardly_worse(name),
        },
        figures={"losses": draw},
    )


def _gap(trial: Trial) -> float:
    """The generalisation gap: how much larger the loss is on unseen digits."""
    return trial.metrics["cross_entropy/test"] - trial.metrics["cross_entropy/train"]


def _gap_closes(name: str) -> Claim:
    def claim(side: Side) -> tuple[bool, str]:
        gaps = [[_gap(trial) for trial in side.named(n)] for n in ("plain", name)]
        plain, regularised = np.mean(gaps, axis=1)
        worst = float(np.max(np.divide(gaps[1], gaps[0])))
        words = f"mean gap {plain:.2f} → {regularised:.2f}, at worst to {worst:.0%}"
        return worst < 2 / 3, f"{words} over {len(gaps[0])} seeds"

    return claim


def _hardly_worse(name: str) -> Claim:
    def claim(side: Side) -> tuple[bool, str]:
        plain, regularised = (digits.mean(side, n) for n in ("plain", name))
        words = f"test accuracy {plain:.1%} → {regularised:.1%}"
        return regularised >= plain - 0.005, words

    return claim


def draw(side: Side) -> Figure:
    """Loss on seen and on unseen digits, for each learner."""
    names = figures.learner_names(side)
    figure, axes = plots.canvas(len(names))
    for ax, name in zip(axes, names, strict=True):
        for part, color in (("train", plots.BLUE), ("test", plots.RED)):
            style = {"color": color, "alpha": 0.7}
            metric = f"cross_entropy/{part}"
            figures.draw_seeds(ax, side.named(name), part, metric, **style)
        plots.label(ax, name.replace("_", " "), "step", "loss")
        ax.set_yscale("log")
        ax.set_ylim(5e-4, 4)
        ax.legend(fontsize=12)
    return figure
