"""Figures of panels, and parts of them that several lessons draw."""

import math
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


def panels(*labels: tuple[str, str, str]) -> Callable[[Callable[..., None]], Draw]:
    """Make a figure of a function that draws a side into the axes of its panels.

    The `labels` are title, x and y of each; the title may contain "{seeds}". All
    panels have one legend, in which each label stands once.
    """

    def figure_of(draw: Callable[..., None]) -> Draw:
        def drawn(side: Side) -> Figure:
            figure, axes = plots.canvas(len(labels))
            for ax, (title, x, y) in zip(axes, labels, strict=True):
                seeds = reporting.seeds(side.trials)
                plots.label(ax, title.format(seeds=seeds), x, y)
            draw(side, *axes)
            found = [ax.get_legend_handles_labels() for ax in axes]
            entries = {
                n: h
                for handles, names in found
                for h, n in zip(handles, names, strict=True)
            }
            if entries:
                plots.below(figure, entries)
            return figure

        return drawn

    return figure_of


def draw_seeds(
    ax: Axes, trials: Sequence[Trial], label: str, metric: str = "", **style: Any
) -> None:
    """The loss of all seeds, or a metric, in one style."""
    for trial in trials:
        curve = trial.curve(metric) if metric else (trial.losses,)
        ax.plot(*curve, label=label, **style)


def set_ticks(axis: Axis, values: Sequence[float] | np.ndarray) -> None:
    """Only these ticks, written as plain numbers, on a logarithmic axis."""
    axis.set_ticks(values, labels=[str(value) for value in values])
    axis.set_ticks([], minor=True)


def gallery(
    rows: np.ndarray, names: Sequence[str], title: str, **colors: Any
) -> Figure:
    """Each row of pixels as a square image with its name, dark on light."""
    lines = 2 if len(rows) <= 12 else 3
    figure, axes = plots.canvas(len(rows), lines)
    figure.suptitle(title)
    for ax, row, name in zip(axes, rows, names, strict=True):
        side = math.isqrt(len(row))
        ax.set_axis_off()
        ax.imshow(row.reshape(side, side), **{"cmap": "Greys", **colors})
        ax.set_title(name, fontsize=12)
    return figure


def templates(weight: np.ndarray, title: str) -> Figure:
    """Each row of a weight matrix as a square image, red positive, blue negative."""
    limit = np.abs(weight).max()
    names = [str(number) for number in range(len(weight))]
    figure = gallery(weight, names, title, cmap="RdBu_r", vmin=-limit, vmax=limit)
    figure.colorbar(figure.axes[0].images[0], ax=figure.axes, label="weight")
    return figure


def mosaic(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of square images (n, side · side) as one image, with a margin of 0."""
    side = math.isqrt(len(rows[0][0]))
    columns = max(len(row) for row in rows)
    whole = np.zeros((len(rows), columns, side + 2, side + 2))
    for line, row in zip(whole, rows, strict=True):
        line[: len(row), 1:-1, 1:-1] = row.reshape(-1, side, side)
    return whole.swapaxes(1, 2).reshape(len(rows) * (side + 2), -1)


def pictures(
    rows: Sequence[np.ndarray], titles: Sequence[str], title: str = ""
) -> Figure:
    """Rows of square images (n, side · side), each row with its name to the left.

    Pixels run from 0 (white) to 1 (black); what lies beyond is shown as 0 or 1.
    """
    figure, (ax,) = plots.canvas()
    whole = mosaic(rows)
    ax.imshow(whole, cmap="gray_r", vmin=0, vmax=1, aspect="equal")
    height = len(whole) / len(rows)
    middles = [height * (i + 0.5) - 0.5 for i in range(len(rows))]
    ax.set_yticks(middles, titles, fontsize=13)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.set_frame_on(False)
    ax.set_title(title)
    return figure
