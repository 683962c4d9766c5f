"""The computation graph of an expression: values forward, gradients backward.

The gradient by each node three ways: by the rules of `handmade.autodiff`, by torch's
autograd, and by finite differences.
"""

import ast
import operator
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

import handmade
import torch_ref
from handmade.autodiff import central_difference
from handmade.autodiff.reverse import Tape, Variable, swept

OPERATORS = {
    ast.Add: (operator.add, "1", "1"),
    ast.Sub: (operator.sub, "1", "-1"),
    ast.Mult: (operator.mul, "({1})", "({0})"),
    ast.Div: (operator.truediv, "1/({1})", "-({0})/({1})**2"),
}
"""What an operator computes, and its derivative by each of its inputs."""
FUNCTIONS = {
    "exp": "exp({0})",
    "log": "1/({0})",
    "sin": "cos({0})",
    "cos": "-sin({0})",
    "tanh": "1 - tanh({0})**2",
    "sqrt": "1/(2*sqrt({0}))",
    "relu": "({0}) > 0",
}
"""The functions by name, and their derivatives."""
PYTHON = {"²": "**2", "³": "**3", "−": "-", "·": "*", "^": "**"}
WRITTEN = {" * ": "·", "-": "−", " ** ": "^"}
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
"""Python's signs for those that people write, and back."""


class Edge(NamedTuple):
    """The use of a node as an input of another."""

    source: int  # its place
    rule: str  # the local derivative as a formula
    factor: float  # its value


class Node(NamedTuple):
    """A value, and the derivative of the result by it, three ways."""

    label: str
    value: float
    inputs: list[Edge]
    by_hand: float
    autograd: float
    difference: float


@np.errstate(all="ignore")  # what is not finite is refused
def graph(expression: str, point: Mapping[str, float]) -> list[Node]:
    """The nodes in the order of computation, the result last.

    Args:
        expression: numbers, variables, + − * /, a constant power, the functions above
            of one variable part each, and max(0, x); ², ³, · and ^ are understood.
        point: the value of each variable.

    Raises:
        ValueError: it holds something else or no variable, a variable has no value or
            no use, or a value or gradient is not finite.
    """
    tree = _parsed(expression)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if wrong := (used - {*FUNCTIONS, "max"}) ^ point.keys():
        raise ValueError(
            f"each variable of {expression!r} needs a value, and no other one; "
            f"missing or not used: {', '.join(sorted(wrong))}"
        )
    if not point:
        raise ValueError(f"{expression!r} has no variable to differentiate by")
    tape = Tape()
    ours = {x: Variable(np.asarray(value, float), tape) for x, value in point.items()}
    theirs: dict[str, Any] = {
        x: torch.tensor(float(value), dtype=torch.float64, requires_grad=True)
        for x, value in point.items()
    }
    try:
        _evaluate(tree, ours, handmade)
        _evaluate(tree, theirs, torch_ref).backward()
    except (ArithmeticError, TypeError, RecursionError) as error:
        raise ValueError(f"{expression!r} cannot be computed: {error}") from None
    adjoints = swept(tape, len(tape) - 1, np.ones(()))
    texts = {v.place: text for text, v in ours.items() if isinstance(v, Variable)}
    for v in tape:
        if not np.isfinite([v.value, adjoints[v.place]]).all():
            raise ValueError(
                f"{_written(texts[v.place])} or its gradient is not finite"
            )

    def node(text: str, variable: Variable) -> Node:
        def result(value: Any) -> Any:
            return _evaluate(tree, {**leaves, text: value}, handmade)

        slope = central_difference(result, np.asarray(variable.value))
        gradients = (adjoints[variable.place], theirs[text].grad, slope)
        inputs = _inputs(_parsed(text), variable, ours)
        return Node(
            _written(text), float(variable.value), inputs, *map(float, gradients)
        )

    leaves = {x: np.asarray(value, float) for x, value in point.items()}
    return [node(texts[variable.place], variable) for variable in tape]


def backward_steps(nodes: list[Node]) -> list[tuple[Node, str, str]]:
    """The backward pass: each node, what its gradient sums, and the local factors."""
    steps = [(nodes[-1], "1", "")]
    for place, node in reversed([*enumerate(nodes[:-1])]):
        uses = [(n.by_hand, e) for n in nodes for e in n.inputs if e.source == place]
        terms = [f"{short(upstream)}·{short(edge.factor)}" for upstream, edge in uses]
        rules = [edge.rule for _, edge in uses if not edge.rule.strip("−").isdigit()]
        steps.append((node, " + ".join(terms), ", ".join(rules)))
    return steps


def short(value: float) -> str:
    """Four digits; brackets hold a negative number."""
    return f"(−{-value:.4g})" if value < 0 else f"{value:.4g}"


def _parsed(expression: str) -> ast.expr:
    try:
        python = "".join(PYTHON.get(sign, sign) for sign in expression)
        return ast.parse(python.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{expression!r} cannot be read as an expression") from None


def _written(python: str) -> str:
    power = {"2": "²", "3": "³"}
    python = re.sub(r" \*\* ([23])(?![\d.])", lambda n: power[n[1]], python)
    for sign, written in WRITTEN.items():
        python = python.replace(sign, written)
    return re.sub(r"(?<=[a-z])\d+", lambda n: n[0].translate(SUBSCRIPTS), python)


def _evaluate(tree: ast.expr, known: dict[str, Any], library: Any) -> Any:
    """The value of an expression; `known` holds those of its parts, and gets more."""
    if (text := ast.unparse(tree)) in known:
        return known[text]
    match tree:
        case ast.Constant(value=int() | float() as constant):
            return float(constant)
        case ast.UnaryOp(op=ast.USub(), operand=x):
            value = -_evaluate(x, known, library)
        case ast.BinOp(left=a, op=op, right=b) if type(op) in OPERATORS:
            inputs = (_evaluate(x, known, library) for x in (a, b))
            value = OPERATORS[type(op)][0](*inputs)
        case ast.BinOp(
            left=x, op=ast.Pow(), right=ast.Constant(value=int() | float() as n)
        ):
            value = _evaluate(x, known, library) ** n
        case ast.Call(func=ast.Name(id=f), args=[x], keywords=[]) if f in FUNCTIONS:
            value = getattr(library.autodiff, f)(_evaluate(x, known, library))
        case ast.Call(func=ast.Name(id="max"), args=[ast.Constant(value=0), x]):
            value = library.autodiff.relu(_evaluate(x, known, library))
        case _:
            raise ValueError(
                f"{_written(text)} is not known here; known are + − * /, a constant "
                f"power, {', '.join(FUNCTIONS)} and max(0, x)"
            )
    if isinstance(value, torch.Tensor):
        value.retain_grad()
    known[text] = value
    return value


def _inputs(tree: ast.expr, output: Variable, known: dict[str, Any]) -> list[Edge]:
    """The edges into a node; constants are no nodes."""
    match tree:
        case ast.BinOp(
            left=x, op=ast.Pow(), right=ast.Constant(value=int() | float() as n)
        ):
            parts, rules = [x], [f"{n}*({{0}})**{n - 1}" if n != 2 else "2*({0})"]
        case ast.BinOp(left=a, op=op, right=b):
            parts, rules = [a, b], OPERATORS[type(op)][1:]
        case ast.UnaryOp(operand=x):
            parts, rules = [x], ["-1"]
        case ast.Call(func=ast.Name(id=f), args=[*_, x]):
            parts, rules = [x], [FUNCTIONS["relu" if f == "max" else f]]
        case _:
            parts, rules = [], []
    texts = [ast.unparse(part) for part in parts]
    formulas = [_written(ast.unparse(_parsed(rule.format(*texts)))) for rule in rules]
    used = [
        (t, r)
        for t, r in zip(texts, formulas, strict=True)
        if isinstance(known.get(t), Variable)
    ]
    ways = zip(used, output.ways_back, strict=True)
    return [Edge(at, rule, float(pull(np.ones(())))) for (_, rule), (at, pull) in ways]
