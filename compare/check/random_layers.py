"""Checking Dropout and GaussianSample by what holds whatever they draw."""

from collections.abc import Callable
from typing import Any

import numpy as np

from compare.check.adapters import evaluate, forward_of
from compare.check.arguments import taken
from compare.check.definitions import Definition
from compare.check.finding import Finding, right, wrong
from compare.check.results import EPS, close

SHAPE = (100, 100)
DEVIATIONS = 6
"""By so many standard deviations a mean over draws may differ from its expectation."""
Found = tuple[str, str] | None
"""A mistake: its name ("" if it has none), and where it shows."""
MISMATCH = "value and gradient do not belong together"


def dropout(definition: Definition) -> Finding:
    """Check dropout with several p, without torch."""
    names = taken(definition.make)
    takes_p = names is None or "p" in names
    tried = [None, 0.2, 0.0, 1.0] if takes_p else [None]
    for p in tried:
        make = definition.make if p is None else lambda p=p: definition.make(p)
        if found := _dropout_mistake(make, 0.5 if p is None else p):
            return wrong(definition, *found, cases=len(tried))
    skipped = [] if takes_p else ["argument p"]
    return right(definition, EPS, cases=len(tried), not_tested=skipped)


def sample(definition: Definition) -> Finding:
    """Check a sampler of normal distributions, without torch."""
    if found := _sample_mistake(definition.make):
        return wrong(definition, *found, cases=1)
    return right(definition, EPS, cases=1)


class _Layer:
    """A layer that draws, after a training step and a second forward pass.

    Args:
        module: the layer.
        x: its input.
        g: ∂L/∂output.
    """

    def __init__(self, module: Any, x: np.ndarray, g: np.ndarray) -> None:
        self.module, self.x, self.g = module, x, g
        given = x.copy()
        self.y, self.grad = self._passes(given)
        self.mutates = not np.array_equal(given, x)
        self.again = np.array(forward_of(module)(x.copy()))

    def _passes(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The output and the input gradient."""
        y = np.array(forward_of(self.module)(x))
        return y, np.array(self.module.backward(self.g.copy()))

    def last_mistake(self, name: str, y: np.ndarray, grad: np.ndarray) -> Found:
        """Another dtype, or a mistake of this name: not y and grad in evaluation."""
        single = forward_of(self.module)(self.x.astype(np.float32))
        if np.asarray(single).dtype != np.float32:
            return "dtype changed", "the output"
        evaluate(self.module)
        got = self._passes(self.x.copy())
        if np.array_equal(got[0], y) and np.array_equal(got[1], grad):
            return None
        return name, "the output or the input gradient"


def _dropout_mistake(make: Callable[[], Any], p: float) -> Found:
    """The first mistake in dropout with this p."""
    rng = np.random.default_rng(5)
    x, g = rng.uniform(0.5, 2, SHAPE), rng.normal(size=SHAPE)
    layer, at = _Layer(make(), x, g), f" at p = {p:g}"
    if layer.mutates:
        return "input mutated", "the input"
    if layer.y.shape != x.shape or not np.all(np.isfinite(layer.y)):
        return "", f"the output{at} is not finite, or not in the input's shape"
    kept = layer.y != 0
    if found := _wrong_fraction(kept, 1 - p):
        return "", f"at p = {p:g} {found}"
    if not close(layer.y, _scaled(x, kept, p), 1e-9):
        if close(layer.y, np.where(kept, x, 0), 1e-9):
            return "dropout not scaled", f"the output{at}"
        return "", f"what is kept{at} is not x / (1 − p)"
    if not close(layer.grad, _scaled(g, kept, p), 1e-9):
        is_drawn = layer.grad.shape == g.shape and np.any((layer.grad != 0) != kept)
        name = "mask drawn afresh" if is_drawn else MISMATCH
        return name, f"the input gradient{at}"
    if 0 < p < 1 and np.array_equal(kept, layer.again != 0):
        return "", "the same units are dropped in every pass"
    return layer.last_mistake("dropout in evaluation mode", x, g)


def _wrong_fraction(kept: np.ndarray, expected: float) -> str:
    """Which fraction of units is kept wrongly: of all, of a column or of a row.

    Whole columns may be dropped although the fraction of all is right.
    """
    parts = {"": kept.mean(), "a column": kept.mean(axis=0), "a row": kept.mean(axis=1)}
    for part, fractions in parts.items():
        differences = np.abs(fractions - expected)
        variance = expected * (1 - expected) * np.size(fractions) / kept.size
        if differences.max() > DEVIATIONS * np.sqrt(variance):
            worst = np.ravel(fractions)[np.argmax(differences)]
            of_part = part and f" of {part}"
            return f"it keeps {worst:.0%}{of_part} and not {expected:.0%}"
    return ""


def _scaled(values: np.ndarray, kept: np.ndarray, p: float) -> np.ndarray:
    return np.where(kept, values / (1 - p if p < 1 else 1), 0)


def _sample_mistake(make: Callable[[], Any]) -> Found:
    """The first mistake in drawing z = μ + σ ε, ε standard normal."""
    rng = np.random.default_rng(5)
    mean, s = rng.normal(size=SHAPE), rng.uniform(-2, 2, SHAPE)
    x, g = np.concatenate([mean, s], axis=-1), rng.normal(size=SHAPE)
    layer = _Layer(make(), x, g)
    if layer.mutates:
        return "input mutated", "the input"
    if layer.y.shape != mean.shape or not np.all(np.isfinite(layer.y)):
        return "", "the output is not finite, or not in the shape of the means"
    moved = layer.y - mean
    if not _is_noise(moved / np.exp(0.5 * s), s):
        if _is_noise(moved / np.exp(s), s):
            return "log-variance read as log σ", "the output"
        return "", "(z − μ) / σ is not standard normal, or the same for several numbers"
    if found := _of_gradient(layer.grad, g, moved, s):
        return found
    if close(layer.y, layer.again, 1e-9):
        return "", "the noise is the same in every pass"
    grad = np.concatenate([g, np.zeros_like(g)], axis=-1)
    return layer.last_mistake("noise in evaluation mode", mean, grad)


def _is_noise(noise: np.ndarray, s: np.ndarray) -> bool:
    """Whether these are different standard normal numbers, whether σ < 1 or not."""
    is_drawn_anew = np.unique(noise).size > 0.99 * noise.size
    return is_drawn_anew and all(_is_normal(noise[part]) for part in (s < 0, s >= 0))


def _is_normal(noise: np.ndarray) -> bool:
    """Whether the moments of these numbers are those of a standard normal one."""
    moments = ((1, 0.0, 1.0), (2, 1.0, 2.0), (4, 3.0, 96.0))  # power, mean, variance
    return all(
        abs(np.mean(noise**power) - mean) <= DEVIATIONS * np.sqrt(variance / noise.size)
        for power, mean, variance in moments
    )


def _of_gradient(
    grad: np.ndarray, g: np.ndarray, moved: np.ndarray, s: np.ndarray
) -> Found:
    """Whether the gradient by s is that of the noise σ ε that was added."""
    if grad.shape != (len(g), 2 * g.shape[1]):
        return "", f"the input gradient has shape {grad.shape}"
    by_mean, by_s = np.split(grad, 2, axis=-1)
    if not close(by_mean, g, 1e-9):
        return "", "the gradient by μ is not ∂L/∂z"
    want = 0.5 * g * moved
    if close(by_s, want, 1e-9):
        return None
    names = {"factor 2": 2, "sign": -1, "factor ½": 0.5, "gradient of σ forgotten": 0}
    fitting = [name for name, k in names.items() if close(by_s, k * want, 1e-9)]
    if not fitting and _is_noise(2 * by_s / (g * np.exp(0.5 * s)), s):
        fitting = ["noise drawn afresh"]
    return (fitting or [MISMATCH])[0], "the gradient by log σ²"
