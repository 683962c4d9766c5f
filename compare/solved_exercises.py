"""Every exercise of the course: by hand in closed form, with `handmade`, in PyTorch."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from math import cos, e, exp, tanh
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from compare.verdict import Verdict, classify, worst

TOLERANCE = 1e-15
"""Up to here, relatively, two orders of so few operations may differ."""
H = 0.5


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
        question: what is asked.
        by_hand: the closed form: what comes out when it is worked on paper.
        work: the same with a library (`handmade` or `torch_ref`), whose arrays `give`
            makes.
    """

    id: str
    heading: str
    question: str
    by_hand: Any
    work: Callable[[Any, Callable[[Any], Any]], Any]

    def answer(self) -> Answer:
        """Work it three times."""
        want = np.asarray(self.by_hand, dtype=float)
        ours = to_numpy(self.work(handmade, lambda a: np.asarray(a, dtype=float)))
        theirs = to_numpy(self.work(torch_ref, _tensor))
        eps = float(np.finfo(float).eps)
        pairs = ((ours, want), (theirs, want), (ours, theirs))
        verdicts = [classify(a, b, tolerance=TOLERANCE, eps=eps) for a, b in pairs]
        return Answer(_text(want), _text(ours), _text(theirs), worst(verdicts))


def by_heading() -> dict[str, list[Exercise]]:
    """All exercises in the order of the course, under their slides' headings."""
    return {h: list(group) for h, group in groupby(EXERCISES, lambda x: x.heading)}


def _tensor(values: Any) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _text(values: np.ndarray) -> str:
    """Four digits, one line a row."""
    if values.ndim == 2:
        return "\n".join(_text(row) for row in values)
    if values.ndim == 1:
        return f"[{', '.join(_text(number) for number in values)}]"
    return f"{float(values):.4g}"


def sigmoid(x: float) -> float:
    """1 / (1 + e⁻ˣ)."""
    return 1 / (1 + exp(-x))


def _activation(name: str, x: Any, weights: Any) -> Callable[[Any, Any], Any]:
    """g(Σ wᵢxᵢ) with x₀ = 1; for linear, g is left out."""

    def work(library: Any, give: Any) -> Any:
        g = getattr(library.nn, name)()
        return g(library.perceptron.weighted_sum(give(x), give(weights)))

    return work


def _stacked(name: str, weights: Any, inputs: Any) -> Callable[[Any, Any], Any]:
    """g(W Xᵀ), each row of X starting with x₀ = 1: several activations at once."""

    def work(library: Any, give: Any) -> Any:
        return getattr(library.nn, name)()(give(weights) @ give(inputs).T)

    return work


def _gradient(surface: str, point: list[float]) -> Callable[[Any, Any], Any]:
    """∇f at a point."""
    return lambda library, give: getattr(library.surfaces, surface)().gradient(
        give(point)
    )


LINEAR = "Aufgaben: Aktivierung — Linear y = Σ wᵢxᵢ + w₀"
RELU = "Aufgaben: Aktivierung — ReLU y = max(0, Σ wᵢxᵢ)"
TANH = "Aufgaben: Aktivierung — tanh y = tanh(Σ wᵢxᵢ)"
SIGMOID = "Aufgaben: Aktivierung — Sigmoid statt tanh"
AT_ONCE = "Mehrere Aktivierungen in EINER Operation — y = g(W·x), x₀ = 1"
DIAGONAL = "Mehrere Aktivierungen in EINER Operation — y = g(W·Xᵀ), Diagonale = e bis h"
GRADIENTS = "Aufgaben: Gradienten"
WORKED = "Gradienten: Beispiele der Folien"

# Exercises e to h: inputs with x₀ = 1 in front, and weights.
X_ROWS = [[1, 1, 1], [1, 0, 0], [1, H, H], [1, 1, 2]]
W_ROWS = [[0, 0, 0], [H, H, H], [H, H, H], [1, 2, 3]]
SUMS = [0, H, 1, 9]
"""Σ wᵢxᵢ of e to h on paper: 0 · ½ · ½ + ¼ + ¼ · 1 + 2 + 6."""
AT_ONES = [0, 1.5, 1.5, 6]
"""W·x at x = [1, 1], with x₀ = 1: each row's sum."""
ALL_SUMS = [[0, 0, 0, 0], [1.5, H, 1, 2], [1.5, H, 1, 2], [6, 1, 3.5, 9]]
"""W·Xᵀ: row i is weight row i at the four inputs."""

_LETTERS = list(zip("efgh", X_ROWS, W_ROWS, SUMS, strict=True))

EXERCISES = [
    Exercise(
        "B a",
        LINEAR,
        "x = [½, ½], w₀ = ½, w = [½, ½]",
        H + H * H + H * H,
        _activation("Identity", [H, H], [H, H, H]),
    ),
    Exercise(
        "B b",
        LINEAR,
        "x = [1, 2], weights = [1, 2, 3]",
        1 + 2 * 1 + 3 * 2,
        _activation("Identity", [1, 2], [1, 2, 3]),
    ),
    Exercise(
        "B c",
        RELU,
        "x = [−½, ½], weights = [½, −½, −½]",
        max(0, H + H * H - H * H),
        _activation("ReLU", [-H, H], [H, -H, -H]),
    ),
    Exercise(
        "B d",
        RELU,
        "x = [1, 2], weights = [−1, −2, −3]",
        max(0, -1 - 2 * 1 - 3 * 2),
        _activation("ReLU", [1, 2], [-1, -2, -3]),
    ),
    *(
        Exercise(
            f"B {letter}",
            heading,
            f"x = {x[1:]}, weights = {w}".replace("0.5", "½"),
            g(total),
            _activation(name, x[1:], w),
        )
        for heading, name, g in ((TANH, "Tanh", tanh), (SIGMOID, "Sigmoid", sigmoid))
        for letter, x, w, total in _LETTERS
    ),
    *(
        Exercise(
            f"B W·x, {name.lower()}",
            AT_ONCE,
            "x = [1, 1], W = the weights of e to h",
            [g(total) for total in AT_ONES],
            _activation(name, [1, 1], W_ROWS),
        )
        for name, g in (("Tanh", tanh), ("Sigmoid", sigmoid))
    ),
    *(
        Exercise(
            f"B W·Xᵀ, {name.lower()}",
            DIAGONAL,
            "W·Xᵀ of the inputs and weights of e to h",
            [[g(total) for total in row] for row in ALL_SUMS],
            _stacked(name, W_ROWS, X_ROWS),
        )
        for name, g in (("Tanh", tanh), ("Sigmoid", sigmoid))
    ),
    Exercise(
        "C 1",
        GRADIENTS,
        "∇(x² + y²) = [2x, 2y], at (2, −1)",
        [4, -2],
        _gradient("SumOfSquares", [2, -1]),
    ),
    Exercise(
        "C 2",
        GRADIENTS,
        "∇(x³ + y³) = [3x², 3y²], at (2, −1)",
        [12, 3],
        _gradient("SumOfCubes", [2, -1]),
    ),
    Exercise(
        "C 3",
        GRADIENTS,
        "∇(1/(x² + y²)) = [−2x, −2y]/(x² + y²)², at (2, −1)",
        [-4 / 25, 2 / 25],
        _gradient("InverseSquare", [2, -1]),
    ),
    Exercise(
        "C 4",
        GRADIENTS,
        "∇(x² − 2xy + y²) = [2x − 2y, 2y − 2x], at (2, −1)",
        [6, -6],
        _gradient("SquaredDifference", [2, -1]),
    ),
    Exercise(
        "C 5",
        GRADIENTS,
        "∇(sin x + eʸ) = [cos x, eʸ], at (2, −1)",
        [cos(2), 1 / e],
        _gradient("SinePlusExponential", [2, -1]),
    ),
    Exercise(
        "C 6",
        WORKED,
        "∇(x₁x₂) = [x₂, x₁], at (3, 5)",
        [5, 3],
        _gradient("Product", [3, 5]),
    ),
    Exercise(
        "C 7",
        WORKED,
        "∇(x₁ + 2x₂) = [1, 2], at (3, 5)",
        [1, 2],
        _gradient("Plane", [3, 5]),
    ),
    Exercise(
        "C 8",
        WORKED,
        "∇(2x₁x₂²) = [2x₂², 4x₁x₂], at (3, 5)",
        [50, 60],
        _gradient("ProductWithSquare", [3, 5]),
    ),
]
