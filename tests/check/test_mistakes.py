"""The tables of mistakes: every row can be used."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from compare.check.mistakes import (
    COURSE,
    FUNCTIONS,
    HINTS,
    MISTAKES,
    OPTIMIZERS,
    SCHEDULES,
    bare,
)
from compare.check.mistakes.optimizers import WrongStep, all_options, wrong_steps
from compare.check.trajectories import Steps, torchs_path, trajectory
from compare.testing import OPTIMIZERS as CASES
from handmade import nn, optim

SITUATIONS = [{"new_lr": 0.03}, {"scale": 100}]
NAMES = [name for name in optim.__all__ if name != "Optimizer"]


def steps_of(case, situation):
    shapes = tuple(shape for shape in case.shapes if shape)
    options = all_options(case.name, case.kwargs)
    return Steps(case.name, kwargs=options, shapes=shapes, **situation)


def path_of(wrong, case, situation):
    made = wrong.optimizer(k=3.0, rate=0.05)
    with np.errstate(all="ignore"):
        return trajectory(made, steps_of(case, situation)).path


def differ(path, other):
    return any(
        a.shape != other[name].shape or not np.allclose(a, other[name], 1e-9, 0)
        for name, a in path.items()
    )


def test_every_mistake_has_a_hint():
    rows = [*OPTIMIZERS, *FUNCTIONS, *COURSE, *SCHEDULES]
    names = {row["name"] for row in MISTAKES} | {row["name"] for row in rows}
    assert names == HINTS.keys()


def test_a_diagnosis_can_be_taken_apart():
    for name in HINTS:
        assert bare(name) == [name]
        assert bare(f"{name} (output), and {name} (k = 3)") == [name, name]


def test_mistakes_name_classes_that_there_are():
    for row in MISTAKES:
        assert {*row["of"]} <= {*nn.__all__, "Rosenblatt"}, row["name"]
    for row in OPTIMIZERS:
        assert {*row.get("of", "SGD").split()} <= {*NAMES}, row["name"]


@pytest.mark.parametrize("name", NAMES)
def test_an_optimiser_without_a_mistake_is_torchs(name):
    case = next(case for case in CASES if case.name == name and case.kwargs)
    for situation in SITUATIONS:
        want = torchs_path(replace(steps_of(case, situation), kwargs=case.kwargs))
        got = path_of(WrongStep("", name), case, situation)
        for step in want:
            np.testing.assert_allclose(got[step], want[step], rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_of_an_optimiser_shows_in_some_case(name):
    given = [*itertools.product([c for c in CASES if c.name == name], SITUATIONS)]
    right = [path_of(WrongStep("", name), *each) for each in given]
    for wrong in itertools.chain(*wrong_steps(name).values()):
        pairs = zip(given, right, strict=True)
        assert any(differ(path_of(wrong, *each), path) for each, path in pairs), wrong
