"""The tables of mistakes: every row can be used."""

from contextlib import suppress

import numpy as np
import pytest

from compare.check import trajectories
from compare.check.definitions import CASES as CASES_BY_NAME
from compare.check.definitions import KINDS, Definition
from compare.check.mistakes import (
    CONVENTIONS,
    HINTS,
    MISTAKES,
    OPTIMIZERS,
    results,
    sequences,
)
from compare.check.mistakes.optimizers import WrongStep, all_options, wrong_steps
from compare.check.results import Answer, Failure, close
from compare.testing import OPTIMIZERS as CASES
from compare.testing import references
from compare.testing.reference import drawn, torchs
from handmade import optim

NAMES = [name for name in optim.__all__ if name != "Optimizer"]


def path_of(wrong, case, new_lr=0.03):
    shapes = tuple(shape for shape in case.shapes if shape)
    options = all_options(case.name, case.kwargs)
    with np.errstate(all="ignore"):
        return trajectories.trajectory(
            wrong.optimizer(), options, shapes, new_lr=new_lr
        ).path


def test_every_mistake_has_a_hint():
    names = {mistake.name for mistake in MISTAKES} | {row["name"] for row in OPTIMIZERS}
    assert names == HINTS.keys()


def test_mistakes_name_classes_that_there_are():
    for mistake in MISTAKES:
        assert mistake.of <= KINDS.keys(), mistake.name
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


DERIVED = [
    (name, mistake)
    for mistake in MISTAKES
    for name in sorted(mistake.of)
    if hasattr(references, name) and mistake.name not in CONVENTIONS
]


@pytest.mark.parametrize(
    ("name", "mistake"), DERIVED, ids=[f"{n}: {m.name}" for n, m in DERIVED]
)
def test_every_way_to_make_a_mistake_in_a_sequence_model_shows(
    name, mistake, monkeypatch
):
    monkeypatch.setattr(sequences, "close", lambda *_: True)
    definition = Definition(name, name, KINDS[name], getattr(references, name))
    shown = set()
    for case in CASES_BY_NAME[name]:
        question = drawn(case)
        want = torchs(question)
        answer = Answer(want, question.grad_output(want["output"]))
        failure = Failure(definition, question, want, answer, tuple(want))
        for number, way in enumerate(mistake.ways):
            with suppress(RuntimeError):  # two dimensions only
                for found in results(way, failure):
                    assert found.keys() <= want.keys()
                    if any(not close(found[n], want[n], 1e-6) for n in found):
                        shown.add(number)
    assert len(shown) == len(mistake.ways)
