"""What somebody's file defines, driven alike whatever form it was written in."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

import handmade
from compare.cases import LAYERS, LOSSES, OPTIMIZERS, Case, resolved
from compare.twin import Question, Results

FUNCTIONS = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "hardtanh": "Hardtanh",
    "relu6": "ReLU6",
    "softplus": "Softplus",
    "silu": "SiLU",
    "gelu": "GELU",
    "step": "Step",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "linear": "Linear",
    "conv1d": "Conv1d",
    "conv2d": "Conv2d",
    "max_pool1d": "MaxPool1d",
    "max_pool2d": "MaxPool2d",
    "avg_pool1d": "AvgPool1d",
    "avg_pool2d": "AvgPool2d",
    "l1_loss": "L1Loss",
    "mse_loss": "MSELoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "multi_margin_loss": "MultiMarginLoss",
    "kl_div": "KLDivLoss",
    "nll_loss": "NLLLoss",
    "cross_entropy": "CrossEntropyLoss",
}
"""torch.nn.functional's names, and the class whose cases each is judged on."""
LOSS_NAMES = {case.name for case in LOSSES}
CASES: dict[str, list[Case]] = {}
for _case in [*LAYERS, *LOSSES, *OPTIMIZERS]:
    CASES.setdefault(_case.name, []).append(_case)


IMPLICIT = (("dim", -1),)
"""Arguments that a beginner's version may leave out although torch has no default."""


COUNTS = ("num_batches_tracked",)
"""Buffers that a beginner's version may lack: nothing is computed with them."""


EXPLICIT = ("ignore_index",)
"""Arguments whose default, too, asks for something that has to be written."""


class NotCovered(Exception):
    """The file does not take such arguments or inputs; the message names them."""


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


@dataclass(frozen=True)
class Subject:
    """One thing to check.

    Args:
        label: how the file calls it.
        name: the class of `handmade` that it stands for.
        kind: "layer", "loss", "dropout", "sample", "optimizer", "scalar",
            "rosenblatt", "descend", "newton" or "blind".
        make: the class, or the function.
        backward: the function's partner.
    """

    label: str
    name: str
    kind: str
    make: Callable[..., Any]
    backward: Callable[..., Any] | None = None

    @property
    def options(self) -> set[str] | None:
        """The keyword arguments that it takes; None if it takes any."""
        return _options(self.make)


def find(module: ModuleType) -> list[Subject]:
    """Everything in a loaded file that can be checked, in the order of definition."""
    own = {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and name[0] != "_"
    }
    return among(own)


def among(own: dict[str, Any]) -> list[Subject]:
    """Everything among these that can be checked, by its name, in their order."""
    return [s for name, value in own.items() if (s := _subject(name, value, own))]


def _subject(name: str, value: Any, own: dict[str, Any]) -> Subject | None:
    if inspect.isclass(value):
        if name == "Rosenblatt":
            return Subject(name, name, "rosenblatt", value)
        if name == "Dropout":
            return Subject(name, name, "dropout", value)
        if name == "GaussianSample":
            return Subject(name, name, "sample", value)
        if name not in CASES:
            return None
        is_optimizer = name in handmade.optim.__all__
        kind = "loss" if name in LOSS_NAMES else "layer"
        return Subject(name, name, "optimizer" if is_optimizer else kind, value)
    if not callable(value):
        return None
    if (backward := own.get(f"{name}_backward")) and name in FUNCTIONS:
        kind = "loss" if FUNCTIONS[name] in LOSS_NAMES else "layer"
        return Subject(name, FUNCTIONS[name], kind, value, backward)
    if gradient := own.get(f"grad_{name}"):
        return Subject(name, name, "scalar", value, gradient)
    if name == "descend":
        return Subject(name, name, "descend", value)
    if name == "newton_step":
        return Subject(name, name, "newton", value)
    if name == "blind_step":
        return Subject(name, name, "blind", value)
    return None


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
    options = _options(subject.backward)
    kwargs = {k: v for k, v in given.items() if options is None or k in options}
    gradients = subject.backward(*first, *inputs, **kwargs)
    if not question.state:
        return {"output": output, "input gradient": gradients}, upstream, before
    grad_input, *others = gradients
    results = {"output": output, "input gradient": grad_input}
    for name, gradient in zip(question.state, others, strict=True):
        results[f"gradient {name}"] = passes * gradient
    return results, upstream, before


def set_parameters(module: Any, state: dict[str, np.ndarray]) -> None:
    """Give a module these parameters, however it keeps its own."""
    if state and hasattr(module, "load_state_dict"):
        module.to(next(a for a in state.values() if a.dtype.kind == "f"))
        module.load_state_dict(state)
        return
    for name, value in state.items():
        if not hasattr(module, name):
            raise NotCovered(
                f"it has no parameter {name!r}; parameters are named as in torch"
            )
        own = getattr(module, name)
        if hasattr(own, "grad"):
            own.data = value.copy()
        else:
            setattr(module, name, value.copy())


def get_parameter(module: Any, name: str) -> Any:
    """A parameter, wherever the module keeps it."""
    if hasattr(module, "parameters") and name in (found := module.parameters()):
        return found[name]
    own = getattr(module, name)
    return own.data if hasattr(own, "grad") else own


def get_gradient(module: Any, name: str) -> Any:
    """A parameter's gradient, wherever the module keeps it."""
    if hasattr(module, "named_parameters"):
        own = dict(module.named_parameters()).get(name)
    else:
        for place in (f"{name}_grad", f"grad_{name}", f"d{name}", f"d_{name}"):
            if getattr(module, place, None) is not None:
                return getattr(module, place)
        own = getattr(module, name)
    if (gradient := getattr(own, "grad", None)) is None:
        raise NotCovered(
            f"the gradient of its {name} was not found after backward; call it "
            f"{name}_grad, grad_{name} or {name}.grad"
        )
    return gradient


def expressible(subject: Subject, case: Case) -> tuple[Case | None, set[str]]:
    """The case in the arguments that the subject takes, or those that it lacks."""
    takes = subject.options
    if takes is None:
        return case, set()
    default = {
        name: p.default
        for name, p in inspect.signature(_reference(case.name)).parameters.items()
    }
    kwargs = {k: v for k, v in case.kwargs.items() if k in takes}
    missing: set[str] = set()
    for name in case.kwargs.keys() - takes:
        if (name, case.kwargs[name]) in IMPLICIT:
            continue
        is_default = name in default and bool(case.kwargs[name] == default[name])
        if callable(case.kwargs[name]) or name in EXPLICIT or not is_default:
            missing.add(name)
    return None if missing else replace(case, kwargs=kwargs), missing


def _reference(name: str) -> Any:
    return getattr(handmade.nn, name, None) or getattr(handmade.optim, name)


def _options(function: Callable[..., Any]) -> set[str] | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters}


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
