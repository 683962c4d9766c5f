"""Measures a training step of all workloads and writes docs/benchmarks.md.

python -m benchmarks.steps [--device cuda] [--threads 1] [--dtype float32] …

On CUDA it writes docs/benchmarks-cuda.md.
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

PAGES = {"cpu": "benchmarks.md", "cuda": "benchmarks-cuda.md"}


def main(
    threads: int = 1,
    dtype: str = "float32",
    rounds: int = 25,
    clock: str = "wall",
    device: str = "cpu",
    tf32: bool = False,
) -> None:
    """Measure and write; the options are those of `python -m compare bench`."""
    options = Options(threads, dtype, rounds, clock, device, tf32)
    rows: list[Row] = []
    for row in bench((), options):
        Console().print(table(row, IMPLEMENTATIONS[device]))
        rows.append(row)
    write(page.DOCS, rows, options)


def write(folder: Path, rows: Sequence[Row], options: Options) -> None:
    """Write page and figure into `folder`: each whole or not at all."""
    path = folder / PAGES[options.device]
    page.write(path, markdown(rows, options, date.today()), figure(rows, options))


def markdown(rows: Sequence[Row], options: Options, today: date) -> str:
    """The page: how it was measured, a table of times and one of speed-ups."""
    on_cuda = options.device == "cuda"
    command = "python -m benchmarks.steps" + " --device cuda" * on_cuda

    def times(row: Row, name: str) -> str:
        median, quartiles, _ = row.cells(name)
        return f"{median} ({quartiles})"

    def speedups(row: Row, name: str) -> str:
        return row.cells(name)[2]

    return "\n".join(
        [
            "# Benchmarks" + " on CUDA" * on_cuda,
            "",
            "One training step (forward, backward, update by plain SGD, the loss as a "
            "Python number) of each workload, from the same weights on the same batch. "
            "All implementations reached the same losses and weights before they were "
            "timed. Each has a turn in every round, in one process; given is the "
            "median over the rounds.",
            "",
            f"Written by `{command}` on {today.isoformat()}.",
            "",
            *page.conditions(options),
            "",
            f"![Speed-up over {REFERENCE}]({Path(PAGES[options.device]).stem}.png)",
            "",
            "## Microseconds per step: median (first – third quartile)",
            "",
            *_table(rows, options, times),
            "",
            f"## Speed-up over {REFERENCE} (median)",
            "",
            *_table(rows, options, speedups),
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


def _table(
    rows: Sequence[Row], options: Options, cell: Callable[[Row, str], str]
) -> list[str]:
    """One line for each implementation, one column for each workload."""
    lines = [
        [title.title, *(row.absent.get(name) or cell(row, name) for row in rows)]
        for name, title in IMPLEMENTATIONS[options.device].items()
    ]
    return page.table(["", *(row.workload.name for row in rows)], lines)


def figure(rows: Sequence[Row], options: Options) -> Figure:
    """Speed-up over the reference: median and quartiles for each workload."""
    figure = Figure(figsize=(SIZE[0] * 1.7, SIZE[1] * 1.6), layout="constrained")
    ax = figure.subplots()
    known = IMPLEMENTATIONS[options.device]
    shown = [name for name in known if any(name in row.seconds for row in rows)]
    for number, name in enumerate(shown):
        offset = 0.7 * ((number + 0.5) / len(shown) - 0.5)
        found = [(i, r.speedups(name)) for i, r in enumerate(rows) if name in r.seconds]
        quartiles = [np.quantile(speedups, [0.25, 0.5, 0.75]) for _, speedups in found]
        low, median, high = np.transpose(quartiles)
        ax.errorbar(
            [i + offset for i, _ in found],
            median,
            yerr=[median - low, high - median],
            fmt="o",
            color=COLORS[number % len(COLORS)],
            label=known[name].title,
        )
    ax.axhline(1, color="black", linewidth=1)
    ax.set_yscale("log")
    ax.set_xticks(range(len(rows)), [row.workload.name for row in rows], fontsize=12)
    ax.set_ylabel(f"speed-up over {REFERENCE}", fontsize=13)
    ax.grid(axis="y", alpha=0.3)
    ax.legend(fontsize=10, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


if __name__ == "__main__":
    typer.run(main)
