"""∞ · 0 and ∞ − ∞: NaN, as in torch, but without NumPy's warning."""

import math

from handmade._array import Array, floating_namespace


def times(x: Array, share: Array) -> Array:
    """The product x · share, NaN where an infinite x meets a share of 0."""
    xp = floating_namespace("times", x=x)
    undefined = xp.isinf(x) & (share == 0)
    return x * xp.where(undefined, xp.full_like(share, math.nan), share)


def minus(a: Array, b: Array) -> Array:
    """The difference a − b, NaN where both are the same infinity."""
    xp = floating_namespace("minus", b=b)
    undefined = xp.isinf(b) & (a == b)
    return a - xp.where(undefined, xp.full_like(b, math.nan), b)
