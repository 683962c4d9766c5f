"""What a training step may write into, and which gradients it may skip."""

import array_api_strict
import numpy as np
import pytest
import torch

from handmade import nn, optim, training

LIBRARIES = {
    "numpy": np.asarray,
    "torch": torch.asarray,
    "strict": array_api_strict.asarray,
}


def given(library, seed, *shape):
    numbers = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return LIBRARIES[library](numbers)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_step_writes_into_no_array_that_the_caller_has_given(library):
    mine = given(library, 0, 3, 2)
    before = np.asarray(mine).copy()
    weight = nn.Parameter(mine)
    optimizer = optim.SGD([weight], lr=0.5)
    for _ in range(2):
        weight.grad = given(library, 1, 3, 2)
        optimizer.step()
    np.testing.assert_array_equal(np.asarray(mine), before)
    moved = before - 0.5 * np.asarray(weight.grad) - 0.5 * np.asarray(weight.grad)
    np.testing.assert_allclose(np.asarray(weight.data), moved, rtol=1e-6)


def test_what_is_put_into_a_parameter_later_is_not_written_into_either():
    weight = nn.Parameter(given("numpy", 0, 3))
    optimizer = optim.SGD([weight], lr=0.5)
    for seed in range(3):
        mine = given("numpy", seed, 3)
        before = mine.copy()
        weight.data, weight.grad = mine, np.ones(3, np.float32)
        optimizer.step()
        np.testing.assert_array_equal(mine, before)
        assert not np.array_equal(weight.data, before)


def net():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, bias=True), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    )


@pytest.mark.parametrize("library", LIBRARIES)
def test_without_the_gradient_by_the_input_the_others_are_the_same(library):
    model, x = net().to(given(library, 0, 1)), given(library, 1, 5, 1, 4, 4)
    found = []
    for needed in (True, False):
        model.zero_grad()
        model(x)
        model.needs_input_grad = needed
        assert (model.backward(given(library, 2, 5, 3)) is not None) is needed
        found.append([np.asarray(p.grad) for p in model.parameters()])
    for got, want in zip(*found, strict=True):
        np.testing.assert_array_equal(got, want)


def test_the_first_layer_of_the_first_layer_is_the_first():
    inner = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    model = nn.Sequential(inner, nn.Linear(2, 1))
    model.needs_input_grad = False
    flags = [inner[0].needs_input_grad, model[1].needs_input_grad]
    assert flags == [False, True]
    assert not model.needs_input_grad
    assert nn.Sequential().needs_input_grad


def test_a_residual_needs_the_gradient_that_goes_beside_its_layers():
    block = nn.Residual(nn.Linear(2, 2))
    block.needs_input_grad = False
    block(np.ones((1, 2), np.float32))
    assert block.backward(np.ones((1, 2), np.float32)).shape == (1, 2)


def test_a_step_that_fails_leaves_the_model_as_it_was():
    class Broken(nn.Identity):
        def backward(self, grad_output):
            raise ArithmeticError

    model = nn.Sequential(nn.Linear(2, 1), Broken())
    learner = training.GradientLearner(
        model, nn.MSELoss(), lambda p: optim.SGD(p, lr=0.1)
    )
    with pytest.raises(ArithmeticError):
        learner.step(np.ones((1, 2), np.float32), np.ones((1, 1), np.float32))
    assert model.needs_input_grad


class Doubled(nn.Linear):
    def backward(self, grad_output):
        return super().backward(2 * grad_output)


def test_training_runs_the_backward_of_a_subclass():
    def gradients(layer):
        learner = training.GradientLearner(
            layer, nn.MSELoss(), lambda p: optim.SGD(p, lr=0.1)
        )
        layer.load_state_dict({"weight": np.ones((1, 2)), "bias": np.ones(1)})
        learner.step(np.ones((4, 2)), np.zeros((4, 1)))
        return learner.gradients()

    got, want = (
        gradients(Doubled(2, 1).to(np.ones(1))),
        gradients(nn.Linear(2, 1).to(np.ones(1))),
    )
    for name in want:
        np.testing.assert_array_equal(got[name], 2 * want[name])


def test_training_runs_the_backward_that_comes_first_be_it_a_mixins():
    class Halved:
        def backward(self, grad_output):
            return super().backward(0.5 * grad_output)

    class HalvedLinear(Halved, nn.Linear):
        pass

    class Lower(HalvedLinear):
        pass

    x, grad = np.ones((2, 3), np.float32), np.ones((2, 1), np.float32)
    for kind, share in ((nn.Linear, 1), (HalvedLinear, 0.5), (Lower, 0.5)):
        layer = kind(3, 1)
        layer(x)
        layer.needs_input_grad = False
        assert layer.backward(grad) is None
        np.testing.assert_array_equal(layer.weight.grad, share * 2 * np.ones((1, 3)))


def test_training_runs_the_backward_that_was_set_on_a_layer_object():
    def gradients(spoiled):
        model = nn.Sequential(nn.Linear(2, 1), nn.Identity())
        model.load_state_dict({"0.weight": np.ones((1, 2)), "0.bias": np.ones(1)})
        layer = spoiled(model)
        if layer is not None:
            plain = layer.backward
            layer.backward = lambda grad_output: plain(3 * grad_output)
        learner = training.GradientLearner(
            model.to(np.ones(1)), nn.MSELoss(), lambda p: optim.SGD(p, lr=0.1)
        )
        learner.step(np.ones((4, 2)), np.zeros((4, 1)))
        return learner.gradients()

    want = gradients(lambda model: None)
    for got in gradients(lambda model: model[0]), gradients(lambda model: model):
        for name in want:
            np.testing.assert_array_equal(got[name], 3 * want[name])


def test_a_sequential_follows_what_is_put_into_it_and_taken_from_it():
    model, x = nn.Sequential(nn.Identity(), nn.ReLU()), np.array([-1.0, 2.0])
    np.testing.assert_array_equal(model(x), [0, 2])
    setattr(model, "1", nn.Tanh())
    np.testing.assert_array_equal(model(x), np.tanh(x))
    model.more = nn.ReLU()
    np.testing.assert_array_equal(model(x), np.tanh([0, 2]))
    delattr(model, "1")
    np.testing.assert_array_equal(model(x), [0, 2])
    assert [type(layer).__name__ for layer in model] == ["Identity", "ReLU"]
