"""Initial weights have torch's distributions, from handmade's own generator."""

import itertools
import math

import array_api_strict
import numpy as np
import pytest
import torch

import handmade
from compare.backend import to_numpy
from handmade import nn

init, torchs = nn.init, torch.nn.init
SHAPES = [(7, 5), (1, 1), (300, 200), (8, 3, 5), (6, 4, 3, 2), (5, 4, 3, 2, 2)]
BIG = [(120, 200), (30, 40, 5, 4)]
GIVE = {
    "numpy": np.asarray,
    "torch": torch.asarray,
    "strict": array_api_strict.asarray,
}
NONLINEARITIES = [
    *("linear", "conv1d", "conv2d", "conv3d", "sigmoid", "tanh", "relu", "selu"),
    *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "leaky_relu"),
]


def parameter(shape, give=np.asarray, dtype=np.float64):
    return nn.Parameter(give(np.full(shape, 7.0, dtype)))


def drawn(name, shape, *args, **kwargs):
    """The same function's numbers: ours, and torch's."""
    handmade.manual_seed(11)
    torch.manual_seed(12)
    ours = getattr(init, name)(parameter(shape), *args, **kwargs).data
    theirs = getattr(torchs, name)(torch.empty(shape), *args, **kwargs).numpy()
    return ours.ravel(), theirs.ravel().astype(float)


def ks_statistic(a, b):
    """The Kolmogorov–Smirnov statistic of two samples, in units of its spread."""
    points = np.sort(np.concatenate([a, b]))
    cdfs = [np.searchsorted(np.sort(x), points, "right") / len(x) for x in (a, b)]
    return (
        np.max(np.abs(cdfs[0] - cdfs[1]))
        * math.sqrt(len(a) * len(b))
        / (math.sqrt(len(a) + len(b)))
    )


LAWS = [
    ("uniform_", (), {}),
    ("uniform_", (-3.0, 0.5), {}),
    ("uniform_", (), {"b": 2.0}),
    ("normal_", (), {}),
    ("normal_", (3.0, 0.2), {}),
    ("trunc_normal_", (), {}),
    ("trunc_normal_", (1.0, 2.0, 0.5, 4.0), {}),
    ("trunc_normal_", (), {"std": 0.02}),
    ("trunc_normal_", (0.0, 1.0, 1.0, 9.0), {}),
    *(("xavier_uniform_", (), {"gain": gain}) for gain in (0.5, 5 / 3)),
    *(("xavier_normal_", (), {"gain": gain}) for gain in (0.5, 5 / 3)),
    *(
        (f"kaiming_{law}_", (), {"a": a, "mode": mode, "nonlinearity": what})
        for law in ("uniform", "normal")
        for mode in ("fan_in", "fan_out")
        for a, what in ((0, "leaky_relu"), (1.5, "leaky_relu"), (0.3, "tanh"))
    ),
    ("xavier_uniform_", (), {}),
    ("xavier_normal_", (), {}),
    ("kaiming_uniform_", (), {}),
    ("kaiming_normal_", (), {}),
]


@pytest.mark.parametrize("shape", BIG, ids=str)
@pytest.mark.parametrize(("name", "args", "kwargs"), LAWS)
def test_the_distribution_is_torchs(name, args, kwargs, shape):
    ours, theirs = drawn(name, shape, *args, **kwargs)
    assert ks_statistic(ours, theirs) < 1.63  # the Kolmogorov–Smirnov test at 1 %
    spread = np.std(theirs)
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=0.03 * spread)
    assert np.std(ours) == pytest.approx(spread, rel=0.015)
    if "uniform" in name:
        width = np.max(theirs) - np.min(theirs)
        assert np.max(ours) == pytest.approx(np.max(theirs), abs=1e-3 * width)
        assert np.min(ours) == pytest.approx(np.min(theirs), abs=1e-3 * width)


def test_other_distributions_are_told_from_torchs():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 24000))
    assert ks_statistic(one, two) < 1.63
    assert ks_statistic(one, 1.05 * two) > 1.63
    assert ks_statistic(one, two + 0.03) > 1.63
    assert ks_statistic(one, np.sqrt(3) * rng.uniform(-1, 1, 24000)) > 1.63


def test_bounds_may_meet():
    assert np.all(drawn("uniform_", (3,), 0.5, 0.5) == np.float64(0.5))


def test_a_distribution_is_truncated_down_to_a_hundredth():
    init.trunc_normal_(parameter((9,)), 1.0, 2.0, 1 + 2 * 2.32, 99.0)
    with pytest.raises(ValueError, match="hardly ever"):
        init.trunc_normal_(parameter((9,)), 1.0, 2.0, 1 + 2 * 2.33, 99.0)


def test_truncated_draws_stay_between_their_bounds():
    ours, _ = drawn("trunc_normal_", (200, 200), 0.0, 1.0, -0.1, 0.3)
    assert np.min(ours) >= -0.1
    assert np.max(ours) <= 0.3
    assert len(np.unique(ours)) > 30_000


@pytest.mark.parametrize("what", NONLINEARITIES)
@pytest.mark.parametrize("param", [None, 0.3, 1, -2.0, 0])
def test_gains_are_torchs(what, param):
    assert init.calculate_gain(what, param) == torchs.calculate_gain(what, param)
    assert init.calculate_gain(what) == torchs.calculate_gain(what)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fans_are_torchs(shape):
    want = torchs._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert init._fans("test", parameter(shape)) == want


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [*SHAPES, (3, 20)], ids=str)
def test_an_orthogonal_matrix_keeps_lengths(shape, dtype):
    tensor = init.orthogonal_(parameter(shape, dtype=dtype), gain=3)
    assert tensor.data.shape == shape
    flat = tensor.data.reshape(shape[0], -1).astype(np.float64) / 3
    square = flat @ flat.T if flat.shape[0] < flat.shape[1] else flat.T @ flat
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(square, np.eye(len(square)), atol=20 * eps)


@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 2)], ids=str)
def test_every_orthogonal_matrix_is_as_likely_as_in_torch(shape):
    handmade.manual_seed(1)
    torch.manual_seed(2)
    ours, theirs = parameter(shape), torch.empty(shape)
    mine = np.array([init.orthogonal_(ours).data for _ in range(2000)])
    twins = np.array([torchs.orthogonal_(theirs).numpy().copy() for _ in range(2000)])
    for place in np.ndindex(shape):
        index = (slice(None), *place)
        assert ks_statistic(mine[index], twins[index]) < 1.63
    sides = np.sign(np.linalg.det(mine[:, :2, :2]))
    assert abs(np.mean(sides)) < 0.06


@pytest.mark.parametrize("rows", [3, 4])
def test_orthogonal_draws_are_qs_of_the_drawn_matrix(rows):
    """Z = Q R with a positive diagonal of R: only one Q does that."""
    handmade.manual_seed(5)
    z = handmade._random.normal(0.0, 1.0, (rows, 3)).astype(np.float64)
    handmade.manual_seed(5)
    q = init.orthogonal_(parameter((rows, 3))).data
    r = q.T @ z
    np.testing.assert_allclose(q @ r, z, atol=1e-12)
    assert np.all(np.diagonal(r) > 0)
    assert np.max(np.abs(np.tril(r, -1))) < 1e-12


FILLS = [
    ("constant_", (0.3,), (4,)),
    ("constant_", (-2,), ()),
    ("constant_", (math.inf,), (2, 3)),
    ("ones_", (), (3, 2)),
    ("zeros_", (), (3, 2, 1)),
    ("eye_", (), (3, 3)),
    ("eye_", (), (2, 4)),
    ("eye_", (), (4, 2)),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "args", "shape"), FILLS)
def test_fixed_values_are_torchs(name, args, shape, dtype):
    tensor = parameter(shape, dtype=dtype)
    assert getattr(init, name)(tensor, *args) is tensor
    want = torch.empty(shape, dtype=getattr(torch, dtype))
    np.testing.assert_array_equal(tensor.data, getattr(torchs, name)(want, *args))


RANDOM = ["uniform_", "normal_", "trunc_normal_", "xavier_uniform_", "xavier_normal_"]
RANDOM += ["kaiming_uniform_", "kaiming_normal_", "orthogonal_"]
ALL = [(name, ()) for name in RANDOM] + [(n, a) for n, a, s in FILLS[:-1:3]]


@pytest.mark.parametrize("name", RANDOM)
def test_manual_seed_decides_what_is_drawn(name):
    draws = []
    for seed in (3, 3, 4):
        handmade.manual_seed(seed)
        draws.append(getattr(init, name)(parameter((6, 5))).data)
        draws.append(getattr(init, name)(parameter((6, 5))).data)
    np.testing.assert_array_equal(draws[0], draws[2])
    np.testing.assert_array_equal(draws[1], draws[3])
    for one, two in ((0, 1), (0, 4), (1, 5)):
        assert not np.any(draws[one] == draws[two])


@pytest.mark.parametrize("name", RANDOM)
def test_libraries_and_precisions_draw_the_same(name):
    draws = []
    for give, dtype in itertools.product(GIVE.values(), ("float64", "float32")):
        handmade.manual_seed(3)
        tensor = parameter((6, 5), give, dtype)
        before = tensor.data
        assert getattr(init, name)(tensor) is tensor
        assert type(tensor.data) is type(before)
        assert tensor.data.dtype == before.dtype
        assert tensor.shape == (6, 5)
        np.testing.assert_array_equal(to_numpy(before), np.full((6, 5), 7.0))
        draws.append(to_numpy(tensor.data))
    for one in draws[1:]:
        np.testing.assert_array_equal(one.astype("float32"), draws[0].astype("float32"))


def test_a_layer_is_initialised_through_its_parameters():
    layer = nn.Linear(3, 4)
    bound = math.sqrt(6 / 7)
    assert init.xavier_uniform_(layer.weight) is layer.weight
    assert init.zeros_(layer.bias) is layer.bias
    assert np.max(np.abs(layer.state_dict()["weight"])) <= bound
    assert layer.state_dict()["weight"].dtype == np.float32
    assert not np.any(layer.state_dict()["bias"])


FANNED = ["xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"]
REFUSED = [
    *((n, (4,), {}, "expected two or more dim.* got shape \\(4,\\)") for n in FANNED),
    *((n, (0, 4), {}, "none of size 0, got shape \\(0, 4\\)") for n in FANNED),
    *((n, (4, 4), {"gain": -1}, "gain must be at least 0") for n in FANNED[:2]),
    *(
        (n, (4, 4), {"mode": "fan"}, "mode must be 'fan_in' or 'fan_out'")
        for n in FANNED[2:]
    ),
    ("orthogonal_", (4,), {}, "expected two or more dim"),
    ("orthogonal_", (4, 0), {}, "none of size 0"),
    ("eye_", (4,), {}, "expected two dimensions, got shape \\(4,\\)"),
    ("eye_", (2, 2, 2), {}, "expected two dimensions"),
    ("normal_", (4,), {"std": -1}, "std must be at least 0, got -1"),
    ("normal_", (4,), {"std": math.nan}, "std must be at least 0, got nan"),
    ("uniform_", (4,), {"a": 2}, "a no more than b, got 2 and 1.0"),
    ("uniform_", (4,), {"a": math.nan}, "a and b must be finite"),
    ("uniform_", (4,), {"b": math.inf}, "a and b must be finite"),
    ("uniform_", (4,), {"a": -math.inf}, "a and b must be finite"),
    ("trunc_normal_", (4,), {"std": 0}, "std must be positive, got 0"),
    ("trunc_normal_", (4,), {"std": -1}, "std must be at least 0"),
    ("trunc_normal_", (4,), {"a": 3, "b": 4}, "hardly ever falls between a = 3"),
    ("trunc_normal_", (4,), {"a": 1, "b": -1}, "hardly ever falls between"),
    ("trunc_normal_", (4,), {"mean": math.nan}, "hardly ever falls between"),
]


@pytest.mark.parametrize(
    ("name", "shape", "kwargs", "words"), REFUSED, ids=range(len(REFUSED))
)
def test_what_cannot_be_drawn_is_refused(name, shape, kwargs, words):
    tensor = parameter(shape)
    with pytest.raises(ValueError, match=f"{name}: .*{words}"):
        getattr(init, name)(tensor, **kwargs)
    assert np.all(tensor.data == 7)


@pytest.mark.parametrize("what", ["ReLU", "gelu", ""])
def test_an_unknown_nonlinearity_is_refused(what):
    with pytest.raises(ValueError, match=r"nonlinearity must be .*'leaky_relu'"):
        init.calculate_gain(what)
    with pytest.raises(ValueError, match=f"got '{what}'"):
        init.kaiming_normal_(parameter((2, 2)), nonlinearity=what)


@pytest.mark.parametrize(
    ("name", "kwargs", "argument"),
    [
        ("normal_", {"mean": "0"}, "mean"),
        ("normal_", {"std": None}, "std"),
        ("uniform_", {"a": "0"}, "a"),
        ("trunc_normal_", {"mean": "0"}, "mean"),
        ("trunc_normal_", {"a": "0"}, "a"),
        ("trunc_normal_", {"b": None}, "b"),
        ("uniform_", {"b": "0"}, "b"),
        ("constant_", {"val": "0"}, "val"),
        ("xavier_normal_", {"gain": "relu"}, "gain"),
        ("orthogonal_", {"gain": "relu"}, "gain"),
        ("kaiming_normal_", {"a": "relu"}, "param"),
    ],
)
def test_what_is_no_number_is_refused_by_name(name, kwargs, argument):
    with pytest.raises(TypeError, match=f": {argument} must be a real number, got"):
        getattr(init, name)(parameter((2, 2)), **kwargs)


@pytest.mark.parametrize("name", sorted({*RANDOM, *(n for n, _, _ in FILLS)}))
def test_only_floating_parameters_are_filled(name):
    args = (1.0,) if name == "constant_" else ()
    for bad in (np.ones((2, 2)), torch.nn.Parameter(torch.ones(2, 2)), nn.Linear(2, 2)):
        with pytest.raises(TypeError, match=f"{name}: expected a handmade Parameter"):
            getattr(init, name)(bad, *args)
    with pytest.raises(TypeError, match=f"{name}: tensor must hold floating-point"):
        getattr(init, name)(nn.Parameter(np.ones((2, 2), int)), *args)
