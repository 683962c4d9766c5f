"""`assert_matches`: compare with torch inside anyone's own pytest."""

import contextlib
import copy
import inspect
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from compare.backend import to_numpy
from compare.check.definitions import NotTested
from compare.check.parameters import Slot, find_slot, gradient_of, torchs_layout
from compare.tolerance import PERTURBATIONS, SAFETY, difference, rounding_tolerance
from compare.verdict import Verdict, classify, worst

Arrays = dict[str, Any]
"""Results by name: "output", "gradient of input 0", "gradient of weight" …"""


def assert_matches(
    ours: Any,
    theirs: Callable[..., Any],
    *inputs: Any,
    backward: Callable[..., Any] | None = None,
    bound: float | None = None,
    seed: int = 0,
) -> Verdict:
    """Assert that hand-written values and gradients equal torch's up to rounding.

    If `theirs` is a module, a copy of it gets the parameters of ours, found by their
    names or shapes, and the gradients of the parameters are compared, too.

    Args:
        ours: a callable on the arrays given, or a module with forward. Without a
            backward, autograd or JAX differentiates it: the `apply` of an autograd
            Function, a torch module, a `jax.custom_vjp`.
        theirs: a torch callable, module, or the `apply` of an autograd Function.
        inputs: NumPy or JAX arrays, or tensors, on any device. Floating ones are
            differentiated by, in order; ours may return fewer gradients.
        backward: from ∂L/∂output (of each output) to the gradient, or to a tuple of
            them; without it `ours.backward` is called, with no argument if it takes
            none.
        bound: the largest relative difference that is rounding; computed from dtype,
            size and torch's own sensitivity to rounding unless given.
        seed: of the upstream gradient, which is random.

    Returns:
        The gravest verdict, "equal" or "rounding".

    Raises:
        AssertionError: they differ; the message says how, and where.
        TypeError: there is no backward.
    """
    if inspect.isclass(ours) and issubclass(ours, torch.autograd.Function):
        ours = ours.apply
    leaves = [_leaf(a) for a in inputs]
    theirs = _in_dtype(theirs, leaves)
    slots = _shared_parameters(ours, theirs)
    is_torchs = isinstance(getattr(ours, "__self__", ours), (torch.nn.Module, type))
    given = tuple(map(_leaf, inputs)) if is_torchs else inputs
    outputs, pull_back = _passes(ours, given, backward)
    want = _flat(theirs(*leaves))
    shapes, wanted = ([_shape(a) for a in arrays] for arrays in (outputs, want))
    if shapes != wanted:
        told = [str(s[0] if len(s) == 1 else s) for s in (shapes, wanted)]
        words = f"output has shape {told[0]} where {told[1]} is expected"
        raise AssertionError(f"wrong: {words}")
    rng = np.random.default_rng(seed)
    # As a tensor's float, a NumPy scalar would widen float32.
    upstream = [torch.as_tensor(rng.normal(size=w.shape)).to(w) for w in want]
    returned, upstream = pull_back(upstream)
    for number, (array, leaf) in enumerate(zip(given, leaves, strict=True)):
        if not torch.equal(_leaf(array), leaf):
            raise AssertionError(f"mistake: input mutated: input {number}")
    reference = _torchs(theirs, leaves, upstream)
    got = dict(zip(reference, outputs, strict=False))
    got |= _gradients(ours, returned, leaves, slots, theirs)
    noise = _noise(theirs, leaves, upstream, reference) if bound is None else {}
    verdicts = [
        _compared(name, got[name], reference[name], bound, noise.get(name, 0.0))
        for name in reference
        if name in got
    ]
    verdict = worst(verdicts)
    if not verdict.agrees:
        kind = "wrong" if "not recognised" in verdict.words else "mistake"
        raise AssertionError(f"{kind}: {verdict.words}")
    return verdict


# -- ours ------------------------------------------------------------------------------

PullBack = Callable[[list[torch.Tensor]], tuple[list[Any], list[torch.Tensor]]]
"""From upstream gradients to ours, and to those that were used."""


def _passes(
    ours: Any, given: tuple[Any, ...], backward: Any
) -> tuple[list[Any], PullBack]:
    """The outputs and the backward pass: by hand, by autograd or by JAX."""
    backward = backward or getattr(ours, "backward", None)
    forward = ours if callable(ours) else ours.forward
    if backward is None and (hasattr(ours, "defvjp") or any(map(_is_jax, given))):
        import jax  # pyright: ignore[reportMissingImports]

        output, pull = jax.vjp(forward, *map(jax.numpy.asarray, given))
        is_tuple = isinstance(output, tuple)
        outputs = _flat(output)
    elif backward is None:
        if not any(isinstance(a, torch.Tensor) for a in given):
            raise TypeError(f"{ours!r} has no backward; give one as backward=")
        leaves = [_leaf(a) for a in given]
        by = [leaf for leaf in leaves if leaf.requires_grad]
        outputs, is_tuple = _flat(forward(*leaves)), False

        def pull(*gs: Any) -> list[Any]:
            torch.autograd.backward(outputs, gs, retain_graph=True)
            return [torch.zeros_like(a) if a.grad is None else a.grad for a in by]
    else:
        with torch.no_grad():
            outputs = _flat(forward(*given))
        gs = [_like(torch.zeros(_shape(o)), o) for o in outputs]
        is_tuple = _takes(backward, tuple(gs)) and not _takes(backward, *gs)
        pull = torch.no_grad()(backward)

    def pull_back(upstream: list[torch.Tensor]) -> tuple[list[Any], list[torch.Tensor]]:
        gs = [_like(g, o) for g, o in zip(upstream, outputs, strict=True)]
        if not (is_tuple or _takes(pull, *gs)) and _takes(pull):
            return _flat(pull()), [torch.ones_like(g) for g in upstream]
        found = _flat(pull(tuple(gs)) if is_tuple else pull(*gs))
        is_gradient = (a is not None and "float0" not in str(a.dtype) for a in found)
        return [*itertools.compress(found, is_gradient)], upstream

    return outputs, pull_back


def _takes(function: Any, *arguments: Any) -> bool:
    with contextlib.suppress(TypeError, ValueError):
        inspect.signature(function).bind(*arguments)
        return True
    return False


def _shared_parameters(ours: Any, theirs: Any) -> dict[str, Slot]:
    """Where ours keeps each parameter of theirs, which gets the values."""
    if not isinstance(theirs, torch.nn.Module):
        return {}
    if hasattr(ours, "zero_grad"):
        ours.zero_grad()
    is_named = hasattr(ours, "named_parameters")
    own = dict(ours.named_parameters()) if is_named else getattr(ours, "__dict__", {})
    slots: dict[str, Slot] = {}
    for number, (name, theirs_own) in enumerate(theirs.named_parameters()):
        shape, slot = _shape(theirs_own), find_slot(ours, name, number)
        if name in own:
            slot = Slot(own, name, is_item=True)
        if slot is None or np.prod(_shape(slot.get())) != theirs_own.numel():
            same = [k for k, a in own.items() if _shape(a) in (shape, shape[::-1])]
            slot = Slot(own, same[0], is_item=True) if len(same) == 1 else None
        if slot is not None:
            slots[name], value = slot, _numpy(slot.get())
            value = torchs_layout(value, _numpy(theirs_own), value)
            theirs_own.data.copy_(torch.tensor(value))
    return slots


def _gradients(
    ours: Any,
    returned: list[Any],
    leaves: list[torch.Tensor],
    slots: dict[str, Slot],
    theirs: Any,
) -> Arrays:
    """Our gradients, in torch's layout; those of parameters may be returned, too."""
    inputs, parameters = [*_inputs(leaves)], [_gradient(name) for name in slots]
    is_all = len(returned) == len(inputs) + len(slots)
    if not is_all and not min(1, len(inputs)) <= len(returned) <= len(inputs):
        raise AssertionError(
            f"wrong: backward returned {len(returned)} gradients, and there are "
            f"{len(inputs)} inputs to differentiate by"
        )
    found = dict(zip([*inputs, *parameters], returned, strict=False))
    for number, (name, slot) in enumerate(slots.items()):
        own = slot.key if isinstance(slot.key, str) else name
        try:
            raw = found.get(_gradient(name))
            raw = gradient_of(ours, own, number) if raw is None else raw
        except NotTested as error:
            raise AssertionError(f"wrong: {error}") from None
        torchs = _numpy(theirs.get_parameter(name))
        found[_gradient(name)] = torchs_layout(_numpy(raw), torchs, _numpy(slot.get()))
    return found


# -- torch -----------------------------------------------------------------------------


def _in_dtype(theirs: Any, leaves: list[torch.Tensor]) -> Any:
    """A copy of a module in the dtype of the inputs; anything else as it is."""
    if not isinstance(theirs, torch.nn.Module):
        return theirs
    made = copy.deepcopy(theirs)
    dtypes = [leaf.dtype for leaf in leaves if leaf.requires_grad]
    return made.to(dtypes[0]) if dtypes else made


def _torchs(
    theirs: Any, leaves: list[torch.Tensor], upstream: list[torch.Tensor]
) -> Arrays:
    """Torch's outputs, and the gradients by all inputs and parameters."""
    outputs, by = _flat(theirs(*leaves)), _inputs(leaves)
    if isinstance(theirs, torch.nn.Module):
        by |= {_gradient(n): p for n, p in theirs.named_parameters()}
    gradients = torch.autograd.grad(
        outputs, [*by.values()], upstream, allow_unused=True, materialize_grads=True
    )
    names = ["output", *(f"output {n}" for n in range(1, len(outputs)))]
    return dict(zip([*names, *by], [*outputs, *gradients], strict=True))


def _noise(
    theirs: Any, leaves: list[torch.Tensor], upstream: list[torch.Tensor], want: Arrays
) -> dict[str, float]:
    """How far rounding moves torch's own results: the size of terms that cancel.

    The inputs are perturbed by one ULP; and all is computed in another precision.
    """
    dtype = next((a.dtype for a in leaves if a.requires_grad), torch.float64)
    other = torch.float32 if dtype == torch.float64 else torch.float64
    in_other = [_leaf(a.to(other) if a.requires_grad else a) for a in leaves]
    noise = dict.fromkeys(want, 0.0)
    for run in range(PERTURBATIONS + 1):
        inputs, gs, share = [_perturbed(a, run) for a in leaves], upstream, 1.0
        if run == PERTURBATIONS:
            inputs, gs = in_other, [g.to(other) for g in upstream]
            share = min(1.0, torch.finfo(dtype).eps / torch.finfo(other).eps)
        with contextlib.suppress(RuntimeError):  # theirs has no other precision
            for name, moved in _torchs(_in_dtype(theirs, inputs), inputs, gs).items():
                far = difference(_numpy(moved).astype(float), _numpy(want[name]))
                move = share * far.max_abs
                noise[name] = max(noise[name], move if np.isfinite(move) else 0)
    return noise


def _perturbed(leaf: torch.Tensor, run: int) -> torch.Tensor:
    """An input moved by one ULP up or down; equal numbers stay equal.

    Multiples of 1/64 stay as they are: they may lie at a kink.
    """
    if not leaf.requires_grad:
        return leaf
    values = leaf.detach().double()
    signs = torch.sin(1e6 * values + run).sign() * (64 * values % 1 != 0)
    return _leaf((values * (1 + torch.finfo(leaf.dtype).eps * signs)).to(leaf.dtype))


# -- arrays ----------------------------------------------------------------------------


def _compared(
    name: str, got: Any, want: torch.Tensor, bound: float | None, noise: float
) -> Verdict:
    values, reference = _numpy(got), _numpy(want)
    if values.ndim == 0:
        values = values.astype(reference.dtype)  # a Python number has no dtype
    given, wanted = (str(getattr(a, "dtype", want.dtype)) for a in (got, want))
    if "bfloat16" in given + wanted and given.split(".")[-1] != wanted.split(".")[-1]:
        return Verdict("mistake", f"{name}: dtype changed: {given}, not {wanted}")
    eps = torch.finfo(want.dtype).eps
    if bound is None:
        length, depth = max(reference.shape, default=1), 4
        if want.element_size() == 2:  # such sums are taken in float32
            length, depth = 1, 2
        bound = rounding_tolerance(eps, length, depth)
    found = classify(
        values,
        reference,
        tolerance=bound,
        eps=eps,
        scale=SAFETY * noise / bound if bound else 0.0,
        sizes={"N": reference.size} if reference.size > 1 else {},
    )
    return replace(found, words=f"{name}: {found.words}")


def _inputs(leaves: list[torch.Tensor]) -> Arrays:
    """The inputs to differentiate by, by the names of their gradients."""
    floating = [leaf for leaf in leaves if leaf.requires_grad]
    return {f"gradient of input {n}": leaf for n, leaf in enumerate(floating)}


def _gradient(parameter: str) -> str:
    return f"gradient of {parameter}"


def _flat(value: Any) -> list[Any]:
    """All arrays of nested tuples."""
    if isinstance(value, (tuple, list)):
        return [array for inner in value for array in _flat(inner)]
    return [value]


def _leaf(array: Any) -> torch.Tensor:
    """A tensor of its own to differentiate by; integers become int64."""
    is_tensor = isinstance(array, torch.Tensor)
    # torch takes no negative strides
    leaf = array.detach().clone() if is_tensor else torch.tensor(_numpy(array).copy())
    if str(getattr(array, "dtype", "")) == "bfloat16":
        leaf = leaf.bfloat16()
    if not leaf.is_floating_point() and leaf.dtype != torch.bool:
        leaf = leaf.long()
    return leaf.requires_grad_(leaf.is_floating_point())


def _numpy(array: Any) -> np.ndarray:
    """The values; NumPy has no bfloat16, so they are widened."""
    if "bfloat16" in str(getattr(array, "dtype", "")):
        is_tensor = isinstance(array, torch.Tensor)
        array = array.float() if is_tensor else array.astype(np.float32)
    return to_numpy(array)


def _like(g: torch.Tensor, output: Any) -> Any:
    """An upstream gradient in the library of an output."""
    if isinstance(output, torch.Tensor):
        return g.clone()
    if _is_jax(output):
        import jax  # pyright: ignore[reportMissingImports]

        return jax.numpy.asarray(_numpy(g)).astype(output.dtype)
    return _numpy(g).copy()


def _is_jax(array: Any) -> bool:
    return type(array).__module__.partition(".")[0] in ("jax", "jaxlib")


def _shape(array: Any) -> tuple[int, ...]:
    is_parameter = not hasattr(array, "shape") and hasattr(array, "data")
    return tuple(getattr(array.data if is_parameter else array, "shape", ()))
