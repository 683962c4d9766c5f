"""Figures: PyTorch's curves wide and pale, the hand-written ones thin on top."""

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from compare.results import Side, Trial
from compare.translation import _

Rows = Sequence[Mapping[str, str]]  # of curves.csv, by the names of its columns
Style = dict[str, Any]
BLUE, RED, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#7F7F7F"
COLORS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK, GREY)
"""Okabe and Ito's, which colour-blind people can tell apart; grey for their yellow."""
LINES = ("-", "--", "-.", ":", (0, (7, 2)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (5, 4)))
"""The line of each colour: what lies below shows in its gaps."""
CURVES: list[Style] = [*cycler(color=COLORS, linestyle=LINES)]
"""The style of the first curve on an axis, of the second, …"""
LOOK: dict[Any, Any] = {
    "axes.prop_cycle": cycler(color=COLORS, linestyle=LINES),
    "axes.titlesize": 14,
    "axes.labelsize": 12,
    "figure.labelsize": 12,
    "figure.titlesize": 11,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "font.size": 12,
    "legend.fontsize": 11,
    "lines.linewidth": 2,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
}
"""The look of all figures, as settings of matplotlib."""
SIZE = (6.0, 4.0)
"""In inches. A card in TensorBoard is 340 pixels wide: 12 points are 9 of them."""
TORCH: Style = {"color": ORANGE, "linewidth": 7, "alpha": 0.4}
HANDMADE: Style = {"color": BLUE, "linewidth": 1.4, "linestyle": "-"}
ON_AXIS: Style = {"clip_on": False, "zorder": 3}  # a difference of 0 is seen
ONE_STEP = ON_AXIS | {"color": GREEN, "linestyle": "", "marker": "o", "markersize": 4}
ACCUMULATED = HANDMADE | ON_AXIS
TOLERANCE: Style = {"color": RED, "linestyle": "--", "linewidth": 1.6}
MOST_PANELS, MOST_CURVES, MOST_COLUMNS = 2, 6, 4
"""So many learners with different losses have a panel each; so have all learners that
are too many for one axis, in so many columns."""
LARGEST = float(np.finfo(np.float32).max)
LOG_FROM = 30
"""Losses that span more than this ratio have a log axis."""
CONSTANT = 0.01
"""Outputs that differ by less are constant: they have no decision line."""
DPI = 200
"""Resolution of the figures' files: twice that at which a page shows them."""
CARD_WIDTH = 317
"""Width in pixels of the figures in TensorBoard: that of its cards in a window of 1400,
since it shrinks wider ones by dropping pixels."""
WIDTH = 68
"""Of a figure, in letters of its heading and legend."""


def canvas(panels: int = 1, rows: int = 1, **shared: Any) -> tuple[Figure, list[Axes]]:
    """An empty landscape figure, legible at the size of a TensorBoard card."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots(rows, -(-panels // rows), squeeze=False, **shared).ravel()
    for ax in axes[panels:]:
        ax.set_axis_off()
    return figure, list(axes[:panels])


def label(ax: Axes, title: str, x: str, y: str) -> None:
    """Set title and axis labels."""
    ax.set(title=title, xlabel=x, ylabel=y)


def log_scale(ax: Axes, ratio: float = 1.0) -> None:
    """A logarithmic y axis, if the values of its curves span more than `ratio`.

    It begins at 0 if one of them is 0; negative values keep a linear axis. No axis
    reaches the largest float64: what is beyond float32 is drawn at its end.
    """
    for line in ax.lines:
        line.set_ydata(np.clip(np.asarray(line.get_ydata()), -LARGEST, LARGEST))
    ax.relim()
    values = np.concatenate([np.asarray(line.get_ydata()) for line in ax.lines])
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    if not positive.size or positive.max() < ratio * positive.min() or min(values) < 0:
        return
    if positive.size == values.size:
        ax.set_yscale("log")
    else:
        low, high = np.log10([positive.min(), positive.max()])
        powers = np.arange(math.floor(low), math.ceil(high) + 1)
        ax.set_yscale("symlog", linthresh=10.0 ** powers[0], linscale=0.5)
        ax.set_yticks([0, *10.0 ** powers[:: 1 + len(powers) // 8]])
        ax.set_ylim(0, 3 * positive.max())


def below(figure: Figure, entries: Mapping[str, Any]) -> None:
    """Add one legend below all panels: of handles, or styles of lines, by label."""
    handles = [
        Line2D([], [], **e) if isinstance(e, dict) else e for e in entries.values()
    ]
    labels, rows = [*entries], 1
    while _width(labels, rows) > WIDTH and rows < len(labels):
        rows += 1
    place: Style = {"loc": "outside lower center", "frameon": False}
    figure.legend(handles, labels, ncols=math.ceil(len(labels) / rows), **place)


def _width(labels: Sequence[str], rows: int) -> int:
    """The width of a legend of so many rows in letters; a line is 8 of them wide."""
    starts = range(0, len(labels), rows)
    return sum(8 + max(map(len, labels[i : i + rows])) for i in starts)


def add_heading(figure: Figure, lesson: str, losses: Iterable[str], said: str) -> None:
    """Put lesson, losses and the first words of the verdict above a figure."""
    parts = [lesson, ", ".join(losses), said.partition(":")[0]]
    line = " · ".join(parts)
    if len(line) > WIDTH:
        line = f"{' · '.join(parts[:2])}\n{parts[2]}"
    own = figure.get_suptitle()
    figure.suptitle(f"{line}\n{own}" if own else line)


def translate(figure: Figure) -> None:
    """Put titles, labels and legends into the language in use."""
    for text in figure.findobj(Text):
        text.set_text(_(text.get_text()))


def png(figure: Figure) -> tuple[bytes, bytes]:
    """A figure as PNG: for its file, and for its card in TensorBoard.

    The file has 256 colours: half of the bytes, and it looks the same.
    """
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    height = round(image.height * CARD_WIDTH / image.width)
    card = image.resize((CARD_WIDTH, height), Image.Resampling.LANCZOS)
    return _png(image.quantize(256, dither=Image.Dither.NONE)), _png(card)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def loss_curves(handmade: Side, torch_ref: Side) -> Figure:
    """Both losses at every step, for every trial.

    Two learners with different losses get a panel each, and so do many; on one axis
    each learner has its own colour and line.
    """
    names = handmade.names
    many = len(names) > MOST_CURVES
    apart = many or (len(names) <= MOST_PANELS and len(losses_of(handmade)) > 1)
    groups = [[name] for name in names] if apart else [names]
    rows = -(-len(groups) // MOST_COLUMNS)
    figure, axes = canvas(len(groups), rows, sharex=True, sharey=many)
    for ax, group in zip(axes, groups, strict=True):
        solid: Style = {"linestyle": "-"}
        for side, look, own in ((torch_ref, TORCH, solid), (handmade, HANDMADE, {})):
            for name, style in _styles(group).items():
                for trial in side.named(name):
                    ax.plot(trial.losses, **look | style | own)
        log_scale(ax, LOG_FROM)
        title = group[0] if apart else "Training loss, by hand and PyTorch"
        label(ax, title, "step", "loss")
        if many:
            ax.set_title(title, fontsize=10)
            ax.label_outer()
    neutral = {} if apart or len(names) == 1 else {"color": BLACK}
    learners = {n: HANDMADE | style for n, style in _styles(groups[0]).items() if style}
    sides = {"torch_ref": TORCH | neutral, "handmade": HANDMADE | neutral}
    below(figure, sides | learners)
    return figure


def _styles(names: Sequence[str]) -> dict[str, Style]:
    """The colour and line of each learner; a single one has those of its side."""
    return dict(zip(names, CURVES if len(names) > 1 else [{}], strict=False))


def losses_of(side: Side) -> list[str]:
    """The losses of the learners, each once; a weighted sum counts with its weights.

    A learner whose loss is its own stands for it.
    """
    learners = (trial.learner for trial in side.trials)
    losses = [getattr(one, "criterion", one) for one in learners]
    weights = [", ".join(f"{w:g}" for w in getattr(x, "weights", ())) for x in losses]
    names = [type(x).__name__ for x in losses]
    pairs = zip(names, weights, strict=True)
    return list(dict.fromkeys(f"{name}({w})" if w else name for name, w in pairs))


def differences(trials: Sequence[Rows], tolerances: Sequence[float]) -> Figure:
    """The one-step difference at each step under its tolerance, on a log axis.

    Args:
        trials: the rows of each in curves.csv.
        tolerances: of the one-step difference of each.
    """
    figure, (ax,) = canvas()
    columns = {"one_step_diff": ONE_STEP, "trajectory_diff": ACCUMULATED}
    for rows, tolerance in zip(trials, tolerances, strict=True):
        for column, style in columns.items():
            found = {int(r["step"]): float(r[column]) for r in rows if r[column]}
            ax.plot([*found], [*found.values()], **style)
        ax.axhline(tolerance, **TOLERANCE)
    log_scale(ax)
    label(ax, "One-step difference and its tolerance", "step", "relative difference")
    entries = {"one step": ONE_STEP, "accumulated": ACCUMULATED}
    below(figure, entries | {"tolerance of one step": TOLERANCE})
    return figure


def decision_boundary(trial: Trial, title: str) -> Figure:
    """The output of a net with two inputs, its ½ contour, and the examples."""
    figure, (ax,) = canvas()
    u, v, plane = grid((-0.5, 1.5), (-0.5, 1.5))
    output = trial.predict(plane).reshape(u.shape)
    levels = np.linspace(0, 1, 22)  # ½ is no edge: rounding changes no colour there
    how: Style = {"levels": levels, "extend": "both", "alpha": 0.8}
    drawn = ax.contourf(u, v, output, cmap="RdYlBu_r", **how)
    figure.colorbar(drawn, ax=ax, ticks=[0, 0.25, 0.5, 0.75, 1]).set_label("output")
    if np.ptp(output) > CONSTANT and output.min() < 0.5 < output.max():
        ax.contour(u, v, output, levels=[0.5], colors="black", linewidths=2)
    for (a, b), wanted in zip(trial.data.x, trial.data.target[:, 0], strict=True):
        ax.plot(a, b, "o" if wanted else "X", ms=16, mfc="white", mec="black", mew=2)
    ax.set(xticks=[-0.5, 0, 0.5, 1, 1.5], yticks=[-0.5, 0, 0.5, 1, 1.5])
    label(ax, title, "x₁   (○ target 1, ✕ target 0)", "x₂")
    return figure


def grid(
    xs: tuple[float, float], ys: tuple[float, float], n: int = 121
) -> tuple[np.ndarray, ...]:
    """The coordinates of a grid (n, n), and its points (n·n, 2)."""
    u, v = np.meshgrid(np.linspace(*xs, n), np.linspace(*ys, n))
    return u, v, np.stack([u.ravel(), v.ravel()], axis=1)


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
