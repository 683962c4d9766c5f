"""Learners: steps, predictions and states are those of their parts."""

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from handmade.descent import Descent
from handmade.perceptron import Rosenblatt

VALLEY = handmade.surfaces.Valley()
START = np.array([4.0, -1.0])


@pytest.mark.parametrize("lr", [0.04, None])
def test_a_descending_point_is_torchs_at_every_step(lr):
    ours = Descent(VALLEY, START, lr=lr)
    theirs = torch_ref.descent.Descent(torch_ref.surfaces.Valley(), START, lr=lr)
    assert ours.gradients() == theirs.gradients() == {}
    for _ in range(4):
        assert ours.step(None, None) == pytest.approx(theirs.step(None, None), 1e-13)
        for part in ("parameters", "gradients", "state_dict"):
            got, want = getattr(ours, part)(), getattr(theirs, part)()
            assert got.keys() == want.keys() == {"point"}
            np.testing.assert_allclose(
                got["point"], want["point"].numpy(), rtol=1e-12, atol=1e-15
            )


def test_a_step_of_descent_worked_by_hand():
    point = Descent(VALLEY, START, lr=0.25)
    assert point.step(None, None) == 4**2 + 10 * 1
    np.testing.assert_array_equal(point.gradients()["point"], [8.0, -20.0])
    np.testing.assert_array_equal(point.parameters()["point"], [2.0, 4.0])


def test_descent_predicts_the_height():
    points = np.array([[1.0, 2.0], [0.0, 0.0]])
    assert Descent(VALLEY, START).predict(points).tolist() == [41.0, 0.0]


def test_descent_moves_to_another_library_and_dtype():
    moved = Descent(VALLEY, START).to(torch.zeros(1, dtype=torch.float32))
    assert moved.point.dtype == torch.float32
    assert moved.point.tolist() == [4.0, -1.0]


def test_a_loaded_point_is_a_copy_of_the_right_shape():
    point, other = Descent(VALLEY, START), np.array([1.0, 2.0])
    point.load_state_dict({"point": other})
    other[0] = 9
    assert point.point.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"point must have shape \(2,\), got \(3,\)"):
        point.load_state_dict({"point": np.ones(3)})


def test_rosenblatt_predicts_by_its_weighted_sum():
    learner = Rosenblatt(2, 1).to(np.zeros(1))
    learner.load_state_dict(
        {"weight": np.array([[1.0, -2.0]]), "bias": np.array([0.5])}
    )
    x = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.75]])
    assert learner.predict(x).tolist() == [[1.0], [0.0], [0.0]]


def test_rosenblatts_lr_is_one_by_default():
    learner = Rosenblatt(2, 1).to(np.zeros(1))
    assert learner.lr == 1.0
    before = learner.state_dict()["weight"].copy()
    x = np.array([[1.0, 3.0]])
    target = 1 - learner.predict(x)
    learner.step(x, target)
    moved = learner.state_dict()["weight"] - before
    np.testing.assert_allclose(np.abs(moved), [[1.0, 3.0]], rtol=1e-15)


def gradient_learner(lr=0.02):
    return handmade.training.GradientLearner(
        handmade.nn.Linear(2, 1),
        handmade.nn.MSELoss(),
        lambda parameters: handmade.optim.SGD(parameters, lr=lr, momentum=0.9),
    ).to(np.zeros(1))


X, Y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0], [0.0]])


def test_fit_gives_the_loss_of_every_batch():
    learner, twin = gradient_learner(), gradient_learner()
    twin.load_state_dict(learner.state_dict())
    losses = handmade.training.fit(learner, [(X, Y)] * 3)
    assert losses == [twin.step(X, Y) for _ in range(3)]
    assert losses[2] < losses[0]


def test_a_step_forgets_the_gradients_of_the_one_before():
    learner = gradient_learner(lr=0.0)
    learner.step(X, Y)
    first = learner.gradients()["weight"].copy()
    learner.step(X, Y)
    np.testing.assert_array_equal(learner.gradients()["weight"], first)


def test_before_the_first_step_there_are_no_gradients():
    assert gradient_learner().gradients() == {}
    assert {*gradient_learner().parameters()} == {"weight", "bias"}


def test_a_learners_state_is_model_and_optimizer():
    learner, twin = gradient_learner(), gradient_learner()
    learner.step(X, Y)
    twin.load_state_dict(learner.state_dict())
    assert twin.step(X, Y) == learner.step(X, Y)
    assert twin.step(X, Y) == learner.step(X, Y)
    assert {*learner.state_dict()} == {"model", "optimizer"}


@pytest.mark.parametrize(
    ("name", "change", "error"),
    [
        ("optimizer", {}, TypeError),
        ("optimizer", {"state": {}, "param_groups": []}, ValueError),
        ("steps", None, TypeError),
        ("steps", 1.5, TypeError),
        ("teacher", {}, RuntimeError),
    ],
)
def test_a_refused_state_leaves_a_learner_as_it_was(name, change, error):
    def make():
        return handmade.semi_supervised.PseudoLabels(
            handmade.nn.Linear(3, 2),
            lambda parameters: handmade.optim.SGD(parameters, momentum=0.9),
        )

    learner, other = make(), make()
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    for _ in range(2):
        other.step(x, np.array([0, 1, 1, 0]))
    before = str(learner.state_dict())
    with pytest.raises(error):
        learner.load_state_dict(other.state_dict() | {name: change})
    assert str(learner.state_dict()) == before
    learner.load_state_dict(other.state_dict())
    assert str(learner.state_dict()) == str(other.state_dict())


LEARNERS = [
    lambda: handmade.training.GradientLearner(
        handmade.nn.Linear(3, 2), handmade.nn.MSELoss(), handmade.optim.SGD
    ),
    lambda: handmade.cluster.KMeans(2, 3),
    lambda: Descent(VALLEY, START),
    lambda: handmade.search.RandomDescent(
        handmade.nn.Linear(3, 2), handmade.nn.MSELoss()
    ),
    lambda: handmade.search.Annealing(handmade.nn.Linear(3, 2), handmade.nn.MSELoss()),
]


@pytest.mark.parametrize("make", LEARNERS)
@pytest.mark.parametrize("state", [None, 1, [], "model", np.ones(2)])
def test_a_state_that_is_no_dict_is_refused(make, state):
    learner = make()
    words = f"{type(learner).__name__}.load_state_dict: expected a dict, got "
    with pytest.raises(TypeError, match=words + type(state).__name__):
        learner.load_state_dict(state)
    with pytest.raises(KeyError, match=r"expected \[.*\], got \['odd'\]"):
        learner.load_state_dict({"odd": np.ones(2)})
