"""Lockstep training finds a mistake in its step, and names tensor and index."""

import re

import numpy as np
import pytest
from lockstep_pairs import X, Y, learner, mistaken, trained

import handmade
from compare.backend import Backend
from compare.experiment import backprop
from compare.lockstep import Lockstep, NonFinite


class Spoiled(handmade.nn.Linear):
    """A layer with one mistake in its gradient."""

    def backward(self, grad_output):
        grad_input = super().backward(grad_output)
        self.weight.grad = self.spoil(self.weight.grad)
        return grad_input


def spoiled(spoil):
    class Mistaken(Spoiled):
        pass

    Mistaken.spoil = staticmethod(spoil)
    return mistaken(learner, Linear=Mistaken)


def bumped(gradient):
    gradient = gradient.copy()
    gradient[1, 2] += 1e-9
    return gradient


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (lambda g: 2 * g, "mistake", "step 0, gradient .*weight: factor 2"),
        (lambda g: -g, "mistake", "step 0, gradient .*weight: wrong sign"),
        (lambda g: 6 * g, "mistake", "factor N = 6"),
        (lambda g: 0 * g, "mistake", "step 0, gradient 0.weight: cause not recognised"),
        (
            bumped,
            "mistake",
            r"step 0, gradient 0.weight: cause not recognised; at \[1, 2\]",
        ),
    ],
)
def test_a_mistake_is_named_with_step_tensor_and_index(spoil, kind, words):
    verdict = trained(spoiled(spoil), steps=3).verdict()
    assert verdict.kind == kind
    assert not verdict.agrees
    assert re.search(words, verdict.words), verdict.words


def test_a_mistake_in_a_later_step_is_found_at_that_step():
    calls = []

    def late(gradient):
        calls.append(1)
        return gradient * (1 + 1e-6 * (len(calls) > 20))

    verdict = trained(spoiled(late), steps=20).verdict()
    assert verdict.kind == "mistake"
    assert verdict.words.startswith("step 5, ")


SINGLE = [
    pytest.param(size, at, array, dtype, marks=() if fast else pytest.mark.slow)
    for size in (3e3, 1e5, 1e15)
    for at in (0, 7, 13, 32, 61)
    for array in ("numpy", "torch")
    for dtype in ("float32", "float64")
    for fast in [size == 3e3 and at in (7, 13) and array == "numpy"]
]


@pytest.mark.parametrize(("size", "at", "array", "dtype"), SINGLE)
def test_a_mistake_in_one_single_step_is_found_in_that_step(array, dtype, at, size):
    backend, now = Backend(array, "cpu", dtype), []
    wrong = min(1.0, size * backend.eps)

    def once(gradient):
        return gradient * (1 + wrong if len(now) - 1 == at else 1)

    lockstep = Lockstep(spoiled(once), backend, 0)
    for step in range(64):
        now.append(step)
        lockstep.step(X, Y)
    assert lockstep.verdict().words.startswith(f"step {at}, gradient ")
    assert not lockstep.verdict().agrees


def test_a_mistake_in_a_vanishing_gradient_is_still_a_mistake():
    calls = []

    def late(gradient):
        calls.append(1)
        return gradient * (2 if len(calls) > 120 else 1)

    verdict = trained(
        spoiled(late), steps=80, backend=Backend("numpy", "cpu", "float32")
    ).verdict()
    assert verdict.kind == "mistake"
    assert "factor 2" in verdict.words


class Own(handmade.training.GradientLearner):
    """Makes a mistake unless its state was just loaded, as for the one-step check."""

    loaded = False

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        self.loaded = True

    def step(self, x, target):
        loss = super().step(x, target)
        loaded, self.loaded = self.loaded, False
        return loss if loaded else self.wrong(loss)


def wrong_weight(self, loss):
    self.model[0].weight.data = self.model[0].weight.data * (1 + 1e-10)
    return loss


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (wrong_weight, "step 1, parameter 0.weight: "),
        (lambda self, loss: loss / 2, "step 1, loss: factor ½"),
    ],
)
def test_a_mistake_on_the_own_trajectory_only_is_found(wrong, words):
    def make(library):
        made = learner(library)
        if library is handmade:
            made.__class__ = type("Mistaken", (Own,), {"wrong": wrong})
        return made

    lockstep = trained(make, steps=10)
    assert lockstep.verdict().words.startswith(words), lockstep.verdict().words


def test_a_count_has_no_tolerance():
    class Stops(handmade.optim.Adam):
        def updated(self, data, grad, state, group):
            moved = super().updated(data, grad, state, group)
            state["step"] = min(state["step"], 250)
            return moved

    make = backprop(
        model=lambda nn: nn.Linear(3, 2),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.Adam(parameters, lr=1e-3),
    )
    backend = Backend(dtype="float32")
    x, y = np.tile(X, (400, 1)), np.tile(Y, (400, 1))  # a tolerance of about 1 %
    lockstep = Lockstep(mistaken(make, Adam=Stops), backend, 0)
    for _ in range(260):
        lockstep.step(x, y)
    assert not lockstep.verdict().agrees
    assert lockstep.verdict().words.startswith("step 250, optimizer.state.0.step: ")


def test_a_tensor_that_only_one_side_has_is_a_mistake():
    class Silent(handmade.training.GradientLearner):
        def gradients(self):
            return {n: g for n, g in super().gradients().items() if n != "0.bias"}

    def make(library):
        made = learner(library)
        if library is handmade:
            made.__class__ = Silent
        return made

    verdict = trained(make, steps=1).verdict()
    assert verdict.kind == "mistake"
    assert "only on one side: ['gradient 0.bias']" in verdict.words


def test_a_gradient_that_was_zero_once_is_compared_when_it_has_grown():
    weight = np.array([[0.1, 0.2, 0.3]])

    class Grows(Own):
        count = 0

        def wrong(self, loss):
            self.count += 1
            if self.count > 60:
                self.model.weight.data = self.model.weight.data * 1.01
            return loss

    def make(library):
        made = backprop(
            model=lambda nn: nn.Linear(3, 1, bias=False),
            loss=lambda nn: nn.MSELoss(),
            optimizer=lambda optim, parameters: optim.Adam(parameters, lr=1e-3),
        )(library)
        if library is handmade:
            made.__class__ = Grows
        return made

    lockstep = Lockstep(make, Backend(), 0, {"weight": weight})
    fitted = X @ weight.T  # the weights begin where the gradient is 0
    for step in range(80):
        lockstep.step(X, fitted if step < 3 else Y[:, :1])
    assert lockstep.verdict().kind == "mistake"
    assert re.match("step 6[01], parameter weight: ", lockstep.verdict().words)


class WrongMomentum(handmade.optim.SGD):
    """Takes the right step, and remembers another velocity than it took."""

    def updated(self, data, grad, state, group):
        moved = super().updated(data, grad, state, group)
        state["momentum_buffer"] = 1.000001 * state["momentum_buffer"]
        return moved


class ForgetsTime(handmade.optim.Adam):
    def updated(self, data, grad, state, group):
        moved = super().updated(data, grad, state, group)
        state["step"] = min(state["step"], 20)
        return moved


class CountsNothing(handmade.nn.BatchNorm1d):
    def forward(self, x):
        before, y = self.num_batches_tracked, super().forward(x)
        self.num_batches_tracked = before
        return y


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("SGD", WrongMomentum), "step 0, optimizer.state.0.momentum_buffer"),
        (
            ("Adam", ForgetsTime),
            "step 20, optimizer.state.0.step: .*got 20",
        ),
        (("BatchNorm1d", CountsNothing), "step 0, model.1.num_batches_tracked"),
    ],
)
def test_a_right_step_with_a_wrong_optimizer_state_is_a_mistake(wrong, words):
    make = backprop(
        model=lambda nn: nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, p: (
            optim.Adam(p) if wrong[0] == "Adam" else optim.SGD(p, 0.1, momentum=0.9)
        ),
    )
    verdict = trained(mistaken(make, **dict([wrong])), steps=30).verdict()
    assert not verdict.agrees
    assert re.search(words, verdict.words), verdict.words
    assert trained(make, steps=30).verdict().agrees


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda g: g[None], "shape"),
        (lambda g: g.T, "transposed"),
        (lambda g: g.astype(np.float32), "dtype changed: float32, not float64"),
        (lambda g: g[:1], "shape"),
    ],
)
def test_another_shape_or_dtype_is_never_broadcast_away(spoil, words):
    class Odd(handmade.training.GradientLearner):
        def gradients(self):
            return {name: spoil(g) for name, g in super().gradients().items()}

    def make(library):
        made = learner(library)
        if library is handmade:
            made.__class__ = Odd
        return made

    verdict = trained(make, steps=2).verdict()
    assert not verdict.agrees
    assert words in verdict.words


def test_nan_on_one_side_only_is_a_mistake():
    class Lost(handmade.nn.MSELoss):
        calls = 0

        def forward(self, input, target):
            Lost.calls += 1
            return super().forward(input, target) * (np.nan if Lost.calls > 6 else 1)

    lockstep = Lockstep(mistaken(learner, MSELoss=Lost), Backend(), 0)
    walk = (lockstep.step(X, Y) for _ in range(9))
    with pytest.raises(NonFinite, match="step 3: loss is nan of handmade"):
        list(walk)
    assert lockstep.steps == 3
    assert lockstep.verdict().kind == "mistake"
    assert "while torch_ref is finite" in lockstep.verdict().words
