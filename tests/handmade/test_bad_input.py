"""Bad input is refused with what was given and what was expected."""

import math

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from handmade import (
    autodiff,
    descent,
    forward_forward,
    metrics,
    nn,
    optim,
    perceptron,
    quantize,
    search,
    semi_supervised,
    surfaces,
    training,
    variational,
)

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
@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128", ">f8"])
def test_layers_want_float32_or_float64(layer, dtype):
    with pytest.raises(TypeError, match=f"float32 or float64, got {dtype}"):
        layer(np.ones(3, dtype))


def test_torchs_short_floats_are_refused_by_layers_that_need_float32():
    with pytest.raises(TypeError, match=r"float32 or float64, got torch\.bfloat16"):
        nn.Softmax(dim=0)(torch.ones(3, dtype=torch.bfloat16))


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("make", [np.ma.masked_array, np.matrix])
def test_subclasses_of_numpys_array_are_refused(make):
    given = make(np.ones((2, 2)))
    words = f"x must be a plain numpy.ndarray, got its subclass {type(given).__name__}"
    with pytest.raises(TypeError, match=words):
        nn.ReLU()(given)


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
    "layer",
    [
        nn.ReLU(),
        nn.LeakyReLU(),
        nn.Step(),
        nn.Sigmoid(),
        nn.Tanh(),
        nn.Identity(),
        nn.Flatten(),
    ],
)
def test_an_upstream_gradient_of_another_shape_is_refused(layer):
    layer(ONES)
    with pytest.raises(ValueError, match=r"grad_output must have shape \(4, 1\)"):
        layer.backward(np.ones((4,)))


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.Identity(), nn.Flatten()])
@pytest.mark.parametrize(
    ("grad", "words"),
    [
        (np.ones((4, 1), np.float32), "x is float64, but grad_output is float32"),
        (torch.ones((4, 1), dtype=torch.float64), "arrays of one library"),
        (np.ones((4, 1), int), "x is float64, but grad_output is int64"),
        ([[1.0]] * 4, "grad_output must be an array"),
        (None, "grad_output must be an array"),
    ],
)
def test_an_upstream_gradient_of_another_kind_is_refused(layer, grad, words):
    layer(ONES)
    with pytest.raises(TypeError, match=f"{type(layer).__name__}: .*{words}"):
        layer.backward(grad)


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
    for weight in ("weight", "pos_weight"):
        loss = nn.BCEWithLogitsLoss(**{weight: np.ones(3)})
        with pytest.raises(ValueError, match=r"\(3,\) does not broadcast to input of"):
            loss(np.ones((4, 2)), np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"\(3,\) does not broadcast to input of"):
        nn.BCELoss(np.ones(3))(np.full((4, 2), 0.5), np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"\(1, 2\) does not broadcast to input of"):
        nn.BCEWithLogitsLoss(np.ones((1, 2)))(np.ones(2), np.ones(2))


@pytest.mark.parametrize("value", [1.1, -0.1, float("nan")])
def test_probabilities_lie_between_0_and_1(value):
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        nn.BCELoss()(np.array([value]), np.array([1.0]))
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        torch.nn.BCELoss()(torch.tensor([value]), torch.tensor([1.0]))


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_label_smoothing_lies_between_0_and_1(value):
    with pytest.raises(ValueError, match=f"label_smoothing must lie.*got {value}"):
        nn.CrossEntropyLoss(label_smoothing=value)


@pytest.mark.parametrize("loss", [nn.MSELoss, nn.CrossEntropyLoss, nn.BCELoss])
def test_an_unknown_reduction_is_named(loss):
    with pytest.raises(ValueError, match="'none', 'mean' or 'sum', got 'avg'"):
        loss(reduction="avg")


def test_unreduced_losses_need_an_upstream_gradient():
    loss = nn.MSELoss(reduction="none")
    loss(ONES, ONES)
    with pytest.raises(RuntimeError, match="grad_output is needed"):
        loss.backward()


LOSSES = {
    "L1Loss": (np.full((4, 3), 0.5), np.ones((4, 3))),
    "MSELoss": (np.full((4, 3), 0.5), np.ones((4, 3))),
    "BCELoss": (np.full((4, 3), 0.5), np.ones((4, 3))),
    "BCEWithLogitsLoss": (np.full((4, 3), 0.5), np.ones((4, 3))),
    "SmoothL1Loss": (np.full((4, 3), 0.5), np.ones((4, 3))),
    "HuberLoss": (np.full((4, 3), 0.5), np.ones((4, 3))),
    "KLDivLoss": (np.full((4, 3), -0.5), np.ones((4, 3))),
    "HingeEmbeddingLoss": (np.full((4, 3), 0.5), np.ones((4, 3))),
    "MultiMarginLoss": (np.full((4, 3), 0.5), np.zeros(4, int)),
    "NLLLoss": (np.full((4, 3), -1.0), np.zeros(4, int)),
    "CrossEntropyLoss": (np.full((4, 3), 0.5), np.zeros(4, int)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_losss_upstream_gradient_has_the_shape_of_the_loss(name):
    apart = getattr(nn, name)(reduction="none")
    shape = apart(*LOSSES[name]).shape
    for wrong in (shape[1:], (*shape[:-1], 1), (1, *shape)):
        with pytest.raises(ValueError, match="grad_output must have shape"):
            apart.backward(np.ones(wrong))
    mean = getattr(nn, name)()
    mean(*LOSSES[name])
    with pytest.raises(ValueError, match=r"grad_output must have shape \(\), got \(4,"):
        mean.backward(np.ones((4, 3)))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_a_losss_upstream_gradient_has_the_library_and_dtype_of_the_loss(
    name, reduction
):
    loss = getattr(nn, name)(reduction=reduction)
    shape = np.shape(loss(*LOSSES[name]))
    with pytest.raises(TypeError, match="grad_output is float32"):
        loss.backward(np.ones(shape, np.float32))
    with pytest.raises(TypeError, match="arrays of one library"):
        loss.backward(torch.ones(shape))


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


def test_a_hyperparameter_is_a_number():
    with pytest.raises(
        TypeError, match="negative_slope must be a real number, got str"
    ):
        nn.LeakyReLU("0.1")


def test_an_optimizer_refuses_what_is_no_parameter():
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


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        (5, TypeError, "expected Parameters or groups of them, in a list, got int"),
        (nn.Parameter(ONES), TypeError, "in a list, got Parameter"),
        ([{"lr": 1}], ValueError, r"a group needs 'params', got only \['lr'\]"),
        ([{"params": 5}], TypeError, "expected handmade Parameters, got int"),
        (
            [{"params": [nn.Parameter(ONES)]}, nn.Parameter(ONES)],
            TypeError,
            "expected a group, a dict with 'params', got Parameter",
        ),
        (
            [nn.Parameter(ONES), {"params": [nn.Parameter(ONES)]}],
            TypeError,
            "expected handmade Parameters, got dict",
        ),
    ],
)
def test_an_optimizer_refuses_what_is_no_group(params, error, words):
    with pytest.raises(error, match=f"SGD: .*{words}"):
        optim.SGD(params)


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("Adam", {"betas": 0.9}, TypeError, "betas must be two numbers .*, got 0.9"),
        ("Adam", {"betas": ("a", 0)}, TypeError, "each of betas must be a real number"),
        ("Adam", {"betas": (math.nan, 0)}, ValueError, "betas must be two numbers"),
        ("Adam", {"lr": "a"}, TypeError, "lr must be a real number, got str"),
        ("Adam", {"lr": None}, TypeError, "lr must be a real number, got NoneType"),
        ("Adam", {"lr": np.ones(2)}, TypeError, "lr must be a real number, got ndarr"),
        ("Adam", {"eps": math.nan}, ValueError, "eps must be at least 0, got nan"),
        ("NAdam", {"betas": 0.9}, TypeError, "betas must be two numbers"),
        ("Rprop", {"etas": (0.5, 1.2, 3)}, ValueError, r"etas .*\(0.5, 1.2, 3\)"),
        ("Rprop", {"etas": 0.5}, TypeError, "etas must be one number in .*, got 0.5"),
        ("Rprop", {"step_sizes": 1}, TypeError, "step_sizes must be the sm.*, got 1"),
        ("Rprop", {"step_sizes": (1,)}, ValueError, "step_sizes must be the smallest"),
        ("RMSprop", {"alpha": "a"}, TypeError, "alpha must be a real number, got str"),
        ("Muon", {"ns_coefficients": 3}, TypeError, "must be 3 numbers, got 3"),
        ("Muon", {"ns_steps": 5.0}, TypeError, "ns_steps must be a whole number"),
        ("Muon", {"adjust_lr_fn": np.ones(3)}, ValueError, "adjust_lr_fn must be None"),
        ("Muon", {"ns_steps": -1}, ValueError, "ns_steps must be at least 0, got -1"),
        ("SGD", {"dampening": "a"}, TypeError, "dampening must be a real number"),
        (
            "SGD",
            {"dampening": math.nan},
            ValueError,
            "dampening must be a number, got nan",
        ),
    ],
)
def test_an_optimizer_names_an_option_of_another_kind(name, options, error, words):
    with pytest.raises(error, match=f"{name}: .*{words}"):
        getattr(optim, name)([nn.Parameter(ONES)], **options)


@pytest.mark.parametrize("name", ["Adam", "SGD", "RMSprop"])
def test_an_infinite_rate_is_taken_as_torch_takes_it(name):
    twin = getattr(torch.optim, name)([torch.nn.Parameter(torch.ones(1))], lr=math.inf)
    ours = getattr(optim, name)([nn.Parameter(ONES)], lr=math.inf)
    assert ours.param_groups[0]["lr"] == twin.param_groups[0]["lr"] == math.inf


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"grad must have shape \(4, 1\), got \(4,\)"):
        nn.Parameter(ONES).accumulate(np.ones(4))


@pytest.mark.parametrize(
    ("grad", "error", "words"),
    [
        (np.ones(4), ValueError, r"SGD: grad must have shape \(4, 1\), got \(4,\)"),
        (
            np.ones((4, 1), np.float32),
            TypeError,
            "data is float64, but grad is float32",
        ),
        (torch.ones(4, 1), TypeError, "arrays of one library"),
        ([1.0] * 4, TypeError, "grad must be an array"),
    ],
)
def test_an_optimizer_refuses_a_gradient_that_does_not_fit(grad, error, words):
    parameter = nn.Parameter(ONES)
    parameter.grad = grad
    with pytest.raises(error, match=words):
        optim.SGD([parameter]).step()


def test_an_optimizer_refuses_a_velocity_that_no_longer_fits():
    parameter = nn.Parameter(ONES)
    optimizer = optim.SGD([parameter], momentum=0.9)
    parameter.grad = ONES
    optimizer.step()
    parameter.data = parameter.grad = ONES.astype(np.float32)
    with pytest.raises(TypeError, match="momentum_buffer is float64"):
        optimizer.step()


def loaded(**change):
    """The state of an SGD for one parameter of shape (4, 1), with changes."""
    group = {"lr": 0.5, "momentum": 0.9, "params": [0]}
    state = {"state": {0: {"momentum_buffer": 2 * ONES}}, "param_groups": [group]}
    for name, value in change.items():
        (state if name in state else group)[name] = value
    return state


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"lr": "a"}, TypeError, "lr must be a real number, got str"),
        ({"momentum": float("nan")}, ValueError, "momentum must be .*, got nan"),
        ({"params": [0, 1]}, ValueError, r"groups of \[1\] parameters, got \[2\]"),
        ({"param_groups": []}, ValueError, r"groups of \[1\] parameters, got \[\]"),
        ({"state": {1: {}}}, ValueError, "parameter 1, but there are only 0 … 0"),
        ({"state": {-1: {}}}, ValueError, "parameter -1, but there are only 0 … 0"),
        (
            {"state": {0: {"momentum_buffer": np.ones(4)}}},
            ValueError,
            r"momentum_buffer must have shape \(4, 1\), got \(4,\)",
        ),
        (
            {"state": {0: {"momentum_buffer": np.ones((4, 1), int)}}},
            TypeError,
            "momentum_buffer must hold floating-point numbers",
        ),
    ],
)
def test_an_optimizer_refuses_a_state_that_does_not_fit_whole(change, error, words):
    parameter = nn.Parameter(ONES)
    optimizer = optim.SGD([parameter], lr=0.25, momentum=0.5)
    parameter.grad = ONES
    optimizer.step()
    before = optimizer.state_dict()
    with pytest.raises(error, match=words):
        optimizer.load_state_dict(loaded(**change))
    assert optimizer.state_dict() == before


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


@pytest.mark.parametrize("shape", [(2,), (0, 2), (1, 4, 2)])
def test_rosenblatt_wants_rows(shape):
    learner = perceptron.Rosenblatt(2).to(np.zeros(1))
    with pytest.raises(ValueError, match=r"x must be \(n, i\) with at least one"):
        learner.step(np.ones(shape), np.ones((*shape[:-1], 1)))


@pytest.mark.parametrize("wrong", [-1.0, 0.5, float("nan")])
def test_rosenblatt_refuses_targets_that_are_neither_0_nor_1(wrong):
    learner = perceptron.Rosenblatt(2).to(np.zeros(1))
    before = learner.parameters()
    with pytest.raises(ValueError, match="every target must be 0 or 1"):
        learner.step(np.ones((2, 2)), np.array([[1.0], [wrong]]))
    assert learner.parameters() == before


@pytest.mark.parametrize("lib", [handmade, torch_ref])
@pytest.mark.parametrize("lr", [0, -1, float("nan"), float("inf")])
def test_a_learning_rate_is_positive_and_finite(lib, lr):
    with pytest.raises(ValueError, match=f"lr must be positive and finite, got {lr}"):
        lib.perceptron.Rosenblatt(2, lr=lr)
    with pytest.raises(ValueError, match=f"lr must be positive and finite, got {lr}"):
        lib.descent.Descent(lib.surfaces.Valley(), np.ones(2), lr=lr)


@pytest.mark.parametrize("step", [0, -1])
def test_descent_refuses_a_step_that_is_not_positive(step):
    with pytest.raises(
        ValueError, match=f"step must be positive and finite, got {step}"
    ):
        torch_ref.descent.descend(torch.square, torch.tensor(1.0), step=step)
    with pytest.raises(
        ValueError, match=f"step must be positive and finite, got {step}"
    ):
        descent.descend(lambda x: x * x, lambda x: 2 * x, 1.0, step=step)


@pytest.mark.parametrize("name", ["tolerance", "max_steps"])
@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan")])
def test_descents_refuse_a_limit_that_is_not_positive(name, wrong):
    words = f"{name} must be positive and finite, got {wrong}"
    limit, x = {name: wrong}, torch.tensor(1.0)
    for walk in (
        lambda: descent.descend(lambda x: x * x, lambda x: 2 * x, 1.0, **limit),
        lambda: descent.newton(
            lambda x: x * x, lambda x: 2 * x, lambda x: 2, 1, **limit
        ),
        lambda: torch_ref.descent.descend(torch.square, x, **limit),
        lambda: torch_ref.descent.newton(torch.square, x, **limit),
    ):
        with pytest.raises(ValueError, match=words):
            walk()


def test_a_descent_that_diverges_says_where():
    with pytest.raises(ArithmeticError, match="became inf at step"):
        torch_ref.descent.descend(torch.square, torch.tensor(1.0), step=1e30)
    with pytest.raises(ArithmeticError, match="became inf at step"):
        descent.descend(lambda x: x * x, lambda x: 2 * x, 1.0, step=1e200)


@pytest.mark.parametrize("part", ["value", "gradient", "hessian"])
@pytest.mark.parametrize("name", [n for n in surfaces.__all__ if n != "Surface"])
def test_a_surface_refuses_points_of_another_dimension(name, part):
    with pytest.raises(
        ValueError, match=r"must have [12] coordinates, got shape \(3,\)"
    ):
        getattr(getattr(surfaces, name)(), part)(np.ones(3))


def test_a_descent_refuses_a_point_of_another_dimension():
    learner = descent.Descent(surfaces.Valley(), np.ones(2), lr=0.1)
    with pytest.raises(ValueError, match=r"point must have shape \(2,\), got \(3,\)"):
        learner.load_state_dict({"point": np.ones(3)})
    with pytest.raises(TypeError, match=r"floating-point numbers, .* got int64"):
        learner.load_state_dict({"point": np.ones(2, int)})


def test_metrics_refuse_what_they_cannot_count():
    with pytest.raises(ValueError, match="no predictions"):
        metrics.accuracy(np.zeros(0, int), np.zeros(0, int))
    with pytest.raises(ValueError, match=r"target must have shape \(2,\)"):
        metrics.accuracy(np.zeros(2, int), np.zeros((2, 1), int))
    with pytest.raises(ValueError, match=r"every target must be in 0 … 1"):
        metrics.confusion_matrix(np.array([0]), np.array([2]), 2)
    with pytest.raises(
        ValueError, match=r"predicted must have shape \(n,\), got \(2, 2\)"
    ):
        metrics.confusion_matrix(np.ones((2, 2), int), np.ones((2, 2), int), 2)


@pytest.mark.parametrize("dtype", ["float64", "bool"])
@pytest.mark.parametrize("name", ["accuracy", "confusion_matrix"])
def test_metrics_count_integers(name, dtype):
    count, more = getattr(metrics, name), () if name == "accuracy" else (2,)
    with pytest.raises(TypeError, match=f"predicted must hold class.*got {dtype}"):
        count(np.ones(2, dtype), np.ones(2, int), *more)
    with pytest.raises(TypeError, match=f"target must hold class.*got {dtype}"):
        count(np.ones(2, int), np.ones(2, dtype), *more)


def test_a_class_to_ignore_makes_no_sense_among_probabilities():
    with pytest.raises(ValueError, match="ignore_index 1 names a class"):
        nn.CrossEntropyLoss(ignore_index=1)(np.ones((2, 5)), np.full((2, 5), 0.2))


@pytest.mark.parametrize("given", [None, [1.0], nn.ReLU, {}, 3])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda m: training.GradientLearner(m, nn.MSELoss(), optim.SGD), "model"),
        (lambda m: search.RandomDescent(m, nn.MSELoss()), "model"),
        (lambda m: semi_supervised.PseudoLabels(m, optim.SGD), "model"),
        (
            lambda m: variational.VariationalAutoencoder(m, nn.Tanh(), optim.SGD),
            "encoder",
        ),
        (lambda m: semi_supervised.Autoencoder(nn.Tanh(), nn.Tanh(), m), "head"),
        (lambda m: nn.Sequential(nn.Tanh(), m), "module 1"),
    ],
)
def test_a_learner_names_what_is_no_module(make, name, given):
    words = f"{name} must be a handmade Module, got {type(given).__name__}"
    with pytest.raises(TypeError, match=words):
        make(given)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: training.GradientLearner(nn.Tanh(), [], optim.SGD),
            TypeError,
            "criterion must be a loss, got list",
        ),
        (
            lambda: descent.Descent(None, np.ones(2)),
            TypeError,
            "surface must be a Surface, got NoneType",
        ),
        (
            lambda: perceptron.Perceptron(1, 1, 0.5),
            TypeError,
            "activation must be a handmade Module, got float",
        ),
        (
            lambda: forward_forward.ForwardForward(3, 2, optim.SGD),
            ValueError,
            "features must hold the inputs and at least one layer",
        ),
        (
            lambda: nn.utils.clip_grad_norm_([], 1.0, 2.0, np.ones(2)),
            TypeError,
            "error_if_nonfinite must be True or False",
        ),
        (
            lambda: nn.init.calculate_gain(np.ones(2)),
            ValueError,
            "nonlinearity must be .*, got array",
        ),
        (
            lambda: nn.init.kaiming_normal_(nn.Parameter(np.ones((2, 2))), mode=[]),
            ValueError,
            "mode must be 'fan_in' or 'fan_out'",
        ),
        (
            lambda: nn.Embedding(2, 3, _weight=np.ndarray),
            TypeError,
            "_weight must be an array",
        ),
        (
            lambda: nn.Embedding(2, 3, _weight=np.ones((2, 3), int)),
            TypeError,
            "_weight must hold floating-point numbers",
        ),
        (
            lambda: metrics.confusion_matrix(np.arange(2), np.arange(2), [2]),
            TypeError,
            "num_classes must be a whole number, got list",
        ),
        (
            lambda: metrics.argmax(np.ones((2, 0))),
            ValueError,
            r"at least one class, got shape \(2, 0\)",
        ),
        (
            lambda: metrics.threshold(np.array(["a"])),
            TypeError,
            "output must hold real numbers",
        ),
        (
            lambda: forward_forward.goodness(np.ones(())),
            ValueError,
            r"rows of at least one number, got shape \(\)",
        ),
        (
            lambda: perceptron.with_ones(np.ones(())),
            ValueError,
            r"x must be \(…, i\), got a single number",
        ),
        (
            lambda: quantize.model_bytes([np.ones(2)], 4),
            TypeError,
            "state_dict must be a dict, got list",
        ),
        (
            lambda: quantize.quantized_state_dict({"weight": None}, "binary"),
            TypeError,
            "weight must be an array",
        ),
        (
            lambda: quantize.model_bytes({}, [4]),
            TypeError,
            "bits must be a whole number, got list",
        ),
        (
            lambda: descent.newton_step(1.0, np.ones(2)),
            ValueError,
            r"expected a number, got shape \(2,\)",
        ),
        (
            lambda: search.blind_step(abs, 1.0, "a", 0.1),
            TypeError,
            "value must be a real number, got str",
        ),
        (
            lambda: search.blind_step(abs, [1.0], 1.0, 0.1),
            TypeError,
            "x must be an array",
        ),
        (
            lambda: autodiff.sum(ONES, dim=2),
            ValueError,
            "x of 2 dimensions has no dimension 2",
        ),
        (
            lambda: autodiff.amax(ONES, dim="a"),
            TypeError,
            "dim must be a whole number, got str",
        ),
        (
            lambda: autodiff.amax(np.ones((0, 2)), dim=1),
            ValueError,
            r"x of shape \(0, 2\) holds no number",
        ),
        (lambda: autodiff.sum(ONES, dim=(0, -2)), ValueError, "several different"),
        (
            lambda: autodiff.reshape(ONES, (3, -1)),
            ValueError,
            r"x of shape \(4, 1\) has no shape \(3, -1\)",
        ),
        (
            lambda: autodiff.transpose(ONES, 0, 5),
            ValueError,
            "x of 2 dimensions has no dimension 5",
        ),
        (lambda: autodiff.exp(np.array([None])), TypeError, "expected numbers"),
    ],
)
def test_wrong_arguments_are_refused_in_the_librarys_words(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_an_array_of_one_number_is_one_number():
    trace = descent.descend(
        lambda x: x * x, lambda x: 2 * x, np.ones((1, 1)), max_steps=2
    )
    assert trace.errors[0] == 1.0
