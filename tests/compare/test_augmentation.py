"""The lesson augmentation: exact shifts, the same on both sides; a lower test error."""

import dataclasses

import numpy as np
import pytest

from compare import registry
from compare.backend import to_numpy
from compare.data import DataLoader
from compare.experiments import augmentation
from compare.results import Side, Trial
from compare.trainer import RunConfig, run
from compare.trial_run import TrialRun

LESSON = registry.load("augmentation")[1]
IMAGE = np.arange(1, 10)


def moved(down, right):
    """IMAGE, of 3 × 3 pixels, moved so."""
    shifts = (np.array([n]) for n in (down, right))
    return augmentation.shifted(IMAGE[None], *shifts).reshape(3, 3).tolist()


def test_a_shift_moves_every_pixel_by_one():
    assert moved(0, 0) == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert moved(1, 0) == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert moved(0, -1) == [[2, 3, 0], [5, 6, 0], [8, 9, 0]]
    assert moved(-1, 1) == [[0, 4, 5], [0, 7, 8], [0, 0, 0]]


def test_every_image_has_a_shift_of_its_own():
    two = augmentation.shifted(
        np.stack([IMAGE, IMAGE]), np.array([1, 0]), np.array([0, 1])
    )
    assert two.reshape(2, 3, 3).tolist() == [moved(1, 0), moved(0, 1)]


def test_as_many_images_are_shifted_as_are_asked_for():
    x = np.zeros((3000, 9))
    x[:, 4] = 1  # the middle
    found = augmentation.shift_some(0.2, np.random.default_rng(0), x).argmax(axis=1)
    rows, columns = np.divmod(found, 3)
    assert np.mean(rows != 1) == pytest.approx(0.2, abs=0.03)
    assert np.mean(columns != 1) == pytest.approx(0.2, abs=0.03)
    assert {*found} == {*range(9)}


def test_both_sides_are_given_the_same_shifted_images():
    trial = TrialRun(LESSON, "shifted", 0, RunConfig(), steps=2)
    given = {}
    for name, side in trial.lockstep.sides.items():
        learner, step = side.learner, side.learner.step
        learner.step = lambda x, target, name=name, step=step: (
            given.setdefault(name, []).append(to_numpy(x)) or step(x, target)
        )
    assert len([*trial.train()]) == 2
    np.testing.assert_array_equal(given["handmade"], given["torch_ref"])
    known = {row.tobytes() for row in trial.loader.data.x}
    new = [row.tobytes() not in known for row in np.concatenate(given["handmade"])]
    assert 0.2 < np.mean(new) < 0.6  # 1 − 0.8² of them


def test_a_loader_continues_with_the_same_shifts():
    data = LESSON.data_of("shifted")(np.random.default_rng())
    one, other = (DataLoader(data, 50, np.random.default_rng(n)) for n in (0, 1))
    next(one)
    other.load_state(one.state())
    for _ in range(5):
        np.testing.assert_array_equal(next(one)[0], next(other)[0])


def trials(name, errors):
    """A trial of each test error, whose loss is the same number."""
    for seed, error in enumerate(errors):
        trial = Trial(name, seed, None, None, np.asarray)
        trial.note("accuracy/test", 0, 1 - error)
        trial.note("cross_entropy/test", 0, error)
        yield trial


@pytest.mark.parametrize(
    ("plain", "shifted", "holds"),
    [
        ((0.07, 0.08), (0.05, 0.06), True),
        ((0.07, 0.08), (0.07, 0.08), False),
        ((0.05, 0.10), (0.04, 0.09), False),  # within its spread
    ],
)
def test_the_error_must_fall_by_more_than_its_spread(plain, shifted, holds):
    found = Side("handmade", [*trials("plain", plain), *trials("shifted", shifted)])
    assert augmentation.lower_error(found)[0] == holds


def test_the_loss_must_fall_from_every_seed():
    found = Side("", [*trials("plain", (0.3, 0.3)), *trials("shifted", (0.1, 0.31))])
    assert not augmentation.lower_loss(found)[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [5, 10])
def test_the_claims_hold_from_other_seeds(seed, tmp_path):
    result = run("shifts", LESSON, RunConfig(logdir=tmp_path, seed=seed))
    assert result.ok, result.failures


@pytest.mark.slow
def test_without_shifts_the_claims_fail(tmp_path):
    plain = LESSON.data_of("plain")
    lesson = dataclasses.replace(LESSON, data=plain, figures={})
    result = run("plain", lesson, RunConfig(logdir=tmp_path))
    assert not any(holds for holds, _ in result.claims.values())
