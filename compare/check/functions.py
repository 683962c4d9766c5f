"""Checking f against grad_f, its gradient by hand, at several points."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import torch_ref
from compare.check import wording
from compare.check.comparison import Comparison
from compare.check.definitions import FUNCTIONS, Definition, NotTested
from compare.check.report import Finding
from compare.check.results import Answer, Failure, close
from compare.check.slopes import is_kinked
from compare.check.wording import text
from compare.testing.reference import Question
from handmade.autodiff import central_difference, complex_step

FACTORS = {"factor 2": 2.0, "factor ½": 0.5, "sign": -1.0}
TORCHS = ("ReLU", "LeakyReLU", "Step", "Sigmoid", "Tanh")
"""Functions of one number that torch has, too."""
POINTS = 4
"""At so many points at least f must have a value and a gradient."""
NEIGHBOURS = (-2e-5, 0, 2e-5)
"""So far from a point f must be finite, too: then it lies inside f's domain."""


def scalar(definition: Definition) -> Finding:
    """Compare grad_f with the derivative of f, found in three ways."""
    f, gradient = definition.make, definition.backward
    assert gradient is not None
    points = [x for x in _points(f, gradient) if _is_inside(f, x)]
    if len(points) < POINTS:
        raise NotTested("it has a value and a gradient at too few points")
    comparison = Comparison(definition)
    for x in points:
        want, is_exact = _derivative(f, x)
        got = np.asarray(gradient(_as_given(x)), dtype=float)
        if not is_exact and is_kinked(lambda z: f(z[()]), x):
            comparison.cases += 1
            continue  # a numerical slope says nothing at a kink
        fits = close(got, want) if is_exact else _near(got, want)
        wrong = () if got.shape == want.shape and fits else ("gradient",)
        results = Answer({"gradient": got})
        comparison.add(Question("", inputs=(x,)), {"gradient": want}, results, wrong)

    def shown(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
        smallest = min(failures, key=lambda f: float(np.sum(np.abs(f.x))))
        return definition.label, wording.shown([smallest])[1] | {"case": ""}

    problem, agreement = _unlike_torch(definition, points), "the gradient is f's own: "
    return comparison.finding(_diagnosis, shown, problem, agreement)


def _diagnosis(failures: list[Failure]) -> str:
    if all(np.all(f.x == 0) for f in failures):
        return "kink value"
    pairs = [(f.got["gradient"], f.want["gradient"]) for f in failures]
    for name, factor in sorted(FACTORS.items()):
        if all(close(got, factor * want, 1e-6) for got, want in pairs):
            return name
    return "value and gradient do not belong together"


def _unlike_torch(definition: Definition, points: list[np.ndarray]) -> str:
    """Where a function with one of torch's names has another value than torch's."""
    name = FUNCTIONS.get(definition.label, "")
    for x in points if name in TORCHS else ():
        got = np.asarray(definition.make(_as_given(x)), dtype=float)
        want = getattr(torch_ref.nn, name)()(torch.from_numpy(x.copy())).numpy()
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
            errors.append((is_valued, wording.raised(error)))
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
    try:
        values = [f(_as_given(x + np.full(x.shape, h))) for h in NEIGHBOURS]
    except Exception:
        return False
    return bool(np.all(np.isfinite(np.asarray(values, dtype=float))))


def _as_given(x: np.ndarray) -> Any:
    return float(x) if x.ndim == 0 else x.copy()


def _derivative(f: Callable[..., Any], x: np.ndarray) -> tuple[np.ndarray, bool]:
    """The derivative, and whether it is exact.

    By autograd where f runs on tensors, else by a complex step, else numerically.
    """

    def value(z: np.ndarray) -> Any:
        return f(z[()])  # a number, where z has no dimensions

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
