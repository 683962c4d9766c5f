"""Dropout."""

from handmade._array import Array, check, check_grad, device
from handmade._numbers import probability
from handmade._random import keep_mask
from handmade.nn.module import Module


class Dropout(Module):
    """Sets each unit to 0 with probability p, and scales the others to keep the mean.

    Forward:
        y = x · k / (1 − p), where each k is 0 with probability p, else 1; in
        evaluation mode y = x. The mean of y is x either way.

    Backward:
        ∂L/∂x = ∂L/∂y · k / (1 − p), with the k of the forward pass.

    Args:
        p: the probability to drop, from 0 to 1; at 1 all is dropped.

    Torch:
        `torch.nn.Dropout` draws from its own generator, so it drops other units;
        `torch_ref.nn.Dropout` drops the same ones after the same `manual_seed`.
        `inplace` does not exist here.
    """

    takes_half = True

    def __init__(self, p: float = 0.5) -> None:
        self.p = probability("Dropout", "p", p)

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x)
        factors = xp.ones_like(x)
        if self.training:
            keep = xp.asarray(keep_mask(self.p, tuple(x.shape)), device=device(x))
            kept = 1 - self.p if self.p < 1 else 1.0  # at p = 1 there is none to scale
            factors = xp.astype(keep, x.dtype) / kept
        self.saved = factors
        return x * factors

    def backward(self, grad_output: Array) -> Array:
        factors = self.saved
        check_grad(self, grad_output, factors)
        return grad_output * factors
