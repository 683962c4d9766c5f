"""Asking a layer or a loss of somebody's file, whatever form it was written in."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

import handmade
from compare.check.arguments import taken
from compare.check.parameters import get_gradient, set_parameters
from compare.check.subjects import COUNTS, NotCovered, Subject
from compare.testing import resolved
from compare.testing.reference import Question, Results


@dataclass(frozen=True)
class Answer:
    """What a subject made of a question.

    Args:
        results: named as in `twin.Results`.
        upstream: the gradient that its backward pass was given.
        mutated: the inputs that it changed.
    """

    results: Results
    upstream: np.ndarray | None
    mutated: tuple[str, ...] = ()


def answer(subject: Subject, question: Question, passes: int = 1) -> Answer:
    """Ask a layer or a loss; its gradients are those after `passes` passes.

    Raises:
        Exception: whatever the file raises.
    """
    given = copy.deepcopy((question.inputs, question.state))
    handmade.manual_seed(question.seed)
    asked = copy.copy(question)
    object.__setattr__(
        asked, "inputs", tuple(_same_strides(a) for a in question.inputs)
    )
    drive = _drive_functions if subject.backward else _drive_module
    results, upstream, upstream_before = drive(subject, asked, passes)
    mutated = [
        f"input {i}"
        for i, (now, then) in enumerate(zip(asked.inputs, given[0], strict=True))
        if not np.array_equal(now, then, equal_nan=True)
    ]
    if upstream is not None and not np.array_equal(upstream, upstream_before):
        mutated.append("grad_output")
    results = {name: np.array(value) for name, value in results.items()}
    return Answer(results, upstream_before, tuple(mutated))


def _drive_module(subject: Subject, question: Question, passes: int) -> Any:
    args = resolved(question.args, handmade.nn)
    kwargs = {k: resolved(v, handmade.nn) for k, v in question.kwargs.items()}
    module = subject.make(*args, **kwargs)
    inner = _inner(args)
    buffers = _own_buffers(module, question)
    for place, names in _by_place(question.state | buffers).items():
        set_parameters(_at(inner, place) if place else module, names)
    if not question.training:
        evaluate(module)
    forward = getattr(module, "forward", module)
    upstream = before = grad_input = output = None
    for _ in range(passes):
        output = forward(*question.inputs)
        upstream = _grad_output(question, output)
        before = copy.deepcopy(upstream)
        grad_input = module.backward(*([] if upstream is None else [upstream]))
    results = {"output": output, "input gradient": grad_input}
    for place, names in _by_place(question.state).items():
        for name in names:
            owner, key = module, name
            if place:
                owner, key = _at(inner, place), f"{place}.{name}"
            results[f"gradient {key}"] = get_gradient(owner, name)
    for name in buffers:
        results[f"buffer {name}"] = getattr(module, name)
    if question.of_index:
        del results["input gradient"]
    return results, upstream, before


def _inner(args: Any) -> dict[str, Any]:
    """What was given to be used inside, by the name of its place.

    Layers stand one after the other, losses in pairs with their weights.
    """
    if args and isinstance(args[0], list):
        args = [loss for _, loss in args[0]]
    return {str(i): a for i, a in enumerate(args)}


def _own_buffers(module: Any, question: Question) -> dict[str, np.ndarray]:
    """The buffers that it has to have, and a count only if it keeps one."""
    buffers = {
        name: value
        for name, value in question.buffers.items()
        if name not in COUNTS or hasattr(module, name)
    }
    by_count = "momentum" in question.kwargs and question.kwargs["momentum"] is None
    if by_count and len(buffers) < len(question.buffers):
        raise NotCovered("momentum=None without num_batches_tracked")
    return buffers


def evaluate(module: Any) -> None:
    """Put a module into evaluation mode, however it knows of it.

    Raises:
        NotCovered: it has neither `eval` nor `training`.
    """
    if hasattr(module, "eval"):
        module.eval()
    elif hasattr(module, "training"):
        module.training = False
    else:
        raise NotCovered("it has no evaluation mode: neither eval() nor training")


def _at(inner: dict[str, Any], place: str) -> Any:
    """The module at a dotted place inside the constructor's arguments."""
    first, *rest = place.split(".")
    found = inner[first]
    for name in rest:
        found = getattr(found, name)
    return found


def _by_place(state: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """The parameters of "0.weight" and the like by the inner module that has them."""
    places: dict[str, dict[str, np.ndarray]] = {}
    for name, value in state.items():
        place, _, key = name.rpartition(".")
        places.setdefault(place, {})[key] = value
    return places


def _drive_functions(subject: Subject, question: Question, passes: int) -> Any:
    inputs = [*question.inputs, *question.state.values()]
    # Whether there is a bias, the parameters say themselves.
    given = {k: v for k, v in question.kwargs.items() if k != "bias"}
    output = subject.make(*inputs, **given)
    upstream = _grad_output(question, output)
    before = copy.deepcopy(upstream)
    if subject.kind == "loss" and upstream is not None:
        raise NotCovered("reduction='none' has no place for grad_output")
    first = [] if upstream is None else [upstream]
    assert subject.backward is not None
    takes = taken(subject.backward)
    kwargs = {k: v for k, v in given.items() if takes is None or k in takes}
    gradients = subject.backward(*first, *inputs, **kwargs)
    if not question.state:
        return {"output": output, "input gradient": gradients}, upstream, before
    grad_input, *others = gradients
    results = {"output": output, "input gradient": grad_input}
    for name, gradient in zip(question.state, others, strict=True):
        results[f"gradient {name}"] = passes * gradient
    return results, upstream, before


def _grad_output(question: Question, output: Any) -> np.ndarray | None:
    upstream = question.grad_output(np.asarray(output))
    if upstream is None:
        return None
    like = np.asarray(output) if question.of_index else question.inputs[0]
    return upstream.astype(like.dtype)


def _same_strides(array: np.ndarray) -> np.ndarray:
    """A copy that lies in memory as the original does."""
    return copy.deepcopy(array) if array.flags.c_contiguous else _strided_copy(array)


def _strided_copy(array: np.ndarray) -> np.ndarray:
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)[..., ::2]
    wide[...] = array
    return wide
