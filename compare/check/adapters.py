"""Calling a layer or a loss of a file, whatever form it was written in.

A class has `forward` (or can be called) and `backward`, and its parameters as
attributes or behind torch's interface; a function has a partner that returns its
gradients.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import handmade
from compare.check.arguments import taken
from compare.check.definitions import Definition, NotTested
from compare.check.results import COUNTS, Answer
from compare.testing import resolved
from compare.testing.reference import Question

Passes = tuple[Callable[..., Any], Callable[..., dict[str, Any]]]
"""From inputs to the output; from the upstream gradient to all other results."""


def answer(definition: Definition, question: Question, passes: int = 1) -> Answer:
    """Run a layer or a loss in a test case; gradients add up over `passes`.

    Raises:
        NotTested: it does not take such arguments or inputs.
        Exception: whatever the file raises.
    """
    handmade.manual_seed(question.seed)
    given = replace(question, inputs=tuple(map(_copied, question.inputs)))
    form = _functions if definition.backward else _module
    forward, backward = form(definition, given, passes)
    results: dict[str, Any] = {}
    upstream: np.ndarray | None = None
    changed: list[np.ndarray] = []
    for _ in range(passes):
        output = forward(*given.inputs)
        upstream = _grad_output(given, output)
        changed = [] if upstream is None else [upstream.copy()]
        results = {"output": output, **backward(*changed)}
    before = [*question.inputs, *([] if upstream is None else [upstream])]
    pairs = zip([*given.inputs, *changed], before, strict=True)
    mutated = not all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
    arrays = {name: np.array(value) for name, value in results.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "fiubc":
            kind = type(results[name]).__name__
            raise TypeError(f"{name} must be an array of numbers, got {kind}")
    return Answer(arrays, upstream, mutated)


def _copied(array: np.ndarray) -> np.ndarray:
    """A copy with gaps in memory where the original has gaps."""
    if array.flags.c_contiguous:
        return array.copy()
    return np.repeat(array, 2, axis=-1)[..., ::2]


def forward_of(module: Any) -> Any:
    """Its forward pass: `forward`, or the module itself."""
    return getattr(module, "forward", module)


def evaluate(module: Any) -> None:
    """Put a module into evaluation mode: by `eval()`, or by `training = False`."""
    if hasattr(module, "eval"):
        module.eval()
    elif hasattr(module, "training"):
        module.training = False
    else:
        raise NotTested("it has no evaluation mode: neither eval() nor training")


def _module(definition: Definition, question: Question, _: int) -> Passes:
    """The passes of a class: attributes or torch's interface hold its parameters."""
    args = resolved(question.args, handmade.nn)
    kwargs = {k: resolved(v, handmade.nn) for k, v in question.kwargs.items()}
    module = definition.make(*args, **kwargs)
    buffers = _own_buffers(module, question)
    for owner, _place, state in _owners(module, args, question.state | buffers):
        set_parameters(owner, state)
    if not question.training:
        evaluate(module)

    def backward(*upstream: np.ndarray) -> dict[str, Any]:
        grad_input = module.backward(*upstream)
        results = {} if question.of_index else {"input gradient": grad_input}
        for owner, place, state in _owners(module, args, question.state):
            for name in state:
                results[f"gradient {place}{name}"] = _gradient_of(owner, name)
        return results | {f"buffer {name}": getattr(module, name) for name in buffers}

    return forward_of(module), backward


def _own_buffers(module: Any, question: Question) -> dict[str, np.ndarray]:
    """The buffers that it must have, and a count of batches only if it keeps one."""
    buffers = {
        name: value
        for name, value in question.buffers.items()
        if name not in COUNTS or hasattr(module, name)
    }
    by_count = question.kwargs.get("momentum", 0) is None
    if by_count and len(buffers) < len(question.buffers):
        raise NotTested("momentum=None without num_batches_tracked")
    return buffers


def _owners(
    module: Any, args: Any, state: dict[str, np.ndarray]
) -> Iterator[tuple[Any, str, dict[str, np.ndarray]]]:
    """Each module that owns parameters, its place ("0." …), and those by name.

    Inner modules are the constructor's arguments: layers, or pairs of weight and loss.
    """
    if args and isinstance(args[0], list):
        args = [loss for _, loss in args[0]]
    places: dict[str, dict[str, np.ndarray]] = {}
    for name, value in state.items():
        place, dot, key = name.rpartition(".")
        places.setdefault(place + dot, {})[key] = value
    for place, own in places.items():
        owner = module
        for part in place.split(".")[:-1]:
            owner = args[int(part)] if owner is module else getattr(owner, part)
        yield owner, place, own


def _functions(definition: Definition, question: Question, passes: int) -> Passes:
    """The passes of a function and its partner, both given inputs and parameters."""
    assert definition.backward is not None
    grad_of, inputs = definition.backward, [*question.inputs, *question.state.values()]
    # Whether there is a bias shows in the parameters.
    given = {k: v for k, v in question.kwargs.items() if k != "bias"}
    names = taken(grad_of)
    kwargs = {k: v for k, v in given.items() if names is None or k in names}

    def backward(*upstream: np.ndarray) -> dict[str, Any]:
        if definition.kind == "loss" and upstream:
            raise NotTested("reduction='none' has no place for grad_output")
        gradients = grad_of(*upstream, *inputs, **kwargs)
        grad_input, *others = gradients if question.state else [gradients]
        named = zip(question.state, others, strict=True)
        parameters = {f"gradient {name}": passes * grad for name, grad in named}
        return {"input gradient": grad_input, **parameters}

    return lambda *_: definition.make(*inputs, **given), backward


def _grad_output(question: Question, output: Any) -> np.ndarray | None:
    upstream = question.grad_output(np.asarray(output))
    if upstream is None:
        return None
    like = np.asarray(output) if question.of_index else question.inputs[0]
    return upstream.astype(like.dtype)


# -- parameters ------------------------------------------------------------------------


def set_parameters(module: Any, state: dict[str, np.ndarray]) -> None:
    """Give a module these parameters: by `load_state_dict`, or as attributes."""
    if state and hasattr(module, "load_state_dict"):
        module.to(next(a for a in state.values() if a.dtype.kind == "f"))
        module.load_state_dict(state)
        return
    for name, value in state.items():
        if not hasattr(module, name):
            raise NotTested(
                f"it has no parameter {name!r}; parameters are named as in torch: "
                f"{_named(state)}; found: {_arrays_of(module)}"
            )
        own = getattr(module, name)
        if hasattr(own, "grad"):
            own.data = value.copy()
        else:
            setattr(module, name, value.copy())


def get_parameter(module: Any, name: str) -> Any:
    """A parameter of a module, by `parameters()` or as an attribute."""
    if hasattr(module, "parameters") and name in (found := module.parameters()):
        return found[name]
    own = getattr(module, name)
    return own.data if hasattr(own, "grad") else own


def _gradient_of(module: Any, name: str) -> Any:
    """The gradient of a parameter, under any of the names that are in use."""
    if hasattr(module, "named_parameters"):
        own = dict(module.named_parameters()).get(name)
    else:
        for place in (f"{name}_grad", f"grad_{name}", f"d{name}", f"d_{name}"):
            if getattr(module, place, None) is not None:
                return getattr(module, place)
        own = getattr(module, name)
    if (gradient := getattr(own, "grad", None)) is None:
        raise NotTested(
            f"the gradient of its {name} was not found after backward; call it "
            f"{name}_grad, grad_{name} or {name}.grad; found: {_arrays_of(module)}"
        )
    return gradient


def _arrays_of(module: Any) -> str:
    """The arrays that a module keeps, as attributes or in dicts, with their shapes."""
    kept: dict[str, Any] = {}
    for name, value in getattr(module, "__dict__", {}).items():
        if isinstance(value, dict):
            kept |= {f"{name}[{key!r}]": one for key, one in value.items()}
        else:
            kept[name] = value.data if hasattr(value, "grad") else value
    arrays = {k: v for k, v in kept.items() if isinstance(v, np.ndarray)}
    return _named(arrays) or "no arrays"


def _named(arrays: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
