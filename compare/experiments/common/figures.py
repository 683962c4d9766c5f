"""Parts of figures that several lessons draw."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis

from compare.results import Side, Trial


def learner_names(side: Side) -> list[str]:
    """The learners in their order, each once."""
    return list(dict.fromkeys(trial.name for trial in side.trials))


def draw_seeds(
    ax: Axes, trials: Sequence[Trial], label: str, metric: str = "", **style: Any
) -> None:
    """The curves of all seeds, with one entry in the legend.

    Args:
        ax: where to draw.
        trials: one a seed.
        label: of the entry.
        metric: such as "accuracy/test"; empty for the training loss.
        style: of the lines.
    """
    for number, trial in enumerate(trials):
        curve = trial.curve(metric) if metric else (trial.losses,)
        ax.plot(*curve, label=None if number else label, **style)


def set_ticks(axis: Axis, values: Sequence[float] | np.ndarray) -> None:
    """Only these ticks, written as plain numbers, on a logarithmic axis."""
    axis.set_ticks(values, labels=[str(value) for value in values])
    axis.set_ticks([], minor=True)
