"""Gradients written by hand for another library: torch's Function, JAX's custom_vjp."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from compare.backend import to_numpy

Pair = tuple[Callable[..., Any], Callable[..., Any]]
"""A function that returns (value, cache), and its partner of (gradient, cache)."""
Pass = tuple[list[Any], Callable[..., Any]]
"""Outputs, and the function from their upstream gradients to those of the inputs."""


def pair_of(value: Any) -> Pair | None:
    """A function and its partner, if a library attaches a gradient to it."""
    if inspect.isclass(value) and issubclass(value, torch.autograd.Function):
        return _pair(value.apply, by_autograd, _without_context(value.forward))
    if type(value).__name__ != "custom_vjp":
        return None
    import jax  # pyright: ignore[reportMissingImports]

    jax.config.update("jax_enable_x64", True)
    return _pair(value, by_jax, inspect.signature(value))


def rules_of(value: Any) -> list[Any]:
    """The functions that JAX takes for the passes of a custom_vjp."""
    is_custom = type(value).__name__ == "custom_vjp"
    return [value.fwd, value.bwd] if is_custom else []


def _without_context(function: Any) -> inspect.Signature:
    signature = inspect.signature(function)
    names = list(signature.parameters.values())
    has_context = bool(names) and names[0].name in ("ctx", "self", "context")
    return signature.replace(parameters=names[has_context:])


def _pair(
    function: Any, differentiate: Callable[..., Pass], signature: inspect.Signature
) -> Pair:
    def value(*arrays: Any, **options: Any) -> Any:
        bound = signature.bind(*arrays, **options)
        bound.apply_defaults()
        others = bound.args[len(arrays) :]
        (output,), pull = differentiate(lambda *a: function(*a, *others), *arrays)
        return widened(output), pull

    def backward(grad_output: Any, cache: Any) -> Any:
        return tuple(cache(np.asarray(grad_output)))

    value.__signature__ = signature  # pyright: ignore[reportFunctionMemberAccess]
    return value, backward


def by_autograd(function: Any, *arrays: Any) -> Pass:
    """Differentiate a function of tensors, and of the parameters of a module."""
    leaves = [*map(leaf, arrays)]
    outputs = flat(function(*leaves))

    def pull(*upstream: Any) -> list[torch.Tensor]:
        gs = [torch.as_tensor(g).to(o) for g, o in zip(upstream, outputs, strict=True)]
        torch.autograd.backward(outputs, gs, retain_graph=True)
        inputs = [a for a in leaves if a.requires_grad]
        return [torch.zeros_like(a) if a.grad is None else a.grad for a in inputs]

    return outputs, pull


def by_jax(function: Any, *arrays: Any) -> Pass:
    """Differentiate a function of JAX arrays."""
    import jax  # pyright: ignore[reportMissingImports]

    output, pull = jax.vjp(function, *map(jax.numpy.asarray, arrays))

    def of_arrays(*upstream: Any) -> list[Any]:
        outputs = flat(output)
        pairs = zip(upstream, outputs, strict=True)
        gs = [jax.numpy.asarray(widened(g)).astype(o.dtype) for g, o in pairs]
        found = pull(tuple(gs) if isinstance(output, tuple) else gs[0])
        return [a for a in found if "float0" not in str(a.dtype)]  # not of integers

    return flat(output), of_arrays


def flat(value: Any) -> list[Any]:
    """All arrays of nested tuples and lists."""
    if isinstance(value, (tuple, list)):
        return [array for inner in value for array in flat(inner)]
    return [value]


def leaf(array: Any) -> torch.Tensor:
    """A tensor of its own to differentiate by; integers become int64."""
    if isinstance(array, torch.Tensor):
        tensor = array.detach().clone()
    else:
        tensor = torch.tensor(widened(array).copy())  # which has no negative strides
    if str(getattr(array, "dtype", "")) == "bfloat16":
        tensor = tensor.bfloat16()
    if not tensor.is_floating_point() and tensor.dtype != torch.bool:
        tensor = tensor.long()
    return tensor.requires_grad_(tensor.is_floating_point())


def widened(array: Any) -> np.ndarray:
    """The values; NumPy has no bfloat16, so they are widened."""
    if "bfloat16" in str(getattr(array, "dtype", "")):
        is_tensor = isinstance(array, torch.Tensor)
        array = array.float() if is_tensor else array.astype(np.float32)
    return to_numpy(array)
