"""Asking a model without teaching it: evaluation mode, and back to what was."""

from handmade._array import Array
from handmade.nn.module import Module


def evaluated(module: Module, x: Array) -> Array:
    """The output in evaluation mode; every module's own mode comes back after it."""
    modes = [(inner, inner.training) for inner in module.modules()]
    module.eval()
    try:
        return module(x)
    finally:
        for inner, training in modes:
            inner.training = training
