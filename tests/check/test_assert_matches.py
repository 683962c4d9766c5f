"""`assert_matches` inside a test of one's own."""

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


def test_assert_matches_names_the_convention():
    with pytest.raises(AssertionError, match="mistake: gradient of input 0: factor 2"):
        assert_matches(WrongCube(), lambda t: t**3, X)


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
    def __init__(self, gradients):
        self.gradients = gradients

    def __call__(self, x):
        return 1 * x

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


GUIDE = (Path(__file__).parents[2] / "docs" / "checking.md").read_text(encoding="utf-8")


def test_the_guides_test_passes_and_fails_on_a_wrong_slope():
    source = GUIDE.split("```")[-2].removeprefix("python\n")
    for code in (source, source.replace("1 - self.y**2", "1 - self.y")):
        place = {}
        exec(code, place)
        if code is source:
            place["test_my_tanh_is_torchs"]()
        else:
            with pytest.raises(AssertionError, match="gradient of input 0"):
                place["test_my_tanh_is_torchs"]()
