"""C: the gradient of a function at a point."""

import math
from collections.abc import Iterator

from compare.solved_exercises.exercise import Exercise, Solve

HOMEWORK = (  # function, gradient, with the numbers, on paper, surface
    ("x² + y²", "[2x, 2y]", "[2·2, 2·(−1)]", [4, -2], "SumOfSquares"),
    ("x³ + y³", "[3x², 3y²]", "[3·2², 3·(−1)²]", [12, 3], "SumOfCubes"),
    (
        *("1/(x² + y²)", "[−2x, −2y]/(x² + y²)²", "[−2·2, −2·(−1)]/(2² + (−1)²)²"),
        *([-4 / 25, 2 / 25], "InverseSquare"),
    ),
    (
        *("x² − 2xy + y²", "[2x − 2y, 2y − 2x]", "[2·2 − 2·(−1), 2·(−1) − 2·2]"),
        *([6, -6], "SquaredDifference"),
    ),
    (
        *("sin x + eʸ", "[cos x, eʸ]", "[cos 2, e⁻¹]"),
        *([math.cos(2), 1 / math.e], "SinePlusExponential"),
    ),
)
WORKED = (
    ("x₁x₂", "[x₂, x₁]", "[5, 3]", [5, 3], "Product"),
    ("x₁ + 2x₂", "[1, 2]", "[1, 2]", [1, 2], "Plane"),
    ("2x₁x₂²", "[2x₂², 4x₁x₂]", "[2·5², 4·3·5]", [50, 60], "ProductWithSquare"),
)


def gradients() -> Iterator[Exercise]:
    """The homework, and the examples of the slides."""
    for start, heading, given, point, rows in (
        (1, "Aufgaben: Gradienten", "x = 2, y = −1", (2, -1), HOMEWORK),
        (6, "Gradienten: Beispiele der Folien", "x₁ = 3, x₂ = 5", (3, 5), WORKED),
    ):
        for n, (function, formula, numbers, by_hand, name) in enumerate(rows, start):
            working = " = ".join(dict.fromkeys((formula, numbers)))
            yield Exercise(
                *(f"C {n}", heading, given, f"∇({function})", working, by_hand),
                _gradient(name, point),
            )


def _gradient(surface: str, point: tuple[float, ...]) -> Solve:
    return lambda library, array: getattr(library.surfaces, surface)().gradient(
        array(point)
    )
