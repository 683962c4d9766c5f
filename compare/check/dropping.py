"""Dropout without its random numbers: what holds whichever units are dropped."""

from collections.abc import Callable
from typing import Any

import numpy as np

from compare.check.arguments import taken
from compare.check.driving import evaluate
from compare.check.failures import close
from compare.check.findings import EPS, Finding, agreed, convention
from compare.check.subjects import Subject

SHAPE = (100, 100)
DEVIATIONS = 6
"""By how many standard deviations a share of kept units may be off."""


def dropout(subject: Subject) -> Finding:
    """Judge dropout by what holds whichever units are dropped; torch is not asked."""
    tried = probabilities(taken(subject.make))
    for p in tried:
        if found := mistake(subject.make, p):
            name, words = found
            if name:
                return convention(subject, name, words, {"cases": len(tried)})
            words = f"no known pattern: {words}"
            return Finding(subject.label, subject.name, "bug", words)
    skipped = [] if len(tried) > 1 else ["argument p"]
    return agreed(subject, EPS, {"cases": len(tried), "not_covered": skipped})


def probabilities(options: set[str] | None) -> list[float | None]:
    """What p is tried; None for the default, which is all that some versions take."""
    takes = options is None or "p" in options
    return [None, 0.2, 0.0, 1.0] if takes else [None]


def mistake(make: Callable[..., Any], p: float | None) -> tuple[str, str] | None:
    """The first thing that is wrong, as a name ("" if it has none) and in words."""
    module = make() if p is None else make(p)
    p = 0.5 if p is None else p
    rng = np.random.default_rng(5)
    x, g = rng.uniform(0.5, 2, SHAPE), rng.normal(size=SHAPE)
    given = x.copy()
    y = np.array(_forward(module)(given))
    grad = np.array(module.backward(g.copy()))
    if not np.array_equal(given, x):
        return "input mutated", "the input"
    again = np.array(_forward(module)(x.copy()))
    return (
        _of_value(x, y, p)
        or _of_gradient(g, grad, y != 0, p)
        or _of_second(y, again, p)
        or _of_dtype(module, x)
        or _of_evaluation(module, x, g)
    )


def _forward(module: Any) -> Callable[..., Any]:
    return getattr(module, "forward", module)


def _of_value(x: np.ndarray, y: np.ndarray, p: float) -> tuple[str, str] | None:
    """Whether a share of 1 − p is kept, times 1 / (1 − p)."""
    if y.shape != x.shape or not np.all(np.isfinite(y)):
        return "", f"at p = {p:g} the output is not finite, or not in the input's shape"
    kept = y != 0
    if found := _of_shares(kept, p):
        return "", f"at p = {p:g} {found}"
    if close(y, _scaled(x, kept, p)):
        return None
    if close(y, np.where(kept, x, 0)):
        return "dropout not scaled", f"the output at p = {p:g}"
    return "", f"at p = {p:g} what is kept is not x / (1 − p)"


def _of_shares(kept: np.ndarray, p: float) -> str:
    """What is wrong with the share that is kept: of all, or of a row or a column.

    Whoever drops whole rows or columns keeps about the right share of all.
    """
    parts = {"": kept.mean(), "a column": kept.mean(axis=0), "a row": kept.mean(axis=1)}
    for part, shares in parts.items():
        off = np.abs(shares - (1 - p))
        deviation = np.sqrt(p * (1 - p) * np.size(shares) / kept.size)
        if off.max() > DEVIATIONS * deviation:
            share = np.ravel(shares)[np.argmax(off)]
            return f"it keeps {share:.0%}{part and f' of {part}'} and not {1 - p:.0%}"
    return ""


def _scaled(values: np.ndarray, kept: np.ndarray, p: float) -> np.ndarray:
    return np.where(kept, values / (1 - p if p < 1 else 1), 0)


def _of_gradient(
    g: np.ndarray, grad: np.ndarray, kept: np.ndarray, p: float
) -> tuple[str, str] | None:
    """Whether the backward pass drops the same units and scales alike."""
    if grad.shape == g.shape and close(grad, _scaled(g, kept, p)):
        return None
    if grad.shape == g.shape and np.any((grad != 0) != kept):
        return "mask drawn afresh", f"the input gradient at p = {p:g}"
    words = f"the input gradient at p = {p:g}"
    return "value and gradient do not belong together", words


def _of_second(y: np.ndarray, again: np.ndarray, p: float) -> tuple[str, str] | None:
    if 0 < p < 1 and np.array_equal(y != 0, again != 0):
        return "", "the same units are dropped in every pass"
    return None


def _of_dtype(module: Any, x: np.ndarray) -> tuple[str, str] | None:
    single = np.asarray(_forward(module)(x.astype(np.float32)))
    return None if single.dtype == np.float32 else ("dtype changed", "the output")


def _of_evaluation(module: Any, x: np.ndarray, g: np.ndarray) -> Any:
    """Whether nothing is done in evaluation mode."""
    evaluate(module)
    y = np.array(_forward(module)(x.copy()))
    grad = np.array(module.backward(g.copy()))
    if np.array_equal(y, x) and np.array_equal(grad, g):
        return None
    return "dropout in evaluation mode", "the output or the input gradient"
