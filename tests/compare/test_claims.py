"""What lessons measure for their claims: right where it is known, and able to fail."""

import dataclasses

import numpy as np
import pytest
import torch

import handmade
from compare import registry
from compare.experiment import Data, backprop
from compare.experiments import (
    accumulation,
    curvature,
    forward_forward,
    four_ways,
    precision_paths,
)
from compare.experiments.common import digits, reporting
from compare.results import ParameterHistory, Side, Trial
from compare.trainer import RunConfig, run

DATA = Data(x=np.zeros((6, 2)), target=np.zeros((6, 1)))


def trial(name, seed=0, losses=(1.0, 0.5, 0.25), data=DATA):
    found = Trial(name, seed, data, None, np.asarray)
    found.losses = list(losses)
    return found


def test_a_budget_names_seeds_steps_and_examples():
    trials = [trial("a", seed) for seed in (3, 4, 5)]
    assert reporting.seeds(trials) == "seeds 3 to 5"
    assert reporting.seeds(trials[:1]) == "seed 3"
    assert reporting.budget(trials) == "seeds 3 to 5, 3 steps of 6 examples"
    assert reporting.budget(trials, batch=1) == "seeds 3 to 5, 3 steps of 1 example"


def test_numbers_come_with_their_spread():
    assert reporting.percent([0.9, 0.95, 0.97]) == "94.0% (90.0 to 97.0)"
    assert reporting.median(np.arange(11), ".0f") == "5 (1 … 9)"


def test_the_largest_output_is_the_answer():
    output = np.eye(10)[[1, 2, 3, 4]]
    assert digits.fraction_right(np.array([1, 2, 0, 4]), output) == 0.75


LINEAR = backprop(
    model=lambda nn: nn.Linear(3, 2),
    loss=lambda nn: nn.MSELoss(),
    optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
)


@pytest.mark.parametrize("library", ["handmade", "torch_ref"])
def test_the_multiplications_of_a_linear_layer_are_counted(library):
    # Output and gradient of W, six each for each example; nobody asks for that by x.
    x, target = np.ones((5, 3)), np.ones((5, 2))
    step, answer = forward_forward.multiplications(library, LINEAR, x, target)
    assert (step, answer) == (12, 6)


def test_times_are_compared_on_both_libraries():
    data = Data(x=np.ones((5, 3)), target=np.ones((5, 2)))
    for library in ("handmade", "torch_ref"):
        side = Side(library, [trial("linear", data=data)])
        if library == "torch_ref":
            side.only.give = torch.as_tensor
        ratios = forward_forward.time_ratios(side, (LINEAR, LINEAR), 5)
        assert all(np.isfinite(ratios))
        assert all(ratio > 0 for ratio in ratios)


@pytest.fixture(scope="module")
def rounded_weights(tmp_path_factory):
    """Both implementations after a short run of the lesson on rounded weights."""
    sides = []
    lesson = dataclasses.replace(
        registry.load("precision_paths")[1],
        seeds=1,
        figures={},
        claims={"kept": lambda side: (bool(sides.append(side) or True), "")},
    )
    run("paths", lesson, RunConfig(steps=60, logdir=tmp_path_factory.mktemp("runs")))
    return sides


def test_half_the_spacing_and_no_other_fraction_of_it_decides(
    rounded_weights, monkeypatch
):
    claim, spacing = precision_paths.too_small_to_count, precision_paths.spacing
    assert [claim(side)[0] for side in rounded_weights] == [True, True]
    for factor in (0.5, 2):
        monkeypatch.setattr(
            precision_paths, "spacing", lambda t, d, f=factor: f * spacing(t, d)
        )
        assert [claim(side)[0] for side in rounded_weights] == [False, False]


def test_without_rounding_the_weights_change_by_the_updates(rounded_weights):
    for side in rounded_weights:
        plain = side[precision_paths.UNROUNDED]
        changes = np.diff(precision_paths.path(plain), axis=0)
        updates = precision_paths.updates(side.library, plain)
        np.testing.assert_allclose(-updates, changes, atol=1e-15)
        assert np.abs(changes).max() > 1e-4
        assert not precision_paths.unchanged(plain).any()


def test_the_spacing_is_that_of_the_type():
    values = np.array([[0.1, -3.0, 1.0, 100.0]], np.float16)
    one = trial("float16")
    weights = {"weight": values.astype(float)}
    one.path = ParameterHistory(weights, steps=2)  # holds the start
    for _ in range(2):
        one.path.append(weights)
    np.testing.assert_array_equal(
        precision_paths.spacing(one, precision_paths.DIGITS["float16"]),
        np.abs(np.spacing(values)),
    )


@pytest.mark.parametrize(("gap", "holds"), [(1e-12, True), (1e-8, False)])
def test_the_curve_of_the_tape_must_be_the_same(gap, holds):
    learner = LINEAR(handmade).to(np.zeros(1))

    class Named:
        def parameters(self):
            return {"0.weight": learner.model.weight.data}

    trials = [trial("by_hand"), trial("tape", losses=(1.0, 0.5 + gap, 0.25))]
    for one in trials:
        one.learner = Named()
    found = four_ways.tape_trains_the_same_net(Side("handmade", trials))
    assert found[0] == holds, found


@pytest.mark.parametrize("library", ["handmade", "torch_ref"])
def test_power_iteration_finds_the_largest_eigenvalue(library):
    scale = curvature.give(library, np.array([1.0, 3.0, 2.0]))
    ad = curvature.LIBRARIES[library].autodiff
    start = curvature.direction(library, 3)
    found, v = curvature.largest_eigenvalue(
        library, lambda p: ad.sum(scale * p * p), 0 * scale, start, rounds=60
    )
    assert found == pytest.approx(6, rel=1e-12)
    np.testing.assert_allclose(np.abs(np.asarray(v)), [0, 1, 0], atol=1e-9)


def test_the_hessian_of_the_linear_fit_must_be_the_closed_form(monkeypatch):
    side = Side("handmade", [])
    assert curvature.power_iteration_finds_it(side)[0]
    monkeypatch.setattr(curvature, "fit_eigenvalue", lambda library: 2.3)
    assert not curvature.power_iteration_finds_it(side)[0]


@pytest.mark.parametrize(
    ("below", "growth", "holds"),
    [(0.9, 0.0, True), (1.1, 0.0, False), (0.9, 0.1, False)],
)
def test_a_rate_above_the_limit_must_diverge_as_predicted(below, growth, holds):
    limit = 2 / curvature.fit_eigenvalue("handmade")
    factor = (1 - 2 * curvature.RATES["above"] / limit) ** 2 + growth
    trials = [
        trial("below", losses=below ** np.arange(100)),
        trial("above", losses=factor ** np.arange(100)),
    ]
    assert curvature.two_over_lambda_decides(Side("handmade", trials))[0] == holds


@pytest.mark.parametrize("library", ["handmade", "torch_ref"])
def test_unequal_means_are_told_from_weighted_ones(library, monkeypatch):
    side = Side(library, [])
    claims = (
        accumulation.weighted_is_exact,
        accumulation.mean_of_means_is_not,
        accumulation.equal_means_are_exact,
    )
    assert [claim(side)[0] for claim in claims] == [True] * 3
    swapped = dict(
        zip(
            accumulation.errors(library),
            reversed(accumulation.errors(library).values()),
            strict=True,
        )
    )
    monkeypatch.setattr(accumulation, "errors", lambda library: swapped)
    assert [claim(side)[0] for claim in claims] == [False, False, True]


@pytest.mark.parametrize(("gap", "holds"), [(1e-14, True), (1e-9, False)])
def test_accumulated_losses_must_be_those_of_the_batch(gap, holds):
    learner = LINEAR(handmade).to(np.zeros(1))

    class Named:
        def parameters(self):
            return {"0.weight": learner.model.weight.data}

    trials = [trial("batch"), trial("accumulated", losses=(1.0, 0.5 + gap, 0.25))]
    for one in trials:
        one.learner = Named()
    assert accumulation.trains_as_the_batch(Side("handmade", trials))[0] == holds
