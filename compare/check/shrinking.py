"""The same failure, made small enough to be read."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from compare.check.driving import answer
from compare.check.failures import Failure
from compare.check.findings import wrong_results
from compare.check.subjects import Subject
from compare.testing.reference import Question, torchs


def shrunk(subject: Subject, failure: Failure) -> Failure:
    """The same failure on fewer rows and rounder numbers, as far as it still fails."""
    for question in _smaller(failure.question):
        try:
            want, got = torchs(question), answer(subject, question)
            wrong = wrong_results(got.results, want)
        except Exception:
            continue
        if wrong and wrong[0] == failure.wrong[0]:
            failure = replace(
                failure, question=question, want=want, answer=got, wrong=wrong
            )
            break
    for digits in (0, 1):
        question = _rounder(failure.question, digits)
        with contextlib.suppress(Exception):
            want, got = torchs(question), answer(subject, question)
            wrong = wrong_results(got.results, want)
            if wrong and wrong[0] == failure.wrong[0]:
                return replace(
                    failure, question=question, want=want, answer=got, wrong=wrong
                )
    return failure


def _smaller(question: Question) -> Iterator[Question]:
    x, *others = question.inputs
    paired = bool(others) and others[0].shape == x.shape
    rows = len(x) if x.ndim > 1 or (x.ndim == 1 and paired) else 0
    for n in range(1, rows):
        for first in range(rows):
            if first + n <= rows:
                cut = tuple(a[first : first + n] for a in question.inputs)
                yield replace(question, inputs=cut)


def _rounder(question: Question, digits: int) -> Question:
    def rounder(a: np.ndarray) -> np.ndarray:
        return np.round(a, digits) + 0.0 if a.dtype.kind == "f" else a

    inputs = tuple(rounder(a) for a in question.inputs)
    state = {name: rounder(a) for name, a in question.state.items()}
    return replace(question, inputs=inputs, state=state)
