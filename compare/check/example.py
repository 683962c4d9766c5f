"""The smallest ordinary test case that still fails."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check.calling import answer
from compare.check.mistakes import is_extreme
from compare.check.results import Failure, wrong_in
from compare.testing.reference import Question, torchs


def smallest(failures: list[Failure]) -> Failure:
    """The failure with the fewest numbers, on fewer rows and rounder numbers yet.

    Ordinary inputs come first: no empty batch, no ±1e4, no probability of 0 or 1.
    """

    def unusual(f: Failure) -> tuple[bool, bool, int]:
        return is_extreme(f.question), bool(f.question.note), f.x.size

    failure = min(failures, key=unusual)
    failure = _first(failure, _fewer_rows(failure.question)) or failure
    rounded = (_rounded(failure.question, digits) for digits in (0, 1))
    return _first(failure, rounded) or failure


def _first(failure: Failure, questions: Iterator[Question]) -> Failure | None:
    """The first of these test cases in which the same result is wrong."""
    definition = failure.definition
    for question in questions:
        with contextlib.suppress(Exception):
            want, got = torchs(question), answer(definition, question)
            new = Failure(definition, question, want, got, wrong_in(got.results, want))
            if new.wrong and new.worst == failure.worst and _is_as_usual(new, failure):
                return new
    return None


def _is_as_usual(new: Failure, old: Failure) -> bool:
    """Whether a smaller test case is not more extreme, nor its results."""
    name = old.worst
    if is_extreme(new.question) > is_extreme(old.question):
        return False
    return bool(
        np.isfinite(new.got[name]).all() or not np.isfinite(old.got[name]).all()
    )


def _fewer_rows(question: Question) -> Iterator[Question]:
    x, *others = question.inputs
    paired = bool(others) and others[0].shape == x.shape
    rows = len(x) if x.ndim > 1 or (x.ndim == 1 and paired) else 0
    for n in range(1, rows):
        for first in range(rows - n + 1):
            cut = slice(first, first + n)
            inputs = tuple(a[cut] for a in question.inputs)
            further = {name: a[cut] for name, a in question.further.items()}
            yield replace(question, inputs=inputs, further=further)


def _rounded(question: Question, digits: int) -> Question:
    """The test case in round numbers, but for probabilities that add to 1."""
    new = changed(question, lambda a: np.round(a, digits) + 0.0)
    _, *others = question.inputs
    if others and others[0].ndim == 2 and np.allclose(others[0].sum(axis=1), 1):
        return replace(new, inputs=(new.inputs[0], *others))
    return new


def changed(question: Question, change: Callable[[np.ndarray], np.ndarray]) -> Question:
    """The test case with every array of floating-point numbers in it changed."""

    def new(a: Any) -> Any:
        is_floating = isinstance(a, np.ndarray) and a.dtype.kind == "f"
        return change(a) if is_floating else a

    arrays = {
        name: {k: new(a) for k, a in getattr(question, name).items()}
        for name in ("kwargs", "further", "state", "buffers")
    }
    return replace(question, inputs=tuple(map(new, question.inputs)), **arrays)
