"""The one-layer perceptron, the x₀ = 1 convention and Rosenblatt's rule."""

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from handmade.perceptron import Perceptron, Rosenblatt, weighted_sum, with_ones

ROWS = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])


def both(name, *arrays):
    ours = getattr(handmade.perceptron, name)(*arrays)
    theirs = getattr(torch_ref.perceptron, name)(*map(torch.from_numpy, arrays))
    return ours, theirs.numpy()


@pytest.mark.parametrize("shape", [(2,), (4, 2), (3, 4, 2), (4, 0), (0, 2)])
def test_ones_stand_before_the_inputs_on_both_sides(shape):
    x = np.random.default_rng(0).normal(size=shape)
    ours, theirs = both("with_ones", x)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(ours[..., 0], 1)
    np.testing.assert_array_equal(ours[..., 1:], x)


@pytest.mark.parametrize("shape", [(3,), (5, 3)])
def test_the_weighted_sum_is_torchs_linear(shape):
    rng = np.random.default_rng(0)
    ours, theirs = both("weighted_sum", rng.normal(size=(4, 2)), rng.normal(size=shape))
    np.testing.assert_allclose(ours, theirs, rtol=1e-14)


def test_the_slides_matrix_product_is_a_list_of_dot_products():
    w, x = np.array([[4.0, 5, 6], [7, 8, 9]]), np.array([1.0, 2, 3])
    ours = handmade.nn.Linear(3, 2, bias=False).to(x)
    ours.load_state_dict({"weight": w})
    theirs = torch_ref.nn.Linear(3, 2, bias=False).double()
    theirs.load_state_dict({"weight": torch.from_numpy(w)})
    assert ours(x).tolist() == [4 + 10 + 18, 7 + 16 + 27]
    assert theirs(torch.from_numpy(x)).tolist() == ours(x).tolist()


def test_the_slides_wide_output():
    weights = np.array([[1.0, 2, 3], [2, 3, 4]])
    assert weighted_sum(np.array([1.0, 2.0]), weights).tolist() == [9, 13]


def test_the_slides_neuron_answers_one_and_a_half():
    assert weighted_sum(np.array([1.0, 1.0]), np.array([0.5, 0.5, 0.5])) == 1.5


def test_a_perceptron_is_a_layer_and_an_activation():
    model = Perceptron(2, 3).to(np.zeros(1))
    fires = with_ones(ROWS) @ np.vstack(
        [model.linear.bias.data, model.linear.weight.data.T]
    )
    np.testing.assert_array_equal(model(ROWS), fires > 0)


def test_a_perceptron_is_differentiated_as_autograd_does():
    model = Perceptron(2, 3, handmade.nn.Sigmoid()).to(np.zeros(1))
    theirs = torch_ref.perceptron.Perceptron(2, 3, torch.nn.Sigmoid()).double()
    theirs.load_state_dict(
        {k: torch.from_numpy(v.copy()) for k, v in model.state_dict().items()}
    )
    upstream = np.random.default_rng(0).normal(size=(4, 3))
    x = torch.from_numpy(ROWS).requires_grad_()
    theirs(x).backward(torch.from_numpy(upstream))
    model(ROWS)
    np.testing.assert_allclose(model.backward(upstream), x.grad.numpy(), rtol=1e-13)


@pytest.mark.parametrize(
    ("perceptron", "empty"),
    [
        (Perceptron, handmade.nn.Sequential()),
        (torch_ref.perceptron.Perceptron, torch.nn.Sequential()),
    ],
)
def test_an_activation_without_layers_is_one_all_the_same(perceptron, empty):
    assert perceptron(2, 1, empty).activation is empty


def zeroed(learner):
    for parameter in learner.linear.parameters():
        parameter.data = parameter.data * 0
    return learner


def test_the_rule_worked_by_hand():
    learner = zeroed(Rosenblatt(2, 1, lr=0.5).to(np.zeros(1)))
    for x, y in [([1, 1], 1), ([0, 0], 0), ([0, 1], 0)]:
        learner.step(np.array([x], float), np.array([[y]], float))
    # (1,1) was missed: + ½; (0,0) fires by the bias: − ½ there; (0,1) then fires too.
    np.testing.assert_array_equal(learner.linear.weight.data, [[0.5, 0.0]])
    np.testing.assert_array_equal(learner.linear.bias.data, [-0.5])


def test_a_float64_learning_rate_widens_no_float32():
    learner = Rosenblatt(2, 1, lr=np.float64(0.5))
    learner.step(ROWS.astype(np.float32), np.ones((4, 1), np.float32))
    assert all(a.dtype == np.float32 for a in learner.parameters().values())


def test_the_rule_leaves_right_answers_alone():
    learner = zeroed(Rosenblatt(2, 1).to(np.zeros(1)))
    assert learner.step(np.zeros((1, 2)), np.zeros((1, 1))) == 0
    assert not np.any(learner.linear.bias.data)


def test_the_loss_is_the_distance_of_the_wrong_ones():
    learner = Rosenblatt(2, 1).to(np.zeros(1))
    learner.load_state_dict({"weight": np.array([[1.0, 1.0]]), "bias": np.array([0.5])})
    target = np.array([[1.0], [1.0], [0.0], [0.0]])
    assert learner.step(ROWS, target) == (1.5 + 0.5) / 4


@pytest.mark.parametrize("batch", [1, 4])
def test_the_rule_is_sgd_on_the_perceptrons_own_loss(batch):
    rng = np.random.default_rng(batch)
    ours = Rosenblatt(2, 3, lr=0.1).to(np.zeros(1))
    theirs = torch_ref.perceptron.Rosenblatt(2, 3, lr=0.1).to(torch.zeros(1).double())
    theirs.load_state_dict(
        {k: torch.from_numpy(v.copy()) for k, v in ours.state_dict().items()}
    )
    moved = 0
    for _ in range(50):
        x = rng.normal(size=(batch, 2))
        y = rng.integers(0, 2, (batch, 3)).astype(float)
        loss = ours.step(x, y)
        assert loss == pytest.approx(theirs.step(*map(torch.from_numpy, (x, y))))
        for name, gradient in ours.gradients().items():
            np.testing.assert_allclose(
                gradient, theirs.gradients()[name].numpy(), atol=1e-12
            )
            moved += np.abs(gradient).sum()
    assert moved > 0
    for name, value in ours.parameters().items():
        np.testing.assert_allclose(
            value, theirs.parameters()[name].numpy(), rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ones_have_the_dtype_of_the_inputs(dtype):
    assert with_ones(np.zeros((2, 2), dtype)).dtype == dtype
    assert with_ones(torch.zeros(2, 2)).dtype == torch.float32


def test_one_row_of_weights_works_on_tensors_too():
    x, weights = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0, 3.0])
    assert weighted_sum(x, weights).item() == 9


def test_precisions_and_libraries_are_not_mixed():
    with pytest.raises(TypeError, match="x is float64, but weights is float32"):
        weighted_sum(np.ones(2), np.ones(3, np.float32))
    with pytest.raises(TypeError, match="arrays of one library"):
        weighted_sum(np.ones(2), torch.ones(3))
    learner = Rosenblatt(2, 1).to(np.zeros(1))
    with pytest.raises(TypeError, match="z is float64, but target is float32"):
        learner.step(np.ones((4, 2)), np.ones((4, 1), np.float32))
