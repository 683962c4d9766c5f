"""The course's functions: curves over the line and mountains over the plane.

Each has its gradient and its matrix of second derivatives beside it, derived by hand.
The gradient points along the steepest ascent, its negative along the steepest descent.
"""

from typing import Any

from handmade._array import Array, check


class Surface:
    """A function of points p with n coordinates.

    Shape:
        p (…, n) → value (…), gradient (…, n), hessian (…, n, n).
    """

    formula: str
    """The value as people write it."""

    def value(self, p: Array) -> Array:
        """The height at p."""
        raise NotImplementedError

    def gradient(self, p: Array) -> Array:
        """The first partial derivatives."""
        raise NotImplementedError

    def hessian(self, p: Array) -> Array:
        """The second partial derivatives."""
        raise NotImplementedError


class Square(Surface):
    """The course's first error: one valley over the line."""

    formula = "x²"

    def value(self, p: Array) -> Array:
        """x²."""
        _, x = _coordinates(p, 1)
        return x * x

    def gradient(self, p: Array) -> Array:
        """[2x]."""
        _coordinates(p, 1)
        return 2 * p

    def hessian(self, p: Array) -> Array:
        """[[2]]."""
        xp, x = _coordinates(p, 1)
        return _rows(xp, x, [[2]])


class SumOfSquares(Surface):
    """A round bowl."""

    formula = "x² + y²"

    def value(self, p: Array) -> Array:
        """x² + y²."""
        _, x, y = _coordinates(p, 2)
        return x * x + y * y

    def gradient(self, p: Array) -> Array:
        """[2x, 2y]."""
        _coordinates(p, 2)
        return 2 * p

    def hessian(self, p: Array) -> Array:
        """[[2, 0], [0, 2]]."""
        xp, x, _ = _coordinates(p, 2)
        return _rows(xp, x, [[2, 0], [0, 2]])


class Valley(Surface):
    """A long bowl, ten times as steep across as along."""

    formula = "x² + 10y²"

    def value(self, p: Array) -> Array:
        """x² + 10y²."""
        _, x, y = _coordinates(p, 2)
        return x * x + 10 * y * y

    def gradient(self, p: Array) -> Array:
        """[2x, 20y]."""
        xp, x, y = _coordinates(p, 2)
        return _row(xp, x, [2 * x, 20 * y])

    def hessian(self, p: Array) -> Array:
        """[[2, 0], [0, 20]]."""
        xp, x, _ = _coordinates(p, 2)
        return _rows(xp, x, [[2, 0], [0, 20]])


class SumOfCubes(Surface):
    """A saddle-like slope, flat at the origin."""

    formula = "x³ + y³"

    def value(self, p: Array) -> Array:
        """x³ + y³."""
        _, x, y = _coordinates(p, 2)
        return x * x * x + y * y * y

    def gradient(self, p: Array) -> Array:
        """[3x², 3y²]."""
        _coordinates(p, 2)
        return 3 * p * p

    def hessian(self, p: Array) -> Array:
        """[[6x, 0], [0, 6y]]."""
        xp, x, y = _coordinates(p, 2)
        return _rows(xp, x, [[6 * x, 0], [0, 6 * y]])


class InverseSquare(Surface):
    """A peak without a top at the origin, where it is not defined."""

    formula = "1/(x² + y²)"

    def value(self, p: Array) -> Array:
        """1 / r² with r² = x² + y²."""
        _, x, y = _coordinates(p, 2)
        return 1 / (x * x + y * y)

    def gradient(self, p: Array) -> Array:
        """[−2x / r⁴, −2y / r⁴]."""
        xp, x, y = _coordinates(p, 2)
        r2 = x * x + y * y
        return _row(xp, x, [-2 * x / (r2 * r2), -2 * y / (r2 * r2)])

    def hessian(self, p: Array) -> Array:
        """[[8x² − 2r², 8xy], [8xy, 8y² − 2r²]] / r⁶."""
        xp, x, y = _coordinates(p, 2)
        r2 = x * x + y * y
        r6, cross = r2 * r2 * r2, 8 * x * y
        xx, yy = (8 * x * x - 2 * r2) / r6, (8 * y * y - 2 * r2) / r6
        return _rows(xp, x, [[xx, cross / r6], [cross / r6, yy]])


class SquaredDifference(Surface):
    """A straight gutter along x = y."""

    formula = "x² − 2xy + y²"

    def value(self, p: Array) -> Array:
        """x² − 2xy + y²."""
        _, x, y = _coordinates(p, 2)
        return x * x - 2 * x * y + y * y

    def gradient(self, p: Array) -> Array:
        """[2x − 2y, 2y − 2x]."""
        xp, x, y = _coordinates(p, 2)
        return _row(xp, x, [2 * x - 2 * y, 2 * y - 2 * x])

    def hessian(self, p: Array) -> Array:
        """[[2, −2], [−2, 2]]."""
        xp, x, _ = _coordinates(p, 2)
        return _rows(xp, x, [[2, -2], [-2, 2]])


class SinePlusExponential(Surface):
    """Waves along x on a slope that doubles and doubles along y."""

    formula = "sin x + eʸ"

    def value(self, p: Array) -> Array:
        """The sum sin x + eʸ."""
        xp, x, y = _coordinates(p, 2)
        return xp.sin(x) + xp.exp(y)

    def gradient(self, p: Array) -> Array:
        """[cos x, eʸ]."""
        xp, x, y = _coordinates(p, 2)
        return _row(xp, x, [xp.cos(x), xp.exp(y)])

    def hessian(self, p: Array) -> Array:
        """[[−sin x, 0], [0, eʸ]]."""
        xp, x, y = _coordinates(p, 2)
        return _rows(xp, x, [[-xp.sin(x), 0], [0, xp.exp(y)]])


class Product(Surface):
    """A saddle."""

    formula = "x₁x₂"

    def value(self, p: Array) -> Array:
        """x₁x₂."""
        _, x1, x2 = _coordinates(p, 2)
        return x1 * x2

    def gradient(self, p: Array) -> Array:
        """[x₂, x₁]."""
        xp, x1, x2 = _coordinates(p, 2)
        return _row(xp, x1, [x2, x1])

    def hessian(self, p: Array) -> Array:
        """[[0, 1], [1, 0]]."""
        xp, x1, _ = _coordinates(p, 2)
        return _rows(xp, x1, [[0, 1], [1, 0]])


class Plane(Surface):
    """A tilted plane: the gradient is the same everywhere."""

    formula = "x₁ + 2x₂"

    def value(self, p: Array) -> Array:
        """x₁ + 2x₂."""
        _, x1, x2 = _coordinates(p, 2)
        return x1 + 2 * x2

    def gradient(self, p: Array) -> Array:
        """[1, 2]."""
        xp, x1, _ = _coordinates(p, 2)
        return _row(xp, x1, [1, 2])

    def hessian(self, p: Array) -> Array:
        """[[0, 0], [0, 0]]."""
        xp, x1, _ = _coordinates(p, 2)
        return _rows(xp, x1, [[0, 0], [0, 0]])


class ProductWithSquare(Surface):
    """The product rule and the power rule at once."""

    formula = "2x₁x₂²"

    def value(self, p: Array) -> Array:
        """2x₁x₂²."""
        _, x1, x2 = _coordinates(p, 2)
        return 2 * x1 * x2 * x2

    def gradient(self, p: Array) -> Array:
        """[2x₂², 4x₁x₂]."""
        xp, x1, x2 = _coordinates(p, 2)
        return _row(xp, x1, [2 * x2 * x2, 4 * x1 * x2])

    def hessian(self, p: Array) -> Array:
        """[[0, 4x₂], [4x₂, 4x₁]]."""
        xp, x1, x2 = _coordinates(p, 2)
        return _rows(xp, x1, [[0, 4 * x2], [4 * x2, 4 * x1]])


def _coordinates(p: Array, n: int) -> tuple[Any, ...]:
    """The namespace and the n coordinates of the points p (…, n)."""
    xp = check("surface", p=p)
    if p.ndim == 0 or p.shape[-1] != n:
        raise ValueError(
            f"surface: points must have {n} coordinates, got shape {tuple(p.shape)}"
        )
    return (xp, *(p[..., i] for i in range(n)))


def _rows(xp: Any, like: Array, rows: list[list[Any]]) -> Array:
    """The matrix of these entries, at each point; a plain number is constant."""
    return xp.stack([_row(xp, like, row) for row in rows], axis=-2)


def _row(xp: Any, like: Array, entries: list[Any]) -> Array:
    """The vector of these entries, at each point."""
    arrays = [xp.full_like(like, e) if isinstance(e, int) else e for e in entries]
    return xp.stack(arrays, axis=-1)


__all__ = [
    "InverseSquare",
    "Plane",
    "Product",
    "ProductWithSquare",
    "SinePlusExponential",
    "Square",
    "SquaredDifference",
    "SumOfCubes",
    "SumOfSquares",
    "Surface",
    "Valley",
]
