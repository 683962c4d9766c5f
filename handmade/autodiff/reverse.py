"""Reverse-mode differentiation: record a tape, then replay it backwards."""

from collections.abc import Callable
from functools import partial
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


class Tape(Trace, list["Variable"]):
    """All variables of one derivative, in the order of computation."""


class Variable(Traced):
    """An array on the tape.

    Args:
        value: the array.
        tape: where it is written down, behind all that it was computed from.
        ways_back: for each input its place on the tape, and the rule that pulls the
            adjoint back to it.
    """

    def __init__(
        self,
        value: Array,
        tape: Tape,
        ways_back: tuple[tuple[int, Callable[[Array], Array]], ...] = (),
    ) -> None:
        super().__init__(value, tape)
        self.tape = tape
        self.ways_back = ways_back
        self.place = len(tape)
        tape.append(self)

    def carry(self, operation: Operation, inputs: tuple[Any, ...]) -> Self:
        """Record the operation; the chain rule follows once the output is known."""
        ways_back = tuple(
            (x.place, partial(operation.pull, i))
            for i, x in enumerate(inputs)
            if belongs(x, self.tape)
        )
        return type(self)(operation.y, self.tape, ways_back)


def swept(tape: Tape, place: int, adjoint: Array) -> dict[int, Array]:
    """Replay the tape backwards from one output: the adjoints of all its inputs.

    Backward:
        x̄ = Σ (∂y/∂x)ᵀ ȳ over all y that x was used for; all of them stand behind x on
        the tape, so x̄ is complete when the walk comes to x.
    """
    adjoints = {place: adjoint}
    for variable in reversed(tape):
        if variable.place not in adjoints:
            continue
        for source, pull in variable.ways_back:
            share = pull(adjoints[variable.place])
            known = source in adjoints
            adjoints[source] = adjoints[source] + share if known else share
    return adjoints


def vjp(
    func: Callable[..., Any], *primals: Array
) -> tuple[Array, Callable[[Array], tuple[Array, ...]]]:
    """Vector-Jacobian product: the value of a function, and its backward pass.

    Backward:
        uᵀ f′(x): the upstream gradient u times the Jacobian, one walk whatever the
        number of inputs

    Args:
        func: from arrays to an array, in operators and functions of this package.
        primals: x, one array for each input.

    Returns:
        f(x), and a function from u, of f(x)'s shape, to the gradient by each input. It
        may be called again: nothing accumulates.

    Raises:
        TypeError: `primals` are no floating arrays of one library and dtype, or `func`
            gives no array.

    Torch:
        `torch.func.vjp`.
    """
    named = {f"primal {i}": plain(x) for i, x in enumerate(primals)}
    xp = check("vjp", **named)
    tape = Tape()
    variables = [Variable(x, tape) for x in primals]
    output = func(*variables)
    value = result("vjp", output, tape)

    def backward(grad_output: Array) -> tuple[Array, ...]:
        names = "the output", "grad_output"
        check_alike("vjp", plain(value), plain(grad_output), names=names)
        reached = belongs(output, tape)
        adjoints = swept(tape, output.place, grad_output) if reached else {}
        return tuple(
            copied(xp, adjoints[x.place])  # it may be a view, or shared
            if x.place in adjoints
            else xp.zeros_like(plain(x))
            for x in variables
        )

    return copied(xp, value), backward


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0
) -> Callable[..., Any]:
    """The function that returns gradient and value of another.

    Args:
        func: gives one number.
        argnums: which argument is differentiated by, or several; the others may be
            anything.

    Returns:
        A function of the same arguments that gives the gradient, or a tuple of them
        where `argnums` is one, and the value.

    Raises:
        TypeError: when called: as `vjp`.
        ValueError: when called: `func` gives more than one number, or an argument that
            `argnums` names is missing.

    Torch:
        `torch.func.grad_and_value`.
    """
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)

    def both(*args: Any) -> Any:
        present(chosen, args)

        def of_chosen(*primals: Any) -> Any:
            given = dict(enumerate(args)) | dict(zip(chosen, primals, strict=True))
            return func(*given.values())

        value, backward = vjp(of_chosen, *(args[i] for i in chosen))
        if value.shape != ():
            raise ValueError(
                f"grad: the function must give one number, shape (), got shape "
                f"{tuple(value.shape)}; vjp takes an upstream gradient for more"
            )
        ones = array_api_compat.array_namespace(plain(value)).ones_like(plain(value))
        gradients = backward(ones)
        return gradients if isinstance(argnums, tuple) else gradients[0], value

    return both


def grad(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0
) -> Callable[..., Any]:
    """The function that returns the gradient of another.

    Torch:
        `torch.func.grad`.

    >>> import numpy as np
    >>> grad(lambda x: x[0] * x[1] ** 2)(np.array([3.0, 2.0])).tolist()
    [4.0, 12.0]
    """
    both = grad_and_value(func, argnums)
    return lambda *args: both(*args)[0]


def present(chosen: tuple[int, ...], args: tuple[Any, ...]) -> None:
    """Refuse argnums that name no argument, or one twice.

    Raises:
        ValueError: they do.
    """
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"grad: argnums must name at least one argument, each once, got {chosen}"
        )
    for i in chosen:
        if not 0 <= i < len(args):
            raise ValueError(
                f"grad: argnums names argument {i}, but {len(args)} were given"
            )
