"""Optimizers beyond test_laws.py: states, options, overflow."""

import math

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from handmade import nn, optim
from handmade.optim.muon import orthogonalized

NAMES = [n for n in optim.__all__ if n != "Optimizer"]


def stepped(
    package, name, start, gradients, between=lambda group, step: None, **options
):
    """Where an optimizer ends, and the optimizer; `between` may change its group."""
    make = np.array if package is handmade else torch.tensor
    parameter = package.nn.Parameter(make(start))
    optimizer = getattr(package.optim, name)([parameter], **options)
    for step, gradient in enumerate(gradients):
        parameter.grad = None if gradient is None else make(gradient)
        optimizer.step()
        between(optimizer.param_groups[0], step)
    return to_numpy(parameter.data), optimizer


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_that_is_always_0_moves_nothing_and_warns_of_nothing(name):
    options = {} if name in ("Adagrad", "Rprop", "SGD") else {"weight_decay": 0}
    if name in ("Adagrad", "SGD"):
        options = {"weight_decay": 0}
    start = normal(3, 2)
    end, _ = stepped(handmade, name, start, [np.zeros((3, 2))] * 3, **options)
    np.testing.assert_array_equal(end, start)


@pytest.mark.parametrize("name", NAMES)
def test_a_huge_rate_goes_as_far_as_torch_without_a_warning(name):
    start, gradients = normal(3, 2), normal(3, 3, 2, seed=1)
    ours, theirs = (
        stepped(package, name, start, gradients, lr=1e30)[0]
        for package in (handmade, torch_ref)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_options_may_change_between_the_steps(name):
    """As a schedule does: the rate, and with some the momentum or the betas."""

    def between(group, step):
        group["lr"] *= 0.5
        if "betas" in group:
            group["betas"] = (0.9 - 0.1 * step, 0.9)
        for option in ("momentum", "alpha", "rho", "weight_decay"):
            if option in group:
                group[option] = 0.8 * group[option]

    options = {"momentum": 0.9} if name in ("SGD", "RMSprop", "Muon") else {}
    start, gradients = normal(3, 2), [*normal(4, 3, 2, seed=1), None, normal(3, 2)]
    ours, theirs = (
        stepped(package, name, start, gradients, between, lr=0.1, **options)[0]
        for package in (handmade, torch_ref)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_state_is_torchs_number_for_number(name):
    """Also what no step depends on: RMSprop, Adadelta and Rprop only count theirs."""
    options = {"momentum": 0.9} if name == "SGD" else {}
    start, gradients = normal(3, 2), normal(3, 3, 2, seed=1)
    ours, theirs = (
        stepped(package, name, start, gradients, **options)[1].state_dict()["state"][0]
        for package in (handmade, torch_ref)
    )
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_allclose(value, to_numpy(theirs[key]), rtol=1e-12)


WIDE = {
    "Adadelta": {"rho": 0.9, "eps": 1e-6},
    "Adagrad": {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-10},
    "Adam": {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1},
    "AdamW": {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1},
    "Muon": {"momentum": 0.9, "weight_decay": 0.1, "eps": 1e-7},
    "NAdam": {"betas": (0.9, 0.999), "momentum_decay": 0.1, "weight_decay": 0.1},
    "RMSprop": {"alpha": 0.9, "momentum": 0.9, "eps": 1e-8},
    "Rprop": {"etas": (0.5, 1.2), "step_sizes": (1e-6, 50.0)},
    "SGD": {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.1},
}


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_numpy_widen_neither_parameter_nor_state(name):
    wide = {
        k: tuple(map(np.float64, v)) if isinstance(v, tuple) else np.float64(v)
        for k, v in {"lr": 0.1, **WIDE[name]}.items()
    }
    single = normal(3, 2).astype(np.float32)
    end, optimizer = stepped(handmade, name, single, [single, -single, single], **wide)
    assert end.dtype == np.float32
    for value in optimizer.state_dict()["state"][0].values():
        assert isinstance(value, (int, float)) or value.dtype == np.float32


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("SGD", "Muon")])
def test_the_step_is_a_number_however_it_was_saved(name):
    _, optimizer = stepped(handmade, name, normal(3, 2), normal(3, 3, 2))
    saved = optimizer.state_dict()
    for kind in (int, float, np.float32, np.asarray, torch.tensor):
        saved["state"][0]["step"] = kind(3)
        optimizer.load_state_dict(saved)
        (state,) = optimizer.state.values()
        assert isinstance(state["step"], (int, float))
        assert state["step"] == 3


@pytest.mark.parametrize(
    ("step", "error", "words"),
    [
        (np.ones(2), ValueError, r"Adam: step must have shape \(\), got \(2,\)"),
        ("3", TypeError, "Adam: step must be a real number, got str"),
        (None, TypeError, "Adam: step must be a real number, got NoneType"),
    ],
)
def test_a_step_that_is_no_number_is_refused(step, error, words):
    _, optimizer = stepped(handmade, "Adam", normal(2), normal(1, 2))
    saved = optimizer.state_dict()
    saved["state"][0]["step"] = step
    with pytest.raises(error, match=words):
        optimizer.load_state_dict(saved)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        *(
            (name, {option: -1}, f"{name}: {option} must be at least 0, got -1")
            for name, options in {
                "Adadelta": ("lr", "eps", "weight_decay"),
                "Adagrad": (
                    "lr",
                    "lr_decay",
                    "eps",
                    "weight_decay",
                    "initial_accumulator_value",
                ),
                "Adam": ("lr", "eps", "weight_decay"),
                "AdamW": ("lr", "eps", "weight_decay"),
                "Muon": ("lr", "weight_decay", "momentum", "eps"),
                "NAdam": ("lr", "eps", "weight_decay", "momentum_decay"),
                "RMSprop": ("lr", "eps", "weight_decay", "momentum"),
                "Rprop": ("lr",),
            }.items()
            for option in options
        ),
        ("Adam", {"lr": math.nan}, "Adam: lr must be at least 0, got nan"),
        *(
            (name, {"betas": betas}, rf"{name}: betas must be two numbers in \[0, 1\)")
            for name in ("Adam", "AdamW", "NAdam")
            for betas in ((1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9,))
        ),
        ("Adadelta", {"rho": 1.1}, r"Adadelta: rho must lie in \[0, 1\], got 1.1"),
        ("RMSprop", {"alpha": 1.1}, r"RMSprop: alpha must lie in \[0, 1\], got 1.1"),
        ("RMSprop", {"alpha": -0.1}, r"RMSprop: alpha must lie in \[0, 1\]"),
        *(
            ("Rprop", {"etas": etas}, r"Rprop: etas must be one number in \(0, 1\)")
            for etas in ((0.0, 1.2), (1.0, 1.2), (0.5, 1.0))
        ),
        *(
            ("Rprop", {"step_sizes": sizes}, "Rprop: step_sizes must be the smallest")
            for sizes in ((2, 1), (-1, 1), (0, math.nan))
        ),
        ("Muon", {"ns_steps": 100}, "Muon: ns_steps must be in 0 … 99, got 100"),
        ("Muon", {"ns_coefficients": (1, 2)}, "Muon: ns_coefficients must be 3 n"),
        ("Muon", {"adjust_lr_fn": "x"}, "Muon: adjust_lr_fn must be None, .*got 'x'"),
    ],
)
def test_options_out_of_range_are_named(name, options, words):
    with pytest.raises(ValueError, match=words):
        getattr(optim, name)([nn.Parameter(np.ones((2, 2)))], **options)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", ["foreach", "capturable", "differentiable"])
def test_how_torch_computes_is_no_option_here(name, option):
    with pytest.raises(TypeError, match=option):
        getattr(optim, name)([nn.Parameter(np.ones((2, 2)))], **{option: True})


def test_muon_takes_matrices_only():
    for shape in ((3,), (), (2, 2, 2)):
        with pytest.raises(ValueError, match="Muon: every parameter must be a matrix"):
            optim.Muon([nn.Parameter(np.ones(shape))])


def test_a_group_of_adamw_cannot_ask_for_adam():
    group = {"params": [nn.Parameter(np.ones(2))], "decoupled_weight_decay": False}
    with pytest.raises(ValueError, match="that is Adam"):
        optim.AdamW([group])


def test_all_groups_of_adagrad_start_alike():
    name = "initial_accumulator_value"
    group = {"params": [nn.Parameter(np.ones(2))], name: 0.5}
    with pytest.raises(ValueError, match=f"{name} is nan for all groups, got nan"):
        optim.Adagrad([nn.Parameter(np.ones(2))], initial_accumulator_value=np.nan)
    with pytest.raises(ValueError, match=f"{name} is 0 for all groups, got 0.5"):
        optim.Adagrad([group])
    assert optim.Adagrad([group], initial_accumulator_value=0.5).param_groups


def test_a_variance_that_is_rounded_below_0_is_0():
    """The mean square of a constant is its square, but for rounding."""
    gradients = [np.full(64, 0.1) * np.arange(1, 65)] * 400
    end, _ = stepped(
        handmade, "RMSprop", np.ones(64), gradients, alpha=0.7, centered=True, eps=1.0
    )
    assert np.all(np.isfinite(end))


@pytest.mark.parametrize("shape", [(8, 8), (16, 4), (3, 12)])
def test_torchs_own_muon_is_as_far_from_ours_as_bfloat16_is_coarse(shape):
    """It rounds after each of 15 products; ours, given a gradient rounded once, is off.

    What lies between the two is that noise a few times, and no more.
    """
    (gradient,) = gradients = normal(1, *shape)
    coarse = torch.tensor(gradient).bfloat16().double().numpy()
    start, options = np.zeros(shape), {"lr": 1.0, "weight_decay": 0.0}
    ours, theirs, twin = (
        stepped(package, "Muon", start, gradients, **options)[0]
        for package in (handmade, torch, torch_ref)
    )
    noisy, _ = stepped(handmade, "Muon", start, [coarse], **options)
    noise = np.max(np.abs(ours - noisy))
    assert 2.0**-12 < noise < 2.0**-6
    assert noise < np.max(np.abs(ours - theirs)) < 15 * noise
    np.testing.assert_allclose(ours, twin, rtol=0, atol=1e-13)


def test_orthogonalised_singular_values_lie_about_1():
    for shape in ((6, 6), (9, 3), (2, 7)):
        x = orthogonalized(normal(*shape), (3.4445, -4.775, 2.0315), 5, 1e-7)
        found = np.linalg.svd(x, compute_uv=False)
        assert np.all((found > 0.3) & (found < 1.3)), found


def test_torchs_own_nadam_is_as_far_from_ours_as_its_product_is_rounded():
    start, gradients = normal(5), normal(10, 5, seed=1)
    ours, theirs, twin = (
        stepped(package, "NAdam", start, gradients, lr=0.1)[0]
        for package in (handmade, torch, torch_ref)
    )
    single = float(np.finfo(np.float32).eps)
    assert 1e-12 < np.max(np.abs(ours - theirs)) < single
    np.testing.assert_allclose(ours, twin, rtol=1e-12)


X, Y = normal(6, 3), normal(6, 2, seed=1)


EXTREME = {
    "zeros": [[0.0, 0.0]] * 2,
    "large": [[1e20, 1.0]] * 3,
    "turning": [[1e20, -1e20], [0.0, 1e20], [1.0, 2.0]],
    "no numbers": [[math.inf, math.nan]] * 2,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gradients", EXTREME.values(), ids=EXTREME)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Adadelta", {"eps": 0.0}),
        ("Adagrad", {"eps": 0.0}),
        ("Adam", {"eps": 0.0}),
        ("Adam", {"betas": (0.9, 0.0)}),
        ("Adam", {"lr": math.inf}),
        ("AdamW", {}),
        ("NAdam", {}),
        ("NAdam", {"eps": 0.0}),
        ("RMSprop", {"eps": 0.0, "momentum": 0.9}),
        ("RMSprop", {"centered": True}),
        ("Rprop", {}),
        ("SGD", {"lr": math.inf, "momentum": 0.9}),
    ],
)
def test_what_overflows_is_torchs(name, options, gradients, dtype):
    start, *gradients = (np.asarray(a, dtype) for a in ([1.0, -2.0], *gradients))
    with np.errstate(all="ignore"):
        ours, theirs = (
            stepped(package, name, start, gradients, **options)[0]
            for package in (handmade, torch_ref)
        )
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, theirs, rtol=30 * float(np.finfo(dtype).eps))


def test_numpy_says_that_a_step_overflows_as_it_is_set_up_to():
    parameter = handmade.nn.Parameter(np.ones(1))
    parameter.grad = np.full(1, 1e300)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
        handmade.optim.SGD([parameter], lr=1e300).step()
