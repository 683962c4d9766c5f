"""B: a neuron y = g(w₀ + Σ wᵢxᵢ), and several in one operation."""

import math
from collections.abc import Callable, Iterator
from typing import Any

from compare.solved_exercises.exercise import Exercise, Solve
from compare.solved_exercises.paper import paper, substituted

H = 0.5
ON_PAPER: dict[str, tuple[str, Callable[[float], float]]] = {
    "Identity": ("{}", float),
    "ReLU": ("max(0, {})", lambda total: max(0, total)),
    "Tanh": ("tanh({})", math.tanh),
    "Sigmoid": ("σ({})", lambda total: 1 / (1 + math.exp(-total))),
}
LINEAR = (  # letter, x, weights, sum on paper
    ("a", [H, H], [H, H, H], H + 0.25 + 0.25),
    ("b", [1, 2], [1, 2, 3], 1 + 2 + 6),
)
RELU = (
    ("c", [-H, H], [H, -H, -H], H + 0.25 - 0.25),
    ("d", [1, 2], [-1, -2, -3], -1 - 2 - 6),
)
SIGMOIDAL = (
    ("e", [1, 1], [0, 0, 0], 0),
    ("f", [0, 0], [H, H, H], H),
    ("g", [H, H], [H, H, H], H + 0.25 + 0.25),
    ("h", [1, 2], [1, 2, 3], 1 + 2 + 6),
)
INPUTS = [[1, *x] for _, x, _, _ in SIGMOIDAL]
WEIGHTS = [weights for _, _, weights, _ in SIGMOIDAL]
AT_ONES = [0, 1.5, 1.5, 6]
"""W·x at x = [1, 1], with x₀ = 1: each row's sum."""
ALL_SUMS = [[0, 0, 0, 0], [1.5, H, 1, 2], [1.5, H, 1, 2], [6, 1, 3.5, 9]]
"""W·Xᵀ: row i is weight row i at the four inputs."""


def neurons() -> Iterator[Exercise]:
    """One neuron: linear, with ReLU, tanh or sigmoid."""
    heading = "Aufgaben: Aktivierung — "
    for title, name, rows in (
        ("Linear y = Σ wᵢxᵢ + w₀", "Identity", LINEAR),
        ("ReLU y = max(0, Σ wᵢxᵢ)", "ReLU", RELU),
        ("tanh y = tanh(Σ wᵢxᵢ)", "Tanh", SIGMOIDAL),
        ("Sigmoid σ(z) = 1/(1 + e⁻ᶻ) statt tanh", "Sigmoid", SIGMOIDAL),
    ):
        formula, function = ON_PAPER[name]
        for letter, x, weights, total in rows:
            given = f"x = {paper(x)}, [w₀, w₁, w₂] = {paper(weights)}"
            asked = f"y = {formula.format('Σ wᵢxᵢ')}"
            terms, value = formula.format(substituted(weights, x)), function(total)
            middle = "" if name == "Identity" else f" = {formula.format(paper(total))}"
            yield Exercise(
                *(f"B {letter}", heading + title, given, asked, terms + middle, value),
                _neuron(name, x, weights),
            )


def layers() -> Iterator[Exercise]:
    """Several neurons in one operation."""
    heading = "Mehrere Aktivierungen in EINER Operation — y = "
    weights, sums = f"W = {paper(WEIGHTS)}", "\n".join(map(paper, ALL_SUMS))
    for name in ("Tanh", "Sigmoid"):
        formula, function = ON_PAPER[name]
        yield Exercise(
            *(f"B W·x, {name.lower()}", f"{heading}g(W·x), x₀ = 1"),
            *(f"x = [1, 1],\n{weights}", f"y = {formula.format('W·x')}"),
            f"{formula.format(paper(AT_ONES))}",
            [function(total) for total in AT_ONES],
            _neuron(name, [1, 1], WEIGHTS),
        )
    for name in ("Tanh", "Sigmoid"):
        formula, function = ON_PAPER[name]
        yield Exercise(
            *(f"B W·Xᵀ, {name.lower()}", f"{heading}g(W·Xᵀ), Diagonale = e bis h"),
            *(f"X = {paper(INPUTS)},\n{weights}", f"y = {formula.format('W·Xᵀ')}"),
            f"W·Xᵀ =\n{sums}\n{formula.format('W·Xᵀ')}",
            [[function(total) for total in row] for row in ALL_SUMS],
            _matrix(name),
        )


def _neuron(name: str, x: Any, weights: Any) -> Solve:
    return lambda library, array: getattr(library.nn, name)()(
        library.perceptron.weighted_sum(array(x), array(weights))
    )


def _matrix(name: str) -> Solve:
    """g(W Xᵀ), each row of X starting with x₀ = 1."""
    return lambda library, array: getattr(library.nn, name)()(
        array(WEIGHTS) @ array(INPUTS).T
    )
