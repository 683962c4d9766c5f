"""One question, asked of both sides: what torch answers, and what a class answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.arrays import Backend, to_numpy
from compare.cases import Case, Layer, rng_of

Give = Callable[[np.ndarray], Any]
"""Turns a NumPy array into one of the library under test."""
Results = dict[str, np.ndarray]
"""By name: "output", "input gradient", and "gradient <name>" of each parameter."""


@dataclass(frozen=True)
class Question:
    """How to build a layer or a loss, and what to feed it; NumPy throughout.

    Args:
        name: of the class in `nn`.
        args: constructor arguments by position.
        kwargs: by name.
        state: parameters by name; empty leaves the class its own.
        inputs: what forward is given; only the first is differentiated by.
        seed: of the upstream gradient.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: tuple[np.ndarray, ...] = ()
    seed: int = 0

    def grad_output(self, output: np.ndarray) -> np.ndarray | None:
        """The upstream gradient: random, never all ones; None for a loss's number."""
        if output.ndim == 0 and len(self.inputs) > 1:
            return None
        return _rounded(np.random.default_rng(self.seed).normal(size=output.shape))


def drawn(case: Case) -> Question:
    """Draw a case: its inputs, arguments and parameters.

    All numbers are rounded to float32, so that both precisions are asked the same.
    """
    rng = rng_of(case)
    kwargs = {k: _rounded(v) for k, v in case.drawn(rng).items()}
    inputs = tuple(_rounded(draw(rng)) for draw in case.inputs)
    shapes = _module(Question(case.name, case.args, kwargs), Backend("torch"))
    state = {
        name: _rounded(rng.normal(size=tuple(p.shape)))
        for name, p in shapes.named_parameters()
    }
    seed = int(rng.integers(2**32))
    return Question(case.name, case.args, kwargs, state, inputs, seed)


def torchs(question: Question, dtype: str = "float64") -> Results:
    """What torch answers, by autograd."""
    backend = Backend("torch", "cpu", dtype)
    module = _module(question, backend)
    x, *others = (backend.torch(a) for a in question.inputs)
    x.requires_grad_()
    output = module(x, *others)
    upstream = question.grad_output(to_numpy(output))
    output.backward(None if upstream is None else backend.torch(upstream))
    grads = {f"gradient {n}": p.grad for n, p in module.named_parameters()}
    results = {"output": output, "input gradient": x.grad, **grads}
    return {name: to_numpy(value) for name, value in results.items()}


def found(
    make: Callable[..., Any], question: Question, give: Give, take: Give = to_numpy
) -> Results:
    """What a class written to the forward/backward contract answers.

    Args:
        make: the class.
        question: what is asked.
        give: turns NumPy arrays into those of the library under test.
        take: and back.
    """
    module = built(make, question, give)
    output = module(*(give(a) for a in question.inputs))
    upstream = question.grad_output(take(output))
    grad_input = module.backward(*([] if upstream is None else [give(upstream)]))
    grads = {f"gradient {n}": p.grad for n, p in module.named_parameters()}
    results = {"output": output, "input gradient": grad_input, **grads}
    return {name: take(value) for name, value in results.items()}


def built(make: Callable[..., Any], question: Question, give: Give) -> Any:
    """The class, constructed as the question says, with its parameters."""
    kwargs = {k: give(v) if _is_array(v) else v for k, v in question.kwargs.items()}
    module = make(*_resolved(question.args, handmade.nn), **kwargs)
    if question.state:
        module.to(give(np.zeros(1)))
        module.load_state_dict({name: give(a) for name, a in question.state.items()})
    return module


def _module(question: Question, backend: Backend) -> Any:
    """Torch's own module for a question."""
    make = getattr(torch_ref.nn, question.name)
    args = _resolved(question.args, torch_ref.nn)
    module = make(*args, **_tensors(question.kwargs, backend))
    module.to(backend.torch(np.zeros(1)))
    if question.state:
        own = module.state_dict()
        module.load_state_dict({**own, **_tensors(question.state, backend)})
    return module


def _resolved(args: tuple[Any, ...], nn: Any) -> list[Any]:
    """Constructor arguments with the layers among them built from `nn`."""
    return [a.built(nn) if isinstance(a, Layer) else a for a in args]


def _rounded(value: Any) -> Any:
    """Floating arrays rounded to float32, in float64; anything else as it is."""
    if _is_array(value) and value.dtype.kind == "f":
        # In place, so that strides survive: a copy would be contiguous.
        value[...] = value.astype(np.float32)
    return value


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _tensors(values: dict[str, Any], backend: Backend) -> dict[str, torch.Tensor]:
    return {k: backend.torch(v) if _is_array(v) else v for k, v in values.items()}
