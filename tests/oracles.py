"""Derivatives by other means: autograd, finite differences, complex steps."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from handmade.autodiff import central_difference, complex_step


def autograd(
    function: Callable[..., torch.Tensor],
    inputs: list[torch.Tensor],
    grad_output: torch.Tensor | None = None,
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Value and gradients by torch's reverse mode.

    Args:
        function: from tensors to a tensor.
        inputs: to differentiate by; bind all others in `function`.
        grad_output: the upstream gradient; optional for a scalar.

    Returns:
        The value, and one gradient for each input (0 where it has no influence).
    """
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    value = function(*leaves)
    grads = torch.autograd.grad(value, leaves, grad_output, allow_unused=True)
    found = [
        torch.zeros_like(x) if g is None else g
        for x, g in zip(leaves, grads, strict=True)
    ]
    return value.detach(), found


def finite_differences(
    function: Callable[[np.ndarray], Any], x: np.ndarray, h: float = 1e-5
) -> np.ndarray:
    """∂f/∂xᵢ ≈ (f(x + h eᵢ) − f(x − h eᵢ)) / 2h for a scalar f, in float64.

    Good to about 1e-9 relative at points that are further than h from every kink.
    """
    return central_difference(function, x.astype(np.float64), h)


__all__ = ["autograd", "complex_step", "finite_differences"]
