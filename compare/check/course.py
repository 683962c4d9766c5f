"""Checking the perceptron rule, gradient descent, Newton's step and blind search."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from compare.check import mistakes, wording
from compare.check.comparison import Comparison
from compare.check.definitions import Definition
from compare.check.mistakes import COURSE, ways_in
from compare.check.mistakes.optimizers import edited
from compare.check.parameters import get_parameter, set_parameters
from compare.check.report import Finding
from compare.check.results import Answer, Failure, close, explained
from compare.check.signatures import arguments_of
from compare.check.trajectories import compared
from compare.testing.reference import Question, Results

WEIGHTS = {
    "weight": ("weight", "weights", "W", "w"),
    "bias": ("bias", "b", "w0", "threshold", "theta"),
}
STEPS = ("step", "train_step", "update", "learn", "fit", "train")
ONE = ("lr", "learning_rate", "eta", "alpha", "epochs", "n_iter", "n_epochs")
"""Arguments that are 1 for one step of the rule as it stands."""


def rosenblatt(definition: Definition) -> Finding:
    """Compare one step of the perceptron rule, from random weights and from 0."""
    rng, comparison = np.random.default_rng(3), Comparison(definition)
    ones = _ones(definition.make)
    for scale in (1.0, 1.0, 0.0):
        try:
            ours, outputs = definition.make(3, 2, **ones), 2
        except TypeError:
            ours, outputs = definition.make(3, **ones), 1
        weight, bias = scale * rng.normal(size=(outputs, 3)), scale * rng.normal(size=2)
        state = {"weight": weight, "bias": bias[:outputs]}
        x, y = rng.normal(size=(6, 3)), rng.integers(0, 2, (6, outputs)).astype(float)
        want, got = _torchs_step(state, x, y), _step(ours, state, x.copy(), y.copy())
        answers = x @ state["weight"].T + state["bias"] > 0
        wrong = answers != y
        counts = wrong.mean(), 1 - wrong.mean(), wrong.sum(), wrong.any(axis=1).sum()
        if any(close(got["output"], np.array(float(n))) for n in (np.nan, *counts)):
            comparison.skipped["its loss: it returns how many answers are wrong"] = []
            got["output"] = want["output"]
        question = Question("Rosenblatt", (3, outputs), state=state, inputs=(x, y))
        # ŷ − y is to this rule what the upstream gradient is to a layer.
        comparison.add(question, want, Answer(got, answers - y))
    return comparison.finding(_perceptron_diagnosis)


def _torchs_step(state: Results, x: np.ndarray, y: np.ndarray) -> Results:
    rule = torch_ref.perceptron.Rosenblatt(3, len(state["bias"]))
    rule.to(torch.zeros(1).double())
    rule.load_state_dict({name: torch.tensor(a) for name, a in state.items()})
    loss = np.asarray(rule.step(torch.tensor(x), torch.tensor(y)))
    after = {name: to_numpy(get_parameter(rule, name)) for name in state}
    return {f"gradient {k}": state[k] - after[k] for k in state} | {"output": loss}


def _ones(function: Any) -> dict[str, int]:
    return dict.fromkeys({*ONE} & {*arguments_of(function)}, 1)


def _step(rule: Any, before: Results, x: Any, y: Any) -> Results:
    """How a rule changes weights and bias, and its loss; NaN if it returns none."""
    names = {k: next((n for n in WEIGHTS[k] if hasattr(rule, n)), k) for k in before}
    signs = {k: -1.0 if n in ("threshold", "theta") else 1.0 for k, n in names.items()}
    set_parameters(rule, {n: signs[k] * before[k] for k, n in names.items()})
    if np.ndim(to_numpy(get_parameter(rule, names["weight"]))) < 2:
        y = y[:, 0]
    step = next(getattr(rule, n) for n in STEPS if hasattr(rule, n))
    loss = step(x, y, **_ones(step))
    is_number = isinstance(loss, (float, int, np.ndarray, np.generic))
    is_number = is_number and np.ndim(loss) == 0
    changes: Results = {"output": np.array(loss if is_number else np.nan, dtype=float)}
    for k, old in before.items():
        new = signs[k] * np.asarray(to_numpy(get_parameter(rule, names[k])))
        new = new.reshape(old.shape) if new.size == old.size else new
        changes[f"gradient {k}"] = old - new
    return changes


def _perceptron_diagnosis(failures: list[Failure]) -> str:
    """The error by which the weights move instead of ŷ − y, at once or one by one."""
    if not any(np.any(f.question.state["weight"]) for f in failures):
        return "kink value"
    how = [*itertools.product((np.greater, np.greater_equal), (True, False))]
    ways = ((name, (r, *h)) for name, r in ways_in(COURSE, "rules") for h in how)
    return explained(ways, failures, _moved, 1e-9) or mistakes.diagnosis(failures)


def _moved(way: tuple[str, Any, bool], f: Failure) -> Results:
    """How weights and bias move by such an error."""
    rule, fires, at_once = way
    state, (x, y) = f.question.state, f.question.inputs
    weight, bias = state["weight"], state["bias"]
    for n in [slice(None)] if at_once else [slice(n, n + 1) for n in range(len(x))]:
        z = x[n] @ weight.T + bias
        names = {"p": fires(z, 0) * 1.0, "y": y[n], "z": z, "x": x[n]}
        errors = eval(rule, {"np": np, "d": x.shape[1], "n": len(x), **names})
        of_weight, of_bias = errors if isinstance(errors, tuple) else (errors, errors)
        weight, bias = weight - of_weight.T @ x[n], bias - of_bias.sum(axis=0)
    changes = {"weight": state["weight"] - weight, "bias": state["bias"] - bias}
    return {f"gradient {name}": change for name, change in changes.items()}


# -- descent, Newton's step, search without a derivative -------------------------------

BLIND = {
    "where the error shrinks ahead": {"x": 2.0, "step": -0.5},
    "where it grows ahead and shrinks behind": {"x": 2.0, "step": 0.5},
    "where it grows on both sides": {"x": 0.125, "step": 1.0},
    "where it is equal ahead": {"x": 0.5, "step": -1.0},
    "where it is equal behind": {"x": 0.5, "step": 1.0},
    "left of the lowest point": {"x": -3.0, "step": 1.0},
    "left of it, on the way up": {"x": -3.0, "step": -1.0},
}
"""Situations on x², each with the x and the step that lead to it."""


def descend(definition: Definition) -> Finding:
    """Compare gradient descent on x², step by step."""

    def run(function: Any, x: float) -> Results:
        options = {"step": 0.1, "max_steps": 50}
        made = function(lambda x: x * x, lambda x: 2 * x, x, **options)
        points = np.asarray(getattr(made, "points", made), dtype=float)
        return {"first step": np.diff(points[:2]), "points": points}

    def torchs(error: Any, _: Any, x: float, **options: Any) -> Any:
        start = torch.tensor(x, dtype=torch.float64)
        return torch_ref.descent.descend(error, start, **options)

    return _on_squares(definition, torchs, run, {"in a descent on x²": {"x": 2.0}})


def newton(definition: Definition) -> Finding:
    """Compare H⁻¹∇ for a random symmetric matrix H."""
    rng = np.random.default_rng(1)
    root, gradient = rng.normal(size=(3, 3)), rng.normal(size=3)
    given = {"gradient": gradient, "hessian": root @ root.T + np.eye(3)}

    def run(function: Any, gradient: np.ndarray, hessian: np.ndarray) -> Results:
        return {"step": np.asarray(function(gradient.copy(), hessian.copy()))}

    def torchs(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
        return np.linalg.solve(hessian, gradient)

    return _on_squares(definition, torchs, run, {"not H⁻¹∇": given})


def blind(definition: Definition) -> Finding:
    """Compare one step of the search without a derivative on x², in all situations.

    Where it evaluates f counts, too: evaluations are what a search costs.
    """

    def run(function: Any, x: float, step: float) -> Results:
        evaluated: list[float] = []

        def error(at: Any) -> Any:
            evaluated.append(float(at))
            return at * at

        found = np.array(function(error, x, x * x, step), dtype=float)
        return {"x, value and step": found, "evaluations": np.array(evaluated)}

    return _on_squares(definition, torch_ref.search.blind_step, run, BLIND)


def _on_squares(
    definition: Definition,
    torchs: Callable[..., Any],
    run: Callable[..., Results],
    situations: dict[str, dict[str, Any]],
) -> Finding:
    """Compare what a function gives in each situation, and edits of our own explain."""
    home = handmade.search if definition.name == "blind_step" else handmade.descent
    own, states = getattr(home, definition.name), {}
    for name, given in situations.items():
        states[name] = {k: np.array(value) for k, value in given.items()}
    questions = [Question(name, state=state) for name, state in states.items()]

    def in_situation(function: Any, question: Question) -> Results:
        return run(function, **situations[question.name])

    def variant(edits: Any, f: Failure) -> Results:
        if edits:
            return in_situation(edited(own, tuple(edits)), f.question)
        return {f.wrong[0]: -f.want[f.wrong[0]]}

    def shown(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
        where, fields = wording.shown(failures)
        return f"{where}, {failures[0].question.name}", fields | {"case": ""}

    variants = [*ways_in(COURSE, "ways", definition.name), ("sign", None)]
    return compared(
        definition, questions, in_situation, torchs, variants, variant, shown=shown
    )
