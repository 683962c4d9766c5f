"""Every exercise of the course, solved on paper, with `handmade` and in PyTorch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, groupby
from math import cos, e, exp, tanh
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from compare.verdict import Verdict, classify, worst

TOLERANCE = 1e-15
"""Relative: two orders of so few operations differ by no more."""
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
        id: the part of the course and the letter on the slide.
        heading: the German heading of the slide.
        by_hand: the closed form, evaluated.
    """

    id: str
    heading: str
    question: str
    by_hand: Any
    solve: Solve

    def answer(self) -> Answer:
        """Solve it all three ways."""
        paper = np.asarray(self.by_hand, dtype=float)
        tensor = partial(torch.tensor, dtype=torch.float64)
        ours = to_numpy(self.solve(handmade, partial(np.array, dtype=float)))
        theirs = to_numpy(self.solve(torch_ref, tensor))
        eps = float(np.finfo(float).eps)
        pairs = ((ours, paper), (theirs, paper), (ours, theirs))
        verdicts = [classify(a, b, tolerance=TOLERANCE, eps=eps) for a, b in pairs]
        return Answer(_text(paper), _text(ours), _text(theirs), worst(verdicts))


def by_heading() -> dict[str, list[Exercise]]:
    """All exercises in the order of the course, under their slides' headings."""
    return {h: list(group) for h, group in groupby(EXERCISES, lambda x: x.heading)}


def _text(values: np.ndarray) -> str:
    """Four digits, one line a row."""
    if values.ndim == 2:
        return "\n".join(map(_text, values))
    return f"[{', '.join(map(_text, values))}]" if values.ndim else f"{values:.4g}"


# B: a neuron y = g(w₀ + Σ wᵢxᵢ).

H = 0.5
ON_PAPER: dict[str, Callable[[float], float]] = {
    "Identity": float,
    "ReLU": lambda total: max(0, total),
    "Tanh": tanh,
    "Sigmoid": lambda total: 1 / (1 + exp(-total)),
}
LINEAR = (  # letter, question, x, weights, sum on paper
    ("a", "x = [½, ½], w₀ = ½, w = [½, ½]", [H, H], [H, H, H], H + 0.25 + 0.25),
    ("b", "x = [1, 2], weights = [1, 2, 3]", [1, 2], [1, 2, 3], 1 + 2 + 6),
)
RELU = (
    ("c", "x = [−½, ½], weights = [½, −½, −½]", [-H, H], [H, -H, -H], H + 0.25 - 0.25),
    ("d", "x = [1, 2], weights = [−1, −2, −3]", [1, 2], [-1, -2, -3], -1 - 2 - 6),
)
SIGMOIDAL = (
    ("e", "x = [1, 1], weights = [0, 0, 0]", [1, 1], [0, 0, 0], 0),
    ("f", "x = [0, 0], weights = [½, ½, ½]", [0, 0], [H, H, H], H),
    ("g", "x = [½, ½], weights = [½, ½, ½]", [H, H], [H, H, H], H + 0.25 + 0.25),
    ("h", "x = [1, 2], weights = [1, 2, 3]", [1, 2], [1, 2, 3], 1 + 2 + 6),
)
INPUTS = [[1, *x] for _, _, x, _, _ in SIGMOIDAL]
WEIGHTS = [weights for _, _, _, weights, _ in SIGMOIDAL]
AT_ONES = [0, 1.5, 1.5, 6]
"""W·x at x = [1, 1], with x₀ = 1: each row's sum."""
ALL_SUMS = [[0, 0, 0, 0], [1.5, H, 1, 2], [1.5, H, 1, 2], [6, 1, 3.5, 9]]
"""W·Xᵀ: row i is weight row i at the four inputs."""


def _neurons() -> Iterator[Exercise]:
    heading = "Aufgaben: Aktivierung — "
    for title, name, rows in (
        ("Linear y = Σ wᵢxᵢ + w₀", "Identity", LINEAR),
        ("ReLU y = max(0, Σ wᵢxᵢ)", "ReLU", RELU),
        ("tanh y = tanh(Σ wᵢxᵢ)", "Tanh", SIGMOIDAL),
        ("Sigmoid statt tanh", "Sigmoid", SIGMOIDAL),
    ):
        for letter, question, x, weights, total in rows:
            on_paper, solve = ON_PAPER[name](total), _neuron(name, x, weights)
            yield Exercise(f"B {letter}", heading + title, question, on_paper, solve)


def _layers() -> Iterator[Exercise]:
    """Several neurons in one operation."""
    heading = "Mehrere Aktivierungen in EINER Operation — y = "
    vector = f"{heading}g(W·x), x₀ = 1", "x = [1, 1], W = the weights of e to h"
    matrix = (
        f"{heading}g(W·Xᵀ), Diagonale = e bis h",
        "W·Xᵀ of the inputs and weights of e to h",
    )
    for name in ("Tanh", "Sigmoid"):
        on_paper = [ON_PAPER[name](total) for total in AT_ONES]
        solve = _neuron(name, [1, 1], WEIGHTS)
        yield Exercise(f"B W·x, {name.lower()}", *vector, on_paper, solve)
    for name in ("Tanh", "Sigmoid"):
        on_paper = [[ON_PAPER[name](total) for total in row] for row in ALL_SUMS]
        yield Exercise(f"B W·Xᵀ, {name.lower()}", *matrix, on_paper, _matrix(name))


def _neuron(name: str, x: Any, weights: Any) -> Solve:
    return lambda library, array: getattr(library.nn, name)()(
        library.perceptron.weighted_sum(array(x), array(weights))
    )


def _matrix(name: str) -> Solve:
    """g(W Xᵀ), each row of X starting with x₀ = 1."""
    return lambda library, array: getattr(library.nn, name)()(
        array(WEIGHTS) @ array(INPUTS).T
    )


# C: the gradient of a function at a point.

HOMEWORK = (  # formula, gradient on paper, surface
    ("∇(x² + y²) = [2x, 2y]", [4, -2], "SumOfSquares"),
    ("∇(x³ + y³) = [3x², 3y²]", [12, 3], "SumOfCubes"),
    ("∇(1/(x² + y²)) = [−2x, −2y]/(x² + y²)²", [-4 / 25, 2 / 25], "InverseSquare"),
    ("∇(x² − 2xy + y²) = [2x − 2y, 2y − 2x]", [6, -6], "SquaredDifference"),
    ("∇(sin x + eʸ) = [cos x, eʸ]", [cos(2), 1 / e], "SinePlusExponential"),
)
WORKED = (
    ("∇(x₁x₂) = [x₂, x₁]", [5, 3], "Product"),
    ("∇(x₁ + 2x₂) = [1, 2]", [1, 2], "Plane"),
    ("∇(2x₁x₂²) = [2x₂², 4x₁x₂]", [50, 60], "ProductWithSquare"),
)


def _gradients() -> Iterator[Exercise]:
    number = count(1)
    for heading, point, rows in (
        ("Aufgaben: Gradienten", (2, -1), HOMEWORK),
        ("Gradienten: Beispiele der Folien", (3, 5), WORKED),
    ):
        for formula, on_paper, name in rows:
            question = f"{formula}, at {point}".replace("-", "−")
            solve = _gradient(name, point)
            yield Exercise(f"C {next(number)}", heading, question, on_paper, solve)


def _gradient(surface: str, point: tuple[float, ...]) -> Solve:
    return lambda library, array: getattr(library.surfaces, surface)().gradient(
        array(point)
    )


EXERCISES = [*_neurons(), *_layers(), *_gradients()]
