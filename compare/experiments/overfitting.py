"""A wide net and few digits: it learns them by heart, unless it is regularised."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare import plots
from compare.experiment import Experiment, MakeLearner, Side
from compare.experiments.common import digits, figures, trained
from handmade.nn import CrossEntropyLoss


def learner(drop: tuple[float, ...] = (), weight_decay: float = 0.0) -> MakeLearner:
    """64-128-128-10; inputs and hidden units may be dropped with probabilities."""

    def model(nn: Any) -> Any:
        layers = [nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()]
        for place, p in zip((0, 3, 6), drop, strict=False):
            layers.insert(place, nn.Dropout(p))
        return nn.Sequential(*layers, nn.Linear(128, 10))

    return trained(model, lr=0.1, momentum=0.9, weight_decay=weight_decay)


def train_falls(side: Side) -> tuple[bool, str]:
    found = digits.last(side, "plain", "cross_entropy/train")
    return max(found) < 0.01, f"loss on seen digits at most {max(found):.4f}"


def test_rises(side: Side) -> tuple[bool, str]:
    curves = [trial.curve("cross_entropy/test")[1] for trial in side.trials]
    ratios = [values[-1] / values.min() for values in curves]
    words = ", ".join(f"×{ratio:.2f}" for ratio in ratios)
    return min(ratios) > 1.2, f"the last loss on unseen digits is its smallest {words}"


def sure_and_wrong(side: Side) -> tuple[bool, str]:
    """Its loss there is larger than that of guessing, ln 10."""
    found = []
    for trial in side.trials:
        x, target = trial.data.test_set
        output = trial.predict(x)
        wrong = np.argmax(output, axis=1) != target
        found.append(CrossEntropyLoss()(output[wrong], target[wrong]))
    return min(found) > np.log(10), f"mean surprise when wrong {np.mean(found):.1f}"


def draw(side: Side) -> plots.Figure:
    names = side.names
    titles = [name.replace("_", " ") for name in names]

    @figures.panels(*((title, "step", "cross-entropy") for title in titles))
    def drawn(side: Side, *axes: plots.Axes) -> None:
        for ax, name in zip(axes, names, strict=True):
            for part, style in zip(("train", "test"), plots.CURVES, strict=False):
                how = style | {"metric": f"cross_entropy/{part}", "alpha": 0.7}
                figures.draw_seeds(ax, side.named(name), part, **how)
            ax.sharey(axes[0])
        plots.log_scale(axes[0], plots.LOG_FROM)

    return drawn(side)


EXPERIMENT = Experiment(
    title="Overfitting: a hundred digits learned by heart",
    course=("F4",),
    teaches=("metrics.argmax",),
    heading="Lösungen",
    data=partial(digits.first, 100),
    learners={"plain": learner()},
    steps=300,
    seeds=3,
    metrics={"accuracy": digits.accuracy, "cross_entropy": digits.cross_entropy},
    claims={
        "the loss on seen digits falls to almost nothing": train_falls,
        "on unseen digits it rises by a fifth from its smallest": test_rises,
        "where the net is wrong, it is sure and wrong": sure_and_wrong,
    },
    figures={"losses": draw},
    story="26,000 weights and a hundred examples: there are many ways to be right on "
    "all of them. Going on makes the net surer, not better.",
)


def regularised(name: str, learner: MakeLearner, **texts: Any) -> Experiment:
    """The same net without and with a regularisation of this name."""
    words, cheap = name.replace("_", " "), digits.keeps_accuracy(name, points=0.5)
    return replace(
        EXPERIMENT,
        **texts,
        learners={**EXPERIMENT.learners, name: learner},
        claims={
            f"{words} closes the gap to at most two thirds": partial(gap_closes, name),
            f"{words} costs at most half a point of accuracy": cheap,
        },
    )


def gap_closes(name: str, side: Side) -> tuple[bool, str]:
    """The generalisation gap: how much larger the loss is on unseen digits."""
    loss = partial(digits.last, side)
    plain, regularised = (
        loss(n, "cross_entropy/test") - loss(n, "cross_entropy/train")
        for n in ("plain", name)
    )
    worst = float(np.max(regularised / plain))
    return worst < 2 / 3, (
        f"mean gap {plain.mean():.2f} → {regularised.mean():.2f}, "
        f"at worst to {worst:.0%} over {len(plain)} seeds"
    )
