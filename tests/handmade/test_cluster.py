"""k-means: error, gradient, Lloyd's step (which is Newton's), k-means++ seeding."""

from itertools import pairwise

import array_api_strict
import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from sklearn.cluster import KMeans as SklearnKMeans

import handmade
import torch_ref
from handmade.cluster import (
    KMeans,
    kmeans_plus_plus,
    quantisation_error,
    quantisation_gradient,
    squared_distances,
)
from handmade.descent import newton_step

RNG = np.random.default_rng
LINE = np.array([[0.0], [1.0], [5.0], [9.0]])
LIBRARIES = [np.asarray, torch.asarray, array_api_strict.asarray]


def blobs(seed=0, n=60, features=3):
    rng = RNG(seed)
    return rng.normal(size=(n, features)) + rng.integers(-4, 5, (n, features))


def worst(got, want):
    return np.abs(np.asarray(got) - np.asarray(want)).max() / np.abs(want).max()


def test_a_lloyd_step_on_a_line_worked_by_hand():
    learner = KMeans(2, 1, centres=np.array([[0.0], [4.0]]))
    # Of 0, 1, 5, 9 the first two belong to 0, the others to 4: (0 + 1 + 1 + 25) / 4.
    assert learner.step(LINE, None) == 6.75
    assert learner.gradients()["centres"].tolist() == [[-0.5], [-3.0]]
    assert learner.parameters()["centres"].tolist() == [[0.5], [7.0]]
    assert learner.step(LINE, None) == (0.25 + 0.25 + 4 + 4) / 4
    assert learner.gradients()["centres"].tolist() == [[0.0], [0.0]]


def test_a_tie_goes_to_the_first_centre_on_both_sides():
    centres, x = np.array([[2.0], [0.0]]), np.array([[1.0], [2.0], [0.0]])
    for lib, give in ((handmade, np.asarray), (torch_ref, torch.asarray)):
        learner = lib.cluster.KMeans(2, 1, centres=give(centres))
        assert learner.predict(give(x)).tolist() == [0, 0, 1]
        learner.step(give(x), None)
        assert learner.parameters()["centres"].tolist() == [[1.5], [0.0]]


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_is_autograds(seed):
    x, centres = blobs(seed), 3 * RNG(seed + 50).normal(size=(4, 3))
    leaf = torch.tensor(centres, requires_grad=True)
    nearest = torch.cdist(torch.tensor(x), leaf).min(dim=1).values
    error = (nearest**2).mean()
    error.backward()
    assert quantisation_error(x, centres) == pytest.approx(error.item(), rel=1e-13)
    want = leaf.grad.numpy()
    right = quantisation_gradient(x, centres)
    assert worst(right, want) <= 1e-12
    for wrong in (0 * right, 2 * right, -right):
        assert worst(wrong, want) > 0.1
    twin = torch_ref.cluster.quantisation_gradient(*map(torch.tensor, (x, centres)))
    assert worst(twin.numpy(), want) <= 1e-12


@pytest.mark.parametrize("give", LIBRARIES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_library_and_dtype_gives_the_same(give, dtype):
    x, centres = (a.astype(dtype) for a in (blobs(), blobs(1, 4)))
    learner = KMeans(4, 3, centres=give(centres))
    error = learner.step(give(x), None)
    after = learner.parameters()["centres"]
    assert np.asarray(after).dtype == dtype
    assert np.asarray(learner.gradients()["centres"]).dtype == dtype
    wide = KMeans(4, 3, centres=centres.astype(float))
    assert error == pytest.approx(wide.step(x.astype(float), None), rel=1e-6)
    bound = 1e-14 if dtype == "float64" else 1e-6
    assert worst(after, wide.parameters()["centres"]) <= bound


def test_the_lloyd_step_is_the_newton_step_of_the_error():
    x, start = blobs(3), blobs(4, 5)

    def error(flat):
        return torch_ref.cluster.quantisation_error(
            torch.tensor(x), flat.reshape(start.shape)
        )

    flat = torch.tensor(start).flatten()
    hessian = torch.func.hessian(error)(flat).numpy()
    change = newton_step(quantisation_gradient(x, start).ravel(), hessian)
    learner = KMeans(5, 3, centres=start)
    learner.step(x, None)
    want = start - change.reshape(start.shape)
    assert worst(learner.parameters()["centres"], want) <= 1e-12
    twin = torch_ref.cluster.KMeans(5, 3, centres=start)
    twin.step(torch.tensor(x), None)
    assert worst(twin.parameters()["centres"].numpy(), want) <= 1e-12


@pytest.mark.parametrize("seed", range(20))
def test_the_error_never_rises_and_ends_where_the_gradient_is_zero(seed):
    x, k = blobs(seed, 40, 2), 2 + seed % 7
    # Starts far away leave centres without members.
    learner = KMeans(k, 2, centres=RNG(seed).normal(size=(k, 2)) * (1 + seed))
    errors = [learner.step(x, None) for _ in range(30)]
    assert all(b <= a * (1 + 1e-14) for a, b in pairwise(errors))
    assert np.abs(learner.gradients()["centres"]).max() < 1e-14
    assert errors[-1] < errors[0]


EMPTY = np.array([[0.0], [100.0], [-100.0]])


@pytest.mark.parametrize(
    ("library", "give"), [(handmade, np.asarray), (torch_ref, torch.asarray)]
)
def test_a_centre_without_members_takes_the_farthest_example(library, give):
    learner = library.cluster.KMeans(3, 1, centres=give(EMPTY))
    assert learner.step(give(LINE), None) == (0 + 1 + 25 + 81) / 4
    # 100 takes 9, then −100 takes 5; 0 keeps the mean of 0 and 1.
    assert learner.parameters()["centres"].tolist() == [[0.5], [9.0], [5.0]]
    assert learner.gradients()["centres"].tolist() == [[-7.5], [0.0], [0.0]]


@pytest.mark.parametrize(
    ("library", "give"), [(handmade, np.asarray), (torch_ref, torch.asarray)]
)
def test_an_example_that_is_alone_is_not_taken_away(library, give):
    x, start = np.array([[0.0], [1.0], [50.0]]), np.array([[0.0], [30.0], [-99.0]])
    learner = library.cluster.KMeans(3, 1, centres=give(start))
    learner.step(give(x), None)  # 50 is farthest, but all that 30 has
    assert learner.parameters()["centres"].tolist() == [[0.0], [50.0], [1.0]]


@pytest.mark.parametrize(
    ("library", "give"), [(handmade, np.asarray), (torch_ref, torch.asarray)]
)
def test_of_equally_far_examples_the_first_is_taken(library, give):
    x, start = np.array([[-1.0], [1.0], [0.0]]), np.array([[0.0], [99.0]])
    learner = library.cluster.KMeans(2, 1, centres=give(start))
    learner.step(give(x), None)
    assert learner.parameters()["centres"].tolist() == [[0.5], [-1.0]]


@pytest.mark.parametrize("seed", range(6))
def test_both_sides_take_the_same_steps_even_through_empty_clusters(seed):
    x, start = blobs(seed, 30, 2), RNG(seed).normal(size=(6, 2)) * 20
    ours = KMeans(6, 2, centres=start)
    theirs = torch_ref.cluster.KMeans(6, 2, centres=start)
    for _ in range(6):
        loss = ours.step(x, None)
        assert loss == pytest.approx(theirs.step(torch.tensor(x), None), rel=1e-12)
        for part in ("parameters", "gradients"):
            got, want = getattr(ours, part)(), getattr(theirs, part)()
            np.testing.assert_allclose(
                got["centres"], want["centres"].numpy(), rtol=1e-11, atol=1e-13
            )


@pytest.mark.parametrize("steps", [1, 2, 5, 40])
def test_sklearn_comes_from_the_same_start_to_the_same_centres(steps):
    x, start = blobs(8, 200, 4), blobs(9, 6, 4)
    judge = SklearnKMeans(6, init=start, n_init=1, max_iter=steps, tol=0).fit(x)
    learner = KMeans(6, 4, centres=start)
    for _ in range(steps):
        learner.step(x, None)
    centres = learner.parameters()["centres"]
    assert worst(centres, judge.cluster_centers_) <= 1e-12
    assert quantisation_error(x, centres) == pytest.approx(judge.inertia_ / 200, 1e-12)
    np.testing.assert_array_equal(learner.predict(x), judge.labels_)


def test_sklearn_moves_an_empty_centre_to_the_same_example():
    x = blobs(8, 50, 2)
    start = np.vstack([x[:2], [[900.0, 900.0]]])
    judge = SklearnKMeans(3, init=start, n_init=1, max_iter=1, tol=0).fit(x)
    learner = KMeans(3, 2, centres=start)
    learner.step(x, None)
    assert worst(learner.parameters()["centres"], judge.cluster_centers_) <= 1e-12


def second_centres(library, give, draws):
    """How often each example of the line was drawn after example 0."""
    library.manual_seed(5)
    counts = np.zeros(4)
    for _ in range(draws):
        first, second = library.cluster.kmeans_plus_plus(give(LINE), 2)[:, 0].tolist()
        if first == 0:
            counts[[0, 1, 5, 9].index(second)] += 1
    return counts


@pytest.mark.parametrize(
    ("library", "give"), [(handmade, np.asarray), (torch_ref, torch.asarray)]
)
def test_the_second_centre_is_drawn_by_its_squared_distance(library, give):
    counts = second_centres(library, give, 2000)
    assert counts[0] == 0
    shares = np.array([1, 25, 81]) / 107
    assert 400 < counts.sum() < 600
    assert chisquare(counts[1:], shares * counts.sum()).pvalue > 0.01
    by_distance = np.array([1, 5, 9]) / 15
    assert chisquare(counts[1:], by_distance * counts.sum()).pvalue < 1e-6


def test_the_third_centre_is_drawn_by_the_distance_to_the_nearest():
    handmade.manual_seed(6)
    counts = {}
    for _ in range(2000):
        drawn = kmeans_plus_plus(LINE, 3)[:, 0].tolist()
        if drawn[:2] in ([0, 9], [9, 0]):
            counts[drawn[2]] = counts.get(drawn[2], 0) + 1
    found = np.array([counts[1.0], counts[5.0]])
    assert chisquare(found, np.array([1, 16]) / 17 * found.sum()).pvalue > 0.01


@pytest.mark.parametrize("give", LIBRARIES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_sides_draw_the_same_centres(give, dtype):
    x = blobs(2, 200, 4).astype(dtype)
    for seed in range(10):
        handmade.manual_seed(seed)
        torch_ref.manual_seed(seed)
        ours = kmeans_plus_plus(give(x), 12)
        theirs = torch_ref.cluster.kmeans_plus_plus(torch.tensor(x), 12)
        np.testing.assert_array_equal(np.asarray(ours), theirs.numpy())
        assert len(np.unique(theirs, axis=0)) == 12


@pytest.mark.parametrize("library", [handmade, torch_ref])
@pytest.mark.parametrize(("fraction", "second"), [(0.0, 1.0), (1 - 2**-53, 9.0)])
def test_the_ends_of_the_draw_give_no_example_twice(
    library, fraction, second, monkeypatch
):
    draws = iter([0.0, fraction])
    monkeypatch.setattr(library._random, "fraction", lambda: next(draws))
    give = np.asarray if library is handmade else torch.asarray
    drawn = library.cluster.kmeans_plus_plus(give(LINE), 2)
    assert drawn.tolist() == [[0.0], [second]]


def test_rounding_of_float32_decides_no_draw():
    x = (blobs(5, 4000, 3) + 50).astype(np.float32)
    for seed in range(5):
        handmade.manual_seed(seed)
        narrow = kmeans_plus_plus(x, 30)
        handmade.manual_seed(seed)
        wide = kmeans_plus_plus(x.astype(float), 30)
        np.testing.assert_array_equal(narrow, wide)


def test_the_first_step_chooses_the_centres_and_later_ones_do_not():
    x = blobs()
    learner = KMeans(3, 3).to(x)
    handmade.manual_seed(4)
    learner.step(x, None)
    handmade.manual_seed(4)
    twin = KMeans(3, 3, centres=kmeans_plus_plus(x, 3))
    twin.step(x, None)
    learner.step(x, None)
    twin.step(x, None)
    np.testing.assert_array_equal(
        learner.parameters()["centres"], twin.parameters()["centres"]
    )


@pytest.mark.parametrize(
    ("library", "give"), [(handmade, np.asarray), (torch_ref, torch.asarray)]
)
def test_a_loaded_state_goes_on_where_it_was_taken(library, give):
    x = give(blobs())
    learner, other = (library.cluster.KMeans(4, 3).to(x) for _ in range(2))
    assert learner.gradients() == {}
    learner.step(x, None)
    state = learner.state_dict()
    other.load_state_dict(state)
    assert other.step(x, None) == learner.step(x, None)
    assert other.predict(x).tolist() == learner.predict(x).tolist()
    state["centres"][0] = 77.0
    assert 77.0 not in other.parameters()["centres"]


def test_what_a_state_is_loaded_from_is_copied():
    learner, centres = KMeans(2, 1), np.array([[1.0], [2.0]])
    learner.to(centres).load_state_dict({"centres": centres, "seeded": True})
    centres[0] = 9
    assert learner.parameters()["centres"].tolist() == [[1.0], [2.0]]
    with pytest.raises(ValueError, match=r"centres must have shape \(2, 1\), got \(3"):
        learner.load_state_dict({"centres": np.ones((3, 1)), "seeded": True})


def test_inputs_are_not_changed():
    x, start = blobs(), RNG(0).normal(size=(5, 3)) * 30
    before = x.copy(), start.copy()
    for give, lib in ((np.asarray, handmade), (torch.asarray, torch_ref)):
        learner = lib.cluster.KMeans(5, 3, centres=give(start))
        learner.step(give(x), None)
        learner.predict(give(x))
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(start, before[1])


def test_distances_do_not_cancel_far_from_zero():
    x, centres = np.array([[1e8 + 1.0]]), np.array([[1e8], [1e8 + 3.0]])
    assert squared_distances(x, centres).tolist() == [[1.0, 4.0]]


@pytest.mark.parametrize("library", [handmade, torch_ref])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda c, a: c.KMeans(0, 2), "KMeans: k must be at least 1, got 0"),
        (lambda c, a: c.KMeans(2, 0), "features must be at least 1, got 0"),
        (
            lambda c, a: c.KMeans(2, 2, centres=a(np.ones((3, 2)))),
            r"centres must have shape \(2, 2\), got \(3, 2\)",
        ),
        (
            lambda c, a: c.KMeans(2, 1, centres=a(np.array([[1.0], [np.nan]]))),
            "every number must be finite",
        ),
        (
            lambda c, a: c.kmeans_plus_plus(a(LINE), 5),
            "k must be at most the number of examples, 4, got 5",
        ),
        (lambda c, a: c.kmeans_plus_plus(a(LINE), 0), "k must be at least 1, got 0"),
        (
            lambda c, a: c.kmeans_plus_plus(a(np.array([[1.0], [2.0], [1.0]])), 3),
            "number of different examples, 2, got 3",
        ),
        (
            lambda c, a: c.kmeans_plus_plus(a(np.ones(4)), 2),
            r"x must have shape \(n, i\), got \(4,\)",
        ),
        (
            lambda c, a: c.KMeans(5, 1).to(a(LINE)).step(a(LINE), None),
            "KMeans: k must be at most the number of examples, 4, got 5",
        ),
        (
            lambda c, a: c.KMeans(1, 1).to(a(LINE)).step(a(LINE * np.inf), None),
            "KMeans: every number must be finite",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in multiply")
def test_what_no_clusters_can_be_made_of_is_refused(library, make, words):
    give = np.asarray if library is handmade else torch.asarray
    with pytest.raises(ValueError, match=words):
        make(library.cluster, give)


PACKAGES = [(handmade, np.asarray), (torch_ref, torch.asarray)]


@pytest.mark.parametrize(("library", "give"), PACKAGES)
@pytest.mark.parametrize("shape", [(4, 2), (4, 1), (3,), (4, 3, 1)])
@pytest.mark.parametrize("way", ["step", "predict"])
def test_examples_must_have_as_many_features_as_the_centres(library, give, shape, way):
    learner = library.cluster.KMeans(2, 3, centres=give(np.eye(2, 3)))
    ways = {"step": lambda x: learner.step(x, None), "predict": learner.predict}
    with pytest.raises(ValueError, match=r"KMeans: x must have shape \(n, \w\)"):
        ways[way](give(np.ones(shape)))
    assert learner.parameters()["centres"].tolist() == np.eye(2, 3).tolist()


@pytest.mark.parametrize(("library", "give"), PACKAGES)
@pytest.mark.parametrize("way", ["step", "predict"])
def test_precisions_are_not_mixed(library, give, way):
    learner = library.cluster.KMeans(2, 1, centres=give(np.array([[0.0], [1.0]])))
    ways = {"step": lambda x: learner.step(x, None), "predict": learner.predict}
    with pytest.raises(TypeError, match=r"x is .*float32, but centres is .*float64"):
        ways[way](give(LINE.astype(np.float32)))


@pytest.mark.parametrize(("library", "give"), PACKAGES)
def test_a_state_of_another_kind_is_refused_and_changes_nothing(library, give):
    learner = library.cluster.KMeans(2, 3, centres=give(np.eye(2, 3)))
    state = learner.state_dict()
    for shape in ((1, 3), (3,), (), (3, 3)):
        with pytest.raises(ValueError, match=r"centres must have shape \(2, 3\), got"):
            learner.load_state_dict(state | {"centres": give(np.ones(shape))})
    for odd in ({"centres": give(np.ones((2, 3)))}, state | {"model": {}}):
        with pytest.raises(KeyError, match=r"expected \['centres', 'seeded'\], got"):
            learner.load_state_dict(odd)
    assert learner.parameters()["centres"].tolist() == np.eye(2, 3).tolist()
    with pytest.raises(TypeError, match="centres must hold floating-point numbers"):
        library.cluster.KMeans(1, 2, centres=give(np.ones((1, 2), int)))


@pytest.mark.parametrize(("library", "give"), PACKAGES)
@pytest.mark.parametrize("size", [1e-323, 1e-200, 1e200, 1.7e308])
def test_seeding_draws_the_same_centres_however_large_the_numbers_are(
    library, give, size
):
    x = RNG(0).choice([-1.0, 0.5, 1.0], (9, 4)) if size > 1 else np.eye(6)
    drawn = []
    for scaled in (x, x * size):
        library.manual_seed(3)
        drawn.append(np.asarray(library.cluster.kmeans_plus_plus(give(scaled), 5)))
    np.testing.assert_array_equal(drawn[0] * size, drawn[1])


@pytest.mark.parametrize(("library", "give"), PACKAGES)
def test_examples_that_squares_cannot_tell_apart_are_said_to_be_too_close(
    library, give
):
    x = give(np.array([[0.0], [1e-200], [1.0]]))
    words = "different examples, 2, got 3; closer than 1e-162"
    with pytest.raises(ValueError, match=words):
        library.cluster.kmeans_plus_plus(x, 3)
    x = np.array([[0.0], [1e-150], [1.0]])
    drawn = library.cluster.kmeans_plus_plus(give(x), 3)
    assert sorted(drawn[:, 0].tolist()) == [0, 1e-150, 1]


@pytest.mark.parametrize(("library", "give"), PACKAGES)
@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e200), ("float32", 1e20)])
def test_numbers_whose_squares_are_infinite_are_refused_before_anything_moves(
    library, give, dtype, size
):
    x, huge = LINE.astype(dtype), (size * LINE).astype(dtype)
    learner = library.cluster.KMeans(2, 1, centres=give(x[:2]))
    for way in (lambda x: learner.step(x, None), learner.predict):
        with pytest.raises(ValueError, match=rf"numbers of x must .* fit .*{dtype}"):
            way(give(huge))
    assert learner.parameters()["centres"].tolist() == [[0], [1]]
    fresh = library.cluster.KMeans(2, 1).to(give(x))
    with pytest.raises(ValueError, match="numbers of x must be finite and at most"):
        fresh.step(give(huge), None)
    with pytest.raises(RuntimeError, match="needs centres"):
        fresh.predict(give(x))
    far = library.cluster.KMeans(2, 1, centres=give(huge[:2]))
    with pytest.raises(ValueError, match="numbers of centres must be finite"):
        far.step(give(x), None)
    limit = np.sqrt(np.finfo(dtype).max / 4) / 2  # four examples, differences of two
    with pytest.raises(ValueError, match="numbers of x must be finite"):
        learner.step(give((1.05 * limit * x / 9).astype(dtype)), None)
    near = (0.95 * limit * np.array([[-1], [1], [1], [-0.9]])).astype(dtype)
    edge = library.cluster.KMeans(2, 1, centres=give(near[:2]))
    assert np.isfinite(edge.step(give(near), None))


@pytest.mark.parametrize(
    ("x", "centres", "words"),
    [
        (np.ones(2), np.ones((1, 2)), r"x must have shape \(n, i\), got \(2,\)"),
        (np.ones((2, 2)), np.ones((2, 3)), r"shape \(k, 2\) .* got \(2, 3\)"),
        (np.ones((2, 2)), np.ones((0, 2)), r"k at least 1, got \(0, 2\)"),
        (np.ones((0, 2)), np.ones((1, 2)), "at least one example"),
    ],
)
@pytest.mark.parametrize("name", ["quantisation_error", "quantisation_gradient"])
def test_errors_want_examples_and_centres_that_fit(name, x, centres, words):
    with pytest.raises(ValueError, match=words):
        getattr(handmade.cluster, name)(x, centres)
    with pytest.raises(ValueError, match=r"must (have shape|hold at least)"):
        getattr(torch_ref.cluster, name)(torch.tensor(x), torch.tensor(centres))


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_without_centres_there_is_nothing_to_predict(library):
    learner = library.cluster.KMeans(2, 1)
    with pytest.raises(RuntimeError, match="give them or take a step first"):
        learner.predict(torch.zeros(1, 1))


@pytest.mark.parametrize("wrong", [2.0, "2", None])
def test_a_number_of_centres_is_whole(wrong):
    with pytest.raises(TypeError, match="k must be a whole number"):
        KMeans(wrong, 2)
    with pytest.raises(TypeError, match="k must be a whole number"):
        kmeans_plus_plus(LINE, wrong)


def purities(clusters, target):
    clusters, target = np.array(clusters), np.array(target)
    ours = handmade.metrics.purity(clusters, target)
    assert ours == torch_ref.metrics.purity(*map(torch.tensor, (clusters, target)))
    return ours


def test_purity_is_the_fraction_of_the_most_frequent_classes():
    assert purities([0, 0, 0, 1, 1], [7, 7, 2, 2, 2]) == 0.8
    assert purities([3, 3, 3], [0, 1, 2]) == 1 / 3
    assert purities([0, 1, 2, 3], [5, 5, 5, 5]) == 1
    target = RNG(0).integers(0, 5, 50)
    assert purities((target + 3) % 5, target) == 1
    purities(RNG(1).integers(0, 20, 300), RNG(2).integers(0, 10, 300))


def test_purity_refuses_what_it_cannot_count():
    purity = handmade.metrics.purity
    with pytest.raises(ValueError, match="every clusters must be at least 0, got -1"):
        purity(np.array([-1, 0]), np.array([0, 0]))
    with pytest.raises(ValueError, match=r"n at least 1, got \(0,\)"):
        purity(np.zeros(0, int), np.zeros(0, int))
    with pytest.raises(ValueError, match=r"target must have shape \(2,\), got \(3,\)"):
        purity(np.array([0, 0]), np.array([0, 0, 0]))
    with pytest.raises(TypeError, match="clusters must hold class indices"):
        purity(np.array([0.5]), np.array([0]))
