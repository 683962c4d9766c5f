"""Judging a function of a number or of a few, and its gradient."""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

import torch_ref
from compare.check.failures import close
from compare.check.findings import (
    BOUND,
    EPS,
    Finding,
    agreed,
    convention,
    gap,
    raised,
    same,
    text,
)
from compare.check.subjects import FUNCTIONS, NotCovered, Subject
from compare.testing.oracles import complex_step, finite_differences


def near(got: Any, want: np.ndarray) -> bool:
    """Whether two derivatives are the same but for what numeric ones are worth."""
    return bool(np.all(np.abs(np.asarray(got) - want) <= 1e-5 * (1 + np.abs(want))))


def _kinked(f: Callable[..., Any], x: np.ndarray, h: float = 1e-5) -> bool:
    """Whether the slopes to the left and to the right of x differ."""
    for index in np.ndindex(x.shape):
        high, low = x.astype(float), x.astype(float)
        high[index] += h
        low[index] -= h
        here, right, left = (float(f(z)) for z in (x, high, low))
        if not abs((right - here) - (here - left)) <= 1e-3 * h * (1 + abs(here)):
            return True
    return False


def scalar(subject: Subject) -> Finding:
    """Judge grad_f against f's own derivative, by three oracles."""
    f, gradient = subject.make, subject.backward
    assert gradient is not None
    points = [x for x in _points(f, gradient) if _regular(f, x)]
    if len(points) < 4:
        raise NotCovered("it has a value and a gradient at too few points to judge")
    wrong, worst, factors = [], 0.0, set(_SCALES)
    at_kinks = True
    for x in points:
        want = _derivative(f, x)
        got = np.asarray(gradient(_as_given(x)), dtype=float)
        if not want[1] and _kinked(f, x):
            continue  # a numeric slope says nothing of a kink
        fits = same(got, want[0], BOUND) if want[1] else near(got, want[0])
        if got.shape == want[0].shape and fits:
            worst = max(worst, gap(got, want[0]))
            continue
        wrong.append((x, want[0], got))
        at_kinks &= bool(np.all(x == 0))
        factors = {
            name for name in factors if close(got, _SCALES[name] * want[0], 1e-6)
        }
    about: dict[str, Any] = {"cases": len(points)}
    if not wrong:
        if odd := _unlike_torch(subject, points):
            return Finding(subject.label, subject.name, "bug", odd, **about)
        right = agreed(subject, worst, about)
        return replace(right, words=f"the gradient is f's own: {right.words}")
    name = "value and gradient do not belong together"
    if at_kinks:
        name = "kink value"
    elif factors:
        name = min(factors)
    x, want, got = min(wrong, key=lambda w: float(np.sum(np.abs(w[0]))))
    numbers = {
        "input": f"x = {text(x)}",
        "expected": text(want),
        "got": text(got),
        "ulp": gap(got, want) / EPS if got.shape == want.shape else math.inf,
    }
    return convention(subject, name, subject.label, {**about, **numbers})


def _unlike_torch(subject: Subject, points: list[np.ndarray]) -> str:
    """Where a function with one of torch's names has another value, in words."""
    name = FUNCTIONS.get(subject.label, "")
    if name not in ("ReLU", "LeakyReLU", "Step", "Sigmoid", "Tanh"):
        return ""
    theirs = getattr(torch_ref.nn, name)()
    for x in points:
        got = np.asarray(subject.make(_as_given(x)), dtype=float)
        want = theirs(torch.from_numpy(x.copy())).numpy()
        if not same(got, want, BOUND):
            return f"at x = {text(x)} it is {text(got)}, and torch's is {text(want)}"
    return ""


_SCALES = {"factor 2": 2.0, "factor ½": 0.5, "sign": -1.0}


def _points(
    f: Callable[..., Any], gradient: Callable[..., Any]
) -> Iterator[np.ndarray]:
    """Points in the fewest dimensions that both functions take: 0, and scattered."""
    rng = np.random.default_rng(3)
    why: list[tuple[bool, str]] = []
    for shape in ((), (2,), (3,), (1,), (4,)):
        sample = np.asarray(rng.uniform(0.1, 2, shape))
        try:
            value = np.asarray(f(_as_given(sample)))
        except Exception as error:
            why.append((False, raised(error)))
            continue
        try:
            gradient(_as_given(sample))
        except Exception as error:
            why.append((True, raised(error)))
            continue
        if value.size == 1:
            yield np.zeros(shape)
            for scale in (2, 2, 2, 2, 5, 10):
                yield np.asarray(rng.uniform(-scale, scale, shape))
                yield np.asarray(rng.uniform(0.1, scale, shape))
            return
    words = "f and its gradient take neither a number nor 1 to 4 of them"
    # What got as far as the gradient tells more, and so does what is raised most.
    told = max(why, key=lambda found: (found[0], why.count(found)), default=(False, ""))
    raise NotCovered(f"{words}: {told[1]}" if why else words)


def _regular(f: Callable[..., Any], x: np.ndarray) -> bool:
    """Whether x lies inside the domain of f: it is finite there and close by."""
    try:
        near_by = [f(_as_given(x + np.full(x.shape, h))) for h in (-2e-5, 0, 2e-5)]
    except Exception:
        return False
    return bool(np.all(np.isfinite(np.asarray(near_by, dtype=float))))


def _as_given(x: np.ndarray) -> Any:
    return float(x) if x.ndim == 0 else x.copy()


def _derivative(f: Callable[..., Any], x: np.ndarray) -> tuple[np.ndarray, bool]:
    """By autograd where f runs on tensors, else by complex step, else numerically."""

    def value(z: np.ndarray) -> Any:
        return f(z[()] if z.ndim == 0 else z)

    numeric = finite_differences(value, x)
    with contextlib.suppress(Exception):
        leaf = torch.from_numpy(x.copy()).requires_grad_()
        f(leaf).backward()
        # math.exp and the like cut the graph in silence: what is left must fit.
        if leaf.grad is not None and (_kinked(value, x) or near(leaf.grad, numeric)):
            return leaf.grad.numpy(), True
    with contextlib.suppress(Exception):
        exact = complex_step(value, x)
        if close(exact, numeric, 1e-5):
            return exact, True
    return numeric, False
