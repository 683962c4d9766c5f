"""`assert_matches` inside a test of one's own."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import handmade
from compare import assert_matches

X = np.random.default_rng(0).normal(size=(4, 3))


class Cube:
    def __call__(self, x):
        self.x = x
        return x * x * x

    def backward(self, grad_output):
        return 3 * self.x * self.x * grad_output


class WrongCube(Cube):
    def backward(self, grad_output):
        return 2 * super().backward(grad_output)


class TorchCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        return 3 * ctx.saved_tensors[0] ** 2 * grad_output


@pytest.mark.parametrize("x", [X, X.astype(np.float32), torch.from_numpy(X)])
def test_assert_matches_accepts_what_is_right(x):
    for theirs in (lambda t: t**3, TorchCube.apply):
        assert assert_matches(Cube(), theirs, x).agrees
    assert assert_matches(handmade.nn.Tanh(), torch.nn.Tanh(), x).agrees


def test_assert_matches_names_a_factor():
    with pytest.raises(AssertionError, match="mistake: gradient of input 0: factor 2"):
        assert_matches(WrongCube(), lambda t: t**3, X)
    with pytest.raises(AssertionError, match="mistake: output: factor 2"):
        assert_matches(Backward(lambda g: 2 * g, 2), lambda t: 1 * t, X)


def test_assert_matches_takes_losses_and_functions():
    target = np.ones_like(X)
    assert assert_matches(
        handmade.nn.MSELoss(), torch.nn.functional.mse_loss, X, target
    ).agrees
    product = assert_matches(
        lambda a, b: a * b,
        lambda a, b: a * b,
        X,
        target,
        backward=lambda g: (g * target, g * X),
    )
    assert product.kind == "equal"


def test_assert_matches_wants_a_backward():
    with pytest.raises(TypeError, match="has no backward"):
        assert_matches(lambda x: x, lambda t: t, X)


class Doubles(Cube):
    def __call__(self, x):
        x *= 2
        return super().__call__(x)


class Backward:
    def __init__(self, gradients, factor=1):
        self.gradients, self.factor = gradients, factor

    def __call__(self, x):
        return self.factor * x

    def backward(self, grad_output):
        return self.gradients(grad_output)


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        (Doubles(), "input mutated: input 0"),
        (Backward(lambda g: ()), "backward returned 0 gradients"),
        (Backward(lambda g: [g, g]), "backward returned 2 gradients"),
    ],
)
def test_assert_matches_sees_what_is_beside_the_numbers(ours, words):
    theirs = (lambda t: (2 * t) ** 3) if isinstance(ours, Cube) else (lambda t: 1 * t)
    with pytest.raises(AssertionError, match=words):
        assert_matches(ours, theirs, X.copy())


def test_assert_matches_takes_any_layout_and_integer_targets():
    assert assert_matches(Cube(), lambda t: t**3, X[::-1]).agrees
    target = np.array([0, 2, 1, 1], dtype=np.int32)
    loss, theirs = handmade.nn.CrossEntropyLoss(), torch.nn.functional.cross_entropy
    assert assert_matches(loss, theirs, X, target).agrees


def test_assert_matches_names_another_shape():
    with pytest.raises(AssertionError, match=r"shape \(4, 3, 1\) where \(4, 3\)"):
        assert_matches(
            lambda x: x[..., None], lambda t: 1 * t, X, backward=lambda g: g[..., 0]
        )


class RMSNorm:
    eps, factor = 1e-6, 1

    def __init__(self, weight):
        self.weight = weight

    def forward(self, x):
        self.r = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + self.eps)
        self.hat = x * self.r
        return self.weight * self.hat

    def backward(self, grad_output):
        self.weight_grad = self.factor * (grad_output * self.hat).sum(0)
        g = grad_output * self.weight
        return self.r * (g - self.hat * (g * self.hat).mean(-1, keepdims=True))


class Dense:
    def __init__(self, n_in, n_out):
        self.koeff, self.offset = np.ones((n_in, n_out)), np.zeros((1, n_out))

    def forward(self, x):
        self.x = x
        return x @ self.koeff + self.offset

    def backward(self, g):
        self.dkoeff, self.doffset = self.x.T @ g, g.sum(axis=0, keepdims=True)
        return g @ self.koeff.T


class DenseThatReturnsAll(Dense):
    def backward(self, g):
        return super().backward(g), self.dkoeff, self.doffset


def test_parameters_gradients_are_compared_with_torchs_at_the_same_values():
    ours, theirs = RMSNorm(np.array([1.0, -2.0, 0.5])), torch.nn.RMSNorm(3, eps=1e-6)
    assert assert_matches(ours, theirs, X).agrees
    assert theirs.weight.tolist() == [1, 1, 1]  # a copy was given ours
    ours.factor = 2
    with pytest.raises(AssertionError, match="mistake: gradient of weight: factor 2"):
        assert_matches(ours, theirs, X)


@pytest.mark.parametrize("make", [Dense, DenseThatReturnsAll])
def test_parameters_are_found_by_their_shapes_and_layouts(make):
    assert assert_matches(make(3, 2), torch.nn.Linear(3, 2), X).agrees


def test_a_parameter_without_a_gradient_is_refused():
    ours = Dense(3, 2)
    ours.backward = lambda g: g @ ours.koeff.T
    with pytest.raises(AssertionError, match="koeff was not found"):
        assert_matches(ours, torch.nn.Linear(3, 2), X)


def test_inner_layers_are_compared_by_their_names():
    def net(nn):
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4))

    x = X.astype(np.float32)
    for _ in range(2):  # gradients add up, and are set to 0 before
        assert assert_matches(net(handmade.nn), net(torch.nn), x).agrees


class Cell:
    """An LSTM cell, torch's parameters; `dc_factor` 2 is `dc += dc`."""

    dc_factor = 1

    def __init__(self, n_in, n):
        rng = np.random.default_rng(1)
        self.weight_ih = rng.normal(size=(4 * n, n_in))
        self.weight_hh = rng.normal(size=(4 * n, n))
        self.bias_ih, self.bias_hh = rng.normal(size=(2, 4 * n))

    def forward(self, x, h, c):
        z = x @ self.weight_ih.T + self.bias_ih + h @ self.weight_hh.T + self.bias_hh
        i, f, g, o = np.split(z, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-a)) for a in (i, f, o))
        g, next_c = np.tanh(g), f * c + i * np.tanh(g)
        self.kept = x, h, c, i, f, g, o, np.tanh(next_c)
        return o * np.tanh(next_c), next_c

    def backward(self, dh, dc):
        x, h, c, i, f, g, o, t = self.kept
        dc = self.dc_factor * dc + dh * o * (1 - t**2)
        slopes = dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2)
        dz = np.concatenate([*slopes, dh * t * o * (1 - o)], axis=1)
        self.dweight_ih, self.dweight_hh = dz.T @ x, dz.T @ h
        self.dbias_ih = self.dbias_hh = dz.sum(axis=0)
        return dz @ self.weight_ih, (dz @ self.weight_hh, dc * f)


class CellOfTuples(Cell):
    def backward(self, upstream):
        return super().backward(*upstream)


class TorchsCell(torch.nn.LSTMCell):
    def forward(self, x, h, c):
        return super().forward(x, (h, c))


@pytest.mark.parametrize("make", [Cell, CellOfTuples])
def test_a_cell_of_several_inputs_and_outputs_is_compared_in_all_of_them(make):
    h, c = np.random.default_rng(2).normal(size=(2, 4, 5))
    ours = make(3, 5)
    assert assert_matches(ours, TorchsCell(3, 5), X, h, c).agrees
    ours.dc_factor = 2
    with pytest.raises(AssertionError, match="wrong: gradient of"):
        assert_matches(ours, TorchsCell(3, 5), X, h, c)


def silu(wrong=False):
    class SiLU(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x.sigmoid()

        @staticmethod
        def backward(ctx, grad_output):
            (x,) = ctx.saved_tensors
            s = x.sigmoid()
            return grad_output * s * (1 if wrong else 1 + x * (1 - s))

    return SiLU


class Module(torch.nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.full((3,), 0.3, dtype=torch.float64))
        self.activation = activation

    def forward(self, x):
        return self.scale * self.activation(x)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_code_for_autograd_is_differentiated_by_it(dtype):
    x, theirs = torch.from_numpy(X).to(dtype), torch.nn.functional.silu
    for right in (silu(), silu().apply):
        assert assert_matches(right, theirs, x).agrees
    with pytest.raises(AssertionError, match="gradient of input 0"):
        assert_matches(silu(wrong=True).apply, theirs, x)


def test_a_torch_module_may_be_ours():
    theirs = Module(torch.nn.functional.silu)
    assert assert_matches(Module(silu().apply), theirs, X).agrees
    with pytest.raises(AssertionError, match="gradient of input 0"):
        assert_matches(Module(silu(wrong=True).apply), theirs, X)


def test_jax_code_is_compared():
    jax = pytest.importorskip("jax")
    for factor in (2, 3):

        @jax.custom_vjp
        def square(x):
            return x * x

        square.defvjp(lambda x: (x * x, x), lambda x, g, k=factor: (k * x * g,))
        x = jax.numpy.asarray(X, jax.numpy.bfloat16)
        if factor == 2:
            assert assert_matches(square, lambda t: t * t, x).agrees
            single = jax.numpy.asarray(X, "float32")
            assert assert_matches(handmade.nn.Tanh(), torch.tanh, single).agrees
            continue
        with pytest.raises(AssertionError, match="gradient of input 0"):
            assert_matches(square, lambda t: t * t, x)


class BatchNorm:
    def forward(self, x):
        centred = x - x.mean(axis=0)
        self.r = 1 / np.sqrt((centred**2).mean(axis=0) + np.asarray(1e-5, x.dtype))
        self.hat = centred * self.r
        return self.hat

    def backward(self, g):
        return self.r * (g - g.mean(axis=0) - self.hat * (g * self.hat).mean(axis=0))


def norm(x):
    return torch.nn.functional.batch_norm(x, None, None, training=True)


class Softmax:
    def forward(self, x):
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = powers / powers.sum(axis=1, keepdims=True)
        return self.y

    def backward(self, g):
        return self.y * (g - (g * self.y).sum(axis=1, keepdims=True))


class DiagonalSoftmax(Softmax):
    def backward(self, g):
        return g * self.y * (1 - self.y)


class Summed:
    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        self.shape = x.shape
        return self.layer.forward(x).sum()

    def backward(self, g):
        return self.layer.backward(np.full(self.shape, g))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1, 2), (4, 3), (64, 10)])
@pytest.mark.parametrize("change", [np.asarray, np.round], ids=["", "whole numbers"])
def test_a_gradient_that_vanishes_is_compared_with_the_terms_that_cancel(
    dtype, shape, change
):
    x = change(3 * np.random.default_rng(0).normal(size=shape)).astype(dtype)
    assert assert_matches(Summed(Softmax()), lambda t: t.softmax(1).sum(), x).agrees
    with pytest.raises(AssertionError, match="gradient of input 0"):
        assert_matches(Summed(DiagonalSoftmax()), lambda t: t.softmax(1).sum(), x)
    if len(x) > 1:
        assert assert_matches(Summed(BatchNorm()), lambda t: norm(t).sum(), x).agrees


def test_numbers_far_from_zero_are_compared_within_what_their_rounding_explains():
    x = 1000 + np.random.default_rng(1).normal(size=(8, 32)).astype(np.float32)
    assert assert_matches(BatchNorm(), norm, x).agrees


def test_a_kink_is_no_rounding():
    class ReLU(Backward):
        def __call__(self, x):
            self.gradients = lambda g: g * (x >= 0)
            return np.maximum(x, 0)

    with pytest.raises(AssertionError, match="gradient of input 0"):
        assert_matches(ReLU(None), torch.relu, np.round(X))


def test_a_type_error_of_the_backward_itself_is_raised():
    with pytest.raises(TypeError, match="NoneType"):
        assert_matches(Backward(lambda g: None + g), lambda t: 1 * t, X)


GUIDE = (Path(__file__).parents[2] / "docs" / "checking.md").read_text(encoding="utf-8")


def test_the_guides_test_passes_and_fails_on_a_wrong_slope():
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    source = next(b for b in blocks if "def test_my_tanh_is_torchs" in b)
    for code in (source, source.replace("1 - self.y**2", "1 - self.y")):
        place = {}
        exec(code, place)
        if code is source:
            place["test_my_tanh_is_torchs"]()
        else:
            with pytest.raises(AssertionError, match="gradient of input 0"):
                place["test_my_tanh_is_torchs"]()
