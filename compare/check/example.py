"""The smallest test case that still fails."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check.adapters import answer
from compare.check.results import Failure, wrong_in
from compare.testing.reference import Question, torchs


def smallest(failures: list[Failure]) -> Failure:
    """The failure with the fewest numbers, on fewer rows and rounder numbers yet."""
    failure = min(failures, key=lambda f: (not f.x.size, f.x.size))
    failure = _first(failure, _fewer_rows(failure.question)) or failure
    rounded = (
        changed(failure.question, lambda a, n=digits: np.round(a, n) + 0.0)
        for digits in (0, 1)
    )
    return _first(failure, rounded) or failure


def _first(failure: Failure, questions: Iterator[Question]) -> Failure | None:
    """The first of these test cases in which the same result is wrong."""
    definition = failure.definition
    for question in questions:
        with contextlib.suppress(Exception):
            want, got = torchs(question), answer(definition, question)
            wrong = wrong_in(got.results, want)
            if wrong and wrong[0] == failure.wrong[0]:
                return Failure(definition, question, want, got, wrong)
    return None


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
