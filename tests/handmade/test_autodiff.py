"""Forward mode, reverse mode, differences and complex steps agree with PyTorch."""

from functools import partial
from importlib.util import find_spec

import array_api_strict
import numpy as np
import pytest
import torch

import handmade
import handmade.autodiff as ad
import torch_ref.autodiff as torch_ad
from compare.backend import Backend
from handmade.autodiff.rules import PRIMITIVES, Elementwise

LIBRARIES = {
    "numpy": np.asarray,
    "torch": torch.from_numpy,
    "array_api_strict": array_api_strict.asarray,
    "jax": Backend("jax", "cpu", "float64").to_handmade,
}
WITH_JAX = [
    *[name for name in LIBRARIES if name != "jax"],
    pytest.param(
        "jax",
        marks=[
            pytest.mark.slow,
            pytest.mark.skipif(find_spec("jax") is None, reason="the extra `jax`"),
        ],
    ),
]

ELEMENTWISE = ["exp", "log", "sin", "cos", "tanh", "sqrt", "relu"]
BROADCAST = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3))]
BROADCAST += [((2, 1, 3), (4, 1)), ((0, 4), (4,)), ((5,), ())]
PRODUCTS = [((2, 3), (3, 4)), ((2, 3), (3,)), ((3,), (3, 4)), ((3,), (3,))]
PRODUCTS += [((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2))]
PRODUCTS += [((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((0, 3), (3, 2))]
REDUCED = [(None, False), (0, False), (-1, True), ((0, 2), False), ((-1, 0), True)]
REDUCED += [(None, True), (1, False)]
SLICED = {
    "a row": lambda x, xp: x[1],
    "an element": lambda x, xp: x[1, -1],
    "a column": lambda x, xp: x[:, 1],
    "every second": lambda x, xp: x[::2, 1:],
    "ellipsis": lambda x, xp: x[..., 0],
    "a new dimension": lambda x, xp: x[None, :, 1:2],
    "nothing": lambda x, xp: x[:0, :],
}

CASES = {
    "plus": (lambda ad, a, b: a + b, BROADCAST),
    "minus": (lambda ad, a, b: a - b, BROADCAST),
    "times": (lambda ad, a, b: a * b, BROADCAST),
    "divided by": (lambda ad, a, b: a / b, BROADCAST),
    "numbers": (lambda ad, a: 1 - 2 * a / 3 + 4 / (5 + a) - a * 2 - (-a), [((3, 2),)]),
    "matmul": (lambda ad, a, b: a @ b, PRODUCTS),
    ".T": (lambda ad, a: a.T, [((3, 2),)]),
    "reshape": (lambda ad, a: ad.reshape(a, (4, -1)), [((2, 2, 3),)]),
    "transpose": (lambda ad, a: ad.transpose(a, 0, -1), [((2, 3, 4),)]),
    "unpacked": (lambda ad, a: next(x * y for x, y in [a]), [((2, 3),)]),
    "reused": (lambda ad, a: a * a + a / (a + 1) - a, [((2, 3),)]),
    "reused by itself": (lambda ad, a: (a @ a) * a, [((3, 3),)]),
    "used once, then left": (lambda ad, a, b: (a * b, a - b)[1], [((2,), (2,))]),
    "the input itself": (lambda ad, a: a, [((2, 3),)]),
    "softmax": (
        lambda ad, a: ad.exp(a) / ad.sum(ad.exp(a), dim=-1, keepdim=True),
        [((3, 5),)],
    ),
}
CASES |= {
    name: (lambda ad, a, name=name: getattr(ad, name)(a), [((3, 4),), ((),), ((0, 2),)])
    for name in ELEMENTWISE
}
CASES |= {
    f"power {n}": (lambda ad, a, n=n: a**n, [((3, 4),), ((),)])
    for n in (0, 1, 2, 3, -1, 0.5, -2.5)
}
CASES |= {
    f"{name} {dim} {keepdim}": (
        lambda ad, a, name=name, dim=dim, keepdim=keepdim: getattr(ad, name)(
            a, dim=dim, keepdim=keepdim
        ),
        [((2, 3, 4),)],
    )
    for name in ("sum", "amax")
    for dim, keepdim in REDUCED
}
CASES |= {
    f"index {name}": (lambda ad, a, take=take: take(a, None), [((3, 4),)])
    for name, take in SLICED.items()
}
DRAWN = [
    pytest.param(f, shapes, id=f"{name}-{shapes}")
    for name, (f, several) in CASES.items()
    for shapes in several
]


def drawn(shapes, seed=0):
    """Inputs above ½, so that logarithms, roots and quotients are in their domain."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 2, shape) for shape in shapes], rng


def array(give, x):
    return give(np.asarray(x))


def close(got, want, bound=1e-12):
    got, want = np.asarray(got), want.detach().numpy()
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    scale = np.abs(want).max(initial=0)
    assert np.abs(got - want).max(initial=0) <= bound * (scale or 1)


@pytest.mark.parametrize("library", WITH_JAX)
@pytest.mark.parametrize(("f", "shapes"), DRAWN)
def test_both_modes_are_torchs(f, shapes, library):
    give = LIBRARIES[library]
    inputs, rng = drawn(shapes)
    tensors = [torch.from_numpy(np.asarray(x)) for x in inputs]
    arrays = [array(give, x) for x in inputs]
    value, back = ad.vjp(lambda *a: f(ad, *a), *arrays)
    want, want_back = torch.func.vjp(lambda *a: f(torch_ad, *a), *tensors)
    close(value, want)
    upstream = rng.normal(size=tuple(want.shape))
    for _ in range(2):  # a second call accumulates nothing
        found = back(array(give, upstream))
        wanted = want_back(torch.from_numpy(np.asarray(upstream)))
        for got, exact in zip(found, wanted, strict=True):
            close(got, exact)
    tangents = [np.asarray(rng.normal(size=shape)) for shape in shapes]
    value, change = ad.jvp(
        lambda *a: f(ad, *a), tuple(arrays), tuple(array(give, v) for v in tangents)
    )
    want, want_change = torch.func.jvp(
        lambda *a: f(torch_ad, *a), tuple(tensors), tuple(map(torch.tensor, tangents))
    )
    close(value, want)
    close(change, want_change)


ORDERS = {
    "forward over reverse": lambda ad, f, x, v: ad.jvp(ad.grad(f), (x,), (v,))[1],
    "reverse over reverse": lambda ad, f, x, v: ad.grad(
        lambda x: ad.sum(ad.grad(f)(x) * v)
    )(x),
    "reverse over forward": lambda ad, f, x, v: ad.grad(
        lambda x: ad.jvp(f, (x,), (v,))[1]
    )(x),
    "forward over forward": lambda ad, f, x, v: ad.jvp(
        lambda x: ad.jvp(f, (x,), (v,))[1], (x,), (v,)
    )[1],
    "third order": lambda ad, f, x, v: ad.hvp(
        lambda x: ad.sum(ad.hvp(f, x, v) * v), x, v
    ),
}


# Not array_api_strict: its arrays refuse a traced one to the right of an operator.
@pytest.mark.parametrize(
    "library", ["numpy", pytest.param("torch", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(("f", "shapes"), DRAWN)
def test_second_derivatives_are_torchs(f, shapes, library):
    """By the first input, of the function made a number in a curved way."""
    give = LIBRARIES[library]
    (first, *others), rng = drawn(shapes)
    v = np.asarray(rng.normal(size=shapes[0]))

    def curved(ad, give):
        arrays = [array(give, x) for x in others]
        return lambda x: ad.sum(ad.sin(f(ad, x, *arrays)) * ad.sum(x * x))

    for order in ORDERS.values():
        got = order(ad, curved(ad, give), array(give, first), array(give, v))
        x, direction = (torch.from_numpy(np.asarray(a)) for a in (first, v))
        want = order(torch_ad, curved(torch_ad, torch.from_numpy), x, direction)
        close(got, want)


SURFACES = ["InverseSquare", "SinePlusExponential", "ProductWithSquare", "SumOfCubes"]


@pytest.mark.parametrize("library", WITH_JAX)
@pytest.mark.parametrize("name", SURFACES)
def test_the_hessian_is_that_by_hand_and_torchs(name, library):
    formulas = {
        "InverseSquare": "1/(x² + y²)",
        "SinePlusExponential": "sin x + eʸ",
        "ProductWithSquare": "2x₁x₂²",
    }
    f = FUNCTIONS.get(formulas.get(name, ""), lambda ad, p: ad.sum(p**3))
    found = ad.hessian(lambda p: f(ad, p))(LIBRARIES[library](POINT))
    by_hand = getattr(handmade.surfaces, name)().hessian(POINT)
    np.testing.assert_allclose(np.asarray(found), by_hand, rtol=1e-14, atol=1e-14)
    close(found, torch_ad.hessian(lambda p: f(torch_ad, p))(torch.tensor(POINT)))


@pytest.mark.parametrize("library", WITH_JAX)
def test_nan_stays_where_the_index_puts_it(library):
    give = LIBRARIES[library]
    x, places = give(np.array([np.nan, 1.0, 2.0])), give(np.array([0, 1, 1]))
    found = ad.grad(lambda x: ad.sum(x[places] ** 2))(x)
    assert np.array_equal(np.asarray(found), [np.nan, 4.0, 0.0], equal_nan=True)


def test_a_hessian_of_any_shape_by_any_argument_is_torchs():
    rng = np.random.default_rng(0)
    a, x, b = rng.normal(size=(3, 2)), rng.normal(size=(2, 4)), 2.0
    f = lambda ad, a, x, b: ad.sum(ad.tanh(a @ x) ** 2) * b  # noqa: E731
    found = ad.hessian(lambda *args: f(ad, *args), 1)(a, x, b)
    tensors = torch.tensor(a), torch.tensor(x), torch.tensor(b)
    close(found, torch_ad.hessian(lambda *args: f(torch_ad, *args), 1)(*tensors))
    assert found.shape == (2, 4, 2, 4)
    for shape in ((), (0,), (1,)):
        assert ad.hessian(lambda x: ad.sum(x * x))(np.ones(shape)).shape == 2 * shape


def test_a_hessian_inside_other_derivatives_is_torchs():
    def squared(ad, x, y):
        """Σ H², with H the Hessian of a function of x that also depends on y."""
        f = lambda x: ad.sum(y * x**4) + x[0] * x[1] ** 2 * ad.exp(x[2])  # noqa: E731
        return ad.sum(ad.hessian(f)(x) ** 2)

    args = np.array([1.0, 2.0, 0.5]), np.array([0.3, 0.7, -1.1])
    tensors = [torch.from_numpy(a) for a in args]
    for way in ("grad", "hessian"):
        for i in (0, 1):
            f = lambda ad, way=way, i=i: getattr(ad, way)(  # noqa: E731
                lambda x, y: squared(ad, x, y), i
            )
            close(f(ad)(*args), f(torch_ad)(*tensors))


def test_inner_and_outer_derivatives_are_not_confused():
    x, y, one = (np.asarray(float(n)) for n in (3, 5, 1))
    inner = lambda x: ad.grad(lambda y: x * y * y)(y)  # noqa: E731  2xy
    assert ad.grad(lambda x: x * inner(x))(x) == 4 * x * y
    assert ad.jvp(lambda x: x * inner(x), (x,), (one,))[1] == 4 * x * y


@pytest.mark.parametrize("package", [ad, torch_ad])
def test_a_constant_of_the_inner_derivative_moves_in_the_outer_one(package):
    give = np.asarray if package is ad else torch.asarray
    x, y, one = give(3.0), give(5.0), give(1.0)

    def slope_by_y(x):
        return package.jvp(lambda y: x + y, (y,), (one,))[1]  # 1, whatever x is

    assert package.grad(lambda x: x * slope_by_y(x))(x) == 1


def test_what_an_inner_derivative_does_not_depend_on_has_no_curvature():
    assert ad.hvp(lambda x: ad.sum(x * 2), X, X).tolist() == [0, 0, 0]
    outer = ad.jvp(lambda x: ad.grad(lambda y: ad.sum(x))(X), (X,), (X,))
    assert [a.tolist() for a in outer] == [[0, 0, 0], [0, 0, 0]]


def test_branches_follow_the_value_in_a_second_derivative_too():
    f = lambda x: x**3 if x > 0 and x != 5 and not x <= 1 else -x  # noqa: E731
    x, one = np.array(2.0), np.array(1.0)
    assert ad.hvp(f, x, one) == 12
    assert ad.hvp(f, -x, one) == 0


@pytest.mark.parametrize("library", WITH_JAX)
def test_inputs_and_upstream_are_not_touched(library):
    give = LIBRARIES[library]
    arrays = [give(np.full((2, 2), 2.0)), give(np.full((2, 2), 3.0))]
    value, back = ad.vjp(lambda a, b: (a @ b)[:1, :] * b + ad.relu(a), *arrays)
    upstream = give(np.ones((2, 2)))
    back(upstream)
    ad.jvp(lambda a, b: a @ b, tuple(arrays), (upstream, upstream))
    for x, number in zip([*arrays, upstream], (2, 3, 1), strict=True):
        assert np.all(np.asarray(x) == number)
    assert np.asarray(value).shape == (2, 2)


ROWS = np.array([0, 2, 2, 1, 2])
COLUMNS = np.array([1, 0, 0, 3, 1])


@pytest.mark.parametrize("library", WITH_JAX)
def test_repeated_indices_add_up(library):
    give = LIBRARIES[library]
    x, upstream = np.arange(12.0).reshape(3, 4), np.array([1.0, 2, 4, 8, 16])
    rows, columns = give(ROWS), give(COLUMNS)
    _, back = ad.vjp(lambda x: x[rows, columns], give(x))
    want = np.zeros((3, 4))
    np.add.at(want, (ROWS, COLUMNS), upstream)
    assert want[2, 0] == 6
    np.testing.assert_array_equal(np.asarray(back(give(upstream))[0]), want)
    _, change = ad.jvp(lambda x: x[rows, columns], (give(x),), (give(want),))
    np.testing.assert_array_equal(np.asarray(change), want[ROWS, COLUMNS])


def test_whole_rows_taken_again_add_up():
    x, upstream = np.zeros((3, 2)), np.arange(10.0).reshape(5, 2)
    _, back = ad.vjp(lambda x: x[ROWS], x)
    want = np.zeros((3, 2))
    np.add.at(want, ROWS, upstream)
    np.testing.assert_array_equal(back(upstream)[0], want)


@pytest.mark.parametrize(("dim", "keepdim"), [(None, False), (1, False), (1, True)])
def test_equal_largest_numbers_share_the_slope_as_in_torchs_amax(dim, keepdim):
    x = np.array([[1.0, 3, 3], [2, 2, 2], [0, -1, 5]])
    inner = np.array([[1.0, 2, 4], [8, 16, 32], [64, 128, 256]])
    value, back = ad.vjp(lambda x: ad.amax(x, dim, keepdim), x)
    leaf = torch.tensor(x, requires_grad=True)
    want = torch.amax(leaf, () if dim is None else dim, keepdim)
    upstream = np.asarray(np.random.default_rng(0).normal(size=value.shape))
    want.backward(torch.from_numpy(upstream))
    close(back(upstream)[0], leaf.grad)
    assert dim is None or back(upstream)[0][0, 1] == back(upstream)[0][0, 2] != 0
    _, change = ad.jvp(lambda x: ad.amax(x, dim, keepdim), (x,), (inner,))
    close(
        change,
        torch.func.jvp(
            lambda x: torch.amax(x, () if dim is None else dim, keepdim),
            (torch.from_numpy(x),),
            (torch.from_numpy(inner),),
        )[1],
    )


def test_relu_is_flat_at_its_kink_and_keeps_nan():
    x = np.array([-1.0, 0.0, 2.0])
    assert ad.grad(lambda x: ad.sum(ad.relu(x)))(x).tolist() == [0, 0, 1]
    assert np.isnan(ad.relu(np.array(np.nan)))
    nan, one = torch.tensor(torch.nan), torch.tensor(1.0)
    assert ad.grad(ad.relu)(nan) == torch.func.grad(torch.relu)(nan) == 1
    for package in (ad, torch_ad):
        assert package.jvp(package.relu, (nan,), (one,))[1] == 1


def test_powers_at_zero_are_torchs():
    for n in (0, 1, 2, 3):
        zero = torch.zeros((), dtype=torch.float64)
        want = torch.func.grad(lambda x, n=n: x**n)(zero)
        assert ad.grad(lambda x, n=n: x**n)(np.zeros(())) == want.item(), n


def test_what_has_no_influence_has_slope_zero():
    x, y = np.ones((2, 3)), np.ones(4)
    for f in (lambda x, y: ad.sum(x), lambda x, y: np.array(7.0)):
        gradients = ad.grad(f, (0, 1))(x, y)
        np.testing.assert_array_equal(gradients[1], np.zeros(4))
        assert ad.jvp(f, (x, y), (0 * x, y))[1] == 0


def test_branches_and_comparisons_follow_the_value():
    def f(x):
        return 3 * x if x > 0 and x != 5 and x >= 1 and not x < 1 else -x

    assert ad.grad(f)(np.array(2.0)) == 3
    assert ad.grad(f)(np.array(-2.0)) == -1
    assert ad.grad(f)(np.array(5.0)) == -1
    assert ad.jvp(f, (np.array(2.0),), (np.array(10.0),))[1] == 30
    assert ad.grad(lambda x: x if x <= x and x == x and x else -x)(np.array(2.0)) == 1


def test_chosen_arguments_are_differentiated_and_others_are_anything():
    def f(scale, x, word, y):
        assert word == "as it is"
        return scale * ad.sum(x * y)

    x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    args = (2, x, "as it is", y)
    np.testing.assert_array_equal(ad.grad(f, 1)(*args), 2 * y)
    (by_y, by_x), value = ad.grad_and_value(f, (3, 1))(*args)
    np.testing.assert_array_equal(by_y, 2 * x)
    np.testing.assert_array_equal(by_x, 2 * y)
    assert value == 26


def test_float32_stays_float32_beside_any_number():
    x = np.ones(3, np.float32)
    f = lambda x: ad.sum(np.float64(2) * x + np.float32(1) * x**2.0 / 3)  # noqa: E731
    gradient, value = ad.grad_and_value(f)(x)
    assert (gradient.dtype, value.dtype) == (np.float32, np.float32)
    assert ad.jvp(f, (x,), (x,))[1].dtype == np.float32
    for way in (ad.forward_difference, ad.central_difference, ad.complex_step):
        assert way(lambda x: ad.sum(x * x), x).dtype == np.float32


def test_torchs_gradcheck_agrees_with_the_tape():
    class Taped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            value, ctx.back = ad.vjp(net, x.detach(), w.detach())
            return value

        @staticmethod
        def backward(ctx, upstream):
            return ctx.back(upstream)

    def net(x, w):
        return ad.tanh(x @ w) / ad.sum(ad.exp(x), dim=1, keepdim=True)

    x, w = (torch.from_numpy(a).requires_grad_() for a in drawn([(4, 3), (3, 2)])[0])
    assert torch.autograd.gradcheck(Taped.apply, (x, w))


def mutants(rule):
    """The table's rule with each of its parts wrong in turn."""
    if isinstance(rule, Elementwise):
        for i in range(len(rule.slopes)):
            for factor in (0, 2, -1):
                wrong = list(rule.slopes)
                wrong[i] = lambda *a, f=factor, s=rule.slopes[i], **o: f * s(*a, **o)
                yield Elementwise(rule.value, *wrong)
        return
    for part in ("push", "pull"):
        for factor in (0, 2, -1):
            yield Broken(rule, part, factor)


class Broken:
    def __init__(self, rule, part, factor):
        self.rule, self.part, self.factor = rule, part, factor

    def __getattr__(self, name):
        whole = getattr(self.rule, name)
        if name != self.part:
            return whole
        return lambda *args, **options: self.factor * whole(*args, **options)


USES = {
    "add": "plus",
    "subtract": "minus",
    "multiply": "times",
    "divide": "divided by",
    "power": "power 3",
    "sum": "sum 0 False",
    "amax": "amax 0 False",
    "index": "index a column",
    "permute_dims": "transpose",
}
SECOND_ORDER_USES = {"scatter": "index a column", "broadcast_to": "sum 0 False"}
"""What only the derivatives of other rows use."""


@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_wrong_rule_in_the_table_is_caught(name, monkeypatch):
    if name == "stack":
        law = test_a_hessian_inside_other_derivatives_is_torchs
    else:
        second_order = name in SECOND_ORDER_USES
        uses = SECOND_ORDER_USES if second_order else USES
        f, several = CASES[uses.get(name, name)]
        both = test_second_derivatives_are_torchs, test_both_modes_are_torchs
        law = partial(both[0 if second_order else 1], f, several[0], "numpy")
    for wrong in mutants(PRIMITIVES[name]):
        monkeypatch.setitem(PRIMITIVES, name, wrong)
        with pytest.raises(AssertionError):
            law()


FUNCTIONS = {
    "x² + y²": lambda ad, p: ad.sum(p**2),
    "1/(x² + y²)": lambda ad, p: 1 / ad.sum(p * p),
    "sin x + eʸ": lambda ad, p: ad.sin(p[0]) + ad.exp(p[1]),
    "2x₁x₂²": lambda ad, p: 2 * p[0] * p[1] ** 2,
    "log, root and quotient": lambda ad, p: ad.log(p[0]) * ad.sqrt(p[1]) / ad.cos(p[0]),
    "relu and max": lambda ad, p: ad.sum(ad.relu(p - 1)) * ad.amax(p) + ad.tanh(p[0]),
    "matrices": lambda ad, p: ad.sum(ad.reshape(p, (2, 1)) @ ad.reshape(p, (1, 2))),
}
POINT = np.array([0.7, 1.4])


@pytest.mark.parametrize("library", WITH_JAX)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_function_runs_in_all_ways_on_both_sides(name, library):
    give, x = LIBRARIES[library], torch.from_numpy(POINT)
    f = lambda p: FUNCTIONS[name](ad, p)  # noqa: E731
    g = lambda p: FUNCTIONS[name](torch_ad, p)  # noqa: E731
    want = torch.func.grad(g)(x)
    p = give(POINT)
    directions = [give(e) for e in np.eye(2)]
    forward = [float(ad.jvp(f, (p,), (e,))[1]) for e in directions]
    close(np.array(forward), want)
    close(ad.grad(f)(p), want)
    close(ad.complex_step(f, p), want, 1e-14)
    close(ad.central_difference(f, p), want, 1e-9)
    close(ad.forward_difference(f, p), want, 1e-6)
    close(torch_ad.complex_step(g, x), want, 1e-14)
    close(torch_ad.central_difference(g, x), want, 1e-9)
    close(torch_ad.forward_difference(g, x), want, 1e-6)


@pytest.mark.parametrize("way", ["forward_difference", "central_difference"])
@pytest.mark.parametrize("h", [None, 0.25])
def test_differences_are_the_same_chords_on_both_sides(way, h):
    f, g = (lambda p, ad=ad: ad.sum(p**3) for ad in (ad, torch_ad))
    got = getattr(ad, way)(f, POINT, h)
    want = getattr(torch_ad, way)(g, torch.from_numpy(POINT), h)
    close(got, want, 1e-15 if h else 1e-8)
    if h:
        x, one_sided = POINT, way == "forward_difference"
        chord = 3 * x**2 + 3 * x * h + h**2 if one_sided else 3 * x**2 + h**2
        np.testing.assert_allclose(got, chord, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [None, 0.01])
def test_next_to_the_largest_number_a_forward_difference_steps_inwards(dtype, share):
    top = float(np.finfo(dtype).max)
    x, h = np.array([top, -top], dtype), share and share * top
    f = lambda p, ad: ad.sum(p * (p / top))  # noqa: E731  its slope is 2x / top
    got = ad.forward_difference(lambda p: f(p[:1], ad), x, h)
    again = torch_ad.forward_difference(
        lambda p: f(p[:1], torch_ad), torch.tensor(x), h
    )
    step = share or np.finfo(dtype).eps ** 0.5
    np.testing.assert_allclose(got, [2 - step, 0], rtol=1e-3)
    np.testing.assert_allclose(again, got, rtol=1e-3)


def error(way, h):
    """Of the slope of sin x · eˣ at 1, relative."""
    f = lambda x: ad.sin(x) * ad.exp(x)  # noqa: E731
    exact = np.e * (np.sin(1) + np.cos(1))
    return abs(float(way(f, np.array(1.0), h)) - exact) / exact


def best(way, steps):
    """Where the error, in the middle over steps close by, is least."""
    return min(steps, key=lambda h: np.median([error(way, h * r) for r in RATIOS]))


RATIOS = np.geomspace(0.7, 1.4, 21)
STEPS = 10.0 ** np.arange(-14, -0.9, 0.5)


@pytest.mark.parametrize(
    ("way", "root", "least"),
    [("forward_difference", 1 / 2, 1e-7), ("central_difference", 1 / 3, 1e-9)],
)
def test_the_error_is_u_shaped_and_least_near_the_root_of_epsilon(way, root, least):
    way = getattr(ad, way)
    bottom, expected = best(way, STEPS), np.finfo(float).eps ** root
    assert expected / 10 < bottom < expected * 10
    assert error(way, None) < least
    for h in (STEPS[0], STEPS[-1]):
        assert error(way, h) > 1e3 * error(way, expected)


def test_the_complex_step_is_exact_for_every_small_step():
    assert max(error(ad.complex_step, h) for h in (1e-10, 1e-20, 1e-200)) < 1e-15


def test_a_difference_moves_one_entry_at_a_time_and_counts_its_calls():
    calls = []

    def f(p):
        calls.append(p)
        return ad.sum(p * p)

    x = np.arange(6.0).reshape(2, 3)
    for way, count in (
        (ad.forward_difference, 7),
        (ad.central_difference, 12),
        (ad.complex_step, 6),
        (ad.grad, 1),
    ):
        calls.clear()
        found = way(f)(x) if way is ad.grad else way(f, x)
        np.testing.assert_allclose(found, 2 * x, atol=1e-7)
        assert len(calls) == count
        assert np.all(x == np.arange(6.0).reshape(2, 3))


X = np.ones(3)
BAD = {
    "a list": (lambda: ad.grad(ad.sum)([1.0, 2.0]), TypeError, "got list"),
    "integers": (lambda: ad.grad(ad.sum)(np.ones(3, int)), TypeError, "int64"),
    "a gradient of many": (
        lambda: ad.grad(lambda x: 2 * x)(X),
        ValueError,
        r"must give one number, shape \(\), got shape \(3,\)",
    ),
    "a tuple": (
        lambda: ad.grad(lambda x: (x[0], x[1]))(X),
        TypeError,
        "what the function gives must be an array .*, got tuple",
    ),
    "a missing argument": (
        lambda: ad.grad(ad.sum, 1)(X),
        ValueError,
        "argnums names argument 1, but 1 were given",
    ),
    "an upstream of another shape": (
        lambda: ad.vjp(lambda x: x, X)[1](np.ones(2)),
        ValueError,
        r"grad_output must have shape \(3,\), got \(2,\)",
    ),
    "a tangent of another shape": (
        lambda: ad.jvp(ad.sum, (X,), (np.ones(2),)),
        ValueError,
        r"tangent 0 must have shape \(3,\), got \(2,\)",
    ),
    "a tangent of another library": (
        lambda: ad.jvp(ad.sum, (X,), (torch.ones(3),)),
        TypeError,
        "give both as arrays of one library",
    ),
    "a tangent too few": (
        lambda: ad.jvp(ad.sum, (X, X), (X,)),
        ValueError,
        "as many tangents as primals, and at least one; got 1 and 2",
    ),
    "primals that are no tuple": (
        lambda: ad.jvp(ad.sum, X, X),
        TypeError,
        "primals must be a tuple of arrays, one for each input, got ndarray",
    ),
    "a constant of another library": (
        lambda: ad.grad(lambda x: ad.sum(x * torch.ones(3)))(X),
        TypeError,
        "multiply: input 0 is a numpy.ndarray, but input 1 is a torch.Tensor",
    ),
    "a constant of another dtype": (
        lambda: ad.grad(lambda x: ad.sum(x + np.ones(3, np.float32)))(X),
        TypeError,
        "input 0 is float64, but input 1 is float32",
    ),
    "a list as a constant": (
        lambda: ad.grad(lambda x: ad.sum(x * [1.0, 2.0, 3.0]))(X),
        TypeError,
        "multiply: input 1 must be an array .*, got list",
    ),
    "an array as exponent": (
        lambda: ad.grad(lambda x: ad.sum(x**x))(X),
        TypeError,
        "power: the exponent must be a real number, got Variable",
    ),
    "a mask": (
        lambda: ad.grad(lambda x: ad.sum(x[x > 0]))(X),
        TypeError,
        "index: arrays must hold int64, got bool",
    ),
    "a bool": (
        lambda: ad.grad(lambda x: ad.sum(x[True]))(X),
        TypeError,
        "index: masks are not supported, got a bool",
    ),
    "a list as index": (
        lambda: ad.grad(lambda x: ad.sum(x[[0, 1]]))(X),
        TypeError,
        "index: index must be an array .*, got list",
    ),
    "an index of another library": (
        lambda: ad.grad(lambda x: ad.sum(x[torch.tensor([0])]))(X),
        TypeError,
        "x is a numpy.ndarray, but index is a torch.Tensor",
    ),
    "a number in a matrix product": (
        lambda: ad.grad(lambda x: x @ 2)(X),
        ValueError,
        r"at least one dimension, got shapes \(3,\) and \(\)",
    ),
    "a vector's .T": (
        lambda: ad.grad(lambda x: ad.sum(x.T))(X),
        ValueError,
        r"\.T needs a matrix, got shape \(3,\)",
    ),
    "no dimension": (
        lambda: ad.sum(X, dim=()),
        ValueError,
        "sum: dim must name a dimension, or be None",
    ),
    "NumPy's stack": (
        lambda: ad.grad(lambda x: np.stack([x, x]))(X),
        TypeError,
        "NumPy's functions would lose the derivative",
    ),
    "NumPy's exp": (lambda: ad.grad(lambda x: np.exp(x))(X), TypeError, "ufunc"),
    "several arguments of a Hessian": (
        lambda: ad.hessian(ad.sum, (0, 1)),
        TypeError,
        r"argnums must be one number, got \(0, 1\)",
    ),
    "a Hessian by a missing argument": (
        lambda: ad.hessian(ad.sum, 1)(X),
        ValueError,
        "argnums names argument 1, but 1 were given",
    ),
    "a Hessian of many": (
        lambda: ad.hessian(lambda x: 2 * x)(X),
        ValueError,
        r"must give one number, shape \(\), got shape \(3,\)",
    ),
    "a vector of another shape": (
        lambda: ad.hvp(ad.sum, X, np.ones(2)),
        ValueError,
        r"tangent 0 must have shape \(3,\), got \(2,\)",
    ),
    "a value kept from another derivative": (
        lambda: (
            (kept := [], ad.grad(lambda x: kept.append(x) or ad.sum(x))(X))
            and ad.grad(lambda x: ad.sum(x * kept[0]))(X)
        ),
        ValueError,
        "multiply: got a value that was kept from a derivative that has ended",
    ),
    "a difference of many": (
        lambda: ad.central_difference(lambda x: x, X),
        ValueError,
        r"must give one number, shape \(\), got shape \(3,\)",
    ),
    "a step of 0": (
        lambda: ad.forward_difference(ad.sum, X, 0.0),
        ValueError,
        "h must be positive and finite, got 0.0",
    ),
    "a difference at integers": (
        lambda: ad.forward_difference(ad.sum, np.ones(3, int)),
        TypeError,
        "x must hold floating-point numbers",
    ),
    "a lost imaginary part": (
        lambda: ad.complex_step(lambda z: np.sum(np.abs(z)), X),
        TypeError,
        "drops the imaginary part",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_differentiated_is_refused_in_words(name):
    attempt, kind, words = BAD[name]
    with pytest.raises(kind, match=words):
        attempt()


@pytest.mark.parametrize("give", [np.asarray, torch.tensor])
def test_what_is_returned_is_nobody_elses(give):
    x, v = give([1.0, 2.0, 3.0]), give([0.5, 0.5, 0.5])
    gradient = ad.grad(ad.sum)(x)
    gradient[0] = 5.0
    assert gradient.tolist() == [5.0, 1.0, 1.0]
    value, backward = ad.vjp(lambda z: z, x)
    same, moved = ad.jvp(lambda z: z, (x,), (v,))
    (back,) = backward(v)
    for array in (value, same, moved, back):
        array[0] = 9.0
    assert (x.tolist(), v.tolist()) == ([1.0, 2.0, 3.0], [0.5, 0.5, 0.5])


@pytest.mark.parametrize("argnums", [(), (0, 0)])
def test_each_argument_is_named_once(argnums):
    with pytest.raises(ValueError, match="argnums must name at least one"):
        ad.grad(lambda x: ad.sum(x), argnums)(np.ones(2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", ["forward_difference", "central_difference"])
@pytest.mark.parametrize("package", [ad, torch_ad])
def test_a_step_grows_with_its_entry_so_that_it_is_not_lost_beside_it(
    package, way, dtype
):
    x = np.array([1e-8, -0.3, 7.0, -1e4, 1e8, 1e12]).astype(dtype)
    roots = {"forward_difference": 1 / 2, "central_difference": 2 / 3}
    bound = 8 * np.finfo(dtype).eps ** roots[way]
    give = np.asarray if package is ad else torch.asarray
    for i in range(len(x)):  # one at a time: a large summand would hide the others
        found = getattr(package, way)(lambda p, i=i: p[i] * p[i] + 3 * p[i], give(x))
        want = np.where(np.arange(len(x)) == i, 2 * x + 3, 0)
        assert np.abs(np.asarray(found) - want).max() <= bound * np.abs(want).max()
        assert np.asarray(found).dtype == x.dtype


@pytest.mark.parametrize("package", [ad, torch_ad])
def test_a_default_step_is_exactly_as_long_as_x_moves(package):
    x = np.float32([0.1, -3e5, 1.0])
    give = np.asarray if package is ad else torch.asarray
    for way in (package.forward_difference, package.central_difference):
        for i in range(3):
            assert np.asarray(way(lambda p, i=i: p[i], give(x))).tolist()[i] == 1.0


@pytest.mark.parametrize("package", [ad, torch_ad])
@pytest.mark.parametrize("constant", [7.0, 7, np.float64(7), "array"])
def test_a_constant_has_slope_zero_in_every_way(package, constant):
    give = np.asarray if package is ad else torch.asarray
    x = give(np.array([1.0, -2.0]))
    value = give(np.array(7.0)) if constant == "array" else constant
    for way in (
        package.forward_difference,
        package.central_difference,
        package.complex_step,
    ):
        assert np.asarray(way(lambda p: value, x)).tolist() == [0, 0]


@pytest.mark.parametrize("package", [ad, torch_ad])
@pytest.mark.parametrize(
    "f",
    [
        lambda z: abs(z).sum(),
        lambda z: abs(z[0] - 2),  # as high at 1 as at 3
        lambda z: float(abs(z[1])),
        lambda z: z.real[0] * 3,
    ],
)
def test_what_drops_the_imaginary_part_is_refused_by_both_implementations(package, f):
    give = np.asarray if package is ad else torch.asarray
    for x in ([1.0, 2.0], [0.0, -1.0], [1e-9, 1e20]):
        words = r"complex_step: .*drops the imaginary part"
        with pytest.raises(TypeError, match=words):
            package.complex_step(f, give(np.array(x)))


@pytest.mark.parametrize("package", [ad, torch_ad])
def test_one_number_is_wanted_by_every_way_of_both_implementations(package):
    give = np.asarray if package is ad else torch.asarray
    for shape in ((1,), (3,), (2, 2)):
        x = give(np.ones(shape))
        ways = (
            package.forward_difference,
            package.central_difference,
            package.complex_step,
        )
        for way in ways:
            with pytest.raises(ValueError, match=rf"{way.__name__}: .*one number"):
                way(lambda p: 2 * p, x)
        kind = ValueError if package is ad else RuntimeError
        with pytest.raises(kind, match=r"one number|scalar"):
            package.grad(lambda p: 2 * p)(x)


@pytest.mark.parametrize("package", [ad, torch_ad])
@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_differences_want_a_place_that_is_finite(package, odd):
    give = np.asarray if package is ad else torch.asarray
    for way in (package.forward_difference, package.central_difference):
        with pytest.raises(ValueError, match=rf"{way.__name__}: x must be finite"):
            way(lambda p: p[0], give(np.array([1.0, odd])))


@pytest.mark.parametrize("package", [ad, torch_ad])
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,)])
def test_any_shape_has_a_gradient_of_its_shape(package, shape):
    give = np.asarray if package is ad else torch.asarray
    x = give(np.ones(shape))
    for way in (
        package.forward_difference,
        package.central_difference,
        package.complex_step,
    ):
        assert tuple(way(lambda p: package.sum(p), x).shape) == shape
