"""D6: one linear neuron learns OR, one row after another."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from compare.solved_exercises.exercise import Exercise, Solve
from compare.solved_exercises.paper import paper, substituted

OR_ROWS = (((1, 1), 1), ((1, 0), 1), ((0, 1), 1), ((0, 0), 0))
LR = Fraction(1, 4)


def perceptron() -> Iterator[Exercise]:
    """All in fractions, from w = [½, ½, ½]: w ← w − ¼ ∂(ŷ − y)²/∂w."""
    heading, w = "Aufgaben Perceptron: w ← w − ¼ ∂(ŷ − y)²/∂w", [Fraction(1, 2)] * 3
    for row, (x, y) in enumerate(OR_ROWS):
        given, inputs = f"x = {paper([*x])}, y = {y}, w = {paper(w)}", [1, *x]
        output = sum(a * b for a, b in zip(w, inputs, strict=True))
        error = output - y
        gradient = [2 * error * value for value in inputs]
        old, w = w, [a - LR * g for a, g in zip(w, gradient, strict=True)]
        difference = f"{paper(output)} − {y}"
        for asked, working, value in (
            ("output ŷ = w₀ + w₁x₁ + w₂x₂", substituted(old, [*x]), output),
            ("error (ŷ − y)²", f"({difference})²", error**2),
            (
                "gradient 2(ŷ − y)·[1, x₁, x₂]",
                f"2·({difference})·{paper(inputs)}",
                gradient,
            ),
            ("new weights w − ¼·gradient", f"{paper(old)} − ¼·{paper(gradient)}", w),
        ):
            by_hand = np.asarray(value, dtype=float)
            question = ("D6", heading, given, asked, working, by_hand)
            yield Exercise(*question, _after(row, asked.split()[0]), paper(value))
    sums = [w[0] + w[1] * a + w[2] * b for (a, b), _ in OR_ROWS]
    yield Exercise(
        *("D6", heading, f"w = {paper(w)}", "output > ½ for each of the four rows"),
        f"{paper(sums)} > ½",
        [1, 1, 1, 0],
        _after_all,
        "[1, 1, 1, 0], that is OR",
    )


def _learned(library: Any, array: Callable[[Any], Any], steps: int) -> Any:
    """The neuron after so many rows."""
    sgd = partial(library.optim.SGD, lr=float(LR))
    make = library.training.GradientLearner
    learner = make(library.nn.Linear(2, 1), library.nn.MSELoss(), sgd).to(array([0]))
    state = {"weight": array([[0.5, 0.5]]), "bias": array([0.5])}
    learner.model.load_state_dict(state)
    for x, y in OR_ROWS[:steps]:
        learner.step(array([x]), array([[y]]))
    return learner


def _after(row: int, asked: str) -> Solve:
    """What a row gives: its output, error, gradient or new weights."""

    def solve(library: Any, array: Callable[[Any], Any]) -> Any:
        (x, y), learner = OR_ROWS[row], _learned(library, array, row)
        if asked == "output":
            return learner.predict(array([x]))[0, 0]
        error = learner.step(array([x]), array([[y]]))
        if asked == "error":
            return array(error)
        found = learner.gradients() if asked == "gradient" else learner.parameters()
        weight = [float(a) for a in found["weight"][0]]
        return array([float(found["bias"][0]), *weight])

    return solve


def _after_all(library: Any, array: Callable[[Any], Any]) -> Any:
    """Which of the four rows give more than ½ at the end."""
    outputs = _learned(library, array, 4).predict(array([x for x, _ in OR_ROWS]))
    return array(library.metrics.threshold(outputs)[:, 0].tolist())
