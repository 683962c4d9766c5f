"""A question that was answered wrongly, and how near an answer counts as this one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from compare.check.driving import Answer
from compare.testing.reference import Question, Results


@dataclass(frozen=True)
class Failure:
    """A question that was answered wrongly.

    Args:
        question: what was asked.
        want: torch's answer.
        answer: the one that was given.
        wrong: the names of the results that differ.
        kind: of the subject: "layer", "loss", ….
        belong: asks whether the gradients that were given are the slopes of the value
            that was given, whichever of them is wrong; None where that is not known.
    """

    question: Question
    want: Results
    answer: Answer
    wrong: tuple[str, ...]
    kind: str
    belong: Callable[[], bool | None] = lambda: None


def close(got: np.ndarray, want: np.ndarray, rtol: float = 1e-9) -> bool:
    """Whether two results are the same for a diagnosis: shape, and 9 digits."""
    if got.shape != want.shape or not np.all(np.isfinite(got)):
        return False
    size = float(np.max(np.abs(want), initial=0.0))
    return bool(np.max(np.abs(got - want), initial=0.0) <= rtol * (size or 1.0))
