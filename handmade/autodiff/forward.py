"""Forward-mode differentiation: dual numbers."""

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any, Self

from handmade._array import Array, array_api_compat, check, check_alike
from handmade.autodiff.traced import (
    Operation,
    Trace,
    Traced,
    belongs,
    copied,
    plain,
    result,
)


class Dual(Traced):
    """A dual number x + ẋε with ε² = 0, for whole arrays.

    Forward:
        f(x + ẋε) = f(x) + f′(x) ẋ ε

    Args:
        value: x.
        tangent: ẋ, the direction in which x moves.
        trace: the derivative that it belongs to.
    """

    def __init__(self, value: Array, tangent: Array, trace: Trace) -> None:
        super().__init__(value, trace)
        self.tangent = tangent

    def carry(self, operation: Operation, inputs: tuple[Any, ...]) -> Self:
        """The chain rule, at once: ẏ = Σ ∂y/∂xᵢ ẋᵢ."""
        shares = [
            operation.push(i, x.tangent)
            for i, x in enumerate(inputs)
            if belongs(x, self.trace)
        ]
        return type(self)(operation.y, reduce(add, shares), self.trace)


def jvp(
    func: Callable[..., Any], primals: tuple[Array, ...], tangents: tuple[Array, ...]
) -> tuple[Array, Array]:
    """Jacobian-vector product: the value and the directional derivative, in one pass.

    Forward:
        f(x),  f′(x) v = Σᵢ ∂f/∂xᵢ vᵢ, which is the Jacobian times the vector v

    A gradient of n numbers takes n walks: v = e₁, e₂, ….

    Args:
        func: from arrays to an array, in operators and functions of this package.
        primals: x, one array for each input.
        tangents: v, each of the same shape.

    Raises:
        TypeError: `primals` or `tangents` is no tuple, or holds no floating arrays of
            one library and dtype, or `func` gives no array.
        ValueError: they differ in number or shape.

    Torch:
        `torch.func.jvp`.
    """
    _checked(primals, tangents)
    trace = Trace()
    duals = [Dual(x, v, trace) for x, v in zip(primals, tangents, strict=True)]
    output = func(*duals)
    value = result("jvp", output, trace)
    xp = array_api_compat.array_namespace(plain(value))
    moved = belongs(output, trace)
    tangent = copied(xp, output.tangent) if moved else xp.zeros_like(plain(value))
    return copied(xp, value), tangent  # it may be an input itself, or a view of it


def _checked(primals: Any, tangents: Any) -> None:
    for name, arrays in (("primals", primals), ("tangents", tangents)):
        if not isinstance(arrays, tuple):
            raise TypeError(
                f"jvp: {name} must be a tuple of arrays, one for each input, "
                f"got {type(arrays).__name__}"
            )
    if len(primals) != len(tangents) or not primals:
        raise ValueError(
            f"jvp: give as many tangents as primals, and at least one; "
            f"got {len(tangents)} and {len(primals)}"
        )
    check("jvp", **{f"primal {i}": plain(x) for i, x in enumerate(primals)})
    for i, (x, v) in enumerate(zip(primals, tangents, strict=True)):
        names = f"primal {i}", f"tangent {i}"
        check_alike("jvp", plain(x), plain(v), names=names)
