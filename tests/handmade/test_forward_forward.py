"""Forward-Forward: each layer's own gradient, the draws, and what is refused."""

import math

import array_api_strict
import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.tolerance import difference
from handmade import forward_forward
from handmade.forward_forward import (
    direction,
    goodness,
    grad_goodness,
    with_label,
    wrong_label,
)

PACKAGES = [handmade, torch_ref]
LIBRARIES = [np.asarray, torch.tensor, array_api_strict.asarray]
C, WIDTHS = 4, (5, 6, 3, 7)
RNG = np.random.default_rng(0)
X, LABEL = RNG.normal(size=(8, 5)), RNG.permutation(np.arange(8) % C)


def make(package, features=WIDTHS, theta=0.3, lr=0.01, classes=C, optimizer="Adam"):
    def optimise(parameters):
        return getattr(package.optim, optimizer)(parameters, lr=lr)

    learner = package.forward_forward.ForwardForward
    return learner(features, classes, optimise, theta=theta)


def torchs(x):
    return torch.from_numpy(x.copy())


def pair(give=np.asarray, **options):
    """Both sides with the same random weights, larger than initial ones."""
    ours = make(handmade, **options).to(give(np.zeros(1)))
    theirs = make(torch_ref, **options).to(torch.zeros(1).double())
    rng, state = np.random.default_rng(1), ours.state_dict()["model"]
    weights = {n: rng.normal(size=tuple(a.shape)) for n, a in state.items()}
    ours.model.load_state_dict({n: give(a) for n, a in weights.items()})
    theirs.model.load_state_dict({n: torchs(a) for n, a in weights.items()})
    return ours, theirs


def step(learner, package, give=np.asarray, seed=3):
    package.manual_seed(seed)
    return learner.step(give(X), give(LABEL))


def largest_error(got, want):
    """The largest relative difference of all tensors."""
    return max(difference(got[name], want[name]).relative for name in want)


# -- the parts -------------------------------------------------------------------------


def test_goodness_worked_by_hand():
    y = np.array([[3.0, 4.0], [0.0, -2.0]])
    assert goodness(y).tolist() == [12.5, 2.0]
    assert grad_goodness(y).tolist() == [[3.0, 4.0], [0.0, -2.0]]


@pytest.mark.parametrize("shape", [(3,), (4, 7), (2, 3, 5), (0, 3)])
def test_goodness_and_its_gradient_are_autograds(shape):
    y = np.random.default_rng(0).normal(size=shape)
    for name in ("goodness", "grad_goodness"):
        want = getattr(torch_ref.forward_forward, name)(torchs(y)).numpy()
        np.testing.assert_allclose(getattr(forward_forward, name)(y), want, rtol=1e-14)


def test_a_direction_has_goodness_one_and_zeros_have_none():
    x = np.random.default_rng(0).normal(size=(6, 9)) * 10.0 ** np.arange(-2, 4)[:, None]
    np.testing.assert_allclose(goodness(direction(x)), 1, rtol=1e-5)
    np.testing.assert_allclose(direction(3 * x)[2:], direction(x)[2:], rtol=1e-6)
    assert direction(np.zeros((1, 3))).tolist() == [[0, 0, 0]]
    want = torch_ref.forward_forward.direction(torchs(x)).numpy()
    np.testing.assert_allclose(direction(x), want, rtol=1e-14)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_a_label_is_appended_as_zeros_and_a_one(package):
    x, label = torch.tensor([[0.5, 2.0], [3.0, 4.0]]), torch.tensor([2, 0])
    got = package.forward_forward.with_label(x, label, 3)
    assert got.tolist() == [[0.5, 2, 0, 0, 1], [3, 4, 1, 0, 0]]
    assert got.dtype == torch.float32


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda f: f.__module__)
def test_both_sides_draw_the_same_wrong_labels(library):
    label = np.arange(50) % 10
    handmade.manual_seed(1)
    got = np.asarray(wrong_label(library(label), 10))
    torch_ref.manual_seed(1)
    want = torch_ref.forward_forward.wrong_label(torchs(label), 10).numpy()
    np.testing.assert_array_equal(got, want)


def test_a_wrong_label_is_each_of_the_others_equally_often():
    handmade.manual_seed(0)
    drawn = wrong_label(np.full(9000, 3), 10)
    counts = np.bincount(drawn, minlength=10)
    assert counts[3] == 0
    others = np.delete(counts, 3)
    assert np.all(np.abs(others - 1000) < 4 * math.sqrt(1000))


def test_of_two_classes_the_wrong_one_is_the_other():
    label = np.array([0, 1, 1, 0])
    assert wrong_label(label, 2).tolist() == [1, 0, 0, 1]


# -- a step ----------------------------------------------------------------------------


@pytest.mark.parametrize("theta", [-1.0, 0.3, 50.0])
@pytest.mark.parametrize("library", LIBRARIES, ids=lambda f: f.__module__)
def test_the_gradients_of_every_layer_are_autograds(library, theta):
    ours, theirs = pair(library, theta=theta)
    got, want = step(ours, handmade, library), step(theirs, torch_ref, torchs)
    assert got == pytest.approx(want, rel=1e-13)
    assert len(ours.gradients()) == len(theirs.gradients()) == 6
    assert all(bool((g != 0).any()) for g in theirs.gradients().values())
    assert largest_error(ours.gradients(), theirs.gradients()) <= 1e-12
    assert largest_error(ours.parameters(), theirs.parameters()) <= 1e-12


@pytest.mark.parametrize("factor", [0.0, 2.0, -1.0])
def test_a_gradient_of_goodness_that_is_wrong_shows(factor, monkeypatch):
    ours, theirs = pair()
    wrong = grad_goodness
    monkeypatch.setattr(forward_forward, "grad_goodness", lambda y: factor * wrong(y))
    step(ours, handmade), step(theirs, torch_ref, torchs)
    assert largest_error(ours.gradients(), theirs.gradients()) > 0.5


def test_the_loss_of_a_step_worked_by_hand():
    # One layer of one unit: W = [1, 0, 2], b = 0; x = [3], labels 0 and 1.
    learner = make(handmade, (1, 1), theta=1.0, classes=2).to(np.zeros(1))
    weights = {"0.0.weight": np.array([[1.0, 0.0, 2.0]]), "0.0.bias": np.zeros(1)}
    learner.model.load_state_dict(weights)
    size = math.sqrt((9 + 1) / 3)
    true, false = (3 / size) ** 2, (5 / size) ** 2
    want = (math.log1p(math.exp(1 - true)) + math.log1p(math.exp(false - 1))) / 2
    found = learner.predict(np.array([[3.0]]))
    np.testing.assert_allclose(found, [[true, false]], rtol=1e-7)
    loss = learner.step(np.array([[3.0]]), np.array([0]))
    assert loss == pytest.approx(want, rel=1e-7)


def test_a_layer_never_hears_of_a_later_one():
    ours, other = pair()[0], pair()[0]
    other.model.load_state_dict(
        {n: a if n[0] == "0" else -3 * a for n, a in other.parameters().items()}
    )
    step(ours, handmade), step(other, handmade)
    for name in ours.gradients():
        same = np.array_equal(ours.gradients()[name], other.gradients()[name])
        assert same == (name[0] == "0"), name


def test_one_gradient_through_all_layers_would_be_another():
    ours, theirs = pair()
    step(ours, handmade)
    torch_ref.manual_seed(3)
    twin = torch_ref.forward_forward
    true = twin.with_label(torchs(X), torchs(LABEL), C)
    false = twin.with_label(torchs(X), twin.wrong_label(torchs(LABEL), C), C)
    loss = 0
    for layer in theirs.model:
        true, false = layer(twin.direction(true)), layer(twin.direction(false))
        loss = loss + theirs._loss(twin.goodness(true), twin.goodness(false))
    loss.backward()
    whole = {n: p.grad for n, p in theirs.model.named_parameters()}
    last = {n: g for n, g in whole.items() if n[0] == "2"}
    first = {n: g for n, g in whole.items() if n[0] == "0"}
    assert largest_error(ours.gradients(), last) <= 1e-12
    assert largest_error(ours.gradients(), first) > 1e-2


def test_every_layer_has_its_own_optimizer_and_sees_the_old_activities():
    ours, still = pair(lr=0.5)[0], pair(lr=0.0)[0]
    step(ours, handmade), step(still, handmade)
    assert len(ours.optimizers) == 3
    # What a layer is given was computed before the layer below it moved.
    assert largest_error(ours.gradients(), still.gradients()) == 0


def test_gradients_do_not_add_up_over_steps():
    learner = pair(lr=0.0)[0]
    assert learner.gradients() == {}
    step(learner, handmade)
    first = dict(learner.gradients())
    step(learner, handmade)
    assert largest_error(learner.gradients(), first) == 0


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda f: f.__module__)
def test_a_prediction_is_the_goodness_of_all_layers_with_each_label(library):
    ours, theirs = pair(library)
    got = np.asarray(ours.predict(library(X)))
    np.testing.assert_allclose(got, theirs.predict(torchs(X)).numpy(), rtol=1e-12)
    rows, total = with_label(X, np.full(8, 2), C), 0
    weights = {n: np.asarray(a) for n, a in ours.parameters().items()}
    for k in range(3):
        rows = direction(rows) @ weights[f"{k}.0.weight"].T + weights[f"{k}.0.bias"]
        rows = np.maximum(rows, 0)
        total = total + (rows**2).mean(axis=1)
    np.testing.assert_allclose(got[:, 2], total, rtol=1e-12)


def test_it_learns_to_tell_two_clusters_apart():
    rng = np.random.default_rng(0)
    label = np.arange(60) % 2
    x = rng.normal(size=(60, 2)) + 4 * label[:, None] - 2
    handmade.manual_seed(0)
    learner = make(handmade, (2, 16, 16), theta=1.0, lr=0.03, classes=2).to(x)
    losses = [learner.step(x, label) for _ in range(150)]
    assert losses[-1] < losses[0] / 2
    assert np.mean(np.argmax(learner.predict(x), axis=1) == label) > 0.95


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_the_same_seed_learns_the_same_and_predicting_draws_nothing(package):
    def losses(seed, look):
        learner = pair()[PACKAGES.index(package)]
        give = np.asarray if package is handmade else torchs
        package.manual_seed(seed)
        found = []
        for _ in range(4):
            found.append(learner.step(give(X), give(LABEL)))
            if look:
                learner.predict(give(X))
        return found

    assert losses(1, look=False) == losses(1, look=True) != losses(2, look=False)


def test_a_step_leaves_its_batch_as_it_was():
    x, label = X.copy(), LABEL.copy()
    pair()[0].step(x, label)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(label, LABEL)


def test_float32_stays_float32():
    learner = make(handmade).to(np.zeros(1, np.float32))
    learner.step(X.astype(np.float32), LABEL)
    assert {a.dtype.name for a in learner.parameters().values()} == {"float32"}
    assert learner.predict(X.astype(np.float32)).dtype == np.float32


# -- state -----------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_a_learner_goes_on_from_its_state_which_is_copied(package):
    give = np.asarray if package is handmade else torchs
    one, other = (pair()[PACKAGES.index(package)] for _ in range(2))
    for _ in range(3):
        step(one, package, give)
    other.load_state_dict(one.state_dict())
    want = [step(one, package, give, seed) for seed in range(3)]
    assert [step(other, package, give, seed) for seed in range(3)] == want
    assert {*one.state_dict()} == {"model", "optimizers"}


# -- bad input -------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classes": 1}, "num_classes must be at least 2, got 1"),
        ({"classes": 2.0}, "num_classes must be a whole number, got float"),
        ({"theta": math.inf}, "theta must be finite, got inf"),
        ({"theta": math.nan}, "theta must be finite, got nan"),
        ({"theta": "2"}, "theta must be a real number, got str"),
        ({"features": (5,)}, r"at least one layer, got \(5,\)"),
        ({"features": (5, 0)}, "each of features must be at least 1, got 0"),
    ],
)
def test_a_learner_refuses_what_it_cannot_be(package, options, words):
    with pytest.raises((ValueError, TypeError), match=f"ForwardForward: .*{words}"):
        make(package, **options)


@pytest.mark.parametrize(
    ("x", "label", "words"),
    [
        (X, LABEL - 1, "every label must be in 0 … 3"),
        (X, LABEL + 1, "every label must be in 0 … 3"),
        (X, LABEL.astype(float), r"label must hold integers, got (torch\.)?float64"),
        (X, LABEL[:3], r"label must have shape \(8,\), got \(3,\)"),
        (X, LABEL[:, None], r"label must have shape \(8,\), got \(8, 1\)"),
        (X[0], LABEL[:1], r"x must be \(n, i\), got shape \(5,\)"),
        (X.astype(int), LABEL, "x must hold floating-point numbers"),
        (X[:0], LABEL[:0], "at least one example"),
    ],
)
@pytest.mark.parametrize("side", [0, 1])
def test_a_step_refuses_a_batch_that_does_not_fit(x, label, words, side):
    learner, give = pair()[side], (np.asarray, torch.asarray)[side]
    before = {name: a.tolist() for name, a in learner.parameters().items()}
    with pytest.raises((ValueError, TypeError), match=words):
        learner.step(give(x), give(label))
    assert {name: a.tolist() for name, a in learner.parameters().items()} == before


def test_a_step_refuses_examples_of_too_few_features():
    with pytest.raises(ValueError, match="last dimension of x must be in_features = 9"):
        pair()[0].step(X[:, :2], LABEL)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
@pytest.mark.parametrize("function", ["with_label", "wrong_label"])
def test_a_number_of_classes_is_whole_and_labels_are_in_range(package, function):
    give = np.asarray if package is handmade else torch.asarray

    def ask(label, classes):
        x = (give(X),) if function == "with_label" else ()
        return getattr(package.forward_forward, function)(*x, give(label), classes)

    for odd in (2.5, 4.0, "4", None, True):
        with pytest.raises(TypeError, match=f"{function}: num_classes must be a whole"):
            ask(LABEL, odd)
    least = 1 if function == "with_label" else 2
    with pytest.raises(
        ValueError, match=f"num_classes must be at least {least}, got 0"
    ):
        ask(LABEL, 0)
    for wrong in (LABEL - 1, LABEL + 1):
        with pytest.raises(
            ValueError, match=f"{function}: every label must be in 0 … 3"
        ):
            ask(wrong, 4)
    with pytest.raises(TypeError, match=f"{function}: label must hold integers, got "):
        ask(LABEL / 2, 4)
    with pytest.raises(ValueError, match=f"{function}: label must have shape"):
        ask(LABEL[:, None], 4)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_one_class_has_no_wrong_label(package):
    with pytest.raises(ValueError, match="num_classes must be at least 2, got 1"):
        package.forward_forward.wrong_label(torch.zeros(2, dtype=torch.int64), 1)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_states_of_other_learners_are_refused(package):
    learner, other = make(package), make(package, (5, 6))
    with pytest.raises(KeyError, match=r"expected \['model', 'optimizers'\], got"):
        learner.load_state_dict({"model": {}})
    state = learner.state_dict() | {"optimizers": other.state_dict()["optimizers"]}
    with pytest.raises(ValueError, match=r"zip|optimizers must be a list of 3 states"):
        learner.load_state_dict(state)


def test_integers_have_no_goodness():
    for function in (goodness, grad_goodness, direction):
        with pytest.raises(TypeError, match=r"floating-point numbers, .* got int64"):
            function(np.ones(3, int))


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_labels_of_few_bits_are_counted_right(library):
    few = np.full(2000, 99, np.int8)
    label = few if library is handmade else torch.tensor(few)
    library.manual_seed(0)
    wrong = np.asarray(library.forward_forward.wrong_label(label, 100))
    assert wrong.dtype == np.int8
    assert 99 not in wrong
    one = np.ones((1, 1)), np.array([1], np.int8)
    x, label = one if library is handmade else map(torch.tensor, one)
    assert np.asarray(library.forward_forward.with_label(x, label, 300)).sum() == 2
