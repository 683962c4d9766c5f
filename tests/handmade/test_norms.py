"""Normalisation, dropout, embedding, residual: over more than one pass."""

import inspect

import array_api_strict
import numpy as np
import pytest
import torch
from torch import nn as torch_nn

import handmade
import torch_ref
from handmade import nn

GIVE = {
    "numpy": np.asarray,
    "torch": torch.from_numpy,
    "strict": array_api_strict.asarray,
}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))


def batch_norm(give=np.asarray, **options):
    return nn.BatchNorm1d(3, **options).to(give(np.zeros(1)))


def statistics(layer):
    return [np.array(array) for _, array in layer.named_buffers()]


@pytest.mark.parametrize("give", GIVE.values(), ids=GIVE)
def test_batches_are_counted_in_integers_on_every_library(give):
    layer = batch_norm(give)
    for _ in range(2):
        layer(give(X))
    fresh = batch_norm(give)
    fresh.load_state_dict(layer.state_dict())
    fresh.eval()(give(X))
    count = fresh.state_dict()["num_batches_tracked"]
    assert isinstance(count, type(give(X)))
    assert "int64" in str(count.dtype)
    assert count.shape == ()
    assert int(count) == 2


def test_running_statistics_are_new_arrays_that_a_backward_pass_leaves_alone():
    layer = batch_norm()
    held = [array for _, array in layer.named_buffers()]
    before = [array.copy() for array in held]
    layer(X)
    after = statistics(layer)
    layer.backward(X)
    layer.backward(X)
    for old, then, now, later in zip(
        held, before, after, statistics(layer), strict=True
    ):
        np.testing.assert_array_equal(old, then)
        np.testing.assert_array_equal(now, later)
        assert not np.array_equal(now, then)


def test_without_momentum_the_statistics_are_the_mean_of_all_batches():
    layer, batches = batch_norm(momentum=None), [X, X**2, 3 * X + 1]
    for batch in batches:
        layer(batch)
    mean = np.mean([b.mean(axis=0) for b in batches], axis=0)
    var = np.mean([b.var(axis=0, ddof=1) for b in batches], axis=0)
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-13)
    np.testing.assert_allclose(layer.running_var, var, rtol=1e-13)


def test_evaluation_neither_counts_nor_learns():
    layer = batch_norm()
    layer(X)
    before = statistics(layer)
    layer.eval()(5 * X)
    for then, now in zip(before, statistics(layer), strict=True):
        np.testing.assert_array_equal(then, now)


@pytest.mark.parametrize("training", [True, False])
def test_backward_belongs_to_the_mode_of_its_forward_pass(training):
    layer = batch_norm().train(training)
    layer(X)
    want = layer.backward(X**3)
    layer(X)
    np.testing.assert_array_equal(layer.train(not training).backward(X**3), want)


def test_tracking_that_is_switched_off_keeps_the_statistics_as_in_torch():
    ours, theirs = batch_norm(), torch.nn.BatchNorm1d(3).double()
    for layer, x in ((ours, X), (theirs, torch.from_numpy(X))):
        layer(x)
        layer.track_running_stats = False
        layer(5 * x)
        layer.eval()
    assert int(ours.num_batches_tracked) == int(theirs.num_batches_tracked) == 1
    want = theirs(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(ours(X), want, rtol=1e-12)


@pytest.mark.parametrize("shape", [(0, 3), (2, 3, 0)])
def test_a_batch_of_nothing_is_counted_but_teaches_nothing_as_in_torch(shape):
    ours, theirs = batch_norm(), torch.nn.BatchNorm1d(3).double()
    assert ours(np.zeros(shape)).shape == theirs(torch.zeros(shape).double()).shape
    for got, want in zip(statistics(ours), theirs.buffers(), strict=True):
        np.testing.assert_array_equal(got, want.numpy())


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("BatchNorm1d", (3,)),
        ("BatchNorm2d", (3,)),
        ("LayerNorm", ((3, 2),)),
        ("GroupNorm", (1, 3)),
        ("Embedding", (4, 3)),
    ],
)
def test_a_new_layers_state_is_torchs(name, args):
    ours = getattr(nn, name)(*args).state_dict()
    theirs = getattr(torch.nn, name)(*args).state_dict()
    assert list(ours) == list(theirs)
    for key, value in theirs.items():
        assert ours[key].shape == tuple(value.shape)
        assert str(ours[key].dtype) == str(value.dtype).removeprefix("torch.")
        if name != "Embedding":
            np.testing.assert_array_equal(ours[key], value.numpy())


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("num_batches_tracked", np.asarray(1.0), "must be one whole number, got float"),
        ("num_batches_tracked", np.asarray([1]), r"one whole number, got int64 of sha"),
        ("running_mean", np.asarray(1), "running_mean must hold floating-point"),
        ("running_var", np.ones(3, int), "running_var must hold floating-point"),
    ],
)
def test_a_state_of_the_wrong_kind_is_refused_whole(name, wrong, words):
    layer = batch_norm()
    before = {k: np.array(v) for k, v in layer.state_dict().items()}
    state = {k: v + 1 for k, v in before.items()}
    with pytest.raises(RuntimeError, match=words):
        layer.load_state_dict({**state, name: wrong})
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


@pytest.mark.parametrize(("mean", "deviation"), [(1e3, 1e-2), (1e4, 0.1), (1e5, 1)])
@pytest.mark.parametrize("name", ["BatchNorm1d", "LayerNorm"])
def test_far_from_0_single_precision_is_right_to_its_last_digits(name, mean, deviation):
    rng = np.random.default_rng(1)
    x = (mean + deviation * rng.normal(size=(64, 64))).astype(np.float32)
    axis = 0 if name == "BatchNorm1d" else 1
    true = x.astype(np.longdouble)
    true = true - true.mean(axis=axis, keepdims=True)
    true = true / np.sqrt((true**2).mean(axis=axis, keepdims=True) + 1e-5)
    theirs = getattr(torch.nn, name)(64)(torch.from_numpy(x)).detach().numpy()
    ours = getattr(nn, name)(64)(x)
    assert np.abs(ours - true).max() < 8 * np.finfo(np.float32).eps * np.abs(true).max()
    assert np.abs(theirs - true).max() > 1e-4


def test_far_from_0_the_running_mean_is_right_to_its_last_digit():
    rng = np.random.default_rng(1)
    x = (1e5 + rng.normal(size=(64, 64))).astype(np.float32)
    layer = nn.BatchNorm1d(64, momentum=1.0)
    layer(x)
    off = np.abs(layer.running_mean - x.astype(np.longdouble).mean(axis=0))
    assert off.max() <= np.spacing(np.float32(1e5))


def test_both_implementations_drop_the_same_units_after_the_same_seed():
    ours, theirs = nn.Dropout(0.3), torch_ref.nn.Dropout(0.3)
    handmade.manual_seed(3)
    torch_ref.manual_seed(3)
    for _ in range(2):
        want = theirs(torch.from_numpy(X))
        np.testing.assert_array_equal(ours(X), want.numpy())
        assert 0 < np.sum(ours.saved == 0) < X.size


def test_torchs_own_dropout_differs_in_nothing_but_the_mask():
    x = torch.arange(1.0, 100_001)
    for ours in (torch_ref.nn.Dropout(0.3), torch.nn.Dropout(0.3)):
        y = ours(x)
        kept = y != 0
        torch.testing.assert_close(y[kept], x[kept] / 0.7)
        assert abs(float(kept.double().mean()) - 0.7) < 0.01
    assert torch_ref.nn.Dropout(0.3, inplace=True)(x) is x
    assert torch.any(x == 0)


@pytest.mark.parametrize("package", [handmade, torch_ref])
def test_evaluation_draws_no_random_number(package):
    layer, x = package.nn.Dropout(), torch.ones(50)
    package.manual_seed(1)
    first = layer(x)
    package.manual_seed(1)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(layer.train()(x), first)


@pytest.mark.parametrize("p", [0, 1])
def test_dropout_of_none_and_of_all_is_torchs(p):
    x = torch.tensor([1.0, -2.0, np.inf, np.nan])
    for package in (nn, torch_ref.nn):
        torch.testing.assert_close(
            package.Dropout(p)(x), torch.nn.Dropout(p)(x), equal_nan=True
        )
    layer = nn.Dropout(p)
    layer(x)
    np.testing.assert_array_equal(layer.backward(torch.ones(4)), [1 - p] * 4)


def test_every_backward_pass_drops_what_the_forward_pass_dropped():
    layer = nn.Dropout(0.4)
    y = layer(np.ones(1000))
    for _ in range(2):
        np.testing.assert_array_equal(layer.backward(np.ones(1000)), y)


def test_an_embedding_is_initialised_as_torchs_with_its_padding_at_0():
    handmade.manual_seed(0)
    weight = nn.Embedding(300, 200, padding_idx=-2).weight.data
    assert weight.dtype == np.float32
    assert not np.any(weight[298])
    assert abs(weight.mean()) < 0.02
    assert abs(weight.std() - 1) < 0.02
    assert nn.Embedding(3, 2, padding_idx=-1).padding_idx == 2


def test_an_embedding_remembers_the_indices_that_it_was_given():
    layer, x = nn.Embedding(3, 2), np.array([0, 0, 2])
    layer(x)
    x[:] = 1
    assert layer.backward(np.ones((3, 2), np.float32)) is None
    np.testing.assert_array_equal(layer.weight.grad, [[2, 2], [0, 0], [1, 1]])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
@pytest.mark.parametrize("give", GIVE.values(), ids=GIVE)
def test_an_embedding_takes_every_kind_of_integer(give, dtype):
    layer = nn.Embedding(3, 2).to(give(np.zeros(1)))
    y = layer(give(np.array([2, 0], dtype)))
    np.testing.assert_array_equal(y, np.asarray(layer.weight.data)[[2, 0]])


@pytest.mark.parametrize("package", [nn, torch_ref.nn])
def test_a_residual_adds_only_what_has_its_shape(package):
    for out, shape in ((1, (4, 3)), (2, (4, 3)), (3, (3,))):
        block = package.Residual(package.Linear(shape[-1], out)).to(torch.ones(1))
        x = torch.ones(*shape)
        if out == shape[-1]:
            assert block(x).shape == shape
            continue
        with pytest.raises(ValueError, match=r"f\(x\) must have shape \(4, 3\), got"):
            block(x)


def test_a_residual_names_its_state_alike_in_both_implementations():
    states = [
        package.Residual(
            package.Linear(2, 2), package.Residual(package.BatchNorm1d(2))
        ).state_dict()
        for package in (nn, torch_ref.nn)
    ]
    assert list(states[0]) == list(states[1])
    assert "1.0.running_var" in states[0]


def test_a_residual_refuses_what_is_no_module_under_its_own_name():
    with pytest.raises(TypeError, match="Residual: module 0 must be a handmade"):
        nn.Residual(lambda x: x)


@pytest.mark.parametrize(
    ("layer", "x", "words"),
    [
        (nn.BatchNorm1d(3), (2, 4), r"num_features = 3, got x of shape \(2, 4\)"),
        (nn.BatchNorm1d(3), (3,), r"must have 2 or 3 dimensions.*got x of shape \(3,"),
        (nn.BatchNorm1d(3), (2, 3, 1, 1), "must have 2 or 3 dimensions"),
        (nn.BatchNorm2d(3), (2, 3), r"must have 4 dimensions.*got x of shape \(2, 3\)"),
        (nn.BatchNorm1d(3), (1, 3), r"more than one value .* got x of shape \(1, 3\)"),
        (nn.BatchNorm2d(3), (1, 3, 1, 1), "more than one value for each channel"),
        (
            nn.BatchNorm1d(3, track_running_stats=False).eval(),
            (1, 3),
            "more than one value for each channel",
        ),
        (nn.LayerNorm(3), (2, 4), r"normalized_shape = \(3,\), got x of shape \(2, 4"),
        (nn.LayerNorm((2, 3)), (3,), r"= \(2, 3\), got x of shape \(3,\)"),
        (nn.GroupNorm(1, 3), (2, 4), r"num_channels = 3, …\), got x of shape \(2, 4\)"),
        (nn.GroupNorm(1, 3), (3,), r"num_channels = 3, …\), got x of shape \(3,\)"),
        (nn.GroupNorm(3, 3), (1, 3), r"more than one value .* got x of shape \(1, 3\)"),
        (nn.GroupNorm(3, 3), (2, 3, 0), "each group needs values"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(layer, x, words):
    before = statistics(layer)
    with pytest.raises(ValueError, match=words):
        layer(np.ones(x, np.float32))
    for then, now in zip(before, statistics(layer), strict=True):
        np.testing.assert_array_equal(then, now)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.BatchNorm1d(0), "num_features must be at least 1, got 0"),
        (lambda: nn.BatchNorm2d(3, eps=0), "BatchNorm2d: eps must be positive.* got 0"),
        (lambda: nn.LayerNorm(3, eps=-1), "LayerNorm: eps must be positive .* got -1"),
        (lambda: nn.LayerNorm(()), "normalized_shape must hold a size, got none"),
        (lambda: nn.LayerNorm([2, 0]), "normalized_shape must be at least 1, got 0"),
        (lambda: nn.GroupNorm(2, 3), "divide num_channels, got 2 groups of 3 channels"),
        (lambda: nn.GroupNorm(0, 3), "num_groups must be at least 1, got 0"),
        (lambda: nn.GroupNorm(-1, 3), "num_groups must be at least 1, got -1"),
        (lambda: nn.GroupNorm(1, 0), "num_channels must be at least 1, got 0"),
        (lambda: nn.Dropout(-0.1), r"p must lie in \[0, 1\], got -0.1"),
        (lambda: nn.Dropout(1.1), r"p must lie in \[0, 1\], got 1.1"),
        (lambda: nn.Dropout(np.nan), r"p must lie in \[0, 1\], got nan"),
        (lambda: nn.Embedding(0, 3), "num_embeddings must be at least 1, got 0"),
        (lambda: nn.Embedding(3, 0), "embedding_dim must be at least 1, got 0"),
        (lambda: nn.Embedding(3, 2, 3), "one of 3 rows, got 3"),
        (lambda: nn.Embedding(3, 2, -4), "padding_idx must be at least -3, got -4"),
    ],
)
def test_arguments_out_of_range_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    "option", ["max_norm", "norm_type", "scale_grad_by_freq", "sparse", "_freeze"]
)
def test_what_torchs_embedding_has_and_ours_has_not_is_refused_by_name(option):
    with pytest.raises(ValueError, match=f"Embedding: {option} must be .*, got 1"):
        nn.Embedding(3, 2, **{option: 1})


def test_an_embeddings_arguments_stand_in_torchs_order():
    def names(lib):
        return [*inspect.signature(lib.Embedding).parameters]

    assert names(nn) == [n for n in names(torch_nn) if n not in ("device", "dtype")]


def test_an_embedding_takes_a_table_that_is_there():
    table = np.arange(6.0).reshape(3, 2)
    layer = nn.Embedding(3, 2, padding_idx=0, _weight=table)
    np.testing.assert_array_equal(layer(np.array([2, 0])), table[[2, 0]])
    with pytest.raises(ValueError, match=r"_weight must have shape \(3, 2\), got \(2,"):
        nn.Embedding(3, 2, _weight=table.T)


def test_momentum_is_a_number_or_none():
    with pytest.raises(TypeError, match="momentum must be a real number, got str"):
        nn.BatchNorm1d(3, momentum="0.1")


@pytest.mark.parametrize("index", [3, -1])
@pytest.mark.parametrize("give", GIVE.values(), ids=GIVE)
def test_an_index_without_a_row_is_named(give, index):
    layer = nn.Embedding(3, 2).to(give(np.zeros(1)))
    with pytest.raises(ValueError, match=rf"must be in 0 … 2, got {index}"):
        layer(give(np.array([[0, 1], [index, 7]])))


@pytest.mark.parametrize("dtype", ["float32", "bool"])
def test_indices_are_integers(dtype):
    with pytest.raises(TypeError, match=f"x must hold integers, got {dtype}"):
        nn.Embedding(3, 2)(np.zeros(2, dtype))


LAYERS = [
    (nn.BatchNorm1d(3), np.ones((4, 3), np.float32), (4, 3)),
    (nn.LayerNorm(3), np.ones((4, 3), np.float32), (4, 3)),
    (nn.GroupNorm(1, 3), np.ones((4, 3), np.float32), (4, 3)),
    (nn.Dropout(), np.ones((4, 3), np.float32), (4, 3)),
    (nn.Embedding(5, 3), np.zeros(4, int), (4, 3)),
    (nn.Residual(nn.Dropout()), np.ones((4, 3), np.float32), (4, 3)),
]
NAMES = [type(row[0]).__name__ for row in LAYERS]


@pytest.mark.parametrize(("layer", "x", "shape"), LAYERS, ids=NAMES)
def test_an_upstream_gradient_that_does_not_fit_is_refused(layer, x, shape):
    layer(x)
    with pytest.raises(ValueError, match=r"grad_output must have shape \(4, 3\)"):
        layer.backward(np.ones(shape[1:], np.float32))
    with pytest.raises(TypeError, match="grad_output is float64"):
        layer.backward(np.ones(shape))


@pytest.mark.parametrize(("layer", "x"), [a[:2] for a in LAYERS[:3]], ids=NAMES[:3])
def test_a_normalisation_refuses_another_precision_than_its_own(layer, x):
    with pytest.raises(TypeError, match="x is float64, but weight is float32"):
        layer(x.astype(np.float64))


def test_running_statistics_of_another_precision_are_refused_without_a_weight():
    with pytest.raises(TypeError, match="x is float64, but running_mean is float32"):
        nn.BatchNorm1d(3, affine=False)(X)
