"""Checking f against grad_f, its gradient by hand, at several points."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

import torch_ref
from compare.check.definitions import FUNCTIONS, Definition, NotTested
from compare.check.finding import Finding, bug, raised, right, text, wrong
from compare.check.results import EPS, close, relative
from compare.check.slopes import is_kinked
from handmade.autodiff import central_difference, complex_step

FACTORS = {"factor 2": 2.0, "factor ½": 0.5, "sign": -1.0}
TORCHS = ("ReLU", "LeakyReLU", "Step", "Sigmoid", "Tanh")
"""Functions of one number that torch has, too."""
POINTS = 4
"""At so many points at least f must have a value and a gradient."""


def scalar(definition: Definition) -> Finding:
    """Compare grad_f with the derivative of f, found in three ways."""
    f, gradient = definition.make, definition.backward
    assert gradient is not None
    points = [x for x in _points(f, gradient) if _is_inside(f, x)]
    if len(points) < POINTS:
        raise NotTested("it has a value and a gradient at too few points")
    failures, largest = [], 0.0
    for x in points:
        want, is_exact = _derivative(f, x)
        got = np.asarray(gradient(_as_given(x)), dtype=float)
        if not is_exact and is_kinked(_on_arrays(f), x):
            continue  # a numerical slope says nothing at a kink
        fits = close(got, want) if is_exact else _near(got, want)
        if got.shape == want.shape and fits:
            largest = max(largest, relative(got, want))
        else:
            failures.append((x, want, got))
    cases = len(points)
    if not failures:
        if other := _unlike_torch(definition, points):
            return bug(definition, other, cases=cases)
        found = right(definition, largest, cases=cases)
        return replace(found, words=f"the gradient is f's own: {found.words}")
    x, want, got = min(failures, key=lambda failure: float(np.sum(np.abs(failure[0]))))
    return wrong(
        definition,
        _diagnosis(failures),
        definition.label,
        cases=cases,
        input=f"x = {text(x)}",
        expected=text(want),
        got=text(got),
        ulp=relative(got, want) / EPS,
    )


def _diagnosis(failures: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> str:
    if all(np.all(x == 0) for x, _, _ in failures):
        return "kink value"
    for name, factor in sorted(FACTORS.items()):
        if all(close(got, factor * want, 1e-6) for _, want, got in failures):
            return name
    return "value and gradient do not belong together"


def _unlike_torch(definition: Definition, points: list[np.ndarray]) -> str:
    """Where a function with one of torch's names has another value than torch's."""
    name = FUNCTIONS.get(definition.label, "")
    if name not in TORCHS:
        return ""
    theirs = getattr(torch_ref.nn, name)()
    for x in points:
        got = np.asarray(definition.make(_as_given(x)), dtype=float)
        want = theirs(torch.from_numpy(x.copy())).numpy()
        if not close(got, want):
            return f"at x = {text(x)} it is {text(got)}, and torch's is {text(want)}"
    return ""


def _points(
    f: Callable[..., Any], gradient: Callable[..., Any]
) -> Iterator[np.ndarray]:
    """0 and random points, of the first shape that f and its gradient take."""
    rng = np.random.default_rng(3)
    errors: list[tuple[bool, str]] = []
    for shape in ((), (2,), (3,), (1,), (4,)):
        sample = np.asarray(rng.uniform(0.1, 2, shape))
        is_valued = False
        try:
            value = np.asarray(f(_as_given(sample)))
            is_valued = True
            gradient(_as_given(sample))
        except Exception as error:
            errors.append((is_valued, raised(error)))
            continue
        if value.size == 1:
            yield np.zeros(shape)
            for scale in (2, 2, 2, 2, 5, 10):
                yield np.asarray(rng.uniform(-scale, scale, shape))
                yield np.asarray(rng.uniform(0.1, scale, shape))
            return
    words = "f and its gradient take neither a number nor 1 to 4 of them"
    # An error in the gradient says more, and so does the most frequent one.
    _, error = max(errors, key=lambda e: (e[0], errors.count(e)), default=(0, ""))
    raise NotTested(f"{words}: {error}" if error else words)


def _is_inside(f: Callable[..., Any], x: np.ndarray) -> bool:
    """Whether f is finite at x and close by: x lies inside its domain."""
    try:
        values = [f(_as_given(x + np.full(x.shape, h))) for h in (-2e-5, 0, 2e-5)]
    except Exception:
        return False
    return bool(np.all(np.isfinite(np.asarray(values, dtype=float))))


def _as_given(x: np.ndarray) -> Any:
    return float(x) if x.ndim == 0 else x.copy()


def _on_arrays(f: Callable[..., Any]) -> Callable[[np.ndarray], Any]:
    """F as a function of arrays, those without dimensions included."""
    return lambda z: f(z[()] if z.ndim == 0 else z)


def _derivative(f: Callable[..., Any], x: np.ndarray) -> tuple[np.ndarray, bool]:
    """The derivative, and whether it is exact.

    By autograd where f runs on tensors, else by a complex step, else numerically.
    """
    value = _on_arrays(f)
    numeric = central_difference(value, x, h=1e-5)
    with contextlib.suppress(Exception):
        leaf = torch.from_numpy(x.copy()).requires_grad_()
        f(leaf).backward()
        # math.exp and the like cut the graph in silence: what is left must fit.
        if leaf.grad is not None:
            exact = leaf.grad.numpy()
            if is_kinked(value, x) or _near(exact, numeric):
                return exact, True
    with contextlib.suppress(Exception):
        exact = complex_step(value, x)
        if close(exact, numeric, 1e-5):
            return exact, True
    return numeric, False


def _near(got: np.ndarray, want: np.ndarray) -> bool:
    """Whether two derivatives agree as well as numerical ones can."""
    return bool(np.all(np.abs(got - want) <= 1e-5 * (1 + np.abs(want))))
