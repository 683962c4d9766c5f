"""Clipped gradients are torch's; nothing is written into what was there before."""

import math

import array_api_strict
import numpy as np
import pytest
import torch

from compare.backend import to_numpy
from handmade import nn

GIVE = {
    "numpy": np.asarray,
    "torch": torch.asarray,
    "strict": array_api_strict.asarray,
}
SHAPES = [(3, 4), (5,), (), (2, 1, 3)]
NORMS = [2.0, 1.0, math.inf, 2, 3.5, 0.5, 0.0, -math.inf, -1.0]


def grads(scale=1.0, dtype=np.float64):
    rng = np.random.default_rng(3)
    return [np.asarray(scale * rng.normal(size=s), dtype) for s in SHAPES]


def parameters(arrays, give):
    made = [nn.Parameter(give(np.zeros_like(a))) for a in arrays]
    for parameter, array in zip(made, arrays, strict=True):
        parameter.grad = give(array)
    return made


def torchs(arrays):
    made = [torch.nn.Parameter(torch.zeros_like(torch.tensor(a))) for a in arrays]
    for parameter, array in zip(made, arrays, strict=True):
        parameter.grad = torch.tensor(array)
    return made


def agree(ours, theirs, dtype=np.float64):
    for a, b in zip(ours, theirs, strict=True):
        got, want = to_numpy(a.grad), b.grad.numpy()
        assert got.dtype == want.dtype == dtype
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=30 * np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("library", GIVE)
@pytest.mark.parametrize("norm_type", NORMS)
@pytest.mark.parametrize("max_norm", [0.5, 1e3, 0, math.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_norm_is_clipped_as_torch_does(library, norm_type, max_norm, dtype):
    ours, theirs = parameters(grads(1, dtype), GIVE[library]), torchs(grads(1, dtype))
    got = nn.utils.clip_grad_norm_(ours, max_norm, norm_type)
    want = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert type(got) is type(ours[0].grad)
    assert got.shape == ()
    eps = float(np.finfo(dtype).eps)
    assert to_numpy(got).dtype == dtype
    assert float(got) == pytest.approx(want.item(), 30 * eps)
    agree(ours, theirs, dtype)


@pytest.mark.parametrize("library", GIVE)
@pytest.mark.parametrize("limit", [0.3, 0, 1, 9, math.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_are_clipped_as_torch_does(library, limit, dtype):
    given = grads(1, dtype)
    given[0][0] = [math.nan, math.inf, -math.inf, limit if limit < 9 else 0]
    ours, theirs = parameters(given, GIVE[library]), torchs(given)
    assert nn.utils.clip_grad_value_(iter(ours), limit) is None
    torch.nn.utils.clip_grad_value_(theirs, limit)
    agree(ours, theirs, dtype)


def test_a_clip_worked_by_hand():
    one, two = parameters([np.asarray([3.0]), np.asarray([0.0, -4.0])], np.asarray)
    assert nn.utils.clip_grad_norm_([one, two], 1.0) == 5.0
    np.testing.assert_allclose(one.grad, [0.6], rtol=1e-6)
    np.testing.assert_allclose(two.grad, [0.0, -0.8], rtol=1e-6)
    nn.utils.clip_grad_value_([one, two], 0.7)
    np.testing.assert_allclose(two.grad, [0.0, -0.7], rtol=1e-15)


def test_a_short_gradient_keeps_its_length_bit_for_bit():
    (one,) = parameters([np.asarray([0.3, 0.4])], np.asarray)
    nn.utils.clip_grad_norm_(one, 0.6)
    assert one.grad.tolist() == [0.3, 0.4]


@pytest.mark.parametrize("library", GIVE)
def test_the_gradient_that_was_there_is_not_written_into(library):
    given = grads(100)
    for clip in (nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_):
        ours = parameters(given, GIVE[library])
        before = [p.grad for p in ours]
        clip(ours, 0.1)
        for parameter, old, array in zip(ours, before, given, strict=True):
            assert parameter.grad is not old
            np.testing.assert_array_equal(to_numpy(old), array)


def test_one_parameter_and_those_without_a_gradient_are_taken():
    for clip in (nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_):
        (one,) = parameters([np.asarray([3.0, 4.0])], np.asarray)
        clip(one, 0.5)
        assert np.max(one.grad) <= 0.5
        idle = nn.Parameter(np.ones(2))
        clip([idle, one, idle], 0.1)
        assert idle.grad is None
        assert np.max(one.grad) <= 0.1


def test_without_any_gradient_the_norm_is_torchs_zero():
    for none in ([], [nn.Parameter(np.ones(2))]):
        norm = nn.utils.clip_grad_norm_(none, 1.0)
        want = torch.nn.utils.clip_grad_norm_([], 1.0)
        assert (norm.dtype.name, norm.shape, float(norm)) == ("float32", (), 0.0)
        assert (want.dtype, want.shape, float(want)) == (torch.float32, (), 0.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("norm_type", [2.0, math.inf])
def test_a_non_finite_norm_makes_torchs_gradients_or_an_error(bad, norm_type):
    given = [np.asarray([1.0, bad, 0.0]), np.asarray(2.0)]
    ours, theirs = parameters(given, np.asarray), torchs(given)
    with pytest.raises(RuntimeError, match=r"norm of order .* of all gradients is"):
        nn.utils.clip_grad_norm_(ours, 1.0, norm_type, error_if_nonfinite=True)
    np.testing.assert_array_equal(ours[0].grad, given[0])
    nn.utils.clip_grad_norm_(ours, 1.0, norm_type)
    torch.nn.utils.clip_grad_norm_(theirs, 1.0, norm_type)
    agree(ours, theirs)


def test_a_finite_norm_is_no_error():
    ours = parameters(grads(), np.asarray)
    nn.utils.clip_grad_norm_(ours, 1.0, error_if_nonfinite=True)


@pytest.mark.parametrize("clip", ["clip_grad_norm_", "clip_grad_value_"])
@pytest.mark.parametrize(
    ("given", "limit", "error", "words"),
    [
        (nn.Parameter(np.ones(2)), -1, ValueError, "must be at least 0, got -1"),
        (nn.Parameter(np.ones(2)), math.nan, ValueError, "must be at least 0, got nan"),
        (nn.Parameter(np.ones(2)), "1", TypeError, "must be a real number, got str"),
        ([np.ones(2)], 1, TypeError, "expected handmade Parameters, got ndarray"),
        (5, 1, TypeError, "expected handmade Parameters, got int"),
        (
            [torch.nn.Parameter(torch.ones(2))],
            1,
            TypeError,
            "expected handmade Parameters, got Parameter",
        ),
        (
            [parameters([np.ones(2)], give)[0] for give in (np.asarray, torch.asarray)],
            1,
            TypeError,
            "give both as arrays of one library",
        ),
        (
            parameters([np.ones(2), np.ones(2, np.float32)], np.asarray),
            1,
            TypeError,
            "give both in one dtype",
        ),
        (parameters([np.ones(2, int)], np.asarray), 1, TypeError, "floating-point"),
    ],
    ids=range(9),
)
def test_what_cannot_be_clipped_is_refused(clip, given, limit, error, words):
    with pytest.raises(error, match=f"{clip}: .*{words}"):
        getattr(nn.utils, clip)(given, limit)


def test_a_norm_of_no_order_is_refused():
    with pytest.raises(ValueError, match="norm_type must be a number, got nan"):
        nn.utils.clip_grad_norm_(parameters(grads(), np.asarray), 1.0, math.nan)
    with pytest.raises(TypeError, match="norm_type must be a real number, got str"):
        nn.utils.clip_grad_norm_(parameters(grads(), np.asarray), 1.0, "inf")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, 0.5, 0.0, -1.0, -2.0, math.inf])
@pytest.mark.parametrize(
    "given",
    [
        [[math.inf, 1.0]],
        [[math.nan, 1.0]],
        [[1e30, 1e30]],
        [[1e30], [1e30]],
        [[3e38], [3e38]],
        [[0.0, 0.0]],
        [[0.0, 0.0], [1.0, 2.0]],
    ],
    ids=str,
)
def test_a_norm_beyond_the_numbers_is_torchs_and_warns_of_nothing(
    given, norm_type, dtype
):
    given = [np.asarray(one, dtype) for one in given]
    ours, theirs = parameters(given, np.asarray), torchs(given)
    got = nn.utils.clip_grad_norm_(ours, 1.0, norm_type)
    want = torch.nn.utils.clip_grad_norm_(theirs, 1.0, norm_type)
    rtol = 30 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(got, want.numpy(), rtol=rtol)
    agree(ours, theirs, dtype)
