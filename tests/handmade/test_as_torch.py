"""Where torch goes on, so does this: means over nothing, one example, overwritten y."""

import numpy as np
import pytest
import torch
from torch import nn as torch_nn

import handmade
import torch_ref
from compare.testing import LAYERS, LOSSES
from compare.testing.reference import built, drawn, torchs
from handmade import nn, optim, training

IGNORED = np.array([-100, -100])
ELEMENTWISE = [
    "L1Loss",
    "MSELoss",
    "SmoothL1Loss",
    "HuberLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "KLDivLoss",
    "HingeEmbeddingLoss",
]
BY_CLASS = ["NLLLoss", "CrossEntropyLoss"]


def both(name, x, target, **kwargs):
    """Value and gradient of a loss, by hand and torch's."""
    ours = getattr(nn, name)(**kwargs)
    kwargs = {
        k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v
        for k, v in kwargs.items()
    }
    t = torch.from_numpy(x).requires_grad_()
    want = getattr(torch_nn, name)(**kwargs)(t, torch.from_numpy(target))
    want.backward()
    with np.errstate(invalid="ignore", divide="ignore"):
        value, grad = ours(x, target), ours.backward()
    return (value, grad), (want.item(), t.grad.numpy())


@pytest.mark.parametrize("name", [*ELEMENTWISE, *BY_CLASS])
def test_the_mean_over_no_examples_is_nan_as_in_torch(name):
    target = np.ones((0, 2)) if name in ELEMENTWISE else np.zeros(0, np.int64)
    (value, grad), (want, want_grad) = both(name, np.ones((0, 2)), target)
    assert np.isnan(value)
    assert np.isnan(want)
    assert grad.shape == want_grad.shape


@pytest.mark.parametrize("kwargs", [{}, {"reduction": "sum"}, {"ignore_index": 1}])
@pytest.mark.parametrize("name", BY_CLASS)
def test_a_batch_that_is_wholly_ignored_has_torchs_value_and_gradient(name, kwargs):
    target = IGNORED if "ignore_index" not in kwargs else np.array([1, 1])
    x = np.random.default_rng(0).normal(size=(2, 3))
    got, want = both(name, x, target, **kwargs)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])
    assert not got[1].any()


@pytest.mark.parametrize("name", BY_CLASS)
@pytest.mark.parametrize("target", [[0, 0], [0, -100]])
def test_examples_of_weight_0_alone_have_torchs_value_and_gradient(target, name):
    x = np.random.default_rng(0).normal(size=(2, 3))
    got, want = both(name, x, np.array(target), weight=np.array([0.0, 1.0, 2.0]))
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])


def trained(package, give):
    """A layer after a batch without labels between two with some."""
    model = package.nn.Linear(2, 3)
    learner = package.training.GradientLearner(
        model,
        package.nn.CrossEntropyLoss(),
        lambda parameters: package.optim.SGD(parameters, lr=0.5),
    ).to(give(np.zeros(1)))
    model.load_state_dict(
        {"weight": give(np.eye(3)[:, :2].copy()), "bias": give(np.zeros(3))}
    )
    x = np.random.default_rng(0).normal(size=(2, 2))
    losses = [
        learner.step(give(x), give(target))
        for target in (np.array([0, 2]), IGNORED, np.array([1, -100]))
    ]
    return losses, learner.parameters()


@pytest.mark.filterwarnings("ignore:(invalid|divide):RuntimeWarning")
def test_a_training_goes_on_after_a_batch_without_labels():
    losses, parameters = trained(handmade, np.asarray)
    want_losses, wanted = trained(torch_ref, torch.from_numpy)
    np.testing.assert_allclose(losses, want_losses, rtol=1e-13)
    assert np.isnan(losses[1])
    for name, want in wanted.items():
        np.testing.assert_allclose(parameters[name], want.numpy(), rtol=1e-13)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *BY_CLASS])
def test_the_loss_of_one_example_needs_no_upstream_gradient(name):
    x, target = np.array(0.5), np.array(1.0)
    if name in BY_CLASS:
        x, target = np.array([0.5, 0.25]), np.array(1)
    got, want = both(name, x, target, reduction="none")
    np.testing.assert_allclose(got[0], want[0], rtol=1e-15)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-15)


@pytest.mark.parametrize("target", [-0.01, 1.01, np.nan])
def test_bce_refuses_targets_that_are_no_probabilities_as_torch_does(target):
    x, target = np.array([0.5]), np.array([target])
    with pytest.raises(RuntimeError, match="target should be between 0 and 1"):
        torch_nn.BCELoss()(torch.from_numpy(x), torch.from_numpy(target))
    with pytest.raises(ValueError, match=r"every element of target must lie in \[0, 1"):
        nn.BCELoss()(x, target)


@pytest.mark.parametrize("name", ["inplace", "min_value", "max_value"])
def test_what_torchs_hardtanh_has_and_ours_has_not_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"Hardtanh: {name} must be .*, got True"):
        nn.Hardtanh(**{name: True})


@pytest.mark.parametrize("case", [*LAYERS, *LOSSES], ids=lambda case: case.id)
def test_the_caller_may_overwrite_what_forward_returned(case):
    question, want = drawn(case), torchs(drawn(case))
    module = built(getattr(nn, case.name), question, np.asarray)
    handmade.manual_seed(question.seed)
    inputs = [x.copy() for x in question.inputs]
    output = module(*inputs)
    upstream = question.grad_output(output)
    if output.ndim:
        output[...] = 7
    grad = module.backward(*([] if upstream is None else [upstream]))
    if not question.of_index:
        scale = np.abs(want["input gradient"]).max(initial=0) or 1
        assert np.abs(grad - want["input gradient"]).max(initial=0) <= 1e-12 * scale
    for name, parameter in module.named_parameters():
        scale = np.abs(want[f"gradient {name}"]).max(initial=0) or 1
        difference = np.abs(parameter.grad - want[f"gradient {name}"])
        assert difference.max(initial=0) <= 1e-12 * scale


def test_after_a_step_a_model_gives_the_gradient_by_its_input_again():
    layer = nn.Linear(2, 1)
    learner = training.GradientLearner(
        layer, nn.MSELoss(), lambda parameters: optim.SGD(parameters, lr=0.1)
    )
    x = np.ones((3, 2), np.float32)
    learner.step(x, np.zeros((3, 1), np.float32))
    assert layer.needs_input_grad
    assert layer.backward(np.ones((3, 1), np.float32)).shape == x.shape
