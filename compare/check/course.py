"""Checking the perceptron rule, both kinds of descent and Newton's step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import torch_ref
from compare.backend import to_numpy
from compare.check import mistakes, wording
from compare.check.adapters import get_parameter, set_parameters
from compare.check.comparison import Comparison
from compare.check.definitions import Definition
from compare.check.report import Finding
from compare.check.results import Answer, Failure, close
from compare.testing.reference import Question, Results


def rosenblatt(definition: Definition) -> Finding:
    """Compare one step of the perceptron rule, from random weights and from 0."""
    rng, comparison = np.random.default_rng(2), Comparison(definition)
    for scale in (1.0, 1.0, 0.0):
        state = {name: scale * rng.normal(size=shape) for name, shape in SHAPES.items()}
        x, y = rng.normal(size=(6, 3)), rng.integers(0, 2, (6, 2)).astype(float)
        ours, theirs = definition.make(3, 2), torch_ref.perceptron.Rosenblatt(3, 2)
        set_parameters(ours, state)
        theirs.to(torch.zeros(1).double())
        theirs.load_state_dict({k: torch.tensor(a) for k, a in state.items()})
        got = _step(ours, state, x.copy(), y.copy())
        want = _step(theirs, state, torch.tensor(x), torch.tensor(y))
        fires = np.where(x @ state["weight"].T + state["bias"] > 0, 1.0, 0.0)
        question = Question("Rosenblatt", (3, 2), state=state, inputs=(x, y))
        # ŷ − y is to this rule what the upstream gradient is to a layer.
        comparison.add(question, want, Answer(got, fires - y))

    def diagnosis(failures: list[Failure]) -> str:
        only_at_0 = not any(np.any(f.question.state["weight"]) for f in failures)
        return "kink value" if only_at_0 else mistakes.diagnosis(failures)

    return comparison.finding(diagnosis)


SHAPES = {"weight": (2, 3), "bias": (2,)}


def _step(rule: Any, before: Results, x: Any, y: Any) -> Results:
    """How a rule changes weights and bias, and its loss."""
    loss = np.asarray(rule.step(x, y), dtype=float)
    after = {name: to_numpy(get_parameter(rule, name)) for name in before}
    changes = {f"gradient {name}": before[name] - after[name] for name in before}
    return changes | {"output": loss}


def descend(definition: Definition) -> Finding:
    """Compare gradient descent on x², step by step."""
    options = {"step": 0.1, "max_steps": 50}
    made = definition.make(lambda x: x * x, lambda x: 2 * x, 2.0, **options)
    start = torch.tensor(2.0, dtype=torch.float64)
    trace = torch_ref.descent.descend(lambda x: x * x, start, **options)
    both = (trace.points, getattr(made, "points", made))
    paths = [np.asarray(points, dtype=float) for points in both]
    want, got = ({"first step": np.diff(p[:2]), "points": p} for p in paths)
    question = Question("in a descent on x²", state={"x": paths[0][0]})
    return _compared(definition, [(question, want, got)])


def newton(definition: Definition) -> Finding:
    """Compare H⁻¹∇ for a random symmetric matrix H."""
    rng = np.random.default_rng(1)
    root, gradient = rng.normal(size=(3, 3)), rng.normal(size=3)
    hessian = root @ root.T + np.eye(3)
    got = {"step": np.asarray(definition.make(gradient.copy(), hessian.copy()))}
    want = {"step": np.linalg.solve(hessian, gradient)}
    state = {"gradient": gradient, "hessian": hessian}
    return _compared(definition, [(Question("not H⁻¹∇", state=state), want, got)])


BLIND = {
    "where the error shrinks ahead": (2.0, -0.5),
    "where it grows ahead and shrinks behind": (2.0, 0.5),
    "where it grows on both sides": (0.125, 1.0),
    "where it is equal ahead": (0.5, -1.0),
    "where it is equal behind": (0.5, 1.0),
    "left of the lowest point": (-3.0, 1.0),
    "left of it, on the way up": (-3.0, -1.0),
}
"""Situations on x², each with the x and the step that lead to it."""


def blind(definition: Definition) -> Finding:
    """Compare one step of the search without a derivative on x², in all situations.

    Where it evaluates f counts, too: evaluations are what a search costs.
    """
    results = []
    for situation, (x, step) in BLIND.items():
        want = _blind_step(torch_ref.search.blind_step, x, step)
        got = _blind_step(definition.make, x, step)
        state = {"x": np.array(x), "step": np.array(step)}
        results.append((Question(situation, state=state), want, got))
    return _compared(definition, results)


def _blind_step(step_of: Callable[..., Any], x: float, step: float) -> Results:
    evaluated: list[float] = []

    def error(at: Any) -> Any:
        evaluated.append(float(at))
        return at * at

    found = np.array(step_of(error, x, x * x, step), dtype=float)
    return {"x, value and step": found, "evaluations": np.array(evaluated)}


def _compared(
    definition: Definition, results: list[tuple[Question, Results, Results]]
) -> Finding:
    """Compare a function: its test cases, torch_ref's results and its own."""
    comparison = Comparison(definition, tolerance=1e-11)
    for question, want, got in results:
        comparison.add(question, want, Answer(got))

    def diagnosis(failures: list[Failure]) -> str:
        f, name = failures[0], failures[0].wrong[0]
        return "sign" if close(f.got[name], -f.want[name], 1e-9) else ""

    def shown(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
        where, fields = wording.shown(failures)
        return f"{where}, {failures[0].question.name}", fields | {"case": ""}

    return comparison.finding(diagnosis, shown)
