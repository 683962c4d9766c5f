"""Checking an optimiser by where it goes under given gradients."""

import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compare.check import wording
from compare.check.arguments import taken
from compare.check.comparison import Comparison
from compare.check.definitions import Definition, NotTested
from compare.check.mistakes import CONVENTIONS
from compare.check.mistakes.optimizers import WrongStep, all_options, wrong_steps
from compare.check.optimizer_forms import OBJECTS, Parameter, as_torchs
from compare.check.report import Finding
from compare.check.results import Answer, Failure, close, wrong_in
from compare.check.trajectories import (
    STEPS,
    WITHOUT,
    Path,
    Shapes,
    Situation,
    gradients,
    start,
    torchs_path,
    trajectory,
)
from compare.testing.reference import Question, Results

TOLERANCE = 1e-11
"""Up to here, relatively, parameters after a few steps are equal up to rounding."""
LOOSE = 1e-4
"""Up to here they are equal but for a tiny constant in place of eps."""
OTHER_EPS = (1e-7, 1e-6, 1e-5, 1e-10)
"""What people write into their code where torch has the option eps."""
NEW_LR = 0.03
SITUATIONS = (Situation(), Situation(NEW_LR), Situation(scale=100.0))
SKIPPED = Situation(without=True)


@dataclass(frozen=True)
class Run(Question):
    """Some steps of an optimiser."""

    shapes: Shapes = ()  # of its parameters
    situation: Situation = SITUATIONS[0]


def optimizer(definition: Definition) -> Finding:
    """Compare an optimiser in all of its test cases, and in every situation."""
    definition = as_torchs(definition)
    comparison = Comparison(definition, _torchs, TOLERANCE)
    for number, case in comparison.given_cases():
        # Without parameters of no dimension: NumPy makes numbers of these.
        shapes = tuple(shape for shape in case.shapes if shape)
        before = len(comparison.failures)
        for situation in SITUATIONS[: 2 if number > 1 else 3]:
            run = Run(case.name, (), case.kwargs, shapes=shapes, situation=situation)
            try:
                ours = _went(definition, run)
            except NotTested as why:
                comparison.skipped.setdefault(str(why), [])
                continue
            comparison.add(run, _torchs(run), Answer(_results(ours.path, shapes)))
            if ours.mutated:
                comparison.mistakes.append(("input mutated", "the gradient"))
            if ours.kept:
                where = "zero_grad leaves a gradient that is not 0"
                comparison.mistakes.append(("gradients not cleared", where))
        run = Run(case.name, (), case.kwargs, shapes=shapes, situation=SKIPPED)
        is_right = len(comparison.failures) == before
        comparison.mistakes += _other_mistakes(definition, run, is_right)
    comparison.mistakes.sort(key=lambda found: found[0] in CONVENTIONS)
    return comparison.finding(
        lambda failures: _diagnosis(comparison.other_defaults, failures), _shown
    )


def _other_mistakes(
    definition: Definition, run: Run, is_right: bool
) -> Iterator[tuple[str, str]]:
    """Mistakes that show only in float32, or where a parameter has no gradient."""
    single = _went(definition, replace(run, situation=SITUATIONS[0]), dtype="float32")
    if any(parameters.dtype != np.float32 for parameters in single.path):
        yield "dtype changed", "the parameters"
    if definition.make.form.container not in OBJECTS:  # pyright: ignore
        return
    last = f"params[{len(run.shapes) - 1}]"
    where = f"at step {WITHOUT[0] + 1} p.grad is None for {last}"
    try:
        ours = _went(definition, run).path
    except Exception as error:
        yield "no gradient not handled", f"{where}: {wording.raised(error)}"
        return
    want = torchs_path(run.name, run.kwargs, run.shapes, SKIPPED)
    skipped = [close(ours[n], want[n], TOLERANCE) for n in range(WITHOUT.stop)]
    if is_right and not all(skipped):
        yield "parameter without gradient changed", f"{where}, and it changes"


def _went(definition: Definition, run: Run, dtype: str = "float64") -> Any:
    options, situation = run.kwargs, run.situation
    make = definition.make
    return trajectory(make, options, run.shapes, dtype, situation, np.array, Parameter)


def _torchs(run: Run) -> Results:
    path = torchs_path(run.name, run.kwargs, run.shapes, run.situation)
    return _results(path, run.shapes)


def _results(path: Path, shapes: Shapes) -> Results:
    ends = [*itertools.accumulate(map(math.prod, shapes))][:-1]
    return {
        f"params[{which}] after step {step}": parameter
        for step, parameters in enumerate(path, 1)
        for which, parameter in enumerate(np.split(parameters, ends))
    }


# -- diagnosis -------------------------------------------------------------------------

Goes = Callable[..., bool]
"""Whether a wrong step leads where a file leads."""


def _diagnosis(others: dict[str, Any], failures: list[Failure]) -> str:
    """The first mistake that leads to just these paths; "" if none does.

    Where two mistakes explain a part of the failures each, and together all: both.
    `others` are its defaults that are not torch's.
    """
    try:
        _torchs(replace(failures[0].question, kwargs=others))
    except Exception:  # torch refuses them
        others = {}
    finite = [f for f in failures if np.isfinite([*f.got.values()][-1]).all()]
    failures = [f for f in finite or failures if not _is_ignored(f, failures)]
    mistakes, k = wrong_steps(failures[0].question.name), _factor(failures[0])
    constants = {"k": k, "rate": k * _option(failures[0], "lr")}

    def goes(way: WrongStep, f: Failure, tolerance: float, **eps: float) -> bool:
        run: Run = f.question
        options = all_options(way.of, {**others, **run.kwargs, **eps})
        try:
            made, given = way.optimizer(**constants), run.situation
            path = trajectory(made, options, run.shapes, situation=given).path
        except Exception:  # no such piece of source, or not with such shapes
            return False
        return not wrong_in(f.got, _results(path, run.shapes), tolerance)

    def named(failures: list[Failure], tolerance: float, **eps: float) -> str:
        for name, ways in mistakes.items():
            if all(any(goes(w, f, tolerance, **eps) for w in ways) for f in failures):
                return name
        return ""

    if name := named(failures, TOLERANCE):
        return name
    if "eps" not in (taken(failures[0].definition.make) or ()):
        if not (large := [f for f in failures if wrong_in(f.got, f.want, LOOSE)]):
            return "another eps"
        ways = [{"tolerance": TOLERANCE, "eps": eps} for eps in OTHER_EPS]
        for way in [*ways, {"tolerance": LOOSE}]:
            if name := named(large, **way):
                return name
    return _two([*itertools.chain(*mistakes.values())], failures, goes)


def _two(ways: list[WrongStep], failures: list[Failure], goes: Goes) -> str:
    """Two mistakes that explain a part of the failures each, and together the rest."""
    found = {
        way: {n for n, f in enumerate(failures) if goes(way, f, TOLERANCE)}
        for way in ways
    }
    for one, two in itertools.combinations([way for way in found if found[way]], 2):
        both = WrongStep("", one.of, (*one.parts, *two.parts))
        rest = {*range(len(failures))} - found[one] - found[two]
        is_each_needed = found[one] - found[two] and found[two] - found[one]
        if is_each_needed and all(goes(both, failures[n], TOLERANCE) for n in rest):
            return f"{one.name} and {two.name}"
    return ""


def _is_ignored(f: Failure, failures: list[Failure]) -> bool:
    """Whether it goes where it goes without an option, and fails there, too."""
    return any(
        other.question.kwargs.items() < f.question.kwargs.items()
        and other.question.situation == f.question.situation
        and not wrong_in(f.got, other.got, TOLERANCE)
        for other in failures
    )


def _option(f: Failure, name: str) -> Any:
    default = inspect.signature(f.definition.make).parameters[name].default
    return f.question.kwargs.get(name, default)


def _factor(f: Failure) -> float:
    """How many times as far as torch's the first step goes, in the middle."""
    first = np.ravel(start(f.question.shapes)[0])
    name = next(iter(f.want))
    return float(np.median((f.got[name] - first) / (f.want[name] - first)))


def _shown(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
    """The first step that is wrong, and a parameter that is."""
    failure, run = failures[0], failures[0].question
    situation: Situation = run.situation
    step, which = divmod([*failure.want].index(failure.wrong[0]), len(run.shapes))
    gradient = list(gradients(run.shapes, scale=situation.scale))[step][which]
    _, fields = wording.shown(failures)
    fields |= {k: f"params[{which}] = {fields[k]}" for k in ("expected", "got")}
    what = f"gradient of params[{which}] at step {step + 1}"
    fields["input"] = f"{what} = {wording.text(gradient)}"
    if situation.new_lr:
        fields["case"] += f", lr changed to {NEW_LR} at step {STEPS // 2 + 1}"
    return f"parameters differ from step {step + 1} on", fields
