"""The examples of a table: standardised, and parted at random."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from compare.experiment import Data
from compare.tables.columns import Target

HELD_OUT = 0.2
"""The share of rows that is never trained on."""
FLAT = 1e-12
"""A column whose deviation is this small a part of its size is constant."""


@dataclass(frozen=True)
class Scale:
    """The mean and the deviation of columns, both in units of the largest entry."""

    size: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Scale":
        """Those of `values` (n, …); a constant column is only shifted."""
        size = np.abs(values).max(axis=0)
        size = np.where(size == 0, 1.0, size)
        small = values / size  # whose squares neither overflow nor vanish
        deviation = small.std(axis=0)
        flat = deviation <= FLAT
        return cls(size, small.mean(axis=0), np.where(flat, 1.0, deviation))

    @property
    def unit(self) -> np.ndarray:
        """The deviation in units of the file."""
        return self.deviation * self.size

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values with mean 0 and deviation 1, where they are the ones it is of."""
        return (values / self.size - self.mean) / self.deviation

    def back(self, values: np.ndarray) -> np.ndarray:
        """What `values` were before they were standardised."""
        return (values * self.deviation + self.mean) * self.size


@dataclass(frozen=True)
class Rows:
    """The examples of a table before they are drawn: inputs (n, i) and the target."""

    names: list[str]
    x: np.ndarray
    target: Target

    @property
    def wanted(self) -> np.ndarray:
        """Class indices (n,) or standardised numbers (n, 1)."""
        if self.target.classes:
            return self.target.values
        return self.scale(self.target.values)[:, None]

    @property
    def scale(self) -> Scale:
        """Of the numbers that are to be learned."""
        return Scale.of(self.target.values)

    @property
    def held_out(self) -> int:
        """How many rows are never trained on: of each class at least one."""
        share = int(np.ceil(HELD_OUT * len(self.x)))
        return max(share, len(self.target.classes))

    def draw(self, rng: np.random.Generator) -> Data:
        """Split at random, by the shares of the classes.

        The mean and deviation of the training part standardise both.
        """
        split: Any = train_test_split(
            self.x,
            self.wanted,
            test_size=self.held_out,
            random_state=int(rng.integers(2**31)),
            stratify=self.target.values if self.target.classes else None,
        )
        x, x_test, wanted, wanted_test = split
        scale = Scale.of(x)
        return Data(
            x=scale(x), target=wanted, x_test=scale(x_test), target_test=wanted_test
        )
