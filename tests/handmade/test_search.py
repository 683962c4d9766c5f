"""Random search: each rule worked by hand, its draws, and what it refuses."""

import math

import array_api_strict
import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from handmade._random import normal
from handmade.search import (
    Annealing,
    RandomDescent,
    blind_descent,
    blind_step,
    random_descent,
)

PACKAGES = [handmade, torch_ref]
LIBRARIES = [np.asarray, torch.tensor, array_api_strict.asarray]


def square(x):
    return x * x


def tensor(x):
    return torch.tensor(x, dtype=torch.float64)


# -- blind steps -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "step", "want"),
    [
        (2.0, -0.5, (1.5, 2.25, -0.5)),  # it shrinks: go on
        (2.0, 0.5, (1.5, 2.25, -0.5)),  # it grows: twice as far back, and on that way
        (0.125, 1.0, (0.125, 0.125**2, 0.5)),  # both sides are higher: half as far
        (0.5, -1.0, (0.5, 0.25, -0.5)),  # as high on the other side is no better
        (0.5, 1.0, (0.5, 0.25, 0.5)),
    ],
)
@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_a_blind_step_worked_by_hand(package, x, step, want):
    found = package.search.blind_step(square, x, x * x, step)
    assert found == want


def test_a_blind_walk_worked_by_hand():
    trace = blind_descent(square, 1.0, step=0.75)
    want = [1, 1.75, 0.25, -0.5, 1, -0.125, -0.5, 0.25, -0.3125, 0.0625]
    assert trace.points == want
    assert trace.errors == [x * x for x in want]


@pytest.mark.parametrize("start", [3.0, -1.7, 0.05])
@pytest.mark.parametrize("step", [0.3, -2.0])
def test_both_implementations_look_at_the_same_points(start, step):
    ours = blind_descent(square, start, step=step)
    theirs = torch_ref.search.blind_descent(square, tensor(start), step=step)
    assert ours.errors[-1] <= 0.01
    np.testing.assert_allclose(ours.points, theirs.points, rtol=1e-12, atol=1e-15)


def test_a_walk_looks_twice_at_most_for_each_of_its_steps():
    looks, x, value, step = [], 5.0, 25.0, 0.25
    for _ in range(30):
        looks.clear()
        x, value, step = blind_step(lambda p: looks.append(p) or p * p, x, value, step)
        assert len(looks) <= 2


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_on_level_ground_it_stays_and_looks_closer(package):
    def flat(x):
        return 0 * x + 1

    trace = package.search.blind_descent(flat, tensor(1.0), step=0.5, budget=9)
    want = [1, 1.5, 0.5, 1.25, 0.75, 1.125, 0.875, 1.0625, 0.9375]
    assert [float(p) for p in trace.points] == want


@pytest.mark.parametrize("name", ["blind_descent", "random_descent"])
@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_a_search_stops_at_the_tolerance_or_when_its_budget_is_spent(package, name):
    search = getattr(package.search, name)
    assert len(search(square, tensor(0.09)).points) == 1
    assert search(square, tensor(2.0)).errors[-1] <= 0.01
    never = search(lambda x: x * x + 1, tensor(2.0), budget=21)
    assert len(never.points) in (21, 22)
    assert search(square, tensor(2.0), tolerance=4.0).steps == 0


def test_a_search_asks_ten_thousand_times_by_default():
    assert len(random_descent(lambda x: 1.0, 0.0).points) == 10_000
    assert len(blind_descent(lambda x: 1.0, 0.0).points) in (10_000, 10_001)


# -- random descent --------------------------------------------------------------------


def test_a_random_walk_stays_where_it_is_better():
    handmade.manual_seed(3)
    trace = random_descent(square, 2.0, scale=0.5, budget=40, tolerance=1e-9)
    rng, best = np.random.default_rng(3), 2.0
    for point in trace.points[1:]:
        assert point == best + float(np.float32(rng.normal(0.0, 0.5)))
        best = point if point**2 < best**2 else best
    assert best**2 == min(trace.errors) < 1


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda f: f.__module__)
def test_both_implementations_search_at_random_alike(library):
    start = np.array([1.0, -2.0, 0.5])
    handmade.manual_seed(7)
    ours = random_descent(lambda x: float((x * x)[0] + (x * x)[1]), library(start))
    torch_ref.manual_seed(7)
    theirs = torch_ref.search.random_descent(
        lambda x: (x * x)[0] + (x * x)[1], torch.from_numpy(start)
    )
    assert ours.steps == theirs.steps > 20
    got = np.array([np.asarray(p) for p in ours.points])
    want = np.array([p.numpy() for p in theirs.points])
    np.testing.assert_allclose(got, want, rtol=1e-13)
    assert start.tolist() == [1.0, -2.0, 0.5]


def test_a_random_walk_keeps_float32():
    trace = random_descent(
        lambda x: x @ x, np.ones(2, np.float32), scale=np.float64(0.1), budget=9
    )
    assert {p.dtype.name for p in trace.points} == {"float32"}


# -- the learners ----------------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(8, 3))
Y = np.random.default_rng(1).normal(size=(8, 2))
KINDS = {
    "RandomDescent": {"scale": 0.2, "tries": 2},
    "Annealing": {"scale": 0.2, "tries": 2, "temperature": 0.5, "cooling": 0.9},
}


def make(library, kind="RandomDescent", **options):
    model = library.nn.Sequential(library.nn.Linear(3, 2), library.nn.Tanh())
    learner = getattr(library.search, kind)
    return learner(model, library.nn.MSELoss(), **KINDS[kind] | options)


def pair(kind, give=np.asarray):
    ours = make(handmade, kind).to(give(np.zeros(1)))
    theirs = make(torch_ref, kind).to(torch.zeros(1).double())
    state = {n: np.asarray(a) for n, a in ours.state_dict()["model"].items()}
    theirs.model.load_state_dict({n: torch.from_numpy(a) for n, a in state.items()})
    return ours, theirs


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda f: f.__module__)
@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_take_the_same_steps(kind, library):
    ours, theirs = pair(kind, library)
    kept = 0
    for number in range(40):
        before = np.asarray(ours.parameters()["0.weight"])
        handmade.manual_seed(number)
        torch_ref.manual_seed(number)
        got = ours.step(library(X), library(Y))
        want = theirs.step(torch.from_numpy(X), torch.from_numpy(Y))
        assert got == pytest.approx(want, rel=1e-12)
        assert ours.parameters().keys() == theirs.parameters().keys()
        for name, array in theirs.parameters().items():
            np.testing.assert_allclose(
                np.asarray(ours.parameters()[name]), array.numpy(), rtol=1e-12
            )
        kept += not np.array_equal(before, np.asarray(ours.parameters()["0.weight"]))
    assert 3 < kept < 40
    assert ours.gradients() == theirs.gradients() == {}


def single(weight, **options):
    """w·1 with the squared error to 0: the loss is w²."""
    model = handmade.nn.Linear(1, 1, bias=False)
    learner = RandomDescent(model, handmade.nn.MSELoss(), **options).to(np.zeros(1))
    learner.load_state_dict({"model": {"weight": np.array([[weight]])}})
    return learner


ONE, ZERO = np.ones((1, 1)), np.zeros((1, 1))


@pytest.mark.parametrize("seed", range(6))
def test_a_random_step_worked_by_hand(seed):
    learner = single(2.0, scale=0.5, tries=3)
    handmade.manual_seed(seed)
    assert learner.step(ONE, ZERO) == 4.0
    w = 2.0
    for z in np.random.default_rng(seed).normal(0, 0.5, 3).astype(np.float32):
        w = w + float(z) if (w + float(z)) ** 2 < w * w else w
    assert learner.parameters()["weight"].tolist() == [[w]]


def test_a_loss_that_is_equal_or_nan_is_no_better():
    for found in (0.0, math.nan):
        assert not single(1.0).keeps(found)
    still = RandomDescent(handmade.nn.Linear(1, 1), handmade.nn.MSELoss())
    still.to(np.zeros(1))
    target = still.predict(ZERO)  # no weight is felt where x is 0, but the bias is
    before = still.parameters()["weight"]
    still.step(ZERO, target)
    assert still.parameters()["weight"] is before


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_costs_one_forward_pass_and_one_for_each_try(kind, monkeypatch):
    learner, passes = make(handmade, kind, tries=5).to(np.zeros(1)), []
    inner = learner.model.forward
    monkeypatch.setattr(
        learner.model, "forward", lambda x: passes.append(1) or inner(x)
    )
    learner.step(X, Y)
    assert len(passes) == 6


@pytest.mark.parametrize("library", PACKAGES, ids=lambda w: w.__name__)
def test_it_never_gets_worse_on_the_batch_that_it_is_given(library):
    learner = make(library).to(torch.zeros(1).double())
    losses = [learner.step(torch.tensor(X), torch.tensor(Y)) for _ in range(60)]
    assert np.max(np.diff(losses)) <= 0
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_there_before_a_step_is_not_changed(kind):
    learner = make(handmade, kind).to(np.zeros(1))
    before = learner.state_dict()["model"]["0.weight"]
    copy = before.copy()
    for _ in range(10):
        learner.step(X, Y)
    np.testing.assert_array_equal(before, copy)
    assert not np.array_equal(learner.state_dict()["model"]["0.weight"], copy)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_the_same_seed_gives_the_same_walk_and_predicting_draws_nothing(package, kind):
    x, y = torch.tensor(X), torch.tensor(Y)

    def walk(seed, look):
        package.manual_seed(0)
        torch.manual_seed(0)
        learner = make(package, kind).to(torch.zeros(1).double())
        package.manual_seed(seed)
        losses = []
        for _ in range(12):
            losses.append(learner.step(x, y))
            if look:
                learner.predict(x)
        return losses

    assert walk(4, look=False) == walk(4, look=True) != walk(5, look=False)


def test_predicting_is_in_evaluation_mode_and_learning_is_not():
    model = handmade.nn.Sequential(handmade.nn.Dropout(0.5), handmade.nn.Linear(3, 2))
    learner = RandomDescent(model, handmade.nn.MSELoss()).to(np.zeros(1))
    assert learner.predict(X).tolist() == learner.predict(X).tolist()
    assert all(module.training for module in model.modules())


# -- annealing -------------------------------------------------------------------------


def annealing(package=handmade, **options):
    model = package.nn.Linear(3, 2)
    return package.search.Annealing(model, package.nn.MSELoss(), **options)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
@pytest.mark.parametrize(("change", "temperature"), [(0.1, 0.2), (1.0, 0.5), (0.0, 3)])
def test_a_worse_step_is_kept_with_the_probability_of_boltzmann(
    package, change, temperature
):
    learner = annealing(package, temperature=temperature)
    package.manual_seed(0)
    share = np.mean([learner.keeps(change) for _ in range(4000)])
    p = math.exp(-change / temperature)
    assert abs(share - p) <= 4 * math.sqrt(p * (1 - p) / 4000)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_a_better_step_is_always_kept_and_cold_no_other(package):
    learner = annealing(package, temperature=1e-3)
    assert all(learner.keeps(-1e-12) for _ in range(100))
    learner.load_state_dict(learner.state_dict() | {"temperature": 0.0})
    assert not any(learner.keeps(1e-300) or learner.keeps(0.0) for _ in range(100))
    assert learner.keeps(-1e-300)


def test_annealing_draws_as_often_whether_it_needs_to_or_not():
    learner, drawn = annealing(), []
    for change in (-1.0, 0.0, 1.0):
        handmade.manual_seed(5)
        learner.keeps(change)
        drawn.append(float(normal(0, 1, ())))
    assert len(set(drawn)) == 1


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_it_cools_by_its_factor_after_every_step(package):
    learner = annealing(package, temperature=0.5, cooling=0.8, tries=3)
    learner.to(torch.zeros(1).double())
    for number in range(4):
        got = float(learner.parameters()["temperature"])
        assert got == learner.state_dict()["temperature"]
        assert got == pytest.approx(0.5 * 0.8**number, rel=1e-15)
        learner.step(torch.tensor(X), torch.tensor(Y))


def test_annealing_starts_at_one_and_cools_by_a_hundredth_by_default():
    learner = annealing()
    assert (learner.temperature, learner.cooling) == (1.0, 0.99)
    assert (learner.scale, learner.tries) == (0.1, 1)


def test_hot_annealing_leaves_a_valley_that_is_not_the_deepest():
    # (w² − 1)² + w/2 has a shallow valley at 0.93 and a deep one at −1.06.
    class Valleys:
        def __call__(self, w, target):
            return float(np.sum((w * w - 1) ** 2 + w / 2))

        def to(self, other):
            return self

    ends = {}
    for kind, more in ((RandomDescent, {}), (Annealing, {"cooling": 0.995})):
        found = []
        for seed in range(9):
            handmade.manual_seed(seed)
            model = handmade.nn.Linear(1, 1, bias=False)
            learner = kind(model, Valleys(), scale=0.25, **more).to(np.zeros(1))
            learner.load_state_dict(
                learner.state_dict() | {"model": {"weight": np.array([[0.93]])}}
            )
            for _ in range(1000):
                learner.step(ONE, ZERO)
            found.append(learner.parameters()["weight"][0, 0] < 0)
        ends[kind.__name__] = sum(found)
    assert ends["RandomDescent"] == 0
    assert ends["Annealing"] >= 7


# -- state -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_a_learner_goes_on_from_its_state_which_is_copied(package, kind):
    x, y = torch.tensor(X), torch.tensor(Y)
    one, other = (make(package, kind).to(torch.zeros(1).double()) for _ in range(2))
    for _ in range(5):
        one.step(x, y)
    state = one.state_dict()
    other.load_state_dict(state)
    for number in range(5):
        package.manual_seed(number)
        want = one.step(x, y)
        package.manual_seed(number)
        assert other.step(x, y) == want
    weights = {n: a.detach().clone() for n, a in other.state_dict()["model"].items()}
    for array in state["model"].values():
        array += 1
    for name, array in other.state_dict()["model"].items():
        assert torch.equal(array, weights[name])


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_states_of_other_learners_are_refused(package):
    plain, hot = make(package), make(package, "Annealing")
    with pytest.raises(KeyError, match=r"expected \['model', 'temperature'\], got"):
        hot.load_state_dict(plain.state_dict())
    with pytest.raises(KeyError, match=r"RandomDescent\.load_state_dict: expected"):
        plain.load_state_dict(hot.state_dict())
    with pytest.raises(ValueError, match="temperature must be at least 0, got -1"):
        hot.load_state_dict(hot.state_dict() | {"temperature": -1.0})


# -- bad input -------------------------------------------------------------------------

BAD = [
    ("scale", 0, "positive and finite, got 0"),
    ("scale", math.inf, "positive and finite, got inf"),
    ("scale", "1", "a real number, got str"),
    ("tries", 0, "at least 1, got 0"),
    ("tries", 1.5, "a whole number, got float"),
]
BAD_HEAT = [
    ("temperature", 0, "positive and finite, got 0"),
    ("temperature", -1.0, "positive and finite, got -1.0"),
    ("temperature", math.nan, "positive and finite, got nan"),
    ("cooling", 0, r"lie in \(0, 1\), got 0"),
    ("cooling", 1, r"lie in \(0, 1\), got 1"),
    ("cooling", math.nan, "finite, got nan"),
]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
@pytest.mark.parametrize(
    ("kind", "name", "value", "words"),
    [(k, *bad) for k in KINDS for bad in BAD] + [("Annealing", *b) for b in BAD_HEAT],
)
def test_learners_refuse_numbers_out_of_range(package, kind, name, value, words):
    with pytest.raises((ValueError, TypeError), match=f"{kind}: {name} must.*{words}"):
        make(package, kind, **{name: value})


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_a_model_without_weights_has_nothing_to_wiggle(package):
    with pytest.raises(ValueError, match="no parameters to change"):
        package.search.RandomDescent(package.nn.Tanh(), package.nn.MSELoss())


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
@pytest.mark.parametrize(
    ("search", "name", "value", "words"),
    [
        ("blind_descent", "step", 0, "step must not be 0"),
        ("blind_descent", "step", math.nan, "step must be finite, got nan"),
        ("random_descent", "scale", -0.1, "scale must be positive.*got -0.1"),
        *(
            (s, *bad)
            for s in ("blind_descent", "random_descent")
            for bad in (
                ("tolerance", 0, "tolerance must be positive.*got 0"),
                ("budget", 0, "budget must be at least 1, got 0"),
                ("budget", 2.5, "budget must be a whole number, got float"),
            )
        ),
    ],
)
def test_searches_refuse_numbers_out_of_range(package, search, name, value, words):
    with pytest.raises((ValueError, TypeError), match=f"{search}: {words}"):
        getattr(package.search, search)(square, tensor(1.0), **{name: value})


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
@pytest.mark.parametrize("search", ["blind_descent", "random_descent"])
def test_an_error_that_is_nan_is_named_by_its_look(package, search):
    looks = iter([1.0, 2.0, math.nan])
    with pytest.raises(ArithmeticError, match="became nan at step 2"):
        getattr(package.search, search)(lambda x: 0 * x + next(looks), tensor(1.0))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
@pytest.mark.parametrize("search", ["blind_descent", "random_descent"])
@pytest.mark.parametrize("shape", [(3,), (2, 2), (0,)])
def test_an_error_that_is_not_one_number_is_refused(package, search, shape):
    words = rf"the error must be one number, got shape \({shape[0]},"
    with pytest.raises(ValueError, match=words):
        getattr(package.search, search)(lambda x: x + torch.ones(shape), tensor(1.0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("package", PACKAGES, ids=lambda w: w.__name__)
def test_a_loss_that_is_not_one_number_is_refused_and_changes_nothing(package, kind):
    learner = getattr(package.search, kind)(
        package.nn.Linear(3, 2), package.nn.MSELoss(reduction="none")
    ).to(torch.zeros(1).double())
    before = {name: a.tolist() for name, a in learner.parameters().items()}
    words = rf"{kind}: the loss must be one number, got shape \(8, 2\)"
    with pytest.raises(ValueError, match=words):
        learner.step(torch.tensor(X), torch.tensor(Y))
    assert {name: a.tolist() for name, a in learner.parameters().items()} == before


def test_a_random_walk_refuses_integers():
    with pytest.raises(TypeError, match=r"floating-point numbers, .* got int64"):
        random_descent(lambda x: 1.0, np.ones(2, int))


def test_a_learner_leaves_its_batch_as_it_was():
    x, y = X.copy(), Y.copy()
    make(handmade).to(np.zeros(1)).step(x, y)
    np.testing.assert_array_equal(to_numpy(x), X)
    np.testing.assert_array_equal(to_numpy(y), Y)


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_a_rejected_try_leaves_no_trace_and_asking_changes_no_mode(library):
    give = np.asarray if library is handmade else torch.tensor
    nn, x = library.nn, give(np.random.default_rng(0).normal(size=(8, 2)))

    def taught(tries):
        library.manual_seed(0)
        model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1))
        learner = library.search.RandomDescent(
            model, nn.MSELoss(), scale=1e-3, tries=tries
        )
        learner.keeps = lambda change: False
        learner.to(x).step(x, x[:, :1])
        return model, learner

    (once, _), (often, learner) = taught(1), taught(20)
    assert int(often.state_dict()["0.num_batches_tracked"]) == 1
    for name in ("0.running_mean", "0.running_var"):
        got, want = often.state_dict()[name], once.state_dict()[name]
        assert got.tolist() == want.tolist()
    often[0].eval()
    learner.predict(x)
    assert (often[0].training, often[1].training) == (False, True)


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_a_refused_temperature_leaves_the_weights(library):
    nn = library.nn
    learners = [
        library.search.Annealing(nn.Linear(2, 1), nn.MSELoss()) for _ in range(2)
    ]
    before = learners[0].parameters()["weight"].tolist()
    with pytest.raises(ValueError, match="temperature must be at least 0"):
        learners[0].load_state_dict(learners[1].state_dict() | {"temperature": -1.0})
    assert learners[0].parameters()["weight"].tolist() == before
