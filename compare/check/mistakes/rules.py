"""Differentiation by rules of which one is wrong: the mistakes of functions.toml."""

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, total_ordering
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from compare.check.mistakes import FUNCTIONS

RULES = {
    **{"add": "du + dv", "sub": "du - dv", "neg": "-du", "shift": "du"},
    **{"mul": "du * v + u * dv", "scale": "c * du", "over": "du / c"},
    **{"div": "(du * v - u * dv) / v**2", "reciprocal": "-c * dv / v**2"},
    **{"pow": "n * u**(n - 1) * du", "exponential": "c**u * log(c) * du"},
    "power": "y * (dv * log(u) + v * du / u)",
}
SLOPES = {
    **{"exp": "exp(u)", "log": "1 / u", "sqrt": "0.5 / sqrt(u)", "abs": "sign(u)"},
    **{"sin": "cos(u)", "cos": "-sin(u)", "tan": "1 + tan(u)**2"},
    **{"tanh": "1 - tanh(u)**2", "sinh": "cosh(u)", "cosh": "sinh(u)"},
    **{"log10": "1 / (u * log(10))", "log2": "1 / (u * log(2))"},
    **{"log1p": "1 / (1 + u)", "expm1": "exp(u)", "arctan": "1 / (1 + u**2)"},
    **{"arcsin": "1 / sqrt(1 - u**2)", "arccos": "-1 / sqrt(1 - u**2)"},
}
"""The derivatives of functions of one number."""
OPERATORS: dict[str, Callable[..., Any]] = {
    **{"add": operator.add, "subtract": operator.sub, "multiply": operator.mul},
    **{"divide": operator.truediv, "power": operator.pow, "negative": operator.neg},
    **{"greater": operator.gt, "less": operator.lt, "square": lambda a: a**2},
    **{"greater_equal": operator.ge, "less_equal": operator.le},
    **{"maximum": max, "minimum": min},
}
"""What NumPy's functions do to numbers."""
SAME = {"absolute": "abs", "fabs": "abs", "atan": "arctan", "pow": "power"}
"""Other names of functions."""


@dataclass
class Rule:
    """A wrong derivative of one operation, everywhere or where it is used once."""

    name: str  # of the mistake
    operation: str
    formula: str
    only: int | None = None  # where it is used wrongly; None: everywhere
    used: int = 0

    def formula_of(self, operation: str, right: str) -> str:
        """What is taken for the derivative this time."""
        is_call = operation in SLOPES and self.operation == "call"
        if operation != self.operation and not is_call:
            return right
        self.used += 1
        return self.formula if self.only in (None, self.used - 1) else right


RIGHT = Rule("", "", "")


def rules() -> Iterator[Rule]:
    """Every wrong rule, by the order of the table."""
    for row in FUNCTIONS:
        for rule in row.get("rules", []):
            yield Rule(row["name"], *rule.split(": "))


@cache
def _compiled(formula: str) -> CodeType:
    return compile(formula, formula, "eval")


@total_ordering
class Dual:
    """A number, and what a rule takes for its derivatives by the variables.

    `on` tells on which of the variables it depends, and x is one of these.
    """

    def __init__(
        self, u: Any, du: np.ndarray, on: np.ndarray, x: float, rule: Rule
    ) -> None:
        self.u, self.du, self.on, self.x, self.rule = u, du, on, x, rule

    def apply(self, operation: str, y: Any, formula: str = "", **names: Any) -> "Dual":
        """The result of an operation, of which the formula is the derivative."""
        slope = _compiled(SLOPES.get(operation, "1"))
        own = {"y": y, "x": self.x, "u": self.u, "du": self.du, "v": self.u}
        scope = {**vars(np), **own, "dv": self.du, **names}
        both = scope.pop("on", self.on)
        scope |= {"one": (self.on | both) * 1.0, "both": self.on & both}
        scope["slope"] = lambda u: eval(slope, {**scope, "u": u})
        if operation in SLOPES:
            scope["s"], formula = scope["slope"](self.u), "s * du"
        formula = self.rule.formula_of(operation, formula or RULES[operation])
        du = np.where(self.on | both, eval(_compiled(formula), scope), 0.0)
        return Dual(y, du, self.on | both, self.x, self.rule)

    def with_other(self, operation: str, other: Any, y: Any) -> "Dual":
        """The result of an operation on two numbers that both vary."""
        return self.apply(operation, y, v=other.u, dv=other.du, on=other.on)

    def __add__(self, other: Any) -> "Dual":
        if isinstance(other, Dual):
            return self.with_other("add", other, self.u + other.u)
        return self.apply("shift", self.u + other, c=other)

    def __sub__(self, other: Any) -> "Dual":
        if isinstance(other, Dual):
            return self.with_other("sub", other, self.u - other.u)
        return self.apply("shift", self.u - other, c=-other)

    def __mul__(self, other: Any) -> "Dual":
        if isinstance(other, Dual):
            return self.with_other("mul", other, self.u * other.u)
        return self.apply("scale", self.u * other, c=other)

    def __truediv__(self, other: Any) -> "Dual":
        if isinstance(other, Dual):
            return self.with_other("div", other, self.u / other.u)
        return self.apply("over", self.u / other, c=other)

    def __pow__(self, other: Any) -> "Dual":
        if isinstance(other, Dual):
            return self.with_other("power", other, self.u**other.u)
        return self.apply("pow", self.u**other, n=other)

    def __rsub__(self, other: Any) -> "Dual":
        return -self + other

    def __rtruediv__(self, other: Any) -> "Dual":
        return self.apply("reciprocal", other / self.u, c=other)

    def __rpow__(self, other: Any) -> "Dual":
        return self.apply("exponential", other**self.u, c=other)

    def __neg__(self) -> "Dual":
        return self.apply("neg", -self.u)

    __radd__, __rmul__ = __add__, __mul__

    def __eq__(self, other: Any) -> bool:
        return bool(self.u == getattr(other, "u", other))

    def __lt__(self, other: Any) -> bool:
        return bool(self.u < getattr(other, "u", other))

    def __abs__(self) -> "Dual":
        return self.apply("abs", abs(self.u))

    def __getattr__(self, name: str) -> Any:
        """A function of NumPy as a method: so NumPy calls it on arrays of objects."""
        name = SAME.get(name, name)
        if name in SLOPES:
            return lambda: self.apply(name, getattr(np, name)(self.u))
        if name in ("sum", "mean", "item", "copy"):
            return lambda *_, **__: self
        raise AttributeError(name)

    def __array_ufunc__(self, ufunc: Any, _: str, *inputs: Any, **__: Any) -> Any:
        """A function of NumPy on single numbers."""
        if any(isinstance(each, np.ndarray) and each.ndim for each in inputs):
            return ufunc(*(np.array(each, dtype=object) for each in inputs))
        numbers = [i.item() if isinstance(i, np.ndarray) else i for i in inputs]
        if found := OPERATORS.get(ufunc.__name__):
            return found(*numbers)
        return getattr(numbers[0], ufunc.__name__)()


def gradient(f: Callable[[Any], Any], x: np.ndarray, rule: Rule = RIGHT) -> np.ndarray:
    """What a rule takes for the gradient of f, a function of an array of numbers."""
    rule.used = 0
    units = np.eye(max(x.size, 1))
    numbers = zip(x.ravel().tolist(), units, strict=True)
    duals = [Dual(u, du, du != 0, u, rule) for u, du in numbers]
    given = np.array(duals, dtype=object) if x.ndim else duals[0]
    result = f(given)
    if isinstance(result, np.ndarray):
        result = result.item()
    return result.du.reshape(x.shape)


def on_numpy(f: Any) -> Any:
    """The function with NumPy's functions for those of `math`."""

    def of(name: str) -> Any:
        return getattr(np, SAME.get(name, name), getattr(math, name))

    if not isinstance(f, FunctionType):
        return f
    scope = dict(f.__globals__)
    known = {id(getattr(math, name)): name for name in dir(math) if name[0] != "_"}
    for name, value in scope.items():
        if value is math:
            scope[name] = SimpleNamespace(**{n: of(n) for n in known.values()})
        elif callable(value) and id(value) in known:
            scope[name] = of(known[id(value)])
        elif isinstance(value, FunctionType) and value.__globals__ is f.__globals__:
            scope[name] = _within(value, scope)
    return _within(f, scope)


def _within(f: FunctionType, scope: dict[str, Any]) -> FunctionType:
    return FunctionType(f.__code__, scope, f.__name__, f.__defaults__, f.__closure__)
