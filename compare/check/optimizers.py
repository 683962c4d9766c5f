"""Checking an optimiser by where it goes under given gradients."""

import bisect
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.check import trajectories
from compare.check.arguments import (
    default_words,
    expressible,
    other_defaults,
    without_default,
)
from compare.check.definitions import CASES, Definition
from compare.check.finding import Finding, bug, not_tested, right, text, texts, wrong
from compare.check.results import EPS, close, relative
from compare.check.trajectories import Path, Shapes
from compare.testing import Case
from compare.tolerance import largest_at

TOLERANCE = 1e-11
"""Up to here, relatively, parameters after a few steps are equal up to rounding."""
NEW_LR = 0.03


@dataclass(frozen=True)
class _Failure:
    """A test case in which an optimiser goes elsewhere than torch's."""

    case: Case
    new_lr: float | None
    got: Path
    want: Path

    @property
    def shapes(self) -> Shapes:
        return _shapes(self.case)


def optimizer(definition: Definition) -> Finding:
    """Compare an optimiser in all of its test cases, with and without another lr."""
    failures, largest, cases = [], 0.0, 0
    missing: set[str] = set()
    side_effects = {"input mutated": False, "dtype changed": False}
    keeps_gradients = False
    for case in CASES[definition.name]:
        given, lacks = expressible(definition, case)
        missing |= lacks
        if given is None:
            continue
        options, shapes = given.kwargs, _shapes(case)
        for new_lr in (None, NEW_LR):
            ours = trajectories.trajectory(
                definition.make, options, shapes, new_lr=new_lr
            )
            want = trajectories.torchs_path(definition.name, options, shapes, new_lr)
            cases += 1
            side_effects["input mutated"] |= ours.mutated
            keeps_gradients |= ours.kept
            if _same(ours.path, want):
                largest = max(largest, relative(ours.path[-1], want[-1]))
            else:
                failures.append(_Failure(given, new_lr, ours.path, want))
        single = trajectories.trajectory(definition.make, options, shapes, "float32")
        dtypes = {parameters.dtype for parameters in single.path}
        side_effects["dtype changed"] |= dtypes != {np.dtype(np.float32)}
    needed: dict[str, list[str]] = {words: [] for words in without_default(definition)}
    tested = {"cases": cases, "not_tested": not_tested(missing, needed)}
    if failures:
        return _wrong(definition, failures, tested)
    for name, is_true in side_effects.items():
        if is_true:
            return wrong(definition, name, "the gradient or the parameters", **tested)
    if keeps_gradients:
        return bug(definition, "zero_grad leaves a gradient that is not 0", **tested)
    return right(definition, largest, **tested)


def _shapes(case: Case) -> Shapes:
    """Without parameters of no dimension: NumPy makes numbers of these."""
    return tuple(shape for shape in case.shapes if shape)


def _same(got: Path, want: Path) -> bool:
    return all(close(g, w, TOLERANCE) for g, w in zip(got, want, strict=True))


def _wrong(
    definition: Definition, failures: list[_Failure], tested: dict[str, Any]
) -> Finding:
    """By which mistake and where the first test case differs from torch."""
    others = _torchs_other_defaults(definition)
    unexplained = [f for f in failures if not _by_default(definition, others, f)]
    if not unexplained:
        words, case = default_words(definition), failures[0].case.id
        return wrong(definition, "other default", words, case=case, **tested)
    first = unexplained[0]
    pairs = zip(first.got, first.want, strict=True)
    step = next(n for n, (g, w) in enumerate(pairs) if not close(g, w, TOLERANCE))
    which, place = _differing(first.shapes, first.got[step], first.want[step])
    change = f", lr changed to {NEW_LR} at step {trajectories.STEPS // 2 + 1}"
    gradient = list(trajectories.gradients(first.shapes))[step][which]
    theirs, ours = first.want[step][place], first.got[step][place]
    expected, got = texts(theirs, ours)
    return wrong(
        definition,
        _diagnosis(definition, others, unexplained),
        f"parameters differ from step {step + 1} on",
        case=f"{first.case.id}{change if first.new_lr else ''}",
        input=f"gradient of params[{which}] at step {step + 1} = {text(gradient)}",
        expected=f"params[{which}] = {expected}",
        got=f"params[{which}] = {got}",
        ulp=relative(ours, theirs) / EPS,
        **tested,
    )


def _diagnosis(
    definition: Definition, others: dict[str, Any], failures: list[_Failure]
) -> str:
    """The first mistake that leads to just these paths; "" if none does."""
    common: list[str] | None = None
    for f in failures:
        options = {**others, **f.case.kwargs}
        paths = trajectories.wrong_paths(definition.name, options, f.shapes, f.new_lr)
        names = [name for name, path in paths if _same(f.got, path)]
        common = names if common is None else [n for n in common if n in names]
        if not common:
            return ""
    return common[0] if common else ""


def _torchs_other_defaults(definition: Definition) -> dict[str, Any]:
    """Its defaults that are not torch's, if torch can be given them."""
    others, case = other_defaults(definition), CASES[definition.name][0]
    try:
        trajectories.torchs_path(definition.name, others, _shapes(case))
    except Exception:
        return {}
    return others


def _by_default(definition: Definition, others: dict[str, Any], f: _Failure) -> bool:
    """Whether torch goes the same way when it is given the other defaults."""
    if others.keys() <= f.case.kwargs.keys():
        return False
    options = {**others, **f.case.kwargs}
    try:
        want = trajectories.torchs_path(definition.name, options, f.shapes, f.new_lr)
    except ValueError:  # the two do not go together
        return False
    return _same(f.got, want)


def _differing(shapes: Shapes, got: np.ndarray, want: np.ndarray) -> tuple[int, slice]:
    """The parameter that differs most, and where it lies among all."""
    ends = [0, *itertools.accumulate(map(math.prod, shapes))]
    index = largest_at(got, want)[0] if got.shape == want.shape else 0
    number = bisect.bisect_right(ends, index) - 1
    return number, slice(ends[number], ends[number + 1])
