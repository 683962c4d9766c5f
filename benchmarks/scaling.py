"""How the time of a step grows with the width, the depth and the batch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from compare.bench import COLUMNS, How, Row, measured
from compare.bench.options import held
from compare.bench.law import Power, fitted, overtaken
from compare.bench.sweeps import SWEEPS, Sweep
from compare.bench.timing import interleaved

SHOWN = {name: COLUMNS[name] for name in ("numpy", "torch", "torch_ref")}
"""Who is measured."""
SQUARES = (256, 512, 1024, 2048)
"""Sides of the square matrices whose fastest product is the peak."""


class Peak(NamedTuple):
    """The fastest product of square matrices.

    Args:
        rate: FLOP a second.
        side: of the matrices.
    """

    rate: float
    side: int


@dataclass(frozen=True)
class Scaled:
    """What was measured of one sweep.

    Args:
        sweep: which.
        rows: of its works, from the smallest.
    """

    sweep: Sweep
    rows: list[Row]

    @property
    def sizes(self) -> np.ndarray:
        """What grows."""
        return np.array(self.sweep.sizes, float)

    @property
    def flops(self) -> np.ndarray:
        """2 · (3 · N · Σ in · out − N · in₀ · out₀) of each work."""
        return np.array([2.0 * row.work.multiply_adds for row in self.rows])

    def seconds(self, column: str) -> np.ndarray:
        """Median seconds of a step at each size."""
        return np.array([row.quartiles(column)[1] for row in self.rows])

    def shares(self, column: str, peak: float) -> np.ndarray:
        """FLOP a second as parts of the peak."""
        return self.flops / self.seconds(column) / peak

    def exponent(self, column: str) -> Power:
        """Of time against what grows, in its last decade."""
        return fitted(self.sizes, self.seconds(column))

    @property
    def theory(self) -> float:
        """The exponent of the FLOPs, at the same sizes."""
        return fitted(self.sizes, self.flops).exponent

    @property
    def overtaken(self) -> float | None:
        """Multiply-adds a mean product from which torch arrays keep up with NumPy."""
        amounts = np.array([row.work.mean_product for row in self.rows])
        return overtaken(amounts, self.seconds("numpy"), self.seconds("torch"))


def scaling(how: How, sweeps: Mapping[str, Sweep] = SWEEPS) -> Iterator[Scaled]:
    """Measure sweep after sweep.

    Raises:
        Disagreement: two contestants do not compute the same.
    """
    for sweep in sweeps.values():
        with held(how):
            rows = [measured(sweep.work(n), how, SHOWN) for n in sweep.sizes]
        yield Scaled(sweep, rows)


def peaks(how: How, sides: tuple[int, ...] = SQUARES) -> dict[str, Peak]:
    """The best that each library does, on square matrices."""
    steps = {}
    for side in sides:
        left, out = np.ones((2, side, side), how.dtype)
        steps["NumPy", side] = lambda a=left, o=out: np.matmul(a, a, out=o)
        a, o = torch.from_numpy(left.copy()), torch.from_numpy(out.copy())
        steps["torch", side] = lambda a=a, o=o: torch.mm(a, a, out=o)
    with held(how):
        found = interleaved(steps, how.rounds, how.started())
    rates = {key: 2 * key[1] ** 3 / float(s.min()) for key, s in found.items()}
    return {
        library: max(Peak(rates[library, side], side) for side in sides)
        for library in ("NumPy", "torch")
    }


def best(found: Mapping[str, Peak]) -> float:
    """The peak that shares are parts of: the better library's."""
    return max(peak.rate for peak in found.values())
