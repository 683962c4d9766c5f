"""Draws from bell curves, without their random numbers: what holds for any noise."""

from collections.abc import Callable
from typing import Any

import numpy as np

from compare.check.driving import evaluate
from compare.check.failures import close
from compare.check.findings import EPS, Finding, agreed, convention
from compare.check.subjects import Subject

SHAPE = (100, 100)
DEVIATIONS = 6
"""By how many standard deviations a moment of the noise may be off."""
MOMENTS = ((1, 0.0, 1.0), (2, 1.0, 2.0), (4, 3.0, 96.0))
"""Power, mean and variance of that power of a standard normal number."""
Found = tuple[str, str] | None
"""A mistake as a name ("" if it has none) and in words."""


def sample(subject: Subject) -> Finding:
    """Judge a sampler by what holds whatever it draws; torch is not asked."""
    found = mistake(subject.make)
    if found is None:
        return agreed(subject, EPS, {"cases": 1})
    name, words = found
    if name:
        return convention(subject, name, words, {"cases": 1})
    return Finding(subject.label, subject.name, "bug", f"no known pattern: {words}")


def mistake(make: Callable[..., Any]) -> Found:
    """The first thing that is wrong."""
    module, rng = make(), np.random.default_rng(5)
    mean, s = rng.normal(size=SHAPE), rng.uniform(-2, 2, SHAPE)
    x, g = np.concatenate([mean, s], axis=-1), rng.normal(size=SHAPE)
    given = x.copy()
    z = np.array(_forward(module)(given))
    grad = np.array(module.backward(g.copy()))
    if not np.array_equal(given, x):
        return "input mutated", "the input"
    again = np.array(_forward(module)(x.copy()))
    return (
        _of_value(z, mean, s)
        or _of_gradient(grad, g, z - mean, s)
        or _of_second(z, again)
        or _of_dtype(module, x)
        or _of_evaluation(module, x, g)
    )


def _forward(module: Any) -> Callable[..., Any]:
    return getattr(module, "forward", module)


def _of_value(z: np.ndarray, mean: np.ndarray, s: np.ndarray) -> Found:
    """Whether z is μ + σ times normal noise, drawn for each number anew."""
    if z.shape != mean.shape or not np.all(np.isfinite(z)):
        return "", "the output is not finite, or not in the shape of the means"
    if _is_noise((z - mean) / np.exp(0.5 * s), s):
        return None
    if _is_noise((z - mean) / np.exp(s), s):
        return "log-variance read as log σ", "the output"
    return "", "(z − μ) / σ is not standard normal, or the same for several numbers"


def _is_noise(noise: np.ndarray, s: np.ndarray) -> bool:
    """Whether these are standard normal, under narrow and wide curves alike."""
    alone = np.unique(noise).size > 0.99 * noise.size
    return alone and all(_is_normal(noise[part]) for part in (s < 0, s >= 0))


def _is_normal(noise: np.ndarray) -> bool:
    return all(
        abs(np.mean(noise**power) - mean) <= DEVIATIONS * np.sqrt(variance / noise.size)
        for power, mean, variance in MOMENTS
    )


def _of_gradient(
    grad: np.ndarray, g: np.ndarray, moved: np.ndarray, s: np.ndarray
) -> Found:
    """Whether the gradient by s is that of the noise that was added."""
    if grad.shape != (len(g), 2 * g.shape[1]):
        return "", f"the input gradient has shape {grad.shape}"
    by_mean, by_s = np.split(grad, 2, axis=-1)
    if not close(by_mean, g):
        return "", "the gradient by μ is not ∂L/∂z"
    if close(by_s, 0.5 * g * moved):
        return None
    if not np.any(by_s):
        return "gradient of σ forgotten", "the gradient by log σ²"
    for name, factor in (("factor 2", 2), ("sign", -1), ("factor ½", 0.5)):
        if close(by_s, factor * 0.5 * g * moved):
            return name, "the gradient by log σ²"
    if _is_noise(2 * by_s / (g * np.exp(0.5 * s)), s):
        return "noise drawn afresh", "the gradient by log σ²"
    return "value and gradient do not belong together", "the gradient by log σ²"


def _of_second(z: np.ndarray, again: np.ndarray) -> Found:
    return ("", "the noise is the same in every pass") if close(z, again) else None


def _of_dtype(module: Any, x: np.ndarray) -> Found:
    single = np.asarray(_forward(module)(x.astype(np.float32)))
    return None if single.dtype == np.float32 else ("dtype changed", "the output")


def _of_evaluation(module: Any, x: np.ndarray, g: np.ndarray) -> Found:
    """Whether nothing is drawn in evaluation mode."""
    evaluate(module)
    z = np.array(_forward(module)(x.copy()))
    grad = np.array(module.backward(g.copy()))
    wanted = np.concatenate([g, np.zeros_like(g)], axis=-1)
    if np.array_equal(z, x[:, : SHAPE[1]]) and np.array_equal(grad, wanted):
        return None
    return "noise in evaluation mode", "the output or the input gradient"
