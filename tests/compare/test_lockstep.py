"""Both sides start equal, take the same steps, and continue from a saved state."""

import numpy as np
import pytest
import torch
from lockstep_pairs import X, Y, learner, normalised, sgd, trained

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.experiment import backprop
from compare.lockstep import Lockstep, NonFinite, seed_of_step


def test_both_sides_start_equal_but_share_no_memory():
    for backend in (Backend(), Backend("torch")):
        lockstep = Lockstep(learner, backend, 0)
        start = {
            k: to_numpy(v).copy()
            for k, v in lockstep.handmade_learner.parameters().items()
        }
        for name, value in lockstep.torch_learner.parameters().items():
            np.testing.assert_array_equal(value.numpy(), start[name])
            value += 1
        for name, value in lockstep.handmade_learner.parameters().items():
            np.testing.assert_array_equal(to_numpy(value), start[name])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("array", ["numpy", "torch"])
def test_right_sides_differ_by_rounding_at_most(array, dtype):
    lockstep = trained(learner, backend=Backend(array, "cpu", dtype))
    assert lockstep.verdict().agrees
    assert 0 < lockstep.history.trajectory < 1e3 * lockstep.backend.eps


def test_the_curves_are_not_the_same_object():
    lockstep = Lockstep(learner, Backend(), 0)
    step = lockstep.step(X, Y)
    assert step.losses["handmade"] == pytest.approx(step.losses["torch_ref"], rel=1e-14)
    lockstep.handmade_learner.model[0].weight.data = (
        0 * lockstep.handmade_learner.model[0].weight.data
    )
    step = lockstep.step(X, Y)
    assert step.losses["handmade"] != pytest.approx(step.losses["torch_ref"], rel=1e-3)
    assert step.one_step < 1e-14


def test_the_one_step_check_is_left_out_where_the_trajectories_are_close():
    lockstep = Lockstep(learner, Backend(), 0)
    taken = [lockstep.step(X, Y).one_step is not None for _ in range(64)]
    assert taken[:8] == [True] * 8
    assert taken[32]
    assert sum(taken) < 20


def test_a_loss_that_is_not_finite_stops_with_step_and_side():
    lockstep = Lockstep(lambda library: learner(library, lr=1e30), Backend(), 0)
    walk = (lockstep.step(X, Y) for _ in range(100))
    with pytest.raises(
        NonFinite, match=r"step \d+: .* is \S+ of handmade and .* of torch_ref"
    ):
        list(walk)


def test_a_start_that_names_no_parameter_is_refused():
    with pytest.raises(ValueError, match=r"start names no parameter: \['w'\]"):
        Lockstep(learner, Backend(), 0, {"w": 1})


def test_the_one_step_check_takes_over_momentum():
    lockstep = trained(lambda lib: learner(lib, momentum=0.9), steps=50)
    assert lockstep.verdict().agrees
    assert lockstep.history.one_step < 1e-14


def test_a_parameter_without_dimensions_is_compared_like_any_other():
    class Scale(handmade.nn.Module):
        def __init__(self):
            self.weight = handmade.nn.Parameter(np.asarray(2.0, np.float32))

        def forward(self, x):
            self.saved = x
            return x * self.weight.data

        def backward(self, grad_output):
            self.weight.accumulate(np.asarray((grad_output * self.saved).sum()))
            return grad_output * self.weight.data

    class TorchScale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor(2.0))

        def forward(self, x):
            return x * self.weight

    make = backprop(
        model=lambda nn: TorchScale() if nn is torch_ref.nn else Scale(),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
    )
    lockstep = Lockstep(make, Backend(), 0)
    for _ in range(3):
        lockstep.step(X, X)
    assert lockstep.verdict().agrees
    assert lockstep.steps == 3


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**70])
def test_the_random_stream_of_a_step_is_independent_of_weights_and_other_steps(seed):
    seeds = [seed, *(seed_of_step(seed, step) for step in range(4))]
    draws = [np.random.default_rng(s).random(1000) for s in seeds]
    assert np.abs(np.corrcoef(draws) - np.eye(5)).max() < 0.15
    for library in (handmade, torch_ref):
        library.manual_seed(seed_of_step(seed, 3))


def test_both_sides_drop_the_same_units_and_others_in_the_next_step():
    drop = backprop(
        model=lambda nn: nn.Sequential(nn.Dropout(0.5), nn.Linear(40, 1)),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
    )
    lockstep = Lockstep(drop, Backend(), seed=3)
    x, target = np.ones((1, 40)), np.zeros((1, 1))
    dropped = []
    for _ in range(2):
        step = lockstep.step(x, target)
        assert step.losses["handmade"] == pytest.approx(
            step.losses["torch_ref"], rel=1e-14
        )
        dropped.append(lockstep.handmade_learner.gradients()["1.weight"] == 0)
    assert 5 < dropped[0].sum() < 35
    assert np.any(dropped[0] != dropped[1])


def bits(tree):
    """A nested state, to be compared bit by bit."""
    if isinstance(tree, dict):
        return {key: bits(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [bits(value) for value in tree]
    return to_numpy(tree).tobytes() if hasattr(tree, "dtype") else repr(tree)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_saved_state_continues_bit_by_bit(dtype):
    make = normalised(True, sgd)
    whole = trained(make, 20, Backend(dtype=dtype))
    first = trained(make, 11, Backend(dtype=dtype))
    second = Lockstep(make, Backend(dtype=dtype), 1)
    second.seed = 0
    second.load_state(first.state())
    for _ in range(9):
        second.step(X, Y)
    assert bits(second.state()) == bits(whole.state())
    assert second.verdict() == whole.verdict()
