"""The course's functions of one or two variables; autograd gives their derivatives."""

import torch
from torch import Tensor


class Surface:
    """A function of points p (…, n); torch.func gives gradient and Hessian."""

    formula: str

    def value(self, p: Tensor) -> Tensor:
        """Return the value at each point, (…, n) → (…)."""
        raise NotImplementedError

    def gradient(self, p: Tensor) -> Tensor:
        """Return the gradient at each point, (…, n) → (…, n)."""
        return torch.func.grad(lambda q: self.value(q).sum())(p)

    def hessian(self, p: Tensor) -> Tensor:
        """Return the Hessian at each point, (…, n) → (…, n, n)."""
        rows = p.reshape(-1, p.shape[-1])
        each = torch.func.vmap(torch.func.hessian(self.value))(rows)
        return each.reshape(*p.shape, p.shape[-1])


class Square(Surface):
    """A parabola."""

    formula = "x²"

    def value(self, p: Tensor) -> Tensor:
        """x²."""
        return p[..., 0] ** 2


class SumOfSquares(Surface):
    """A paraboloid with circular contours."""

    formula = "x² + y²"

    def value(self, p: Tensor) -> Tensor:
        """x² + y²."""
        return p.square().sum(dim=-1)


class Valley(Surface):
    """A paraboloid with elliptic contours: a badly conditioned minimum."""

    formula = "x² + 10y²"

    def value(self, p: Tensor) -> Tensor:
        """x² + 10y²."""
        return p[..., 0] ** 2 + 10 * p[..., 1] ** 2


class SumOfCubes(Surface):
    """Cubic: at the origin gradient and Hessian are 0, without a minimum."""

    formula = "x³ + y³"

    def value(self, p: Tensor) -> Tensor:
        """x³ + y³."""
        return p.pow(3).sum(dim=-1)


class InverseSquare(Surface):
    """A pole at the origin."""

    formula = "1/(x² + y²)"

    def value(self, p: Tensor) -> Tensor:
        """1/(x² + y²)."""
        return p.square().sum(dim=-1).reciprocal()


class SquaredDifference(Surface):
    """A degenerate quadratic form: minimal on the line x = y."""

    formula = "x² − 2xy + y²"

    def value(self, p: Tensor) -> Tensor:
        """x² − 2xy + y² = (x − y)²."""
        return (p[..., 0] - p[..., 1]) ** 2


class SinePlusExponential(Surface):
    """Periodic in x, exponential in y."""

    formula = "sin x + eʸ"

    def value(self, p: Tensor) -> Tensor:
        """Return sin x + eʸ."""
        return p[..., 0].sin() + p[..., 1].exp()


class Product(Surface):
    """A saddle point at the origin."""

    formula = "x₁x₂"

    def value(self, p: Tensor) -> Tensor:
        """x₁x₂."""
        return p.prod(dim=-1)


class Plane(Surface):
    """A linear function: constant gradient, Hessian 0."""

    formula = "x₁ + 2x₂"

    def value(self, p: Tensor) -> Tensor:
        """x₁ + 2x₂."""
        return p[..., 0] + 2 * p[..., 1]


class ProductWithSquare(Surface):
    """A product of powers: needs product rule and power rule."""

    formula = "2x₁x₂²"

    def value(self, p: Tensor) -> Tensor:
        """2x₁x₂²."""
        return 2 * p[..., 0] * p[..., 1] ** 2


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
