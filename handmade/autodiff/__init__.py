"""Four ways to differentiate: by hand, by differences, forward, and in reverse.

By hand is the rest of `handmade`. The other three need no derivative written down: the
functions here take arrays, complex arrays (for the complex step), and what forward and
reverse mode put in an array's place, so that one f runs in every way. A derivative is
such a function again: forward through reverse mode gives the Hessian.
"""

from handmade.autodiff.differences import (
    central_difference,
    complex_step,
    forward_difference,
)
from handmade.autodiff.forward import jvp
from handmade.autodiff.functions import (
    amax,
    cos,
    exp,
    log,
    relu,
    reshape,
    sin,
    sqrt,
    sum,
    tanh,
    transpose,
)
from handmade.autodiff.reverse import grad, grad_and_value, vjp
from handmade.autodiff.second_order import hessian, hvp

__all__ = [
    "amax",
    "central_difference",
    "complex_step",
    "cos",
    "exp",
    "forward_difference",
    "grad",
    "grad_and_value",
    "hessian",
    "hvp",
    "jvp",
    "log",
    "relu",
    "reshape",
    "sin",
    "sqrt",
    "sum",
    "tanh",
    "transpose",
    "vjp",
]
