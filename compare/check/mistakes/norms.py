"""Normalisation with one thing done wrongly: x̂ = (x − μ) / √(σ² + ε), y = w x̂ + b."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from compare.check.results import Failure
from compare.testing.reference import Results

Axes = tuple[int, ...]


def norm(
    f: Failure,
    axes: Axes = (),  # along which μ and σ² are taken, if not as usual
    running: bool = True,  # whether the running ones serve in evaluation mode
    unbiased: bool = False,  # whether σ² is the unbiased variance
    centred: bool = True,  # whether μ is subtracted
    eps: float | None = None,  # another ε
    eps_outside: bool = False,  # whether it is √σ² + ε
    power: float = 0.5,  # of σ² + ε, by which the value is divided
    **backward: Any,  # a wrong backward pass of a right forward pass: see `_gradient`
) -> Results:
    """Batch, layer and group normalisation, the gradients by the usual formulas."""
    if "output" not in f.wrong and not backward:
        return {}
    question, buffers = f.question, f.question.buffers
    x, usual, channels = _grouped(f)
    along = {"axis": axes or usual, "keepdims": True}
    mean, variance = x.mean(**along), x.var(**along)
    is_constant = running and bool(buffers) and not question.training
    if is_constant:
        mean, variance = (like(f, buffers[f"running_{k}"]) for k in ("mean", "var"))
    elif unbiased:
        n = x.size / max(mean.size, 1)
        variance = variance * n / max(n - 1, 1)
    eps = float(question.kwargs.get("eps", 1e-5) if eps is None else eps)
    divisor = (variance + (0 if eps_outside else eps)) ** power
    divisor = divisor + (eps if eps_outside else 0)
    x_hat = (x - mean * centred) / divisor
    if backward:
        return {"input gradient": _gradient(f, x_hat, divisor, is_constant, **backward)}
    own = x_hat.reshape(f.x.shape)
    weight, bias = question.state.get("weight", 1.0), question.state.get("bias", 0.0)
    return {
        **f.want,
        "output": own * like(f, weight) + like(f, bias),
        "input gradient": _gradient(f, x_hat, divisor, is_constant, axes),
        "gradient weight": (f.upstream * own).sum(axis=channels),
        "gradient bias": f.upstream.sum(axis=channels),
    }


def _gradient(
    f: Failure,
    x_hat: np.ndarray,
    divisor: np.ndarray,
    is_constant: bool,  # whether μ and σ² are those of earlier batches
    along: Axes = (),  # the axes of the means, if not the usual ones
    of_mean: float = 1.0,  # the factor of μ's gradient
    of_variance: float = 1.0,  # that of σ²'s
    weight: str = "before",  # where it is: "before" the means, "after", "twice" or ""
    divided: int = 1,  # how often it is divided by √(σ² + ε)
    spread: int = 0,  # how often σ²'s part is multiplied by it
    always: bool = False,  # whether the means are subtracted in evaluation mode, too
    sums: bool = False,  # whether sums are subtracted, not means
    shift: Any = 0.0,  # what is subtracted in addition
) -> np.ndarray:
    """(g − mean(g) − x̂ · mean(g x̂)) / √(σ² + ε), g being w ∂L/∂y."""
    w = np.ones_like(f.x) * like(f, f.question.state.get("weight", 1.0))
    w, upstream = w.reshape(x_hat.shape), f.upstream.reshape(x_hat.shape)
    g = upstream if weight in ("after", "") else upstream * w
    if is_constant and not always:
        of_mean = of_variance = 0.0

    def total(terms: np.ndarray) -> np.ndarray:
        axis = along or _grouped(f)[1]
        return (np.sum if sums else np.mean)(terms, axis=axis, keepdims=True)

    by_variance = x_hat * total(g * x_hat) * divisor**spread
    by_variance = by_variance * w if weight == "twice" else by_variance
    grad = g - of_mean * total(g) - of_variance * by_variance - shift
    grad = grad * w if weight == "after" else grad
    return (grad / divisor**divided).reshape(f.x.shape)


def _grouped(f: Failure) -> tuple[np.ndarray, Axes, Axes]:
    """The input, the axes of its statistics, and those that a weight is shared by."""
    x, question = f.x, f.question
    usual = channels = (0, *range(2, x.ndim))
    if question.name == "GroupNorm":
        x, usual = x.reshape(len(x), question.args[0], -1), (2,)
    elif question.name == "LayerNorm":
        first = x.ndim - np.size(question.args[0])
        usual, channels = tuple(range(first, x.ndim)), tuple(range(first))
    return x, usual, channels


def like(f: Failure, values: np.ndarray | float) -> np.ndarray:
    """A parameter or a running statistic, in a shape that broadcasts to x."""
    if f.question.name == "LayerNorm" or np.ndim(values) == 0:
        return np.asarray(values)
    return np.reshape(values, (1, -1, *(1,) * (f.x.ndim - 2)))


def over_channels(f: Failure, terms: np.ndarray) -> np.ndarray:
    """The sum for each entry of the weight."""
    return terms.sum(axis=_grouped(f)[2])


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


def mean_of(f: Failure, a: np.ndarray) -> np.ndarray:
    """The mean along the axes of the statistics."""
    x, usual, _ = _grouped(f)
    mean = a.reshape(x.shape).mean(axis=usual, keepdims=True)
    return np.broadcast_to(mean, x.shape).reshape(f.x.shape)


def other_axes(f: Failure) -> list[Axes]:
    """Axes along which the statistics could be taken by mistake."""
    axes = range(_grouped(f)[0].ndim)
    every = [c for n in range(1, len(axes) + 1) for c in combinations(axes, n)]
    return [c for c in every if c != _grouped(f)[1]]


def groups_in_turn(f: Failure) -> Iterator[Results]:
    """Group normalisation whose groups hold every n-th channel, or number."""
    groups, size, eps = f.question.args[0], f.x[0].size, f.question.kwargs.get("eps")
    places = np.arange(size).reshape(f.x.shape[1], -1)
    for numbers in (places, places.ravel()):
        order = np.concatenate([numbers[i::groups] for i in range(groups)]).ravel()
        rows = f.x.reshape(-1, size)[:, order].reshape(len(f.x), groups, -1)
        x_hat = rows - rows.mean(axis=2, keepdims=True)
        x_hat /= np.sqrt(rows.var(axis=2, keepdims=True) + (eps or 1e-5))
        own = x_hat.reshape(-1, size)[:, np.argsort(order)].reshape(f.x.shape)
        weight, bias = (like(f, a) for a in f.question.state.values())
        yield {"output": own * weight + bias}
