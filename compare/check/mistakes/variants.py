"""Wrong results that take more than a formula, for the tables of mistakes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

import handmade
from compare.check.results import Failure, close
from compare.check.slopes import is_own_gradient
from compare.testing.reference import Question, Results, built, torchs
from handmade.quantize import quantize

EPS = (*(10.0**-n for n in range(1, 17)), 2.0**-23, 2.0**-52, 1e-20, 1e-100)
"""What people add to keep away from 0."""

# -- any layer or loss -----------------------------------------------------------------


def again(f: Failure, **changes: Any) -> Results:
    """Torch's results in a test case with these changes."""
    return torchs(replace(f.question, **changes))


def torch(f: Failure, **options: Any) -> Results:
    """Torch's results with other options."""
    return again(f, kwargs={**f.question.kwargs, **options})


def without(f: Failure, *options: str) -> Results:
    """Torch's results with the defaults of options that were given."""
    others = {k: v for k, v in f.question.kwargs.items() if k not in options}
    return again(f, kwargs=others) if len(others) < len(f.question.kwargs) else {}


def times(f: Failure, factor: float) -> Results:
    """Torch's results times a factor."""
    return {name: factor * want for name, want in f.want.items()}


def scaled(f: Failure, factor: float) -> Results:
    """The same, unless the value of a loss alone is wrong."""
    return {} if factor == 1 or f.only_value else times(f, factor)


def right_but_where(f: Failure, places: np.ndarray) -> Results:
    """Torch's results, and at these places the file's."""
    return {
        name: np.where(places, f.got[name], f.want[name])
        for name in f.wrong
        if f.got[name].shape == f.want[name].shape == places.shape
    }


def upstream(f: Failure, g: np.ndarray, **changes: Any) -> Results:
    """Torch's gradients for another upstream gradient."""
    question = replace(f.question, **changes)
    found = torchs(_Upstream(**vars(question), given=g))
    return {name: a for name, a in found.items() if name != "output"}


@dataclass(frozen=True)
class _Upstream(Question):
    """The same test case with this upstream gradient."""

    given: Any = None

    def grad_output(self, output: np.ndarray) -> np.ndarray | None:
        return self.given


def gradients(f: Failure) -> dict[str, np.ndarray]:
    """The file's gradients that are wrong, by name."""
    return {name: f.got[name] for name in f.wrong if "gradient" in name}


def not_summed(f: Failure) -> Results:
    """The file's results that need only be summed over the examples to be right."""
    examples = {len(f.x), int(np.prod(f.x.shape[:-1]))} if f.x.ndim else {1}
    return {
        name: f.got[name]
        for name in f.wrong
        if f.got[name].ndim == f.want[name].ndim + 1
        and len(f.got[name]) in examples
        and close(f.got[name].sum(axis=0), f.want[name], 1e-9)
    }


def of_another_shape(f: Failure) -> Results:
    """The gradients of parameters that are right but for dimensions of length 1."""
    return {
        name: a
        for name, a in gradients(f).items()
        if name != "input gradient"
        and a.shape != f.want[name].shape
        and a.squeeze().shape == f.want[name].squeeze().shape
        and close(a.reshape(f.want[name].shape), f.want[name], 1e-9)
    }


# -- losses ----------------------------------------------------------------------------


def examples(f: Failure) -> float:
    """How many examples a loss is given: rows, or everything but the classes."""
    x, target = f.question.inputs
    if target.shape != x.shape:
        return float(target.size)
    if f.question.name == "CrossEntropyLoss":
        return float(x.size / x.shape[min(1, x.ndim - 1)])
    return float(len(x))


def divisor(f: Failure) -> float:
    """What the mean of a loss divides by; 1 if it takes none."""
    question = f.question
    if question.name == "SmoothnessPenalty":
        h, w = question.args[1]
        images = question.state["weight"].size / (h * w)
        return images * (h * (w - 1) + (h - 1) * w)
    averages = question.kwargs.get("reduction", "mean").endswith("mean")
    if not averages or question.name == "WeightedSum":
        return 1.0
    return float(torch(f, reduction="sum")["output"] / f.want["output"])


def only_a_constant_differs(f: Failure) -> bool:
    """Whether a loss has a wrong value, and a gradient that is right and its own."""
    far = f.only_value and not close(f.got["output"], f.want["output"], 1e-5)
    return far and bool(is_own_gradient(f))


def gradient_of_something_else(f: Failure) -> bool:
    """Whether of a loss and its gradient one is wrong and they differ."""
    if not f.is_loss or ("output" in f.wrong and not f.only_value):
        return False
    if f.only_value and close(f.got["output"], f.want["output"], 1e-5):
        return False  # a measured slope would not show it
    return is_own_gradient(f) is False


def differences(f: Failure, wrapped: bool = False) -> list[np.ndarray]:
    """Those of neighbouring pixels, down and across, of a smoothness penalty."""
    images = f.question.state["weight"].reshape(-1, *f.question.args[1])
    if wrapped:
        return [np.roll(images, -1, axis) - images for axis in (1, 2)]
    return [np.diff(images, axis=axis) for axis in (1, 2)]


def reduced(f: Failure, terms: np.ndarray) -> np.ndarray:
    """The value of a loss with these terms, reduced as it is asked for."""
    return terms if f.want["output"].ndim else terms.sum() / divisor(f)


def share(f: Failure) -> np.ndarray:
    """What the gradient of each term is multiplied by: ∂L/∂y, or 1/N of a mean."""
    own = f.upstream / divisor(f) if f.is_loss else f.upstream
    return own[..., None] if 0 < own.ndim < f.x.ndim else own


def probabilities(f: Failure) -> np.ndarray:
    """What a classification loss takes for probabilities."""
    if f.question.name == "BCELoss":
        return f.x
    if f.question.name == "BCEWithLogitsLoss":
        return sigmoid(f.x)
    return softmax_of(f.x, axis=min(1, f.x.ndim - 1))


def softmax_of(x: np.ndarray, axis: int = 1) -> np.ndarray:
    """The softmax along an axis."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """σ(x)."""
    return np.exp(-np.logaddexp(0, -x))


def one_hot(f: Failure) -> np.ndarray:
    """Where the right class is."""
    return np.arange(f.x.shape[1]) == f.question.inputs[1][:, None]


def all_with_all(f: Failure) -> np.ndarray:
    """The loss of every prediction with every target."""
    x, target = (a.ravel() for a in f.question.inputs)
    pairs = np.repeat(x, target.size), np.tile(target, x.size)
    return again(f, inputs=pairs)["output"]


def tip(f: Failure) -> float:
    """Where the squared part of SmoothL1Loss and HuberLoss ends."""
    return f.question.kwargs.get("beta", f.question.kwargs.get("delta", 1.0))


def bce(
    f: Failure, p: np.ndarray, q: np.ndarray, ones: Any = 1.0, zeros: Any = 1.0
) -> Results:
    """−t log p − (1 − t) log q, where q is 1 − p, and factors before the two terms."""
    target, given = f.question.inputs[1], f.question.kwargs
    ones = ones * target * _factor(given.get("pos_weight"))
    zeros = zeros * (1 - target)
    logs = np.maximum(np.log([p, q]), -100 if f.question.name == "BCELoss" else -np.inf)
    weight = _factor(given.get("weight"))
    terms = -weight * (ones * logs[0] + zeros * logs[1])
    own = probabilities(f)
    inside = 1.0 if f.question.name == "BCELoss" else own * (1 - own)
    gradient = share(f) * weight * (zeros / q - ones / p) * inside
    return {"output": reduced(f, terms), "input gradient": gradient}


def _factor(weight: np.ndarray | None) -> np.ndarray | float:
    return 1.0 if weight is None else weight


def cross_entropy(f: Failure, p: np.ndarray) -> Results:
    """Cross-entropy of these probabilities, with the gradient p − y."""
    truth = of_truth(f)
    rest = (f.want["input gradient"] - truth) / probabilities(f) * p
    return {**likelihood(f, np.log(p)), "input gradient": truth + rest}


def of_truth(f: Failure) -> np.ndarray:
    """What the target takes part in of the gradient: −y, times 1/N or ∂L/∂y."""
    return likelihood(f, f.x)["input gradient"]


def likelihood(f: Failure, logs: np.ndarray) -> Results:
    """Cross-entropy of log-probabilities, which need not be any: −Σ target · logs."""
    target, axis = f.question.inputs[1], min(1, f.x.ndim - 1)
    kwargs = {k: v for k, v in f.question.kwargs.items() if k != "label_smoothing"}
    if target.shape != f.x.shape:
        return again(f, name="NLLLoss", kwargs=kwargs, inputs=(logs, target))
    weight = kwargs.get("weight", np.ones(f.x.shape[axis]))
    target = target * weight.reshape(-1, *(1,) * (f.x.ndim - 2))
    value = reduced(f, -(target * logs).sum(axis=axis))
    return {"output": value, "input gradient": -share(f) * target}


# -- activations -----------------------------------------------------------------------


def at_kinks(f: Failure) -> np.ndarray:
    """Where the input is at a kink of an activation or a loss."""
    kwargs = f.question.kwargs
    if f.question.name == "L1Loss":
        return f.x == f.question.inputs[1]
    kinks = {name: [0.0] for name in ("ReLU", "LeakyReLU", "Step", "PReLU", "ELU")}
    kinks |= {"ReLU6": [0.0, 6.0], "HingeEmbeddingLoss": [kwargs.get("margin", 1.0)]}
    kinks["Hardtanh"] = [kwargs.get("min_val", -1.0), kwargs.get("max_val", 1.0)]
    return np.isin(f.x, kinks.get(f.question.name, []))


def softmax_backward(f: Failure, y: np.ndarray, axis: int) -> np.ndarray:
    """The gradient of Softmax or LogSoftmax, summed along an axis."""
    if f.question.name == "LogSoftmax":
        return f.upstream - np.exp(y) * f.upstream.sum(axis=axis, keepdims=True)
    return y * (f.upstream - (f.upstream * y).sum(axis=axis, keepdims=True))


def softmax(f: Failure, axis: Any, eps: float = 0.0) -> Results:
    """Softmax with the maximum along `dim` and the sums, plus ε, along another axis."""
    dim = f.question.kwargs.get("dim", -1)
    powers = np.exp(f.x - f.x.max(axis=dim, keepdims=True))
    y = powers / (powers.sum(axis=axis, keepdims=True) + eps)
    y = np.log(y) if f.question.name == "LogSoftmax" else y
    return {"output": y, "input gradient": softmax_backward(f, y, axis)}


def slope(f: Failure, at: np.ndarray) -> np.ndarray:
    """The derivative of an activation at other inputs."""
    found = again(f, inputs=(at,))["input gradient"]
    return np.divide(found, f.upstream, where=f.upstream != 0, out=np.zeros_like(found))


# -- layers ----------------------------------------------------------------------------


def flipped(kernel: np.ndarray) -> np.ndarray:
    """A kernel from its last number to its first, in every direction."""
    return np.flip(kernel, tuple(range(2, kernel.ndim))).copy()


def tied(x: np.ndarray) -> np.ndarray:
    """Where a number occurs more than once in x."""
    values, where, count = np.unique(x, return_inverse=True, return_counts=True)
    return (count > 1)[where.reshape(x.shape)] if values.size else x == x


def overlap_overwritten(f: Failure) -> Iterator[np.ndarray]:
    """Each window's gradient written over that of those before it, or behind it."""
    if f.wrong != ("input gradient",):
        return
    by_window = []
    for window in np.ndindex(f.upstream.shape[-dimensions(f) :]):
        kept = np.zeros_like(f.upstream)
        kept[(..., *window)] = f.upstream[(..., *window)]
        by_window.append(upstream(f, kept)["input gradient"])
    for ordered in (by_window, by_window[::-1]):
        written = np.zeros_like(f.x)
        for gradient in ordered:
            written = np.where(gradient != 0, gradient, written)
        yield written


def channel_axis(f: Failure) -> int:
    """The dimension of the output channels: in a convolution not the last one."""
    behind = dimensions(f) if "Conv" in f.question.name else 0
    return f.want["output"].ndim - 1 - behind


def dimensions(f: Failure) -> int:
    """Along how many dimensions windows are moved."""
    return int(f.question.name[-2])


def window_size(f: Failure) -> float:
    """How many numbers are in a window."""
    size = f.question.kwargs["kernel_size"]
    return float(np.prod(size) if np.ndim(size) else size ** dimensions(f))


def padded(f: Failure) -> np.ndarray:
    """The input, with zeros around it."""
    padding = np.broadcast_to(f.question.kwargs["padding"], dimensions(f))
    rest = [(0, 0)] * (f.x.ndim - len(padding))
    return np.pad(f.x, rest + [(p, p) for p in padding])


def padding_left(f: Failure) -> np.ndarray:
    """The first rows and columns of the padded input's gradient, or all of it."""
    kwargs = {**f.question.kwargs, "padding": 0}
    found = upstream(f, f.upstream, inputs=(padded(f),), kwargs=kwargs)
    return found["input gradient"][tuple(map(slice, f.got["input gradient"].shape))]


def at_stride_1(f: Failure) -> Results:
    """The gradients of windows that lie side by side instead of `stride` apart."""
    kwargs = {**f.question.kwargs, "stride": 1}
    side_by_side = np.zeros(again(f, kwargs=kwargs)["output"].shape)
    side_by_side[tuple(map(slice, f.upstream.shape))] = f.upstream
    return upstream(f, side_by_side, kwargs=kwargs)


def of_other_pooling(f: Failure) -> Results:
    """Torch's results with the mean for the maximum, or the other way round."""
    names = {"Max": "Avg", "Avg": "Max"}
    return again(f, name=names[f.question.name[:3]] + f.question.name[3:])


def first_windows_only(f: Failure) -> Iterator[Results]:
    """The gradients if a loop over examples, channels or windows ends too early."""
    axes = range(f.upstream.ndim)
    for first, last in ((i, j) for i in axes for j in axes if i <= j):
        kept = np.zeros_like(f.upstream)
        at = (slice(None),) * first + (0,) * (last - first + 1)
        kept[at] = f.upstream[at]
        yield upstream(f, kept)


def wrongly_reshaped(f: Failure) -> np.ndarray:
    """A pooling whose windows hold numbers that lie far apart."""
    k, n = f.question.kwargs["kernel_size"], f.x.ndim - dimensions(f)
    split = [part for size in f.x.shape[n:] for part in (k, size // k)]
    windows, axes = f.x.reshape(*f.x.shape[:n], *split), range(n, n + len(split), 2)
    pooled = np.max if "Max" in f.question.name else np.mean
    return pooled(windows, axis=tuple(axes))


def around_each_layer(f: Failure) -> Results:
    """The gradients of a Residual that adds what comes back at every layer."""
    module = built(handmade.nn.Residual, f.question, np.asarray)
    module(f.x)
    grad = f.upstream
    for layer in reversed([*module]):
        grad = grad + layer.backward(grad)
    gradients = {f"gradient {n}": p.grad for n, p in module.named_parameters()}
    return {"input gradient": grad, **gradients}


def top(f: Failure) -> int:
    """The largest level of a quantised weight."""
    bits = f.question.kwargs["bits"]
    return 1 if isinstance(bits, str) else 2 ** (bits - 1) - 1


def scale(f: Failure) -> np.ndarray:
    """The weight of level 1."""
    return quantize(f.question.state["weight"], f.question.kwargs["bits"]).scale


def levels(f: Failure) -> np.ndarray:
    """The whole numbers that the weights are rounded to."""
    return quantize(f.question.state["weight"], f.question.kwargs["bits"]).stored


def linear(f: Failure, weight: np.ndarray) -> Results:
    """A linear layer with this weight."""
    bias = f.question.state.get("bias", 0.0)
    return {"output": f.x @ weight.T + bias, "input gradient": f.upstream @ weight}


# -- running statistics ----------------------------------------------------------------


def momentum_of(f: Failure) -> float:
    """What the running statistics take of a batch's own."""
    counted = int(f.question.buffers.get("num_batches_tracked", 0))
    momentum = f.question.kwargs.get("momentum", 0.1)
    return 1 / (counted + 1) if momentum is None else momentum


def running_variance(f: Failure, of: Any) -> Results:
    """The running variance, if it takes this function of the unbiased one."""
    name, m = "buffer running_var", momentum_of(f)
    kept = (1 - m) * f.question.buffers["running_var"]
    return {**f.want, name: kept + m * of((f.want[name] - kept) / m)}


def subsets(numbers: Iterable[int]) -> list[tuple[int, ...]]:
    """Every choice of one or more of these."""
    every = [*numbers]
    return [c for n in range(len(every)) for c in combinations(every, n + 1)]
