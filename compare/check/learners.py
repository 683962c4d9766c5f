"""Judging the perceptron rule, the course's descents and Newton's step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import torch_ref
from compare.backend import to_numpy
from compare.check.diagnosis import named
from compare.check.driving import Answer
from compare.check.failures import Failure, close
from compare.check.findings import (
    BOUND,
    EPS,
    Finding,
    agreed,
    convention,
    gap,
    same,
    text,
    text_of,
    wrong_results,
)
from compare.check.parameters import get_parameter, set_parameters
from compare.check.subjects import Subject
from compare.testing.reference import Question, Results


def rosenblatt(subject: Subject) -> Finding:
    """Judge one step of the perceptron rule, from random weights and from 0."""
    rng = np.random.default_rng(2)
    failures, worst = [], 0.0
    for scale in (1.0, 1.0, 0.0):
        state = {
            "weight": scale * rng.normal(size=(2, 3)),
            "bias": scale * rng.normal(size=2),
        }
        x, y = rng.normal(size=(6, 3)), rng.integers(0, 2, (6, 2)).astype(float)
        got, want = _ours(subject, state, x, y), _theirs(state, x, y)
        fires = np.where(x @ state["weight"].T + state["bias"] > 0, 1.0, 0.0)
        question = Question("Rosenblatt", state=state, inputs=(x, y))
        wrong = wrong_results(got, want)
        if wrong:
            # To the rule, ŷ − y is what the upstream gradient is to a layer.
            gave = Answer(got, fires - y)
            failures.append((scale, Failure(question, want, gave, wrong, "layer")))
        else:
            worst = max(worst, *(gap(got[n], want[n]) for n in want))
    about: dict[str, Any] = {"cases": 3}
    if not failures:
        return agreed(subject, worst, about)
    only_at_zero = all(scale == 0 for scale, _ in failures)
    name = named([f for _, f in failures], lambda q: False)
    name = "kink value" if only_at_zero else name
    first = failures[0][1]
    result = first.wrong[0]
    numbers = {
        "input": text_of(first.question),
        "expected": text(first.want[result]),
        "got": text(first.answer.results[result]),
        "ulp": gap(first.answer.results[result], first.want[result]) / EPS,
    }
    if name is None:
        words = f"no known pattern: {result}"
        return Finding(subject.label, "Rosenblatt", "bug", words, **about, **numbers)
    return convention(subject, name, result, {**about, **numbers})


def _ours(subject: Subject, state: Results, x: np.ndarray, y: np.ndarray) -> Results:
    learner = subject.make(3, 2)
    set_parameters(learner, state)
    loss = learner.step(x.copy(), y.copy())
    moved = {
        f"gradient {name}": before - np.asarray(get_parameter(learner, name))
        for name, before in state.items()
    }
    return {**moved, "output": np.asarray(loss, dtype=float)}


def _theirs(state: Results, x: np.ndarray, y: np.ndarray) -> Results:
    tensor = torch.from_numpy
    learner = torch_ref.perceptron.Rosenblatt(3, 2).to(torch.zeros(1).double())
    learner.load_state_dict({name: tensor(a.copy()) for name, a in state.items()})
    loss = learner.step(tensor(x), tensor(y))
    moved = {
        f"gradient {name}": before - to_numpy(learner.parameters()[name])
        for name, before in state.items()
    }
    return {**moved, "output": np.asarray(loss)}


def descend(subject: Subject) -> Finding:
    """Judge the course's loop on x², step by step."""
    made = subject.make(lambda x: x * x, lambda x: 2 * x, 2.0, step=0.1, max_steps=50)
    got = np.asarray(getattr(made, "points", made), dtype=float)
    start = torch.tensor(2.0, dtype=torch.float64)
    trace = torch_ref.descent.descend(lambda x: x * x, start, step=0.1, max_steps=50)
    want = np.array([float(p) for p in trace.points])
    if got.shape == want.shape and same(got, want, BOUND):
        return agreed(subject, gap(got, want), {"cases": 1})
    numbers = {"cases": 1, "expected": text(want[:4]), "got": text(got[:4])}
    turns = len(got) > 1 and close(got[1] - got[0], -(want[1] - want[0]))
    if turns:
        return convention(subject, "sign", "the first step", numbers)
    words = "no known pattern: the points differ"
    return Finding(subject.label, subject.name, "bug", words, **numbers)


def newton(subject: Subject) -> Finding:
    """Judge H⁻¹∇ on a random symmetric matrix."""
    rng = np.random.default_rng(1)
    root, gradient = rng.normal(size=(3, 3)), rng.normal(size=3)
    hessian = root @ root.T + np.eye(3)
    got = np.asarray(subject.make(gradient.copy(), hessian.copy()))
    want = np.linalg.solve(hessian, gradient)
    if got.shape == want.shape and same(got, want, 1e-11):
        return agreed(subject, gap(got, want), {"cases": 1})
    numbers = {"cases": 1, "expected": text(want), "got": text(got)}
    if close(got, -want):
        return convention(subject, "sign", "the step", numbers)
    words = "no known pattern: the step is not H⁻¹∇"
    return Finding(subject.label, subject.name, "bug", words, **numbers)


BLIND = {
    "where the error shrinks ahead": (2.0, -0.5),
    "where it grows ahead and shrinks behind": (2.0, 0.5),
    "where it grows on both sides": (0.125, 1.0),
    "where it is equal ahead": (0.5, -1.0),
    "where it is equal behind": (0.5, 1.0),
    "left of the lowest point": (-3.0, 1.0),
    "left of it, on the way up": (-3.0, -1.0),
}
"""From which x by which step each situation on x² comes about."""


def blind(subject: Subject) -> Finding:
    """Judge one step of the search without a derivative on x², situation by situation.

    Where it looks counts, too: a look is what a search costs.
    """
    for where, (x, step) in BLIND.items():
        got, looks = _blind_step(subject.make, x, step)
        want, needed = _blind_step(torch_ref.search.blind_step, x, step)
        if got.shape == want.shape and same(got, want, BOUND) and looks == needed:
            continue
        numbers = {
            "cases": len(BLIND),
            "input": f"x = {x}, step = {step}",
            "expected": f"x, value, step = {text(want)}, having looked at {needed}",
            "got": f"{text(got)}, having looked at {looks}",
        }
        words = f"no known pattern: {where}"
        return Finding(subject.label, subject.name, "bug", words, **numbers)
    return agreed(subject, 0.0, {"cases": len(BLIND)})


def _blind_step(
    step_of: Callable[..., Any], x: float, step: float
) -> tuple[np.ndarray, list[float]]:
    """What a step returns, and where it looked at x²."""
    looks: list[float] = []

    def error(at: Any) -> Any:
        looks.append(float(at))
        return at * at

    return np.array(step_of(error, x, x * x, step), dtype=float), looks
