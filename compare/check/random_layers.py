"""Checking Dropout and GaussianSample by what holds whatever they draw."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from compare.check.adapters import evaluate, forward_of
from compare.check.arguments import taken
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
    kept, at = y != 0, f"at p = {p:g}"
    scale = 1 / (1 - p) if p < 1 else 1.0
    # Whole columns may be dropped although the fraction of all is right.
    for part, axis in {"": None, " of a column": 0, " of a row": 1}.items():
        fractions = np.ravel(kept.mean(axis=axis))
        differences = np.abs(fractions - (1 - p))
        if differences.max() > DEVIATIONS * np.sqrt(
            p * (1 - p) * fractions.size / y.size
        ):
            worst = fractions[np.argmax(differences)]
            yield "", f"{at} it keeps {worst:.0%}{part} and not {1 - p:.0%}"
    if not close(y, kept * x * scale, 1e-9):
        if close(y, kept * x, 1e-9):
            yield "dropout not scaled", f"the output {at}"
        yield "", f"what is kept {at} is not x / (1 − p)"
    if not close(grad, kept * g * scale, 1e-9):
        is_drawn = grad.shape == g.shape and np.any((grad != 0) != kept)
        name = "mask drawn afresh" if is_drawn else MISMATCH
        yield name, f"the input gradient {at}"
    if 0 < p < 1 and np.array_equal(kept, again != 0):
        yield "", "the same units are dropped in every pass"


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
        yield "", "the noise is the same in every pass"


def _is_normal(noise: np.ndarray, s: np.ndarray) -> bool:
    """Whether these are different standard normal numbers, whether σ < 1 or not."""
    moments = ((1, 0.0, 1.0), (2, 1.0, 2.0), (4, 3.0, 96.0))  # power, mean, variance
    return np.unique(noise).size > 0.99 * noise.size and all(
        abs(np.mean(part**power) - mean) <= DEVIATIONS * np.sqrt(variance / part.size)
        for part in (noise[s < 0], noise[s >= 0])
        for power, mean, variance in moments
    )
