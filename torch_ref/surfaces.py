"""The course's functions, forward only: autograd finds gradient and Hessian."""

import torch
from torch import Tensor


class Surface:
    """A function of points p (…, n), differentiated by torch.func."""

    formula: str

    def value(self, p: Tensor) -> Tensor:
        """The height at p (…)."""
        raise NotImplementedError

    def gradient(self, p: Tensor) -> Tensor:
        """The first partial derivatives (…, n)."""
        return torch.func.grad(lambda q: self.value(q).sum())(p)

    def hessian(self, p: Tensor) -> Tensor:
        """The second partial derivatives (…, n, n)."""
        rows = p.reshape(-1, p.shape[-1])
        each = torch.func.vmap(torch.func.hessian(self.value))(rows)
        return each.reshape(*p.shape, p.shape[-1])


class Square(Surface):
    """A valley over the line."""

    formula = "x²"

    def value(self, p: Tensor) -> Tensor:
        """x²."""
        return p[..., 0] ** 2


class SumOfSquares(Surface):
    """A round bowl."""

    formula = "x² + y²"

    def value(self, p: Tensor) -> Tensor:
        """x² + y²."""
        return p.square().sum(dim=-1)


class Valley(Surface):
    """A long bowl."""

    formula = "x² + 10y²"

    def value(self, p: Tensor) -> Tensor:
        """x² + 10y²."""
        return p[..., 0] ** 2 + 10 * p[..., 1] ** 2


class SumOfCubes(Surface):
    """Flat at the origin."""

    formula = "x³ + y³"

    def value(self, p: Tensor) -> Tensor:
        """x³ + y³."""
        return p.pow(3).sum(dim=-1)


class InverseSquare(Surface):
    """A peak without a top."""

    formula = "1/(x² + y²)"

    def value(self, p: Tensor) -> Tensor:
        """1/(x² + y²)."""
        return p.square().sum(dim=-1).reciprocal()


class SquaredDifference(Surface):
    """A gutter along x = y."""

    formula = "x² − 2xy + y²"

    def value(self, p: Tensor) -> Tensor:
        """x² − 2xy + y² = (x − y)²."""
        return (p[..., 0] - p[..., 1]) ** 2


class SinePlusExponential(Surface):
    """Waves on a slope."""

    formula = "sin x + eʸ"

    def value(self, p: Tensor) -> Tensor:
        """The sum sin x + eʸ."""
        return p[..., 0].sin() + p[..., 1].exp()


class Product(Surface):
    """A saddle."""

    formula = "x₁x₂"

    def value(self, p: Tensor) -> Tensor:
        """x₁x₂."""
        return p.prod(dim=-1)


class Plane(Surface):
    """A tilted plane."""

    formula = "x₁ + 2x₂"

    def value(self, p: Tensor) -> Tensor:
        """x₁ + 2x₂."""
        return p[..., 0] + 2 * p[..., 1]


class ProductWithSquare(Surface):
    """The product rule and the power rule at once."""

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
