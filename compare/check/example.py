"""The smallest test case that still fails, as text."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check.adapters import answer
from compare.check.failure import Failure
from compare.check.finding import text, texts
from compare.check.results import EPS, relative, wrong_results
from compare.testing.reference import Question, torchs
from compare.tolerance import largest_at


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
    for question in questions:
        with contextlib.suppress(Exception):
            want, got = torchs(question), answer(failure.definition, question)
            wrong = wrong_results(got.results, want)
            if wrong and wrong[0] == failure.wrong[0]:
                return replace(
                    failure, question=question, want=want, answer=got, wrong=wrong
                )
    return None


def _fewer_rows(question: Question) -> Iterator[Question]:
    x, *others = question.inputs
    paired = bool(others) and others[0].shape == x.shape
    rows = len(x) if x.ndim > 1 or (x.ndim == 1 and paired) else 0
    for n in range(1, rows):
        for first in range(rows - n + 1):
            cut = tuple(a[first : first + n] for a in question.inputs)
            yield replace(question, inputs=cut)


def changed(question: Question, change: Callable[[np.ndarray], np.ndarray]) -> Question:
    """The test case with every array of floating-point numbers in it changed."""

    def new(a: Any) -> Any:
        is_floating = isinstance(a, np.ndarray) and a.dtype.kind == "f"
        return change(a) if is_floating else a

    arrays = {
        name: {k: new(a) for k, a in getattr(question, name).items()}
        for name in ("kwargs", "state", "buffers")
    }
    return replace(question, inputs=tuple(map(new, question.inputs)), **arrays)


def fields(failure: Failure) -> dict[str, Any]:
    """The fields of a finding that show a failure."""
    got, want = failure.got[failure.wrong[0]], failure.want[failure.wrong[0]]
    expected, given = texts(want, got)
    return {
        "case": call_of(failure.question),
        "input": inputs_of(failure.question),
        "expected": expected,
        "got": given,
        "ulp": relative(got, want) / EPS,
    }


def where(failure: Failure) -> str:
    """Which result is wrong, and where in it the difference is largest."""
    name = failure.wrong[0]
    got, want = failure.got[name], failure.want[name]
    if got.shape != want.shape:
        return f"{name} has shape {got.shape} where {want.shape} is expected"
    index = largest_at(got, want)
    return f"{name} at {list(index)}" if index else name


def inputs_of(question: Question) -> str:
    """The inputs and parameters of a test case, as text."""
    names = ("x",) if len(question.inputs) == 1 else ("input", "target")
    parts = [f"{n} = {text(a)}" for n, a in zip(names, question.inputs, strict=False)]
    state = question.state | question.buffers
    return ", ".join([*parts, *(f"{name} = {text(a)}" for name, a in state.items())])


def call_of(question: Question) -> str:
    """A test case as the call that builds it."""
    args = [*map(repr, question.args)]
    for key, value in question.kwargs.items():
        shown = text(value) if isinstance(value, np.ndarray) else repr(value)
        args.append(f"{key}={shown}")
    mode = "" if question.training else " in evaluation mode"
    return f"{question.name}({', '.join(args)}){mode}"
