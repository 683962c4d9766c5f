"""Gaussian sampling, and the variational autoencoder that uses it."""

import math

import numpy as np
import pytest
import torch
from oracles import autograd

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.tolerance import difference
from handmade import _random, nn
from handmade.variational import VariationalAutoencoder

X = np.random.default_rng(0).uniform(size=(7, 6))
PACKAGES = {"handmade": handmade, "torch_ref": torch_ref}
GIVE = {"handmade": np.asarray, "torch_ref": Backend("torch").to_torch}


def learner(library, beta=1.0, lr=0.01):
    package, codes = PACKAGES[library], 2
    made = package.variational.VariationalAutoencoder(
        package.nn.Sequential(
            package.nn.Linear(6, 5), package.nn.Tanh(), package.nn.Linear(5, 4)
        ),
        package.nn.Sequential(
            package.nn.Linear(codes, 5), package.nn.Tanh(), package.nn.Linear(5, 6)
        ),
        lambda parameters: package.optim.Adam(parameters, lr=lr),
        beta,
    )
    return made.to(GIVE[library](np.zeros(1)))


def twins(beta=1.0, seed=0):
    """Both learners with the same weights, which are none too small."""
    ours, theirs = learner("handmade", beta), learner("torch_ref", beta)
    rng, state = np.random.default_rng(seed), ours.state_dict()
    state["model"] = {n: rng.normal(size=a.shape) for n, a in state["model"].items()}
    ours.load_state_dict(state)
    own = theirs.state_dict()
    own["model"] = {n: torch.from_numpy(a) for n, a in state["model"].items()}
    theirs.load_state_dict(own)
    return ours, theirs


def stepped(made, seed=3):
    for package in PACKAGES.values():
        package.manual_seed(seed)
    ours = isinstance(made, VariationalAutoencoder)
    give = GIVE["handmade" if ours else "torch_ref"]
    return made.step(give(X), give(X))


def largest_error(ours, theirs):
    """The largest relative difference of all gradients."""
    got, want = ours.gradients(), theirs.gradients()
    assert got.keys() == want.keys()
    assert len(got) == 8
    found = [difference(got[name], want[name]) for name in want]
    assert min(one.scale for one in found) > 1e-6
    return max(one.relative for one in found)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("beta", [0, 0.3, 1.0, 4.0])
def test_loss_and_gradients_of_a_step_are_autograds(beta, seed):
    ours, theirs = twins(beta, seed)
    for step in range(3):
        assert stepped(ours, step) == pytest.approx(stepped(theirs, step), rel=1e-12)
        assert largest_error(ours, theirs) <= 1e-12


SPOILS = [0, 2, -1]


@pytest.mark.parametrize("factor", SPOILS)
@pytest.mark.parametrize(
    "part",
    ["codes.sample", "codes.decoder", "criterion", "divergence"],
)
def test_a_spoiled_part_of_the_backward_pass_would_be_seen(part, factor):
    ours, theirs = twins(beta=0.7)
    spoiled = ours
    for name in part.split("."):
        spoiled = getattr(spoiled, name)
    right = spoiled.backward
    spoiled.backward = lambda *upstream: factor * right(*upstream)
    stepped(ours)
    stepped(theirs)
    assert largest_error(ours, theirs) > 1e-3


def test_beta_scales_the_divergence_in_the_value_and_counts_in_the_gradient():
    made = [twins(beta)[0] for beta in (0.0, 1.0, 3.0)]
    free, one, three = (stepped(each) for each in made)
    assert one > free
    assert three - free == pytest.approx(3 * (one - free))
    assert largest_error(made[0], made[1]) > 1e-3


def test_the_gradient_is_the_slope_of_the_value():
    ours, _ = twins(beta=0.5)

    def value(moved):
        state = ours.state_dict()
        probe = twins(beta=0.5)[0]
        probe.load_state_dict({**state, "model": {**state["model"], **moved}})
        return stepped(probe)

    name, h = "encoder.2.weight", 1e-5
    weight = ours.state_dict()["model"][name]
    turn = np.random.default_rng(1).normal(size=weight.shape)
    slope = (
        (value({name: weight + h * turn}) - value({name: weight - h * turn})) / 2 / h
    )
    stepped(ours)
    assert (ours.gradients()[name] * turn).sum() == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_both_sides_add_the_same_noise_in_both_precisions(dtype):
    x, found = np.zeros((50, 4)), []
    for library, package in PACKAGES.items():
        package.manual_seed(8)
        give = np.asarray if library == "handmade" else torch.from_numpy
        found.append(np.asarray(package.nn.GaussianSample()(give(x.astype(dtype)))))
    np.testing.assert_array_equal(*found)
    handmade.manual_seed(8)
    np.testing.assert_array_equal(found[0], _random.normal(0, 1, (50, 2)).astype(dtype))


def test_samples_have_the_mean_and_the_variance_that_were_asked_for():
    handmade.manual_seed(0)
    x = np.tile([3.0, -1.0, math.log(4.0), math.log(0.25)], (100_000, 1))
    z = nn.GaussianSample()(x)
    np.testing.assert_allclose(z.mean(axis=0), [3.0, -1.0], atol=0.03)
    np.testing.assert_allclose(z.var(axis=0), [4.0, 0.25], rtol=0.03)


def state_of_the_generator(library):
    return PACKAGES[library]._random._drawing().bit_generator.state


@pytest.mark.parametrize("library", PACKAGES)
@pytest.mark.parametrize("what", ["predict", "encode", "decode"])
def test_only_learning_draws_and_goes_on_drawing(library, what):
    made, x = learner(library), GIVE[library](X)
    x = made.encode(x)[:, :2] if what == "decode" else x
    before = state_of_the_generator(library)
    first, second = (to_numpy(getattr(made, what)(x)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert state_of_the_generator(library) == before
    assert all(module.training for module in made.codes.modules())
    stepped(made)
    before = state_of_the_generator(library)
    made.step(GIVE[library](X), GIVE[library](X))
    assert state_of_the_generator(library) != before


@pytest.mark.parametrize("library", PACKAGES)
def test_a_reconstruction_is_decoded_from_the_means(library):
    made, x = learner(library), GIVE[library](X)
    code = made.encode(x)
    assert tuple(code.shape) == (7, 4)
    decoded = to_numpy(made.decode(code[:, :2]))
    np.testing.assert_array_equal(decoded, to_numpy(made.predict(x)))
    assert 0 < decoded.min() < decoded.max() < 1


@pytest.mark.parametrize("library", PACKAGES)
def test_a_learner_resumed_from_its_state_goes_on_unchanged(library):
    straight, fresh = learner(library), learner(library)
    stepped(straight, 1)
    fresh.load_state_dict(straight.state_dict())
    for seed in (2, 3):
        assert stepped(fresh, seed) == stepped(straight, seed)
    for name, array in straight.parameters().items():
        np.testing.assert_array_equal(
            to_numpy(array), to_numpy(fresh.parameters()[name])
        )


def test_a_learner_moves_to_another_library_and_dtype():
    made = learner("handmade").to(torch.zeros(1, dtype=torch.float32))
    x = torch.from_numpy(X).to(torch.float32)
    assert math.isfinite(made.step(x, x))
    assert {a.dtype for a in made.parameters().values()} == {torch.float32}
    assert {a.dtype for a in made.gradients().values()} == {torch.float32}


def test_it_learns_to_tell_two_pictures_apart():
    handmade.manual_seed(0)
    made, x = learner("handmade", lr=0.05), np.repeat([[0.0] * 6, [1.0] * 6], 8, axis=0)
    losses = [made.step(x, x) for _ in range(200)]
    # One bit says which it is: ln 2. Without a code every pixel costs as much.
    assert np.mean(losses[-20:]) < 3 * math.log(2) < 6 * math.log(2) < losses[0]


@pytest.mark.parametrize(
    ("mean", "log_variance", "divergence"),
    [(0, 0, 0), (2, 0, 2), (0, 1, (math.e - 2) / 2), (-1, -1, 0.5 + 0.5 / math.e)],
)
def test_divergences_from_the_standard_normal_worked_by_hand(
    mean, log_variance, divergence
):
    criterion = nn.GaussianKLLoss()
    x = np.array([[mean, log_variance]], float)
    assert criterion(x, np.zeros_like(x)) == pytest.approx(divergence)
    slope = [[mean, (math.exp(log_variance) - 1) / 2]]
    np.testing.assert_allclose(criterion.backward(), slope)


def test_divergence_is_the_one_of_torchs_distributions():
    rng = np.random.default_rng(2)
    x, y = (torch.from_numpy(rng.normal(size=(5, 8))) for _ in range(2))

    def torchs(z):
        curves = [
            torch.distributions.Normal(mean, (s / 2).exp())
            for mean, s in (z.chunk(2, dim=-1), y.chunk(2, dim=-1))
        ]
        return torch.distributions.kl_divergence(*curves).sum(dim=-1)

    criterion = nn.GaussianKLLoss(reduction="none")
    upstream = torch.from_numpy(rng.normal(size=5))
    want, (slope,) = autograd(torchs, [x], upstream)
    got = criterion(x, y)
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        criterion.backward(upstream), slope, rtol=1e-12, atol=1e-12
    )


def test_divergence_of_curves_that_nearly_agree_keeps_its_digits():
    x, y = np.array([[0.0, 1e-12]]), np.zeros((1, 2))
    criterion = nn.GaussianKLLoss()
    assert criterion(x, y) >= 0
    np.testing.assert_allclose(criterion.backward(), [[0.0, 5e-13]], rtol=1e-11)


@pytest.mark.parametrize("shape", [(), (1,), (4, 3), (2, 0)])
def test_an_odd_width_is_no_bell_curve(shape):
    x = np.zeros(shape)
    words = r"must be \(…, 2k\), k means and then k log-variances, got shape \("
    with pytest.raises(ValueError, match="GaussianSample: x " + words):
        nn.GaussianSample()(x)
    with pytest.raises(ValueError, match="GaussianKLLoss: input " + words):
        nn.GaussianKLLoss(reduction="sum")(x, x)


def test_a_sampler_refuses_integers_and_another_upstream():
    sample = nn.GaussianSample()
    with pytest.raises(TypeError, match="float32 or float64, got int64"):
        sample(np.zeros((2, 4), int))
    with pytest.raises(RuntimeError, match="backward was called before forward"):
        sample.backward(np.zeros((2, 2)))
    sample(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"must have shape \(2, 2\), got \(2, 4\)"):
        sample.backward(np.zeros((2, 4)))


def test_a_divergence_refuses_another_shape():
    with pytest.raises(
        ValueError, match=r"target must have shape \(2, 4\), got \(4,\)"
    ):
        nn.GaussianKLLoss()(np.zeros((2, 4)), np.zeros(4))


@pytest.mark.parametrize("library", PACKAGES)
@pytest.mark.parametrize(
    ("beta", "error", "words"),
    [
        (-0.1, ValueError, "beta must be at least 0, got -0.1"),
        (math.nan, ValueError, "beta must be finite, got nan"),
        (math.inf, ValueError, "beta must be finite, got inf"),
        ("1", TypeError, "beta must be a real number, got str"),
    ],
)
def test_a_beta_that_is_no_price_is_refused(library, beta, error, words):
    with pytest.raises(error, match=f"VariationalAutoencoder: {words}"):
        learner(library, beta)


@pytest.mark.parametrize(
    ("x", "target", "words"),
    [
        (X, X - 1, r"every element of target must lie in \[0, 1\]"),
        (X, X * 16, r"every element of target must lie in \[0, 1\]"),
        (X, X * np.nan, r"every element of target must lie in \[0, 1\]"),
        (X, X[:, :5], r"target must have shape \(7, 6\), got \(7, 5\)"),
        (X[:0], X[:0], r"at least one example, got shape \(0, 6\)"),
        (X[0], X[0], r"x must be \(n, …\) .* got shape \(6,\)"),
        (X[:, :5], X, r"in_features = 6, got x of shape \(7, 5\)"),
    ],
)
def test_a_step_refuses_what_is_no_picture(x, target, words):
    with pytest.raises(ValueError, match=words):
        learner("handmade").step(x, target)
    made, give = learner("torch_ref"), GIVE["torch_ref"]
    before = {name: a.tolist() for name, a in made.parameters().items()}
    with pytest.raises((ValueError, RuntimeError), match=f"{words}|same as|multiplied"):
        made.step(give(x), give(target))
    assert {name: a.tolist() for name, a in made.parameters().items()} == before


def test_an_encoder_of_odd_width_is_named_at_the_first_step():
    made = VariationalAutoencoder(
        nn.Linear(6, 3), nn.Linear(1, 6), lambda p: handmade.optim.SGD(p)
    ).to(np.zeros(1))
    with pytest.raises(ValueError, match=r"k log-variances, got shape \(7, 3\)"):
        made.step(X, X)


@pytest.mark.parametrize("library", PACKAGES)
def test_with_beta_0_an_infinite_divergence_does_not_count(library):
    made = learner(library, beta=0.0)
    state = made.state_dict()
    wide = np.array([0.0, 0.0, 800.0, 800.0])  # σ² overflows, σ does not
    name = next(n for n in state["model"] if n.endswith("encoder.2.bias"))
    state["model"] = dict(state["model"]) | {name: GIVE[library](wide)}
    made.load_state_dict(state)
    with np.errstate(over="ignore"):
        assert math.isfinite(stepped(made))
    assert all(bool(np.isfinite(to_numpy(a)).all()) for a in made.parameters().values())
