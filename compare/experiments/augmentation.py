"""Augmentation: digits shifted by one pixel are more digits to learn from."""

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare import plots
from compare.experiment import Data, Experiment, Side
from compare.experiments.common import digits, figures, mlp, reporting, trained

STEPS = 300


def shifted(x: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Images (n, side · side), each moved by −1, 0 or 1 pixels; what enters is 0."""
    side, image = math.isqrt(x.shape[1]), np.arange(len(x))
    framed = np.pad(x.reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)))
    rows, columns = (1 + np.arange(side) - moved[:, None] for moved in (down, right))
    found = framed[image[:, None, None], rows[:, :, None], columns[:, None, :]]
    return found.reshape(x.shape)


def shift_some(p: float, rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Move each image up or down with probability p, and likewise to a side."""
    probabilities = [p / 2, 1 - p, p / 2]
    return shifted(x, *rng.choice([-1, 0, 1], (2, len(x)), p=probabilities))


def lower_error(side: Side) -> tuple[bool, str]:
    plain, more = (1 - digits.last(side, name) for name in ("plain", "shifted"))
    spread = max(plain.std(), more.std())
    words = " → ".join(map(reporting.percent, (plain, more)))
    words = f"{words}; standard deviation {spread:.1%}; {reporting.seeds(side.trials)}"
    return plain.mean() - more.mean() > spread, words


def lower_loss(side: Side) -> tuple[bool, str]:
    metric = "cross_entropy/test"
    plain, more = (digits.last(side, name, metric) for name in ("plain", "shifted"))
    words = f"{plain.mean():.3f} → {more.mean():.3f}"
    return bool((more < plain).all()), f"{words}; {reporting.seeds(side.trials)}"


@figures.panels(("{seeds}", "step", "test error in %"))
def draw(side: Side, ax: plots.Axes) -> None:
    for name, style in zip(side.names, plots.CURVES, strict=False):
        for trial in side.named(name):
            steps, accuracy = trial.curve("accuracy/test")
            ax.plot(steps, 100 * (1 - accuracy), label=name, alpha=0.7, **style)
    plots.log_scale(ax)
    figures.set_ticks(ax.yaxis, [5, 10, 20, 50])


def draw_shifts(side: Side) -> plots.Figure:
    """The first digits, and each shifted in two directions."""
    x = side.only.data.x[:10]
    one, none = np.ones(len(x), int), np.zeros(len(x), int)
    right, up = shifted(x, none, one), shifted(x, -one, none)
    return figures.pictures(
        [x, right, up], ["as drawn", "one pixel right", "one pixel up"]
    )


def lesson(data: Data, count: int, p: float, hidden: int) -> Experiment:
    """`count` digits to learn from; a step moves a fraction p along each axis."""
    few = digits.first_of(data, count)
    more = replace(few, augment=partial(shift_some, p))

    def falling(optim: Any, optimizer: Any) -> Any:
        return optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)

    net = mlp(data.x.shape[1], hidden, 10)
    learner = trained(net, lr=0.1, momentum=0.9, scheduler=falling)
    return Experiment(
        title="Augmentation: digits shifted by one pixel lower the test error",
        course=("F4",),
        teaches=("optim.lr_scheduler.CosineAnnealingLR",),
        heading="Lösungen",
        data={"plain": lambda rng: few, "shifted": lambda rng: more},
        learners={"plain": learner, "shifted": learner},
        steps=STEPS,
        longest=STEPS,
        batch_size=50,
        seeds=5,
        metrics={"accuracy": digits.accuracy, "cross_entropy": digits.cross_entropy},
        claims={
            "the mean test error falls by more than its spread": lower_error,
            "the loss on unseen digits falls from every seed": lower_loss,
        },
        figures={"errors": draw, "shifts": draw_shifts},
        story="A digit shifted by one pixel is the same digit, but for a net it is a "
        "new example. In every step some images are shifted at random, both sides see "
        "the same ones. Of 8 × 8 pixels a shift moves the digit by an eighth of the "
        "picture: one image in five is enough along each axis, more would harm. Of "
        "28 × 28 pixels it may be every second.",
        other_data={"mnist": lambda: lesson(digits.mnist(), 1000, 0.5, hidden=64)},
    )


EXPERIMENT = lesson(digits.small(), count=200, p=0.2, hidden=128)
