"""One question, asked of both sides: what torch answers, and what a class answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.testing import Case, resolved, rng_of

Give = Callable[[np.ndarray], Any]
"""Turns a NumPy array into one of the library under test."""
Results = dict[str, np.ndarray]
"""By name: "output", "input gradient" (where the input is no index), "gradient <name>"
of each parameter, and "buffer <name>" of each array that the class keeps beside them,
as the forward pass left it."""
COUNT = 3
"""How many batches a class that counts them has seen before."""


@dataclass(frozen=True)
class Question:
    """How to build a layer or a loss, and what to feed it; NumPy throughout.

    Args:
        name: of the class in `nn`.
        args: constructor arguments by position.
        kwargs: by name.
        state: parameters by name; empty leaves the class its own.
        buffers: the arrays that it keeps beside them, as running statistics, by name.
        inputs: what forward is given; only the first is differentiated by.
        seed: of the upstream gradient, and of what is dropped.
        training: the mode.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)
    buffers: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: tuple[np.ndarray, ...] = ()
    seed: int = 0
    training: bool = True

    @property
    def of_index(self) -> bool:
        """Whether the input is an index, which nothing can be differentiated by."""
        return self.inputs[0].dtype.kind != "f"

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
    module = _module(Question(case.name, case.args, kwargs), Backend("torch"))
    state = {
        name: _rounded(rng.normal(size=tuple(p.shape)))
        for name, p in module.named_parameters()
    }
    buffers = {
        name: _rounded(rng.uniform(0.5, 2.0, tuple(buffer.shape)))
        if buffer.is_floating_point()
        else np.asarray(COUNT)
        for name, buffer in _buffers(module, kwargs)
    }
    seed = int(rng.integers(2**32))
    return Question(
        case.name, case.args, kwargs, state, buffers, inputs, seed, case.training
    )


def torchs(question: Question, dtype: str = "float64") -> Results:
    """What torch answers, by autograd."""
    backend = Backend("torch", "cpu", dtype)
    module = _module(question, backend).train(question.training)
    x, *others = (backend.torch(a) for a in question.inputs)
    x.requires_grad_(not question.of_index)
    torch_ref.manual_seed(question.seed)
    output = module(x, *others)
    upstream = question.grad_output(to_numpy(output))
    output.backward(None if upstream is None else backend.torch(upstream))
    # Autograd says None where the output does not depend on the input.
    grad = torch.zeros_like(x) if x.grad is None else x.grad
    return _results(question, module, output, grad, to_numpy)


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
    handmade.manual_seed(question.seed)
    output = module(*(give(a) for a in question.inputs))
    upstream = question.grad_output(take(output))
    grad_input = module.backward(*([] if upstream is None else [give(upstream)]))
    return _results(question, module, output, grad_input, take)


def _results(
    question: Question, module: Any, output: Any, grad_input: Any, take: Give
) -> Results:
    """All results of a module of either side."""
    results = {} if question.of_index else {"input gradient": grad_input}
    results |= {f"gradient {n}": p.grad for n, p in module.named_parameters()}
    buffers = _buffers(module, question.kwargs)
    results |= {f"buffer {name}": buffer for name, buffer in buffers}
    taken = {name: take(value) for name, value in results.items()}
    return {"output": take(output), **taken}


def _buffers(module: Any, kwargs: dict[str, Any]) -> list[tuple[str, Any]]:
    """The buffers that are not merely constructor arguments, as class weights are."""
    return [(n, b) for n, b in module.named_buffers() if n not in kwargs]


def built(make: Callable[..., Any], question: Question, give: Give) -> Any:
    """The class, constructed as the question says, with its parameters."""
    kwargs = {k: give(v) if _is_array(v) else v for k, v in question.kwargs.items()}
    args = resolved(question.args, handmade.nn)
    module = make(*args, **{k: resolved(v, handmade.nn) for k, v in kwargs.items()})
    if state := question.state | question.buffers:
        module.to(give(np.zeros(1)))
        own = module.state_dict()
        given = {name: give(a) for name, a in state.items()}
        module.load_state_dict({**own, **given})
    if not question.training:
        module.eval()
    return module


def _module(question: Question, backend: Backend) -> Any:
    """Torch's own module for a question."""
    make = getattr(torch_ref.nn, question.name)
    args = resolved(question.args, torch_ref.nn)
    kwargs = _tensors(question.kwargs, backend)
    module = make(*args, **{k: resolved(v, torch_ref.nn) for k, v in kwargs.items()})
    module.to(backend.torch(np.zeros(1)))
    if state := question.state | question.buffers:
        own = module.state_dict()
        module.load_state_dict({**own, **_tensors(state, backend)})
    return module


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
