"""Whether a file's gradients are the slopes of its own value, measured numerically."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from compare.check.driving import answer
from compare.check.subjects import Subject
from compare.testing.reference import Question, Results

H = 1e-5
ENTRIES = 24
"""Of an array, the slope in so many of its entries is measured at most."""

Value = Callable[[np.ndarray], float]


def belong_together(
    subject: Subject, question: Question, got: Results, upstream: np.ndarray | None
) -> bool | None:
    """Whether each gradient is the slope of the value; None where only kinks are."""
    seen = False
    for name, x, value in _variables(subject, question, upstream):
        if name not in got or got[name].shape != x.shape:
            continue
        places, slopes = _slopes(value, x)
        gradients = np.array([got[name][place] for place in places])
        size = np.max(np.abs([*slopes, *got[name].flat]), initial=0.0)
        if np.any(np.abs(gradients - slopes) > 1e-5 * size + 1e-9):
            return False
        seen |= bool(places)
    return True if seen else None


def _variables(
    subject: Subject, question: Question, upstream: np.ndarray | None
) -> Iterator[tuple[str, np.ndarray, Value]]:
    """Everything to differentiate by, and the file's value as a function of it."""

    def value(asked: Question) -> float:
        output = answer(subject, asked).results["output"]
        return float(np.sum(output if upstream is None else output * upstream))

    x, *others = question.inputs
    if not question.of_index:
        yield (
            "input gradient",
            x,
            lambda z: value(replace(question, inputs=(z, *others))),
        )
    for name, parameter in question.state.items():

        def of_parameter(z: np.ndarray, name: str = name) -> float:
            return value(replace(question, state={**question.state, name: z}))

        yield f"gradient {name}", parameter, of_parameter


def _slopes(value: Value, x: np.ndarray) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """Where the value has a slope, and which."""
    here, found = value(x), {}
    for place in list(np.ndindex(x.shape))[:ENTRIES]:
        right, left = ((value(_moved(x, place, h)) - here) / h for h in (H, -H))
        # To both sides of a kink or a jump the slopes differ.
        if abs(right - left) <= 1e-3 * (abs(right) + abs(left)) + 1e-4:
            found[place] = (right + left) / 2
    return [*found], np.array([*found.values()])


def _moved(x: np.ndarray, place: tuple[int, ...], h: float) -> np.ndarray:
    moved = x.copy()
    moved[place] += h
    return moved
