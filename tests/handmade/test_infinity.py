"""Infinite, huge and tiny numbers give torch's results.

NumPy warns of nothing but ∞ − ∞ and ∞ · 0 where these are part of the answer.
"""

import math

import array_api_strict as strict
import numpy as np
import pytest
import torch
from torch import nn as torch_nn

import handmade
import torch_ref
from handmade import nn

INF, NAN = math.inf, math.nan
BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def assert_is_torchs(name, kwargs, x, target=None, upstream=1.0, lib=torch_nn):
    """Value and slope of a layer or a loss are torch's."""
    ours = getattr(nn, name)(**kwargs).to(x)
    t = torch.from_numpy(x).requires_grad_()
    theirs = getattr(lib, name)(**kwargs).to(t)
    more = () if target is None else (target,)
    got, want = ours(x, *more), theirs(t, *map(torch.from_numpy, more))
    want.backward(torch.full_like(want, upstream))
    np.testing.assert_array_equal(got, want.detach().numpy())
    grad = ours.backward(np.full_like(got, upstream))
    np.testing.assert_allclose(grad, t.grad.numpy(), rtol=1e-6)


@BOTH
@np.errstate(invalid="ignore")  # ∞ − ∞ and ∞ · 0 are part of the answer
def test_a_probability_of_0_meets_infinity_as_in_torch(dtype):
    x = np.array([-INF, INF, -INF, NAN, -1.0], dtype)
    target = np.array([0.0, 0.0, 0.5, 0.0, 0.0], dtype)
    assert_is_torchs("KLDivLoss", {"reduction": "none"}, x, target)


@BOTH
@np.errstate(invalid="ignore")  # ∞ − ∞ and ∞ · 0 are part of the answer
def test_a_log_probability_of_minus_infinity_is_torchs(dtype):
    x = np.array([-1.0, -INF, INF, -INF, -INF, INF], dtype)
    target = np.array([-INF, -INF, -INF, -1.0, 0.0, INF], dtype)
    kwargs = {"reduction": "none", "log_target": True}
    assert_is_torchs("KLDivLoss", kwargs, x, target)


@BOTH
@pytest.mark.parametrize("beta", [1e-300, 1e-46, 5e-324])
def test_a_beta_too_small_for_the_dtype_is_0(beta, dtype):
    x = np.array([1.0, 0.0, NAN, -2.0, 3e38], dtype)
    kwargs = {"reduction": "none", "beta": beta}
    assert_is_torchs("SmoothL1Loss", kwargs, x, np.zeros_like(x))


def test_without_a_rounded_tip_the_slope_at_nan_is_nan():
    x = np.array([NAN])
    loss = nn.SmoothL1Loss(beta=0)
    loss(x, np.zeros(1))
    assert np.isnan(loss.backward()).all()
    t = torch.from_numpy(x).requires_grad_()
    torch_nn.SmoothL1Loss(beta=0)(t, torch.zeros(1)).backward()
    assert t.grad.item() == 0


@BOTH
@pytest.mark.parametrize("p", [1, 2])
@np.errstate(invalid="ignore")  # ∞ − ∞ and ∞ · 0 are part of the answer
def test_margins_of_infinite_and_undefined_numbers_are_torchs(p, dtype):
    rows = [
        [INF, 1.0, 0.0],
        [1.0, INF, 0.0],
        [-INF, 1.0, 0.0],
        [-INF, -INF, 0.0],
        [INF, INF, 0.0],
        [NAN, 1.0, 0.0],
        [1.0, NAN, 3.0],
    ]
    target = np.zeros(len(rows), np.int64)
    kwargs = {"p": p, "reduction": "none"}
    assert_is_torchs("MultiMarginLoss", kwargs, np.array(rows, dtype), target)


@BOTH
@pytest.mark.parametrize("beta", [2.0, -3.0, 0.1])
def test_a_softplus_is_straight_up_to_the_largest_number(beta, dtype):
    far = np.finfo(dtype).max
    x = np.array([far, -far, INF, -INF, NAN, 0.7 * far], dtype)
    assert_is_torchs("Softplus", {"beta": beta}, x)


@BOTH
@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_the_softmax_of_infinite_numbers_are_torchs(name, dim, dtype):
    x = np.array([[INF, 1, 0], [-INF, -INF, -INF], [-INF, 1, 1], [0, -INF, NAN]], dtype)
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is part of the answer
        assert_is_torchs(name, {"dim": dim}, x)


@BOTH
def test_the_cost_of_an_infinite_number_is_torchs(dtype):
    x = np.array([[INF, 1.0], [-INF, 0.0], [-INF, -INF]], dtype)
    kwargs = {"cost": [[0.0, 1.0], [1.0, 0.0]], "reduction": "none"}
    target = np.array([0, 1, 0])
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is part of the answer
        assert_is_torchs("ExpectedCostLoss", kwargs, x, target, lib=torch_ref.nn)


@BOTH
@pytest.mark.parametrize("p", [0.5, 1.0])
@np.errstate(invalid="ignore")  # ∞ − ∞ and ∞ · 0 are part of the answer
def test_a_dropped_infinity_is_nan_as_in_torch(p, dtype):
    x = np.array([INF, -INF] * 8, dtype)
    found = []
    for package, given in ((handmade, x), (torch_ref, torch.from_numpy(x))):
        package.manual_seed(0)
        found.append(np.asarray(package.nn.Dropout(p)(given)))
    np.testing.assert_array_equal(*found)
    assert np.isnan(found[0]).any()
    layer = nn.Dropout(1.0)
    layer(x)
    assert np.isnan(layer.backward(x)).all()


@BOTH
@pytest.mark.parametrize(
    ("name", "kwargs"), [("PReLU", {}), ("LeakyReLU", {"negative_slope": 2.0})]
)
def test_what_is_thrown_away_does_not_warn(name, kwargs, dtype):
    far = 0.9 * np.finfo(dtype).max
    x = np.array([far, 1.0], dtype)
    assert_is_torchs(name, kwargs, x, upstream=far)


def test_what_overflows_in_the_answer_warns_as_numpy_is_set_up_to():
    x, target = np.array([1.0], np.float32), np.array([100.0], np.float32)
    loss = nn.KLDivLoss(log_target=True, reduction="sum")
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert np.isinf(loss(x, target))
    with np.errstate(over="ignore"):
        assert np.isinf(loss(x, target))


@BOTH
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("truth", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("x", [INF, -INF])
@np.errstate(invalid="ignore")  # ∞ − ∞ and ∞ · 0 are part of the answer
def test_the_loss_of_an_infinite_logit_is_torchs(x, truth, reduction, dtype):
    x, target = np.array([x], dtype), np.array([truth], dtype)
    assert_is_torchs("BCEWithLogitsLoss", {"reduction": reduction}, x, target)


@BOTH
@pytest.mark.parametrize("reduction", ["none", "mean"])
@np.errstate(invalid="ignore")  # ∞ − ∞ and ∞ · 0 are part of the answer
def test_a_logit_of_minus_infinity_under_a_probability_of_0_is_torchs(reduction, dtype):
    x, target = np.array([[-INF, 1, 2]], dtype), np.array([[0, 0.875, 0.125]], dtype)
    assert_is_torchs("CrossEntropyLoss", {"reduction": reduction}, x, target)


@BOTH
@np.errstate(invalid="ignore")  # ∞ − ∞ and ∞ · 0 are part of the answer
def test_a_running_mean_becomes_infinite_with_a_number_as_in_torch(dtype):
    x = np.array([[1, 1], [INF, 2], [3, -INF]], dtype)
    ours, theirs = nn.BatchNorm1d(2).to(x), torch_nn.BatchNorm1d(2, dtype=torch.float64)
    ours(x), theirs(torch.from_numpy(x).double())
    np.testing.assert_array_equal(ours.running_mean, theirs.running_mean.numpy())
    np.testing.assert_array_equal(ours.running_var, theirs.running_var.numpy())


@BOTH
@pytest.mark.parametrize("approximate", ["none", "tanh"])
@np.errstate(invalid="ignore")  # ∞ − ∞ and ∞ · 0 are part of the answer
def test_gelu_of_a_huge_number_is_the_number_itself(approximate, dtype):
    x = np.array([np.finfo(dtype).max, INF, -INF], dtype)
    layer = nn.GELU(approximate)
    np.testing.assert_array_equal(layer(x), [x[0], INF, NAN])
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)), [1, NAN, NAN])


@BOTH
@pytest.mark.parametrize("of", [np.asarray, torch.from_numpy, strict.asarray])
@pytest.mark.parametrize("value", [INF, -INF, NAN])
@pytest.mark.parametrize("padding", [None, 0, 2])
def test_a_row_of_an_embeddings_gradient_reaches_its_own_index_only(
    padding, value, of, dtype
):
    index, upstream = np.array([1, 0, 1, 3]), np.ones((4, 3), dtype)
    upstream[1] = value
    layer = nn.Embedding(4, 3, padding).to(of(upstream))
    layer(of(index))
    layer.backward(of(upstream))
    want = np.array([[value] * 3, [2] * 3, [0] * 3, [1] * 3], dtype)
    if padding is not None:
        want[padding] = 0
    np.testing.assert_array_equal(np.asarray(layer.weight.grad), want)
    theirs = torch_nn.Embedding(4, 3, padding)
    theirs.to(torch.from_numpy(upstream))(torch.from_numpy(index)).backward(
        torch.from_numpy(upstream)
    )
    np.testing.assert_array_equal(theirs.weight.grad.numpy(), want)


@BOTH
@pytest.mark.parametrize(
    ("name", "args"), [("LayerNorm", (1001,)), ("GroupNorm", (1, 1001))]
)
@np.errstate(over="ignore")
def test_a_row_whose_variance_overflows_becomes_0_as_in_torch(name, args, dtype):
    rng = np.random.default_rng(0)
    x, upstream = rng.normal(size=(2, 3, 1001)).astype(dtype)
    x[1, 4] = 10 * np.sqrt(np.finfo(dtype).max)
    ours, theirs = getattr(nn, name)(*args).to(x), getattr(torch_nn, name)(*args)
    t = torch.from_numpy(x).requires_grad_()
    y, want = ours(x), theirs.to(t)(t)
    want.backward(torch.from_numpy(upstream))
    pairs = [(y, want.detach()), (ours.backward(upstream), t.grad)]
    pairs += [
        (ours.weight.grad, theirs.weight.grad),
        (ours.bias.grad, theirs.bias.grad),
    ]
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    for got, wanted in pairs:
        np.testing.assert_allclose(got, wanted.numpy(), tolerance, tolerance)
    assert not y[1].any()


@BOTH
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@np.errstate(all="ignore")
def test_centred_rmsprop_stands_still_where_its_square_overflows(momentum, dtype):
    huge = np.finfo(dtype).max ** dtype(0.97)  # 1e300 in float64
    gradient = np.array([huge, 1.0, -huge, INF], dtype)
    ours = nn.Parameter(np.ones(4, dtype))
    theirs = torch_nn.Parameter(torch.ones(4, dtype=torch.from_numpy(gradient).dtype))
    kwargs = {"centered": True, "momentum": momentum}
    steps = handmade.optim.RMSprop([ours], **kwargs)
    wanted = torch.optim.RMSprop([theirs], **kwargs)
    for _ in range(3):
        ours.grad, theirs.grad = gradient, torch.from_numpy(gradient)
        steps.step(), wanted.step()
        np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-6)
    assert ours.data[0] == ours.data[2] == 1


@pytest.mark.parametrize("name", ["Adam", "NAdam"])
def test_without_weight_decay_an_infinite_rate_shrinks_nothing(name):
    kwargs = {"lr": INF, "decoupled_weight_decay": True}
    ours, theirs = nn.Parameter(np.ones(2)), torch_nn.Parameter(torch.ones(2).double())
    steps = getattr(handmade.optim, name)([ours], **kwargs)
    wanted = getattr(torch_ref.optim, name)([theirs], **kwargs)
    ours.grad, theirs.grad = np.array([1.0, -2.0]), torch.tensor([1.0, -2.0]).double()
    steps.step(), wanted.step()
    np.testing.assert_array_equal(ours.data, [-INF, INF])
    np.testing.assert_array_equal(ours.data, theirs.detach().numpy())


@BOTH
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("NLLLoss", {}),
        ("CrossEntropyLoss", {}),
        ("CrossEntropyLoss", {"label_smoothing": 1.0, "ignore_index": 1}),
        ("MultiMarginLoss", {}),
        ("MultiMarginLoss", {"p": 2, "margin": -0.5}),
    ],
)
def test_an_infinite_weight_counts_where_its_class_is_right(
    name, kwargs, reduction, dtype
):
    """`ignore_index` 1 here leaves nobody: 0 losses, whose mean is 0/0."""
    x = np.array([[-1.0, -2.0, -0.5], [-3.0, -1.0, -2.0]], dtype)
    target, weight = np.array([1, 1]), np.array([INF, 2.0, INF], dtype)
    kwargs = {**kwargs, "reduction": reduction}
    ours = getattr(nn, name)(weight=weight, **kwargs)
    theirs = getattr(torch_nn, name)(weight=torch.from_numpy(weight), **kwargs)
    t = torch.from_numpy(x).requires_grad_()
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 is part of the answer
        got, want = ours(x, target), theirs(t, torch.from_numpy(target))
        grad = ours.backward(np.ones_like(got))
    want.backward(torch.ones_like(want))
    np.testing.assert_allclose(got, want.detach().numpy(), rtol=1e-6)
    if np.isfinite(got).all():
        want = t.grad.nan_to_num()  # NaN where torch ignores an example; 0 here
        np.testing.assert_allclose(grad, want.numpy(), rtol=1e-5, atol=1e-7)


@BOTH
@pytest.mark.parametrize("p", [1, 2])
def test_an_infinite_weight_of_a_class_that_wins_costs_nothing(p, dtype):
    x, target = np.array([[9.0, 0.0], [0.0, 0.5]], dtype), np.array([0, 1])
    weight = np.array([INF, 1.0], dtype)
    ours = nn.MultiMarginLoss(p, weight=weight)
    t = torch.from_numpy(x).requires_grad_()
    wanted = torch_nn.MultiMarginLoss(p, weight=torch.from_numpy(weight))(
        t, torch.from_numpy(target)
    )
    wanted.backward()
    assert ours(x, target) == wanted.item() == 0.5**p / 4
    np.testing.assert_array_equal(ours.backward(), t.grad.numpy())
