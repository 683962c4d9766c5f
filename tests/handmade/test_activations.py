"""Activations beyond test_laws.py, and the error function that GELU uses."""

import math

import array_api_strict
import numpy as np
import pytest
import torch
from torch import nn as torch_nn

from handmade import nn
from handmade._erf import erfc

NAMES = ("PReLU", "ELU", "Hardtanh", "ReLU6", "Softplus", "SiLU", "GELU")
BOTH = pytest.mark.parametrize("dtype", ["float64", "float32"])


def ulps(x):
    """How far erfc is from the standard library's, in units of its last place."""
    want = np.array([math.erfc(v) for v in x.tolist()])
    spacing = np.spacing(np.abs(want.astype(x.dtype)))
    return np.max(np.abs(erfc(x).astype(float) - want) / spacing)


@BOTH
@pytest.mark.parametrize(
    ("low", "high", "allowed"),
    [(-30, -0.46875, 2), (-0.46875, 0.46875, 2), (0.46875, 4, 12), (4, 30, 12)],
)
def test_erfc_is_right_to_a_few_units_in_the_last_place(low, high, allowed, dtype):
    assert ulps(np.linspace(low, high, 20_001).astype(dtype)) <= allowed


@BOTH
def test_erfc_is_right_where_its_approximations_meet(dtype):
    ends = np.array([-4.0, -0.46875, 0.46875, 4.0, 0.0], dtype)
    around = [np.nextafter(ends, np.array(side, dtype)) for side in (-9, 9)]
    assert ulps(np.concatenate([ends, *around])) <= 12


@BOTH
def test_erfc_ends_in_0_and_2_and_keeps_nan(dtype):
    x = np.array([-math.inf, -1e30, 0.0, 30.0, 1e30, math.inf, math.nan], dtype)
    np.testing.assert_array_equal(erfc(x), [2, 2, 1, 0, 0, 0, math.nan])
    assert erfc(x).dtype == dtype


@pytest.mark.parametrize("give", [torch.from_numpy, array_api_strict.asarray])
def test_erfc_is_the_same_in_every_library(give):
    x = np.linspace(-6, 6, 1001)
    np.testing.assert_allclose(np.asarray(erfc(give(x))), erfc(x), rtol=4e-15)


@BOTH
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_0_far_to_the_left_and_x_far_to_the_right(approximate, dtype):
    far = np.finfo(dtype).max / 2
    layer = nn.GELU(approximate)
    x = np.array([-far, -1e4, 1e4, far], dtype)
    np.testing.assert_array_equal(layer(x), [0, 0, x[2], x[3]])
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)), [0, 0, 1, 1])


def test_the_far_tail_of_gelu_is_not_rounded_to_0():
    x = -12.0
    want = x * math.erfc(-x / math.sqrt(2)) / 2
    assert want < 0
    assert nn.GELU()(np.array([x]))[0] == pytest.approx(want, rel=1e-12)
    assert torch_nn.GELU()(torch.tensor([x], dtype=torch.float64)).item() == 0


@pytest.mark.parametrize("name", NAMES)
@np.errstate(invalid="ignore")  # ∞ · 0 is part of the answer
def test_the_value_at_nan_and_at_infinity_is_torchs(name):
    x = np.array([math.nan, -math.inf, math.inf])
    layer = getattr(nn, name)().to(np.zeros(1))
    want = getattr(torch_nn, name)().double()(torch.from_numpy(x))
    np.testing.assert_array_equal(layer(x), want.detach().numpy())


@pytest.mark.parametrize("name", ["Softplus", "SiLU", "GELU"])
@np.errstate(invalid="ignore")  # ∞ · 0 is part of the answer
def test_the_slope_at_nan_and_at_infinity_is_torchs(name):
    x = torch.tensor([math.nan, -math.inf, math.inf], dtype=torch.float64)
    x.requires_grad_()
    getattr(torch_nn, name)()(x).sum().backward()
    layer = getattr(nn, name)()
    layer(x.detach().numpy())
    np.testing.assert_array_equal(layer.backward(np.ones(3)), x.grad.numpy())


@pytest.mark.parametrize("name", ["ELU", "Hardtanh", "ReLU6"])
def test_the_slope_at_nan_is_1(name):
    layer = getattr(nn, name)()
    layer(np.array([math.nan]))
    assert layer.backward(np.array([3.0])) == 3.0


def test_softplus_is_x_itself_from_above_20_on():
    x = np.array([19.9, 20.1])
    np.testing.assert_array_equal(nn.Softplus()(x) == x, [False, True])


def test_softplus_does_not_overflow_where_torch_does():
    layer, x = nn.Softplus(threshold=1e4), np.array([800.0])
    assert layer(x) == 800
    assert layer.backward(np.ones(1)) == 1
    assert torch_nn.Softplus(threshold=1e4)(torch.from_numpy(x)).isinf()


def test_prelu_starts_at_init_as_torchs_does():
    for args in ((), (3,), (3, 0.1)):
        ours, theirs = nn.PReLU(*args).weight.data, torch_nn.PReLU(*args).weight
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, theirs.detach().numpy())


@pytest.mark.parametrize("shape", [(), (3,), (0,), (1,), (2, 1), (2, 4), (2, 4, 3)])
@pytest.mark.parametrize("count", [1, 3])
def test_prelu_takes_and_refuses_the_shapes_that_torchs_does(count, shape):
    x = np.full(shape, -1, np.float32)
    layer, theirs = nn.PReLU(count), torch_nn.PReLU(count)
    if count == 1:
        assert layer(x).shape == tuple(theirs(torch.from_numpy(x)).shape)
        assert layer.backward(x).shape == shape
        return
    with pytest.raises(RuntimeError, match=r"channel size|zero-dim"):
        theirs(torch.from_numpy(x))
    with pytest.raises(ValueError, match=r"num_parameters = 3 channels.*got x of"):
        layer(x)


def test_prelus_upstream_gradient_has_the_shape_of_x():
    layer = nn.PReLU()
    layer(np.ones((4, 1), np.float32))
    with pytest.raises(ValueError, match=r"grad_output must have shape \(4, 1\)"):
        layer.backward(np.ones(4, np.float32))
    assert layer.weight.grad is None


@pytest.mark.parametrize("name", NAMES[1:])
def test_an_upstream_gradient_of_another_shape_is_refused(name):
    layer = getattr(nn, name)()
    layer(np.ones((4, 1)))
    with pytest.raises(
        ValueError, match=rf"{name}: grad_output must have shape \(4, 1\)"
    ):
        layer.backward(np.ones(4))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128", "float16"])
def test_activations_want_float32_or_float64(name, dtype):
    with pytest.raises(TypeError, match=f"{name}: .* or float64, got {dtype}"):
        getattr(nn, name)()(np.ones(3, dtype))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.PReLU(0), "PReLU: num_parameters must be at least 1, got 0"),
        (lambda: nn.Hardtanh(1, 1), "above min_val, got min_val=1 and max_val=1"),
        (lambda: nn.Hardtanh(2, -2), "above min_val, got min_val=2 and max_val=-2"),
        (lambda: nn.Softplus(0), "beta must be finite and not 0, got 0"),
        (lambda: nn.Softplus(math.inf), "beta must be finite and not 0, got inf"),
        (lambda: nn.GELU("erf"), "must be 'none' or 'tanh', got 'erf'"),
    ],
)
def test_arguments_out_of_range_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("PReLU", "init"),
        ("ELU", "alpha"),
        ("Hardtanh", "min_val"),
        ("Hardtanh", "max_val"),
        ("Softplus", "beta"),
        ("Softplus", "threshold"),
    ],
)
def test_an_option_is_a_number_and_widens_no_float32(name, option):
    with pytest.raises(TypeError, match=f"{name}: {option} must be a real number"):
        getattr(nn, name)(**{option: "1"})
    layer = getattr(nn, name)(**{option: np.float64(0.5)})
    x = np.ones(3, np.float32)
    assert layer(x).dtype == layer.backward(x).dtype == np.float32


@pytest.mark.parametrize("name", ["ELU", "ReLU6", "SiLU"])
def test_nothing_works_in_place(name):
    with pytest.raises(TypeError, match=r"inplace|takes no arguments"):
        getattr(nn, name)(inplace=True)
