"""Checking Dropout and GaussianSample by what holds whatever they draw."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from compare.check.arguments import taken
from compare.check.calling import evaluate, forward_of
from compare.check.comparison import Comparison
from compare.check.definitions import Definition
from compare.check.mistakes import CONVENTIONS, MISTAKES, ways_in
from compare.check.report import Finding
from compare.check.results import EPS, close

Array = np.ndarray
SHAPE = (100, 100)
TOLERANCE = 1e-9
DEVIATIONS = 6
"""By so many standard deviations a mean over draws may differ from its expectation."""
MISMATCH = "value and gradient do not belong together"
Mistakes = Iterator[tuple[str, str]]
"""The name of each mistake ("" if it has none), and where it shows."""


def dropout(definition: Definition) -> Finding:
    """Check dropout with several p, without torch."""
    names, comparison = taken(definition.make), Comparison(definition)
    takes_p = names is None or "p" in names
    comparison.missing |= set() if takes_p else {"p"}
    for args in [(0.2,), (), (0.0,), (1.0,)] if takes_p else [()]:
        _add(comparison, _dropout_mistakes(definition.make(*args), *args))
        if not {name for name, _ in comparison.mistakes} <= CONVENTIONS.keys():
            break
    return comparison.finding()


def sample(definition: Definition) -> Finding:
    """Check a sampler of normal distributions, without torch."""
    comparison = Comparison(definition)
    _add(comparison, _sample_mistakes(definition.make()))
    return comparison.finding()


def _add(comparison: Comparison, found: Mistakes) -> None:
    comparison.cases, comparison.largest = comparison.cases + 1, EPS
    for name, where in found:
        if name not in CONVENTIONS:
            comparison.mistakes = [(name, where)]  # the others follow from it
            return
        comparison.mistakes = [(name, where)]


def _dropout_mistakes(module: Any, p: float = 0.5) -> Mistakes:
    rng, at = np.random.default_rng(5), f"at p = {p:g}"
    x, g = rng.uniform(0.5, 2, SHAPE), rng.normal(size=SHAPE)
    x[rng.random(SHAPE) < 0.2] = 0
    y, grad, again = yield from _passes(module, x, g)
    known = x != 0  # where x is 0, the output does not tell what was dropped
    kept, scale = y != 0, 1 / (1 - p) if p < 1 else 1.0
    yield from _fraction_mistakes(p, kept, known, at)
    names = {"x": x, "g": g, "p": p, "kept": kept, "scale": scale}
    if not close(y, kept * x * scale, TOLERANCE):
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
    yield from _evaluation(module, x, g, (x, g), "dropout in evaluation mode")


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
    if not _is_near(p, kept[known]):
        is_reversed = _is_near(1 - p, kept[known])
        name = "p taken for the probability to keep" if is_reversed else ""
        yield name, f"{at} it keeps {fraction:.0%} and {wanted}"


def _sample_mistakes(module: Any) -> Mistakes:
    """Mistakes in drawing z = μ + σ ε, s = log σ², ε standard normal."""
    rng, where = np.random.default_rng(5), "the gradient by log σ²"
    mean, s = rng.normal(size=SHAPE), rng.uniform(-2, 2, SHAPE)
    x, g = np.concatenate([mean, s], axis=-1), rng.normal(size=SHAPE)
    z, grad, again = yield from _passes(module, x, g)
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
    right = mean, np.concatenate([g, np.zeros_like(g)], axis=-1)
    yield from _evaluation(module, x, g, right, "noise in evaluation mode")


def _passes(module: Any, x: Array, g: Array) -> Generator[Any, None, Any]:
    """The output, the input gradient, and the output of a second forward pass."""
    given = x.copy()
    y, grad = np.array(forward_of(module)(given)), np.array(module.backward(g.copy()))
    if not np.array_equal(given, x):
        yield "input mutated", "the input"
    if y.shape != g.shape or not np.all(np.isfinite(y)):
        yield "", f"the output is not finite, or not of shape {g.shape}"
    if grad.shape != x.shape:
        yield "", f"the input gradient has shape {grad.shape}"
    return y, grad, np.array(forward_of(module)(x.copy()))


def _evaluation(module: Any, x: Array, g: Array, right: Any, name: str) -> Mistakes:
    """Mistakes in the dtype, and in output and input gradient in evaluation mode."""
    if np.asarray(forward_of(module)(x.astype(np.float32))).dtype != np.float32:
        yield "dtype changed", "the output"
    evaluate(module)
    got = np.array(forward_of(module)(x.copy())), np.array(module.backward(g.copy()))
    for got_one, want, where in zip(
        got, right, ("output", "input gradient"), strict=True
    ):
        if not np.array_equal(got_one, want):
            yield name, f"the {where}"


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


def _is_normal(noise: Array, s: Array) -> bool:
    """Whether these are different standard normal numbers, whether σ < 1 or not."""
    moments = ((1, 0.0, 1.0), (2, 1.0, 2.0), (4, 3.0, 96.0))  # power, mean, variance
    return np.unique(noise).size > 0.99 * noise.size and all(
        abs(np.mean(part**power) - mean) <= DEVIATIONS * np.sqrt(variance / part.size)
        for part in (noise[s < 0], noise[s >= 0])
        for power, mean, variance in moments
    )
