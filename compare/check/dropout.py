"""Checking Dropout and GaussianSample by what holds whatever they draw."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check import wording
from compare.check.arguments import spelled
from compare.check.calling import Call
from compare.check.comparison import Comparison
from compare.check.definitions import Definition, NotTested, roles
from compare.check.forms import running
from compare.check.mistakes import CONVENTIONS, MISTAKES, ways_in
from compare.check.report import Finding
from compare.check.results import EPS, close
from compare.check.signatures import defaults, taken
from compare.testing.reference import Question

Array = np.ndarray
SHAPE = (100, 100)
TOLERANCE = 1e-9
DEVIATIONS = 6
"""By so many standard deviations a mean over draws may differ from its expectation."""
KEPT = "fraction to keep in place of p"
MISMATCH = "value and gradient do not belong together"
Mistakes = Iterator[tuple[str, str]]
"""The name of each mistake ("" if it has none), and where it shows."""


def dropout(definition: Definition) -> Finding:
    """Check dropout with several p, without torch."""
    comparison, make, names = (
        Comparison(definition),
        definition.make,
        taken(definition.make),
    )
    ((own, kept),) = spelled(make, {"p": 0.2}).items()
    default, in_a_dict = defaults(make).get(own), "options" in roles([*(names or ())])
    takes_p = names is None or own in names or in_a_dict
    comparison.missing |= set() if takes_p else {"p"}
    comparison.conventions |= {KEPT: None} if kept != 0.2 else {}
    given: list[dict[str, float]] = [{"p": p} for p in (0.2, 0.0, 1.0) if takes_p]
    if isinstance(default, float) or not takes_p:
        given.insert(1, {})
    p = spelled(make, {"p": default})[own] if isinstance(default, float) else 0.5
    comparison.conventions |= {"other default": None} if p != 0.5 else {}
    x = np.random.default_rng(5).uniform(0.5, 2, SHAPE)
    x[np.random.default_rng(6).random(SHAPE) < 0.2] = 0
    for kwargs in given:
        question = Question("Dropout", kwargs=kwargs, inputs=(x,))
        definition = running(definition, question)
        _add(comparison, _dropout_mistakes(definition, question, kwargs.get("p", p)))
        if not {name for name, _ in comparison.mistakes} <= CONVENTIONS.keys():
            break
    return comparison.finding()


def sample(definition: Definition) -> Finding:
    """Check a sampler of normal distributions, without torch."""
    comparison, rng = Comparison(definition), np.random.default_rng(5)
    x = np.concatenate([rng.normal(size=SHAPE), rng.uniform(-2, 2, SHAPE)], axis=-1)
    question = Question("GaussianSample", inputs=(x,))
    _add(comparison, _sample_mistakes(running(definition, question), question))
    return comparison.finding()


def _add(comparison: Comparison, found: Mistakes) -> None:
    comparison.cases, comparison.largest = comparison.cases + 1, EPS
    try:
        for name, where in found:
            if name not in CONVENTIONS:
                comparison.mistakes = [(name, where)]  # the others follow from it
                return
            comparison.conventions[name] = None
    except NotTested as why:
        comparison.skipped[str(why)] = []


def _dropout_mistakes(definition: Definition, question: Question, p: float) -> Mistakes:
    (x,), at = question.inputs, f"at p = {p:g}"
    y, g, grad, again = yield from _passes(definition, question, x.shape)
    known = x != 0  # where x is 0, the output does not tell what was dropped
    kept, scale = y != 0, 1 / (1 - p) if p < 1 else 1.0
    yield from _fraction_mistakes(p, kept, known, at)
    names = {"x": x, "g": g, "p": p, "kept": kept, "scale": scale}
    is_scaled_later = _is_scaled_later(definition, question, p, y, kept)
    if is_scaled_later:
        yield "scaled in evaluation mode", f"the output {at}"
        scale = names["scale"] = 1.0
    elif not close(y, kept * x * scale, TOLERANCE):
        for name in _named("output", "Dropout", y, known, **names):
            yield name, f"the output {at}"
        yield "", f"what is kept {at} is not x / (1 − p)"
    where = f"the input gradient {at}"
    if not close(grad[known], (kept * g * scale)[known], TOLERANCE):
        for name in _named("gradient", "Dropout", grad, known, **names):
            yield name, where
        is_drawn = _is_near(p, grad != 0) and np.any(((grad != 0) != kept)[known])
        yield "mask drawn afresh" if is_drawn else MISMATCH, where
    slopes = (grad / g)[~known]
    passed = np.abs(slopes - scale) < TOLERANCE
    if not np.all(passed | (slopes == 0)) or not _is_near(p, passed):
        yield "mask read from the output", f"{where}, where x = 0"
    if 0 < p < 1 and np.array_equal(kept, again != 0):
        yield "same mask in every pass", f"the output {at}"
    factor, name = 1.0, "dropout in evaluation mode"
    if is_scaled_later:
        factor, name = 1 - p, MISMATCH
    yield from _evaluation(definition, question, x, name, factor)


def _fraction_mistakes(p: float, kept: Array, known: Array, at: str) -> Mistakes:
    """Mistakes in how much is kept; whole columns may be dropped, too."""
    fraction, wanted = kept[known].mean(), f"not {1 - p:.0%}"
    if p and fraction == 1:
        yield "nothing dropped", at
    for part, axis in {"column": 0, "row": 1}.items():
        fractions = kept.mean(axis=axis, where=known)
        if 0 < p < 1 and np.all((fractions == 0) | (fractions == 1)):
            yield f"whole {part}s dropped", at
        worst = fractions[np.argmax(np.abs(fractions - fraction))]
        if not _is_near(1 - fraction, np.asarray(worst), known.sum() / fractions.size):
            yield "", f"{at} it keeps {worst:.0%} of a {part} and {wanted}"
    if 0 < p < 1 and _is_correlated((kept - fraction) * known):
        yield "units dropped together", at
    if not _is_near(p, kept[known]):
        is_reversed = _is_near(1 - p, kept[known])
        name = "p taken for the probability to keep" if is_reversed else ""
        yield name, f"{at} it keeps {fraction:.0%} and {wanted}"


def _is_scaled_later(
    definition: Definition, question: Question, p: float, y: Array, kept: Array
) -> bool:
    """Whether it is dropout as first published: x (1 − p) in evaluation mode."""
    (x,) = question.inputs
    if not p or not close(y, kept * x, TOLERANCE):
        return False
    with suppress(Exception):
        evaluated = Call(definition, replace(question, training=False)).forward()
        return close(evaluated, x * (1 - p), TOLERANCE)
    return False


def _sample_mistakes(definition: Definition, question: Question) -> Mistakes:
    """Mistakes in drawing z = μ + σ ε, s = log σ², ε standard normal."""
    (x,), where = question.inputs, "the gradient by log σ²"
    mean, s = np.split(x, 2, axis=-1)
    z, g, grad, again = yield from _passes(definition, question, mean.shape)
    noise = z - mean
    if not _is_normal(noise / np.exp(0.5 * s), s):
        if _is_normal(noise / np.exp(s), s):
            yield "log-variance read as log σ", "the output"
        yield "", "(z − μ) / σ is not standard normal, or the same for several numbers"
    by_mean, by_s = np.split(grad, 2, axis=-1)
    if not close(by_mean, g, TOLERANCE):
        yield "", "the gradient by μ is not ∂L/∂z"
    want = 0.5 * g * noise
    if not close(by_s, want, TOLERANCE):
        for name in _named("gradient", "GaussianSample", by_s, s < 9, want=want):
            yield name, where
        is_drawn = _is_normal(2 * by_s / (g * np.exp(0.5 * s)), s)
        yield "noise drawn afresh" if is_drawn else MISMATCH, where
    if close(z, again, TOLERANCE):
        yield "same noise in every pass", "the output"
    yield from _evaluation(definition, question, mean, "noise in evaluation mode")


def _passes(definition: Definition, question: Question, shape: Any) -> Any:
    """The output, its and the input's gradient, and the output of a second pass."""
    call = Call(definition, question)
    y = call.forward()
    if question.kwargs.get("p") == 1 and not np.all(np.isfinite(y)):
        raise NotTested("p = 1: the output is not finite")
    if y.shape != shape or not np.all(np.isfinite(y)):
        yield "", f"the output is not finite, or not of shape {shape}"
    grad, g = call.backward()["input gradient"], call.upstream
    if grad.shape != question.inputs[0].shape:
        yield "", f"the input gradient has shape {grad.shape}"
    for name in call.mistakes():
        yield name, "the input"
    single = replace(question, inputs=(question.inputs[0].astype(np.float32),))
    if Call(definition, single).forward().dtype != np.float32:
        yield "dtype changed", "the output"
    return y, g, grad, call.forward()


def _evaluation(
    definition: Definition,
    question: Question,
    want: Array,
    name: str,
    factor: float = 1.0,
) -> Mistakes:
    """Mistakes in evaluation mode: want and the gradient are handed on, by a factor."""
    call = Call(definition, replace(question, training=False))
    if not close(call.forward(), want * factor, TOLERANCE):
        yield name, "the output"
    try:
        grad = call.backward()["input gradient"]
    except Exception as error:
        why = f"backward in evaluation mode: {wording.raised(error)}"
        raise NotTested(why) from None
    handed_on = np.asarray(call.upstream) * factor
    if not close(grad[..., : want.shape[-1]], handed_on, TOLERANCE):
        yield name, "the input gradient"


def _named(kind: str, of: str, got: Array, known: Array, **names: Any) -> Iterator[str]:
    """The mistakes in a class that give this output or gradient, where it is known."""
    for name, way in ways_in(MISTAKES, kind, of):
        with suppress(ZeroDivisionError):
            if close(got[known], eval(way, dict(names))[known], TOLERANCE):
                yield name


def _is_near(p: float, kept: Array, number: float = 0) -> bool:
    """Whether the fraction of so many that is kept can be 1 − p."""
    deviation = np.sqrt(p * (1 - p) / (number or kept.size))
    return bool(np.abs(kept.mean() - (1 - p)) <= DEVIATIONS * deviation)


def _is_correlated(noise: Array) -> bool:
    """Whether independent numbers of mean 0 are alike at some distance."""
    products = np.fft.ifft2(np.abs(np.fft.fft2(noise)) ** 2).real
    most = DEVIATIONS * np.sqrt(2 / noise.size) * products[0, 0]
    return bool(np.any(np.abs(products.flat[1:]) > most))


def _is_normal(noise: Array, s: Array) -> bool:
    """Whether these are different standard normal numbers, whether σ < 1 or not."""
    moments = ((1, 0.0, 1.0), (2, 1.0, 2.0), (4, 3.0, 96.0))  # power, mean, variance
    return np.unique(noise).size > 0.99 * noise.size and all(
        abs(np.mean(part**power) - mean) <= DEVIATIONS * np.sqrt(variance / part.size)
        for part in (noise[s < 0], noise[s >= 0])
        for power, mean, variance in moments
    )
