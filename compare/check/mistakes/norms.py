"""Normalisation with one thing done wrongly."""

import numpy as np

from compare.check.results import Failure
from compare.testing.reference import Results


def norm(
    f: Failure,
    axes: tuple[int, ...] = (),  # along which μ and σ² are taken, if not as usual
    running: bool = True,  # whether the running ones serve in evaluation mode
    unbiased: bool = False,  # whether σ² is the unbiased variance
    eps_outside: bool = False,  # whether it is √σ² + ε
    of_mean: bool = True,  # whether the gradient of μ is there
    of_variance: bool = True,  # whether that of σ² is
) -> Results:
    """Batch, layer and group normalisation: x̂ = (x − μ) / √(σ² + ε), y = w x̂ + b."""
    x, question, buffers = f.x, f.question, f.question.buffers
    usual = channel_axes = (0, *range(2, x.ndim))
    if question.name == "GroupNorm":
        x, usual = x.reshape(len(x), question.args[0], -1), (2,)
    elif question.name == "LayerNorm":
        first = x.ndim - np.size(question.args[0])
        usual, channel_axes = tuple(range(first, x.ndim)), tuple(range(first))
    along = {"axis": axes or usual, "keepdims": True}
    mean, variance = x.mean(**along), x.var(**along)
    is_constant = running and bool(buffers) and not question.training
    if is_constant:
        mean, variance = (_like(f, buffers[f"running_{k}"]) for k in ("mean", "var"))
    elif unbiased:
        n = x.size / max(mean.size, 1)
        variance = variance * n / max(n - 1, 1)
    eps = question.kwargs.get("eps", 1e-5)
    root = np.sqrt(variance) + eps if eps_outside else np.sqrt(variance + eps)
    x_hat = (x - mean) / root
    weight, bias = question.state.get("weight", 1.0), question.state.get("bias", 0.0)
    g = grad = (f.upstream * _like(f, weight)).reshape(x.shape)
    if of_mean and not is_constant:
        grad = grad - g.mean(**along)
    if of_variance and not is_constant:
        grad = grad - x_hat * (g * x_hat).mean(**along)
    grad, x_hat = (grad / root).reshape(f.x.shape), x_hat.reshape(f.x.shape)
    return {
        **f.want,
        "output": x_hat * _like(f, weight) + _like(f, bias),
        "input gradient": grad,
        "gradient weight": (f.upstream * x_hat).sum(axis=channel_axes),
        "gradient bias": f.upstream.sum(axis=channel_axes),
    }


def _like(f: Failure, values: np.ndarray | float) -> np.ndarray:
    """A parameter or a running statistic, in a shape that broadcasts to x."""
    if f.question.name == "LayerNorm" or np.ndim(values) == 0:
        return np.asarray(values)
    return np.reshape(values, (1, -1, *(1,) * (f.x.ndim - 2)))


def momentum_of(f: Failure) -> float:
    """What the running statistics take of a batch's own."""
    counted = int(f.question.buffers.get("num_batches_tracked", 0))
    momentum = f.question.kwargs.get("momentum", 0.1)
    return 1 / (counted + 1) if momentum is None else momentum


def biased_running_variance(f: Failure) -> Results:
    """The running variance of Σ (x − μ)² / N instead of N − 1."""
    name, n = "buffer running_var", f.x.size / f.x.shape[1]
    kept = (1 - momentum_of(f)) * f.question.buffers["running_var"]
    return {**f.want, name: kept + (f.want[name] - kept) * (1 - 1 / n)}
