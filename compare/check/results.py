"""What a file and torch return in a test case, and whether that is the same."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.check.definitions import Definition
from compare.testing.reference import Results
from compare.tolerance import difference

TOLERANCE = 1e-12
"""Up to here, relatively, float64 results are equal up to rounding."""
SLIGHT = 1e-9
"""Up to here, relatively, a wrong result may be that of a tiny ε in a formula."""
EPS = float(np.finfo(float).eps)
COUNTS = ("num_batches_tracked",)
"""Buffers that a beginner's version may lack: nothing is computed with them."""


def close(got: np.ndarray, want: np.ndarray, tolerance: float = TOLERANCE) -> bool:
    """Whether two results have one shape and are equal up to the relative tolerance."""
    return got.dtype.kind in "fiub" and difference(got, want).within(tolerance)


def relative(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference, relative to the largest expected entry."""
    is_number = got.dtype.kind in "fiub"
    return difference(got, want).relative if is_number else float("inf")


def wrong_in(
    got: Results, want: Results, tolerance: float = TOLERANCE
) -> tuple[str, ...]:
    """The names of the results that differ by more than rounding."""
    names = (n for n in want if n in got or not n.startswith("buffer "))
    missing = got.keys() == {"output"}  # a value alone is compared alone
    return tuple(
        name
        for name in names
        if not (missing and name not in got)
        and not close(got[name], want[name], tolerance)
    )


class BackwardFailed(Exception):
    """What the backward pass raised, after the forward pass had given an output."""

    def __init__(self, output: np.ndarray, reason: Exception) -> None:
        super().__init__(output, reason)
        self.output, self.reason, self.is_right = output, reason, True


class NoNumbers(TypeError):
    """A result that is no array of numbers."""


@dataclass(frozen=True)
class Answer:
    """What a definition returns in a test case."""

    results: Results
    upstream: np.ndarray | None = None  # ∂L/∂output as it was given; None for a loss
    conventions: tuple[str, ...] = ()  # names of what it does in another way than torch
    mistakes: tuple[str, ...] = ()  # names of those that leave the results right


@dataclass(frozen=True)
class Failure:
    """A test case in which a definition gives wrong results."""

    definition: Definition
    question: Any  # a `Question` or one of its subclasses
    want: Results  # torch's
    answer: Answer  # the file's
    wrong: tuple[str, ...]  # the names of the results that differ

    @property
    def worst(self) -> str:
        """The first wrong result that is off by more than a tiny ε does."""
        far = (n for n in self.wrong if relative(self.got[n], self.want[n]) > SLIGHT)
        return next(far, self.wrong[0])

    @property
    def got(self) -> Results:
        """The file's results."""
        return self.answer.results

    @property
    def x(self) -> np.ndarray:
        """The input by which is differentiated."""
        return self.question.inputs[0]

    @property
    def upstream(self) -> np.ndarray:
        """∂L/∂output; 1 where the output is the loss itself."""
        given = self.answer.upstream
        return np.array(1.0) if given is None else given

    @property
    def is_loss(self) -> bool:
        """Whether a loss is checked."""
        return self.definition.kind == "loss"

    @property
    def only_value(self) -> bool:
        """Whether it is a loss whose value is wrong beside a gradient that is not."""
        has_gradient = len(self.got) > 1
        return self.is_loss and self.wrong == ("output",) and has_gradient


def explained(
    ways: Iterable[tuple[str, Any]],
    failures: list[Failure],
    results_of: Callable[[Any, Failure], Results],
    tolerance: float,
) -> str:
    """The name of the first mistake that gives just these results; "" if none does.

    `ways` are names and ways to make them, `results_of` gives the results of one.
    """
    for name, way in ways:
        with suppress(Exception):  # it cannot be made here
            if not any(
                wrong_in(f.got, results_of(way, f), tolerance) for f in failures
            ):
                return name
    return ""
