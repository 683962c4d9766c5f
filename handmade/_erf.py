"""The complementary error function, which neither NumPy nor the array API has."""

import math
from typing import Any

from handmade._array import Array, check

NEAR, FAR, END = 0.46875, 4.0, 28.0
"""Where one approximation hands over to the next, and where erfc is 0."""

# Numerator and denominator of each approximation, the highest power first.
SMALL = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (
        1.0,
        2.36012909523441209e1,
        2.44024637934444173e2,
        1.28261652607737228e3,
        2.84423683343917062e3,
    ),
)
MIDDLE = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594e0,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)
LARGE = (
    (
        1.63153871373020978e-2,
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        1.0,
        2.56852019228982242e0,
        1.87295284992346725e0,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)


def erfc(x: Array) -> Array:
    """1 − erf(x) = 2/√π ∫ₓ^∞ exp(−t²) dt.

    Forward:
        1 − x R(x²)                            for |x| ≤ 0.46875
        exp(−x²) R(x)                          up to 4
        exp(−x²) (1/√π − R(1/x²) / x²) / x     above
        2 − erfc(−x)                           for negative x beyond −0.46875
        where each R is a quotient of two polynomials.

    Stability:
        Relative, so the far tail keeps its digits. All three are computed everywhere,
        each on arguments held in its own range: there are no branches, and nothing
        overflows.

    Source:
        W. J. Cody, Rational Chebyshev approximations for the error function,
        Mathematics of Computation 23 (1969), 631–637; coefficients of his CALERF.
    """
    xp = check("erfc", x=x)
    size = xp.abs(x)
    inner = xp.clip(x, -NEAR, NEAR)
    tail = _gauss(xp, size) * xp.where(size <= FAR, _middle(xp, size), _far(xp, size))
    outer = xp.where(x < 0, 2 - tail, tail)
    return xp.where(size <= NEAR, 1 - inner * _ratio(SMALL, inner * inner), outer)


def _gauss(xp: Any, size: Array) -> Array:
    """exp(−x²): x² is split, for its rounding error would become a relative one."""
    x = xp.clip(size, NEAR, END)
    head = xp.floor(16 * x) / 16  # few digits: its square is exact
    return xp.exp(-head * head) * xp.exp(-(x - head) * (x + head))


def _middle(xp: Any, size: Array) -> Array:
    return _ratio(MIDDLE, xp.clip(size, NEAR, FAR))


def _far(xp: Any, size: Array) -> Array:
    x = xp.clip(size, FAR, END)
    inverse = 1 / (x * x)
    return (1 / math.sqrt(math.pi) - inverse * _ratio(LARGE, inverse)) / x


def _ratio(polynomials: tuple[tuple[float, ...], ...], x: Array) -> Array:
    """The quotient of two polynomials, each by Horner's rule."""
    above, below = polynomials
    numerator, denominator = 0 * x + above[0], 0 * x + below[0]
    for a, b in zip(above[1:], below[1:], strict=True):
        numerator, denominator = numerator * x + a, denominator * x + b
    return numerator / denominator
