"""Kinks that rounding decides, gradients that are 0, runs that learn nothing."""

import math

import numpy as np
import pytest
import torch
from lockstep_pairs import X, Y, learner, mistaken, normalised, sgd, trained

import handmade
from compare import registry
from compare.backend import Backend
from compare.experiment import backprop, with_lr
from compare.lockstep import Lockstep
from compare.sensitivity import perturbed_tensor
from compare.tolerance import Difference, Tolerance


class Reordered(handmade.nn.Linear):
    """Adds in another order, as it were: a sum that is all rounding turns its sign."""

    def forward(self, x):
        y = super().forward(x)
        return np.where(np.abs(y) < 1e-15, -y, y)


class SlopeOneAtZero(handmade.nn.ReLU):
    def backward(self, grad_output):
        return np.where(self.saved >= 0, grad_output, 0 * grad_output)


def at_the_kink(x, **mistakes):
    """One ReLU neuron whose weighted sum is 0 but for rounding; its verdict."""
    make = backprop(
        model=lambda nn: nn.Sequential(nn.Linear(3, 1), nn.ReLU()),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
    )
    start = {"0.weight": [[1.0, 1.0, -1.0]], "0.bias": 0.0}
    lockstep = Lockstep(mistaken(make, **mistakes), Backend(), 0, start)
    lockstep.step(np.array([x]), np.array([[1.0]]))
    return lockstep.verdict()


def test_a_kink_that_rounding_decides_is_no_mistake():
    verdict = at_the_kink([0.1, 0.2, 0.3], Linear=Reordered)
    assert verdict.kind == "rounding"
    assert "at step 0 rounding decides a kink" in verdict.words


def test_a_wrong_slope_at_an_exact_kink_is_a_mistake():
    assert at_the_kink([0.0, 0.0, 0.0]).agrees
    assert not at_the_kink([0.0, 0.0, 0.0], ReLU=SlopeOneAtZero).agrees


@pytest.mark.parametrize(("times", "above"), [(0.5, False), (2.0, True)])
def test_the_verdict_tells_whether_the_largest_error_exceeds_the_tolerance(
    times, above
):
    lockstep = trained(learner, steps=2)
    lockstep.history.one_step = times * lockstep.tolerance.bound
    words = lockstep.verdict().words
    assert f"{lockstep.tolerance.bound:.0e}" in words
    assert ("above the tolerance" in words) == above
    found = lockstep.verdict()
    assert found.ulp == found.difference / lockstep.backend.eps > 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_gradient_whose_true_value_is_zero_is_named_and_left_out(dtype):
    backend = Backend(dtype=dtype)
    with_bias = trained(normalised(True, sgd), 30, backend)
    assert with_bias.verdict().kind == "rounding"
    assert "the gradient of 0.bias is 0 up to rounding" in with_bias.verdict().words
    assert "kink" not in with_bias.verdict().words
    assert with_bias.history.one_step < 16 * backend.eps
    without = trained(normalised(False, sgd), 30, backend)
    assert not without.tolerance.true_zeros


@pytest.mark.parametrize(
    ("difference", "usual", "many", "cause"),
    [
        (2.0, [1.0, 1.0], [1.0], "zero"),
        (1e-3, [1e-3, 1e-4], [1e-3], "rounding"),
        (1e-3, [1e-9, 1e-3, 1e-3], [1e-3], "kink"),
        (1e-3, [1e-9, 1e-9], [1e-9, 1e-3], "kink"),
        (1e-3, [1e-9, 1e-9], [1e-9], "mistake"),
        (math.inf, [1.0, 1.0], [1.0], "mistake"),
    ],
)
def test_a_cause_is_named_without_being_learned(difference, usual, many, cause):
    tolerance = Tolerance(2.0**-52, [(3,)])
    found = Difference(difference, scale=1.0)
    tolerance.observe({"gradient w": found})
    before = tolerance.state()
    assert tolerance.cause("gradient w", found, usual, many) == cause
    assert tolerance.state() == before
    tolerance.learn("gradient w", cause, usual)
    assert ("gradient w" in tolerance.true_zeros) == (cause == "zero")


def test_an_optimizer_that_divides_by_a_zero_gradient_is_no_mistake():
    make = normalised(True, lambda optim, parameters: optim.Adam(parameters, lr=0.05))
    lockstep = trained(make, 60)
    assert lockstep.verdict().kind == "rounding"
    assert "0.bias" in lockstep.verdict().words
    assert "gradient 0.bias" in lockstep.tolerance.true_zeros
    assert not lockstep.history.kinks


def test_a_mistake_beside_a_zero_gradient_is_still_a_mistake():
    class Biased(handmade.nn.Linear):
        def backward(self, grad_output):
            grad_input = super().backward(grad_output)
            if self.bias is not None:
                self.bias.grad = self.bias.grad + 1e-9
            return grad_input

    lockstep = trained(mistaken(normalised(True, sgd), Linear=Biased), 3)
    assert lockstep.verdict().words.startswith("step 0, gradient 0.bias: ")


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_a_training_without_gradients_is_not_plainly_equal(shift):
    make = backprop(
        model=lambda nn: nn.Sequential(nn.Linear(3, 2), nn.ReLU()),
        loss=lambda nn: nn.MSELoss(),
        optimizer=sgd,
    )
    start = {"0.weight": 0.0, "0.bias": shift - 5.0}
    lockstep = trained(make, 5, start=start)
    verdict = lockstep.verdict()
    assert verdict.agrees
    assert not verdict.learned
    assert "nothing was learned: every gradient is 0" in verdict.words


def test_a_learning_rate_of_zero_is_seen_to_learn_nothing():
    verdict = trained(lambda library: learner(library, lr=0.0), 5).verdict()
    assert not verdict.learned
    assert "nothing was learned: no parameter changed" in verdict.words
    batches = Lockstep(lambda library: learner(library, lr=0.0), Backend(), 0)
    for i in range(5):  # the loss changes with the batch
        batches.step(X + i, Y)
    assert not batches.verdict().learned
    assert trained(learner, 5).verdict().learned


def test_one_ulp_in_the_loss_of_an_unchecked_step_is_not_called_identical():
    class Nudged(handmade.training.GradientLearner):
        def step(self, x, target):
            loss = super().step(x, target)
            self.count = getattr(self, "count", 0) + 1
            return np.nextafter(loss, 1) if self.count == 41 else loss

    def make(nudged, library):
        made = backprop(
            model=lambda nn: nn.Linear(2, 1),
            loss=lambda nn: nn.MSELoss(),
            optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.5),
        )(library)
        if nudged and library is handmade:
            made.__class__ = Nudged
        return made

    x, y = (
        np.array([[1.0, 1], [1, 0], [0, 1], [0, 0]]),
        np.array([[1.0], [1], [1], [0]]),
    )
    kinds = []
    for nudged in (False, True):
        start = {"weight": 0.5, "bias": 0.5}
        sides = Lockstep(lambda lib, n=nudged: make(n, lib), Backend(), 0, start)
        for _ in range(50):
            sides.step(x, y)
        kinds.append(sides.verdict().kind)
    assert kinds == ["equal", "rounding"]


def saturated(**mistakes):
    """The verdict of three steps so large that tanh is ±1 but for its last digits."""
    experiment = registry.load("xor_mlp")[1]
    data = experiment.data_of("mlp")(np.random.default_rng(0))
    make = mistaken(with_lr(experiment.learners["mlp"], 50.0), **mistakes)
    lockstep = Lockstep(make, Backend(), 0)
    errors = [lockstep.step(data.x, data.target).one_step for _ in range(3)]
    assert max(errors) > lockstep.tolerance.bound
    return lockstep.verdict()


class SlopeOffByAMillionth(handmade.nn.Tanh):
    def backward(self, grad_output):
        return super().backward(grad_output) * (1 + 1e-6)


def test_the_slope_of_a_saturated_tanh_is_all_rounding():
    assert saturated().kind == "rounding"
    assert not saturated(Tanh=SlopeOffByAMillionth).agrees


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_equal_numbers_are_perturbed_alike(dtype):
    x = torch.tensor([0.1, 0.7, 0.7, -0.3, 1.0, 0.0], dtype=dtype)
    moved = torch.stack([perturbed_tensor(x, seed) for seed in range(40)])
    assert moved.dtype == dtype
    assert (moved[:, 1] == moved[:, 2]).all()
    assert (moved[:, 5] == 0).all()
    eps = torch.finfo(dtype).eps
    assert ((moved - x).abs() <= 2 * eps * x.abs()).all()
    for column in (0, 1, 3, 4):
        assert len(moved[:, column].unique()) == 3


@pytest.mark.parametrize("name", ["newton_2d", "descent_2d"])
def test_a_learner_that_differentiates_by_torch_func_is_perturbed_too(name):
    experiment = registry.load("newton")[1]
    data = experiment.data_of(name)(np.random.default_rng(0))
    start = experiment.start
    lockstep = Lockstep(experiment.learners[name], Backend(), 0, start)
    before, batch = lockstep.sides["torch_ref"].state, (data.x, data.target)
    want = lockstep.sides["torch_ref"].step(batch, 0)
    sensitivity = lockstep.sensitivity(want, before, batch)
    assert max(next(sensitivity.deviations(name)) for name in want) > 0


def test_a_learning_rate_that_differs_below_float32s_rounding_is_a_mistake():
    class Slightly(handmade.optim.lr_scheduler.StepLR):
        def rate(self, group, base_lr, first):
            return super().rate(group, base_lr, first) * (1 + 1e-9)

    def scheduler(optim, optimizer):
        by_hand = optim is handmade.optim
        schedule = Slightly if by_hand else optim.lr_scheduler.StepLR
        return schedule(optimizer, 1)

    make = backprop(
        model=lambda nn: nn.Linear(3, 2),
        loss=lambda nn: nn.MSELoss(),
        optimizer=sgd,
        scheduler=scheduler,
    )
    verdict = trained(make, steps=2, backend=Backend(dtype="float32")).verdict()
    assert verdict.kind == "mistake"
    assert "lr" in verdict.words


def test_the_tolerance_of_a_single_number_is_that_of_one_product():
    one, several = Tolerance(1e-16, [(1,)]), Tolerance(1e-16, [(2, 1)])
    assert 2 * one.bound == several.bound
