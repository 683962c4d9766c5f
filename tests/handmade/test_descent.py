"""Gradient descent with a fixed step and Newton's step, and their functions."""

import array_api_strict
import numpy as np
import pytest
import torch
from oracles import autograd, complex_step, finite_differences

import handmade
import torch_ref
from handmade.descent import descend, newton

SURFACES = [n for n in handmade.surfaces.__all__ if n != "Surface"]


def points(name, rng):
    n = 1 if name == "Square" else 2
    return rng.uniform(0.5, 2.0, (5, n)) * rng.choice([-1, 1], (5, n))


def three_oracles(surface, twin, p):
    tensor = torch.from_numpy(p)
    return (
        autograd(twin.value, [tensor], torch.tensor(1.0).double())[1][0].numpy(),
        complex_step(lambda q: complex_value(surface, q), p),
        finite_differences(surface.value, p),
    )


def complex_value(surface, q):
    """The formula on complex numbers, as the surface's own text gives it."""
    x, y = (q[0], q[-1])
    return {
        "x²": x**2,
        "x² + y²": x**2 + y**2,
        "x² + 10y²": x**2 + 10 * y**2,
        "x³ + y³": x**3 + y**3,
        "1/(x² + y²)": 1 / (x**2 + y**2),
        "x² − 2xy + y²": x**2 - 2 * x * y + y**2,
        "sin x + eʸ": np.sin(x) + np.exp(y),
        "x₁x₂": x * y,
        "x₁ + 2x₂": x + 2 * y,
        "2x₁x₂²": 2 * x * y**2,
    }[surface.formula]


@pytest.mark.parametrize("name", SURFACES)
def test_gradient_agrees_with_three_oracles(name):
    surface = getattr(handmade.surfaces, name)()
    twin = getattr(torch_ref.surfaces, name)()
    assert surface.formula == twin.formula
    for p in points(name, np.random.default_rng(0)):
        by_autograd, by_complex_step, numeric = three_oracles(surface, twin, p)
        gradient = surface.gradient(p)
        np.testing.assert_allclose(gradient, by_autograd, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(gradient, by_complex_step, rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", SURFACES)
def test_value_gradient_and_hessian_are_torchs_for_many_points_at_once(name):
    p = points(name, np.random.default_rng(1))
    surface = getattr(handmade.surfaces, name)()
    twin = getattr(torch_ref.surfaces, name)()
    for part in ("value", "gradient", "hessian"):
        got = getattr(surface, part)(p)
        want = getattr(twin, part)(torch.from_numpy(p)).numpy()
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13, err_msg=part)


def test_the_slides_loop_takes_the_steps_of_the_closed_form():
    trace = descend(lambda x: x * x, lambda x: 2 * x, 2.0, step=0.1)
    assert trace.points == pytest.approx([2 * 0.8**k for k in range(trace.steps + 1)])
    assert trace.errors[-1] <= 0.01 < trace.errors[-2]


def test_a_step_of_one_half_is_newtons_on_a_parabola():
    fixed = descend(lambda x: x * x, lambda x: 2 * x, 3.0, step=0.5)
    true = newton(lambda x: x * x, lambda x: 2 * x, lambda x: 2.0, 3.0)
    assert fixed.points == true.points == [3.0, 0.0]


def test_newton_divides_by_a_curvature_that_changes():
    # error = x⁴: the true step multiplies x by 2/3.
    trace = newton(lambda x: x**4, lambda x: 4 * x**3, lambda x: 12 * x**2, 3.0)
    assert trace.points[1:3] == pytest.approx([2.0, 4 / 3])


def test_it_stops_at_once_where_the_error_is_small():
    assert descend(lambda x: x * x, lambda x: 2 * x, 0.05).steps == 0


def test_it_stops_after_max_steps():
    trace = descend(lambda x: x * x, lambda x: 2 * x, 9.0, step=1e-9, max_steps=7)
    assert trace.steps == 7


@pytest.mark.parametrize("name", ["SumOfSquares", "Valley"])
def test_both_implementations_take_the_same_steps(name):
    ours = getattr(handmade.surfaces, name)()
    theirs = getattr(torch_ref.surfaces, name)()
    start = np.array([4.0, -1.0])
    x = torch.from_numpy(start.copy())
    pairs = [
        (
            descend(ours.value, ours.gradient, start, step=0.04),
            torch_ref.descent.descend(theirs.value, x, step=0.04),
        ),
        (
            newton(ours.value, ours.gradient, ours.hessian, start),
            torch_ref.descent.newton(theirs.value, x),
        ),
    ]
    for mine, its in pairs:
        assert mine.steps == its.steps > 0
        walked = np.array([p.numpy() for p in its.points])
        np.testing.assert_allclose(mine.points, walked, rtol=1e-12, atol=1e-15)


def test_newton_takes_one_dimension_in_torch_too():
    trace = torch_ref.descent.newton(lambda x: x**4, torch.tensor(3.0).double())
    assert trace.points[1].item() == pytest.approx(2.0)


def test_where_it_starts_is_not_changed():
    start = np.array([4.0, -1.0])
    bowl = handmade.surfaces.SumOfSquares()
    descend(bowl.value, bowl.gradient, start)
    learner = handmade.descent.Descent(bowl, start, lr=0.1)
    learner.step(None, None)
    np.testing.assert_array_equal(start, [4.0, -1.0])


FLAT = {
    "the square of a plane": (
        lambda p: (p[0] + p[1]) ** 2 + 1,
        lambda p: np.full(2, 2 * (p[0] + p[1])),
        lambda p: np.full((2, 2), 2.0),
        np.array([1.0, 2.0]),
    ),
    "a line": (lambda x: x + 9, lambda x: 1.0, lambda x: 0.0, 1.0),
}


@pytest.mark.parametrize("name", FLAT)
def test_newton_says_that_a_flat_error_has_no_step(name):
    error, derivative, second, x = FLAT[name]
    with pytest.raises(ArithmeticError, match=r"singular \(flat\)"):
        newton(error, derivative, second, x)
    with pytest.raises(ArithmeticError, match=r"singular \(flat\)"):
        torch_ref.descent.newton(lambda p: error(p) + 0 * p.sum() ** 2, tensor(x))


def tensor(x):
    return torch.tensor(x, dtype=torch.float64)


@pytest.mark.parametrize("library", [np.asarray, tensor, array_api_strict.asarray])
def test_a_flat_surface_has_no_newton_step_in_any_library(library):
    plane = handmade.surfaces.Plane()
    learner = handmade.descent.Descent(plane, library(np.array([1.0, 2.0])))
    with pytest.raises(ArithmeticError, match=r"singular \(flat\)"):
        learner.step(None, None)


def test_newton_refuses_a_hessian_of_another_shape():
    with pytest.raises(ValueError, match=r"hessian must have shape \(2, 2\), got \(2,"):
        handmade.descent.newton_step(np.ones(2), np.ones((2, 3)))


def test_an_error_that_is_nan_stops_both_implementations():
    words = "became nan at step 0"
    with pytest.raises(ArithmeticError, match=words):
        newton(lambda x: np.nan, lambda x: x, lambda x: x, 1.0)
    with pytest.raises(ArithmeticError, match=words):
        torch_ref.descent.newton(torch.sqrt, tensor(-1.0))
    with pytest.raises(ArithmeticError, match=words):
        torch_ref.descent.descend(torch.sqrt, tensor(-1.0))


def test_a_loaded_point_is_a_copy():
    learner = handmade.descent.Descent(handmade.surfaces.Valley(), np.zeros(2), lr=0.1)
    state = {"point": np.ones(2)}
    learner.load_state_dict(state)
    learner.point[0] = 7
    np.testing.assert_array_equal(state["point"], [1, 1])


def test_a_float64_step_widens_no_float32():
    bowl, start = handmade.surfaces.SumOfSquares(), np.ones(2, np.float32)
    trace = descend(bowl.value, bowl.gradient, start, step=np.float64(0.1))
    assert trace.points[-1].dtype == np.float32
    learner = handmade.descent.Descent(bowl, start, lr=np.float64(0.1))
    learner.step(None, None)
    assert learner.point.dtype == np.float32


def test_it_gives_up_after_ten_thousand_steps_by_default():
    assert descend(lambda x: x * x, lambda x: 2 * x, 9.0, step=1e-9).steps == 10_000
    never = newton(lambda x: x * x + 1, lambda x: 2 * x, lambda x: 2.0, 9.0)
    assert never.steps == 10_000


def test_newton_stops_at_one_hundredth_by_default():
    trace = newton(lambda x: x**4, lambda x: 4 * x**3, lambda x: 12 * x**2, 3.0)
    assert trace.errors[-1] <= 0.01 < trace.errors[-2]


def test_an_error_of_exactly_the_tolerance_is_small_enough():
    assert descend(lambda x: x, lambda x: 1.0, 0.5, tolerance=0.5).steps == 0


def test_the_step_at_which_it_diverged_is_named():
    with pytest.raises(ArithmeticError, match=r"became inf at step 1$"):
        descend(lambda x: x * x, lambda x: 2 * x, 1.0, step=1e200)


def test_newton_mixes_neither_libraries_nor_precisions():
    def bowl(x):
        return float((x * x).sum())

    def half(x):
        return np.eye(2, dtype=np.float32)

    def tensor(x):
        return torch.eye(2).double()

    start = np.array([1.0, 2.0])
    with pytest.raises(TypeError, match="float64, but hessian is float32"):
        newton(bowl, lambda x: 2 * x, half, start)
    with pytest.raises(TypeError, match="arrays of one library"):
        newton(bowl, lambda x: 2 * x, tensor, start)


def test_newton_steps_of_many_points_are_torchs():
    p = points("SumOfCubes", np.random.default_rng(2))
    surface = handmade.surfaces.SumOfCubes()
    gradient, hessian = surface.gradient(p), surface.hessian(p)
    got = handmade.descent.newton_step(gradient, hessian)
    each = [
        handmade.descent.newton_step(g, h)
        for g, h in zip(gradient, hessian, strict=True)
    ]
    np.testing.assert_allclose(got, each, rtol=1e-13)


@pytest.mark.parametrize("name", SURFACES)
def test_surfaces_are_the_same_on_tensors(name):
    p = points(name, np.random.default_rng(3))
    surface = getattr(handmade.surfaces, name)()
    for part in ("value", "gradient", "hessian"):
        on_tensors = getattr(surface, part)(torch.from_numpy(p)).numpy()
        on_arrays = getattr(surface, part)(p)
        np.testing.assert_allclose(on_tensors, on_arrays, rtol=1e-14, atol=1e-15)
