"""Checking f against grad_f, its gradient by hand, at several points."""

import contextlib
import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from compare.check import wording
from compare.check.comparison import Comparison
from compare.check.definitions import NAMES, Definition, NotTested, roles
from compare.check.mistakes.rules import on_numpy, wrong_gradients
from compare.check.report import Finding
from compare.check.results import EPS, Answer, Failure, close
from compare.check.signatures import arguments_of, required
from compare.check.slopes import is_kinked
from compare.testing.reference import Question
from handmade.autodiff import central_difference, complex_step

FACTORS = {"factor 2": 2.0, "factor ½": 0.5, "sign": -1.0}
POINTS = 4
"""At so many points at least f must have a value and a gradient."""
H = 1e-5
Function = Callable[[Any], Any]
"""Of one number, or of an array of them."""


def function_definition(
    name: str, value: Any, own: dict[str, Any]
) -> Definition | None:
    """A function of a few numbers with its gradient or its partial derivatives."""
    if not inspect.isfunction(value) or not (inputs := required(value)):
        return None
    words, plain = NAMES["partners"], name.replace("_", "")
    names = {word + plain for word in words["before"].split()}
    names |= {plain + word for word in words["after"].split()}
    ways = f"d{name}_d", f"d{name}d", f"{name}_", "partial_"
    by = [[way + x for way in ways] for x in inputs]
    for other in own:
        is_by_x = len(by) == 1 and other in by[0]
        if other != name and (is_by_x or other.replace("_", "") in names):
            return Definition(name, name, "scalar", value, own[other])
    found = [[own[each] for each in words if each in own] for words in by]
    if len(found) < 2 or not all(found):
        return None
    partials = [first for first, *_ in found]
    return Definition(
        name, name, "scalar", value, lambda *x: [partial(*x) for partial in partials]
    )


def scalar(definition: Definition) -> Finding:
    """Compare grad_f with the derivative of f, found in three ways."""
    f, gradient = _of_array(definition.make), _gradient_of(definition)
    inside = [x for x in _points(definition, f, gradient) if _is_inside(f, x)]
    if len(inside) < POINTS:
        raise NotTested("it has a value and a gradient at too few points")
    comparison = Comparison(definition)
    is_loss = "target" in roles(arguments_of(definition.make))
    smooth: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for x in inside:
        got, (want, is_exact) = gradient(x), _derivative(f, x)
        if is_loss and got.size == 1 < want.size:
            raise NotTested(
                "its gradient is that by one of its arguments; a loss can be judged "
                "with --as MSELoss=NAME,GRADIENT"
            )
        if not is_exact and (is_kinked(f, x) or _is_steep(f, x)):
            comparison.cases += 1
            continue  # a numerical slope says nothing at a kink
        near = close if is_exact else _near_at(f, x)
        wrong = () if got.shape == want.shape and near(got, want) else ("gradient",)
        if np.all(np.isfinite(got)):
            smooth.append((x, got, want))
        question, answer = Question("", inputs=(x,)), Answer({"gradient": got})
        comparison.add(question, {"gradient": want}, answer, wrong)

    def shown(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
        smallest = min(failures, key=lambda f: float(np.sum(np.abs(f.x))))
        return definition.label, wording.shown([smallest])[1] | {"case": ""}

    def diagnosis(failures: list[Failure]) -> str:
        if all(np.all(failure.x == 0) for failure in failures):
            return "kink value"
        arrays = map(np.array, zip(*smooth, strict=True))
        return _mistake_in(definition.make, *arrays) if smooth else ""

    return comparison.finding(diagnosis, shown, agreement="the gradient is f's own: ")


def _mistake_in(
    make: Any, points: np.ndarray, got: np.ndarray, want: np.ndarray
) -> str:
    """The first mistake that leads to these gradients, one at each point."""
    if got.shape != want.shape:
        return "partial derivative missing" if got.size < want.size else ""
    if not np.any(got):
        return "gradient 0"
    if np.max(np.abs(got - want)) <= 1e-4 * np.max(np.abs(want)):
        return "numerical derivative"
    for name, wrong, *tolerance in _wrong(make, points, got, want):
        most = (tolerance or [1e-5])[0] * (np.abs(wrong) + 1e-3)
        if np.all(np.abs(got - wrong) <= most):
            return name
    return "value and gradient do not belong together"


def _wrong(make: Any, points: np.ndarray, got: Any, want: Any) -> Iterator[Any]:
    """The name of each mistake, the gradients that it leads to, and how well."""
    f, right = (
        _of_array(make),
        np.all(np.abs(got - want) <= 1e-5 * np.abs(want) + 1e-8, 0),
    )
    values = np.array([[f(x + h) for x in points] for h in (-1e-3, 0, 1e-3)])
    if points.ndim == 1:
        yield "differentiated twice", np.diff(values, 2, axis=0)[0] * 1e6, 1e-3
    for order in [*itertools.permutations(range(want[0].size))][1:]:
        yield "partial derivatives swapped", want[:, order]
    yield "partial derivative missing", np.where(right, got, 0.0)
    for name, gradients in wrong_gradients(_of_array(on_numpy(make)), points):
        yield name, np.where(right, got, gradients)
    if points.ndim == 1:
        yield "value instead of the derivative", values[1]
    for name, factor in FACTORS.items():
        yield name, factor * want
    ratios = np.nanmedian(np.where(want == 0, np.nan, got / want), axis=0)
    yield "sign" if np.all(np.abs(ratios) == 1) else "constant factor", ratios * want


# -- f and its gradient as functions of one array --------------------------------------


def _of_array(f: Callable[..., Any]) -> Function:
    if len(required(f)) > 1:
        return lambda x: f(*x)
    return lambda x: f(x[()] if getattr(x, "ndim", 1) == 0 else x)


def _gradient_of(definition: Definition) -> Function:
    gradient, is_one = definition.backward, len(required(definition.make)) < 2
    assert gradient is not None

    def called(x: np.ndarray) -> np.ndarray:
        try:
            found = gradient(_as_given(x)) if is_one else gradient(*x.tolist())
        except TypeError:
            found = gradient(x.tolist() if is_one else x)
        found = [*found.values()] if isinstance(found, dict) else found
        found = np.asarray(found, dtype=float)
        return found.reshape(x.shape) if found.size == x.size else found

    return called


def _as_given(x: np.ndarray) -> Any:
    return float(x) if x.ndim == 0 else x.copy()


def _points(
    definition: Definition, f: Function, gradient: Function
) -> Iterator[np.ndarray]:
    """0 and random points, of the first shape that f and its gradient take."""
    rng, count = np.random.default_rng(3), len(required(definition.make))
    errors: list[tuple[bool, str]] = [(False, "")]
    for shape in ((), (2,), (3,), (1,), (4,)) if count == 1 else ((count,),):
        sample, value = np.asarray(rng.uniform(0.1, 2, shape)), None
        try:
            value = f(_as_given(sample))
            gradient(sample)
        except Exception as error:
            errors.append((value is not None, f": {wording.raised(error)}"))
            continue
        if np.size(value) == 1:
            yield np.zeros(shape)
            for scale in (2, 2, 2, 2, 5, 10):
                yield np.asarray(rng.uniform(-scale, scale, shape))
                yield np.asarray(rng.uniform(0.1, scale, shape))
            return
    # An error in the gradient says more, and so does the most frequent one.
    _, error = max(errors, key=lambda e: (e[0], errors.count(e) * bool(e[1])))
    raise NotTested(
        f"f and its gradient take neither a number nor 1 to 4 of them{error}"
    )


def _is_inside(f: Function, x: np.ndarray) -> bool:
    """Whether f is finite at a point and beside it."""
    try:
        values = [f(_as_given(x + np.full(x.shape, h))) for h in (-2 * H, 0, 2 * H)]
    except Exception:
        return False
    return bool(np.all(np.isfinite(np.asarray(values, dtype=float))))


# -- the derivative --------------------------------------------------------------------


def _derivative(f: Function, x: np.ndarray) -> tuple[np.ndarray, bool]:
    """The derivative, and whether it is exact.

    By autograd where f runs on tensors, else by a complex step, else numerically.
    """
    numeric, near = central_difference(f, x, h=H), _near_at(f, x)
    with contextlib.suppress(Exception):
        leaf = torch.from_numpy(x.copy()).requires_grad_()
        f(leaf).backward()
        # math.exp and the like cut the graph in silence: what is left must fit.
        if leaf.grad is not None:
            exact = leaf.grad.numpy()
            if is_kinked(f, x) or near(exact, numeric):
                return exact, True
    with contextlib.suppress(Exception):
        exact = complex_step(f, x)
        exact[np.abs(exact) < 1e-30] = 0  # what is left of the square of its step
        if near(exact, numeric):
            return exact, True
    return numeric, False


def _near_at(f: Function, x: np.ndarray) -> Callable[[Any, Any], bool]:
    """Whether two derivatives agree as well as numerical ones can, beside rounding."""
    noise = 4 * EPS * abs(float(f(x))) / H
    return lambda got, want: bool(
        np.all(np.abs(got - want) <= 1e-5 * (1 + np.abs(want)) + noise)
    )


def _is_steep(f: Function, x: np.ndarray) -> bool:
    """Whether the slope is infinite: the closer one looks, the steeper it is."""
    far, near = (np.abs(central_difference(f, x, h=h)) for h in (H, H / 100))
    return bool(np.any(near > 2 * far + 1))
