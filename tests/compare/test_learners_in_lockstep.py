"""Optimizers and Forward-Forward in lockstep: equal, resumable, mistakes found."""

import numpy as np
import pytest

import handmade
from compare.backend import Backend
from compare.checkpoint import load, save
from compare.experiment import backprop
from compare.lockstep import Lockstep
from handmade import forward_forward
from handmade.forward_forward import with_label

OPTIMIZERS = sorted({*handmade.optim.__all__} - {"Optimizer"})
BATCH = np.random.default_rng(0).normal(size=(6, 3))
TARGET = np.random.default_rng(1).normal(size=(6, 2))
C, WIDTHS = 4, (5, 6, 3, 7)
RNG = np.random.default_rng(0)
X, LABEL = RNG.normal(size=(8, 5)), RNG.permutation(np.arange(8) % C)


def make(package, features=WIDTHS, theta=0.3, lr=0.01, classes=C, optimizer="Adam"):
    def optimise(parameters):
        return getattr(package.optim, optimizer)(parameters, lr=lr)

    learner = package.forward_forward.ForwardForward
    return learner(features, classes, optimise, theta=theta)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("backend", [Backend(), Backend("torch", dtype="float32")])
def test_training_in_lockstep_agrees_and_goes_on_from_its_state(name, backend):
    def learner(library):
        return backprop(
            model=lambda nn: nn.Sequential(
                nn.Linear(3, 4, bias=False), nn.Tanh(), nn.Linear(4, 2, bias=False)
            ),
            loss=lambda nn: nn.MSELoss(),
            optimizer=lambda optim, parameters: getattr(optim, name)(parameters),
        )(library)

    lockstep = Lockstep(learner, backend, 0)
    for _ in range(10):
        lockstep.step(BATCH, TARGET)
    resumed = Lockstep(learner, backend, 0)
    resumed.load_state(lockstep.state())
    steps = [[one.step(BATCH, TARGET) for _ in range(5)] for one in (lockstep, resumed)]
    assert steps[0] == steps[1]
    assert lockstep.verdict().agrees, lockstep.verdict().words
    assert not lockstep.history.kinks


def lockstep(dtype="float64", **options):
    return Lockstep(lambda package: make(package, **options), Backend(dtype=dtype), 0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_checkpoint_goes_on_bit_for_bit(tmp_path, dtype):
    one, other = lockstep(dtype), lockstep(dtype)
    for _ in range(3):
        one.step(X, LABEL)
    save(tmp_path / "state.npz", one.state())
    other.load_state(load(tmp_path / "state.npz"))
    for _ in range(3):
        assert one.step(X, LABEL) == other.step(X, LABEL)
    assert one.verdict().agrees


WRONG = {
    "labels counted backwards": (
        "with_label",
        lambda x, y, c: with_label(x, c - 1 - y, c),
    ),
    "the wrong label may be right": (
        "wrong_label",
        lambda y, c: handmade._random.integers(0, c, y.shape),
    ),
    "length left in": ("direction", lambda x: x),
    "a sum for a mean": ("goodness", lambda y: (y * y).sum(axis=-1)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_part_is_found(name, monkeypatch):
    part, wrong = WRONG[name]
    monkeypatch.setattr(forward_forward, part, wrong)
    sides = lockstep(features=(5, 6), optimizer="SGD")
    sides.step(X, LABEL)
    assert not sides.verdict().agrees
