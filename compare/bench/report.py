"""What was measured, as a table for the terminal, a page, and a picture."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table

from compare.bench import REFERENCE, Column, How, Row, paper
from compare.plots import COLORS, SIZE

PAGE, CUDA_PAGE = "benchmarks.md", "benchmarks-cuda.md"


def table(rows: Sequence[Row], columns: Mapping[str, Column]) -> Table:
    """Every work's contestants, each with its time and its speed-up."""
    heads = "µs a step", "quartiles", f"× {REFERENCE}"
    shown = Table("", *heads, box=None, pad_edge=False)
    for column in shown.columns[1:]:
        column.justify = "right"
    for row in rows:
        shown.add_row(f"{row.work.name}:")
        for short, column in columns.items():
            why = f": {row.absent[short]}" if short in row.absent else ""
            shown.add_row(f"  {column.title}{why}", *_cells(row, short))
    return shown


def _cells(row: Row, short: str) -> tuple[str, str, str]:
    """Median, quartiles and speed-up, or none."""
    if short in row.absent:
        return "", "", ""
    low, middle, high = row.quartiles(short)
    faster = np.median(row.speedups(short))
    return _micro(middle), f"{_micro(low)} – {_micro(high)}", f"{faster:.2f}"


def _micro(seconds: float) -> str:
    """Microseconds with three figures, or all before the point."""
    number = seconds * 1e6
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def page(
    rows: Sequence[Row],
    columns: Mapping[str, Column],
    how: How,
    today: date,
) -> str:
    """The Markdown page: where and how it was measured, and both tables."""
    said = ", ".join(f"{name} {value}" for name, value in how.words().items())
    on_cuda = how.device == "cuda"
    command = "python -m compare bench" + " --device cuda" * on_cuda
    picture = (CUDA_PAGE if on_cuda else PAGE).replace(".md", ".png")
    return "\n".join(
        [
            "# Benchmarks" + " on CUDA" * on_cuda,
            "",
            "One training step (forward, backward, update by plain SGD, the loss as a "
            "Python number) of each work, from the same weights on the same batch. "
            "All came to the same losses and weights before they were timed. Each has "
            "its turn in every round, in one process; given is the median over the "
            "rounds.",
            "",
            f"Written by `{command} --write` on {today.isoformat()}.",
            "",
            f"- machine: {paper.machine(how.device)}",
            f"- settings: {said}",
            f"- versions: {paper.versions()}",
            "",
            f"![How many times as fast as {REFERENCE}]({picture})",
            "",
            "## Microseconds a step: median (first – third quartile)",
            "",
            *_markdown(rows, columns, _time),
            "",
            f"## Times as fast as {REFERENCE}: the median of the rounds' ratios",
            "",
            *_markdown(rows, columns, _faster),
            "",
            "## The works",
            "",
            *(
                f"- `{row.work.name}`: {row.work.title}; "
                f"{row.work.multiply_adds:,} multiply-adds a step"
                for row in rows
            ),
            "",
            "The bare matrix products are those that no step can do without: forward, "
            "by the weights, and by the inputs of all layers but the first.",
            "",
        ]
    )


def _markdown(
    rows: Sequence[Row],
    columns: Mapping[str, Column],
    cell: Callable[[Row, str], str],
) -> list[str]:
    """A table: one line for each contestant, one column for each work."""
    names = [row.work.name for row in rows]
    lines = [f"| | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
    for short, column in columns.items():
        cells = (row.absent.get(short) or cell(row, short) for row in rows)
        lines.append(f"| {column.title} | {' | '.join(cells)} |")
    return lines


def _time(row: Row, short: str) -> str:
    _, spread, _ = _cells(row, short)
    return f"{_micro(row.quartiles(short)[1])} ({spread})"


def _faster(row: Row, short: str) -> str:
    return f"{np.median(row.speedups(short)):.2f}"


def picture(rows: Sequence[Row], columns: Mapping[str, Column]) -> Figure:
    """How many times as fast as the reference, work by work, with the quartiles."""
    figure = Figure(figsize=(SIZE[0] * 1.7, SIZE[1] * 1.6), layout="constrained")
    ax = figure.subplots()
    shown = [s for s in columns if any(s in row.seconds for row in rows)]
    for number, short in enumerate(shown):
        offset = 0.7 * ((number + 0.5) / len(shown) - 0.5)
        _dots(ax, rows, short, columns[short].title, offset, COLORS[number % 10])
    ax.axhline(1, color="black", linewidth=1)
    ax.set_yscale("log")
    ax.set_xticks(range(len(rows)), [row.work.name for row in rows], fontsize=12)
    ax.set_ylabel(f"times as fast as {REFERENCE}", fontsize=13)
    ax.grid(axis="y", alpha=0.3)
    ax.legend(fontsize=10, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _dots(
    ax: Axes, rows: Sequence[Row], short: str, title: str, offset: float, color: Any
) -> None:
    """One contestant: a dot for each work at its median, a line over the quartiles."""
    having = [(i, r.speedups(short)) for i, r in enumerate(rows) if short in r.seconds]
    quartiles = np.array([np.quantile(s, [0.25, 0.5, 0.75]) for _, s in having])
    low, middle, high = quartiles.T
    ax.errorbar(
        [i + offset for i, _ in having],
        middle,
        yerr=[middle - low, high - middle],
        fmt="o",
        color=color,
        label=title,
    )


def write(
    folder: Path, rows: Sequence[Row], columns: Mapping[str, Column], how: How
) -> Path:
    """Write page and picture into `folder`: each whole or not at all.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    path = folder / (CUDA_PAGE if how.device == "cuda" else PAGE)
    text = page(rows, columns, how, date.today())
    return paper.write(path, text, picture(rows, columns))
