"""How far apart the free paths of both sides lie after each step of a stretch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from compare.judging import FLOOR, Scales, all_apart
from compare.notes import Notes
from compare.tensors import Found, Tensors

WATCH = 1 / 16
"""The share of what one step may differ by that both free paths may lie apart without
a re-synced step. What a step adds shows on the free clock, unless what was there before
undoes it: there was at most this share, and training does not multiply it by 15."""
GRADIENT, PARAMETER = "gradient ", "parameter "


@dataclass(frozen=True)
class Run:
    """Steps of a stretch, one after the other, that left the same tensors.

    Args:
        first: the place of the first of them in the stretch.
        names: of the tensors that both sides have.
        gaps: max |got − want| (step, tensor).
        sizes: max |want| (step, tensor).
        alike: whether neither side has a tensor that the other lacks.
    """

    first: int
    names: list[str]
    gaps: np.ndarray
    sizes: np.ndarray
    alike: bool = True

    def __len__(self) -> int:
        """How many steps there are."""
        return len(self.gaps)

    def after(self, steps: int) -> "Run":
        """The same without so many of its first steps."""
        left = self.gaps[steps:], self.sizes[steps:]
        return Run(self.first + steps, self.names, *left, self.alike)

    def of(self, kind: str) -> tuple[list[str], list[int]]:
        """What the learner calls the tensors of a kind, and where they stand."""
        places = [i for i, name in enumerate(self.names) if name.startswith(kind)]
        return [self.names[i].removeprefix(kind) for i in places], places


class Against:
    """A run, its gaps measured against the scales that its own steps widen.

    Args:
        run: the steps.
        scales: as they are before the first of them.
        bound: up to here one step's difference is rounding.
        eps: the distance from 1 to the next number.
    """

    def __init__(self, run: Run, scales: Scales, bound: float, eps: float) -> None:
        self._scales, self._names = scales, run.names
        start = scales.of(run.names)
        with np.errstate(all="ignore"):
            self._largest = np.maximum.accumulate(np.maximum(run.sizes, start), axis=0)
            differences = run.gaps / self._largest
            least = np.maximum(bound * run.sizes, FLOOR * eps * self._largest)
            self.near = np.all(run.gaps <= WATCH * least, axis=1)
            self.finite = np.isfinite(run.gaps.sum(axis=1))
        (self._gradients, there), (self._parameters, here) = (
            run.of(GRADIENT),
            run.of(PARAMETER),
        )
        self.free = differences[:, there + here].max(axis=1, initial=0.0).tolist()
        self._found = differences[:, there].tolist(), differences[:, here].tolist()

    def differences(self, step: int) -> tuple[dict[str, float], dict[str, float]]:
        """Those of the gradients, and those of the parameters, by name."""
        gradients, parameters = self._found
        return (
            dict(zip(self._gradients, gradients[step], strict=True)),
            dict(zip(self._parameters, parameters[step], strict=True)),
        )

    def widen(self, step: int) -> None:
        """Let the scales be what they are after a step."""
        sizes = self._largest[step].tolist()
        self._scales.largest.update(zip(self._names, sizes, strict=True))


def runs(ours: Notes, theirs: Notes) -> Iterator[Run]:
    """The stretch that both sides have walked, in parts of the same tensors."""
    got, want = ours.rows, theirs.rows
    count, first = min(len(got), len(want)), 0
    while first < count:
        last = first + 1
        if got[first].layout == want[first].layout:
            while last < count and (got[last], want[last]) == (got[first], want[first]):
                last += 1
            with np.errstate(all="ignore"):
                found = got[first].apart(want[first], first, last)
            yield Run(first, got[first].names, *found)
        else:
            yield _unlike(first, *both(ours.left(first), theirs.left(first)))
        first = last


def _unlike(place: int, got: Tensors, want: Tensors) -> Run:
    """A step after which the tensors of both sides are not laid out alike."""
    found = all_apart(got, want)
    gaps = np.array([[a.gap for a in found.values()]])
    sizes = np.array([[a.size for a in found.values()]])
    return Run(place, list(found), gaps, sizes, got.keys() == want.keys())


def both(got: Found, want: Found) -> tuple[Tensors, Tensors]:
    """The tensors of two learners, and beside them what both of them remember.

    Args:
        got: the tensors of one, and what it remembers.
        want: those of the other.
    """
    (ours, mine), (theirs, other) = got, want
    return (
        ours | {name: mine[name] for name in mine if name in other},
        theirs | {name: other[name] for name in other if name in mine},
    )
