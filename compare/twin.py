"""One case on both sides: what torch expects, and what a hand-written class finds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import torch_ref
from compare.arrays import Backend, to_numpy
from compare.cases import Case, rng_of

Give = Callable[[np.ndarray], Any]
"""Turns a NumPy array into one of the library under test."""


@dataclass(frozen=True)
class Expected:
    """A case, drawn, and torch's answer to it; NumPy throughout.

    Args:
        case: which.
        kwargs: constructor arguments, drawn.
        state: random parameters by name.
        inputs: what forward is given.
        grad_output: the upstream gradient, random; None for a loss that is a number.
        results: "output", "input gradient" and "gradient <name>" of each parameter.
    """

    case: Case
    kwargs: dict[str, Any]
    state: dict[str, np.ndarray]
    inputs: tuple[np.ndarray, ...]
    grad_output: np.ndarray | None
    results: dict[str, np.ndarray]


def expected(case: Case, dtype: str = "float64") -> Expected:
    """Draw a layer's or a loss's case and ask torch.

    Args:
        case: which.
        dtype: what torch computes in. What is drawn is always rounded to float32, so
            that float32 and float64 answer the same question.
    """
    rng, backend = rng_of(case), Backend("torch", "cpu", dtype)
    kwargs = {k: _rounded(v) for k, v in case.drawn(rng).items()}
    inputs = tuple(_rounded(draw(rng)) for draw in case.inputs)
    module = getattr(torch_ref.nn, case.name)(*case.args, **_torch(kwargs, backend))
    module.to(backend.torch(np.zeros(1)))
    own = getattr(module, "named_parameters", dict)()
    state = {name: _rounded(rng.normal(size=tuple(p.shape))) for name, p in own}
    module.load_state_dict(
        {**module.state_dict(), **_torch(state, backend)}, strict=True
    )
    x, *others = (backend.torch(a) for a in inputs)
    x.requires_grad_()
    output = module(x, *others)
    is_number = output.ndim == 0 and len(inputs) > 1
    grad_output = None if is_number else _rounded(rng.normal(size=tuple(output.shape)))
    output.backward(None if grad_output is None else backend.torch(grad_output))
    grads = {f"gradient {n}": p.grad for n, p in module.named_parameters()}
    results = {"output": output, "input gradient": x.grad, **grads}
    return Expected(
        case,
        kwargs,
        state,
        inputs,
        grad_output,
        {name: to_numpy(value) for name, value in results.items()},
    )


def found(
    make: Callable[..., Any], want: Expected, give: Give, take: Give = to_numpy
) -> dict[str, np.ndarray]:
    """What a class written to the forward/backward contract makes of the same case.

    Args:
        make: the class.
        want: the case, drawn.
        give: turns NumPy arrays into those of the library under test.
        take: and back.
    """
    module, inputs = built(make, want, give), [give(a) for a in want.inputs]
    output = module(*inputs)
    upstream = [] if want.grad_output is None else [give(want.grad_output)]
    grad_input = module.backward(*upstream)
    grads = {f"gradient {n}": p.grad for n, p in module.named_parameters()}
    results = {"output": output, "input gradient": grad_input, **grads}
    return {name: take(value) for name, value in results.items()}


def built(make: Callable[..., Any], want: Expected, give: Give) -> Any:
    """The class, constructed as the case says, with the case's parameters."""
    kwargs = {k: give(v) if _is_array(v) else v for k, v in want.kwargs.items()}
    module = make(*want.case.args, **kwargs)
    if want.state:
        module.to(give(np.zeros(1)))
        module.load_state_dict({name: give(a) for name, a in want.state.items()})
    return module


def _rounded(value: Any) -> Any:
    """Floating arrays rounded to float32, in float64; anything else as it is."""
    if _is_array(value) and value.dtype.kind == "f":
        # Strides survive: a copy would make every input contiguous.
        value[...] = value.astype(np.float32)
    return value


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _torch(values: dict[str, Any], backend: Backend) -> dict[str, torch.Tensor]:
    return {k: backend.torch(v) if _is_array(v) else v for k, v in values.items()}
