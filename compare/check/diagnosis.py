"""The one mistake with a name that explains all that was answered wrongly."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from compare.check import activations, divergences, losses, norms, quantizers, windows
from compare.check.failures import Failure, close
from compare.check.repairs import REPAIRS
from compare.testing.reference import Question, Results

_SLOPES = {
    "wrong constant in the value": True,
    "value and gradient do not belong together": False,
}
"""What it says of a loss whether its gradient is the slope of its value."""


def named(
    failures: list[Failure], is_extreme: Callable[[Question], bool]
) -> str | None:
    """The one mistake that explains all failures, if there is one with a name."""
    if all(is_extreme(f.question) for f in failures):
        return "unstable form"
    if all(activations.only_at_kinks(f) for f in failures):
        return "kink value"
    ordinary = [f for f in failures if not is_extreme(f.question)]
    ordinary = [f for f in ordinary if f.question.inputs[0].size] or ordinary
    common = set(REPAIRS)
    for failure in ordinary:
        common &= set(_names(failure))
    if common >= set(_SLOPES):  # no slope could be measured
        common -= set(_SLOPES)
    ordered = [name for name in REPAIRS if name in common]
    return ordered[0] if ordered else None


def _names(failure: Failure) -> set[str]:
    """Every mistake that would explain all wrong results of one failure."""
    is_loss = failure.kind == "loss"
    apart = _of_slopes(failure) if is_loss and "output" not in failure.wrong else set()
    apart -= {"wrong constant in the value"}
    if name := losses.of_losses(failure):
        return {name} | apart
    if is_loss and failure.wrong == ("output",):
        bases = {"log base", "batch sum forgotten"}
        return bases & set(_of_result("output", failure)) or _of_slopes(failure)
    found = [set(_of_result(name, failure)) for name in failure.wrong]
    return set.intersection(*found) | apart


def _of_slopes(failure: Failure) -> set[str]:
    """What there is to say where of value and gradient only one is wrong."""
    belong, upstream = failure.belong(), failure.answer.upstream
    results, want = failure.answer.results, failure.want
    if upstream is not None and any(
        upstream.shape == results[name].shape
        and close(results[name] * upstream, want[name])
        for name in failure.wrong
    ):
        return set()  # the slope is the value's own: the upstream gradient is missing
    if "output" in failure.wrong and close(results["output"], want["output"], 1e-5):
        return set()  # too small a difference for a measured slope to show
    return {name for name, true in _SLOPES.items() if belong in (true, None)}


def _of_result(name: str, failure: Failure) -> Iterator[str]:
    got, want = failure.answer.results[name], failure.want[name]
    single = failure.kind == "loss" and losses.examples(failure.question) == 1
    if single and not np.any(np.isfinite(got)):
        yield "N/(N−1)"  # a division by 0
    if got.shape == want.shape:
        for label, factor in _factors(failure):
            if factor != 1 and close(got, factor * want):
                yield label
    if name.startswith("gradient") and want.ndim == 2 and close(got.T, want):
        yield "transposed weight gradient"
    if name == "input gradient" and windows.only_at_ties(failure.question, got, want):
        yield "gradient at ties"
    for label, others in windows.mistaken(failure.question):
        if name in others and close(got, others[name]):
            yield label
    yield from _of_sums(name, got, want, failure)
    yield from activations.of_axes(name, got, failure)
    yield from activations.of_activations(name, got, failure)
    for kind in (norms, quantizers, divergences):
        for label, other in kind.mistaken(failure.question, failure.answer.upstream):
            if name in other and close(got, other[name]):
                yield label
    if name in (other := _one_place_only(failure)) and close(got, other[name]):
        yield "repeated indices overwritten"
    if name in (other := _without_the_skip(failure)) and close(got, other[name]):
        yield "skip connection forgotten"


def _one_place_only(failure: Failure) -> Results:
    """An embedding's gradient when each index keeps that of its last place alone."""
    question, upstream = failure.question, failure.answer.upstream
    if question.name != "Embedding" or upstream is None:
        return {}
    grad = np.zeros_like(question.state["weight"])
    grad[question.inputs[0]] = upstream
    if (padding := question.kwargs.get("padding_idx")) is not None:
        grad[padding] = 0
    return {"gradient weight": grad}


def _without_the_skip(failure: Failure) -> Results:
    """A residual block's answers without the way around its layers."""
    want, upstream = failure.want, failure.answer.upstream
    if failure.question.name != "Residual" or upstream is None:
        return {}
    x = failure.question.inputs[0]
    return {
        "output": want["output"] - x,
        "input gradient": want["input gradient"] - upstream,
    }


def _factors(failure: Failure) -> Iterator[tuple[str, float]]:
    yield from (("sign", -1.0), ("factor 2", 2.0), ("factor ½", 0.5))
    yield from (("log base", 1 / math.log(2)), ("log base", 1 / math.log(10)))
    x = failure.question.inputs[0]
    if failure.kind != "loss":
        yield "1/N too often", 1 / max(1, math.prod(x.shape[:-1]))
        if failure.question.name in windows.CONVOLUTIONS:
            yield "1/N too often", 1 / max(1, len(x))
        return
    total, examples = losses.total(failure.question), losses.examples(failure.question)
    yield "1/N missing", total
    yield from (("1/N too often", 1 / n) for n in {total, examples, float(x.size)})
    yield from (("N/(N−1)", n / (n - 1)) for n in {total, examples} if n > 1)
    if failure.question.name == "GaussianKLLoss":
        yield "mean over elements instead of examples", 2 / x.shape[-1]
        return
    entries = x.size / examples
    if failure.question.inputs[1].shape == x.shape:
        yield "mean over examples instead of elements", entries
        return
    yield "mean over elements instead of examples", 1 / entries
    yield "mean over elements instead of examples", total / x.size


def _of_sums(
    name: str, got: np.ndarray, want: np.ndarray, failure: Failure
) -> Iterator[str]:
    """Sums over the examples that were left out, or taken over something else."""
    upstream = failure.answer.upstream
    if name == "gradient bias" and upstream is not None:
        if got.shape == upstream.shape and close(got, upstream):
            yield "bias gradient not summed over the batch"
        if upstream.ndim == 2 and close(got, upstream.sum(axis=1)):
            yield "wrong axis"
        if windows.positions_left(got, want, upstream):
            yield "bias gradient not summed over the positions"
    if got.ndim == want.ndim + 1 and close(got.sum(axis=0), want):
        yield "batch sum forgotten"
        if name == "gradient bias":
            yield "bias gradient not summed over the batch"
    x = failure.question.inputs[0]
    if got.shape == want.shape and x.ndim and len(x) > 1:
        for row in (0, -1):
            if name.startswith("gradient") and close(got, _of_row(failure, name, row)):
                yield "batch sum forgotten"


def _of_row(failure: Failure, name: str, row: int) -> np.ndarray:
    """A linear layer's parameter gradient by one example alone."""
    upstream, x = failure.answer.upstream, failure.question.inputs[0]
    if upstream is None or upstream.ndim != 2 or x.ndim != 2:
        return np.array(np.nan)
    if name == "gradient bias":
        return upstream[row]
    return np.outer(upstream[row], x[row])
