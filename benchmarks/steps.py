"""Measures a training step of all workloads and writes docs/benchmarks.md.

python -m benchmarks.steps [--threads 1] [--dtype float32] [--rounds 25] [--clock wall]

`python -m benchmarks.gpu` measures on a CUDA device.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import typer
from matplotlib.figure import Figure
from rich.console import Console

from benchmarks import page
from compare.bench import IMPLEMENTATIONS, REFERENCE, Options, Row, bench, table
from compare.plots import COLORS, SIZE

PAGE = "benchmarks.md"
KNOWN = IMPLEMENTATIONS["cpu"]


def main(
    threads: int = 1, dtype: str = "float32", rounds: int = 25, clock: str = "wall"
) -> None:
    """Measure and write; the options are those of `python -m compare bench`."""
    options = Options(threads, dtype, rounds, clock)
    rows: list[Row] = []
    for row in bench((), options):
        Console().print(table(row, KNOWN))
        rows.append(row)
    write(page.DOCS, rows, options)


def write(folder: Path, rows: Sequence[Row], options: Options) -> None:
    """Write page and figure into `folder`: each whole or not at all."""
    text = markdown(rows, options, date.today())
    page.write(folder / PAGE, text, figure(rows))


def markdown(rows: Sequence[Row], options: Options, today: date) -> str:
    """The page: how it was measured, tables of times, speed-ups and memory."""

    def times(row: Row, name: str) -> str:
        median, quartiles, *_ = row.cells(name)
        return f"{median} ({quartiles})"

    return "\n".join(
        [
            "# Benchmarks",
            "",
            "One training step (forward, backward, update by plain SGD, the loss as a "
            "Python number) of each workload, from the same weights on the same batch. "
            "All implementations reached the same losses and weights before they were "
            "timed. Each has a turn in every round, in one process; given is the "
            "median over the rounds.",
            "",
            f"Written by `python -m benchmarks.steps` on {today.isoformat()}.",
            "",
            *page.conditions(options),
            "",
            f"![Speed-up over {REFERENCE}]({Path(PAGE).stem}.png)",
            "",
            "## Microseconds per step: median (first – third quartile)",
            "",
            *_table(rows, times),
            "",
            f"## Speed-up over {REFERENCE} (median)",
            "",
            *_table(rows, lambda row, name: row.cells(name)[2]),
            "",
            "## Peak memory of a step in kB",
            "",
            "The most bytes held during a step, the weights and the batch included: "
            "torch's tensors, NumPy's arrays and Python's objects, but not what a "
            "library keeps to itself, as oneDNN its buffers and autograd its graph.",
            "",
            *_table(rows, lambda row, name: row.cells(name)[3]),
            "",
            "## The workloads",
            "",
            *(
                f"- `{row.workload.name}`: {row.workload.title}; "
                f"{row.workload.multiply_adds:,} multiply-adds per step"
                for row in rows
            ),
            "",
            "Matrix products alone are those that each step needs: forward, gradient "
            "of the weights, and gradient of the inputs of all layers but the first.",
            "",
        ]
    )


def _table(rows: Sequence[Row], cell: Callable[[Row, str], str]) -> list[str]:
    """One line for each implementation, one column for each workload."""
    lines = [
        [title.title, *(row.absent.get(name) or cell(row, name) for row in rows)]
        for name, title in KNOWN.items()
    ]
    return page.table(["", *(row.workload.name for row in rows)], lines)


def figure(rows: Sequence[Row]) -> Figure:
    """Speed-up over the reference: median and quartiles for each workload."""
    figure = Figure(figsize=(SIZE[0] * 1.7, SIZE[1] * 1.6), layout="constrained")
    ax = figure.subplots()
    shown = [name for name in KNOWN if any(name in row.seconds for row in rows)]
    for number, name in enumerate(shown):
        offset = 0.7 * ((number + 0.5) / len(shown) - 0.5)
        found = [(i, r.speedups(name)) for i, r in enumerate(rows) if name in r.seconds]
        quartiles = [np.quantile(speedups, [0.25, 0.5, 0.75]) for _, speedups in found]
        low, median, high = np.transpose(quartiles)
        ax.errorbar(
            [i + offset for i, _ in found],
            median,
            yerr=[median - low, high - median],
            fmt="o" if number < len(COLORS) else "D",
            color=COLORS[number % len(COLORS)],
            label=KNOWN[name].title,
        )
    ax.axhline(1, color="black", linewidth=1)
    ax.set_yscale("log")
    names = [row.workload.name for row in rows]
    ax.set_xticks(range(len(rows)), names, fontsize=12, rotation=20)
    ax.set_ylabel(f"speed-up over {REFERENCE}", fontsize=13)
    ax.grid(axis="y", alpha=0.3)
    ax.legend(fontsize=10, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


if __name__ == "__main__":
    typer.run(main)
