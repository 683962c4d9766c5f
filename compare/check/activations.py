"""What activations answer with a wrong slope, sum or kink; softmaxes are among them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from compare.check.failures import Failure, close
from compare.testing.reference import Question, Results, torchs


def of_activations(name: str, got: np.ndarray, failure: Failure) -> Iterator[str]:
    """What goes wrong in the slope of an activation, or of its own parameter."""
    question, upstream = failure.question, failure.answer.upstream
    if upstream is None or upstream.shape != question.inputs[0].shape:
        return
    if question.name in ("GELU", "SiLU") and name == "input gradient":
        x, value, slope = question.inputs[0], failure.want["output"], failure.want[name]
        # x · gate is the value; where x is 0, there is nothing to divide.
        gate = np.divide(value, x, out=np.full_like(x, 0.5), where=x != 0)
        if close(got, upstream * gate) or close(got, slope - upstream * gate):
            yield "product rule"
    if question.name == "Tanh" and close(got, upstream * (1 - failure.want["output"])):
        yield "square missing"
    if question.name == "Softplus" and name == "input gradient":
        beta = question.kwargs.get("beta", 1.0)
        curved = beta * question.inputs[0] <= question.kwargs.get("threshold", 20.0)
        for factor in (beta, 1 / beta):
            if close(got, failure.want[name] * np.where(curved, factor, 1)):
                yield "inner derivative"
    if question.name == "PReLU" and name == "gradient weight":
        yield from _of_shares(got, np.minimum(question.inputs[0], 0) * upstream)


def _of_shares(got: np.ndarray, terms: np.ndarray) -> Iterator[str]:
    """What the terms of the gradient of PReLU's weight were summed over."""
    if close(got, terms):
        yield "batch sum forgotten"
    for kept in range(terms.ndim):
        others = tuple(axis for axis in range(terms.ndim) if axis != kept)
        if kept != 1 and close(got, terms.sum(axis=others)):
            yield "wrong axis"


def of_axes(name: str, got: np.ndarray, failure: Failure) -> Iterator[str]:
    """Softmaxes and their sums along another dimension than the one asked for."""
    for other in _other_axes(failure):
        if name in other and close(got, other[name]):
            yield "wrong axis"


def _other_axes(failure: Failure) -> Iterator[Results]:
    question, x = failure.question, failure.question.inputs[0]
    target_is_index = question.inputs[-1].ndim == 1
    if question.name in ("Softmax", "LogSoftmax"):
        for dim in range(x.ndim):
            kwargs = {**question.kwargs, "dim": dim}
            yield torchs(replace(question, kwargs=kwargs))
            yield {"input gradient": _mixed_backward(failure, dim)}
        if question.name == "Softmax":
            yield from _mixed_softmaxes(failure)
    if question.name == "CrossEntropyLoss" and x.ndim == 2 and target_is_index:
        logs = x - np.log(np.exp(x).sum(axis=0, keepdims=True))
        kwargs = {k: v for k, v in question.kwargs.items() if k != "label_smoothing"}
        inputs = (logs, *question.inputs[1:])
        nll = replace(question, name="NLLLoss", kwargs=kwargs, inputs=inputs)
        found = torchs(nll)
        g = found["input gradient"]
        yield {
            "output": found["output"],
            "input gradient": g - np.exp(logs) * g.sum(axis=0, keepdims=True),
        }
        yield {"input gradient": g - np.exp(logs) * g.sum(axis=1, keepdims=True)}


def _mixed_softmaxes(failure: Failure) -> Iterator[Results]:
    """The maximum taken along `dim`, but the sums along another dimension."""
    x, g = failure.question.inputs[0], failure.answer.upstream
    dim = failure.question.kwargs.get("dim", -1)
    for other in range(x.ndim if g is not None else 0):
        powers = np.exp(x - x.max(axis=dim, keepdims=True))
        y = powers / powers.sum(axis=other, keepdims=True)
        grad = y * (g - (g * y).sum(axis=other, keepdims=True))
        yield {"output": y, "input gradient": grad}


def _mixed_backward(failure: Failure, dim: int) -> np.ndarray:
    """The backward pass summed along `dim`, with the forward pass's own output."""
    y, g = failure.want["output"], failure.answer.upstream
    if g is None:
        return np.array(np.nan)
    if failure.question.name == "Softmax":
        return y * (g - (g * y).sum(axis=dim, keepdims=True))
    return g - np.exp(y) * g.sum(axis=dim, keepdims=True)


def only_at_kinks(failure: Failure) -> bool:
    """Whether all wrong entries stand where the function has a kink."""
    x, *others = failure.question.inputs
    ends = _ends(failure.question)
    if ends:
        kinks = np.isin(x, ends)
    elif failure.question.name == "L1Loss":
        kinks = x == others[0]
    elif failure.question.name == "HingeEmbeddingLoss":
        kinks = x == failure.question.kwargs.get("margin", 1.0)
    else:
        return False
    for name in failure.wrong:
        got, want = failure.answer.results[name], failure.want[name]
        if got.shape != kinks.shape or want.shape != kinks.shape:
            return False
        both_nan = np.isnan(got) & np.isnan(want)
        differs = ~both_nan & (np.abs(got - want) > 1e-12 * (1 + np.abs(want)))
        if np.any(differs & ~kinks):
            return False
    return True


def _ends(question: Question) -> tuple[float, ...]:
    """Where an activation has kinks."""
    if question.name == "Hardtanh":
        ends = (("min_val", -1.0), ("max_val", 1.0))
        return tuple(question.kwargs.get(name, default) for name, default in ends)
    if question.name == "ReLU6":
        return 0.0, 6.0
    kinked = question.name in ("ReLU", "LeakyReLU", "Step", "PReLU", "ELU")
    return (0.0,) if kinked else ()
