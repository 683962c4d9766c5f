"""Checking an optimiser by where it goes under given gradients."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check import wording
from compare.check.arguments import taken_in_order
from compare.check.comparison import Comparison
from compare.check.definitions import Definition, NotTested
from compare.check.mistakes import CONVENTIONS
from compare.check.mistakes.optimizers import WrongStep, all_options, wrong_steps
from compare.check.optimizer_forms import OBJECTS, Form, as_torchs, giver
from compare.check.report import Finding
from compare.check.results import Answer, Failure, close, wrong_in
from compare.check.trajectories import (
    STEPS,
    WITHOUT,
    Steps,
    Trajectory,
    gradients,
    start,
    torchs_path,
    trajectory,
)

TOLERANCE = 1e-11
"""Up to here, relatively, parameters after a few steps are equal up to rounding."""
LOOSE = 1e-4
"""Up to here they are equal but for a tiny constant in place of eps."""
OTHER_EPS = (1e-7, 1e-6, 1e-5, 1e-10)
"""What people write into their code where torch has the option eps."""
NEW_LR = 0.03
SITUATIONS: tuple[dict[str, Any], ...] = ({}, {"new_lr": NEW_LR}, {"scale": 100.0})


def optimizer(definition: Definition) -> Finding:
    """Compare an optimiser in all of its test cases, and in every situation."""
    definition = as_torchs(definition)
    form: Form = definition.make.form  # pyright: ignore[reportFunctionMemberAccess]

    def went(steps: Steps) -> Trajectory:
        return trajectory(definition.make, steps, *giver(form.container))

    comparison = Comparison(definition, torchs_path, TOLERANCE)
    for number, case in comparison.given_cases():
        # Without parameters of no dimension: NumPy makes numbers of these.
        shapes = tuple(shape for shape in case.shapes if shape)
        usual = Steps(case.name, kwargs=case.kwargs, shapes=shapes)
        before = len(comparison.failures)
        for situation in SITUATIONS[: 2 if number > 1 else 3]:
            steps = replace(usual, **situation)
            try:
                ours = went(steps)
            except NotTested as why:
                comparison.skipped.setdefault(str(why), [])
                continue
            comparison.add(steps, torchs_path(steps), Answer(ours.path))
            if ours.mutated:
                comparison.mistakes.append(("input mutated", "the gradient"))
            if ours.kept:
                where = "zero_grad leaves a gradient that is not 0"
                comparison.mistakes.append(("gradients not cleared", where))
        is_right = len(comparison.failures) == before
        single = went(replace(usual, dtype="float32")).path.values()
        if any(parameters.dtype != np.float32 for parameters in single):
            comparison.mistakes.append(("dtype changed", "the parameters"))
        if form.container in OBJECTS:
            comparison.mistakes += _without_gradient(went, usual, is_right)
    comparison.mistakes.sort(key=lambda found: found[0] in CONVENTIONS)
    return comparison.finding(
        lambda failures: _diagnosis(comparison.other_defaults, failures), _shown
    )


def _without_gradient(
    went: Callable[[Steps], Trajectory], usual: Steps, is_right: bool
) -> Iterator[tuple[str, str]]:
    """What goes wrong where a parameter has no gradient for some steps."""
    steps, last = replace(usual, without=True), len(usual.shapes) - 1
    where = f"at step {WITHOUT[0] + 1} p.grad is None for params[{last}]"
    try:
        ours = went(steps).path
    except Exception as error:
        yield "no gradient not handled", f"{where}: {wording.raised(error)}"
        return
    want = torchs_path(steps)
    skipped = [*want][: WITHOUT.stop * len(steps.shapes)]
    if is_right and not all(close(ours[n], want[n], TOLERANCE) for n in skipped):
        yield "parameter without gradient changed", f"{where}, and it changes"


# -- diagnosis -------------------------------------------------------------------------


def _diagnosis(others: dict[str, Any], failures: list[Failure]) -> str:
    """The first mistake that leads to just these paths; "" if none does.

    Where two mistakes explain a part of the failures each, and together all: both.
    `others` are its defaults that are not torch's.
    """
    name, given = failures[0].definition.name, failures[0].question.kwargs
    lr = all_options(name, {**others, **given})["lr"]
    try:
        torchs_path(replace(failures[0].question, kwargs=others))
    except Exception:  # torch refuses them
        others = {}
    finite = [f for f in failures if np.isfinite([*f.got.values()][-1]).all()]
    failures = [f for f in finite or failures if not _is_ignored(f, failures)]
    mistakes, k = wrong_steps(name), _factor(failures[0])
    constants = {"k": k, "rate": k * lr}

    def goes(way: WrongStep, f: Failure, tolerance: float, **eps: float) -> bool:
        """Whether a mistake leads where the file leads."""
        options = all_options(way.of, {**others, **f.question.kwargs, **eps})
        steps: Steps = replace(f.question, kwargs=options)
        try:
            path = trajectory(way.optimizer(**constants), steps).path
        except Exception:  # no such piece of source, or not with such shapes
            return False
        return not wrong_in(f.got, path, tolerance)

    def named(failures: list[Failure], tolerance: float, **eps: float) -> str:
        for name, ways in mistakes.items():
            if all(any(goes(w, f, tolerance, **eps) for w in ways) for f in failures):
                return name
        return ""

    if name := named(failures, TOLERANCE):
        return name
    if "eps" not in taken_in_order(failures[0].definition.make):
        if not (large := [f for f in failures if wrong_in(f.got, f.want, LOOSE)]):
            return "another eps"
        ways = [{"tolerance": TOLERANCE, "eps": eps} for eps in OTHER_EPS]
        for way in [*ways, {"tolerance": LOOSE}]:
            if name := named(large, **way):
                return name
    return _two([*itertools.chain(*mistakes.values())], failures, goes)


def _two(
    ways: list[WrongStep], failures: list[Failure], goes: Callable[..., bool]
) -> str:
    """Two mistakes that explain a part of the failures each, and together the rest."""
    found = dict(enumerate(failures))
    of = {way: {n for n in found if goes(way, found[n], TOLERANCE)} for way in ways}
    for one, other in itertools.combinations([way for way in of if of[way]], 2):
        rest, both = found.keys() - of[one] - of[other], one + other
        is_each_needed = of[one] - of[other] and of[other] - of[one]
        if is_each_needed and all(goes(both, found[n], TOLERANCE) for n in rest):
            return f"{one.name}, and {other.name}"
    return ""


def _is_ignored(f: Failure, failures: list[Failure]) -> bool:
    """Whether it goes where it goes without an option, and fails there, too."""
    return any(
        other.question.kwargs.items() < f.question.kwargs.items()
        and replace(other.question, kwargs=f.question.kwargs) == f.question
        and not wrong_in(f.got, other.got, TOLERANCE)
        for other in failures
    )


def _factor(f: Failure) -> float:
    """How many times as far as torch's the first step goes, in the middle."""
    first = np.ravel(start(f.question)[0])
    name = next(iter(f.want))
    return float(np.median((f.got[name] - first) / (f.want[name] - first)))


def _shown(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
    """The first step that is wrong, and a parameter that is."""
    failure, steps = failures[0], failures[0].question
    step, which = divmod([*failure.want].index(failure.wrong[0]), len(steps.shapes))
    gradient = [*gradients(steps)][step][which]
    _, fields = wording.shown(failures)
    fields |= {k: f"params[{which}] = {fields[k]}" for k in ("expected", "got")}
    what = f"gradient of params[{which}] at step {step + 1}"
    fields["input"] = f"{what} = {wording.text(gradient)}"
    if steps.new_lr:
        fields["case"] += f", lr changed to {NEW_LR} at step {STEPS // 2 + 1}"
    return f"parameters differ from step {step + 1} on", fields
