"""The mistakes that have a name, how each shows itself, and its one-line repair."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from compare.checking import divergences, norms, quantizers, windows
from compare.checking.driving import Answer
from compare.twin import Question, Results, torchs

REPAIRS = {
    "factor 2": "divide by 2: there is a factor 2 too many",
    "factor ½": "multiply by 2: a ½ is too many, or the 2 of the square was forgotten",
    "1/N missing": "divide the gradient (and the value) by the number that the mean "
    "divides by",
    "1/N too often": "drop one division by N: the mean is taken twice",
    "mean over examples instead of elements": "divide by the number of all elements, "
    "not of the rows",
    "mean over elements instead of examples": "divide by the number of examples, not "
    "of all entries",
    "N/(N−1)": "divide by N, not by N − 1",
    "sign": "turn the sign",
    "transposed weight gradient": "∂L/∂W = grad_outputᵀ x, in the shape of W",
    "bias gradient not summed over the batch": "sum the bias gradient over the "
    "examples: grad_output.sum(axis=0)",
    "batch sum forgotten": "sum over all examples of the batch",
    "gradient overwritten": "add to the gradient that is there instead of replacing it",
    "bias gradient not summed over the positions": "sum the bias gradient over the "
    "examples and all positions of the output, too",
    "kernel flipped": "do not turn the kernel round: y[t] = Σ w[k] · x[t + k], and "
    "∂L/∂x[t + k] gets w[k] · ∂L/∂y[t]",
    "overlap overwritten": "add where windows overlap: += instead of =",
    "stride ignored": "move by stride from one window to the next (a pooling's is its "
    "kernel_size by default), in both passes",
    "dilation ignored": "take every dilation-th number of the input, in both passes",
    "gradient at ties": "of equal largest numbers the first, row by row, gets all the "
    "gradient",
    "padding in the mean": "count the padding in what the mean divides by, unless "
    "count_include_pad=False",
    "kink value": "use torch's value exactly at the kink",
    "product rule": "(x·g)′ = g + x·g′: one of the two terms is missing",
    "inner derivative": "the inner derivative β cancels the division by β",
    "wrong axis": "sum along the other axis",
    "log base": "use the natural logarithm",
    "unstable form": "take the maximum (or the mean) out first, or use e^-|x|, so that "
    "nothing overflows or cancels at large inputs",
    "input mutated": "work on a new array: the caller's was changed",
    "dtype changed": "compute in the dtype of the input",
    "other default": "let every argument default to what it does in torch",
    "option ignored": "use every argument, in the value and in the gradient: one "
    "makes no difference",
    "weights of the sum forgotten": "multiply what goes back into each loss by its "
    "weight: loss.backward(weight)",
    "transposed cost matrix": "the row is the true class, the column the answer: "
    "cost[target]",
    "entropy of the target missing": "add the target's own Σ y log y to the value",
    "wrap-around neighbours": "compare pixels inside the image only: the last one has "
    "no neighbour behind it",
    "eps outside the root": "add eps under the root: √(v + eps), not √v + eps",
    "statistics as constants": "μ and σ² depend on x, too: subtract from g = w ∂L/∂y "
    "its mean and x̂ · mean(g x̂)",
    "gradient of the mean forgotten": "subtract the mean of g = w ∂L/∂y",
    "gradient of the variance forgotten": "subtract x̂ · mean(g x̂), g being w ∂L/∂y",
    "running statistics in training": "in training mode normalise by the batch's own "
    "mean and variance",
    "batch statistics in evaluation": "in evaluation mode normalise by the running "
    "mean and variance",
    "biased running variance": "the running variance follows the unbiased one: "
    "σ² · N/(N−1)",
    "momentum reversed": "running ← (1 − momentum) · running + momentum · new",
    "dropout not scaled": "divide what is kept by 1 − p in training mode",
    "mask drawn afresh": "keep the forward pass's mask for the backward pass",
    "dropout in evaluation mode": "return x itself in evaluation mode, neither dropped "
    "nor scaled",
    "log-variance read as log σ": "the second half holds log σ²: σ = exp(½ log σ²)",
    "gradient of σ forgotten": "z = μ + σ ε depends on log σ², too: its gradient is "
    "½ ∂L/∂z σ ε",
    "noise drawn afresh": "keep the forward pass's ε for the backward pass",
    "noise in evaluation mode": "return μ itself in evaluation mode",
    "divergence the other way round": "KL(N(μ, σ²) ‖ N(μ₀, σ₀²)): the input's curves "
    "come first",
    "repeated indices overwritten": "add up the gradients of an index that occurs more "
    "than once: np.add.at, or a one-hot product",
    "scale not applied": "multiply the whole numbers by the scale before they are used",
    "rounded towards zero": "round to the nearest whole number, of two the even one",
    "signed maximum": "the scale comes from the largest |w|, not from the largest w",
    "weights not clipped": "keep the whole numbers within −1 and 1 (of n bits: within "
    "±(2ⁿ⁻¹ − 1))",
    "weights before rounding": "∂L/∂x needs the weights that the forward pass used",
    "slope of round": "let the gradient of the used weights straight through: the "
    "slope of round itself is 0",
    "gradient clipped": "let the gradient of clipped weights through, too",
    "scale in the gradient": "the gradient of the used weights is that of the kept "
    "ones: no scale in it",
    "skip connection forgotten": "add x to f(x), and so ∂L/∂y to f's gradient",
    "momentum's first step": "the first velocity is the gradient itself",
    "dampening": "v ← momentum · v + (1 − dampening) · g",
    "nesterov": "with nesterov the step is g + momentum · v, with the new v",
    "weight decay decoupled": "add weight_decay · θ to the gradient, before velocity",
    "weight decay missing": "add weight_decay · θ to the gradient",
    "lr inside the velocity": "multiply by lr outside the velocity: θ ← θ − lr · v",
    "maximize ignored": "with maximize turn the sign of the gradient first",
    "weight decay coupled": "shrink the weights themselves by lr · weight_decay, and "
    "leave the gradient alone",
    "weight decay without lr": "shrink the weights by lr · weight_decay",
    "weight decay after the step": "shrink the weights before the step, not after it",
    "bias correction missing": "divide the averages by 1 − βᵗ: they start at 0",
    "bias correction that is not there": "leave the average as it is: only Adam and "
    "its kin correct it",
    "step counted wrongly": "the first step is number 1, for every parameter",
    "betas swapped": "the first beta is the gradient's, the second that of its square",
    "eps inside the root": "eps stands outside the root: √v + eps",
    "eps before the bias correction": "correct the averages first, then add eps: "
    "√(v / (1 − β₂ᵗ)) + eps",
    "squared gradient missing": "average the squares: v ← β v + (1 − β) g²",
    "root missing": "divide by the root of the squares, √v",
    "amsgrad": "with amsgrad keep the largest uncorrected v, and correct that",
    "momentum schedule": "μₜ = β₁ (1 − ½ · 0.96^(t · momentum_decay)), and the step "
    "ahead has μₜ₊₁",
    "centered": "when centered divide by √(v − ḡ²) + eps",
    "shares swapped": "the past keeps the share alpha (rho), the new square gets 1 − "
    "alpha",
    "lr_decay off by one": "divide lr by 1 + (t − 1) · lr_decay at step t = 1, 2, …",
    "squares not added up": "add the new square to the sum of all earlier ones",
    "initial accumulator": "let the sum start at initial_accumulator_value",
    "lr counted among the steps": "average Δ² before Δ is multiplied by lr",
    "sign change": "where the sign of the gradient turns, set it to 0 before the step, "
    "and remember that 0",
    "etas swapped": "the first eta is for a turned sign, the second for the same one",
    "step sizes without limits": "keep every step size within step_sizes",
    "gradient instead of its sign": "step by the sign of the gradient, not its size",
    "Newton–Schulz": "divide by the norm and apply a x + b x³ + c x⁵ ns_steps times, "
    "no more and no less",
    "lr adjustment": "multiply lr by √max(1, rows/columns)",
    "square missing": "the slope of tanh is 1 − y², with the square",
    "wrong constant in the value": "the gradient is right: a constant is missing in "
    "the value, or too many, perhaps in one branch only; branches must meet",
    "value and gradient do not belong together": "differentiate the very value that "
    "forward returns",
}
"""Every name that a convention can have, and how to mend it.

Of several that would explain what is seen, the first is told.
"""


_SLOPES = {
    "wrong constant in the value": True,
    "value and gradient do not belong together": False,
}
"""What it says of a loss whether its gradient is the slope of its value."""


@dataclass(frozen=True)
class Failure:
    """A question that was answered wrongly.

    Args:
        question: what was asked.
        want: torch's answer.
        answer: the one that was given.
        wrong: the names of the results that differ.
        kind: of the subject: "layer", "loss", ….
        belong: asks whether the gradients that were given are the slopes of the value
            that was given, whichever of them is wrong; None where that is not known.
    """

    question: Question
    want: Results
    answer: Answer
    wrong: tuple[str, ...]
    kind: str
    belong: Callable[[], bool | None] = lambda: None


def close(got: np.ndarray, want: np.ndarray, rtol: float = 1e-9) -> bool:
    """Whether two results are the same for a diagnosis: shape, and 9 digits."""
    if got.shape != want.shape or not np.all(np.isfinite(got)):
        return False
    size = float(np.max(np.abs(want), initial=0.0))
    return bool(np.max(np.abs(got - want), initial=0.0) <= rtol * (size or 1.0))


def named(
    failures: list[Failure], is_extreme: Callable[[Question], bool]
) -> str | None:
    """The one mistake that explains all failures, if there is one with a name."""
    if all(is_extreme(f.question) for f in failures):
        return "unstable form"
    if all(_only_at_kinks(f) for f in failures):
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
    if name := _of_losses(failure):
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


def _of_losses(failure: Failure) -> str:
    """The mistake that gives just these wrong results, if it is one of certain losses.

    Of the loss as it would be with the mistake all results are computed, not one.
    """
    for name, question in _misread(failure.question):
        wrong = torchs(question)
        if all(close(failure.answer.results[r], wrong[r]) for r in failure.wrong):
            return name
    if failure.question.name == "KLDivLoss" and failure.wrong == ("output",):
        return _of_divergence(failure)
    if failure.question.name == "SmoothnessPenalty":
        return _of_neighbours(failure)
    return ""


def _misread(question: Question) -> Iterator[tuple[str, Question]]:
    """What a loss would be asked if one of its arguments were misunderstood."""
    kwargs = question.kwargs
    for option in ("beta", "delta", "margin", "p", "log_target"):
        if option in kwargs:
            others = {k: v for k, v in kwargs.items() if k != option}
            yield "option ignored", replace(question, kwargs=others)
    if question.name == "ExpectedCostLoss":
        turned = {**kwargs, "cost": kwargs["cost"].T}
        yield "transposed cost matrix", replace(question, kwargs=turned)
    if question.name == "WeightedSum":
        plain = [(1.0, loss) for _, loss in question.args[0]]
        yield "weights of the sum forgotten", replace(question, args=(plain,))


def _of_divergence(failure: Failure) -> str:
    """A value that is the cross-entropy, of which the gradient is the same."""
    question = failure.question
    if question.kwargs.get("log_target"):
        return ""
    y = question.inputs[1]
    lost = y * np.log(np.where(y > 0, y, 1.0))
    if question.kwargs.get("reduction", "mean") != "none":
        lost = lost.sum() / _total(question)
    if close(failure.answer.results["output"] + lost, failure.want["output"]):
        return "entropy of the target missing"
    return ""


def _of_neighbours(failure: Failure) -> str:
    """Differences that go round the edge of the image."""
    weight, shape = failure.question.state["weight"], failure.question.args[1]
    images = weight.reshape(-1, *shape)
    ahead = [np.roll(images, -1, axis) - images for axis in (1, 2)]
    behind = [np.roll(images, 1, axis) - images for axis in (1, 2)]
    wrapped = {
        "output": np.sum(np.square(ahead)),
        "gradient weight": -2 * np.sum([*ahead, *behind], axis=0).reshape(weight.shape),
    }
    for pairs in (2 * images.size, _pairs(images)):
        got = {name: pairs * failure.answer.results[name] for name in failure.wrong}
        if all(close(got[name], wrapped[name]) for name in failure.wrong):
            return "wrap-around neighbours"
    return ""


def _pairs(images: np.ndarray) -> int:
    k, h, w = images.shape
    return k * (h * (w - 1) + (h - 1) * w)


def _of_result(name: str, failure: Failure) -> Iterator[str]:
    got, want = failure.answer.results[name], failure.want[name]
    single = failure.kind == "loss" and _examples(failure.question) == 1
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
    yield from _of_axes(name, got, failure)
    yield from _of_activations(name, got, failure)
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
    total, examples = _total(failure.question), _examples(failure.question)
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


def _examples(question: Question) -> float:
    """How many examples a loss is given: rows, or everything but the classes."""
    x, target = question.inputs
    if target.shape != x.shape:
        return float(target.size)
    if question.name == "CrossEntropyLoss":
        return float(x.size / x.shape[min(1, x.ndim - 1)])
    return float(len(x))


def _total(question: Question) -> float:
    """What the mean of a loss divides by, as torch does."""
    if question.name == "SmoothnessPenalty":
        weight, shape = question.state["weight"], question.args[1]
        return float(_pairs(weight.reshape(-1, *shape)))
    averages = question.kwargs.get("reduction", "mean").endswith("mean")
    if not averages or question.name == "WeightedSum":
        return 1.0
    summed = replace(question, kwargs={**question.kwargs, "reduction": "sum"})
    return float(torchs(summed)["output"] / torchs(question)["output"])


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


def _of_activations(name: str, got: np.ndarray, failure: Failure) -> Iterator[str]:
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


def _of_axes(name: str, got: np.ndarray, failure: Failure) -> Iterator[str]:
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


def _only_at_kinks(failure: Failure) -> bool:
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
