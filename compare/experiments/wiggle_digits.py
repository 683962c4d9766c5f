"""Digits by wiggling 650 weights: the same budget goes nowhere near as far."""

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Experiment
from compare.experiments.common import budget as _budget
from compare.experiments.common import digits as _digits
from compare.experiments.common import growth as _growth
from compare.experiments.common import words as _words
from compare.results import Side

FEW = 300
STEPS = 120
SEEDS = 5
NAMES = ("gradient", "random", "annealing")


def gradient_gets_further(side: Side) -> tuple[bool, str]:
    """The best blind search is still far above the worst gradient descent."""
    ends = {name: _budget.losses(side, name)[:, -1] for name in NAMES}
    words = ", ".join(f"{n} {_words.middle(e, '.2f')}" for n, e in ends.items())
    blind = min(ends["random"].min(), ends["annealing"].min())
    words = f"loss after {_budget.passes(side)} forward passes: {words}"
    words += f"; {_words.budget(side.trials)}"
    return bool(ends["gradient"].max() < blind / 2), words


def blind_after_all(side: Side) -> tuple[bool, str]:
    """How soon gradient descent is where random descent is at the end."""
    ends = _budget.losses(side, "random")[:, -1]
    level = float(np.median(ends))
    passes = _budget.needed(side, "gradient", level)
    ratio = _budget.passes(side) / max(1.0, float(np.median(passes)))
    words = f"loss {level:.2f}: gradient descent after {_words.middle(passes, '.0f')}"
    words += f" forward passes, random descent after {_budget.passes(side)}"
    words += f", {ratio:.0f} times as many; {_words.seeds(side.trials)}"
    return ratio > 10, words


def draw(side: Side) -> Figure:
    """The losses against what they cost, and the cost against the number of weights."""
    figure, (left, right) = plots.canvas(2)
    _budget.draw_losses(left, side, NAMES)
    left.set_ylim(0.1, 3)
    left.set_yticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
    left.minorticks_off()
    plots.label(left, f"digits, {_words.seeds(side.trials)}", "forward passes", "loss")
    _growth.draw(right)
    plots.label(right, "until Σx² = 0.01", "weights", "evaluations")
    return figure


EXPERIMENT = Experiment(
    title="Digits by wiggling 650 weights, on gradient descent's budget",
    course=("A3", "A5"),
    heading="random descent",
    data=lambda rng: _digits.small().first(FEW),
    learners=_budget.learners(
        model=lambda nn: nn.Linear(64, 10),
        loss=lambda nn: nn.CrossEntropyLoss(),
        lr=2.0,
        scale=0.08,
        temperature=0.01,
    ),
    steps=STEPS,
    seeds=SEEDS,
    claims={
        "the gradient gets the loss to less than half": gradient_gets_further,
        "blind search needs more than ten times as much": blind_after_all,
        "its cost grows like the number of weights": _growth.times_more,
    },
    figures={"losses": draw},
    story="With 650 weights nearly every random direction is nearly sideways: a step "
    "gains little, and only small ones gain at all. On the same valley, Σx², the cost "
    "of a blind search grows with the number of weights, while that of a gradient "
    "step does not: it tells all weights at once which way to go.",
)
