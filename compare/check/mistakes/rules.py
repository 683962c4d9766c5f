"""Differentiation by rules of which one is wrong: the mistakes of functions.toml."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from compare.check.mistakes import FUNCTIONS, ways_in

RULES = {
    **{"add": "du + dv", "subtract": "du - dv", "negative": "-du", "shift": "du"},
    **{"multiply": "du * v + u * dv", "scale": "c * du", "over": "du / c"},
    **{"divide": "(du * v - u * dv) / v**2", "reciprocal": "-c * dv / v**2"},
    **{"pow": "n * u**(n - 1) * du", "exponential": "c**u * log(c) * du"},
    "power": "y * (dv * log(u) + v * du / u)",
}
"""The right derivatives, as in functions.toml: of two variables, or of one."""
WITH_CONSTANT = {
    **{"add": ("shift", "shift"), "multiply": ("scale", "scale")},
    **{"divide": ("over", "reciprocal"), "power": ("pow", "exponential")},
}
"""What an operation is called if its second or its first operand is a constant."""
OTHERS: dict[str, Callable[..., Any]] = {
    **{"maximum": max, "minimum": min, "square": lambda a: a**2, "fabs": abs},
    "subtract": lambda a, b: a + -b,  # of a constant; of two variables it has a rule
}
"""Functions that are others in disguise."""


@dataclass
class Rule:
    """A wrong derivative of one operation, everywhere or where it is used once."""

    operation: str  # "call": any function of one number
    formula: str
    only: int | None = None  # where it is used wrongly; None: everywhere
    used: int = 0

    def formula_of(self, operation: str) -> str:
        """What is taken for the derivative this time."""
        group = operation if operation in RULES else "call"
        if self.operation in (operation, group):
            self.used += 1
            if self.only in (None, self.used - 1):
                return self.formula
        return RULES.get(operation, "s * du")


_compiled = cache(lambda formula: compile(formula, formula, "eval"))


def _slope(function: np.ufunc, u: Any) -> Any:
    """The derivative of a function of one number, by a complex step."""
    return np.sign(u) if function is np.absolute else function(u + 1e-20j).imag / 1e-20


class Dual(NDArrayOperatorsMixin):
    """A number, and what a rule takes for its derivatives by the variables.

    `on` tells on which of the variables it depends, and x is one of these.
    """

    def __init__(
        self, u: Any, du: np.ndarray, on: np.ndarray, x: float, rule: Rule
    ) -> None:
        self.u, self.du, self.on, self.x, self.rule = u, du, on, x, rule

    def __array_ufunc__(self, ufunc: Any, _: str, *inputs: Any, **__: Any) -> Any:
        """Any operator or function of NumPy, on single numbers."""
        if any(isinstance(each, np.ndarray) and each.ndim for each in inputs):
            return ufunc(*(np.array(each, dtype=object) for each in inputs))
        a, *others = [i.item() if isinstance(i, np.ndarray) else i for i in inputs]
        y = ufunc(*(getattr(each, "u", each) for each in (a, *others)))
        name, b = ufunc.__name__, (others or [a])[0]
        if isinstance(y, np.bool_):  # a comparison
            return bool(y)
        is_of_two = isinstance(a, Dual) and isinstance(b, Dual)
        if name in OTHERS and not (name == "subtract" and is_of_two):
            return OTHERS[name](a, *others)
        scope = {"y": y, "x": self.x}
        if not others:
            scope |= {"slope": lambda u: _slope(ufunc, u), "s": _slope(ufunc, a.u)}
        if is_of_two:
            return a.apply(name, b, scope)
        constant = a if b is self else b
        scope |= {"c": constant, "n": constant}
        return self.apply(WITH_CONSTANT[name][b is self], self, scope)

    def apply(self, operation: str, other: "Dual", scope: dict[str, Any]) -> "Dual":
        """The result y of an operation, of which the rule takes the derivative."""
        on = self.on | other.on
        scope |= {"u": self.u, "du": self.du, "v": other.u, "dv": other.du}
        scope |= {"one": on * 1.0, "both": self.on & other.on}
        formula = _compiled(self.rule.formula_of(operation))
        du = np.where(on, eval(formula, {**vars(np), **scope}), 0.0)
        return Dual(scope["y"], du, on, self.x, self.rule)

    def __getattr__(self, name: str) -> Any:
        """A function of NumPy as a method: so NumPy calls it on arrays of objects."""
        if name in ("sum", "mean", "item", "copy"):
            return lambda *_, **__: self
        if isinstance(getattr(np, name, None), np.ufunc):
            return lambda: getattr(np, name)(self)
        raise AttributeError(name)


def gradient(f: Callable[[Any], Any], x: np.ndarray, rule: Rule) -> np.ndarray:
    """What a rule takes for the gradient of f, a function of an array of numbers."""
    rule.used = 0
    numbers = zip(x.ravel().tolist(), np.eye(max(x.size, 1)), strict=True)
    duals = [Dual(u, du, du != 0, u, rule) for u, du in numbers]
    result = f(np.array(duals, dtype=object) if x.ndim else duals[0])
    result = result.item() if isinstance(result, np.ndarray) else result
    return result.du.reshape(x.shape)


def wrong_gradients(f: Any, points: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The name of each mistake, and the gradients that it leads to.

    A rule is taken wrongly wherever it is used, and in one place alone.
    """
    for name, words in ways_in(FUNCTIONS, "rules"):
        operation, formula = words.split(": ")
        for only in (None, *range(8)):
            rule = Rule(operation, formula, only)
            try:
                yield name, np.array([gradient(f, x, rule) for x in points])
            except Exception:  # f has an operation that has no rule here
                break
            if rule.used < 2:
                break


_NUMPYS: dict[int, Any] = {
    id(f): getattr(np, name, f) for name, f in vars(math).items() if callable(f)
}
_MODULE = {name: _NUMPYS.get(id(value), value) for name, value in vars(math).items()}
_NUMPYS[id(math)] = SimpleNamespace(**_MODULE)


def on_numpy(f: Any) -> Any:
    """The function, for whose file NumPy's functions stand for those of `math`."""
    scope = getattr(f, "__globals__", {})
    numpys = {n: _NUMPYS[id(g)] for n, g in scope.items() if id(g) in _NUMPYS}

    def called(*args: Any) -> Any:
        with mock.patch.dict(scope, numpys):
            return f(*args)

    return called if numpys else f
