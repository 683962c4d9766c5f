"""The tables of mistakes: every row can be used."""

import itertools

import numpy as np
import pytest

from compare.check import trajectories
from compare.check.mistakes import (
    COURSE,
    FUNCTIONS,
    HINTS,
    MISTAKES,
    OPTIMIZERS,
    SCHEDULES,
)
from compare.check.mistakes.optimizers import WrongStep, wrong_steps
from compare.testing import OPTIMIZERS as CASES
from handmade import nn, optim

SITUATION = trajectories.Situation(new_lr=0.03)
NAMES = [name for name in optim.__all__ if name != "Optimizer"]


def path_of(wrong, case):
    shapes = tuple(shape for shape in case.shapes if shape)
    return trajectories.wrong_path(wrong, case.kwargs, shapes, SITUATION, factor=3.0)


def test_every_mistake_has_a_hint():
    rows = [*OPTIMIZERS, *FUNCTIONS, *COURSE, *SCHEDULES]
    names = {mistake.name for mistake in MISTAKES} | {row["name"] for row in rows}
    assert names == HINTS.keys()


def test_mistakes_name_classes_that_there_are():
    for mistake in MISTAKES:
        assert mistake.of <= {*nn.__all__, "Rosenblatt"}, mistake.name
    for row in OPTIMIZERS:
        assert {*row.get("of", "SGD").split()} <= {*NAMES}, row["name"]


@pytest.mark.parametrize("name", NAMES)
def test_an_optimiser_without_a_mistake_is_torchs(name):
    case = next(case for case in CASES if case.name == name and case.kwargs)
    shapes = tuple(shape for shape in case.shapes if shape)
    want = trajectories.torchs_path(name, case.kwargs, shapes, SITUATION)
    np.testing.assert_allclose(path_of(WrongStep("", name, ()), case), want, rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_of_an_optimiser_shows_in_some_case(name):
    cases = [case for case in CASES if case.name == name]
    right = [path_of(WrongStep("", name, ()), case) for case in cases]
    for wrong in itertools.chain(*wrong_steps(name).values()):
        paths = [path_of(wrong, case) for case in cases]
        assert any(
            path is not None and not np.allclose(path, want, rtol=1e-9, atol=0)
            for path, want in zip(paths, right, strict=True)
        ), wrong
