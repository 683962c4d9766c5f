"""Checking f against grad_f, its gradient by hand, at several points."""

import contextlib
import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import torch_ref
from compare.check import wording
from compare.check.comparison import Comparison
from compare.check.definitions import FUNCTIONS, Definition, NotTested
from compare.check.mistakes import rules
from compare.check.report import Finding
from compare.check.results import EPS, Answer, Failure, close
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
H = 1e-5
BEFORE = "grad gradient d nabla ableitung ableitung_von derivative derivative_of"
AFTER = "grad gradient prime derivative deriv ableitung strich d diff slope"
"""What the gradient of f is called: grad_f, f_grad …"""


def function_definition(
    name: str, value: Any, own: dict[str, Any]
) -> Definition | None:
    """A function of a few numbers with its gradient or its partial derivatives."""
    names = {f"{word}_{name}" for word in BEFORE.split()} | {f"d{name}"}
    names |= {f"{name}_{word}" for word in AFTER.split()}
    if not inspect.isfunction(value) or not (inputs := _inputs(value)):
        return None
    ways = f"d{name}_d", f"d{name}d", f"{name}_", "partial_"
    by = [[way + x for way in ways] for x in inputs]
    if len(inputs) == 1:
        names |= {*by[0]}
    if gradient := next((own[each] for each in own if each in names), None):
        return Definition(name, name, "scalar", value, gradient)
    found = [[own[each] for each in words if each in own] for words in by]
    if len(found) < 2 or not all(found):
        return None

    def partials(*x: float) -> list[Any]:
        return [partial(*x) for partial, *_ in found]

    return Definition(name, name, "scalar", value, partials)


def _inputs(f: Callable[..., Any]) -> list[str]:
    """The arguments that have to be given."""
    parameters = inspect.signature(f).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind in kinds]


def scalar(definition: Definition) -> Finding:
    """Compare grad_f with the derivative of f, found in three ways."""
    f, gradient = _of_array(definition.make), _gradient_of(definition)
    points = [x for x in _points(definition, f, gradient) if _is_inside(f, x)]
    if len(points) < POINTS:
        raise NotTested("it has a value and a gradient at too few points")
    comparison, results = Comparison(definition), Results()
    for x in points:
        want, is_exact = _derivative(f, x)
        got = gradient(x)
        if not is_exact and (is_kinked(f, x) or _is_steep(f, x)):
            comparison.cases += 1
            continue  # a numerical slope says nothing at a kink
        fits = got.shape == want.shape and (
            close(got, want) if is_exact else _near(got, want, _noise(f, x))
        )
        results.add(x, got, want)
        wrong = () if fits else ("gradient",)
        answer = Answer({"gradient": got})
        comparison.add(Question("", inputs=(x,)), {"gradient": want}, answer, wrong)

    def shown(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
        smallest = min(failures, key=lambda f: float(np.sum(np.abs(f.x))))
        return definition.label, wording.shown([smallest])[1] | {"case": ""}

    def diagnosis(failures: list[Failure]) -> str:
        if all(np.all(failure.x == 0) for failure in failures):
            return "kink value"
        on_numpy = _of_array(rules.on_numpy(definition.make))
        if name := results.general(f) or results.by_rule(on_numpy):
            return name
        if points[0].ndim == 0 and np.all(results.is_right([*map(f, results.x)])):
            return "value instead of the derivative"
        return results.by_factor()

    problem, agreement = _unlike_torch(definition, points), "the gradient is f's own: "
    return comparison.finding(diagnosis, shown, problem, agreement)


@dataclass
class Results:
    """Gradients at points where f is smooth: the file's and the right ones."""

    x: list[np.ndarray] = field(default_factory=list)
    got: list[np.ndarray] = field(default_factory=list)
    want: list[np.ndarray] = field(default_factory=list)

    def add(self, x: np.ndarray, got: np.ndarray, want: np.ndarray) -> None:
        """Add those at a point."""
        if np.all(np.isfinite(got)):
            self.x, self.got = [*self.x, x], [*self.got, got]
            self.want = [*self.want, want]

    def is_right(self, other: list[np.ndarray], tolerance: float = 1e-5) -> np.ndarray:
        """Which partial derivatives are these everywhere."""
        pairs = zip(self.got, other, strict=True)
        return np.all([_close(a, b, tolerance) for a, b in pairs], axis=0)

    def general(self, f: Callable[..., Any]) -> str:
        """The name of a mistake that any function's gradient may have."""
        if not self.got:
            return ""
        size = self.want[0].size
        if self.got[0].shape != self.want[0].shape:
            return "partial derivative missing" if self.got[0].size < size else ""
        if not np.any(self.got):
            return "gradient 0"
        errors = np.array(self.got) - self.want
        if np.max(np.abs(errors)) <= 1e-4 * np.max(np.abs(self.want)):
            return "numerical derivative"
        if self.want[0].ndim == 0:
            values = [[float(f(x + h)) for x in self.x] for h in (-1e-3, 0, 1e-3)]
            before, here, after = np.array(values)
            if np.all(self.is_right([*(after - 2 * here + before) * 1e6], 1e-3)):
                return "differentiated twice"
        orders = itertools.permutations(range(size))
        if self.want[0].ndim and any(
            np.all(self.is_right([want[[*order]] for want in self.want]))
            for order in orders
        ):
            return "partial derivatives swapped"
        right = self.is_right(self.want)
        if np.all(right | (np.array(self.got) == 0).all(axis=0)):
            return "partial derivative missing"
        return ""

    def by_rule(self, f: Callable[..., Any]) -> str:
        """The rule of differentiation that gives these numbers, where others do not."""
        right = self.is_right(self.want)
        for rule in rules.rules():
            found = None
            for only in (None, *range(8)):
                rule.only = only
                with contextlib.suppress(Exception):
                    found = [rules.gradient(f, x, rule) for x in self.x]
                    if np.all(right | self.is_right(found)):
                        return rule.name
                if found is None or rule.used < 2:
                    break
        return ""

    def by_factor(self) -> str:
        """The factor that is too many everywhere, or in some partial derivatives."""
        got, want = np.array(self.got), np.array(self.want)
        if got.shape != want.shape:
            return ""
        for name, factor in FACTORS.items():
            if np.all(self.is_right([factor * a for a in self.want])):
                return name
        with np.errstate(all="ignore"):
            ratios = np.nanmedian(np.where(want == 0, np.nan, got / want), axis=0)
        if np.all(self.is_right([ratios * a for a in self.want])):
            return "sign" if np.all(np.abs(ratios) == 1) else "constant factor"
        return "value and gradient do not belong together"


def _of_array(f: Callable[..., Any]) -> Callable[[Any], Any]:
    """F as a function of one array, or of a number."""
    if len(_inputs(f)) > 1:
        return lambda x: f(*x)
    return lambda x: f(x[()] if getattr(x, "ndim", 1) == 0 else x)


def _gradient_of(definition: Definition) -> Callable[[np.ndarray], np.ndarray]:
    """The file's gradient as a function from one array to one."""
    gradient, is_one = definition.backward, len(_inputs(definition.make)) < 2
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


def _close(got: np.ndarray, want: np.ndarray, tolerance: float) -> np.ndarray:
    return np.abs(got - want) <= tolerance * (np.abs(want) + 1e-3)


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
    definition: Definition,
    f: Callable[..., Any],
    gradient: Callable[[np.ndarray], np.ndarray],
) -> Iterator[np.ndarray]:
    """0 and random points, of the first shape that f and its gradient take."""
    rng = np.random.default_rng(3)
    errors: list[tuple[bool, str]] = []
    count = len(_inputs(definition.make))
    for shape in ((), (2,), (3,), (1,), (4,)) if count == 1 else ((count,),):
        sample = np.asarray(rng.uniform(0.1, 2, shape))
        is_valued = False
        try:
            value = np.asarray(f(_as_given(sample)))
            is_valued = True
            gradient(sample)
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
    numeric, noise = central_difference(f, x, h=H), _noise(f, x)
    with contextlib.suppress(Exception):
        leaf = torch.from_numpy(x.copy()).requires_grad_()
        f(leaf).backward()
        # math.exp and the like cut the graph in silence: what is left must fit.
        if leaf.grad is not None:
            exact = leaf.grad.numpy()
            if is_kinked(f, x) or _near(exact, numeric, noise):
                return exact, True
    with contextlib.suppress(Exception):
        exact = complex_step(f, x)
        if _near(exact, numeric, noise):
            return exact, True
    return numeric, False


def _noise(f: Callable[..., Any], x: np.ndarray) -> float:
    """The error of a numerical derivative by rounding of large values."""
    return 4 * EPS * abs(float(f(x))) / H


def _near(got: np.ndarray, want: np.ndarray, noise: float) -> bool:
    """Whether two derivatives agree as well as numerical ones can."""
    return bool(np.all(np.abs(got - want) <= 1e-5 * (1 + np.abs(want)) + noise))


def _is_steep(f: Callable[..., Any], x: np.ndarray) -> bool:
    """Whether the slope is infinite: the closer one looks, the steeper it is."""
    far, near = (np.abs(central_difference(f, x, h=h)) for h in (H, H / 100))
    return bool(np.any(near > 2 * far + 1))
