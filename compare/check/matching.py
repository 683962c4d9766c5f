"""`assert_matches`: the same verdict inside anyone's own pytest."""

from collections.abc import Callable
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
    """Assert that a hand-written value and gradient are torch's, but for rounding.

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
        The verdict that says the most, "equal" or "rounding".

    Raises:
        AssertionError: they differ; the message says how, and where.
        TypeError: there is no backward.
    """
    backward = backward or getattr(ours, "backward", None)
    if backward is None:
        raise TypeError(f"{ours!r} has no backward; give one as backward=")
    tensors = [_leaf(a) for a in inputs]
    before = [t.detach().clone() for t in tensors]
    forward = ours if callable(ours) else ours.forward
    output = forward(*inputs)
    want = theirs(*tensors)
    if tuple(np.shape(to_numpy(output))) != tuple(want.shape):
        raise AssertionError(
            f"bug: output has shape {tuple(np.shape(to_numpy(output)))} where "
            f"{tuple(want.shape)} is expected"
        )
    upstream = np.random.default_rng(seed).normal(size=tuple(want.shape))
    # As a tensor's float, a NumPy scalar would widen float32.
    upstream = torch.as_tensor(upstream, dtype=want.dtype, device=want.device)
    got_grads = _called(backward, upstream, output, want)
    want.backward(upstream if got_grads[1] else None)
    for number, (array, then) in enumerate(zip(inputs, before, strict=True)):
        if not torch.equal(_leaf(array).detach(), then):
            raise AssertionError(f"convention: input mutated: input {number}")
    pairs = [("output", output, want)]
    leaves = [t for t in tensors if t.requires_grad]
    if not 1 <= len(got_grads[0]) <= len(leaves):
        raise AssertionError(
            f"bug: backward returned {len(got_grads[0])} gradients, and there are "
            f"{len(leaves)} inputs to differentiate by"
        )
    for number, (got, leaf) in enumerate(zip(got_grads[0], leaves, strict=False)):
        reference = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        pairs.append((f"gradient of input {number}", got, reference))
    verdicts = [_judged(name, got, t, bound) for name, got, t in pairs]
    verdict = worst(verdicts)
    if not verdict.agrees:
        raise AssertionError(f"{verdict.kind}: {verdict.words}")
    return verdict


def _leaf(array: Any) -> torch.Tensor:
    """A tensor of its own to differentiate by; integers become int64."""
    if isinstance(array, torch.Tensor):
        leaf = array.detach().clone()
    else:
        leaf = torch.tensor(np.array(array))  # torch takes no negative strides
    if not leaf.is_floating_point() and leaf.dtype != torch.bool:
        leaf = leaf.long()
    return leaf.requires_grad_(leaf.is_floating_point())


def _called(
    backward: Callable[..., Any], upstream: torch.Tensor, output: Any, want: Any
) -> tuple[tuple[Any, ...], bool]:
    """The gradients, and whether backward took the upstream gradient."""
    is_tensor = isinstance(output, torch.Tensor)
    like = upstream.clone() if is_tensor else upstream.cpu().numpy().copy()
    try:
        gradients, took = backward(like), True
    except TypeError:
        if want.ndim:
            raise
        gradients, took = backward(), False
    several = isinstance(gradients, (tuple, list))
    return (tuple(gradients) if several else (gradients,)), took


def _judged(name: str, got: Any, want: torch.Tensor, bound: float | None) -> Verdict:
    values, reference = to_numpy(got), to_numpy(want)
    if values.dtype != reference.dtype and values.ndim:
        words = f"{name}: dtype changed: {values.dtype}, not {reference.dtype}"
        return Verdict("convention", words, float("inf"))
    eps = float(np.finfo(reference.dtype).eps)
    length = max(reference.shape, default=1)
    limit = rounding_tolerance(eps, length, 4) if bound is None else bound
    sizes = {"N": reference.size} if reference.size > 1 else {}
    found = classify(values, reference, tolerance=limit, eps=eps, sizes=sizes)
    return Verdict(
        found.kind, f"{name}: {found.words}", found.difference, found.ulp, found.index
    )
