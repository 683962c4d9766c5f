"""Convolution and pooling: torch's edge cases, and what is refused."""

import inspect

import array_api_strict
import numpy as np
import pytest
import torch

from compare.backend import to_numpy
from handmade import nn
from handmade.nn._im2col import Windows, col2im, im2col

INF, NAN = np.inf, np.nan
CONVOLUTIONS = [(nn.Conv1d, 1), (nn.Conv2d, 2)]
POOLINGS = [(nn.MaxPool1d, 1), (nn.MaxPool2d, 2), (nn.AvgPool1d, 1), (nn.AvgPool2d, 2)]
GIVE = {
    "numpy": np.asarray,
    "torch": torch.from_numpy,
    "strict": array_api_strict.asarray,
}


def named(cases):
    return pytest.mark.parametrize(
        ("layer", "d"), cases, ids=[layer.__name__ for layer, _ in cases]
    )


def image(*leading, side=6, d=2):
    rng = np.random.default_rng(0)
    return rng.normal(size=(*leading, *[side] * d))


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(
    ("sizes", "kernel", "stride", "padding", "dilation"),
    [
        ((7,), (3,), (2,), (1,), (1,)),
        ((8,), (2,), (3,), (0,), (3,)),
        ((5, 6), (2, 3), (2, 1), (1, 0), (1, 2)),
        ((4, 4), (3, 3), (3, 3), (2, 1), (1, 1)),
    ],
)
@pytest.mark.parametrize("axis", [0, 2])
def test_col2im_is_the_adjoint_of_im2col(
    sizes, kernel, stride, padding, dilation, ceil_mode, axis
):
    rng = np.random.default_rng(0)
    windows = Windows(kernel, stride, padding, dilation, ceil_mode)
    x = rng.normal(size=(*(2, 3)[:axis], *sizes, 2))
    columns = im2col("test", x, windows, axis)
    others = [rng.normal(size=column.shape) for column in columns]
    back = col2im(others, windows, axis, sizes)
    assert back.shape == x.shape
    there = sum(map(np.vdot, columns, others))
    assert there == pytest.approx(np.vdot(x, back), rel=1e-13)


def both_sides(name, x, give=np.asarray, **options):
    """The output and the input gradient, ours and torch's, for an upstream of 1, 2…"""
    ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**options)
    t = torch.from_numpy(x.copy()).requires_grad_()
    want = theirs(t)
    upstream = 1.0 + np.arange(want.numel()).reshape(want.shape)
    want.backward(torch.from_numpy(upstream))
    got = ours(give(x))
    found = [got, ours.backward(give(upstream))]
    take = np.asarray if give is array_api_strict.asarray else to_numpy
    return [take(a) for a in found], [want.detach().numpy(), t.grad.numpy()]


ODD = [
    [1.0, NAN, 2.0, NAN, 3.0, 1.0],
    [NAN, NAN, NAN, NAN, NAN, NAN],
    [-INF, -INF, -INF, -INF, -INF, -INF],
    [-INF, -INF, 1.0, -INF, NAN, -INF],
    [INF, 1.0, INF, INF, -INF, INF],
    [-1.0, -1.0, -2.0, -3.0, -3.0, -3.0],
    [0.0, -0.0, 0.0, -0.0, -1.0, -0.0],
]


@pytest.mark.parametrize("give", GIVE)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": 1},
        {"stride": 1, "padding": 1},
        {"stride": 1, "padding": 1, "dilation": 2},
    ],
)
def test_a_maximum_of_nan_infinities_and_ties_is_where_torch_finds_it(options, give):
    rows = np.array(ODD)[:, None]
    square = np.array(ODD)[:, [0, 1, 2, 3]].reshape(7, 1, 2, 2)
    wide = rows[:, :, None] + np.zeros((1, 1, 4, 1))
    for name, x in (("MaxPool1d", rows), ("MaxPool2d", square), ("MaxPool2d", wide)):
        got, want = both_sides(name, x, GIVE[give], kernel_size=2, **options)
        for ours, theirs in zip(got, want, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_gradient_that_is_infinite_reaches_the_winner_alone():
    layer = nn.MaxPool1d(2)
    layer(np.array([[1.0, 2.0, 3.0, 0.0]]))
    np.testing.assert_array_equal(
        layer.backward(np.array([[INF, NAN]])), [[0.0, INF, NAN, 0.0]]
    )


def test_the_mean_of_nan_is_nan_in_its_windows_only():
    x = np.array([[NAN, 1.0, 2.0, 4.0]])
    np.testing.assert_array_equal(nn.AvgPool1d(2)(x), [[NAN, 3.0]])


@pytest.mark.parametrize(("kernel", "gap", "size"), [(2, 2, 1), (2, 3, 2)])
def test_a_window_that_holds_nothing_but_padding_is_refused(kernel, gap, size):
    # Never give these to torch: it writes outside its memory.
    options = {"stride": 1, "padding": 1, "dilation": gap, "ceil_mode": True}
    for layer, x in (
        (nn.MaxPool1d(kernel, **options), np.ones((1, size))),
        (nn.MaxPool2d(kernel, **options), np.ones((0, 1, 9, size))),
    ):
        with pytest.raises(ValueError, match=r"MaxPool.d: a window holds nothing"):
            layer(x)


def test_a_window_with_one_place_inside_is_kept():
    layer = nn.MaxPool1d(2, stride=1, padding=1, dilation=2)
    assert layer(np.array([[5.0, 7.0]])).tolist() == [[7.0, 5.0]]


def test_a_kernel_is_not_turned_round():
    layer = nn.Conv1d(1, 1, 3, bias=False).to(np.zeros(1))
    layer.weight.data = np.array([[[1.0, 10.0, 100.0]]])
    assert layer(np.array([[1.0, 2.0, 3.0, 4.0]])).tolist() == [[321.0, 432.0]]


@named(CONVOLUTIONS)
def test_a_new_convolution_is_initialised_as_torchs(layer, d):
    bound = 1 / np.sqrt(4 / 2 * 5**d)
    made = layer(4, 2000, 5, groups=2)
    for data in (made.weight.data, made.bias.data):
        assert data.dtype == np.float32
        assert 0.99 * bound < np.abs(data).max() <= bound
        assert abs(data.mean()) < 0.05 * bound
        assert data.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)


@named(CONVOLUTIONS)
def test_a_convolutions_state_has_torchs_names_and_shapes(layer, d):
    theirs = getattr(torch.nn, layer.__name__)(4, 6, 3, groups=2)
    ours = layer(4, 6, 3, groups=2).state_dict()
    assert {k: a.shape for k, a in ours.items()} == {
        k: tuple(a.shape) for k, a in theirs.state_dict().items()
    }
    assert list(layer(4, 6, 3, bias=False).state_dict()) == ["weight"]


def test_channels_of_one_group_do_not_reach_the_other():
    layer = nn.Conv1d(4, 4, 1, groups=2).to(np.zeros(1))
    x = np.zeros((1, 4, 3))
    quiet = layer(x)
    x[:, 3] = 1
    moved = np.any(layer(x) != quiet, axis=(0, 2))
    assert moved.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kernel_size": 0}, "kernel_size must be at least 1, got 0"),
        ({"stride": 0}, "stride must be at least 1, got 0"),
        ({"padding": -1}, "padding must be at least 0, got -1"),
        ({"dilation": 0}, "dilation must be at least 1, got 0"),
        ({"in_channels": 0}, "in_channels must be at least 1, got 0"),
        ({"out_channels": 0}, "out_channels must be at least 1, got 0"),
        ({"groups": 0}, "groups must be at least 1, got 0"),
        ({"groups": 4}, "groups 4 with 4 and 6"),
        ({"groups": 3}, "groups 3 with 4 and 6"),
        ({"padding": "full"}, "'valid' or 'same', got 'full'"),
        ({"padding": "same", "stride": 2}, "padding='same' needs stride 1"),
        ({"padding": "same", "kernel_size": 4}, "an odd kernel"),
        ({"padding_mode": "reflect"}, "padding_mode must be 'zeros', got 'reflect'"),
        ({"padding_mode": "circular"}, "padding_mode must be 'zeros', got 'circular'"),
    ],
)
@named(CONVOLUTIONS)
def test_a_convolution_refuses_options_out_of_range(layer, d, options, words):
    usual = {"in_channels": 4, "out_channels": 6, "kernel_size": 3}
    with pytest.raises(ValueError, match=f"{layer.__name__}: .*{words}"):
        layer(**{**usual, **options})


def options_of(layer, d):
    usual = {"kernel_size": 3}
    if (layer, d) in CONVOLUTIONS:
        usual |= {"in_channels": 1, "out_channels": 1}
    return usual, {"kernel_size", "stride", "padding", "dilation"} & {
        *inspect.signature(layer).parameters
    }


@pytest.mark.parametrize("wrong", [2.0, (2, 2, 2), (), [1.5], {1: 1}])
@named([*CONVOLUTIONS, *POOLINGS])
def test_sizes_are_whole_numbers_one_for_each_dimension(layer, d, wrong):
    usual, options = options_of(layer, d)
    assert len(options) >= 3
    for option in options:
        with pytest.raises(TypeError, match=f"{option} must be a whole number"):
            layer(**{**usual, option: wrong})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kernel_size": 0}, "kernel_size must be at least 1, got 0"),
        ({"stride": 0}, "stride must be at least 1, got 0"),
        ({"padding": -1}, "padding must be at least 0, got -1"),
        (
            {"padding": 2},
            "at most half of kernel_size, got padding 2 and kernel_size 3",
        ),
    ],
)
@named(POOLINGS)
def test_a_pooling_refuses_options_out_of_range(layer, d, options, words):
    with pytest.raises(ValueError, match=f"{layer.__name__}: .*{words}"):
        layer(**{"kernel_size": 3, **options})


@named(POOLINGS[:2])
def test_a_maximum_has_no_second_output(layer, d):
    with pytest.raises(ValueError, match="return_indices must be False, got True"):
        layer(2, return_indices=True)


def test_an_average_is_divided_by_a_whole_number_that_is_not_0():
    with pytest.raises(ValueError, match="divisor_override must not be 0"):
        nn.AvgPool2d(2, divisor_override=0)
    with pytest.raises(TypeError, match="must be a whole number, got float"):
        nn.AvgPool2d(2, divisor_override=2.5)


def made(layer, d, kernel):
    if (layer, d) in POOLINGS:
        return layer(kernel)
    return layer(3, 2, kernel).to(np.zeros(1))


@named([*CONVOLUTIONS, *POOLINGS])
def test_an_output_without_windows_is_refused_as_in_torch(layer, d):
    x = image(2, 3, side=4, d=d)
    with pytest.raises(
        ValueError, match=r"no window of kernel_size \(5.* input of size \(4"
    ):
        made(layer, d, 5)(x)
    args = (5,) if (layer, d) in POOLINGS else (3, 2, 5)
    theirs = getattr(torch.nn, layer.__name__)(*args).double()
    with pytest.raises(RuntimeError):
        theirs(torch.from_numpy(x))


@named([*CONVOLUTIONS, *POOLINGS])
def test_inputs_are_one_example_or_a_batch_and_only_the_batch_may_be_empty(layer, d):
    module = made(layer, d, 2)
    for leading in ((), (1, 2, 3)):
        with pytest.raises(ValueError, match=r"x must be \(n, c, .*got shape"):
            module(image(*leading, d=d))
    with pytest.raises(ValueError, match="only the examples may be none"):
        module(np.zeros((2, 3, *[0] * d)))
    assert module(image(0, 3, d=d)).shape[0] == 0


@named(POOLINGS)
def test_a_pooling_of_no_channels_is_refused_as_in_torch(layer, d):
    with pytest.raises(ValueError, match="only the examples may be none"):
        layer(2)(image(2, 0, d=d))
    with pytest.raises(RuntimeError):
        getattr(torch.nn, layer.__name__)(2)(torch.from_numpy(image(2, 0, d=d)))


@named(CONVOLUTIONS)
def test_a_convolution_names_its_channels(layer, d):
    with pytest.raises(ValueError, match=r"with c = in_channels = 3, got shape \(2, 4"):
        made(layer, d, 2)(image(2, 4, d=d))


@named([*CONVOLUTIONS, *POOLINGS])
@pytest.mark.parametrize("leading", [(2,), ()])
def test_the_upstream_gradient_has_shape_dtype_and_library_of_the_output(
    layer, d, leading
):
    module = made(layer, d, 2)
    y = module(image(*leading, 3, d=d))
    with pytest.raises(ValueError, match="grad_output must have shape"):
        module.backward(np.ones((*y.shape[:-1], 1)))
    with pytest.raises(ValueError, match="grad_output must have shape"):
        module.backward(np.ones((1, *y.shape)))
    with pytest.raises(TypeError, match="grad_output is float32"):
        module.backward(np.ones(y.shape, np.float32))
    with pytest.raises(TypeError, match="arrays of one library"):
        module.backward(torch.ones(*y.shape, dtype=torch.float64))


@named(POOLINGS)
@pytest.mark.parametrize("dtype", ["int64", "bool", "complex128"])
def test_poolings_want_float32_or_float64(layer, d, dtype):
    with pytest.raises(TypeError, match=f"float32 or float64, got {dtype}"):
        layer(2)(np.ones((1, 1, *[4] * d), dtype))


def test_same_padding_keeps_the_size_where_both_ends_are_alike():
    x = image(1, 2, side=7)
    for kernel, dilation in ((3, 1), ((1, 5), 1), (4, 2)):
        layer = nn.Conv2d(2, 1, kernel, padding="same", dilation=dilation)
        assert layer.to(x)(x).shape == (1, 1, 7, 7)
