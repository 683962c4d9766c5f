"""Checking Dropout and GaussianSample by what holds whatever they draw."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from compare.check.arguments import taken
from compare.check.calling import evaluate, forward_of
from compare.check.comparison import Comparison
from compare.check.definitions import Definition
from compare.check.report import Finding
from compare.check.results import EPS, close

SHAPE = (100, 100)
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
    for p in [None, 0.2, 0.0, 1.0] if takes_p else [None]:
        module = definition.make() if p is None else definition.make(p)
        rng = np.random.default_rng(5)
        x, g = rng.uniform(0.5, 2, SHAPE), rng.normal(size=SHAPE)
        x[rng.random(SHAPE) < 0.2] = 0
        special = partial(_dropout_mistakes, 0.5 if p is None else p, x, g)
        name = "dropout in evaluation mode"
        _check(comparison, _mistakes(module, x, g, special, name, (x, g)))
        if comparison.mistakes:
            break
    return comparison.finding()


def sample(definition: Definition) -> Finding:
    """Check a sampler of normal distributions, without torch."""
    comparison, rng = Comparison(definition), np.random.default_rng(5)
    mean, s = rng.normal(size=SHAPE), rng.uniform(-2, 2, SHAPE)
    x, g = np.concatenate([mean, s], axis=-1), rng.normal(size=SHAPE)
    special = partial(_sample_mistakes, mean, s, g)
    evaluated = mean, np.concatenate([g, np.zeros_like(g)], axis=-1)
    name, module = "noise in evaluation mode", definition.make()
    _check(comparison, _mistakes(module, x, g, special, name, evaluated))
    return comparison.finding()


def _check(comparison: Comparison, found: Mistakes) -> None:
    comparison.cases, comparison.largest = comparison.cases + 1, EPS
    comparison.mistakes += islice(found, 1)  # the others follow from it


def _mistakes(
    module: Any,
    x: np.ndarray,
    g: np.ndarray,
    special: Callable[..., Mistakes],
    name: str,
    evaluated: tuple[np.ndarray, np.ndarray],
) -> Mistakes:
    """The mistakes of a layer that draws, given x and ∂L/∂output.

    `special` finds those of one class, from the output, the input gradient and the
    output of a second pass. `name` is that of drawing in evaluation mode, too; there
    `evaluated` are the output and the input gradient.
    """

    def passes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array(forward_of(module)(x)), np.array(module.backward(g.copy()))

    given = x.copy()
    y, grad = passes(given)
    if not np.array_equal(given, x):
        yield "input mutated", "the input"
    if y.shape != g.shape or not np.all(np.isfinite(y)):
        yield "", f"the output is not finite, or not of shape {g.shape}"
    yield from special(y, grad, np.array(forward_of(module)(x.copy())))
    if np.asarray(forward_of(module)(x.astype(np.float32))).dtype != np.float32:
        yield "dtype changed", "the output"
    evaluate(module)
    if not all(map(np.array_equal, passes(x.copy()), evaluated)):
        yield name, "the output or the input gradient"


def _dropout_mistakes(p: float, *arrays: np.ndarray) -> Mistakes:
    x, g, y, grad, again = arrays
    at, scale = f"at p = {p:g}", 1 / (1 - p) if p < 1 else 1.0
    known = x != 0  # where x is 0, the output does not tell what was dropped
    kept = (y != 0)[known]
    yield from _fraction_mistakes(p, (y != 0), known, at)
    factors = {1 - p: "multiplied by 1 − p", 1.0: "dropout not scaled"}
    factors |= {1 / p: "divided by p"} if p else {}
    if not close(y[known], kept * x[known] * scale, 1e-9):
        for factor, name in factors.items():
            if close(y[known], kept * x[known] * factor, 1e-9):
                yield name, f"the output {at}"
        yield "", f"what is kept {at} is not x / (1 − p)"
    where = f"the input gradient {at}"
    if grad.shape != g.shape:
        yield "", f"{where} has shape {grad.shape}"
    want = kept * g[known] * scale
    if not close(grad[known], want, 1e-9):
        ones = [
            ("gradient is 0", 0 * g),
            ("mask missing in the gradient", g),
            ("mask missing in the gradient", g * scale),
            ("upstream gradient forgotten", (y != 0) * scale),
            ("scale missing in the gradient", (y != 0) * g),
            ("scale twice in the gradient", (y != 0) * g * scale**2),
        ]
        for name, other in ones:
            if close(grad[known], other[known], 1e-9):
                yield name, where
        is_drawn = _is_near(p, grad != 0) and np.any((grad[known] != 0) != kept)
        yield "mask drawn afresh" if is_drawn else MISMATCH, where
    slopes = (grad / g)[~known]
    passed = np.abs(slopes - scale) < 1e-9
    if not np.all(passed | (slopes == 0)) or not _is_near(p, passed):
        yield "mask read from the output", f"{where}, where x = 0"
    if 0 < p < 1 and np.array_equal(kept, (again != 0)[known]):
        yield "same mask in every pass", f"the output {at}"


def _fraction_mistakes(
    p: float, kept: np.ndarray, known: np.ndarray, at: str
) -> Mistakes:
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


def _is_near(p: float, kept: np.ndarray, number: float = 0) -> bool:
    """Whether the fraction of so many that is kept can be 1 − p."""
    deviation = np.sqrt(p * (1 - p) / (number or kept.size))
    return bool(np.abs(kept.mean() - (1 - p)) <= DEVIATIONS * deviation)


def _sample_mistakes(*arrays: np.ndarray) -> Mistakes:
    """Mistakes in drawing z = μ + σ ε, s = log σ², ε standard normal."""
    mean, s, g, z, grad, again = arrays
    noise = z - mean
    if not _is_normal(noise / np.exp(0.5 * s), s):
        if _is_normal(noise / np.exp(s), s):
            yield "log-variance read as log σ", "the output"
        yield "", "(z − μ) / σ is not standard normal, or the same for several numbers"
    if grad.shape != (len(g), 2 * g.shape[1]):
        yield "", f"the input gradient has shape {grad.shape}"
    by_mean, by_s = np.split(grad, 2, axis=-1)
    if not close(by_mean, g, 1e-9):
        yield "", "the gradient by μ is not ∂L/∂z"
    want, where = 0.5 * g * noise, "the gradient by log σ²"
    if not close(by_s, want, 1e-9):
        names = {"factor 2": 2, "sign": -1, "factor ½": 0.5}
        for name, k in {**names, "gradient of σ forgotten": 0}.items():
            if close(by_s, k * want, 1e-9):
                yield name, where
        is_drawn = _is_normal(2 * by_s / (g * np.exp(0.5 * s)), s)
        yield "noise drawn afresh" if is_drawn else MISMATCH, where
    if close(z, again, 1e-9):
        yield "same noise in every pass", "the output"


def _is_normal(noise: np.ndarray, s: np.ndarray) -> bool:
    """Whether these are different standard normal numbers, whether σ < 1 or not."""
    moments = ((1, 0.0, 1.0), (2, 1.0, 2.0), (4, 3.0, 96.0))  # power, mean, variance
    return np.unique(noise).size > 0.99 * noise.size and all(
        abs(np.mean(part**power) - mean) <= DEVIATIONS * np.sqrt(variance / part.size)
        for part in (noise[s < 0], noise[s >= 0])
        for power, mean, variance in moments
    )
