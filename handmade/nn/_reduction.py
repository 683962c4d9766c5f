"""The base class of losses: reduction by mean or sum, and its gradient."""

import math
from typing import Any

from handmade._array import Array, check_alike
from handmade._numbers import choice, real_number
from handmade.nn.module import Module


class Loss(Module):
    """Base class of losses: reduces the elements' losses to one number.

    `criterion(input, target)` gives the loss, `criterion.backward()` ∂loss/∂input.

    Args:
        reduction: "mean", "sum", or "none", which keeps the losses apart; `backward`
            then needs `grad_output` in their shape, unless there is only one.

    Stability:
        The mean over no elements is 0/0, NaN; NumPy warns of it.

    Torch:
        The same. Class weights are buffers, part of `state_dict`.
    """

    reductions: tuple[str, ...] = ("none", "mean", "sum")
    """What `reduction` may be; whatever ends in "mean" divides the sum."""

    def __init__(self, *, reduction: str = "mean") -> None:
        owner = type(self).__name__
        self.reduction = choice(owner, "reduction", reduction, self.reductions)

    def backward(self, grad_output: Array | None = None) -> Array:
        """∂loss/∂input, times `grad_output` if the loss is itself an intermediate.

        Args:
            grad_output: as the loss that forward returned: the same shape, library and
                dtype; a Python number also serves where that is one number.
        """
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def _reduced(self, xp: Any, losses: Array, total: Any = None) -> Array:
        """The losses as asked for; their mean is their sum divided by `total`.

        That is their number, unless given.
        """
        count = math.prod(losses.shape)
        total = count if total is None else total
        self._total = total if count else 1  # no gradient will be divided by it
        value = losses if self.reduction == "none" else xp.sum(losses)
        self._value: Array = value / total if self.reduction.endswith("mean") else value
        return self._value

    def _grad_losses(self, grad_output: Array | None) -> Any:
        """∂L/∂(each element's loss): the backward pass of `_reduced`."""
        upstream = self._upstream(grad_output)
        return upstream / self._total if self.reduction.endswith("mean") else upstream

    def _upstream(self, grad_output: Array | None) -> Any:
        """`grad_output`, or 1, once it is known to fit what forward returned."""
        owner = f"{type(self).__name__}.backward"
        if grad_output is None and (self.reduction != "none" or self._value.ndim == 0):
            return 1.0
        if grad_output is None:
            raise RuntimeError(
                f"{owner}: reduction='none' leaves several losses, so grad_output is "
                f"needed, in their shape"
            )
        if self._value.ndim == 0 and isinstance(grad_output, int | float):
            return real_number(owner, "grad_output", grad_output)
        names = ("the loss", "grad_output")
        check_alike(owner, self._value, grad_output, names=names)
        return grad_output
