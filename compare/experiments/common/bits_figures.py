"""Pictures of weights with few bits: what they read, what they weigh, what they are."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from compare import plots
from compare.backend import to_numpy
from compare.experiments.common import bits as _bits
from compare.results import Side

CHOSEN = 3
"""Pixels on each side of the square whose weights are shown."""


def draw(side: Side) -> Figure:
    """Accuracy, and size, against the kind of weight."""
    figure, (left, right) = plots.canvas(2)
    names = [_bits.name(bits) for bits in _bits.AFTER]
    _accuracies(left, side, names)
    _sizes(right, side, names)
    for ax in (left, right):
        ax.tick_params(axis="x", rotation=90, labelsize=12)
    return figure


def _accuracies(ax: Axes, side: Side, names: list[str]) -> None:
    after = [100 * np.mean(_bits.all_afterwards(side, b)) for b in _bits.AFTER]
    ax.plot(names, after, "s", color="#c0392b", ms=9)
    for label, bits in _bits.TRAINED.items():
        found = 100 * np.array(_bits.during(side, label))
        place = names.index(_bits.name(bits))
        ax.plot(place, np.mean(found), "o", color="#1f4e79", ms=11)
        ax.plot([place] * len(found), found, "_", color="#1f4e79", ms=14)
    for height, words, color in (
        (0.16, "■ rounded after", "#c0392b"),
        (0.05, "● trained so", "#1f4e79"),
    ):
        ax.text(0.04, height, words, color=color, transform=ax.transAxes, fontsize=13)
    ax.set_ylim(30, 101)
    plots.label(ax, "test digits read right", "", "%")


def _sizes(ax: Axes, side: Side, names: list[str]) -> None:
    sizes = [_bits.size(side, bits) / 1000 for bits in _bits.AFTER]
    for bar, kilobytes in zip(
        ax.bar(names, sizes, color="#f2a65a"), sizes, strict=True
    ):
        middle = bar.get_x() + bar.get_width() / 2
        said = f"{kilobytes:.2g}"
        ax.text(middle, kilobytes, said, ha="center", va="bottom", fontsize=12)
    ax.margins(y=0.12)
    plots.label(ax, "size of the net", "", "kB")


def weights(side: Side) -> Figure:
    """Some weights of one hidden unit: against the scale, as stored, and as used."""
    layer = side["ternary"].learner.model[0]
    kept = to_numpy(layer.weight.data)
    stored, scale, used = (to_numpy(a) for a in layer.quantized())
    unit = int(np.argmin(np.abs(np.abs(kept).mean(axis=1) - scale)))  # an average one
    tables = {
        "kept W": (kept, "{:.2f}"),
        f"W / s,  s = {float(scale):.3f}": (kept / scale, "{:.2f}"),
        "stored q": (stored, "{:.0f}"),
        "used V = q · s": (used + 0.0, "{:.2f}"),  # −0.0 becomes 0.0
    }
    figure, axes = plots.canvas(4, rows=2)
    for ax, (title, (table, form)) in zip(axes, tables.items(), strict=True):
        values = table[unit].reshape(8, 8)[2 : 2 + CHOSEN, 2 : 2 + CHOSEN]
        most = 1.8 * np.abs(values).max()  # the colours stay pale behind the numbers
        ax.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto")
        for (i, j), value in np.ndenumerate(values):
            ax.text(j, i, form.format(value), ha="center", va="center", fontsize=13)
        ax.set_title(title, fontsize=14)
        ax.set_xticks([])
        ax.set_yticks([])
    figure.suptitle(
        f"ternary weights of a unit, {CHOSEN} × {CHOSEN} pixels",
        fontsize=15,
    )
    return figure
