"""Half precision: torch's scaler to the last bit, and a learner that computes in it."""

import math
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.testing import LAYERS
from compare.testing.reference import built, drawn, torchs
from compare.tolerance import difference
from handmade import amp, nn, optim

NO_JAX = pytest.mark.skipif(find_spec("jax") is None, reason="the extra `jax`")
LIBRARIES = [
    "numpy",
    "torch",
    pytest.param("jax", marks=[NO_JAX, pytest.mark.slow]),
]
EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7}


def give(library):
    return Backend(library, "cpu", "float32").to_handmade


def scalers(**options):
    """A parameter, its optimizer and a scaler, by hand and torch's."""
    ours = nn.Parameter(np.zeros(4, np.float32))
    theirs = torch.nn.Parameter(torch.zeros(4))
    return (
        (ours, optim.SGD([ours], lr=0.5), amp.GradScaler(**options)),
        (
            theirs,
            torch.optim.SGD([theirs], lr=0.5),
            torch.amp.GradScaler("cpu", **options),
        ),
    )


def gradients(seed, count=60):
    """Random gradients; some entries are infinite or NaN."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        grad = rng.normal(size=4) * 10.0 ** rng.integers(-8, 5)
        if rng.random() < 0.25:
            grad[rng.integers(4)] = rng.choice([np.inf, -np.inf, np.nan])
        yield grad.astype(np.float32)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "options",
    [
        {"growth_interval": 3},
        {"growth_interval": 1, "init_scale": 3.0, "growth_factor": 1.7},
        {"growth_interval": 2, "backoff_factor": 0.3, "growth_factor": 3.1},
        {"growth_interval": 1, "init_scale": 2.0**126},
        {"growth_interval": 50, "backoff_factor": 1e-5},
    ],
)
@pytest.mark.parametrize("early", [True, False], ids=["unscale_", "step"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # 1/s may overflow
def test_the_scaler_is_torchs_to_the_last_bit(library, options, early):
    (ours, sgd, scaler), (theirs, torch_sgd, torch_scaler) = scalers(**options)
    ours.data, skipped = give(library)(to_numpy(ours.data)), 0
    if library == "jax" and scaler.get_scale() > 2.0**100:
        pytest.skip("JAX takes 1/s, below float32's normal numbers, for 0")
    # So it does with gradients.
    flushed = float(np.finfo(np.float32).tiny) if library == "jax" else 0.0
    for grad in gradients(len(options)):
        ours.grad, theirs.grad = give(library)(grad), torch.tensor(grad)
        before, loss = ours.data, np.asarray(2.5, np.float32)
        wanted = torch_scaler.scale(torch.tensor(loss)).item()
        scaled = float(scaler.scale(give(library)(loss)))
        assert scaled == pytest.approx(wanted, rel=0, abs=flushed)
        if early:
            scaler.unscale_(sgd)
            torch_scaler.unscale_(torch_sgd)
        scaler.step(sgd)
        torch_scaler.step(torch_sgd)
        got, want = to_numpy(ours.grad), theirs.grad.numpy()
        np.testing.assert_allclose(got, want, rtol=0, atol=flushed)
        new, wanted = to_numpy(ours.data), theirs.detach()
        np.testing.assert_allclose(new, wanted, rtol=1e-6, atol=flushed or 1e-44)
        if not np.isfinite(grad).all():
            np.testing.assert_array_equal(to_numpy(ours.data), to_numpy(before))
            skipped += 1
        scaler.update()
        torch_scaler.update()
        assert scaler.state_dict() == torch_scaler.state_dict()
        assert scaler.get_scale() == torch_scaler.get_scale()
    assert 5 < skipped < 30


def test_states_go_from_one_scaler_to_the_other_and_on():
    (ours, sgd, scaler), (theirs, torch_sgd, torch_scaler) = scalers(growth_interval=3)
    for number, grad in enumerate(gradients(1)):
        ours.grad, theirs.grad = grad, torch.tensor(grad)
        torch_scaler.scale(torch.ones(()))
        scaler.step(sgd)
        torch_scaler.step(torch_sgd)
        scaler.update()
        torch_scaler.update()
        if number % 2:
            state, torch_state = scaler.state_dict(), torch_scaler.state_dict()
            scaler, torch_scaler = amp.GradScaler(7.0), torch.amp.GradScaler("cpu", 7.0)
            scaler.load_state_dict(torch_state)
            torch_scaler.load_state_dict(state)
        assert scaler.state_dict() == torch_scaler.state_dict()


def test_a_state_that_does_not_fit_changes_nothing():
    scaler = amp.GradScaler()
    state = scaler.state_dict()
    for change, error in (
        ({"scale": -1.0}, ValueError),
        ({"growth_interval": 0}, ValueError),
        ({"_growth_tracker": 1.5}, TypeError),
        ({"more": 1}, KeyError),
    ):
        with pytest.raises(error):
            scaler.load_state_dict(state | change)
        assert scaler.state_dict() == state


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"init_scale": 0.0}, "init_scale must be positive and finite, got 0"),
        ({"init_scale": math.inf}, "init_scale must be positive and finite, got inf"),
        ({"init_scale": 1e39}, "init_scale must be within float32.s range, got 1e.39"),
        ({"init_scale": 1e-50}, "init_scale must be within float32.s range, got 1e-50"),
        ({"growth_factor": 1.0}, "growth_factor must be above 1, got 1"),
        ({"backoff_factor": 1.0}, "backoff_factor must be below 1, got 1"),
        ({"backoff_factor": 0.0}, "backoff_factor must be positive and finite"),
        ({"growth_interval": 0}, "growth_interval must be at least 1, got 0"),
    ],
)
def test_numbers_out_of_their_range_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        amp.GradScaler(**options)


def test_methods_out_of_order_are_refused():
    (ours, sgd, scaler), _ = scalers()
    with pytest.raises(RuntimeError, match="before step"):
        scaler.update()
    with pytest.raises(RuntimeError, match="no parameter has a gradient"):
        scaler.step(sgd)
    ours.grad = np.ones(4, np.float32)
    scaler.unscale_(sgd)
    with pytest.raises(RuntimeError, match="unscale_ was called twice"):
        scaler.unscale_(sgd)
    scaler.step(sgd)
    with pytest.raises(RuntimeError, match="step was called twice"):
        scaler.step(sgd)
    scaler.update()
    ours.grad = np.ones(4, np.float16)
    with pytest.raises(TypeError, match="float32 or float64, got float16"):
        scaler.step(sgd)


def test_one_overflow_among_two_optimizers_halves_the_scale_and_skips_one():
    scaler, parameters = amp.GradScaler(), [nn.Parameter(np.ones(2)) for _ in range(2)]
    for parameter, grad in zip(parameters, (1.0, np.inf), strict=True):
        parameter.grad = np.full(2, grad)
        scaler.step(optim.SGD([parameter], lr=1.0))
    scaler.update()
    assert scaler.get_scale() == 2.0**15
    assert [p.data.tolist() for p in parameters] == [[1 - 2.0**-16] * 2, [1.0, 1.0]]


HALF = [c for c in LAYERS if getattr(nn, c.name).takes_half and c.note != "extreme"]


def half(library, values):
    """A NumPy array of that library; floats in float16."""
    array = Backend(library, "cpu", "float32").to_handmade(values)
    if np.asarray(values).dtype.kind != "f":
        return array
    return array.half() if library == "torch" else array.astype(np.float16)


def in_float16(make, question, library, nn):
    """Output and gradients of a layer in float16: by hand, or by autograd."""
    to_float32 = Backend(library, "cpu", "float32").to_handmade
    module = built(make, question, to_float32, nn)
    for parameter in module.parameters():
        parameter.data = half(library, to_numpy(parameter.data))
    handmade.manual_seed(question.seed)
    torch_ref.manual_seed(question.seed)
    x = half(library, question.inputs[0])
    if nn is torch_ref.nn:
        x.requires_grad_()
    output = module(x)
    upstream = half(library, question.grad_output(to_numpy(output)))
    if nn is torch_ref.nn:
        output.backward(upstream)
        grad = torch.zeros_like(x) if x.grad is None else x.grad
    else:
        grad = module.backward(upstream)
    grads = {f"gradient {n}": p.grad for n, p in module.named_parameters()}
    return {"output": output, "input gradient": grad, **grads}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("case", HALF, ids=lambda case: case.id)
def test_layers_in_float16_are_as_near_to_the_truth_as_torchs_own(case, library):
    question = drawn(case)
    make, torchs_make = (getattr(home, case.name) for home in (nn, torch_ref.nn))
    got = in_float16(make, question, library, nn)
    theirs = in_float16(torchs_make, question, "torch", torch_ref.nn)
    for name, want in torchs(question).items():
        assert to_numpy(got[name]).dtype == np.float16
        error, torchs_error = (difference(a[name], want) for a in (got, theirs))
        allowed = 2 * torchs_error.max_abs + 2 * EPS["float16"] * error.scale
        assert error.max_abs <= allowed, name


def test_other_layers_and_losses_refuse_half_precision():
    x = np.ones((2, 4), np.float16)
    for layer in (nn.LayerNorm(4), nn.Softmax(dim=1), nn.GELU(), nn.BatchNorm1d(4)):
        with pytest.raises(TypeError, match="float32 or float64, got float16"):
            layer(x)
    with pytest.raises(TypeError, match="float32 or float64, got float16"):
        nn.MSELoss()(x, x)
    with pytest.raises(TypeError, match=r"x is float16, but weight is float"):
        nn.Linear(4, 1)(x)


def test_sums_of_float16_are_taken_in_float32():
    layer = nn.Linear(1, 1)
    for parameter in layer.parameters():
        parameter.data = np.ones(parameter.shape, np.float16)
    layer(np.ones((4096, 1), np.float16))
    layer.backward(np.ones((4096, 1), np.float16))
    for parameter in layer.parameters():  # number by number, float16 stops at 2048
        assert parameter.grad == 4096


RNG = np.random.default_rng(0)
X, CLASSES = RNG.normal(size=(32, 6)), RNG.integers(0, 4, 32)


def learner(library, dtype="float16", clip=None, **scaling):
    return library.amp.MixedPrecisionLearner(
        library.nn.Sequential(
            library.nn.Linear(6, 8), library.nn.Tanh(), library.nn.Linear(8, 4)
        ),
        library.nn.CrossEntropyLoss(),
        partial(library.optim.SGD, lr=0.5, momentum=0.9),
        clip=clip,
        scaler=library.amp.GradScaler(**{"growth_interval": 2, **scaling}),
        dtype=dtype,
    )


def started(side, array="numpy", master="float32", **options):
    """A learner with the same weights on both sides, and a batch for it."""
    backend = Backend(array, "cpu", master)
    library, to = (
        (torch_ref, backend.to_torch)
        if side == "torch_ref"
        else (handmade, backend.to_handmade)
    )
    handmade.manual_seed(0)
    start = learner(handmade).model.state_dict()
    made = learner(library, **options).to(to(np.zeros(1)))
    made.model.load_state_dict({name: to(a) for name, a in start.items()})
    return made, (to(X), to(CLASSES))


def trained(*args, steps=30, **options):
    """Losses, scales and weights."""
    made, batch = started(*args, **options)
    losses, scales = [], []
    for _ in range(steps):
        losses.append(made.step(*batch))
        scales.append(made.scaler.get_scale())
    return losses, scales, {n: to_numpy(a) for n, a in made.parameters().items()}


@pytest.mark.parametrize("master", ["float32", "float64"])
@pytest.mark.parametrize(
    ("library", "dtype"),
    [
        ("numpy", "float16"),
        ("torch", "float16"),
        ("torch", "bfloat16"),
        pytest.param("jax", "float16", marks=[NO_JAX, pytest.mark.slow]),
        pytest.param("jax", "bfloat16", marks=[NO_JAX, pytest.mark.slow]),
    ],
)
def test_training_in_half_precision_is_torchs_up_to_its_rounding(
    library, dtype, master
):
    losses, scales, weights = trained("handmade", library, master, dtype=dtype)
    wanted, torch_scales, want = trained("torch_ref", "torch", master, dtype=dtype)
    assert scales == torch_scales
    assert dtype == "bfloat16" or min(np.diff(scales)) < 0  # float16 overflows
    np.testing.assert_allclose(losses, wanted, atol=4 * EPS[dtype])
    for name, array in want.items():
        assert weights[name].dtype == array.dtype == master
        assert difference(weights[name], array).within(16 * EPS[dtype]), name


def test_the_gradient_is_that_of_float16_and_not_of_float32():
    made, batch = started("handmade", init_scale=1.0)
    made.step(*batch)
    for grad in made.gradients().values():
        np.testing.assert_array_equal(grad, grad.astype(np.float16))
        assert grad.dtype == np.float32


def test_numpy_has_no_bfloat16_and_says_so():
    made, batch = started("handmade", dtype="bfloat16")
    with pytest.raises(TypeError, match=r"numpy has no bfloat16"):
        made.step(*batch)
    with pytest.raises(ValueError, match="'float16' or 'bfloat16', got 'float8'"):
        started("handmade", dtype="float8")
    made, optimizer = nn.Linear(1, 1), partial(optim.SGD, lr=1.0)
    scaler: Any = 65536.0
    with pytest.raises(TypeError, match="scaler must be a GradScaler, got float"):
        amp.MixedPrecisionLearner(made, nn.MSELoss(), optimizer, scaler=scaler)


@pytest.mark.parametrize("side", ["handmade", "torch_ref"])
def test_a_step_that_overflows_changes_the_scale_and_nothing_else(side):
    made, batch = started(side, init_scale=2.0**30)
    before = {n: to_numpy(a).copy() for n, a in made.parameters().items()}
    made.step(*batch)
    assert made.scaler.get_scale() == 2.0**29
    assert made.gradients() == {}
    for name, array in made.parameters().items():
        np.testing.assert_array_equal(to_numpy(array), before[name])
    while not made.gradients():
        made.step(*batch)
    assert made.scaler.get_scale() < 2.0**20


@pytest.mark.parametrize("side", ["handmade", "torch_ref"])
def test_gradients_are_clipped_after_they_are_unscaled(side):
    library = {"handmade": handmade, "torch_ref": torch_ref}[side]
    clip = partial(library.nn.utils.clip_grad_norm_, max_norm=0.01)
    made, batch = started(side, clip=clip)
    made.step(*batch)
    norm = math.hypot(*(np.linalg.norm(g) for g in made.gradients().values()))
    assert norm == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("side", ["handmade", "torch_ref"])
def test_a_learner_goes_on_from_its_state(side):
    made, batch = started(side)
    for _ in range(5):
        made.step(*batch)
    again, _ = started(side)
    again.load_state_dict(made.state_dict())
    for _ in range(5):
        assert made.step(*batch) == again.step(*batch)
        assert made.scaler.state_dict() == again.scaler.state_dict()


def test_weights_and_batch_are_not_written_to():
    made, (x, target) = started("handmade")
    weights = dict(made.parameters())
    given = [x, target, *weights.values()]
    before = [array.copy() for array in given]
    made.step(x, target)
    for now, then in zip(given, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_after_an_error_the_weights_are_the_own_ones_again():
    made, (x, target) = started("handmade")
    weights = made.parameters()
    with pytest.raises(ValueError, match="in_features"):
        made.step(x[:, :5], target)
    assert all(made.parameters()[name] is array for name, array in weights.items())
