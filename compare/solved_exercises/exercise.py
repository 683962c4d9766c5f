"""An exercise of the course: its working on paper, and the same by both libraries."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from compare.solved_exercises.paper import PYTHON
from compare.verdict import Verdict, classify, worst

TOLERANCE = 1e-15
"""Relative: two orders of so few operations differ by no more."""
TYPED_TOLERANCE = 0.01
"""Relative, of an answer that somebody types: two digits are enough."""
EPS = float(np.finfo(float).eps)
WIDTH = 64
"""Of a line on paper."""
Solve = Callable[[Any, Callable[[Any], Any]], Any]
"""Solves it with a library (`handmade` or `torch_ref`) and what makes its arrays."""


@dataclass(frozen=True)
class Answer:
    """The three answers, as text, and whether they agree."""

    by_hand: str
    handmade: str
    torch_ref: str
    verdict: Verdict


@dataclass(frozen=True)
class Exercise:
    """One exercise of the course.

    Args:
        id: of the part of the course.
        heading: the German heading of the slide.
        given: the numbers, in symbols.
        asked: what is to be computed.
        working: on paper: the numbers put into the formula.
        by_hand: the closed form, evaluated.
        result: the same as one writes it on paper, such as 1½; four digits if empty.
    """

    id: str
    heading: str
    given: str
    asked: str
    working: str
    by_hand: Any
    solve: Solve
    result: str = ""

    @property
    def question(self) -> str:
        """What is given, and what is asked."""
        return f"{self.given}: {self.asked}"

    @property
    def paper(self) -> np.ndarray:
        """The answer on paper, as numbers."""
        return np.asarray(self.by_hand, dtype=float)

    def answer(self) -> Answer:
        """Solve it all three ways."""
        paper, tensor = self.paper, partial(torch.tensor, dtype=torch.float64)
        ours = to_numpy(self.solve(handmade, partial(np.array, dtype=float)))
        theirs = to_numpy(self.solve(torch_ref, tensor))
        pairs = ((ours, paper), (theirs, paper), (ours, theirs))
        verdicts = [classify(a, b, tolerance=TOLERANCE, eps=EPS) for a, b in pairs]
        return Answer(self._worked(), text(ours), text(theirs), worst(verdicts))

    def _worked(self) -> str:
        """The working and its result, which starts a line where one is too short."""
        result = self.result or text(self.paper)
        long = "\n" in result or len(f"{self.working} = {result}") > WIDTH
        return f"{self.working}{' =' + chr(10) if long else ' = '}{result}"

    def judge(self, typed: str) -> Verdict:
        """Whether a typed answer is right: numbers, fractions, or lists of them.

        Raises:
            ValueError: it holds no numbers, or not as many as are asked for.
        """
        got, paper = _numbers(typed, decimal_comma=self.paper.ndim == 0), self.paper
        if len(got) != paper.size:
            raise ValueError(f"expected {paper.size} number(s), got {len(got)}")
        array = np.reshape(got, paper.shape)
        if np.any((array == np.round(array)) & (paper != np.round(paper))):
            return Verdict("mistake", "no whole number, even if it is close to one")
        return classify(array, paper, tolerance=TYPED_TOLERANCE, eps=EPS)


def text(values: np.ndarray) -> str:
    """Four digits, a line a row; what is almost whole has seven decimals, cut off."""
    if values.ndim:
        rows = map(text, values)
        return "\n".join(rows) if values.ndim > 1 else f"[{', '.join(rows)}]"
    shown, size = f"{values:.4g}", float(values)
    if float(shown).is_integer() and abs(size - float(shown)) > 1e-12:
        shown = f"{math.trunc(size * 1e7) / 1e7:.7f}"
    return shown.replace("-", "−")


def _numbers(typed: str, decimal_comma: bool) -> list[float]:
    plain = "".join(PYTHON.get(sign, sign) for sign in typed)
    if decimal_comma:
        plain = plain.replace(",", ".")
    try:
        return [
            float(Fraction(word)) for word in re.split(r"[\s,;\[\]()]+", plain) if word
        ]
    except (ValueError, ZeroDivisionError):
        raise ValueError(
            f"expected numbers such as −0.5 or 1/2, got {typed!r}"
        ) from None
