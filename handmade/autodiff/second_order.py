"""Second derivatives: forward mode through reverse mode."""

import math
from collections.abc import Callable
from typing import Any

from handmade._array import Array, check, device
from handmade.autodiff.forward import jvp
from handmade.autodiff.reverse import grad, present
from handmade.autodiff.traced import apply, plain


def hvp(func: Callable[[Any], Any], x: Array, v: Array) -> Array:
    """Hessian-vector product: how the gradient changes where x moves along v.

    Forward:
        H v = ∂/∂t ∇f(x + t v) at t = 0, with Hᵢⱼ = ∂²f/∂xᵢ∂xⱼ

    It costs a few evaluations of f, whatever the number n of inputs: H itself, of
    n × n numbers, is never formed.

    Args:
        func: from x to one number, in operators and functions of this package.
        x: where; float32 or float64, of any shape.
        v: the vector, of x's shape.

    Returns:
        H v, of x's shape.

    Raises:
        TypeError: x and v are no floating arrays of one library and dtype.
        ValueError: func gives more than one number, or v has another shape.

    Torch:
        `torch.func.jvp` of `torch.func.grad`.

    >>> import numpy as np
    >>> hvp(lambda x: x[0] * x[1] ** 2, np.array([3.0, 2.0]), np.array([1.0, 0.0]))
    array([0., 4.])
    """
    return jvp(grad(func), (x,), (v,))[1]


def hessian(func: Callable[..., Any], argnums: int = 0) -> Callable[..., Array]:
    """The function that returns the Hessian matrix of another: n products H eⱼ.

    Args:
        func: gives one number.
        argnums: which argument is differentiated by; the others may be anything.

    Returns:
        A function of the same arguments that gives H, of shape (*x.shape, *x.shape).

    Raises:
        TypeError: `argnums` is not one number; when called: as `hvp`.
        ValueError: when called: as `grad`.

    Torch:
        `torch.func.hessian`, which also takes several argnums.
    """
    if type(argnums) is not int:
        raise TypeError(f"hessian: argnums must be one number, got {argnums!r}")

    def matrix(*args: Any) -> Array:
        present((argnums,), args)
        x = args[argnums]

        def of_x(x: Any) -> Any:
            return func(*args[:argnums], x, *args[argnums + 1 :])

        xp = check("hessian", x=plain(x))
        n, shape = math.prod(x.shape), tuple(x.shape)
        units = xp.eye(n, dtype=x.dtype, device=device(plain(x)))
        columns = [hvp(of_x, x, xp.reshape(units[j, :], shape)) for j in range(n)]
        stacked = apply("stack", *columns) if columns else units
        return apply("reshape", stacked, shape=(*shape, *shape))

    return matrix
