"""Checking the perceptron rule, both kinds of descent and Newton's step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import torch_ref
from compare.backend import to_numpy
from compare.check import example
from compare.check.adapters import Answer, get_parameter, set_parameters
from compare.check.definitions import Definition
from compare.check.diagnosis import diagnosis
from compare.check.failure import Failure
from compare.check.finding import Finding, right, text, wrong
from compare.check.results import close, relative, wrong_results
from compare.testing.reference import Question, Results


def rosenblatt(definition: Definition) -> Finding:
    """Compare one step of the perceptron rule, from random weights and from 0."""
    rng = np.random.default_rng(2)
    failures, largest = [], 0.0
    for scale in (1.0, 1.0, 0.0):
        state = {
            "weight": scale * rng.normal(size=(2, 3)),
            "bias": scale * rng.normal(size=2),
        }
        x, y = rng.normal(size=(6, 3)), rng.integers(0, 2, (6, 2)).astype(float)
        got, want = _steps(definition.make, state, x, y)
        if names := wrong_results(got, want):
            fires = np.where(x @ state["weight"].T + state["bias"] > 0, 1.0, 0.0)
            # ŷ − y is to this rule what the upstream gradient is to a layer.
            answer = Answer(got, fires - y)
            question = Question("Rosenblatt", state=state, inputs=(x, y))
            failures.append(Failure(definition, question, want, answer, names))
        else:
            largest = max(largest, *(relative(got[n], want[n]) for n in want))
    if not failures:
        return right(definition, largest, cases=3)
    only_at_0 = not any(np.any(f.question.state["weight"]) for f in failures)
    name = "kink value" if only_at_0 else diagnosis(failures)
    fields = {**example.fields(failures[0]), "case": ""}
    return wrong(definition, name, failures[0].wrong[0], cases=3, **fields)


def _steps(
    make: Callable[..., Any], state: Results, x: np.ndarray, y: np.ndarray
) -> tuple[Results, Results]:
    """How the file's rule and torch_ref's change weights and bias, and their losses."""
    ours = make(3, 2)
    set_parameters(ours, state)
    our_loss = ours.step(x.copy(), y.copy())
    theirs = torch_ref.perceptron.Rosenblatt(3, 2).to(torch.zeros(1).double())
    theirs.load_state_dict({k: torch.from_numpy(a.copy()) for k, a in state.items()})
    their_loss = theirs.step(torch.from_numpy(x), torch.from_numpy(y))
    got, want = {}, {}
    for name, before in state.items():
        key = f"gradient {name}"
        got[key] = before - np.asarray(get_parameter(ours, name))
        want[key] = before - to_numpy(theirs.parameters()[name])
    got["output"] = np.asarray(our_loss, dtype=float)
    want["output"] = np.asarray(their_loss)
    return got, want


def descend(definition: Definition) -> Finding:
    """Compare gradient descent on x², step by step."""
    options = {"step": 0.1, "max_steps": 50}
    made = definition.make(lambda x: x * x, lambda x: 2 * x, 2.0, **options)
    start = torch.tensor(2.0, dtype=torch.float64)
    trace = torch_ref.descent.descend(lambda x: x * x, start, **options)
    got = np.asarray(getattr(made, "points", made), dtype=float)
    want = np.array([float(point) for point in trace.points])
    climbs = len(got) > 1 and close(got[1] - got[0], want[0] - want[1], 1e-9)
    return _compared(definition, got, want, climbs, "the points differ")


def newton(definition: Definition) -> Finding:
    """Compare H⁻¹∇ for a random symmetric matrix H."""
    rng = np.random.default_rng(1)
    root, gradient = rng.normal(size=(3, 3)), rng.normal(size=3)
    hessian = root @ root.T + np.eye(3)
    got = np.asarray(definition.make(gradient.copy(), hessian.copy()))
    want = np.linalg.solve(hessian, gradient)
    climbs = close(got, -want, 1e-9)
    return _compared(definition, got, want, climbs, "the step is not H⁻¹∇")


def _compared(
    definition: Definition, got: np.ndarray, want: np.ndarray, climbs: bool, words: str
) -> Finding:
    """Right, of the wrong sign, or wrong in these words."""
    if close(got, want, 1e-11):
        return right(definition, relative(got, want), cases=1)
    name, place = ("sign", "the first step") if climbs else ("", words)
    fields = {"expected": text(want[:4]), "got": text(got[:4])}
    return wrong(definition, name, place, cases=1, **fields)


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
    for situation, (x, step) in BLIND.items():
        got, evaluated = _blind_step(definition.make, x, step)
        want, needed = _blind_step(torch_ref.search.blind_step, x, step)
        if not close(got, want) or evaluated != needed:
            return wrong(
                definition,
                "",
                situation,
                cases=len(BLIND),
                input=f"x = {x}, step = {step}",
                expected=f"x, value, step = {text(want)}, evaluated at {needed}",
                got=f"{text(got)}, evaluated at {evaluated}",
            )
    return right(definition, 0.0, cases=len(BLIND))


def _blind_step(
    step_of: Callable[..., Any], x: float, step: float
) -> tuple[np.ndarray, list[float]]:
    """What a step returns, and where it evaluated x²."""
    evaluated: list[float] = []

    def error(at: Any) -> Any:
        evaluated.append(float(at))
        return at * at

    return np.array(step_of(error, x, x * x, step), dtype=float), evaluated
