"""`assert_matches`: compare with torch inside anyone's own pytest."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from compare.backend import to_numpy
from compare.tolerance import rounding_tolerance
from compare.verdict import Verdict, classify, worst


def assert_matches(
    ours: Any,
    theirs: Callable[..., torch.Tensor],
    *inputs: Any,
    backward: Callable[..., Any] | None = None,
    bound: float | None = None,
    seed: int = 0,
) -> Verdict:
    """Assert that a hand-written value and gradient equal torch's up to rounding.

    Args:
        ours: a callable on the arrays given, or a module with forward.
        theirs: a torch callable, module, or the `apply` of an autograd Function.
        inputs: NumPy arrays or tensors, on any device. Floating ones are
            differentiated by, in order; ours may return fewer gradients.
        backward: from ∂L/∂output to the gradient, or to a tuple of them; without it
            `ours.backward` is called, with no argument if it refuses one.
        bound: the largest relative difference that is rounding; computed from dtype
            and size unless given.
        seed: of the upstream gradient, which is random.

    Returns:
        The gravest verdict, "equal" or "rounding".

    Raises:
        AssertionError: they differ; the message says how, and where.
        TypeError: there is no backward.
    """
    backward = backward or getattr(ours, "backward", None)
    if backward is None:
        raise TypeError(f"{ours!r} has no backward; give one as backward=")
    tensors = [_leaf(a) for a in inputs]
    before = [t.detach().clone() for t in tensors]
    output = (ours if callable(ours) else ours.forward)(*inputs)
    want = theirs(*tensors)
    shape, wanted = tuple(np.shape(to_numpy(output))), tuple(want.shape)
    if shape != wanted:
        words = f"bug: output has shape {shape} where {wanted} is expected"
        raise AssertionError(words)
    upstream = np.random.default_rng(seed).normal(size=wanted)
    # As a tensor's float, a NumPy scalar would widen float32.
    upstream = torch.as_tensor(upstream, dtype=want.dtype, device=want.device)
    is_tensor = isinstance(output, torch.Tensor)
    try:
        given = upstream.clone() if is_tensor else upstream.cpu().numpy().copy()
        gradients = backward(given)
    except TypeError:
        if want.ndim:
            raise
        gradients, upstream = backward(), None
    want.backward(upstream)
    for number, (array, then) in enumerate(zip(inputs, before, strict=True)):
        if not torch.equal(_leaf(array).detach(), then):
            raise AssertionError(f"convention: input mutated: input {number}")
    if not isinstance(gradients, (tuple, list)):
        gradients = (gradients,)
    leaves = [t for t in tensors if t.requires_grad]
    if not 1 <= len(gradients) <= len(leaves):
        raise AssertionError(
            f"bug: backward returned {len(gradients)} gradients, and there are "
            f"{len(leaves)} inputs to differentiate by"
        )
    verdicts = [_compared("output", output, want, bound)]
    for number, (got, leaf) in enumerate(zip(gradients, leaves, strict=False)):
        reference = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        name = f"gradient of input {number}"
        verdicts.append(_compared(name, got, reference, bound))
    verdict = worst(verdicts)
    if not verdict.agrees:
        raise AssertionError(f"{verdict.kind}: {verdict.words}")
    return verdict


def _leaf(array: Any) -> torch.Tensor:
    """A tensor of its own to differentiate by; integers become int64."""
    is_tensor = isinstance(array, torch.Tensor)
    # torch takes no negative strides
    leaf = array.detach().clone() if is_tensor else torch.tensor(np.array(array))
    if not leaf.is_floating_point() and leaf.dtype != torch.bool:
        leaf = leaf.long()
    return leaf.requires_grad_(leaf.is_floating_point())


def _compared(name: str, got: Any, want: torch.Tensor, bound: float | None) -> Verdict:
    values, reference = to_numpy(got), to_numpy(want)
    if values.ndim == 0:
        values = values.astype(reference.dtype)  # a Python number has no dtype
    eps = float(np.finfo(reference.dtype).eps)
    length = max(reference.shape, default=1)
    tolerance = rounding_tolerance(eps, length, 4) if bound is None else bound
    sizes = {"N": reference.size} if reference.size > 1 else {}
    found = classify(values, reference, tolerance=tolerance, eps=eps, sizes=sizes)
    return replace(found, words=f"{name}: {found.words}")
