"""What `bench --scaling` measured, as tables, sentences, a page and a picture."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table

from compare.bench import How, paper
from compare.bench.law import Power, last_decade
from compare.bench.scaling import SHOWN, Peak, Scaled, best
from compare.plots import COLORS, label

PAGE = "benchmarks-scaling.md"
SIZE = (15.0, 8.0)
"""Of the figure, in inches."""
LIBRARIES = {"numpy": "NumPy", "torch": "torch", "torch_ref": "torch_ref"}
"""The columns in one word, for heads of tables."""


def cells(found: Scaled, peak: float) -> list[list[str]]:
    """Size by size: its multiply-adds, and each one's time and share of the peak."""
    each = {name: found.seconds(name) for name in SHOWN}
    shares = {name: found.shares(name, peak) for name in SHOWN}
    lines: list[list[str]] = []
    for i, row in enumerate(found.rows):
        line = [f"{found.sweep.sizes[i]}", _millions(row.work.multiply_adds)]
        for name in SHOWN:
            line += [f"{each[name][i] * 1e6:,.0f}", f"{shares[name][i]:.1%}"]
        lines.append(line)
    return lines


def _millions(number: float) -> str:
    """Three figures, or all before the point."""
    return f"{number / 1e6:,.0f}" if number >= 1e9 else f"{number / 1e6:.3g}"


def heads(found: Scaled) -> list[str]:
    """Of the columns of `cells`."""
    pairs = [(f"{word}, µs", "of peak") for word in LIBRARIES.values()]
    return [found.sweep.name, "10⁶ m-a", *(head for pair in pairs for head in pair)]


def table(found: Scaled, peaks: Mapping[str, Peak]) -> Table:
    """One sweep for the terminal, with the exponents below."""
    title = f"{found.sweep.name}: {found.sweep.title}"
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for head in heads(found):
        shown.add_column(head, justify="right")
    for line in cells(found, best(peaks)):
        shown.add_row(*line)
    laws = [f"{found.exponent(name).exponent:.2f}" for name in SHOWN]
    shown.add_row(
        "time ∝", f"n^{found.theory:.2f}", *(c for k in laws for c in (k, ""))
    )
    return shown


def peak_words(peaks: Mapping[str, Peak]) -> str:
    """What the shares are parts of."""
    each = (
        f"{library} {peak.rate / 1e9:.1f} GFLOP/s (n = {peak.side})"
        for library, peak in peaks.items()
    )
    return f"fastest product of two n × n matrices: {', '.join(each)}"


def law_words(all_found: Sequence[Scaled]) -> list[str]:
    """Sentence by sentence: exponents beside the theory, and who overtakes whom."""
    lines: list[str] = []
    for found in all_found:
        powers = {name: found.exponent(name) for name in SHOWN}
        each = ", ".join(f"{LIBRARIES[n]} {_power(p)}" for n, p in powers.items())
        fitted = np.array(found.sweep.sizes)[last_decade(found.sizes)]
        lines.append(
            f"{found.sweep.name}, fitted from {fitted[0]} to {fitted[-1]}: time grows "
            f"with the exponent {each}; the FLOPs with {found.theory:.2f}. "
            f"{_overtaken(found)}"
        )
    return lines


def _power(power: Power) -> str:
    return f"{power.exponent:.2f} ± {power.error:.2f}"


def _overtaken(found: Scaled) -> str:
    """From which size of product on torch arrays keep up with NumPy."""
    if found.overtaken is None:
        return "NumPy is ahead of torch arrays throughout."
    return (
        f"Torch arrays first keep up with NumPy at {found.overtaken / 1e6:,.2g} "
        "million multiply-adds a matrix product."
    )


def picture(all_found: Sequence[Scaled], peaks: Mapping[str, Peak]) -> Figure:
    """Above, the time of a step beside its FLOPs at peak; below, the share of it."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots(2, len(all_found), sharex="col", squeeze=False)
    for number, found in enumerate(all_found):
        _times(axes[0, number], found, best(peaks))
        _shares(axes[1, number], found, best(peaks))
        label(axes[0, number], found.sweep.title, "", "seconds a step" * (number == 0))
        named = f"share of the {best(peaks) / 1e9:.0f} GFLOP/s peak" * (number == 0)
        label(axes[1, number], "", f"n: {found.sweep.name}", named)
    axes[0, 0].legend(fontsize=13)
    return figure


def _times(ax: Axes, found: Scaled, peak: float) -> None:
    for color, (name, column) in zip(COLORS, SHOWN.items(), strict=False):
        times = found.seconds(name)
        ax.loglog(found.sizes, times, "o-", color=color, label=column.title)
    how = {"color": "black", "linestyle": "--", "linewidth": 1.2}
    ax.loglog(found.sizes, found.flops / peak, label="its FLOPs at peak", **how)
    first = found.sizes[last_decade(found.sizes)][0]
    ax.axvspan(first, found.sizes[-1], color="0.93", zorder=0)
    _plain(ax)


def _shares(ax: Axes, found: Scaled, peak: float) -> None:
    for color, name in zip(COLORS, SHOWN, strict=False):
        ax.semilogx(found.sizes, 100 * found.shares(name, peak), "o-", color=color)
    ax.set_ylim(0, None)
    ax.yaxis.set_major_formatter("{x:.0f} %")
    _plain(ax)


def _plain(ax: Axes) -> None:
    ax.tick_params(labelsize=13)
    ax.grid(alpha=0.3)


def page(
    all_found: Sequence[Scaled], peaks: Mapping[str, Peak], how: How, today: date
) -> str:
    """The Markdown page: how it was measured, the picture, tables and laws."""
    said = ", ".join(f"{name} {value}" for name, value in how.words().items())
    return "\n".join(
        [
            "# Benchmarks: how a step grows",
            "",
            "One training step, as in [benchmarks.md](benchmarks.md), of nets whose "
            "width, depth or batch grows: by hand on NumPy and on torch arrays, and in "
            "PyTorch as it comes, from the same weights and compared before they were "
            "timed.",
            "",
            "Written by `python -m compare bench --scaling --write` on "
            f"{today.isoformat()}.",
            "",
            f"- machine: {paper.machine()}",
            f"- settings: {said}",
            f"- versions: {paper.versions()}",
            f"- peak: {peak_words(peaks)}; the faster library's counts",
            "",
            "In theory a step takes 2 · (3 · N · Σ in · out − N · in₀ · out₀) FLOPs "
            "for N examples: three matrix products a layer, less the gradient by the "
            "data, which nobody needs. The exponents are those of least squares on the "
            "logarithms of the last decade of what grows (grey in the picture), where "
            "the work rules and not the calls; theory is fitted to the FLOPs of the "
            "same sizes.",
            "",
            f"![Time of a step, and share of the peak]({Path(PAGE).stem}.png)",
            "",
            *(f"- {line}" for line in law_words(all_found)),
            "",
            *(line for found in all_found for line in _section(found, best(peaks))),
            "m-a: multiply-adds of a step, two FLOPs each.",
            "",
        ]
    )


def _section(found: Scaled, peak: float) -> list[str]:
    """One sweep's table in Markdown."""
    lines = [heads(found), *cells(found, peak)]
    shown = [f"| {' | '.join(line)} |" for line in lines]
    rule = "|" + "---:|" * len(lines[0])
    title = f"## {found.sweep.name.capitalize()}: {found.sweep.title}"
    return [title, "", shown[0], rule, *shown[1:], ""]


def write(
    folder: Path, all_found: Sequence[Scaled], peaks: Mapping[str, Peak], how: How
) -> Path:
    """Write page and picture into `folder`: each whole or not at all.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    text = page(all_found, peaks, how, date.today())
    return paper.write(folder / PAGE, text, picture(all_found, peaks))
