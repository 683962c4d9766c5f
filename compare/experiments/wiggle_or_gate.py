"""OR by wiggling three weights, with the same budget as gradient descent."""

import math

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Experiment
from compare.experiments.common import budget as _budget
from compare.experiments.common import gates as _gates
from compare.experiments.common import words as _words
from compare.results import Side

STEPS = 60
SEEDS = 9
LEVEL = 0.1
NAMES = ("gradient", "random", "annealing")


def or_is_learned(side: Side) -> tuple[bool, str]:
    """From every seed, each way of learning gets all four rows right."""
    right = {
        name: sum(
            bool(np.all((t.predict(t.data.x) > 0.5) == (t.data.target > 0.5)))
            for t in side.named(name)
        )
        for name in NAMES
    }
    words = ", ".join(f"{name} {count}" for name, count in right.items())
    seeds = side.named("gradient")
    words += f" of {len(seeds)}, {_budget.passes(side)} forward passes each"
    return min(right.values()) == len(seeds), f"{words}; {_words.budget(seeds)}"


def blind_is_no_worse(side: Side) -> tuple[bool, str]:
    """With three weights there is little that a direction could save."""
    passes = {name: _budget.needed(side, name, LEVEL) for name in NAMES}
    words = ", ".join(f"{n} {_words.middle(p, '.0f')}" for n, p in passes.items())
    blind, gradient = (np.median(passes[n]) for n in ("random", "gradient"))
    if math.isfinite(gradient):
        words += f"; random / gradient = {blind / gradient:.2f}"
    words = f"until the loss is {LEVEL}: {words}; {_words.seeds(side.trials)}"
    return bool(blind <= 2 * gradient < math.inf), words


def draw(side: Side) -> Figure:
    """The losses of all three against what they cost."""
    figure, (ax,) = plots.canvas()
    _budget.draw_losses(ax, side, NAMES)
    plots.label(
        ax,
        f"OR, {_words.seeds(side.trials)}: median and middle 80 %",
        "forward passes",
        "loss",
    )
    return figure


EXPERIMENT = Experiment(
    title="OR by wiggling the weights, on gradient descent's budget",
    course=("A3", "A5"),
    heading="Lernen / Wie Lernen?",
    data=lambda rng: _gates.gate(_gates.OR),
    learners=_budget.learners(
        model=lambda nn: nn.Sequential(nn.Linear(2, 1), nn.Sigmoid()),
        loss=lambda nn: nn.BCELoss(),
        lr=10.0,
        scale=2.0,
        temperature=0.1,
    ),
    steps=STEPS,
    seeds=SEEDS,
    claims={
        "all three learn OR, from every seed": or_is_learned,
        "with three weights blind search is about as cheap": blind_is_no_worse,
    },
    figures={"losses": draw},
    story="Wiggle the weights, and keep what is better: with only three of them one "
    "try in four or five is an improvement, and no derivative is needed. Annealing at "
    "first keeps some that are worse, which here only costs time. A backward pass is "
    "counted as two forward passes.",
)
