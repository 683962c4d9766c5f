"""Checking an optimiser by where it goes under given gradients."""

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.check import wording
from compare.check.comparison import Comparison
from compare.check.definitions import Definition
from compare.check.report import Finding
from compare.check.results import Answer, Failure, wrong_in
from compare.check.trajectories import (
    STEPS,
    Path,
    Shapes,
    gradients,
    torchs_path,
    trajectory,
    wrong_paths,
)
from compare.testing.reference import Question, Results

TOLERANCE = 1e-11
"""Up to here, relatively, parameters after a few steps are equal up to rounding."""
NEW_LR = 0.03


@dataclass(frozen=True)
class Run(Question):
    """Some steps of an optimiser."""

    shapes: Shapes = ()  # of its parameters
    new_lr: float | None = None  # after half of the steps, if it changes


def optimizer(definition: Definition) -> Finding:
    """Compare an optimiser in all of its test cases, with and without another lr."""
    comparison, keeps_gradients = Comparison(definition, _torchs, TOLERANCE), False
    for _, case in comparison.given_cases():
        # Without parameters of no dimension: NumPy makes numbers of these.
        shapes = tuple(shape for shape in case.shapes if shape)
        options = case.kwargs
        for new_lr in (None, NEW_LR):
            run = Run(case.name, kwargs=options, shapes=shapes, new_lr=new_lr)
            ours = trajectory(definition.make, options, shapes, new_lr=new_lr)
            comparison.add(run, _torchs(run), Answer(_results(ours.path, shapes)))
            keeps_gradients |= ours.kept
            if ours.mutated:
                comparison.mistakes.append(("input mutated", "the gradient"))
        single = trajectory(definition.make, options, shapes, "float32")
        if any(parameters.dtype != np.float32 for parameters in single.path):
            comparison.mistakes.append(("dtype changed", "the parameters"))
    problem = "zero_grad leaves a gradient that is not 0" if keeps_gradients else ""
    others = comparison.other_defaults
    return comparison.finding(lambda f: _diagnosis(others, f), _shown, problem)


def _torchs(run: Run) -> Results:
    path = torchs_path(run.name, run.kwargs, run.shapes, run.new_lr)
    return _results(path, run.shapes)


def _results(path: Path, shapes: Shapes) -> Results:
    ends = [*itertools.accumulate(map(math.prod, shapes))][:-1]
    return {
        f"params[{which}] after step {step}": parameter
        for step, parameters in enumerate(path, 1)
        for which, parameter in enumerate(np.split(parameters, ends))
    }


def _diagnosis(others: dict[str, Any], failures: list[Failure]) -> str:
    """The first mistake that leads to just these paths; "" if none does."""
    try:
        _torchs(replace(failures[0].question, kwargs=others))
    except Exception:  # torch refuses them
        others = {}
    common: dict[str, None] = {}
    for number, f in enumerate(failures):
        run, options = f.question, {**others, **f.question.kwargs}
        found = {
            name: None
            for name, path in wrong_paths(run.name, options, run.shapes, run.new_lr)
            if not wrong_in(f.got, _results(path, run.shapes), TOLERANCE)
        }
        common = found if number == 0 else {n: None for n in common if n in found}
    return next(iter(common), "")


def _shown(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
    """The first step that is wrong, and a parameter that is."""
    failure, run = failures[0], failures[0].question
    step, which = divmod([*failure.want].index(failure.wrong[0]), len(run.shapes))
    gradient = list(gradients(run.shapes))[step][which]
    _, fields = wording.shown(failures)
    fields |= {k: f"params[{which}] = {fields[k]}" for k in ("expected", "got")}
    what = f"gradient of params[{which}] at step {step + 1}"
    fields["input"] = f"{what} = {wording.text(gradient)}"
    if run.new_lr:
        fields["case"] += f", lr changed to {NEW_LR} at step {STEPS // 2 + 1}"
    return f"parameters differ from step {step + 1} on", fields
