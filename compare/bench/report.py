"""The measurements as a table for the terminal, and how their numbers are written."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Column, Table

from compare.bench.implementations import Implementation
from compare.bench.measure import Row


def table(rows: Sequence[Row], implementations: Mapping[str, Implementation]) -> Table:
    """For each workload: every implementation, its time and speed-up over PyTorch."""
    heads = "µs per step", "quartiles", "speed-up"
    columns = (Column(head, justify="right") for head in heads)
    shown = Table("", *columns, box=None, pad_edge=False)
    for row in rows:
        shown.add_row(f"{row.workload.name}:")
        for name, implementation in implementations.items():
            if name in row.absent:
                shown.add_row(f"  {implementation.title}: {row.absent[name]}")
            else:
                shown.add_row(f"  {implementation.title}", *cells(row, name))
    return shown


def cells(row: Row, name: str) -> tuple[str, str, str]:
    """Median and quartiles in microseconds, and the median speed-up."""
    low, median, high = (
        f"{1e6 * s:.0f}" if s >= 1e-4 else f"{1e6 * s:.3g}" for s in row.quartiles(name)
    )
    return median, f"{low} – {high}", f"{np.median(row.speedups(name)):.2f}"
