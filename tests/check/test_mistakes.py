"""The tables of mistakes: every row can be used."""

import itertools
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from compare.check.definitions import CASES as CASES_BY_NAME
from compare.check.definitions import KINDS, Definition
from compare.check.mistakes import (
    CONVENTIONS,
    COURSE,
    FUNCTIONS,
    HINTS,
    MISTAKES,
    NET,
    NETS,
    OPTIMIZERS,
    SCHEDULES,
    autograd,
    bare,
    hint,
)
from compare.check.mistakes.optimizers import WrongStep, all_options, wrong_steps
from compare.check.results import Answer, Failure, close
from compare.check.trajectories import Steps, torchs_path, trajectory
from compare.testing import OPTIMIZERS as CASES
from compare.testing import references
from compare.testing.reference import drawn, torchs
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
        return trajectory(made, steps_of(case, situation))[0]


def differ(path, other):
    return any(
        a.shape != other[name].shape or not np.allclose(a, other[name], 1e-9, 0)
        for name, a in path.items()
    )


def test_every_mistake_has_a_hint():
    rows = [*OPTIMIZERS, *FUNCTIONS, *COURSE, *SCHEDULES, *NETS]
    names = {row["name"] for row in [*MISTAKES, *rows]}
    assert names == HINTS.keys()


def test_a_diagnosis_can_be_taken_apart():
    for name in HINTS:
        assert bare(name) == [name]
        assert bare(f"{name} (output), and {name} (k = 3)") == [name, name]


def test_mistakes_name_classes_that_there_are():
    for row in MISTAKES:
        assert {*row["of"]} <= KINDS.keys(), row["name"]
    for row in OPTIMIZERS:
        assert {*row.get("of", "SGD").split()} <= {*NAMES}, row["name"]


@pytest.mark.parametrize("name", NAMES)
def test_an_optimizer_without_a_mistake_is_torchs(name):
    case = next(case for case in CASES if case.name == name and case.kwargs)
    for situation in SITUATIONS:
        want = torchs_path(replace(steps_of(case, situation), kwargs=case.kwargs))
        got = path_of(WrongStep("", name), case, situation)
        for step in want:
            np.testing.assert_allclose(got[step], want[step], rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_every_mistake_of_an_optimizer_shows_in_some_case(name):
    given = [*itertools.product([c for c in CASES if c.name == name], SITUATIONS)]
    right = [path_of(WrongStep("", name), *each) for each in given]
    for wrong in itertools.chain(*wrong_steps(name, []).values()):
        pairs = zip(given, right, strict=True)
        assert any(differ(path_of(wrong, *each), path) for each, path in pairs), wrong


DERIVED = [
    pytest.param(name, row, id=f"{name}: {row['name']}")
    for row in MISTAKES
    for name in row["of"]
    if "torch" in row and row["name"] not in CONVENTIONS
]


@pytest.mark.parametrize(("name", "row"), DERIVED)
def test_every_formula_in_torch_gives_something_wrong(name, row, monkeypatch):
    monkeypatch.setattr(autograd, "close", lambda *_: True)
    make = getattr(references, name, None) or getattr(nn, name)
    definition = Definition(name, name, KINDS[name], make)
    shown = set()
    for case in CASES_BY_NAME[name]:
        question = drawn(case)
        want = torchs(question)
        answer = Answer(want, question.grad_output(want["output"]))
        failure = Failure(definition, question, want, answer, tuple(want))
        for formula in row["torch"]:
            with suppress(RuntimeError):  # two dimensions only
                found = autograd.derived(failure, formula)
                assert found.keys() <= want.keys()
                if any(not close(found[n], want[n], 1e-6) for n in found):
                    shown.add(formula)
    assert shown == {*row["torch"]}


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("gradient by the logits", "BCELoss", "NLLLoss"),
        ("constant factor", "Linear", "SGD"),
        ("divided by the slope", "Tanh", NET),
    ],
)
def test_a_name_has_the_hint_of_its_class(name, one, other):
    assert hint(name, one) != hint(name, other) != ""
