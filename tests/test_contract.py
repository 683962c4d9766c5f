"""Modules, parameters and containers keep the forward/backward contract."""

import copy

import numpy as np
import pytest
import torch
from torch import nn as torch_nn

from handmade import manual_seed, nn


def mlp(lib):
    return lib.Sequential(lib.Linear(3, 4), lib.Tanh(), lib.Linear(4, 2))


def test_backward_before_forward_says_so():
    with pytest.raises(RuntimeError, match=r"ReLU\.backward was called before forward"):
        nn.ReLU().backward(np.ones(3))


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Linear has no attribute 'wieght'"):
        nn.Linear(2, 1).wieght  # noqa: B018


def test_a_module_can_be_copied():
    layer = nn.Linear(2, 1)
    twin = copy.deepcopy(layer)
    twin.weight.data += 1
    assert not np.array_equal(layer.weight.data, twin.weight.data)


def test_state_dict_has_torchs_names_order_and_shapes():
    ours, theirs = mlp(nn).state_dict(), mlp(torch_nn).state_dict()
    assert list(ours) == list(theirs)
    assert [a.shape for a in ours.values()] == [tuple(a.shape) for a in theirs.values()]


def test_loading_a_state_copies_it():
    source, target = mlp(nn), mlp(nn)
    target.load_state_dict(source.state_dict())
    source[0].weight.data[...] = 7
    assert not np.any(target[0].weight.data == 7)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda s: s.pop("0.bias"), KeyError, r"missing \['0.bias'\]"),
        (lambda s: s.update(extra=np.ones(1)), KeyError, r"unexpected \['extra'\]"),
        (
            lambda s: s.update({"2.bias": np.ones(3)}),
            ValueError,
            r"2\.bias must have shape \(2,\), got \(3,\)",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_refused_whole(change, error, words):
    model = mlp(nn)
    before = {name: a.copy() for name, a in model.state_dict().items()}
    state = {name: a + 1 for name, a in before.items()}
    change(state)
    with pytest.raises(error, match=words):
        model.load_state_dict(state)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_zero_grad_forgets():
    model = mlp(nn)
    x = np.ones((2, 3), np.float32)
    model.backward(model(x))
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_shared_parameter_is_counted_once_and_gathers_both_gradients():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)).to(np.zeros(1))
    model[1].weight = model[0].weight
    theirs = torch_nn.Sequential(torch_nn.Linear(3, 3), torch_nn.Linear(3, 3)).double()
    theirs[1].weight = theirs[0].weight
    theirs.load_state_dict(
        {k: torch.from_numpy(v.copy()) for k, v in model.state_dict().items()}
    )
    x = np.random.default_rng(0).normal(size=(4, 3))
    model.backward(model(x) ** 2)
    output = theirs(torch.from_numpy(x))
    output.backward(output.detach() ** 2)
    assert len(list(model.parameters())) == len(list(theirs.parameters())) == 3
    np.testing.assert_allclose(
        model[0].weight.grad, theirs[0].weight.grad.numpy(), rtol=1e-13
    )


def test_one_module_at_two_places_is_refused():
    shared = nn.ReLU()
    with pytest.raises(ValueError, match="stands at two places"):
        nn.Sequential(nn.Linear(2, 2), shared, nn.Sequential(nn.Linear(2, 2), shared))


def test_sequential_refuses_what_is_no_module():
    with pytest.raises(TypeError, match="module 1 must be a handmade Module, got ReLU"):
        nn.Sequential(nn.Linear(2, 2), torch_nn.ReLU())


def test_sequential_is_a_sequence():
    model = mlp(nn)
    assert len(model) == 3
    assert [*model][1] is model[1]
    assert model[-1] is model[2]


def test_train_and_eval_reach_every_module():
    model = nn.Sequential(nn.Sequential(nn.ReLU()))
    model.eval()
    assert [m.training for m in model.modules()] == [False] * 3
    model.train()
    assert [m.training for m in model.modules()] == [True] * 3


def test_a_new_layer_draws_from_torchs_initial_law():
    manual_seed(0)
    weight = nn.Linear(100, 2000).weight.data
    assert weight.dtype == np.float32
    assert -0.1 <= weight.min() < -0.0999
    assert 0.0999 < weight.max() <= 0.1
    assert abs(weight.std() - 0.1 / np.sqrt(3)) < 1e-4


def test_a_seed_repeats_the_draw_and_another_does_not():
    manual_seed(1)
    first = nn.Linear(3, 3).weight.data
    manual_seed(1)
    again = nn.Linear(3, 3).weight.data
    manual_seed(2)
    other = nn.Linear(3, 3).weight.data
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_moving_a_model_changes_library_and_dtype():
    model = mlp(nn).to(torch.zeros(1, dtype=torch.float64))
    assert all(isinstance(p.data, torch.Tensor) for p in model.parameters())
    assert all(p.data.dtype == torch.float64 for p in model.parameters())
    back = model.to(np.zeros(1))
    assert all(type(p.data) is np.ndarray for p in back.parameters())


def test_relu_has_slope_zero_at_the_kink():
    relu = nn.ReLU()
    relu(np.zeros(1))
    assert relu.backward(np.ones(1)) == 0


def test_step_fires_only_above_zero():
    x = np.array([-1.0, -0.0, 0.0, 5e-324, 1.0])
    np.testing.assert_array_equal(nn.Step()(x), [0, 0, 0, 1, 1])


def test_nan_is_passed_on_not_hidden():
    x = np.array([np.nan])
    for name in ("ReLU", "LeakyReLU", "Sigmoid", "Tanh"):
        theirs = getattr(torch_nn, name)()(torch.from_numpy(x)).numpy()
        np.testing.assert_array_equal(getattr(nn, name)()(x), theirs)
