"""Finite differences: derivatives from function values alone."""

from collections.abc import Callable
from itertools import product
from numbers import Real
from typing import Any

from handmade._array import Array, array_namespace, check, index_add
from handmade._numbers import positive

Function = Callable[[Array], Any]
AWAY = 0.6180339887498949
"""How far off a constant is looked at again, relatively: no round number, so that a
function that is symmetric about one gives another value there."""


def forward_difference(func: Function, x: Array, h: float | None = None) -> Array:
    """Forward difference (f(x + h) − f(x)) / h: n + 1 evaluations of f.

    Forward:
        ∂f/∂xᵢ ≈ (f(x + h eᵢ) − f(x)) / h

    Stability:
        A long chord misses the curve, by about h f″ / 2; a short one loses the digits
        that its ends share, about ε |f| / h. Both are small where h is about √ε, and
        where xᵢ is large, about √ε |xᵢ|: a shorter step would be lost beside it.

    Args:
        func: from x to one number.
        x: where; float32 or float64, finite, of any shape.
        h: the step, in every entry; unless given, √ε max(1, |xᵢ|) in entry i, with ε
            of x's dtype, rounded so that xᵢ + h is exact. Its negative where xᵢ + h
            would be beyond the largest number.

    Raises:
        TypeError: x is no floating array.
        ValueError: f gives more than one number, h is not positive, or x not finite.
    """
    owner = "forward_difference"
    step_of = _steps(owner, x, h, 1 / 2)
    here = _real(owner, func(x))

    def slope(index: tuple[int, ...]) -> float:
        step = step_of(index)
        return (_real(owner, func(_moved(x, index, step))) - here) / step

    return _by_entry(x, slope)


def central_difference(func: Function, x: Array, h: float | None = None) -> Array:
    """Central difference (f(x + h) − f(x − h)) / 2h: 2n evaluations of f.

    Forward:
        ∂f/∂xᵢ ≈ (f(x + h eᵢ) − f(x − h eᵢ)) / 2h

    Stability:
        What the chord misses shrinks with h², since the curvature on both sides
        cancels: the best h is larger, about ∛ε, and the error there smaller.

    Args:
        func: from x to one number.
        x: where; float32 or float64, finite, of any shape.
        h: the step, in every entry; unless given, ∛ε max(1, |xᵢ|) in entry i, with ε
            of x's dtype, rounded so that xᵢ + h is exact.

    Raises:
        TypeError: x is no floating array.
        ValueError: f gives more than one number, h is not positive, or x not finite.
    """
    owner = "central_difference"
    step_of = _steps(owner, x, h, 1 / 3)

    def slope(index: tuple[int, ...]) -> float:
        step = step_of(index)
        high = _real(owner, func(_moved(x, index, step)))
        low = _real(owner, func(_moved(x, index, -step)))
        return (high - low) / (2 * step)

    return _by_entry(x, slope)


def complex_step(func: Function, x: Array, h: float = 1e-20) -> Array:
    """Complex-step derivative Im f(x + ih) / h: nothing cancels; n evaluations.

    Forward:
        ∂f/∂xᵢ = Im f(x + ih eᵢ) / h, for an f that is analytic in x: from
        f(x + ih) = f(x) + ih f′(x) − h² f″(x)/2 − …, and h² is lost in rounding

    Args:
        func: from a complex array to one complex number; a real one is taken for a
            constant, of slope 0, if f gives it far from x, too.
        x: where; float32 or float64, of any shape.
        h: the step, so small that its square is nothing beside 1.

    Raises:
        TypeError: x is no floating array, or f gives a real number that is no
            constant: something in it (an absolute value, say) has dropped the
            imaginary part.
        ValueError: f gives more than one number, or h is not positive.

    Source:
        Squire & Trapp, SIAM Review 40 (1998).
    """
    owner = "complex_step"
    xp = check(owner, x=x)
    step = positive(owner, "h", h)
    z = xp.astype(x, xp.complex64 if x.dtype == xp.float32 else xp.complex128)

    def slope(index: tuple[int, ...]) -> float:
        value = _one_number(owner, func(_moved(z, index, 1j * step)))
        if not _is_real(value):
            return complex(value).imag / step
        elsewhere = _one_number(owner, func(z + AWAY * (1 + xp.abs(z))))
        if _is_real(elsewhere) and float(elsewhere) == float(value):
            return 0.0
        raise TypeError(
            f"{owner}: the function gave a real number for a complex input; something "
            f"in it drops the imaginary part, as an absolute value does"
        )

    return _by_entry(x, slope)


def _steps(
    owner: str, x: Array, h: float | None, root: float
) -> Callable[[tuple[int, ...]], float]:
    """The step of each entry: h, or εʳ max(1, |xᵢ|).

    Near the largest number it is negative, so that x + h stays in the range.
    """
    xp = check(owner, x=x)
    largest = float(xp.finfo(x.dtype).max)
    if not bool(xp.all(xp.isfinite(x))):
        raise ValueError(f"{owner}: x must be finite, got NaN or infinity")
    if h is not None:
        given = positive(owner, "h", h)
        return lambda i: -given if float(x[i]) > largest - given else given
    wanted = float(xp.finfo(x.dtype).eps) ** root * xp.clip(xp.abs(x), 1.0, None)
    moved = (x + xp.where(x > largest - wanted, -wanted, wanted)) - x
    return lambda index: float(moved[index])


def _by_entry(x: Array, slope: Callable[[tuple[int, ...]], float]) -> Array:
    """The gradient, one entry after the other."""
    gradient = check("difference", x=x).zeros_like(x)
    for index in product(*map(range, x.shape)):
        gradient = index_add(gradient, index, slope(index))
    return gradient


def _moved(x: Array, index: tuple[int, ...], step: complex) -> Array:
    """A copy of x with one entry changed."""
    copy = array_namespace("difference", x=x).asarray(x, copy=True)
    return index_add(copy, index, step)


def _real(owner: str, value: Any) -> float:
    return float(_one_number(owner, value))


def _is_real(number: Any) -> bool:
    dtype = str(getattr(number, "dtype", "complex"))
    return isinstance(number, Real) or "complex" not in dtype


def _one_number(owner: str, value: Any) -> Any:
    if shape := tuple(getattr(value, "shape", ())):
        raise ValueError(
            f"{owner}: the function must give one number, shape (), got shape {shape}"
        )
    return value
