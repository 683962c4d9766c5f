"""Gradients written by hand for another library: torch's Function, JAX's custom_vjp."""

import inspect
from collections.abc import Callable
from typing import Any

import torch

Pair = tuple[Callable[..., Any], Callable[..., Any]]
"""A function that returns (value, cache), and its partner of (gradient, cache)."""


def pair_of(value: Any) -> Pair | None:
    """A function and its partner, if a library attaches a gradient to it."""
    if inspect.isclass(value) and issubclass(value, torch.autograd.Function):
        return _of_torch(value)
    return _of_jax(value) if type(value).__name__ == "custom_vjp" else None


def _of_torch(function: Any) -> Pair:
    signature = inspect.signature(function.forward)
    names = list(signature.parameters.values())
    if names and names[0].name in ("ctx", "self", "context"):
        signature = signature.replace(parameters=names[1:])

    def value(*arrays: Any, **options: Any) -> Any:
        bound = signature.bind(*map(_leaf, arrays), **options)
        bound.apply_defaults()
        leaves = [a for a in bound.args if isinstance(a, torch.Tensor)]
        output = function.apply(*bound.args)
        return output.detach().numpy(), (output, leaves)

    def backward(grad_output: Any, cache: Any) -> Any:
        output, leaves = cache
        floating = [leaf for leaf in leaves if leaf.requires_grad]
        upstream = torch.as_tensor(grad_output, dtype=output.dtype)
        found = torch.autograd.grad(output, floating, upstream, allow_unused=True)
        pairs = zip(found, floating, strict=True)
        return tuple(torch.zeros_like(x) if g is None else g for g, x in pairs)

    value.__signature__ = signature  # pyright: ignore[reportFunctionMemberAccess]
    return value, backward


def _leaf(array: Any) -> torch.Tensor:
    tensor = torch.tensor(array)
    return tensor.requires_grad_(tensor.is_floating_point())


def _of_jax(function: Any) -> Pair:
    import jax  # pyright: ignore[reportMissingImports]

    jax.config.update("jax_enable_x64", True)

    def value(*arrays: Any, **options: Any) -> Any:
        return jax.vjp(lambda *a: function(*a, **options), *arrays)

    def backward(grad_output: Any, cache: Any) -> Any:
        return cache(jax.numpy.asarray(grad_output))

    value.__signature__ = inspect.signature(function)  # pyright: ignore
    return value, backward
