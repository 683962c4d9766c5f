"""The same question to both sides: PyTorch's answer, and that of a class under test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.testing import references
from compare.testing.case import Case, Give, resolved, rng_of

Results = dict[str, np.ndarray]
"""By name: "output", "input gradient" (unless the input is an index), "gradient <name>"
of each parameter, and "buffer <name>" of each array that the class keeps beside them,
after the forward pass."""


@dataclass(frozen=True)
class Question:
    """A drawn case: how to build a layer or a loss, and the arrays to feed it.

    Without `state`, its parameters, the class keeps its own; `buffers` are the arrays
    beside them, such as running statistics. The gradients by the first input and by
    the `further` ones are compared. Several outputs are stacked. The seed is that of
    the upstream gradient and of dropout.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)
    buffers: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: tuple[np.ndarray, ...] = ()
    seed: int = 0
    training: bool = True
    note: str = ""  # of the case
    further: dict[str, np.ndarray] = field(default_factory=dict)
    outputs: int = 1

    @property
    def of_index(self) -> bool:
        """Whether the input is an index, which has no gradient."""
        return self.inputs[0].dtype.kind != "f"

    def grad_output(self, output: np.ndarray) -> np.ndarray | None:
        """The upstream gradient: random, never all ones; None for a scalar loss."""
        if output.ndim == 0 and len(self.inputs) > 1:
            return None
        return rounded(np.random.default_rng(self.seed).normal(size=output.shape))


def drawn(case: Case) -> Question:
    """Draw a case: its inputs, arguments and parameters.

    All numbers are rounded to float32, so that both precisions get the same ones.
    """
    rng = rng_of(case)
    kwargs = {n: v(rng) if callable(v) else v for n, v in case.kwargs.items()}
    kwargs = {name: rounded(value) for name, value in kwargs.items()}
    inputs = tuple(rounded(draw(rng)) for draw in case.inputs)
    n = len(inputs) - len(case.further)
    further = dict(zip(case.further, inputs[n:], strict=True))
    plain = Question(case.name, case.args, kwargs, inputs=inputs[:n], further=further)
    plain = replace(plain, training=case.training, note=case.note, outputs=case.outputs)
    stated = with_state(plain, rng)
    return replace(stated, seed=int(rng.integers(2**32)))


def with_state(question: Any, rng: np.random.Generator) -> Any:
    """The question with drawn parameters and (positive) buffers."""
    module = _torchs_module(question, Backend("torch"))
    state = {
        name: rounded(rng.normal(size=tuple(p.shape)))
        for name, p in module.named_parameters()
    }
    buffers = {
        name: rounded(rng.uniform(0.5, 2.0, tuple(buffer.shape)))
        if buffer.is_floating_point()
        else np.asarray(3)  # batches that batch norm has counted
        for name, buffer in _buffers(module, question)
    }
    return replace(question, state=state, buffers=buffers)


def here(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in this process."""
    return function(*args)


call = here
"""How PyTorch is asked; `check` asks it in another process than a file runs in."""


def torchs(question: Question, dtype: str = "float64") -> Results:
    """PyTorch's answer, by autograd."""
    return call(_torchs_here, question, dtype)


def _torchs_here(question: Question, dtype: str) -> Results:
    backend = Backend("torch", "cpu", dtype)
    return autograds(_torchs_module(question, backend), question, backend)


def autograds(module: torch.nn.Module, question: Question, backend: Backend) -> Results:
    """The answer of any PyTorch module, by autograd."""
    x, *others = (backend.to_torch(a) for a in question.inputs)
    x.requires_grad_(not question.of_index)
    further = {name: backend.to_torch(a) for name, a in question.further.items()}
    for leaf in further.values():
        leaf.requires_grad_()
    torch_ref.manual_seed(question.seed)
    output = module(x, *others, *further.values())
    output = torch.stack(output) if question.outputs > 1 else output
    upstream = question.grad_output(to_numpy(output))
    output.backward(None if upstream is None else backend.to_torch(upstream))
    # Autograd gives None where the output does not depend on the input.
    grad = torch.zeros_like(x) if x.grad is None else x.grad
    results = _results(question, module, output, grad, to_numpy)
    return results | {f"gradient {n}": to_numpy(a.grad) for n, a in further.items()}


def found(
    make: Callable[..., Any],
    question: Question,
    give: Give,
    take: Callable[[Any], np.ndarray] = to_numpy,
) -> Results:
    """The answer of a class that keeps the forward/backward contract.

    `give` turns NumPy arrays into those of the library under test, `take` back.
    """
    module = built(make, question, give)
    handmade.manual_seed(question.seed)
    output = module(*map(give, question.inputs))
    upstream = question.grad_output(take(output))
    grad_input = module.backward(*([] if upstream is None else [give(upstream)]))
    return _results(question, module, output, grad_input, take)


def _results(
    question: Question, module: Any, output: Any, grad_input: Any, take: Any
) -> Results:
    results = {"output": output}
    results |= {} if question.of_index else {"input gradient": grad_input}
    results |= {f"gradient {n}": p.grad for n, p in module.named_parameters()}
    results |= {f"buffer {n}": b for n, b in _buffers(module, question)}
    return {name: take(value) for name, value in results.items()}


def _buffers(module: Any, question: Question) -> list[tuple[str, Any]]:
    """The buffers that are not constructor arguments, as class weights are."""
    return [(n, b) for n, b in module.named_buffers() if n not in question.kwargs]


def built(
    make: Callable[..., Any], question: Question, give: Give, nn: Any = handmade.nn
) -> Any:
    """The class as the question wants it: arguments, parameters, dtype and mode."""
    args, kwargs = resolved((question.args, question.kwargs), nn, give)
    module = make(*args, **kwargs)
    module.to(give(np.zeros(1)))
    if state := question.state | question.buffers:
        given = {name: give(array) for name, array in state.items()}
        module.load_state_dict({**module.state_dict(), **given})
    if not question.training:
        module.eval()
    return module


def _torchs_module(question: Question, backend: Backend) -> torch.nn.Module:
    home = torch_ref.nn if hasattr(torch_ref.nn, question.name) else references
    make = getattr(home, question.name)
    return built(make, question, backend.to_torch, torch_ref.nn)


def rounded(value: Any) -> Any:
    """Floating-point arrays rounded to float32, in float64; anything else unchanged."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        # In place: strides survive, which a copy would lose.
        value[...] = value.astype(np.float32)
    return value
