"""Modules, parameters and containers keep the forward/backward contract."""

import copy

import array_api_strict
import numpy as np
import pytest
import torch
from torch import nn as torch_nn

import torch_ref
from compare.backend import to_numpy
from handmade import manual_seed, nn, optim

GIVE = {
    "numpy": np.asarray,
    "torch": torch.from_numpy,
    "strict": array_api_strict.asarray,
}


def mlp(lib):
    return lib.Sequential(lib.Linear(3, 4), lib.Tanh(), lib.Linear(4, 2))


def test_backward_before_forward_says_so():
    with pytest.raises(RuntimeError, match=r"ReLU\.backward was called before forward"):
        nn.ReLU().backward(np.ones(3))


def test_a_module_before_forward_has_nothing_saved():
    layer = nn.ReLU()
    assert not hasattr(layer, "saved")
    layer(np.ones(3))
    assert hasattr(layer, "saved")


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
    ("change", "words"),
    [
        (lambda s: s.pop("0.bias"), r"missing \['0.bias'\]"),
        (lambda s: s.update(extra=np.ones(1)), r"unexpected \['extra'\]"),
        (
            lambda s: s.update({"2.bias": np.ones(3)}),
            r"2\.bias must have shape \(2,\), got \(3,\)",
        ),
        (
            lambda s: s.update({"2.bias": np.ones(2, complex)}),
            r"2\.bias must hold floating-point numbers, .* got complex128",
        ),
        (
            lambda s: s.update({"2.bias": np.ones(2, int)}),
            r"2\.bias must hold floating-point numbers, .* got int64",
        ),
        (
            lambda s: s.update({"2.bias": [1.0, 2.0]}),
            r"2\.bias must be an array .*got list",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_refused_whole(change, words):
    model = mlp(nn)
    before = {name: a.copy() for name, a in model.state_dict().items()}
    state = {name: a + 1 for name, a in before.items()}
    change(state)
    with pytest.raises(RuntimeError, match=words):
        model.load_state_dict(state)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def arrays(library):
    """1, 2 as awkward arrays of a library: with a history, or strides below 0."""
    return {
        "torch": torch.nn.Parameter(torch.tensor([1.0, 2.0])),
        "numpy": np.array([2.0, 1.0])[::-1],
        "strict": array_api_strict.asarray([1.0, 2.0]),
    }[library]


@pytest.mark.parametrize("source", ["torch", "numpy", "strict"])
@pytest.mark.parametrize("target", ["torch", "numpy", "strict"])
def test_any_librarys_state_loads_as_a_copy_without_history(source, target):
    state = {"weight": arrays(source)}
    loss = nn.CrossEntropyLoss(weight=arrays("numpy") * 0).to(arrays(target))
    loss.load_state_dict(state)
    loaded = loss.weight
    assert isinstance(loaded, (torch.Tensor, type(arrays(target))))
    assert loaded.dtype == arrays(target).dtype
    assert not getattr(loaded, "requires_grad", False)
    np.testing.assert_array_equal(np.asarray(loaded), [1.0, 2.0])
    loaded[0] = 7
    assert [x.item() for x in to_numpy(state["weight"])] == [1, 2]


def test_a_torch_models_own_parameters_load():
    theirs = mlp(torch_nn)
    model = mlp(nn)
    model.load_state_dict(dict(theirs.named_parameters()))
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, theirs.state_dict()[name].numpy())


@pytest.mark.parametrize("dtype", ["int64", "complex128", "float16"])
def test_a_model_moves_to_float32_and_float64_only(dtype):
    model = mlp(nn)
    with pytest.raises(TypeError, match=f"other must hold floating.* got {dtype}"):
        model.to(np.zeros(1, dtype))
    assert all(p.data.dtype == np.float32 for p in model.parameters())


class Weighed(nn.Module):
    def __init__(self, lib, make):
        self.head = nn.Linear(2, 3)
        self.criterion = make(lib)


class WeighedTwin(torch_nn.Module):
    def __init__(self, lib, make):
        super().__init__()
        self.head = torch_nn.Linear(2, 3)
        self.criterion = make(lib)


@pytest.mark.parametrize(
    "make",
    [
        lambda lib, w: lib.CrossEntropyLoss(w),
        lambda lib, w: lib.NLLLoss(w),
        lambda lib, w: lib.MultiMarginLoss(weight=w),
        lambda lib, w: lib.BCELoss(w),
        lambda lib, w: lib.BCEWithLogitsLoss(w),
        lambda lib, w: lib.BCEWithLogitsLoss(pos_weight=w),
        lambda lib, w: lib.BCEWithLogitsLoss(w, pos_weight=2 * w),
        lambda lib, w: lib.CrossEntropyLoss(),
    ],
)
def test_class_weights_are_state_as_in_torch(make):
    weight = np.array([1.0, 2.0, 3.0])
    ours = Weighed(nn, lambda lib: make(lib, weight))
    theirs = WeighedTwin(torch_nn, lambda lib: make(lib, torch.from_numpy(weight)))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [*ours.criterion.state_dict()] == [*theirs.criterion.state_dict()]
    state = {name: array + 1 for name, array in theirs.state_dict().items()}
    ours.load_state_dict(state)
    for name, array in ours.state_dict().items():
        np.testing.assert_array_equal(array, state[name].numpy())
    np.testing.assert_array_equal(weight, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("inside", [False, True])
def test_moving_a_loss_moves_its_class_weights(inside):
    weight = np.array([1.0, 2.0, 3.0])
    loss = nn.CrossEntropyLoss(weight)
    owner = Weighed(nn, lambda _: loss) if inside else loss
    assert owner.to(torch.zeros(1)) is owner
    assert loss.weight.dtype == torch.float32
    assert loss.weight.tolist() == [1, 2, 3]
    input, target = torch.ones(2, 3), torch.tensor([0, 2])
    assert loss(input, target).dtype == torch.float32


def test_moving_a_model_forgets_its_gradients():
    model = mlp(nn)
    model.backward(model(np.ones((2, 3), np.float32)))
    model.to(np.zeros(1))
    assert all(p.grad is None for p in model.parameters())


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


@pytest.mark.parametrize("lib", [nn, torch_nn])
def test_a_module_set_on_a_sequential_is_a_layer_as_in_torch(lib):
    model = lib.Sequential(lib.ReLU())
    model.extra = lib.Flatten()
    assert len(model) == 2
    assert [*model][1] is model.extra


def test_train_and_eval_reach_every_module():
    model = nn.Sequential(nn.Sequential(nn.ReLU()))
    model.eval()
    assert [m.training for m in model.modules()] == [False] * 3
    model.train()
    assert [m.training for m in model.modules()] == [True] * 3


def test_a_new_layer_is_initialised_as_torchs():
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


def test_a_step_does_not_fire_at_nan_in_either_implementation():
    assert nn.Step()(np.array([np.nan])) == 0
    assert torch_ref.nn.Step()(torch.tensor([np.nan])) == 0


def test_the_slope_of_l1_at_nan_is_nan_where_torchs_is_0():
    loss = nn.L1Loss()
    loss(np.array([np.nan]), np.zeros(1))
    assert np.isnan(loss.backward())
    x = torch.tensor([np.nan], requires_grad=True)
    torch_nn.L1Loss()(x, torch.zeros(1)).backward()
    assert x.grad == 0


@pytest.mark.parametrize("give", GIVE)
@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("Softmax", {"dim": 0}),
        ("Softmax", {"dim": -1}),
        ("LogSoftmax", {"dim": 0}),
        ("LogSoftmax", {"dim": -1}),
        ("Flatten", {"start_dim": 0}),
        ("Flatten", {"start_dim": -1}),
    ],
)
def test_a_single_number_is_taken_as_torch_takes_it(name, kwargs, give):
    x = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    want = getattr(torch_nn, name)(**kwargs)(x)
    (2 * want).sum().backward()
    layer = getattr(nn, name)(**kwargs)
    got = layer(GIVE[give](np.array(3.0)))
    grad = layer.backward(GIVE[give](np.full(got.shape, 2.0)))
    np.testing.assert_array_equal(np.asarray(got), want.detach().numpy())
    np.testing.assert_array_equal(np.asarray(grad), x.grad.numpy())


WIDE = np.float64(0.1)


@pytest.mark.parametrize(
    ("make", "inputs"),
    [
        (lambda: nn.LeakyReLU(WIDE), [np.array([-1, 1])]),
        (
            lambda: nn.CrossEntropyLoss(label_smoothing=WIDE),
            [np.ones((2, 3)), np.array([0, 1])],
        ),
        (
            lambda: nn.CrossEntropyLoss(label_smoothing=WIDE, reduction="none"),
            [np.ones((2, 3)), np.array([0, 1])],
        ),
    ],
)
def test_a_float64_hyperparameter_widens_no_float32(make, inputs):
    x, *others = inputs
    module = make()
    output = module(x.astype(np.float32), *others)
    assert output.dtype == np.float32
    assert module.backward(np.ones_like(output)).dtype == np.float32


@pytest.mark.parametrize("upstream", [2, 2.0, np.float64(2)])
def test_a_losss_upstream_may_be_a_number_and_widens_no_float32(upstream):
    loss = nn.MSELoss(reduction="sum")
    loss(np.ones(3, np.float32), np.zeros(3, np.float32))
    grad = loss.backward(upstream)
    assert grad.dtype == np.float32
    np.testing.assert_array_equal(grad, [4, 4, 4])


@pytest.mark.parametrize("name", ["lr", "momentum", "weight_decay", "dampening"])
def test_a_float64_hyperparameter_of_an_optimizer_widens_no_float32(name):
    parameter = nn.Parameter(np.ones(2, np.float32))
    optimizer = optim.SGD([parameter], **{"momentum": 0.5, name: WIDE})
    for _ in range(2):
        parameter.grad = np.ones(2, np.float32)
        optimizer.step()
        optimizer.param_groups[0]["lr"] *= np.float64(0.5)  # as a schedule might
    assert parameter.data.dtype == np.float32
    assert optimizer.state[parameter]["momentum_buffer"].dtype == np.float32


def test_an_optimizers_loaded_velocity_is_a_copy():
    parameter = nn.Parameter(np.ones(2))
    optimizer = optim.SGD([parameter], momentum=0.5)
    state = optimizer.state_dict()
    state["state"] = {0: {"momentum_buffer": np.ones(2)}}
    optimizer.load_state_dict(state)
    optimizer.state[parameter]["momentum_buffer"][0] = 7
    np.testing.assert_array_equal(state["state"][0]["momentum_buffer"], [1, 1])


@pytest.mark.parametrize("give", GIVE)
@pytest.mark.parametrize("loss", [nn.NLLLoss, nn.CrossEntropyLoss])
def test_targets_of_one_byte_do_not_wrap(loss, give):
    x = GIVE[give](np.random.default_rng(0).normal(size=(2, 300)))
    gradients = []
    for dtype in (np.uint8, np.int64):
        criterion = loss()
        criterion(x, GIVE[give](np.array([3, 200], dtype)))
        gradients.append(np.asarray(criterion.backward()))
    np.testing.assert_array_equal(*gradients)


def test_nan_is_passed_on_not_hidden():
    x = np.array([np.nan])
    for name in ("ReLU", "LeakyReLU", "Sigmoid", "Tanh"):
        theirs = getattr(torch_nn, name)()(torch.from_numpy(x)).numpy()
        np.testing.assert_array_equal(getattr(nn, name)()(x), theirs)


def test_a_velocity_does_not_share_memory_with_the_gradient():
    parameter = nn.Parameter(np.ones(2))
    optimizer = optim.SGD([parameter], lr=0.1, momentum=0.9)
    parameter.grad = np.ones(2)
    optimizer.step()
    parameter.grad[...] = 7
    assert optimizer.state_dict()["state"][0]["momentum_buffer"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_the_softmax_of_nothing_is_nothing(name):
    layer = getattr(nn, name)(dim=1)
    for shape in ((0, 3), (3, 0)):
        assert layer(np.ones(shape)).shape == shape
        assert layer.backward(np.ones(shape)).shape == shape


def test_flatten_of_one_dimension_changes_nothing():
    x = np.ones((2, 3, 4))
    assert nn.Flatten(0, 0)(x).shape == (2, 3, 4)
    assert nn.Flatten(2, 2)(x).shape == (2, 3, 4)
    assert nn.Flatten(0, 1)(x).shape == (6, 4)
    with pytest.raises(ValueError, match="end_dim 3"):
        nn.Flatten(1, 3)(x)


@pytest.mark.parametrize("give", [np.array, torch.tensor])
def test_a_class_index_out_of_range_is_named_wherever_it_stands(give):
    target = give([[0, 1], [1, 7]])
    with pytest.raises(ValueError, match="got 7"):
        nn.NLLLoss()(give(np.zeros((2, 3, 2)).tolist()), target)


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("give", [np.array, array_api_strict.asarray, torch.tensor])
def test_a_single_number_has_the_dimensions_0_and_minus_1(name, give):
    x = give(3.0)
    x = x if isinstance(x, torch.Tensor) else give(np.asarray(3.0))
    for dim in (0, -1):
        layer = getattr(nn, name)(dim=dim)
        assert float(layer(x)) == (1.0 if name == "Softmax" else 0.0)
        assert float(layer.backward(x)) == 0
    for dim in (1, -2):
        with pytest.raises(ValueError, match=f"got dim={dim}"):
            getattr(nn, name)(dim=dim)(x)


def test_flatten_turns_a_single_number_into_one_of_one():
    assert nn.Flatten(0, 0)(np.array(3.0)).shape == (1,)
    with pytest.raises(ValueError, match="end_dim 1"):
        nn.Flatten(0, 1)(np.array(3.0))


def test_a_new_bias_is_initialised_as_torchs():
    manual_seed(0)
    bias = nn.Linear(100, 20_000).bias.data
    assert -0.1 <= bias.min() < -0.0999
    assert 0.0999 < bias.max() <= 0.1


def test_the_state_of_several_groups_comes_back_to_its_parameters():
    params = [nn.Parameter(np.full(2, float(i))) for i in range(3)]
    optimizer = optim.SGD(
        [{"params": params[:1]}, {"params": params[1:], "lr": 0.5}],
        lr=0.1,
        momentum=0.9,
    )
    for i, parameter in enumerate(params):
        parameter.grad = np.full(2, float(i + 1))
    optimizer.step()
    state = optimizer.state_dict()
    assert [group["params"] for group in state["param_groups"]] == [[0], [1, 2]]
    fresh = optim.SGD([{"params": params[:1]}, {"params": params[1:]}])
    fresh.load_state_dict(state)
    for i, parameter in enumerate(params):
        assert fresh.state[parameter]["momentum_buffer"].tolist() == [i + 1, i + 1]
    assert fresh.param_groups[1]["lr"] == 0.5


def test_a_group_may_be_a_single_parameter():
    parameter = nn.Parameter(np.ones(2))
    optimizer = optim.SGD([{"params": parameter}], lr=1.0)
    parameter.grad = np.ones(2)
    optimizer.step()
    assert parameter.data.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("shape", [(40,), (3, 40), (3, 40, 2)])
@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.CrossEntropyLoss(reduction="none"),
        lambda nn: nn.NLLLoss(reduction="none"),
        lambda nn: nn.MultiMarginLoss(reduction="none"),
        lambda nn: nn.ExpectedCostLoss(1 - np.eye(40), reduction="none"),
    ],
    ids=["CrossEntropy", "NLL", "MultiMargin", "ExpectedCost"],
)
def test_losses_of_many_classes_are_torchs(make, shape):
    ours, theirs = make(nn), make(torch_ref.nn).double()
    if isinstance(ours, nn.MultiMarginLoss):
        shape = shape[:2]  # it takes no further dimensions
    rng = np.random.default_rng(0)
    x, examples = rng.standard_normal(shape), shape[:1] * (len(shape) > 1) + shape[2:]
    target = np.asarray(rng.integers(0, 40, examples))
    leaf = torch.from_numpy(x).requires_grad_()
    wanted = theirs(leaf, torch.from_numpy(target))
    value = ours(x, target)
    upstream = rng.standard_normal(value.shape)
    wanted.backward(torch.from_numpy(upstream))
    np.testing.assert_allclose(value, wanted.detach(), rtol=1e-12)
    grad = ours.backward(np.asarray(upstream))
    np.testing.assert_allclose(grad, leaf.grad, rtol=1e-12, atol=1e-15)
