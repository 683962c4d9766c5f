"""The tables of mistakes: every row can be used."""

import numpy as np
import pytest

from compare.check import trajectories
from compare.check.mistakes import HINTS, MISTAKES, NETS, OPTIMIZERS
from compare.check.mistakes.optimizers import WrongStep, all_options, wrong_steps
from compare.testing import OPTIMIZERS as CASES
from handmade import nn, optim

NAMES = [name for name in optim.__all__ if name != "Optimizer"]


def path_of(wrong, case, new_lr=0.03):
    shapes = tuple(shape for shape in case.shapes if shape)
    options = all_options(case.name, case.kwargs)
    with np.errstate(all="ignore"):
        return trajectories.trajectory(
            wrong.optimizer(), options, shapes, new_lr=new_lr
        ).path


def test_every_mistake_has_a_hint():
    names = {mistake.name for mistake in MISTAKES}
    names |= {row["name"] for row in [*OPTIMIZERS, *NETS]}
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
    want = trajectories.torchs_path(name, case.kwargs, shapes, 0.03)
    np.testing.assert_allclose(path_of(WrongStep("", name, ()), case), want, rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_of_an_optimiser_shows_in_some_case(name):
    cases = [case for case in CASES if case.name == name]
    right = {case.id: path_of(WrongStep("", name, ()), case) for case in cases}
    for wrong in wrong_steps(name, all_options(name, {})):
        assert any(
            not np.allclose(path_of(wrong, case), right[case.id], rtol=1e-9, atol=0)
            for case in cases
        ), wrong
