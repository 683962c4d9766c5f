"""The result of `benchmarks.scaling` as tables, sentences, a page and a figure."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table

from benchmarks import page
from benchmarks.power_law import Power, last_decade
from benchmarks.scaling import COMPARED, Peak, Scaled
from compare.bench import Options
from compare.plots import COLORS, label

PAGE = "benchmarks-scaling.md"
INCHES = (15.0, 8.0)
LIBRARIES = {"numpy": "NumPy", "torch": "torch", "torch_ref": "torch_ref"}


def best(peaks: Mapping[str, Peak]) -> float:
    """The FLOP/s of the faster library, of which the shares are fractions."""
    return max(peak.rate for peak in peaks.values())


def cells(found: Scaled, peak: float) -> list[list[str]]:
    """For each size: multiply-adds, then time and share of the peak by library."""
    each = {name: found.seconds(name) for name in COMPARED}
    shares = {name: found.shares(name, peak) for name in COMPARED}
    lines: list[list[str]] = []
    for i, row in enumerate(found.rows):
        line = [f"{found.sweep.sizes[i]}", _millions(row.workload.multiply_adds)]
        for name in COMPARED:
            line += [f"{each[name][i] * 1e6:,.0f}", f"{shares[name][i]:.1%}"]
        lines.append(line)
    return lines


def _millions(number: float) -> str:
    """At least three significant digits."""
    return f"{number / 1e6:,.0f}" if number >= 1e9 else f"{number / 1e6:.3g}"


def heads(found: Scaled) -> list[str]:
    """The heads of the columns of `cells`."""
    pairs = [(f"{word}, µs", "of peak") for word in LIBRARIES.values()]
    return [found.sweep.name, "10⁶ m-a", *(head for pair in pairs for head in pair)]


def table(found: Scaled, peaks: Mapping[str, Peak]) -> Table:
    """One sweep for the terminal, with the exponents in the last line."""
    title = f"{found.sweep.name}: {found.sweep.title}"
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for head in heads(found):
        shown.add_column(head, justify="right")
    for line in cells(found, best(peaks)):
        shown.add_row(*line)
    laws = [f"{found.exponent(name).exponent:.2f}" for name in COMPARED]
    shown.add_row(
        "time ∝", f"n^{found.theory:.2f}", *(c for k in laws for c in (k, ""))
    )
    return shown


def peak_words(peaks: Mapping[str, Peak]) -> str:
    """The peak of each library."""
    each = (
        f"{library} {peak.rate / 1e9:.1f} GFLOP/s (n = {peak.size})"
        for library, peak in peaks.items()
    )
    return f"fastest product of two n × n matrices: {', '.join(each)}"


def law_words(all_found: Sequence[Scaled]) -> list[str]:
    """One sentence for each sweep: exponents beside the theory, and the crossing."""
    lines: list[str] = []
    for found in all_found:
        powers = {name: found.exponent(name) for name in COMPARED}
        each = ", ".join(f"{LIBRARIES[n]} {_power(p)}" for n, p in powers.items())
        fitted = np.array(found.sweep.sizes)[last_decade(found.sizes)]
        lines.append(
            f"{found.sweep.name}, fitted from {fitted[0]} to {fitted[-1]}: time grows "
            f"with the exponent {each}; the FLOPs with {found.theory:.2f}. "
            f"{_crossing(found)}"
        )
    return lines


def _power(power: Power) -> str:
    return f"{power.exponent:.2f} ± {power.error:.2f}"


def _crossing(found: Scaled) -> str:
    if found.crossing is None:
        return "NumPy is faster than torch arrays throughout."
    return (
        f"Torch arrays are first as fast as NumPy at {found.crossing / 1e6:,.2g} "
        "million multiply-adds per matrix product."
    )


def figure(all_found: Sequence[Scaled], peaks: Mapping[str, Peak]) -> Figure:
    """Above: time of a step, and of its FLOPs at peak. Below: share of the peak."""
    figure = Figure(figsize=INCHES, layout="constrained")
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
    for color, (name, column) in zip(COLORS, COMPARED.items(), strict=False):
        times = found.seconds(name)
        ax.loglog(found.sizes, times, "o-", color=color, label=column.title)
    style = {"color": "black", "linestyle": "--", "linewidth": 1.2}
    ax.loglog(found.sizes, found.flops / peak, label="FLOPs at peak", **style)
    first = found.sizes[last_decade(found.sizes)][0]
    ax.axvspan(first, found.sizes[-1], color="0.93", zorder=0)
    _plain(ax)


def _shares(ax: Axes, found: Scaled, peak: float) -> None:
    for color, name in zip(COLORS, COMPARED, strict=False):
        ax.semilogx(found.sizes, 100 * found.shares(name, peak), "o-", color=color)
    ax.set_ylim(0, None)
    ax.yaxis.set_major_formatter("{x:.0f} %")
    _plain(ax)


def _plain(ax: Axes) -> None:
    ax.tick_params(labelsize=13)
    ax.grid(alpha=0.3)


def markdown(
    all_found: Sequence[Scaled],
    peaks: Mapping[str, Peak],
    options: Options,
    today: date,
) -> str:
    """The page: how it was measured, the figure, exponents and tables."""
    return "\n".join(
        [
            "# Benchmarks: how a step grows",
            "",
            "One training step, as in [benchmarks.md](benchmarks.md), of nets whose "
            "width, depth or batch grows: by hand on NumPy and on torch arrays, and in "
            "PyTorch, from the same weights and compared before they were timed.",
            "",
            f"Written by `python -m benchmarks.scaling --write` on {today}.",
            "",
            *page.conditions(options),
            f"- peak: {peak_words(peaks)}; the faster library's counts",
            "",
            "In theory a step takes 2 · (3 · N · Σ in · out − N · in₀ · out₀) FLOPs "
            "for N examples: three matrix products per layer, without the gradient of "
            "the data. The exponents are fitted by least squares to the logarithms in "
            "the last decade of sizes (grey in the figure), where the products take "
            "longer than the calls; the theory is fitted to the FLOPs of these sizes.",
            "",
            f"![Time of a step, and share of the peak]({Path(PAGE).stem}.png)",
            "",
            *(f"- {line}" for line in law_words(all_found)),
            "",
            *(line for found in all_found for line in _section(found, best(peaks))),
            "m-a: multiply-adds per step, two FLOPs each.",
            "",
        ]
    )


def _section(found: Scaled, peak: float) -> list[str]:
    title = f"## {found.sweep.name.capitalize()}: {found.sweep.title}"
    return [title, "", *page.table(heads(found), cells(found, peak)), ""]


def write(
    folder: Path,
    all_found: Sequence[Scaled],
    peaks: Mapping[str, Peak],
    options: Options,
) -> None:
    """Write page and figure into `folder`: each whole or not at all."""
    text = markdown(all_found, peaks, options, date.today())
    page.write(folder / PAGE, text, figure(all_found, peaks))
