"""How the losses of the elements become one number, and the way back."""

from typing import Any

from handmade._array import Array, converted, floating_namespace, require_shape
from handmade.nn.module import Module


class Loss(Module):
    """What every loss shares: how the losses of the elements become one number.

    `criterion(input, target)` gives the loss, `criterion.backward()` ∂loss/∂input.

    Args:
        reduction: "mean", "sum", or "none", which keeps the losses apart; `backward`
            then needs `grad_output` in their shape.
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        if reduction not in ("none", "mean", "sum"):
            raise ValueError(
                f"{type(self).__name__}: reduction must be 'none', 'mean' or 'sum', "
                f"got {reduction!r}"
            )
        self.reduction = reduction

    def backward(self, grad_output: Array | None = None) -> Array:
        """∂loss/∂input, times `grad_output` if the loss is itself an intermediate."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def to(self, other: Array) -> "Loss":
        """Move the class weights to the library, dtype and device of `other`."""
        for name in ("weight", "pos_weight"):
            if vars(self).get(name) is not None:
                setattr(self, name, converted(getattr(self, name), like=other))
        return self

    def _reduced(self, xp: Any, losses: Array, total: Any) -> Array:
        """The losses as asked for; their mean is their sum divided by `total`."""
        if self.reduction == "none":
            return losses
        summed = xp.sum(losses)
        return summed / total if self.reduction == "mean" else summed

    def _grad_losses(self, grad_output: Array | None, total: Any) -> Any:
        """∂L/∂(each element's loss): the backward pass of `_reduced`."""
        if self.reduction == "none":
            if grad_output is None:
                raise ValueError(
                    f"{type(self).__name__}.backward: reduction='none' leaves several "
                    f"losses, so grad_output is needed, in their shape"
                )
            return grad_output
        upstream = 1.0 if grad_output is None else grad_output
        return upstream / total if self.reduction == "mean" else upstream

    def _same_shape(self, input: Array, target: Array) -> Any:
        """The namespace, once target fits input exactly and there is a mean to take."""
        owner = type(self).__name__
        xp = floating_namespace(owner, input=input, target=target)
        require_shape(owner, "target", target, input.shape)
        self._nonempty(input)
        return xp

    def _nonempty(self, input: Array) -> None:
        if self.reduction == "mean" and 0 in input.shape:
            raise ValueError(
                f"{type(self).__name__}: the mean over no elements does not exist; "
                f"got input of shape {tuple(input.shape)}"
            )
