"""Losses with special options: what they refuse, and how they relate."""

import math

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from handmade import nn

ONES = np.ones((4, 3))
INDEX = np.zeros(4, int)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.SmoothL1Loss(beta=-1), "beta must be at least 0, got -1"),
        (lambda: nn.SmoothL1Loss(beta=math.inf), "beta must be finite, got inf"),
        (lambda: nn.HuberLoss(delta=0), "delta must be positive and finite, got 0"),
        (lambda: nn.HuberLoss(delta=math.nan), "positive and finite, got nan"),
        (lambda: nn.HuberLoss("batchmean"), "'mean' or 'sum', got 'batchmean'"),
        (
            lambda: nn.KLDivLoss(reduction="avg"),
            "must be 'none', 'mean', 'sum' or 'batchmean', got 'avg'",
        ),
        (lambda: nn.HingeEmbeddingLoss(math.nan), "margin must be finite, got nan"),
        (lambda: nn.MultiMarginLoss(margin=math.inf), "margin must be finite"),
        (lambda: nn.MultiMarginLoss(3), "p must be 1 or 2, got 3"),
        (
            lambda: nn.ExpectedCostLoss(np.ones((2, 3))),
            r"cost must be \(c, c\) for c classes, got shape \(2, 3\)",
        ),
        (lambda: nn.ExpectedCostLoss(np.ones((0, 0))), r"got shape \(0, 0\)"),
        (lambda: nn.ExpectedCostLoss(np.ones(3)), r"got shape \(3,\)"),
        (lambda: nn.ExpectedCostLoss([[0, 1]]), r"got shape \(1, 2\)"),
        (lambda: nn.ExpectedCostLoss(-np.eye(2)), "finite and at least 0"),
        (lambda: nn.ExpectedCostLoss(np.eye(2) / 0), "finite and at least 0"),
        (lambda: nn.WeightedSum([]), r"at least one pair \(weight, loss\)"),
        (
            lambda: nn.WeightedSum([(math.inf, nn.MSELoss())]),
            "weight 0 must be finite, got inf",
        ),
        (
            lambda: nn.WeightedSum([(1, nn.MSELoss()), (1, nn.L1Loss(reduction=NONE))]),
            "loss 1 must give one number, but L1Loss has reduction='none'",
        ),
        (
            lambda: nn.WeightedSum([(1, SHARED), (2, SHARED)]),
            "one module stands at two places",
        ),
        (
            lambda: nn.WeightedSum([(1, SHARED), (2, nn.WeightedSum([(1, SHARED)]))]),
            "one module stands at two places",
        ),
        (
            lambda: nn.SmoothnessPenalty(nn.Parameter(np.ones((2, 6))), (2, 2)),
            r"weight must be \(k, 4\), .* of shape \(2, 2\) a row, got \(2, 6\)",
        ),
        (
            lambda: nn.SmoothnessPenalty(nn.Parameter(np.ones(6)), (2, 3)),
            r"weight must be \(k, 6\), .* got \(6,\)",
        ),
        (
            lambda: nn.SmoothnessPenalty(nn.Parameter(np.ones((0, 6))), (2, 3)),
            "at least one template",
        ),
        (
            lambda: nn.SmoothnessPenalty(nn.Parameter(np.ones((2, 1))), (1, 1)),
            r"at least two pixels, got \(1, 1\)",
        ),
        (
            lambda: nn.SmoothnessPenalty(nn.Parameter(np.ones((2, 4))), (-2, -2)),
            "shape must be at least 1, got -2",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning")
def test_a_value_out_of_range_is_refused_at_once(make, words):
    with pytest.raises(ValueError, match=words):
        make()


NONE = "none"
SHARED = nn.MSELoss()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.SmoothL1Loss(beta="1"), "beta must be a real number, got str"),
        (lambda: nn.HuberLoss(delta=None), "delta must be a real number"),
        (lambda: nn.ExpectedCostLoss("no"), "ExpectedCostLoss: .*got str"),
        (lambda: nn.ExpectedCostLoss(np.eye(2, dtype=int)), "cost must hold floating"),
        (
            lambda: nn.WeightedSum([(1j, nn.MSELoss())]),
            "weight 0 must be a real number, got complex",
        ),
        (
            lambda: nn.WeightedSum([(1, nn.ReLU())]),
            "loss 0 must be a handmade loss, got ReLU",
        ),
        (
            lambda: nn.WeightedSum([(1, torch.nn.MSELoss())]),
            "loss 0 must be a handmade loss, got MSELoss",
        ),
        (
            lambda: nn.SmoothnessPenalty(np.ones((2, 6)), (2, 3)),
            "weight must be a handmade Parameter, got ndarray",
        ),
        (lambda: nn.HuberLoss("mean", 1.0, True), "positional arguments"),
        (lambda: nn.SmoothL1Loss(size_average=True), "size_average"),
    ],
)
def test_an_argument_of_another_type_is_refused_at_once(make, words):
    with pytest.raises(TypeError, match=words):
        make()


@pytest.mark.parametrize(
    ("loss", "input", "target", "error", "words"),
    [
        (nn.KLDivLoss(), ONES, -ONES, ValueError, "be a probability, at least 0"),
        (nn.KLDivLoss(), ONES, np.nan * ONES, ValueError, "must be a probability"),
        (nn.HingeEmbeddingLoss(), ONES, 0 * ONES, ValueError, "must be 1 or -1"),
        (nn.HingeEmbeddingLoss(), ONES, np.ones(3), ValueError, r"shape \(4, 3\), got"),
        (nn.MultiMarginLoss(), ONES, INDEX - 1, ValueError, "class index in 0 … 2, go"),
        (nn.MultiMarginLoss(), ONES, INDEX - 100, ValueError, "in 0 … 2, got -100"),
        (nn.MultiMarginLoss(), ONES, ONES[:, 0], TypeError, "indices as integers"),
        (nn.MultiMarginLoss(), np.ones(()), INDEX[0], ValueError, r"got shape \(\)"),
        (
            nn.MultiMarginLoss(),
            np.ones((4, 3, 2)),
            np.zeros((4, 2), int),
            ValueError,
            r"must be \(n, c\) or \(c,\) .* got shape \(4, 3, 2\)",
        ),
        (nn.MultiMarginLoss(), np.ones((4, 0)), INDEX, ValueError, "at least one cl"),
        (
            nn.MultiMarginLoss(weight=np.ones(2)),
            ONES,
            INDEX,
            ValueError,
            r"weight must have shape \(3,\), got \(2,\)",
        ),
        (
            nn.ExpectedCostLoss(np.eye(2)),
            ONES,
            INDEX,
            ValueError,
            r"cost must have shape \(3, 3\), got \(2, 2\)",
        ),
        (nn.ExpectedCostLoss(np.eye(3)), ONES, INDEX - 100, ValueError, "got -100"),
        (nn.ExpectedCostLoss(np.eye(3)), ONES, INDEX + 3, ValueError, "0 … 2, got 3$"),
        (
            nn.ExpectedCostLoss(np.eye(3, dtype=np.float32)),
            ONES,
            INDEX,
            TypeError,
            "input is float64, but cost is float32",
        ),
        (
            nn.SmoothnessPenalty(nn.Parameter(np.ones((1, 6))), (2, 3)),
            ONES.astype(np.float32),
            INDEX,
            TypeError,
            "input is float32, but weight is float64",
        ),
    ],
)
def test_an_input_that_does_not_fit_is_refused(loss, input, target, error, words):
    with pytest.raises(error, match=words):
        loss(input, target)


@pytest.mark.parametrize("loss", [nn.MultiMarginLoss, nn.ExpectedCostLoss])
def test_the_mean_over_no_rows_is_nan_and_their_sum_is_0(loss):
    given = {"cost": np.eye(3)} if loss is nn.ExpectedCostLoss else {}
    x, target = np.ones((0, 3)), np.zeros(0, int)
    with np.errstate(invalid="ignore"):
        assert np.isnan(loss(**given)(x, target))
    total = loss(**given, reduction="sum")
    assert total(x, target) == 0
    assert total.backward().shape == (0, 3)


@pytest.mark.parametrize(
    "loss",
    [
        nn.HuberLoss(),
        nn.WeightedSum([(1, nn.MSELoss())]),
        nn.ExpectedCostLoss(np.eye(2)),
        nn.SmoothnessPenalty(nn.Parameter(np.ones((1, 6))), (2, 3)),
    ],
)
def test_a_loss_before_forward_has_nothing_to_give_back(loss):
    with pytest.raises(RuntimeError, match="backward was called before forward"):
        loss.backward()


def test_torch_adds_both_terms_of_a_hinge_whose_target_is_neither():
    x, target = torch.tensor([0.25]), torch.tensor([0.0])
    assert torch.nn.HingeEmbeddingLoss()(x, target) == 0.25 + 0.75


def test_torch_gives_nan_for_a_negative_probability():
    x, target = torch.tensor([0.25]), torch.tensor([-1.0])
    assert torch.isnan(torch.nn.KLDivLoss(reduction="sum")(x, target))


@pytest.mark.parametrize("shape", [(), (3,), (3, 2)])
def test_batchmean_divides_by_the_first_dimension_if_there_is_one(shape):
    x, target = np.full(shape, -1.0), np.full(shape, 0.5)
    theirs = torch.nn.KLDivLoss(reduction="batchmean")
    want = theirs(torch.from_numpy(x), torch.from_numpy(target))
    assert abs(nn.KLDivLoss(reduction="batchmean")(x, target) - want) < 1e-15


def test_the_divergence_of_a_distribution_from_itself_is_0():
    share = np.array([[0.2, 0.5, 0.3], [0.0, 0.25, 0.75]])
    logs = np.log(np.where(share > 0, share, 1.0))
    assert nn.KLDivLoss(reduction="batchmean")(logs, share) == 0


@pytest.mark.parametrize("rows", [[[0, 1], [2, 0]], ((0, 1), (2, 0))])
def test_costs_may_be_given_as_rows(rows):
    cost = nn.ExpectedCostLoss(rows).cost
    assert cost.dtype == np.float32
    np.testing.assert_array_equal(cost, [[0, 1], [2, 0]])


def test_equal_costs_make_the_expected_cost_the_probability_of_wrong_answers():
    x = np.random.default_rng(0).normal(size=(4, 3))
    share = nn.Softmax(dim=1)(x)[:, 0]
    loss = nn.ExpectedCostLoss(1 - np.eye(3))(x, INDEX)
    assert abs(loss - (1 - share).mean()) < 1e-15


def test_a_costlier_confusion_is_avoided_more():
    cost = 1 - np.eye(3)
    cost[0, 2] = 5
    loss = nn.ExpectedCostLoss(cost)
    loss(np.zeros((1, 3)), np.array([0]))
    right, cheap, dear = loss.backward()[0]
    assert right < cheap < dear


def learner(package):
    """A net of two templates of 2 × 3 pixels, whose roughness is punished."""
    model = package.nn.Sequential(package.nn.Flatten(), package.nn.Linear(6, 2))
    penalty = package.nn.SmoothnessPenalty(model[1].weight, (2, 3))
    criterion = package.nn.WeightedSum([(1.0, package.nn.MSELoss()), (0.5, penalty)])
    return package.training.GradientLearner(
        model, criterion, lambda params: package.optim.SGD(params, lr=0.1, momentum=0.9)
    )


def both():
    """The two implementations from the same weights."""
    ours, theirs = learner(handmade), learner(torch_ref)
    for package, give in ((ours, np.asarray), (theirs, torch.from_numpy)):
        package.to(give(np.zeros(1)))
        package.model.load_state_dict(
            {
                "1.weight": give(np.arange(12.0).reshape(2, 6) ** 2 / 50),
                "1.bias": give(np.zeros(2)),
            }
        )
    return ours, theirs


def test_a_penalty_follows_the_models_own_parameter_through_training():
    rng = np.random.default_rng(0)
    ours, theirs = both()
    for _ in range(5):
        x, target = rng.normal(size=(4, 2, 3)), rng.normal(size=(4, 2))
        loss = theirs.step(torch.from_numpy(x), torch.from_numpy(target))
        assert abs(ours.step(x, target) - loss) < 1e-13
        for name, gradient in theirs.gradients().items():
            np.testing.assert_allclose(
                ours.gradients()[name], gradient.numpy(), rtol=0, atol=1e-13
            )


@pytest.mark.parametrize("package", [handmade, torch_ref])
def test_moving_a_learner_keeps_the_penaltys_parameter_the_models_own(package):
    moved = learner(package).to(torch.zeros(1, dtype=torch.float64))
    weight = moved.model[1].weight
    assert weight is next(moved.criterion.parameters())
    assert moved.state_dict()["model"].keys() == {"1.weight", "1.bias"}
    moved.load_state_dict(moved.state_dict())
    moved.step(torch.ones(4, 2, 3).double(), torch.ones(4, 2).double())
    assert moved.model[1].weight is weight is next(moved.criterion.parameters())
    assert weight.data.dtype == torch.float64


def test_a_sums_state_has_the_names_that_torch_gives_it():
    def made(package, give):
        classes = package.nn.CrossEntropyLoss(give(np.ones(3)))
        costs = package.nn.ExpectedCostLoss(give(np.eye(3)))
        return package.nn.WeightedSum([(1, classes), (2, costs)])

    names = [*made(handmade, np.asarray).state_dict()]
    assert names == [*made(torch_ref, torch.from_numpy).state_dict()]
    assert names == ["0.weight", "1.cost"]


def test_a_sum_hands_the_upstream_gradient_on_to_its_losses():
    target = np.zeros((4, 3))
    alone, summed = nn.MSELoss(), nn.WeightedSum([(-2, nn.MSELoss())])
    alone(ONES, target)
    summed(ONES, target)
    np.testing.assert_array_equal(summed.backward(3.0), -6 * alone.backward())
