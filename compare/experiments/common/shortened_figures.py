"""Pictures of rounded weights: how far they go astray, and which stand still."""

import numpy as np
from matplotlib.figure import Figure

from compare import plots
from compare.experiments.common import words as _words
from compare.experiments.common.shortened import (
    DIGITS,
    UNROUNDED,
    distance,
    spacing,
    unrounded,
    wanted,
)
from compare.experiments.common.shortened import still as stays
from compare.results import Side

COLORS = {"float32": "#1f4e79", "float16": "#2e8b57", "bfloat16": "#c0392b"}


def draw(side: Side) -> Figure:
    """The distance and the loss against the step, all seeds."""
    figure, (left, right) = plots.canvas(2)
    for name, color in COLORS.items():
        for number, trial in enumerate(side.named(name)):
            said = name if number == 0 else None
            left.semilogy(
                distance(trial, unrounded(side, trial)),
                color=color,
                alpha=0.8,
                label=said,
            )
    for name, color in {UNROUNDED: "black", **COLORS}.items():
        for number, trial in enumerate(side.named(name)):
            said = name if number == 0 else None
            width = 4 if name == UNROUNDED else 1.5
            right.semilogy(trial.losses, color=color, alpha=0.6, lw=width, label=said)
    plots.label(left, "from unrounded", "step", "relative")
    plots.label(right, "the loss", "step", "")
    plots.below(figure, right, columns=4)
    return figure


def still(side: Side) -> Figure:
    """How many weights stay as they are, and how small their steps are by then."""
    figure, (left, right) = plots.canvas(2)
    for name, color in COLORS.items():
        trial = side[name]
        left.plot(100 * stays(trial).mean(axis=1), color=color, lw=1.5, label=name)
        steps = np.abs(wanted(side.library, trial)) / spacing(trial, DIGITS[name])
        right.semilogy(np.median(steps, axis=1), color=color, lw=2, label=name)
    right.axhline(0.5, color="black", ls=":", label="½")
    plots.label(
        left, f"that stay, {_words.seeds([side.only])}", "step", "% of the weights"
    )
    plots.label(right, "step / spacing", "step", "median")
    plots.below(figure, right, columns=4)
    return figure
