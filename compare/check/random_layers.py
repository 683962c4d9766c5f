"""Checking Dropout and GaussianSample by what holds whatever they draw."""

from collections.abc import Iterator
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
    comparison.largest = EPS
    takes_p = names is None or "p" in names
    comparison.missing |= set() if takes_p else {"p"}
    for p in [None, 0.2, 0.0, 1.0] if takes_p else [None]:
        module = definition.make() if p is None else definition.make(p)
        found = _dropout_mistakes(module, 0.5 if p is None else p)
        comparison.cases += 1
        comparison.mistakes += islice(found, 1)  # others follow from it
        if comparison.mistakes:
            break
    return comparison.finding()


def sample(definition: Definition) -> Finding:
    """Check a sampler of normal distributions, without torch."""
    comparison = Comparison(definition)
    comparison.cases, comparison.largest = 1, EPS
    comparison.mistakes += islice(_sample_mistakes(definition.make()), 1)
    return comparison.finding()


class _Passes:
    """A layer that draws, after a training step and a second forward pass."""

    def __init__(self, module: Any, x: np.ndarray, g: np.ndarray) -> None:
        self.module, self.x, self.g = module, x, g
        given = x.copy()
        self.y, self.grad = self._passes(given)
        self.mutates = not np.array_equal(given, x)
        self.again = np.array(forward_of(module)(x.copy()))

    def _passes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y = np.array(forward_of(self.module)(x))
        return y, np.array(self.module.backward(self.g.copy()))

    def first_mistakes(self) -> Mistakes:
        """A changed input, and an output that cannot be looked at further."""
        if self.mutates:
            yield "input mutated", "the input"
        if self.y.shape != self.g.shape or not np.all(np.isfinite(self.y)):
            yield "", f"the output is not finite, or not of shape {self.g.shape}"

    def last_mistakes(self, name: str, y: np.ndarray, grad: np.ndarray) -> Mistakes:
        """Another dtype, or a mistake of this name: not y and grad in evaluation."""
        single = forward_of(self.module)(self.x.astype(np.float32))
        if np.asarray(single).dtype != np.float32:
            yield "dtype changed", "the output"
        evaluate(self.module)
        if not all(map(np.array_equal, self._passes(self.x.copy()), (y, grad))):
            yield name, "the output or the input gradient"


def _dropout_mistakes(module: Any, p: float) -> Mistakes:
    rng = np.random.default_rng(5)
    x, g = rng.uniform(0.5, 2, SHAPE), rng.normal(size=SHAPE)
    layer, at = _Passes(module, x, g), f"at p = {p:g}"
    yield from layer.first_mistakes()
    kept = layer.y != 0
    scale = 1 / (1 - p) if p < 1 else 1.0
    yield from (("", f"{at} {words}") for words in _wrong_fractions(kept, 1 - p))
    if not close(layer.y, kept * x * scale, 1e-9):
        if close(layer.y, kept * x, 1e-9):
            yield "dropout not scaled", f"the output {at}"
        yield "", f"what is kept {at} is not x / (1 − p)"
    if not close(layer.grad, kept * g * scale, 1e-9):
        is_drawn = layer.grad.shape == g.shape and np.any((layer.grad != 0) != kept)
        name = "mask drawn afresh" if is_drawn else MISMATCH
        yield name, f"the input gradient {at}"
    if 0 < p < 1 and np.array_equal(kept, layer.again != 0):
        yield "", "the same units are dropped in every pass"
    yield from layer.last_mistakes("dropout in evaluation mode", x, g)


def _wrong_fractions(kept: np.ndarray, expected: float) -> Iterator[str]:
    """Which fraction of units is kept wrongly: of all, of a column or of a row.

    Whole columns may be dropped although the fraction of all is right.
    """
    for part, axis in {"": None, " of a column": 0, " of a row": 1}.items():
        fractions = np.ravel(kept.mean(axis=axis))
        differences = np.abs(fractions - expected)
        variance = expected * (1 - expected) * fractions.size / kept.size
        if differences.max() > DEVIATIONS * np.sqrt(variance):
            worst = fractions[np.argmax(differences)]
            yield f"it keeps {worst:.0%}{part} and not {expected:.0%}"


def _sample_mistakes(module: Any) -> Mistakes:
    """Mistakes in drawing z = μ + σ ε, ε standard normal."""
    rng = np.random.default_rng(5)
    mean, s = rng.normal(size=SHAPE), rng.uniform(-2, 2, SHAPE)
    x, g = np.concatenate([mean, s], axis=-1), rng.normal(size=SHAPE)
    layer = _Passes(module, x, g)
    yield from layer.first_mistakes()
    moved = layer.y - mean
    if not _is_noise(moved / np.exp(0.5 * s), s):
        if _is_noise(moved / np.exp(s), s):
            yield "log-variance read as log σ", "the output"
        yield "", "(z − μ) / σ is not standard normal, or the same for several numbers"
    yield from _gradient_mistakes(layer.grad, g, moved, s)
    if close(layer.y, layer.again, 1e-9):
        yield "", "the noise is the same in every pass"
    grad = np.concatenate([g, np.zeros_like(g)], axis=-1)
    yield from layer.last_mistakes("noise in evaluation mode", mean, grad)


def _is_noise(noise: np.ndarray, s: np.ndarray) -> bool:
    """Whether these are different standard normal numbers, whether σ < 1 or not."""
    moments = ((1, 0.0, 1.0), (2, 1.0, 2.0), (4, 3.0, 96.0))  # power, mean, variance
    return np.unique(noise).size > 0.99 * noise.size and all(
        abs(np.mean(part**power) - mean) <= DEVIATIONS * np.sqrt(variance / part.size)
        for part in (noise[s < 0], noise[s >= 0])
        for power, mean, variance in moments
    )


def _gradient_mistakes(
    grad: np.ndarray, g: np.ndarray, moved: np.ndarray, s: np.ndarray
) -> Mistakes:
    """Whether the gradient is that of the noise σ ε that was added."""
    if grad.shape != (len(g), 2 * g.shape[1]):
        yield "", f"the input gradient has shape {grad.shape}"
    by_mean, by_s = np.split(grad, 2, axis=-1)
    if not close(by_mean, g, 1e-9):
        yield "", "the gradient by μ is not ∂L/∂z"
    want = 0.5 * g * moved
    if not close(by_s, want, 1e-9):
        names = {"factor 2": 2, "sign": -1, "factor ½": 0.5}
        names["gradient of σ forgotten"] = 0
        found = [name for name, k in names.items() if close(by_s, k * want, 1e-9)]
        if not found and _is_noise(2 * by_s / (g * np.exp(0.5 * s)), s):
            found = ["noise drawn afresh"]
        yield (found or [MISMATCH])[0], "the gradient by log σ²"
