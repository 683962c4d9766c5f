"""Measures how the time of a step grows with the width, the depth and the batch.

python -m benchmarks.scaling [--dtype float32] [--rounds 5] [--write]

`--write` writes docs/benchmarks-scaling.md.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
import typer
from rich.console import Console

from benchmarks.power_law import Power, crossing, fitted
from compare.bench import IMPLEMENTATIONS, Options, Row, measure
from compare.bench.timing import interleaved
from compare.bench.workloads import Workload, mlp

COMPARED = {n: IMPLEMENTATIONS["cpu"][n] for n in ("numpy", "torch", "torch_ref")}
SQUARES = (256, 512, 1024, 2048)
"""Sizes of the square matrices whose fastest product is the peak."""
PIXELS, CLASSES, BATCH, NARROW = 64, 10, 64, 32


@dataclass(frozen=True)
class Sweep:
    """Workloads that differ in one number.

    Args:
        name: of the number.
        title: the nets, with n for the number.
        sizes: the numbers, increasing; at least three in the last decade.
        workload: makes the workload of a number.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    workload: Callable[[int], Workload]


def _wide(n: int) -> Workload:
    return mlp(f"width {n}", BATCH, PIXELS, n, n, CLASSES)


def _deep(n: int) -> Workload:
    """Orthogonal layers keep the length of a signal; the rate falls with the depth."""
    workload = mlp(f"depth {n}", NARROW, *[NARROW] * n, CLASSES, activation="Tanh")

    def model(nn: Any) -> Any:
        net = workload.model(nn)
        for layer in list(net)[::2]:
            nn.init.orthogonal_(layer.weight)
            nn.init.zeros_(layer.bias)
        return net

    return replace(workload, model=model, lr=Workload.lr / n)


def _large(n: int) -> Workload:
    return mlp(f"batch {n}", n, 784, 128, CLASSES)


WIDTHS = (4, 16, 64, 256, 512, 1024, 2048, 4096)
DEPTHS = (1, 3, 10, 30, 100, 200, 400, 1000)
BATCHES = (1, 4, 16, 64, 256, 1024, 2048, 4096, 8192, 16384)
SWEEPS = {
    "width": Sweep("width", f"{PIXELS}-n-n-{CLASSES}, batch {BATCH}", WIDTHS, _wide),
    "depth": Sweep(
        "depth", f"n layers of {NARROW} inputs, batch {NARROW}", DEPTHS, _deep
    ),
    "batch": Sweep("batch", f"784-128-{CLASSES}, batch n", BATCHES, _large),
}


class Peak(NamedTuple):
    """The fastest product of square matrices: FLOP/s, and the size of the matrices."""

    rate: float
    size: int


@dataclass(frozen=True)
class Scaled:
    """The measurement of one sweep, with a row for each size."""

    sweep: Sweep
    rows: list[Row]

    @property
    def sizes(self) -> np.ndarray:
        """The numbers that grow."""
        return np.array(self.sweep.sizes, float)

    @property
    def flops(self) -> np.ndarray:
        """2 · (3 · N · Σ in · out − N · in₀ · out₀) at each size."""
        return np.array([2.0 * row.workload.multiply_adds for row in self.rows])

    def seconds(self, name: str) -> np.ndarray:
        """Median seconds per step at each size."""
        return np.array([row.quartiles(name)[1] for row in self.rows])

    def shares(self, name: str, peak: float) -> np.ndarray:
        """FLOP/s as fractions of the peak."""
        return self.flops / self.seconds(name) / peak

    def exponent(self, name: str) -> Power:
        """Of the time, in the last decade of sizes."""
        return fitted(self.sizes, self.seconds(name))

    @property
    def theory(self) -> float:
        """The exponent of the FLOPs, at the same sizes."""
        return fitted(self.sizes, self.flops).exponent

    @property
    def crossing(self) -> float | None:
        """Multiply-adds per matrix product from which torch is as fast as NumPy."""
        works = [row.workload for row in self.rows]
        means = np.array([w.multiply_adds / len(w.products) for w in works])
        return crossing(means, self.seconds("numpy"), self.seconds("torch"))


def scaling(options: Options, sweeps: Mapping[str, Sweep] = SWEEPS) -> Iterator[Scaled]:
    """Measure one sweep after the other.

    Raises:
        Disagreement: two implementations do not compute the same.
    """
    for sweep in sweeps.values():
        rows = [measure(sweep.workload(n), options, COMPARED) for n in sweep.sizes]
        yield Scaled(sweep, rows)


def peaks(options: Options, sizes: tuple[int, ...] = SQUARES) -> dict[str, Peak]:
    """The fastest product of each library."""
    steps = {}
    for n in sizes:
        a, out = np.ones((2, n, n), options.dtype)
        steps["NumPy", n] = lambda a=a, out=out: np.matmul(a, a, out=out)
        b, c = torch.from_numpy(a.copy()), torch.from_numpy(out.copy())
        steps["torch", n] = lambda b=b, c=c: torch.mm(b, b, out=c)
    with options.applied():
        found = interleaved(steps, options.rounds, options.start_clock())
    rates = {key: 2 * key[1] ** 3 / float(s.min()) for key, s in found.items()}
    return {
        library: max(Peak(rates[library, n], n) for n in sizes)
        for library in ("NumPy", "torch")
    }


def main(
    threads: int = 1,
    dtype: str = "float32",
    rounds: int = 5,
    clock: str = "wall",
    write: bool = False,
) -> None:
    """Measure, print, and write the page if asked for."""
    from benchmarks import page, scaling_report

    options, console = Options(threads, dtype, rounds, clock), Console()
    best = peaks(options)
    console.print(scaling_report.peak_words(best), markup=False)
    found: list[Scaled] = []
    for one in scaling(options):
        console.print(scaling_report.table(one, best))
        found.append(one)
    console.print("\n".join(scaling_report.law_words(found)), markup=False)
    if write:
        scaling_report.write(page.DOCS, found, best, options)


if __name__ == "__main__":
    typer.run(main)
