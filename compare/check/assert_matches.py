"""`assert_matches`: compare with torch inside anyone's own pytest."""

import copy
import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from compare.check.definitions import NotTested
from compare.check.libraries import by_autograd, by_jax, flat, leaf, widened
from compare.check.parameters import Slot, attributes, find_slot, torchs_layout
from compare.check.signatures import takes
from compare.sensitivity import PERTURBATIONS
from compare.tolerance import SAFETY, difference, rounding_tolerance
from compare.verdict import Verdict, classify, worst

Arrays = dict[str, Any]
"""Results by name: "output", "gradient of input 0", "gradient of weight" …"""
Tensors = list[torch.Tensor]


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
    leaves = [*map(leaf, inputs)]
    theirs = _in_dtype(theirs, leaves)
    slots = _shared_parameters(ours, theirs)
    is_torchs = isinstance(getattr(ours, "__self__", ours), (torch.nn.Module, type))
    given = tuple(map(leaf, inputs)) if is_torchs else inputs
    outputs, pull, takes_upstream = _passes(ours, given, backward)
    want = flat(theirs(*leaves))
    _check_shapes(outputs, want)
    upstream = [torch.ones_like(w) for w in want]
    if takes_upstream:
        rng = np.random.default_rng(seed)
        # As a tensor's float, a NumPy scalar would widen float32.
        upstream = [torch.as_tensor(rng.normal(size=w.shape)).to(w) for w in want]
    returned = flat(pull(*upstream))
    for number, (array, own) in enumerate(zip(given, leaves, strict=True)):
        if not torch.equal(leaf(array), own):
            raise AssertionError(f"mistake: input mutated: input {number}")
    reference = _torchs(theirs, leaves, upstream)
    got = dict(zip(reference, outputs, strict=False))
    got |= _gradients(returned, leaves, slots, theirs)
    noise = _noise(theirs, leaves, upstream, reference) if bound is None else {}
    verdict = worst(
        [
            _compared(name, got[name], reference[name], bound, noise.get(name, 0.0))
            for name in reference
            if name in got
        ]
    )
    if not verdict.agrees:
        kind = "wrong" if "not recognised" in verdict.words else "mistake"
        raise AssertionError(f"{kind}: {verdict.words}")
    return verdict


def _check_shapes(outputs: list[Any], want: Tensors) -> None:
    shapes, wanted = ([(*np.shape(a),) for a in arrays] for arrays in (outputs, want))
    if shapes != wanted:
        told = [str(s[0] if len(s) == 1 else s) for s in (shapes, wanted)]
        words = f"output has shape {told[0]} where {told[1]} is expected"
        raise AssertionError(f"wrong: {words}")


# -- ours ------------------------------------------------------------------------------


def _passes(
    ours: Any, given: tuple[Any, ...], backward: Any
) -> tuple[list[Any], Callable[..., Any], bool]:
    """The outputs, the backward pass, and whether that takes upstream gradients."""
    backward = backward or getattr(ours, "backward", None)
    forward = ours if callable(ours) else ours.forward
    if backward is None:
        if hasattr(ours, "defvjp") or any(map(_is_jax, given)):
            return *by_jax(forward, *given), True
        if not any(isinstance(a, torch.Tensor) for a in given):
            raise TypeError(f"{ours!r} has no backward; give one as backward=")
        return *by_autograd(forward, *given), True
    with torch.no_grad():
        outputs = flat(forward(*given))
    is_tuple = not takes(backward, *outputs) and takes(backward, tuple(outputs))
    is_alone = not (takes(backward, *outputs) or is_tuple) and takes(backward)

    @torch.no_grad()
    def pull(*upstream: torch.Tensor) -> Any:
        gs = [_like(g, o) for g, o in zip(upstream, outputs, strict=True)]
        return backward(*([] if is_alone else [tuple(gs)] if is_tuple else gs))

    return outputs, pull, not is_alone


def _is_jax(array: Any) -> bool:
    return type(array).__module__.partition(".")[0] in ("jax", "jaxlib")


def _like(g: torch.Tensor, output: Any) -> Any:
    """An upstream gradient in the library of an output."""
    if isinstance(output, torch.Tensor):
        return g.clone()
    if _is_jax(output):
        import jax  # pyright: ignore[reportMissingImports]

        return jax.numpy.asarray(widened(g)).astype(output.dtype)
    return widened(g).copy()


def _shared_parameters(ours: Any, theirs: Any) -> dict[str, Slot]:
    """Where ours keeps each parameter of theirs, which gets the values."""
    if not isinstance(theirs, torch.nn.Module):
        return {}
    if hasattr(ours, "zero_grad"):
        ours.zero_grad()
    found = {}
    for number, (name, parameter) in enumerate(theirs.named_parameters()):
        if slot := _slot(ours, name, number, parameter):
            found[name], own = slot, widened(slot.get())
            value = torchs_layout(own, widened(parameter), own)
            parameter.data.copy_(torch.tensor(value))
    return found


def _slot(ours: Any, name: str, number: int, parameter: torch.Tensor) -> Slot | None:
    """Where ours keeps a parameter, by its name, else by its shape."""
    named = dict(getattr(ours, "named_parameters", dict)())
    if name in named:
        return Slot(ours, name, number, named, name)
    slot = find_slot(ours, name, number)
    if slot is not None and widened(slot.get()).size == parameter.numel():
        return slot
    shapes = {(*parameter.shape,), (*parameter.shape[::-1],)}
    kept = named or attributes(ours)
    same = [key for key, array in kept.items() if getattr(array, "shape", 0) in shapes]
    return Slot(ours, same[0], number, kept, same[0]) if len(same) == 1 else None


def _gradients(
    returned: list[Any], leaves: Tensors, slots: dict[str, Slot], theirs: Any
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
    for name, slot in slots.items():
        raw = found.get(_gradient(name))
        try:
            raw = widened(slot.gradient() if raw is None else raw)
        except NotTested as error:
            raise AssertionError(f"wrong: {error}") from None
        torchs = widened(theirs.get_parameter(name))
        found[_gradient(name)] = torchs_layout(raw, torchs, widened(slot.get()))
    return found


# -- torch -----------------------------------------------------------------------------


def _in_dtype(theirs: Any, leaves: Tensors) -> Any:
    """A copy of a module in the dtype of the inputs; anything else as it is."""
    if not isinstance(theirs, torch.nn.Module):
        return theirs
    made = copy.deepcopy(theirs)
    dtypes = [a.dtype for a in leaves if a.requires_grad]
    return made.to(dtypes[0]) if dtypes else made


def _torchs(theirs: Any, leaves: Tensors, upstream: Tensors) -> Arrays:
    """Torch's outputs, and the gradients by all inputs and parameters."""
    outputs, by = flat(theirs(*leaves)), _inputs(leaves)
    if isinstance(theirs, torch.nn.Module):
        by |= {_gradient(n): p for n, p in theirs.named_parameters()}
    gradients = torch.autograd.grad(
        outputs, [*by.values()], upstream, allow_unused=True, materialize_grads=True
    )
    names = ["output", *(f"output {n}" for n in range(1, len(outputs)))]
    return dict(zip([*names, *by], [*outputs, *gradients], strict=True))


def _inputs(leaves: Tensors) -> Arrays:
    """The inputs to differentiate by, by the names of their gradients."""
    floating = [a for a in leaves if a.requires_grad]
    return {f"gradient of input {n}": a for n, a in enumerate(floating)}


def _gradient(parameter: str) -> str:
    return f"gradient of {parameter}"


def _noise(
    theirs: Any, leaves: Tensors, upstream: Tensors, want: Arrays
) -> dict[str, float]:
    """How far rounding moves torch's own results: the size of terms that cancel.

    The inputs are perturbed by one ULP; and all is computed in another precision.
    """
    dtype = next((a.dtype for a in leaves if a.requires_grad), torch.float64)
    other = torch.float32 if dtype == torch.float64 else torch.float64
    share = min(1.0, torch.finfo(dtype).eps / torch.finfo(other).eps)
    runs = [(1.0, [_perturbed(a, run) for a in leaves]) for run in range(PERTURBATIONS)]
    runs += [(share, [leaf(a.to(other)) if a.requires_grad else a for a in leaves])]
    noise = dict.fromkeys(want, 0.0)
    for weight, inputs in runs:
        gs = upstream if weight == 1 else [g.to(other) for g in upstream]
        with suppress(RuntimeError):  # theirs has no other precision
            for name, moved in _torchs(_in_dtype(theirs, inputs), inputs, gs).items():
                far = difference(widened(moved).astype(float), widened(want[name]))
                move = weight * far.max_abs
                noise[name] = max(noise[name], move if np.isfinite(move) else 0)
    return noise


def _perturbed(tensor: torch.Tensor, run: int) -> torch.Tensor:
    """An input moved by one ULP up or down; equal numbers stay equal.

    Multiples of 1/64 stay as they are: they may lie at a kink.
    """
    if not tensor.requires_grad:
        return tensor
    values, eps = tensor.detach().double(), torch.finfo(tensor.dtype).eps
    signs = torch.sin(1e6 * values + run).sign() * (64 * values % 1 != 0)
    return leaf((values * (1 + eps * signs)).to(tensor.dtype))


def _compared(
    name: str, got: Any, want: torch.Tensor, bound: float | None, noise: float
) -> Verdict:
    values, reference = widened(got), widened(want)
    if values.ndim == 0:
        values = values.astype(reference.dtype)  # a Python number has no dtype
    given, wanted = (str(getattr(a, "dtype", want.dtype)) for a in (got, want))
    if "bfloat16" in given + wanted and given.split(".")[-1] != wanted.split(".")[-1]:
        return Verdict("mistake", f"{name}: dtype changed: {given}, not {wanted}")
    eps = torch.finfo(want.dtype).eps
    if bound is None:
        # Sums in half precision are taken in float32.
        is_half = want.element_size() == 2
        length = 1 if is_half else max(reference.shape, default=1)
        bound = rounding_tolerance(eps, length, depth=2 if is_half else 4)
    found = classify(
        values,
        reference,
        tolerance=bound,
        eps=eps,
        scale=SAFETY * noise / bound if bound else 0.0,
        sizes={"N": reference.size} if reference.size > 1 else {},
    )
    return replace(found, words=f"{name}: {found.words}")
