"""Bad input is refused with what was given and what was expected."""

import numpy as np
import pytest
import torch

from handmade import descent, metrics, nn, optim, perceptron, surfaces

ONES = np.ones((4, 1))


@pytest.mark.parametrize(
    "loss", [nn.L1Loss, nn.MSELoss, nn.BCELoss, nn.BCEWithLogitsLoss]
)
def test_elementwise_losses_do_not_broadcast(loss):
    with pytest.raises(
        ValueError, match=r"target must have shape \(4, 1\), got \(4,\)"
    ):
        loss()(ONES, np.ones(4))


def test_linear_names_both_sizes():
    with pytest.raises(ValueError, match=r"in_features = 3, got x of shape \(4, 1\)"):
        nn.Linear(3, 2)(ONES.astype(np.float32))


def test_linear_of_one_feature_refuses_a_row_of_many():
    with pytest.raises(ValueError, match=r"in_features = 1, got x of shape \(4,\)"):
        nn.Linear(1, 2)(np.ones(4, np.float32))


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0), (-1, 2)])
def test_linear_refuses_sizes_below_one(sizes):
    with pytest.raises(ValueError, match="must be at least 1"):
        nn.Linear(*sizes)


@pytest.mark.parametrize(
    "layer",
    [nn.ReLU(), nn.LeakyReLU(), nn.Step(), nn.Sigmoid(), nn.Tanh(), nn.Softmax(dim=0)],
)
@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128"])
def test_layers_want_floating_numbers(layer, dtype):
    with pytest.raises(TypeError, match=f"floating-point numbers, got {dtype}"):
        layer(np.ones(3, dtype))


def test_a_list_is_no_array():
    with pytest.raises(TypeError, match=r"x must be an array .*got list"):
        nn.Linear(2, 1)([1.0, 2.0])


def test_numpy_and_torch_do_not_mix():
    with pytest.raises(TypeError, match=r"torch\.Tensor.*numpy\.ndarray"):
        nn.Linear(2, 1)(torch.ones(3, 2))
    with pytest.raises(TypeError, match="arrays of one library"):
        nn.MSELoss()(np.ones(3), torch.ones(3))
    with pytest.raises(TypeError, match="arrays of one library"):
        nn.CrossEntropyLoss()(np.ones((3, 2)), torch.zeros(3, dtype=torch.int64))


def test_two_precisions_do_not_mix():
    with pytest.raises(TypeError, match="x is float64, but weight is float32"):
        nn.Linear(2, 1)(np.ones((3, 2)))


@pytest.mark.parametrize(
    "layer", [nn.ReLU(), nn.LeakyReLU(), nn.Step(), nn.Sigmoid(), nn.Tanh()]
)
def test_an_upstream_gradient_of_another_shape_is_refused(layer):
    layer(ONES)
    with pytest.raises(ValueError, match=r"grad_output must have shape \(4, 1\)"):
        layer.backward(np.ones((4,)))


def test_linear_refuses_an_upstream_gradient_of_another_shape():
    layer = nn.Linear(3, 2).to(np.zeros(1))
    layer(np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"shape \(4, 2\), got \(8,\)"):
        layer.backward(np.ones(8))


@pytest.mark.parametrize("layer", [nn.Softmax, nn.LogSoftmax])
@pytest.mark.parametrize("dim", [None, 2, -3])
def test_softmax_needs_a_dimension_that_exists(layer, dim):
    with pytest.raises(ValueError, match=f"got dim={dim}"):
        layer(dim=dim)(np.ones((2, 2)))


@pytest.mark.parametrize("index", [5, -1])
@pytest.mark.parametrize("loss", [nn.NLLLoss, nn.CrossEntropyLoss])
def test_a_class_index_out_of_range_is_named(loss, index):
    with pytest.raises(ValueError, match=rf"class index in 0 … 4, got {index}"):
        loss()(np.ones((2, 5)), np.array([0, index]))


@pytest.mark.parametrize("loss", [nn.NLLLoss, nn.CrossEntropyLoss])
def test_class_targets_of_another_shape_are_refused(loss):
    with pytest.raises(
        ValueError, match=r"target must have shape \(2,\), got \(2, 1\)"
    ):
        loss()(np.ones((2, 5)), np.zeros((2, 1), int))


def test_class_targets_are_integers():
    with pytest.raises(TypeError, match="class indices as integers, got bool"):
        nn.NLLLoss()(np.ones((2, 5)), np.array([True, False]))


def test_probability_targets_have_the_shape_of_the_input():
    with pytest.raises(ValueError, match=r"probabilities.*shape \(2, 5\), got \(2,\)"):
        nn.CrossEntropyLoss()(np.ones((2, 5)), np.ones(2))


def test_class_weights_are_one_for_each_class():
    with pytest.raises(ValueError, match=r"weight must have shape \(5,\), got \(4,\)"):
        nn.CrossEntropyLoss(np.ones(4))(np.ones((2, 5)), np.array([0, 1]))


def test_element_weights_must_broadcast():
    with pytest.raises(
        ValueError, match=r"\(3,\) does not broadcast to input of shape"
    ):
        nn.BCELoss(np.ones(3))(np.full((4, 2), 0.5), np.ones((4, 2)))


def test_probabilities_lie_between_0_and_1():
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        nn.BCELoss()(np.array([1.1]), np.array([1.0]))


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_label_smoothing_lies_between_0_and_1(value):
    with pytest.raises(ValueError, match=f"label_smoothing must lie.*got {value}"):
        nn.CrossEntropyLoss(label_smoothing=value)


@pytest.mark.parametrize("loss", [nn.MSELoss, nn.CrossEntropyLoss, nn.BCELoss])
def test_an_unknown_reduction_is_named(loss):
    with pytest.raises(ValueError, match="'none', 'mean' or 'sum', got 'avg'"):
        loss(reduction="avg")


def test_the_mean_over_nothing_is_refused():
    with pytest.raises(ValueError, match="mean over no elements"):
        nn.MSELoss()(np.ones((0, 2)), np.ones((0, 2)))
    with pytest.raises(ValueError, match="every target is ignore_index"):
        nn.CrossEntropyLoss()(np.ones((2, 3)), np.array([-100, -100]))


def test_unreduced_losses_need_an_upstream_gradient():
    loss = nn.MSELoss(reduction="none")
    loss(ONES, ONES)
    with pytest.raises(ValueError, match="grad_output is needed"):
        loss.backward()


def test_what_torch_has_and_we_do_not_is_refused_by_name():
    with pytest.raises(TypeError, match="inplace"):
        nn.LeakyReLU(inplace=True)
    with pytest.raises(TypeError, match="foreach"):
        optim.SGD([nn.Parameter(ONES)], foreach=True)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"lr": -1}, "lr must be at least 0, got -1"),
        ({"lr": float("nan")}, "lr must be at least 0, got nan"),
        ({"momentum": -0.5}, "momentum must be at least 0"),
        ({"weight_decay": -1}, "weight_decay must be at least 0"),
        ({"nesterov": True}, "nesterov needs momentum > 0"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "dampening = 0"),
    ],
)
def test_sgd_refuses_hyperparameters_out_of_range(kwargs, words):
    with pytest.raises(ValueError, match=words):
        optim.SGD([nn.Parameter(ONES)], **kwargs)


def test_an_optimiser_refuses_parameters_that_are_none():
    with pytest.raises(ValueError, match="empty parameter list"):
        optim.SGD([])
    with pytest.raises(TypeError, match="expected handmade Parameters, got ndarray"):
        optim.SGD([ONES])
    shared = nn.Parameter(ONES)
    with pytest.raises(ValueError, match="stands in two places"):
        optim.SGD([{"params": [shared]}, {"params": [shared]}])
    with pytest.raises(
        TypeError, match=r"unknown hyper-parameters \['learning_rate'\]"
    ):
        optim.SGD([{"params": [shared], "learning_rate": 1}])


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"grad must have shape \(4, 1\), got \(4,\)"):
        nn.Parameter(ONES).accumulate(np.ones(4))


def test_flatten_refuses_dimensions_that_do_not_exist():
    with pytest.raises(ValueError, match=r"start_dim 3 to end_dim -1"):
        nn.Flatten(start_dim=3)(np.ones((2, 3)))


def test_weights_without_a_bias_are_refused():
    with pytest.raises(ValueError, match="w₀ and one number for each input, 3 in all"):
        perceptron.weighted_sum(np.ones(2), np.ones(2))


def test_rosenblatt_refuses_targets_of_another_shape():
    learner = perceptron.Rosenblatt(2).to(np.zeros(1))
    with pytest.raises(
        ValueError, match=r"target must have shape \(4, 1\), got \(4,\)"
    ):
        learner.step(np.ones((4, 2)), np.ones(4))


@pytest.mark.parametrize("step", [0, -1])
def test_descent_refuses_a_step_that_is_not_positive(step):
    with pytest.raises(ValueError, match=f"step must be positive, got {step}"):
        descent.descend(lambda x: x * x, lambda x: 2 * x, 1.0, step=step)


def test_a_descent_that_diverges_says_where():
    with pytest.raises(ArithmeticError, match="became inf at step"):
        descent.descend(lambda x: x * x, lambda x: 2 * x, 1.0, step=1e200)


def test_a_surface_refuses_points_of_another_dimension():
    with pytest.raises(ValueError, match=r"2 coordinates, got shape \(3,\)"):
        surfaces.SumOfSquares().value(np.ones(3))


def test_metrics_refuse_what_they_cannot_count():
    with pytest.raises(ValueError, match="no predictions"):
        metrics.accuracy(np.zeros(0, int), np.zeros(0, int))
    with pytest.raises(ValueError, match=r"target must have shape \(2,\)"):
        metrics.accuracy(np.zeros(2, int), np.zeros((2, 1), int))
    with pytest.raises(ValueError, match=r"every target must be in 0 … 1"):
        metrics.confusion_matrix(np.array([0]), np.array([2]), 2)
