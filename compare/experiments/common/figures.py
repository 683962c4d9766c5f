"""Figures of panels, and parts of them that several lessons draw."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Draw, Side
from compare.experiments.common import reporting
from compare.results import Trial


def panels(
    *labels: tuple[str, str, str], below: int = 0
) -> Callable[[Callable[..., None]], Draw]:
    """Make a figure of a function that draws a side into the axes of its panels.

    The `labels` are title, x and y of each; the title may contain "{seeds}". With
    `below` all have one legend of so many columns.
    """

    def figure_of(draw: Callable[..., None]) -> Draw:
        def drawn(side: Side) -> Figure:
            figure, axes = plots.canvas(len(labels))
            for ax, (title, x, y) in zip(axes, labels, strict=True):
                seeds = reporting.seeds(side.trials)
                plots.label(ax, title.format(seeds=seeds), x, y)
            draw(side, *axes)
            if below:
                named = max(axes, key=lambda ax: len(ax.get_legend_handles_labels()[0]))
                plots.below(figure, named, below)
            else:
                for ax in axes:
                    if ax.get_legend_handles_labels()[0] and not ax.get_legend():
                        ax.legend(fontsize=12)
            return figure

        return drawn

    return figure_of


def learner_names(side: Side) -> list[str]:
    """The learners in their order, each once."""
    return list(dict.fromkeys(trial.name for trial in side.trials))


def draw_seeds(
    ax: Axes, trials: Sequence[Trial], label: str, metric: str = "", **style: Any
) -> None:
    """The loss of all seeds, or a metric, with one entry in the legend."""
    for number, trial in enumerate(trials):
        curve = trial.curve(metric) if metric else (trial.losses,)
        ax.plot(*curve, label=None if number else label, **style)


def set_ticks(axis: Axis, values: Sequence[float] | np.ndarray) -> None:
    """Only these ticks, written as plain numbers, on a logarithmic axis."""
    axis.set_ticks(values, labels=[str(value) for value in values])
    axis.set_ticks([], minor=True)
