"""Weights in few bits: levels, rounding, the straight-through gradient, bytes."""

import array_api_strict
import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from compare.experiments import few_bits, precision_paths
from compare.results import Side, Trial
from handmade import nn
from handmade.quantize import model_bytes, quantize, quantized_state_dict, rounded

ALL_BITS = (2, 3, 4, 8, 16, 24, "ternary", "binary")
LEVELS = {2: 3, 3: 7, 4: 15, 8: 255, "ternary": 3, "binary": 2}
GIVE = {
    "numpy": np.asarray,
    "torch": lambda a: torch.from_numpy(np.array(a)),
    "strict": array_api_strict.asarray,
}


def drawn(*shape, seed=0, dtype="float64"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def most(bits):
    return 1 if isinstance(bits, str) else 2 ** (bits - 1) - 1


@pytest.mark.parametrize(
    ("bits", "scale", "stored", "used"),
    [
        # max |w| / 3 = 1; ties at ½, 1½ and 2½ go to the even number
        (3, 1.0, [0, 2, 2, -2, -3, 0], [0, 2, 2, -2, -3, 0]),
        # max |w| = 3: only what is beyond half of it is not 0; half of it is
        (2, 3.0, [0, 0, 1, -1, -1, 0], [0, 0, 3, -3, -3, 0]),
        # mean |w| = 1.6
        ("ternary", 1.6, [0, 1, 1, -1, -1, 0], [0, 1.6, 1.6, -1.6, -1.6, 0]),
        ("binary", 1.6, [1, 1, 1, -1, -1, 1], [1.6, 1.6, 1.6, -1.6, -1.6, 1.6]),
    ],
)
@pytest.mark.parametrize("library", GIVE)
def test_a_worked_example(bits, scale, stored, used, library):
    weight = GIVE[library](np.array([0.5, 1.5, 2.5, -2.1, -3.0, 0.0]))
    got = quantize(weight, bits)
    assert str(got.stored.dtype).endswith("int8")
    assert float(got.scale) == pytest.approx(scale, rel=1e-15)
    np.testing.assert_array_equal(np.asarray(got.stored), stored)
    np.testing.assert_allclose(np.asarray(got.used), used, rtol=1e-15)
    if library == "torch":
        np.testing.assert_array_equal(
            torch_ref.quantize.quantize(weight, bits).stored, stored
        )


def test_a_worked_example_in_eight_bits():
    got = quantize(np.array([[1.27, -0.634], [0.006, 0.004]]), 8)
    assert float(got.scale) == pytest.approx(0.01)
    np.testing.assert_array_equal(got.stored, [[127, -63], [1, 0]])
    np.testing.assert_allclose(got.used, [[1.27, -0.63], [0.01, 0.0]], atol=1e-15)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bits", ALL_BITS)
def test_both_wings_store_the_same_numbers(bits, dtype):
    for seed in range(5):
        weight = drawn(30, 20, seed=seed, dtype=dtype)
        ours = quantize(weight, bits)
        theirs = torch_ref.quantize.quantize(torch.from_numpy(weight), bits)
        assert ours.stored.dtype == to_numpy(theirs.stored).dtype
        assert ours.used.dtype == ours.scale.dtype == weight.dtype
        np.testing.assert_array_equal(ours.stored, theirs.stored)
        eps = np.finfo(dtype).eps  # a mean may be summed in another order
        np.testing.assert_allclose(ours.scale, theirs.scale, rtol=4 * eps)
        np.testing.assert_allclose(ours.used, theirs.used, rtol=4 * eps)


@pytest.mark.parametrize("bits", LEVELS)
def test_all_levels_and_no_others_are_used(bits):
    got = quantize(np.linspace(-1, 1, 4001), bits)
    assert len(np.unique(got.stored)) == LEVELS[bits]
    assert (got.stored.min(), got.stored.max()) == (-most(bits), most(bits))


@pytest.mark.parametrize(
    ("bits", "dtype"), [(2, "int8"), (8, "int8"), (9, "int16"), (17, "int32")]
)
def test_the_integers_are_as_short_as_can_be(bits, dtype):
    weight = np.array([-1.0, 0.3, 1.0])
    assert quantize(weight, bits).stored.dtype == dtype
    assert int(quantize(weight, bits).stored[2]) == 2 ** (bits - 1) - 1
    twin = torch_ref.quantize.quantize(torch.from_numpy(weight), bits)
    assert str(twin.stored.dtype) == f"torch.{dtype}"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bits", [2, 3, 4, 8, 16])
def test_the_error_is_at_most_half_a_scale_and_comes_near_it(bits, dtype):
    weight = drawn(100, 100, dtype=dtype)
    got = quantize(weight, bits)
    error = np.abs(got.used.astype(float) - weight).max() / float(got.scale)
    assert 0.49 < error <= 0.5 * (1 + most(bits) * 4 * np.finfo(dtype).eps)


def test_a_ternary_error_is_at_most_half_a_scale_but_for_what_is_clipped():
    weight = drawn(100, 100)
    got = quantize(weight, "ternary")
    error = np.abs(got.used - weight) / got.scale
    clipped = np.abs(weight) > 1.5 * got.scale
    assert 0.1 < clipped.mean() < 0.4
    assert error[~clipped].max() <= 0.5 + 1e-12
    assert error[clipped].min() > 0.5


@pytest.mark.parametrize("bits", [2, 3, 4, 8, 16, "binary"])
def test_quantising_the_quantised_changes_nothing(bits):
    once = quantize(drawn(30, 20), bits)
    again = quantize(once.used, bits)
    np.testing.assert_array_equal(again.stored, once.stored)
    np.testing.assert_allclose(again.used, once.used, rtol=1e-14)


def test_ternary_again_keeps_the_stored_and_shrinks_the_scale_by_the_share_of_zeros():
    once = quantize(drawn(30, 20), "ternary")
    again = quantize(once.used, "ternary")
    np.testing.assert_array_equal(again.stored, once.stored)
    assert again.scale == pytest.approx(once.scale * np.mean(once.stored != 0))
    assert again.scale < 0.9 * once.scale


@pytest.mark.parametrize("factor", [0.125, 1024.0])
@pytest.mark.parametrize("bits", ALL_BITS)
def test_larger_weights_have_a_larger_scale_and_the_same_stored(bits, factor):
    one, other = quantize(drawn(9, 7), bits), quantize(factor * drawn(9, 7), bits)
    np.testing.assert_array_equal(one.stored, other.stored)
    np.testing.assert_array_equal(factor * one.used, other.used)


@pytest.mark.parametrize("bits", [b for b in ALL_BITS if b != "binary"])
def test_negative_weights_are_stored_as_the_negative(bits):
    one, other = quantize(drawn(9, 7), bits), quantize(-drawn(9, 7), bits)
    np.testing.assert_array_equal(one.stored, -other.stored)


@pytest.mark.parametrize("wing", [handmade, torch_ref])
@pytest.mark.parametrize("bits", ALL_BITS)
def test_weights_that_are_all_zero_stay_zero_and_nothing_is_divided(bits, wing):
    give = np.asarray if wing is handmade else torch.as_tensor
    got = wing.quantize.quantize(give(np.zeros((2, 3))), bits)
    assert float(got.scale) == 0
    assert float(abs(got.used).max()) == 0
    assert set(np.asarray(got.stored).ravel().tolist()) == {int(bits == "binary")}


@pytest.mark.parametrize("wing", [handmade, torch_ref])
def test_no_number_beyond_the_levels_where_the_scale_itself_is_rounded(wing):
    tiny = 5e-324  # 10/7 of it is rounded down to 1: w / s = 10
    weight = np.array([10 * tiny, -10 * tiny, tiny])
    give = np.asarray if wing is handmade else torch.as_tensor
    stored = wing.quantize.quantize(give(weight), 4).stored
    np.testing.assert_array_equal(stored, [7, -7, 1])


ENDS = {
    "the largest": lambda f: np.full(6, f.max),
    "the largest and its negative": lambda f: f.max * np.array([1, -1, 0.5, -0.3, 0]),
    "many of the largest": lambda f: np.full(1000, -f.max),
    "the smallest": lambda f: np.full(6, f.smallest_subnormal),
    "the smallest and zeros": lambda f: f.smallest_subnormal * np.eye(3),
    "some of the smallest": lambda f: f.smallest_subnormal * np.arange(-9.0, 7),
    "both ends": lambda f: np.array([f.max, -f.smallest_subnormal, 1.0, 0]),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bits", ALL_BITS)
@pytest.mark.parametrize("name", ENDS)
def test_at_the_ends_of_a_dtype_both_wings_store_the_same_finite_numbers(
    name, bits, dtype
):
    weight = ENDS[name](np.finfo(dtype)).astype(dtype)
    ours = quantize(weight, bits)
    theirs = torch_ref.quantize.quantize(torch.from_numpy(weight), bits)
    assert 0 < ours.scale < np.inf
    assert np.isfinite(ours.used).all()
    assert ours.used.any()
    np.testing.assert_array_equal(ours.stored, theirs.stored)
    np.testing.assert_allclose(ours.scale, theirs.scale, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(ours.used, theirs.used, rtol=4 * np.finfo(dtype).eps)
    if isinstance(bits, int) and not np.any(np.abs(weight) < 1e-300):
        off = np.abs(weight / 2 - ours.used / 2).max()  # halves: no overflow
        assert off <= ours.scale / 4 * (1 + most(bits) * 4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("bits", ["ternary", "binary"])
def test_a_rounded_mean_is_no_larger_than_the_largest_weight(bits):
    v, means = np.float32(2 - 2**-22), []
    for n in range(2, 60):
        weight = np.full(n, v)
        means.append(np.mean(weight))
        assert quantize(weight, bits).scale <= v
        assert torch_ref.quantize.quantize(torch.from_numpy(weight), bits).scale <= v
    assert max(means) > v  # rounding alone would have made it so


def test_the_smallest_numbers_are_kept_as_they_are_where_the_levels_reach():
    tiny = 5e-324
    weight = np.array([3 * tiny, -tiny, 0.0])
    np.testing.assert_array_equal(quantize(weight, 4).used, weight)
    assert quantize(weight, 4).scale == tiny


@pytest.mark.parametrize("wing", [handmade, torch_ref])
def test_zero_and_minus_zero_are_plus_one_in_binary(wing):
    give = np.asarray if wing is handmade else torch.as_tensor
    got = wing.quantize.quantize(give(np.array([0.0, -0.0, -1.0])), "binary")
    np.testing.assert_array_equal(got.stored, [1, 1, -1])


@pytest.mark.parametrize("bits", [8, 4])
def test_torchs_own_fake_quantisation_gives_the_same_values_and_gradient(bits):
    weight = torch.from_numpy(drawn(30, 20, dtype="float32")).requires_grad_()
    got = quantize(weight.detach(), bits)
    fake = torch.fake_quantize_per_tensor_affine(
        weight, float(got.scale), 0, -most(bits), most(bits)
    )
    np.testing.assert_allclose(fake.detach(), got.used, rtol=1e-6, atol=0)
    upstream = torch.from_numpy(drawn(30, 20, seed=1, dtype="float32"))
    (gradient,) = torch.autograd.grad(fake, weight, upstream)
    layer = nn.QuantizedLinear(20, 30, bits, bias=False).to(weight.detach())
    layer.weight.data = weight.detach()
    layer(torch.eye(20))
    layer.backward(upstream.T.contiguous())
    np.testing.assert_array_equal(gradient, layer.weight.grad)


def test_torchs_own_gradient_stops_at_the_clipped_where_ours_passes():
    weight = torch.tensor([[0.1, -5.0, 0.2]], requires_grad=True)
    scale = float(quantize(weight.detach(), "ternary").scale)
    fake = torch.fake_quantize_per_tensor_affine(weight, scale, 0, -1, 1)
    (gradient,) = torch.autograd.grad(fake.sum(), weight)
    assert gradient.tolist() == [[1, 0, 1]]
    layer = nn.QuantizedLinear(3, 1, "ternary", bias=False)
    layer.weight.data = weight.detach().numpy()
    layer(np.ones((1, 3), np.float32))
    layer.backward(np.ones((1, 1), np.float32))
    assert layer.weight.grad.tolist() == [[1, 1, 1]]


WHERE_IT_JUMPS = {
    2: [-3.0, 1.5, -1.5, 0.0, 3.0, 1.0],
    3: [-3.0, 0.5, -0.5, 1.5, 2.5, 0.0],
    4: [-7.0, 0.5, -2.5, 6.5, 3.0, 0.0],
    "ternary": [1.0, -1.0, 3.0, -3.0, 2.0, 0.0],
    "binary": [0.0, -0.0, 1.0, -1.0, 2.0, 0.0],
}
"""By bits: weights of which some lie exactly half way, at the clip, or at 0."""


@pytest.mark.parametrize("bits", WHERE_IT_JUMPS)
def test_exactly_where_it_jumps_both_wings_take_the_same_side(bits):
    weight = np.array(WHERE_IT_JUMPS[bits]).reshape(2, 3)
    x, upstream = drawn(5, 3), drawn(5, 2, seed=1)
    ours = nn.QuantizedLinear(3, 2, bits).to(np.zeros(1))
    theirs = torch_ref.nn.QuantizedLinear(3, 2, bits).double()
    ours.load_state_dict({"weight": weight, "bias": np.ones(2)})
    state = {"weight": torch.from_numpy(weight), "bias": torch.ones(2)}
    theirs.load_state_dict(state)
    given = torch.from_numpy(x).requires_grad_()
    output = theirs(given)
    output.backward(torch.from_numpy(upstream))
    np.testing.assert_allclose(ours(x), output.detach(), rtol=1e-14)
    np.testing.assert_allclose(ours.backward(upstream), given.grad, rtol=1e-14)
    np.testing.assert_allclose(ours.weight.grad, theirs.weight.grad, rtol=1e-13)
    for got, want in zip(ours.quantized(), theirs.quantized(), strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_used_weight_jumps_after_many_steps_too_small_to_see():
    layer = nn.QuantizedLinear(1, 2, 2, bias=False)
    layer.weight.data = np.array([[1.0], [0.4]])
    used = []
    for _ in range(4):
        used.append(float(layer.quantized().used[1, 0]))
        layer.weight.data = layer.weight.data + np.array([[0.0], [0.04]])
    assert used == [0, 0, 0, 1]


def test_backward_uses_the_weights_of_its_forward_pass_though_they_change_between():
    layer = nn.QuantizedLinear(3, 2, 4).to(np.zeros(1))
    used = layer.quantized().used
    layer(drawn(5, 3))
    layer.weight.data = -3 * layer.weight.data
    upstream = drawn(5, 2, seed=1)
    np.testing.assert_allclose(layer.backward(upstream), upstream @ used)


@pytest.mark.parametrize(
    ("bits", "matrices", "rest"),
    [
        ("float32", 4 * 18, 12),
        ("float16", 2 * 18, 6),
        ("bfloat16", 2 * 18, 6),
        (8, 12 + 4 + 6 + 4, 12),
        (4, 6 + 4 + 3 + 4, 12),
        (3, 5 + 4 + 3 + 4, 12),  # 36 and 18 bits, in whole bytes
        ("ternary", 3 + 4 + 2 + 4, 12),  # five to a byte
        ("binary", 2 + 4 + 1 + 4, 12),
    ],
)
def test_bytes_are_counted_by_hand(bits, matrices, rest):
    state = {"a": np.ones((3, 4)), "b": np.ones(3), "c": np.ones((2, 3))}
    assert model_bytes(state, bits) == matrices + rest
    tensors = {name: torch.from_numpy(a) for name, a in state.items()}
    assert torch_ref.quantize.model_bytes(tensors, bits) == matrices + rest


@pytest.mark.parametrize("bits", [*ALL_BITS, "float32", "float16", "bfloat16"])
def test_a_state_is_quantised_alike_in_both_wings_and_stays_as_it_was(bits):
    state = {"a": drawn(3, 4), "b": drawn(3), "c": drawn(2, 3, 2), "n": np.asarray(7)}
    before = {name: a.copy() for name, a in state.items()}
    ours = quantized_state_dict(state, bits)
    tensors = {name: torch.from_numpy(np.array(a)) for name, a in state.items()}
    theirs = torch_ref.quantize.quantized_state_dict(tensors, bits)
    assert list(ours) == list(theirs) == list(state)
    for name, array in ours.items():
        np.testing.assert_allclose(array, theirs[name], rtol=1e-15)
        np.testing.assert_array_equal(state[name], before[name])
    assert np.abs(ours["a"] - state["a"]).max() > 0
    shorter = bits in ("float32", "float16", "bfloat16")
    assert np.array_equal(ours["b"], state["b"]) != shorter
    np.testing.assert_array_equal(ours["n"], 7)
    if not shorter:
        np.testing.assert_array_equal(ours["c"], quantize(state["c"], bits).used)


def patterns(dtype):
    """Halfway points, powers of two, subnormals of float16, and random numbers."""
    rng = np.random.default_rng(0)
    halves = (1 + (2 * np.arange(300) + 1) / 2**8) * 2.0 ** rng.integers(-9, 9, 300)
    finer = (1 + (2 * np.arange(300) + 1) / 2**11) * 2.0 ** rng.integers(-9, 9, 300)
    powers = 2.0 ** np.arange(-30, 15)
    near = np.concatenate([powers * (1 - 2.0**-24), powers, powers * (1 + 2.0**-23)])
    wide = rng.normal(size=20_000) * 10.0 ** rng.uniform(-9, 3, 20_000)
    ends = [0.0, -0.0, 65504.0, 3e-8, 2.98e-8, 6e-8, 1.1e-30, 1.1e-35, 1.1e-39, 1e-45]
    found = np.concatenate([halves, -finer, near, wide, ends]).astype(dtype)
    return np.where(np.abs(found) <= 65504, found, 1.0).astype(dtype)


@pytest.mark.parametrize("library", GIVE)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_shorter_floats_are_torchs_and_numpys_bit_for_bit(name, dtype, library):
    values = patterns(dtype)
    got = rounded(GIVE[library](values), name)
    assert str(got.dtype).endswith(dtype)
    want = torch_ref.quantize.rounded(torch.from_numpy(values), name)
    np.testing.assert_array_equal(np.asarray(got), want)
    if name != "bfloat16":
        by_numpy = values.astype("float32").astype(name).astype(dtype)
        np.testing.assert_array_equal(np.asarray(got), by_numpy)
    if name != "float32":
        assert not np.array_equal(np.asarray(got), values)


@pytest.mark.parametrize(
    ("value", "name", "want"),
    [
        (1 + 2**-8, "bfloat16", 1.0),  # half way between 1 and 1 + 2⁻⁷
        (1 + 3 * 2**-8, "bfloat16", 1 + 2**-6),
        (1 + 2**-8 + 2**-40, "bfloat16", 1.0),  # the way leads through float32
        (1 + 2**-11, "float16", 1.0),
        (-3.14159, "bfloat16", -3.140625),
        (1e-8, "float16", 0.0),
        (0.1, "float32", float(np.float32(0.1))),
    ],
)
def test_a_number_rounded_by_hand(value, name, want):
    assert rounded(np.array(value), name) == want


REFUSED = [
    (0, ValueError, "bits must be at least 1, got 0"),
    (1, ValueError, r"bits must be at least 2, got 1; .* are called \"binary\""),
    (-3, ValueError, "bits must be at least 1, got -3"),
    (25, ValueError, "bits must be at most 24, got 25"),
    (True, TypeError, "bits must be a whole number, got bool"),
    (4.0, TypeError, "bits must be a whole number, got float"),
    (1.58, TypeError, "bits must be a whole number, got float"),
    (None, TypeError, "bits must be a whole number, got NoneType"),
    ("tern", ValueError, 'a whole number, "ternary" or "binary", got "tern"'),
    ("float16", ValueError, 'a whole number, "ternary" or "binary", got "float16"'),
]


@pytest.mark.parametrize(("bits", "error", "words"), REFUSED)
def test_unknown_bits_are_refused_by_both_wings(bits, error, words):
    with pytest.raises(error, match=f"quantize: .*{words}"):
        quantize(np.ones(3), bits)
    with pytest.raises(error, match=f"quantize: .*{words}"):
        torch_ref.quantize.quantize(torch.ones(3), bits)
    for wing in (nn, torch_ref.nn):
        with pytest.raises(error, match=f"QuantizedLinear: .*{words}"):
            wing.QuantizedLinear(3, 2, bits)
    if bits != "float16":
        with pytest.raises(error, match=f"model_bytes: .*{words}"):
            model_bytes({"a": np.ones((2, 2))}, bits)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("bits", ALL_BITS)
def test_weights_that_are_no_numbers_are_refused_by_both_wings(bits, odd):
    weight = np.array([1.0, odd, 2.0])
    with pytest.raises(ValueError, match="every weight must be finite"):
        quantize(weight, bits)
    with pytest.raises(ValueError, match="every weight must be finite"):
        torch_ref.quantize.quantize(torch.from_numpy(weight), bits)


@pytest.mark.parametrize(
    ("weight", "error", "words"),
    [
        (np.arange(3), TypeError, "float32 or float64, got int64"),
        (np.ones(3, np.float16), TypeError, "float32 or float64, got float16"),
        ([1.0, 2.0], TypeError, "weight must be an array"),
        (np.ones((0, 3)), ValueError, r"at least one number, got shape \(0, 3\)"),
    ],
)
def test_weights_of_the_wrong_kind_are_refused(weight, error, words):
    with pytest.raises(error, match=f"quantize: .*{words}"):
        quantize(weight, 4)


@pytest.mark.parametrize(
    ("value", "name", "words"),
    [
        (65505.0, "float16", r"float16 holds numbers up to ±65504"),
        (1e39, "float32", r"float32 holds numbers up to ±3.4\d*e\+38"),
        (3.4e38, "bfloat16", r"bfloat16 holds numbers up to ±3.3\d*e\+38"),
        (np.nan, "bfloat16", r"bfloat16 holds numbers up to ±3.3\d*e\+38"),
        (1.0, "float8", "one of float32, float16, bfloat16, got 'float8'"),
        (1.0, 16, "one of float32, float16, bfloat16, got 16"),
    ],
)
def test_what_a_shorter_float_cannot_hold_is_refused(value, name, words):
    with pytest.raises(ValueError, match=words):
        rounded(np.array([1.0, value]), name)
    with pytest.raises(ValueError, match=words):
        torch_ref.quantize.rounded(torch.tensor([1.0, value]).double(), name)


def test_the_layer_refuses_what_does_not_fit():
    layer = nn.QuantizedLinear(3, 2, 4).to(np.zeros(1))
    with pytest.raises(ValueError, match=r"QuantizedLinear: .* in_features = 3, got"):
        layer(np.ones((5, 4)))
    with pytest.raises(TypeError, match="QuantizedLinear: x is float32, but weight"):
        layer(np.ones((5, 3), np.float32))
    with pytest.raises(RuntimeError, match=r"QuantizedLinear.backward .* before"):
        layer.backward(np.ones((5, 2)))
    layer(np.ones((5, 3)))
    with pytest.raises(ValueError, match=r"QuantizedLinear: .* shape \(5, 2\), got"):
        layer.backward(np.ones((5, 3)))


def side(library, trials):
    """Trials whose learner answers with one digit for every picture."""

    class Sure:
        def __init__(self, right, data):
            self.right, self.data = right, data

        def predict(self, x):
            wrong = np.arange(len(x)) >= self.right * len(x)
            answer = (self.data.test_set[1] + wrong) % 10
            return np.eye(10)[answer]

    data = few_bits.EXPERIMENT.data()
    return Side(
        library,
        [Trial(name, 0, data, Sure(right, data), np.asarray) for name, right in trials],
    )


@pytest.mark.parametrize(("few", "holds"), [(0.96, True), (0.94, False)])
def test_the_claim_about_four_bits_can_fail(few, holds, monkeypatch):
    monkeypatch.setattr(few_bits, "size", lambda side, bits: 1)
    claim = few_bits.trained_within("4_bits", 2)
    found = claim(side("handmade", [("float", 0.97), ("4_bits", few)]))
    assert found[0] == holds, found


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_rounded_learner_holds_only_short_weights_from_the_first_step(name):
    for library, give in ((handmade, np.asarray), (torch_ref, torch.as_tensor)):
        learner = precision_paths.rounded(name)(library).to(give(np.zeros(1)))
        learner.step(give(np.ones((4, 2))), give(np.zeros((4, 1))))
        for array in learner.parameters().values():
            values = to_numpy(array)
            np.testing.assert_array_equal(values, rounded(values, name))
