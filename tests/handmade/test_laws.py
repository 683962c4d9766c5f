"""The laws that every layer, loss and optimizer obeys, over all cases of compare."""

from importlib.util import find_spec

import array_api_strict
import numpy as np
import pytest
import torch
from oracles import finite_differences

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.testing import LAYERS, LOSSES, OPTIMIZERS, rng_of
from compare.testing.draws import kinked
from compare.testing.reference import built, drawn, found, torchs
from compare.tolerance import difference

ALL = [*LAYERS, *LOSSES]
ZERO: set[tuple[str, str]] = {("SmoothnessPenalty", "input gradient")}
"""Gradients that are 0 by definition, by class and result."""
# Step's gradient is 0 by definition, and an empty batch has none.
MOVING = [c for c in ALL if c.name != "Step" and c.note != "empty batch"]
# At a kink or a jump there is no derivative to approximate, and ±1e4 is all saturation.
KINKED = {"ReLU", "LeakyReLU", "Step", "L1Loss", "BCELoss"}
KINKED |= {"MaxPool1d", "MaxPool2d"}
KINKED |= {"PReLU", "ELU", "Hardtanh", "ReLU6"}
KINKED |= {"SmoothL1Loss", "HuberLoss", "HingeEmbeddingLoss", "MultiMarginLoss"}
SMOOTH = [
    c
    for c in MOVING
    if c.name not in KINKED
    and not c.note.startswith("extreme")
    and c.note not in ("extreme", "at the threshold")
    and not drawn(c).of_index
]


PARAMETRIC = [c for c in ALL if drawn(c).state]


def over(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)


def numpy_array(values, dtype):
    return values.astype(dtype, copy=False) if values.dtype.kind == "f" else values


def strict_array(values, dtype):
    return array_api_strict.asarray(numpy_array(values, dtype))


GIVE = {
    "numpy": numpy_array,
    "torch": lambda values, dtype: Backend("torch", "cpu", dtype).to_torch(values),
    "strict": strict_array,
    "cuda": lambda values, dtype: Backend("torch", "cuda", dtype).to_torch(values),
    "jax": lambda values, dtype: Backend("jax", "cpu", dtype).to_handmade(values),
}
TAKE = {"strict": lambda a: np.asarray(a)}
SLOW = pytest.mark.slow
CUDA = pytest.param(
    "cuda",
    marks=[
        pytest.mark.cuda,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA"),
    ],
)
NO_JAX = pytest.mark.skipif(find_spec("jax") is None, reason="the extra `jax`")
LIBRARIES = [
    "numpy",
    "torch",
    pytest.param("strict", marks=SLOW),
    pytest.param("jax", marks=[SLOW, NO_JAX]),
    CUDA,
]


def make(case):
    return getattr(handmade.nn, case.name)


def answers(case, library, dtype):
    give, take = GIVE[library], TAKE.get(library, to_numpy)
    return found(make(case), drawn(case), lambda a: give(a, dtype), take)


def upstream(case, module):
    """Run forward; return the arguments of the backward pass."""
    question = drawn(case)
    handmade.manual_seed(question.seed)
    gradient = question.grad_output(np.asarray(module(*question.inputs)))
    return [] if gradient is None else [gradient]


def relative_error(got, want):
    """Max |got − want|, relative to max |want| where that is not 0."""
    found = difference(got, want)
    return found.max_abs / (found.scale or 1.0)


@pytest.mark.parametrize("library", LIBRARIES)
@over(ALL)
def test_value_and_gradients_are_torchs_in_float64(case, library):
    want = torchs(drawn(case))
    got = answers(case, library, "float64")
    assert got.keys() == want.keys()
    for name, value in want.items():
        assert got[name].shape == value.shape
        assert got[name].dtype == value.dtype
        assert relative_error(got[name], value) <= 1e-12, name


@pytest.mark.parametrize("library", LIBRARIES)
@over(ALL)
def test_float32_is_as_near_to_the_truth_as_torchs_own(case, library):
    exact, theirs = torchs(drawn(case)), torchs(drawn(case), "float32")
    got = answers(case, library, "float32")
    for name, value in exact.items():
        assert got[name].dtype == theirs[name].dtype
        allowed = 4 * relative_error(theirs[name], value) + 8 * np.finfo(np.float32).eps
        assert relative_error(got[name], value) <= allowed, name


def gradients_that_move(case):
    """The gradients that are not 0 by definition."""
    names = [name for name in torchs(drawn(case)) if "gradient" in name]
    return [name for name in names if (case.name, name) not in ZERO]


@over(MOVING)
def test_the_reference_gradient_is_not_vacuous(case):
    want = torchs(drawn(case))
    assert gradients_that_move(case)
    for name in gradients_that_move(case):
        assert np.abs(want[name]).max() > 1e-6, name


@over(PARAMETRIC)
def test_a_second_backward_accumulates(case):
    want = torchs(drawn(case))
    module = built(make(case), drawn(case), np.asarray)
    for _ in range(2):
        module.backward(*upstream(case, module))
    for name, parameter in module.named_parameters():
        once = want[f"gradient {name}"]
        assert relative_error(parameter.grad, 2 * once) <= 1e-12


@over(ALL)
def test_neither_inputs_nor_upstream_nor_parameters_are_touched(case):
    question = drawn(case)
    module = built(make(case), question, np.asarray)
    gradient = upstream(case, module)
    given = [*question.inputs, *gradient, *(p.data for p in module.parameters())]
    before = [a.copy() for a in given]
    module(*question.inputs)
    module.backward(*gradient)
    for now, then in zip(given, before, strict=True):
        np.testing.assert_array_equal(now, then)


@over(SMOOTH)
def test_gradient_belongs_to_the_value(case):
    module = built(make(case), drawn(case), np.asarray)
    x, *others = drawn(case).inputs
    gradient = upstream(case, module)
    weights = gradient[0] if gradient else 1.0

    def scalar(z):
        handmade.manual_seed(drawn(case).seed)
        return (module(z, *others) * weights).sum()

    numeric = finite_differences(scalar, x)
    assert relative_error(torchs(drawn(case))["input gradient"], numeric) < 1e-6
    assert relative_error(module.backward(*upstream(case, module)), numeric) < 1e-6


MISTAKES = {
    "zero": lambda g: 0 * g,
    "doubled": lambda g: 2 * g,
    "of the wrong sign": lambda g: -g,
}


@pytest.mark.parametrize("how", MISTAKES)
@over(MOVING)
def test_a_wrong_backward_is_caught(case, how):
    class Wrong(make(case)):
        def backward(self, *upstream):
            gradient = super().backward(*upstream)
            for parameter in self.parameters():
                parameter.grad = MISTAKES[how](parameter.grad)
            return None if gradient is None else MISTAKES[how](gradient)

    got, want = found(Wrong, drawn(case), np.asarray), torchs(drawn(case))
    for name in gradients_that_move(case):
        assert relative_error(got[name], want[name]) > 1e-12, name


def optimised(case, library, dtype, steps=20, through=lambda optimizer: None):
    """Both optimizers' parameters after the same random gradients."""
    rng, give = rng_of(case), GIVE[library]
    start = [rng.normal(size=shape) for shape in case.shapes]
    ours = [handmade.nn.Parameter(give(a, dtype)) for a in start]
    theirs = [torch.nn.Parameter(GIVE["torch"](a, dtype)) for a in start]
    optimizer = getattr(handmade.optim, case.name)(ours, **case.kwargs)
    reference = getattr(torch_ref.optim, case.name)(theirs, **case.kwargs)
    for step in range(steps):
        for mine, its in zip(ours, theirs, strict=True):
            gradient = np.asarray(kinked(*mine.shape)(rng))
            mine.grad = give(gradient, dtype)
            its.grad = GIVE["torch"](gradient, dtype)
        if step == 0:
            ours[-1].grad = theirs[-1].grad = None
        if step == steps // 2:
            optimizer = through(optimizer) or optimizer
        optimizer.step()
        reference.step()
    take = TAKE.get(library, to_numpy)
    return [take(p.data) for p in ours], [to_numpy(p) for p in theirs]


@pytest.mark.parametrize("library", LIBRARIES)
@over(OPTIMIZERS)
def test_twenty_steps_end_where_torch_ends(case, library):
    for got, want in zip(*optimised(case, library, "float64"), strict=True):
        assert got.dtype == np.float64
        assert relative_error(got, want) <= 1e-12


@pytest.mark.parametrize("steps", [20, pytest.param(200, marks=SLOW)])
@pytest.mark.parametrize("library", LIBRARIES)
@over(OPTIMIZERS)
def test_many_steps_in_float32_end_near_torch(case, steps, library):
    for got, want in zip(*optimised(case, library, "float32", steps), strict=True):
        assert got.dtype == np.float32
        assert relative_error(got, want) <= 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
@over(OPTIMIZERS)
def test_two_hundred_steps_end_where_torch_ends(case, library):
    for got, want in zip(*optimised(case, library, "float64", 200), strict=True):
        assert relative_error(got, want) <= 1e-11


@over(OPTIMIZERS)
def test_an_optimizer_continues_unchanged_from_its_state(case):
    def resumed(optimizer):
        params = [p for g in optimizer.param_groups for p in g["params"]]
        fresh = type(optimizer)(params)
        fresh.load_state_dict(optimizer.state_dict())
        return fresh

    straight, _ = optimised(case, "numpy", "float64")
    broken, _ = optimised(case, "numpy", "float64", through=resumed)
    for got, want in zip(broken, straight, strict=True):
        np.testing.assert_array_equal(got, want)


def halfway(case, dtype):
    """Both optimizers after one step, and a gradient for the next."""
    dtype, rng = getattr(torch, dtype), rng_of(case)
    start, *gradients = (
        torch.from_numpy(rng.normal(size=case.shapes[0])).to(dtype) for _ in range(3)
    )
    sides = []
    for package in (handmade, torch_ref):
        parameter = package.nn.Parameter(start.clone())
        optimizer = getattr(package.optim, case.name)([parameter], **case.kwargs)
        parameter.grad = gradients[0].clone()
        optimizer.step()
        sides.append((parameter, optimizer))
    return sides, gradients[1]


def steps_alike(sides, gradient, rtol):
    """Whether both sides take the same next step."""
    for parameter, optimizer in sides:
        parameter.grad = gradient.clone()
        optimizer.step()
    got, want = (to_numpy(parameter.data) for parameter, _ in sides)
    return relative_error(got, want) <= rtol


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 1e-6)])
@over(OPTIMIZERS)
def test_a_state_of_torchs_optimizer_loads_into_ours(case, dtype, rtol):
    ((ours, _), (theirs, reference)), gradient = halfway(case, dtype)
    optimizer = getattr(handmade.optim, case.name)([ours])
    optimizer.load_state_dict(reference.state_dict())
    assert optimizer.param_groups[0]["lr"] == reference.param_groups[0]["lr"]
    assert set(optimizer.state_dict()["state"]) == set(reference.state_dict()["state"])
    assert steps_alike([(ours, optimizer), (theirs, reference)], gradient, rtol)


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-12), ("float32", 1e-6)])
@over(OPTIMIZERS)
def test_a_state_of_our_optimizer_loads_into_torchs(case, dtype, rtol):
    ((ours, optimizer), (theirs, reference)), gradient = halfway(case, dtype)
    names = [sorted(o.state_dict()["state"].get(0, {})) for o in (optimizer, reference)]
    assert names[0] == names[1]
    fresh = getattr(torch_ref.optim, case.name)([theirs])
    fresh.load_state_dict(optimizer.state_dict())
    assert steps_alike([(ours, optimizer), (theirs, fresh)], gradient, rtol)
