"""Every known mistake in an optimiser shows in some case, and check names it."""

import numpy as np
import pytest

import handmade
from compare.check import steppers
from compare.check.mistakes import mistakes
from compare.check.repairs import REPAIRS
from compare.testing import OPTIMIZERS

NAMES = sorted({*handmade.optim.__all__} - {"Optimizer"})


def shapes_of(case):
    return tuple(shape for shape in case.shapes if shape)


@pytest.mark.parametrize("case", OPTIMIZERS, ids=lambda case: case.id)
def test_a_rule_without_a_mistake_is_torchs(case):
    options, shapes = steppers.whole(case.name, case.kwargs), shapes_of(case)
    for new_lr in (None, 0.03):
        got = steppers.ruled(case.name, options, shapes, new_lr)
        want = steppers.torchs_path(case.name, case.kwargs, shapes, new_lr)
        np.testing.assert_allclose(got, want, rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_every_known_mistake_shows_in_some_case_and_has_a_repair(name):
    cases = [case for case in OPTIMIZERS if case.name == name]
    seen: set[tuple[str, str]] = set()
    every: set[tuple[str, str]] = set()
    for case in cases:
        options, shapes = steppers.whole(name, case.kwargs), shapes_of(case)
        for mistake in mistakes(name, options):
            key = mistake.name, f"{mistake.what}{[*mistake.options]}"
            every.add(key)
            with np.errstate(all="ignore"):
                got = steppers.ruled(name, options, shapes, 0.03, mistake)
            want = steppers.ruled(name, options, shapes, 0.03)
            if not np.allclose(got, want, rtol=1e-9, atol=0):
                seen.add(key)
    assert every == seen
    assert {name for name, _ in every} <= REPAIRS.keys()
