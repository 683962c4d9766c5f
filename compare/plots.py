"""Figures: PyTorch's curves wide and pale, the hand-written ones thin on top."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TABLEAU_COLORS
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from compare.results import Side, Trial

Range = tuple[float, float]
SIZE = (6.0, 3.6)
"""In inches. A card in TensorBoard is 340 pixels wide: 12 points are 9 of them."""
BLUE, RED, ORANGE, GREY = "#1f4e79", "#c0392b", "#f2a65a", "#7f8c8d"
TORCH: dict[str, Any] = {"color": ORANGE, "linewidth": 7, "alpha": 0.4}
HANDMADE: dict[str, Any] = {"color": BLUE, "linewidth": 1.6}
COLORS = list(TABLEAU_COLORS.values())
"""Colours of several learners on one axis."""
MOST_PANELS = 2
"""More learners than this share one axis, whatever their losses are."""


def canvas(panels: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty landscape figure, legible at the size of a TensorBoard card."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots(rows, panels // rows, squeeze=False).ravel()
    for ax in axes:
        ax.tick_params(labelsize=12)
    return figure, list(axes)


def label(ax: Axes, title: str, x: str, y: str) -> None:
    """Set title and axis labels in one font size."""
    ax.set_title(title, fontsize=15)
    ax.set_xlabel(x, fontsize=13)
    ax.set_ylabel(y, fontsize=13)


def loss_curves(handmade: Side, torch_ref: Side) -> Figure:
    """Both losses at every step, for every trial.

    Few learners with different losses get a panel each; on one axis each learner has
    its own colour.
    """
    names = list(dict.fromkeys(trial.name for trial in handmade.trials))
    apart = len(names) <= MOST_PANELS and len(_losses_used(handmade)) > 1
    groups = [[name] for name in names] if apart else [names]
    figure, axes = canvas(len(groups))
    for ax, group in zip(axes, groups, strict=True):
        for side, style in ((torch_ref, TORCH), (handmade, HANDMADE)):
            for number, name in enumerate(group):
                for trial in side.named(name):
                    ax.plot(trial.losses, **style | _colored(number, group))
        losses = [x for name in group for t in torch_ref.named(name) for x in t.losses]
        if losses and min(losses) > 0 and max(losses) > 30 * min(losses):
            ax.set_yscale("log")
        title = group[0] if apart else "Training loss, by hand and PyTorch"
        label(ax, title, "step", "loss" if ax is axes[0] else "")
    _explain(axes[0], groups[0])
    return figure


def _losses_used(side: Side) -> set[str]:
    """The losses of the learners; a weighted sum counts with its weights."""
    learners = (trial.learner for trial in side.trials)
    losses = [getattr(one, "criterion", one) for one in learners]
    return {f"{type(x).__name__} {getattr(x, 'weights', '')}" for x in losses}


def _colored(number: int, names: list[str]) -> dict[str, Any]:
    """The style of one of several learners; dashed once the colours are used up."""
    if len(names) == 1:
        return {}
    lap, number = divmod(number, len(COLORS))
    return {"color": COLORS[number], "linestyle": "--" if lap else "-"}


def _explain(ax: Axes, names: list[str]) -> None:
    """Add a legend: both sides and, if there are several, the learners."""
    neutral: dict[str, Any] = {"color": "black"} if len(names) > 1 else {}
    entries = {"torch_ref": TORCH | neutral, "handmade": HANDMADE | neutral}
    if len(names) > 1:
        entries |= {n: HANDMADE | _colored(i, names) for i, n in enumerate(names)}
    handles = [Line2D([], [], label=name, **style) for name, style in entries.items()]
    if len(names) > 1:
        beside(ax, handles=handles)
    else:
        ax.legend(handles=handles, fontsize=12)


def beside(ax: Axes, **legend: Any) -> None:
    """Add a legend to the right of the axes."""
    tight = {"handlelength": 1, "handletextpad": 0.4, "borderpad": 0.3}
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "frameon": False}
    ax.legend(fontsize=12, labelspacing=0.15, **tight, **place, **legend)


def below(figure: Figure, ax: Axes, columns: int) -> None:
    """Add one legend below all panels, with the entries of `ax`."""
    style = {"fontsize": 12, "frameon": False, "columnspacing": 1, "handlelength": 1.5}
    entries = ax.get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=columns, **style)


def decision_boundary(trial: Trial, title: str) -> Figure:
    """The output of a net with two inputs, its ½ contour, and the examples."""
    figure, (ax,) = canvas()
    u, v, plane = grid((-0.5, 1.5), (-0.5, 1.5))
    output = trial.predict(plane).reshape(u.shape)
    drawn = ax.contourf(u, v, output, levels=20, cmap="RdYlBu_r", alpha=0.8)
    figure.colorbar(drawn, ax=ax).set_label("output", fontsize=13)
    if output.min() < 0.5 < output.max():
        ax.contour(u, v, output, levels=[0.5], colors="black", linewidths=2)
    for (a, b), wanted in zip(trial.data.x, trial.data.target[:, 0], strict=True):
        ax.plot(a, b, "o" if wanted else "X", ms=16, mfc="white", mec="black", mew=2)
    label(ax, title, "x₁   (○ target 1, ✕ target 0)", "x₂")
    return figure


def grid(xs: Range, ys: Range, n: int = 121) -> tuple[np.ndarray, ...]:
    """The coordinates of a grid (n, n), and its points (n·n, 2)."""
    u, v = np.meshgrid(np.linspace(*xs, n), np.linspace(*ys, n))
    return u, v, np.stack([u.ravel(), v.ravel()], axis=1)


def mountains(
    ax: Axes, height: Callable[[np.ndarray], np.ndarray], xs: Range, ys: Range
) -> None:
    """Draw a function of two variables as a map with contour lines."""
    u, v, points = grid(xs, ys)
    values = height(points).reshape(u.shape)
    shift = 1e-3 * (values.max() - values.min()) - values.min()
    levels = np.geomspace(shift + values.min(), shift + values.max(), 25) - shift
    ax.contourf(u, v, values, levels=levels, cmap="terrain")
    ax.contour(u, v, values, levels=levels, colors="black", linewidths=0.4)


def path(ax: Axes, points: np.ndarray, name: str, **style: Any) -> None:
    """Draw the points (n, 2) of a descent."""
    ax.plot(points[:, 0], points[:, 1], "o-", ms=4, label=name, **style)


def gallery(
    rows: np.ndarray, names: Sequence[str], title: str, **colors: Any
) -> Figure:
    """Each row of pixels as a square image with its name, dark on light."""
    lines = 2 if len(rows) <= 12 else 3
    figure, axes = canvas(-(-len(rows) // lines) * lines, lines)
    figure.suptitle(title, fontsize=15)
    for ax in axes:
        ax.set_axis_off()
    for ax, row, name in zip(axes, rows, names, strict=False):
        side = math.isqrt(len(row))
        ax.imshow(row.reshape(side, side), **{"cmap": "Greys", **colors})
        ax.set_title(name, fontsize=13)
    return figure


def templates(weight: np.ndarray, title: str) -> Figure:
    """Each row of a weight matrix as a square image, red positive, blue negative."""
    limit = np.abs(weight).max()
    names = [str(number) for number in range(len(weight))]
    return gallery(weight, names, title, cmap="RdBu_r", vmin=-limit, vmax=limit)


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
    figure, (ax,) = canvas()
    whole = mosaic(rows)
    ax.imshow(whole, cmap="gray_r", vmin=0, vmax=1, aspect="equal")
    height = len(whole) / len(rows)
    middles = [height * (i + 0.5) - 0.5 for i in range(len(rows))]
    ax.set_yticks(middles, titles, fontsize=14)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.set_frame_on(False)
    ax.set_title(title, fontsize=15)
    return figure


def confusion(
    matrix: np.ndarray,
    title: str,
    most: int | None = None,
    boxed: Sequence[tuple[int, int]] = (),
) -> Figure:
    """Confusion matrix: how often each class (row) was predicted as each (column).

    `most` mistakes are the darkest red; pairs of truth and answer can be boxed.
    """
    figure, (ax,) = canvas()
    wrong = matrix - np.diag(np.diag(matrix))
    limit = max(5, int(wrong.max()) if most is None else most)
    ax.imshow(wrong, cmap="Reds", vmin=0, vmax=limit, aspect="auto")
    for (i, j), count in np.ndenumerate(matrix):
        if count:
            style = {"weight": "normal" if i == j else "bold", "fontsize": 12}
            color = "white" if 2 * wrong[i, j] > limit else "black"
            ax.text(j, i, str(count), ha="center", va="center", color=color, **style)
    for i, j in boxed:
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, ec=BLUE, lw=3))
    ax.set_xticks(range(len(matrix)))
    ax.set_yticks(range(len(matrix)))
    label(ax, title, "predicted class   (red: mistakes)", "true class")
    return figure


def functions(
    curves: Sequence[Mapping[str, tuple[np.ndarray, np.ndarray]]], titles: Sequence[str]
) -> Figure:
    """One panel for each group of named curves (x, y); one legend for all."""
    figure, axes = canvas(len(curves))
    for ax, group, title in zip(axes, curves, titles, strict=True):
        for number, (name, (x, y)) in enumerate(group.items()):
            width = 2 + 3 / (1 + number)  # what lies below shows at the edges
            ax.plot(x, y, label=name, linewidth=width)
        label(ax, title, "x", "")
        ax.grid(alpha=0.3)
    below(figure, axes[0], columns=3)
    return figure
