"""Judging an optimiser by the way that it takes under given gradients."""

import itertools
import math
from typing import Any

import numpy as np

from compare.check import steppers
from compare.check.arguments import (
    default_words,
    expressible,
    other_defaults,
    without_default,
)
from compare.check.findings import (
    EPS,
    Finding,
    agreed,
    convention,
    gap,
    not_covered,
    same,
    text,
    texts,
)
from compare.check.repairs import REPAIRS
from compare.check.subjects import CASES, Subject
from compare.testing import Case


def optimizer(subject: Subject) -> Finding:
    """Judge an optimiser on all of its cases, with and without a change of lr."""
    failed, worst, cases = [], 0.0, 0
    missing: set[str] = set()
    mutated = kept = widened = False
    for case in CASES[subject.name]:
        asked, lacks = expressible(subject, case)
        missing |= lacks
        if asked is None:
            continue
        asks, shapes = asked.kwargs, _checkable(case)
        for new_lr in (None, 0.03):
            walk = steppers.walked(subject.make, asks, shapes, new_lr=new_lr)
            want = steppers.torchs_path(subject.name, asks, shapes, new_lr)
            cases += 1
            mutated, kept = mutated or walk.mutated, kept or walk.kept
            if all(same(g, w, 1e-11) for g, w in zip(walk.path, want, strict=True)):
                worst = max(worst, gap(walk.path[-1], want[-1]))
            else:
                failed.append((asked, new_lr, walk.path, want))
        single = steppers.walked(subject.make, asks, shapes, "float32")
        widened |= any(theta.dtype != np.float32 for theta in single.path)
    needed: dict[str, list[str]] = {words: [] for words in without_default(subject)}
    about: dict[str, Any] = {
        "cases": cases,
        "not_covered": not_covered(missing, needed),
    }
    if failed:
        return _misstepped(subject, failed, about)
    for name, true in (("input mutated", mutated), ("dtype changed", widened)):
        if true:
            return convention(subject, name, "the gradient or the parameters", about)
    if kept:
        words = "zero_grad leaves a gradient that is not 0"
        return Finding(subject.label, subject.name, "bug", words, **about)
    return agreed(subject, worst, about)


def _checkable(case: Case) -> steppers.Shapes:
    """Without the numbers that NumPy would return for arrays without dimensions."""
    return tuple(shape for shape in case.shapes if shape)


def _misstepped(subject: Subject, failed: list[Any], about: dict[str, Any]) -> Finding:
    """Say where the first failing case parts from torch, and by which mistake."""
    others = _taken_by_torch(subject)
    beyond = [one for one in failed if not _by_default(subject, others, one)]
    if not beyond:
        numbers = {"case": failed[0][0].id, **about}
        return convention(subject, "other default", default_words(subject), numbers)
    name = _named(subject, others, beyond)
    case, new_lr, got, want = beyond[0]
    number = next(i for i, g in enumerate(got) if not same(g, want[i], 1e-11))
    which, place = _parting(_checkable(case), got[number], want[number])
    change = f", lr changed to {new_lr} at step {steppers.STEPS // 2 + 1}"
    given = list(steppers.gradients(_checkable(case)))[number][which]
    theirs, ours = want[number][place], got[number][place]
    expected, gave = texts(theirs, ours)
    return Finding(
        subject.label,
        subject.name,
        "convention" if name else "bug",
        f"{name or 'no known pattern'}: the parameters part at step {number + 1}",
        REPAIRS.get(name or "", ""),
        case=f"{case.id}{change if new_lr else ''}",
        input=f"gradient of params[{which}] at step {number + 1} = {text(given)}",
        expected=f"params[{which}] = {expected}",
        got=f"params[{which}] = {gave}",
        ulp=gap(ours, theirs) / EPS,
        **about,
    )


def _named(subject: Subject, others: dict[str, Any], failed: list[Any]) -> str | None:
    """The mistake whose path is the one that was gone, in every failing case."""
    common: list[str] | None = None
    for case, new_lr, got, _ in failed:
        options, shapes = {**others, **case.kwargs}, _checkable(case)
        names = [
            name
            for name, path in steppers.mistaken(subject.name, options, shapes, new_lr)
            if all(same(g, p, 1e-11) for g, p in zip(got, path, strict=True))
        ]
        common = names if common is None else [n for n in common if n in names]
    return common[0] if common else None


def _taken_by_torch(subject: Subject) -> dict[str, Any]:
    """Its defaults that are not torch's, if torch can be given them."""
    others = other_defaults(subject)
    try:
        steppers.torchs_path(subject.name, others, _checkable(CASES[subject.name][0]))
    except Exception:
        return {}
    return others


def _by_default(subject: Subject, others: dict[str, Any], one: Any) -> bool:
    """Whether torch goes the same way when it is given the other defaults."""
    case, new_lr, got, _ = one
    if others.keys() <= case.kwargs.keys():
        return False
    options = {**others, **case.kwargs}
    try:
        want = steppers.torchs_path(subject.name, options, _checkable(case), new_lr)
    except ValueError:  # the two do not go together
        return False
    return all(same(g, w, 1e-11) for g, w in zip(got, want, strict=True))


def _parting(
    shapes: steppers.Shapes, got: np.ndarray, want: np.ndarray
) -> tuple[int, slice]:
    """The first parameter that differs, and where it lies among all."""
    ends = [0, *itertools.accumulate(map(math.prod, shapes))]
    places = [slice(a, b) for a, b in itertools.pairwise(ends)]
    size = np.max(np.abs(want))
    for number, place in enumerate(places):
        off = np.abs(got[place] - want[place]) if got.shape == want.shape else np.inf
        if not np.all(off <= 1e-11 * size):
            return number, place
    return 0, places[0]
