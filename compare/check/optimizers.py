"""Checking an optimizer by where it goes under given gradients."""

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from compare.check import wording
from compare.check.comparison import Comparison
from compare.check.definitions import Definition, NotTested
from compare.check.mistakes import CONVENTIONS, HINTS
from compare.check.mistakes.optimizers import WrongStep, all_options, wrong_steps
from compare.check.optimizer_forms import OBJECTS, Form, as_torchs, giver
from compare.check.report import Finding
from compare.check.results import Answer, Failure, close, wrong_in
from compare.check.signatures import arguments_of
from compare.check.trajectories import STEPS, WITHOUT, Steps, torchs_path, trajectory
from compare.testing.reference import Results

TOLERANCE = 1e-11
"""Up to here, relatively, parameters after a few steps are equal up to rounding."""
LOOSE = 1e-4
"""Up to here they are equal but for a tiny constant in place of eps."""
OTHER_EPS = (1e-7, 1e-6, 1e-5, 1e-10)
"""What people write into their code where torch has the option eps."""
COUNTED = "step counted wrongly"
"""If the count starts at 0, 1 − βᵗ is 0: Python does not divide by it."""
NEW_LR = 0.03
SITUATIONS: tuple[dict[str, Any], ...] = ({}, {"new_lr": NEW_LR}, {"scale": 100.0})
Went = Callable[[Steps], tuple[Results, dict[str, str]]]


def optimizer(definition: Definition) -> Finding:
    """Compare an optimizer in all of its test cases, and in every situation."""
    definition = as_torchs(definition)
    form: Form = definition.make.form  # pyright: ignore[reportFunctionMemberAccess]

    def went(steps: Steps) -> tuple[Results, dict[str, str]]:
        return trajectory(definition.make, steps, *giver(form.container))

    comparison = Comparison(definition, torchs_path, TOLERANCE)
    for number, case in comparison.given_cases():
        # Without parameters of no dimension: NumPy makes numbers of these.
        shapes = tuple(shape for shape in case.shapes if shape)
        usual = Steps(case.name, kwargs=case.kwargs, shapes=shapes)
        is_right, noticed = True, dict[str, str]()
        for situation in SITUATIONS[: 2 if number > 1 else 3]:
            steps = replace(usual, **situation)
            try:
                path, more = went(steps)
            except NotTested as why:
                comparison.skipped.setdefault(str(why), [])
                continue
            except ZeroDivisionError as error:
                if definition.name not in HINTS[COUNTED]:
                    raise
                comparison.mistakes.append((COUNTED, wording.raised(error)))
                return comparison.finding()
            is_right &= comparison.add(steps, torchs_path(steps), Answer(path))
            noticed |= more
        if form.container in OBJECTS:
            noticed |= _without_gradient(went, usual, is_right)
        single = went(replace(usual, dtype="float32"))[0].values()
        if any(parameters.dtype != np.float32 for parameters in single):
            noticed["dtype changed"] = "the parameters"
        comparison.mistakes += noticed.items()
    comparison.mistakes.sort(key=lambda found: found[0] in CONVENTIONS)
    return comparison.finding(
        lambda failures: _diagnosis(comparison.other_defaults, failures), _shown
    )


def _without_gradient(went: Went, usual: Steps, is_right: bool) -> dict[str, str]:
    """What goes wrong where a parameter has no gradient for some steps."""
    steps, last = replace(usual, without=True), len(usual.shapes) - 1
    where = f"at step {WITHOUT[0] + 1} p.grad is None for params[{last}]"
    try:
        path, _ = went(steps)
    except Exception as error:
        return {"no gradient not handled": f"{where}: {wording.raised(error)}"}
    want = torchs_path(steps)
    skipped = [*want][: WITHOUT.stop * len(steps.shapes)]
    if is_right and not all(close(path[n], want[n], TOLERANCE) for n in skipped):
        return {"parameter without gradient changed": f"{where}, and it changes"}
    return {}


# -- diagnosis -------------------------------------------------------------------------


def _diagnosis(others: dict[str, Any], failures: list[Failure]) -> str:
    """The first mistake that leads to just these paths; "" if none does.

    Where two mistakes explain a part of the failures each, and together all: both.
    `others` are its defaults that are not torch's.
    """
    finite = [f for f in failures if np.isfinite([*f.got.values()][-1]).all()]
    failures = [f for f in finite or failures if not _is_ignored(f, failures)]
    definition, first = failures[0].definition, failures[0].question
    try:
        torchs_path(replace(first, kwargs=others))
    except Exception:  # torch refuses them
        others = {}
    taken, k = arguments_of(definition.make), _factor(failures[0])
    mistakes = wrong_steps(definition.name, taken)
    lr = all_options(definition.name, {**others, **first.kwargs})["lr"]

    def leads(way: WrongStep, f: Failure, tolerance: float, **eps: float) -> bool:
        """Whether a mistake leads where the file leads."""
        options = all_options(way.of, {**others, **f.question.kwargs, **eps})
        steps: Steps = replace(f.question, kwargs=options)
        try:
            path, _ = trajectory(way.optimizer(k=k, rate=k * lr), steps)
        except Exception:  # no such piece of source, or not with such shapes
            return False
        return not wrong_in(f.got, path, tolerance)

    def named(failures: list[Failure], tolerance: float, **eps: float) -> str:
        def explain(ways: list[WrongStep]) -> bool:
            return all(
                any(leads(w, f, tolerance, **eps) for w in ways) for f in failures
            )

        return next((name for name, ways in mistakes.items() if explain(ways)), "")

    found = named(failures, TOLERANCE)
    if not finite:
        return found
    if not found and "eps" not in taken:
        if not (large := [f for f in failures if wrong_in(f.got, f.want, LOOSE)]):
            return "another eps"
        tried = (named(large, TOLERANCE, eps=eps) for eps in OTHER_EPS)
        found = next(filter(None, tried), "") or named(large, LOOSE)
    if found or (found := _ignored_options(failures)):
        return found
    return _two([*itertools.chain(*mistakes.values())], failures, leads)


def _ignored_options(failures: list[Failure]) -> str:
    """Which options it takes and does not use, if this explains every failure."""
    ignored: set[str] = set()
    for f in failures:
        given = [name for name in f.question.kwargs if name != "lr"]
        sizes = range(1, len(given) + 1)
        for names in itertools.chain(
            *(itertools.combinations(given, n) for n in sizes)
        ):
            kwargs = {k: v for k, v in f.question.kwargs.items() if k not in names}
            with contextlib.suppress(Exception):  # torch needs one for another
                path = torchs_path(replace(f.question, kwargs=kwargs))
                if not wrong_in(f.got, path, TOLERANCE):
                    ignored |= {*names}
                    break
        else:
            return ""
    return f"option ignored ({', '.join(sorted(ignored))})"


def _two(
    ways: list[WrongStep], failures: list[Failure], leads: Callable[..., bool]
) -> str:
    """Two mistakes that explain a part of the failures each, and together the rest."""
    of = {
        w: {n for n, f in enumerate(failures) if leads(w, f, TOLERANCE)} for w in ways
    }
    for one, other in itertools.combinations([way for way in ways if of[way]], 2):
        rest = {*range(len(failures))} - of[one] - of[other]
        is_each_needed = of[one] - of[other] and of[other] - of[one]
        if is_each_needed and all(
            leads(one + other, failures[n], TOLERANCE) for n in rest
        ):
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
    first, name = np.ravel(f.question.start()[0]), next(iter(f.want))
    return float(np.median((f.got[name] - first) / (f.want[name] - first)))


def _shown(failures: list[Failure]) -> tuple[str, dict[str, Any]]:
    """The first step that is wrong, and a parameter that is."""
    failure, steps = failures[0], failures[0].question
    step, which = divmod([*failure.want].index(failure.wrong[0]), len(steps.shapes))
    _, fields = wording.shown(failures)
    fields |= {k: f"params[{which}] = {fields[k]}" for k in ("expected", "got")}
    gradient = wording.text(steps.gradients()[step][which])
    fields["input"] = f"gradient of params[{which}] at step {step + 1} = {gradient}"
    if steps.new_lr:
        fields["case"] += f", lr changed to {NEW_LR} at step {STEPS // 2 + 1}"
    return f"parameters differ from step {step + 1} on", fields
