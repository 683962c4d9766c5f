"""How the losses of the elements become one number, and the way back."""

from typing import Any

from handmade._array import (
    Array,
    floating_namespace,
    namespace_if_alike,
    require_like,
    require_shape,
    summed,
)
from handmade._numbers import real_number
from handmade.nn.module import Module


class Loss(Module):
    """What every loss shares: how the losses of the elements become one number.

    `criterion(input, target)` gives the loss, `criterion.backward()` ∂loss/∂input.

    Args:
        reduction: "mean", "sum", or "none", which keeps the losses apart; `backward`
            then needs `grad_output` in their shape.

    Torch:
        The mean over no elements is NaN in torch and refused here. Class weights are
        buffers, part of `state_dict`, as in torch.
    """

    reductions: tuple[str, ...] = ("none", "mean", "sum")
    """What `reduction` may be; whatever ends in "mean" divides the sum."""

    def __init__(self, *, reduction: str = "mean") -> None:
        if reduction not in self.reductions:
            *most, last = map(repr, self.reductions)
            raise ValueError(
                f"{type(self).__name__}: reduction must be {', '.join(most)} or "
                f"{last}, got {reduction!r}"
            )
        self.reduction = reduction

    def backward(self, grad_output: Array | None = None) -> Array:
        """∂loss/∂input, times `grad_output` if the loss is itself an intermediate.

        Args:
            grad_output: as the loss that forward returned: the same shape, library and
                dtype; a Python number also serves where that is one number.
        """
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def _reduced(self, xp: Any, losses: Array, total: Any) -> Array:
        """The losses as asked for; their mean is their sum divided by `total`."""
        value = losses if self.reduction == "none" else summed(losses)
        self._value: Array = value / total if self._divides else value
        return self._value

    def _grad_losses(self, grad_output: Array | None, total: Any) -> Any:
        """∂L/∂(each element's loss): the backward pass of `_reduced`."""
        upstream = self._upstream(grad_output)
        return upstream / total if self._divides else upstream

    @property
    def _divides(self) -> bool:
        return self.reduction.endswith("mean")

    def _upstream(self, grad_output: Array | None) -> Any:
        """`grad_output`, once it is known to fit what forward returned."""
        if grad_output is None and self.reduction != "none":
            return 1.0
        owner = f"{type(self).__name__}.backward"
        if grad_output is None:
            raise ValueError(
                f"{owner}: reduction='none' leaves several losses, so grad_output is "
                f"needed, in their shape"
            )
        if self._value.ndim == 0 and isinstance(grad_output, int | float):
            return real_number(owner, "grad_output", grad_output)
        require_like(owner, "grad_output", grad_output, self._value)
        return grad_output

    def _same_shape(self, input: Array, target: Array) -> Any:
        """The namespace, once target fits input exactly and there is a mean to take."""
        xp = namespace_if_alike(input, target, input.shape)
        if xp is None:
            owner = type(self).__name__
            xp = floating_namespace(owner, input=input, target=target)
            require_shape(owner, "target", target, input.shape)
        if 0 in input.shape:
            self._nonempty(input)
        return xp

    def _nonempty(self, input: Array) -> None:
        if 0 in input.shape and self._divides:
            raise ValueError(
                f"{type(self).__name__}: the mean over no elements does not exist; "
                f"got input of shape {tuple(input.shape)}"
            )
