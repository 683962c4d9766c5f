"""A learner trains, predicts, moves and resumes alike in both implementations."""

import numpy as np
import pytest
import torch

import handmade
import torch_ref

PACKAGES = {"handmade": (handmade, np.asarray), "torch_ref": (torch_ref, torch.tensor)}


def learner(lib, momentum=0.9):
    model = lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.Tanh(), lib.nn.Linear(3, 1))
    return lib.training.GradientLearner(
        model,
        lib.nn.MSELoss(),
        lambda params: lib.optim.SGD(params, lr=0.1, momentum=momentum),
    )


def batch(give, dtype):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    return give(x.astype(dtype)), give(y.astype(dtype))


@pytest.mark.parametrize("package", PACKAGES)
def test_predicting_evaluates_and_returns_to_training(package):
    lib, give = PACKAGES[package]
    seen = []

    class Watched(lib.nn.Identity):
        def forward(self, x):
            seen.append(self.training)
            return super().forward(x)

    trained = learner(lib)
    trained.model.watched = Watched()
    x, y = batch(give, np.float32)
    trained.predict(x)
    assert all(module.training for module in trained.model.modules())
    trained.step(x, y)
    assert seen == [False, True]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("fails", [False, True])
def test_predicting_leaves_every_module_in_its_own_mode(package, fails):
    lib, give = PACKAGES[package]
    trained = learner(lib)
    trained.model.train()
    trained.model.frozen = lib.nn.Identity().eval()
    modes = [module.training for module in trained.model.modules()]
    x, _ = batch(give, np.float32)
    if fails:
        with pytest.raises((ValueError, RuntimeError)):
            trained.predict(x[:, :1])
    else:
        trained.predict(x)
    assert [module.training for module in trained.model.modules()] == modes


@pytest.mark.parametrize("package", PACKAGES)
def test_a_learner_moved_in_the_middle_takes_its_velocity_along(package):
    lib, give = PACKAGES[package]
    trained = learner(lib)
    trained.step(*batch(give, np.float32))
    trained.to(give(np.zeros(1)))
    trained.step(*batch(give, np.float64))
    states = trained.state_dict()["optimizer"]["state"].values()
    arrays = [*trained.parameters().values(), *(s["momentum_buffer"] for s in states)]
    assert len(arrays) == 8
    assert {str(a.dtype).removeprefix("torch.") for a in arrays} == {"float64"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_learner_moves_the_class_weights_of_its_loss(package):
    lib, give = PACKAGES[package]
    trained = lib.training.GradientLearner(
        lib.nn.Linear(2, 3),
        lib.nn.CrossEntropyLoss(give(np.ones(3, np.float32))),
        lambda params: lib.optim.SGD(params, lr=0.1),
    )
    trained.to(give(np.zeros(1)))
    assert "float64" in str(trained.criterion.weight.dtype)
    trained.step(batch(give, np.float64)[0], give(np.array([0, 1, 2, 0])))


def test_both_implementations_end_where_they_end_after_a_move():
    ours, theirs = learner(handmade), learner(torch_ref)
    state = ours.state_dict()["model"]
    theirs.model.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    for dtype in (np.float32, np.float64):
        ours.to(np.zeros(1, dtype))
        theirs.to(torch.from_numpy(np.zeros(1, dtype)))
        for _ in range(3):
            ours.step(*batch(np.asarray, dtype))
            theirs.step(*batch(torch.tensor, dtype))
    for name, value in ours.parameters().items():
        np.testing.assert_allclose(value, theirs.parameters()[name], rtol=1e-4)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_resumed_learner_goes_on_unchanged(package):
    lib, give = PACKAGES[package]
    straight, resumed = learner(lib), learner(lib, momentum=0.1)
    straight.step(*batch(give, np.float32))
    resumed.load_state_dict(straight.state_dict())
    for one in (straight, resumed):
        lib.training.fit(one, [batch(give, np.float32)] * 3)
    for name, value in straight.parameters().items():
        np.testing.assert_array_equal(value, resumed.parameters()[name])
