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

LOG_SIGMA = "log-variance read as log σ"
MISMATCH = "value and gradient do not belong together"


def dropout(definition: Definition) -> Finding:
    """Check dropout with several p; torch is not asked."""
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
    """Check a sampler of normal distributions; torch is not asked."""
    if found := _sample_mistake(definition.make):
        return wrong(definition, *found, cases=1)
    return right(definition, EPS, cases=1)


def _dropout_mistake(make: Callable[[], Any], p: float) -> Found:
    """The first mistake in dropout with this p."""
    rng = np.random.default_rng(5)
    x, g = rng.uniform(0.5, 2, SHAPE), rng.normal(size=SHAPE)
    module, at = make(), f" at p = {p:g}"

    def of_training(y: np.ndarray, grad: np.ndarray, again: np.ndarray) -> Found:
        if y.shape != x.shape or not np.all(np.isfinite(y)):
            return "", f"the output{at} is not finite, or not in the input's shape"
        kept = y != 0
        if found := _fraction_differs(kept, 1 - p):
            return "", f"at p = {p:g} {found}"
        if not close(y, _scaled(x, kept, p), 1e-9):
            if close(y, np.where(kept, x, 0), 1e-9):
                return "dropout not scaled", f"the output{at}"
            return "", f"what is kept{at} is not x / (1 − p)"
        if not close(grad, _scaled(g, kept, p), 1e-9):
            is_new = grad.shape == g.shape and np.any((grad != 0) != kept)
            return (
                "mask drawn afresh" if is_new else MISMATCH,
                f"the input gradient{at}",
            )
        if 0 < p < 1 and np.array_equal(kept, again != 0):
            return "", "the same units are dropped in every pass"
        return None

    return _mistake(module, x, g, of_training, ("dropout in evaluation mode", x, g))


def _fraction_differs(kept: np.ndarray, expected: float) -> str:
    """Which fraction of units is kept wrongly: of all, of a column or of a row.

    Whole columns may be dropped although the fraction of all is right.
    """
    parts = {"": kept.mean(), "a column": kept.mean(axis=0), "a row": kept.mean(axis=1)}
    for part, fractions in parts.items():
        differences = np.abs(fractions - expected)
        variance = expected * (1 - expected) * np.size(fractions) / kept.size
        if differences.max() > DEVIATIONS * np.sqrt(variance):
            worst = np.ravel(fractions)[np.argmax(differences)]
            return (
                f"it keeps {worst:.0%}{part and f' of {part}'} and not {expected:.0%}"
            )
    return ""


def _scaled(values: np.ndarray, kept: np.ndarray, p: float) -> np.ndarray:
    return np.where(kept, values / (1 - p if p < 1 else 1), 0)


def _sample_mistake(make: Callable[[], Any]) -> Found:
    """The first mistake in drawing from normal distributions."""
    rng = np.random.default_rng(5)
    mean, s = rng.normal(size=SHAPE), rng.uniform(-2, 2, SHAPE)
    x, g = np.concatenate([mean, s], axis=-1), rng.normal(size=SHAPE)

    def of_training(z: np.ndarray, grad: np.ndarray, again: np.ndarray) -> Found:
        if found := _of_value(z, mean, s) or _of_gradient(grad, g, z - mean, s):
            return found
        same = close(z, again, 1e-9)
        return ("", "the noise is the same in every pass") if same else None

    wanted = np.concatenate([g, np.zeros_like(g)], axis=-1)
    return _mistake(
        make(), x, g, of_training, ("noise in evaluation mode", mean, wanted)
    )


def _of_value(z: np.ndarray, mean: np.ndarray, s: np.ndarray) -> Found:
    """Whether z is μ + σ ε, each ε drawn anew from a standard normal distribution."""
    if z.shape != mean.shape or not np.all(np.isfinite(z)):
        return "", "the output is not finite, or not in the shape of the means"
    if _is_noise((z - mean) / np.exp(0.5 * s), s):
        return None
    if _is_noise((z - mean) / np.exp(s), s):
        return LOG_SIGMA, "the output"
    return "", "(z − μ) / σ is not standard normal, or the same for several numbers"


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


def _mistake(
    module: Any,
    x: np.ndarray,
    g: np.ndarray,
    of_training: Callable[[np.ndarray, np.ndarray, np.ndarray], Found],
    in_evaluation: tuple[str, np.ndarray, np.ndarray],
) -> Found:
    """The first mistake of a layer that draws.

    Args:
        module: the layer.
        x: its input.
        g: ∂L/∂output.
        of_training: judges an output, its gradient and a second output.
        in_evaluation: a mistake's name, and output and gradient that there must be.
    """
    given = x.copy()
    y, grad = np.array(forward_of(module)(given)), np.array(module.backward(g.copy()))
    if not np.array_equal(given, x):
        return "input mutated", "the input"
    again = np.array(forward_of(module)(x.copy()))
    if found := of_training(y, grad, again):
        return found
    if np.asarray(forward_of(module)(x.astype(np.float32))).dtype != np.float32:
        return "dtype changed", "the output"
    evaluate(module)
    y, grad = (
        np.array(forward_of(module)(x.copy())),
        np.array(module.backward(g.copy())),
    )
    name, *wanted = in_evaluation
    is_right = np.array_equal(y, wanted[0]) and np.array_equal(grad, wanted[1])
    return None if is_right else (name, "the output or the input gradient")
