"""Lockstep training finds a mistake in its step and accepts rounding."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import handmade
import torch_ref
from compare.backend import Backend, to_numpy
from compare.data import Data, DataLoader
from compare.experiment import backprop
from compare.lockstep import Lockstep, NonFinite, seed_of_step

X = np.random.default_rng(0).normal(size=(6, 3))
Y = np.random.default_rng(1).normal(size=(6, 2))


def learner(library, lr=0.1, **more):
    return backprop(
        model=lambda nn: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=lr, **more),
    )(library)


def walked(make, steps=20, backend=None, start=None):
    lockstep = Lockstep(make, backend or Backend(), 0, start)
    for _ in range(steps):
        lockstep.step(X, Y)
    return lockstep


def test_both_sides_start_equal_but_share_no_memory():
    for backend in (Backend(), Backend("torch")):
        lockstep = Lockstep(learner, backend, 0)
        start = {
            k: to_numpy(v).copy() for k, v in lockstep.handmade.parameters().items()
        }
        for name, value in lockstep.torch_ref.parameters().items():
            np.testing.assert_array_equal(value.numpy(), start[name])
            value += 1
        for name, value in lockstep.handmade.parameters().items():
            np.testing.assert_array_equal(to_numpy(value), start[name])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("array", ["numpy", "torch"])
def test_right_sides_differ_by_rounding_at_most(array, dtype):
    lockstep = walked(learner, backend=Backend(array, "cpu", dtype))
    assert lockstep.verdict().agrees
    assert 0 < lockstep.history.trajectory < 1e3 * lockstep.backend.eps


def test_the_curves_are_not_the_same_object():
    lockstep = Lockstep(learner, Backend(), 0)
    step = lockstep.step(X, Y)
    assert step.handmade == pytest.approx(step.torch_ref, rel=1e-14)
    lockstep.handmade.model[0].weight.data = 0 * lockstep.handmade.model[0].weight.data
    step = lockstep.step(X, Y)
    assert step.handmade != pytest.approx(step.torch_ref, rel=1e-3)
    assert step.one_step < 1e-14


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
    names = {n: getattr(handmade.nn, n) for n in handmade.nn.__all__}
    nn = SimpleNamespace(**{**names, "Linear": Mistaken})
    mistaken_library = SimpleNamespace(
        nn=nn, optim=handmade.optim, training=handmade.training
    )
    return lambda library: learner(
        library if library is torch_ref else mistaken_library
    )


def bumped(gradient):
    gradient = gradient.copy()
    gradient[1, 2] += 1e-9
    return gradient


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (lambda g: 2 * g, "convention", "step 0, gradient .*weight: factor 2"),
        (lambda g: -g, "convention", "step 0, gradient .*weight: wrong sign"),
        (lambda g: 6 * g, "convention", "factor N = 6"),
        (lambda g: 0 * g, "bug", "step 0, gradient 0.weight: cause not recognised"),
        (
            bumped,
            "bug",
            r"step 0, gradient 0.weight: cause not recognised; at \[1, 2\]",
        ),
    ],
)
def test_a_mistake_is_named_with_step_tensor_and_index(spoil, kind, words):
    verdict = walked(spoiled(spoil), steps=3).verdict()
    assert verdict.kind == kind
    assert not verdict.agrees
    assert re.search(words, verdict.words), verdict.words


def test_a_mistake_in_a_later_step_is_found_at_that_step():
    calls = []

    def late(gradient):
        calls.append(1)
        return gradient * (1 + 1e-6 * (len(calls) > 20))

    verdict = walked(spoiled(late), steps=20).verdict()
    assert verdict.kind == "bug"
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


def test_the_one_step_check_is_left_out_where_the_trajectories_are_close():
    lockstep = Lockstep(learner, Backend(), 0)
    taken = [lockstep.step(X, Y).one_step is not None for _ in range(64)]
    assert taken[:8] == [True] * 8
    assert taken[32]
    assert sum(taken) < 20


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

    lockstep = walked(make, steps=10)
    assert lockstep.verdict().words.startswith(words), lockstep.verdict().words


def test_a_count_has_no_tolerance():
    class Stops(handmade.optim.Adam):
        def updated(self, data, grad, state, group):
            moved = super().updated(data, grad, state, group)
            state["step"] = min(state["step"], 250)
            return moved

    mistaken_library = SimpleNamespace(
        nn=handmade.nn,
        optim=SimpleNamespace(Adam=Stops),
        training=handmade.training,
    )
    make = backprop(
        model=lambda nn: nn.Linear(3, 2),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.Adam(parameters, lr=1e-3),
    )
    backend = Backend(dtype="float32")
    x, y = np.tile(X, (400, 1)), np.tile(Y, (400, 1))  # a tolerance of about 1 %
    lockstep = Lockstep(
        lambda lib: make(lib if lib is torch_ref else mistaken_library), backend, 0
    )
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

    verdict = walked(make, steps=1).verdict()
    assert verdict.kind == "bug"
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
    assert lockstep.verdict().kind == "bug"
    assert re.match("step 6[01], parameter weight: ", lockstep.verdict().words)


class Reordered(handmade.nn.Linear):
    """Adds in another order, as it were: a sum that is all rounding turns its sign."""

    def forward(self, x):
        y = super().forward(x)
        return np.where(np.abs(y) < 1e-15, -y, y)


class SlopeOneAtZero(handmade.nn.ReLU):
    def backward(self, grad_output):
        return np.where(self.saved >= 0, grad_output, 0 * grad_output)


def at_the_kink(x, **mistakes):
    """One ReLU neuron whose weighted sum is 0 but for rounding; how it is judged."""
    names = {n: getattr(handmade.nn, n) for n in handmade.nn.__all__}
    nn = SimpleNamespace(**{**names, **mistakes})
    mistaken_library = SimpleNamespace(
        nn=nn, optim=handmade.optim, training=handmade.training
    )

    def make(library):
        return backprop(
            model=lambda nn: nn.Sequential(nn.Linear(3, 1), nn.ReLU()),
            loss=lambda nn: nn.MSELoss(),
            optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
        )(library if library is torch_ref else mistaken_library)

    start = {"0.weight": [[1.0, 1.0, -1.0]], "0.bias": 0.0}
    lockstep = Lockstep(make, Backend(), 0, start)
    lockstep.step(np.array([x]), np.array([[1.0]]))
    return lockstep.verdict()


def test_a_kink_that_rounding_decides_is_no_mistake():
    verdict = at_the_kink([0.1, 0.2, 0.3], Linear=Reordered)
    assert verdict.kind == "rounding"
    assert "at step 0 rounding decides a kink" in verdict.words


@pytest.mark.parametrize(("times", "above"), [(0.5, False), (2.0, True)])
def test_the_verdict_tells_whether_the_largest_error_exceeds_the_tolerance(
    times, above
):
    lockstep = walked(learner, steps=2)
    lockstep.history.one_step = times * lockstep.tolerance.bound
    words = lockstep.verdict().words
    assert f"{lockstep.tolerance.bound:.1e}" in words
    assert ("above the tolerance" in words) == above
    found = lockstep.verdict()
    assert found.ulp == found.difference / lockstep.backend.eps > 1


def test_a_wrong_slope_at_an_exact_kink_is_a_mistake():
    assert at_the_kink([0.0, 0.0, 0.0]).agrees
    assert not at_the_kink([0.0, 0.0, 0.0], ReLU=SlopeOneAtZero).agrees


def test_a_loss_that_is_not_finite_stops_with_step_and_side():
    lockstep = Lockstep(lambda library: learner(library, lr=1e30), Backend(), 0)
    walk = (lockstep.step(X, Y) for _ in range(100))
    with pytest.raises(
        NonFinite, match=r"step \d+: .* is \S+ of handmade and .* of torch_ref"
    ):
        list(walk)


def test_a_start_that_names_no_parameter_is_refused():
    with pytest.raises(ValueError, match=r"start names no parameter: \['w'\]"):
        Lockstep(learner, Backend(), 0, {"w": 1})


def test_the_one_step_check_takes_over_momentum():
    lockstep = walked(lambda lib: learner(lib, momentum=0.9), steps=50)
    assert lockstep.verdict().agrees
    assert lockstep.history.one_step < 1e-14


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
    library = {n: getattr(handmade.nn, n) for n in handmade.nn.__all__}
    optimizers = {n: getattr(handmade.optim, n) for n in handmade.optim.__all__}
    (library if wrong[0] in library else optimizers).update([wrong])
    mistaken_library = SimpleNamespace(
        nn=SimpleNamespace(**library),
        optim=SimpleNamespace(**optimizers),
        training=handmade.training,
    )

    def make(spoilt, library):
        return backprop(
            model=lambda nn: nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)),
            loss=lambda nn: nn.MSELoss(),
            optimizer=lambda optim, p: (
                optim.Adam(p) if wrong[0] == "Adam" else optim.SGD(p, 0.1, momentum=0.9)
            ),
        )(mistaken_library if spoilt and library is handmade else library)

    verdict = walked(lambda library: make(True, library), steps=30).verdict()
    assert not verdict.agrees
    assert re.search(words, verdict.words), verdict.words
    assert walked(lambda library: make(False, library), steps=30).verdict().agrees


def test_a_parameter_without_dimensions_is_compared_like_any_other():
    class Scale(handmade.nn.Module):
        def __init__(self):
            self.weight = handmade.nn.Parameter(np.asarray(2.0, np.float32))

        def forward(self, x):
            self.saved = x
            return x * self.weight.data

        def backward(self, grad_output):
            self.weight.accumulate(np.asarray((grad_output * self.saved).sum()))
            return grad_output * self.weight.data

    class TorchScale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor(2.0))

        def forward(self, x):
            return x * self.weight

    make = backprop(
        model=lambda nn: TorchScale() if nn is torch_ref.nn else Scale(),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
    )
    lockstep = Lockstep(make, Backend(), 0)
    for _ in range(3):
        lockstep.step(X, X)
    assert lockstep.verdict().agrees
    assert lockstep.steps == 3


def test_batches_cover_an_epoch_without_repetition():
    data = Data(x=np.arange(10), target=np.arange(10))
    drawn = DataLoader(data, 4, np.random.default_rng(0))
    epochs = [np.concatenate([next(drawn)[0], next(drawn)[0]]) for _ in range(3)]
    assert all(len({*epoch}) == 8 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_without_a_batch_size_all_is_given_in_order():
    data = Data(x=np.arange(3), target=np.arange(3))
    assert next(DataLoader(data, None, np.random.default_rng(0)))[0].tolist() == [
        0,
        1,
        2,
    ]


def test_a_batch_larger_than_the_data_is_refused():
    data = Data(x=np.arange(3), target=np.arange(3))
    with pytest.raises(ValueError, match="batch_size 4 is larger than the data, 3"):
        DataLoader(data, 4, np.random.default_rng(0))


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

    verdict = walked(make, steps=2).verdict()
    assert not verdict.agrees
    assert words in verdict.words


def test_nan_on_one_side_only_is_a_mistake():
    class Lost(handmade.nn.MSELoss):
        calls = 0

        def forward(self, input, target):
            Lost.calls += 1
            return super().forward(input, target) * (np.nan if Lost.calls > 6 else 1)

    names = {n: getattr(handmade.nn, n) for n in handmade.nn.__all__}
    nn = SimpleNamespace(**{**names, "MSELoss": Lost})
    mistaken_library = SimpleNamespace(
        nn=nn, optim=handmade.optim, training=handmade.training
    )
    lockstep = Lockstep(
        lambda library: learner(library if library is torch_ref else mistaken_library),
        Backend(),
        0,
    )
    walk = (lockstep.step(X, Y) for _ in range(9))
    with pytest.raises(NonFinite, match="step 3: loss is nan of handmade"):
        list(walk)
    assert lockstep.steps == 3
    assert lockstep.verdict().kind == "bug"
    assert "while torch_ref is finite" in lockstep.verdict().words


def test_a_mistake_in_a_vanishing_gradient_is_still_a_mistake():
    calls = []

    def late(gradient):
        calls.append(1)
        return gradient * (2 if len(calls) > 120 else 1)

    verdict = walked(
        spoiled(late), steps=80, backend=Backend("numpy", "cpu", "float32")
    ).verdict()
    assert verdict.kind == "convention"
    assert "factor 2" in verdict.words


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**70])
def test_the_random_stream_of_a_step_is_independent_of_weights_and_other_steps(seed):
    seeds = [seed, *(seed_of_step(seed, step) for step in range(4))]
    draws = [np.random.default_rng(s).random(1000) for s in seeds]
    assert np.abs(np.corrcoef(draws) - np.eye(5)).max() < 0.15
    for library in (handmade, torch_ref):
        library.manual_seed(seed_of_step(seed, 3))


def test_both_sides_drop_the_same_units_and_others_in_the_next_step():
    drop = backprop(
        model=lambda nn: nn.Sequential(nn.Dropout(0.5), nn.Linear(40, 1)),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
    )
    lockstep = Lockstep(drop, Backend(), seed=3)
    x, target = np.ones((1, 40)), np.zeros((1, 1))
    dropped = []
    for _ in range(2):
        step = lockstep.step(x, target)
        assert step.handmade == pytest.approx(step.torch_ref, rel=1e-14)
        dropped.append(lockstep.handmade.gradients()["1.weight"] == 0)
    assert 5 < dropped[0].sum() < 35
    assert np.any(dropped[0] != dropped[1])


def normalised(bias, optimizer):
    """A layer before batch norm: the gradient of its bias is 0 but for rounding."""
    return backprop(
        model=lambda nn: nn.Sequential(
            nn.Linear(3, 4, bias=bias), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)
        ),
        loss=lambda nn: nn.MSELoss(),
        optimizer=optimizer,
    )


def sgd(optim, parameters):
    return optim.SGD(parameters, lr=0.05, momentum=0.9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_gradient_whose_true_value_is_zero_is_named_and_left_out(dtype):
    backend = Backend(dtype=dtype)
    with_bias = walked(normalised(True, sgd), 30, backend)
    assert with_bias.verdict().kind == "rounding"
    assert "the gradient of 0.bias is 0 up to rounding" in with_bias.verdict().words
    assert "kink" not in with_bias.verdict().words
    assert with_bias.history.one_step < 16 * backend.eps
    without = walked(normalised(False, sgd), 30, backend)
    assert not without.tolerance.zero


def test_an_optimizer_that_divides_by_a_zero_gradient_is_no_mistake():
    make = normalised(True, lambda optim, parameters: optim.Adam(parameters, lr=0.05))
    lockstep = walked(make, 60)
    assert lockstep.verdict().kind == "rounding"
    assert "0.bias" in lockstep.verdict().words
    assert "gradient 0.bias" in lockstep.tolerance.zero
    assert not lockstep.history.kinks


def test_a_mistake_beside_a_zero_gradient_is_still_a_mistake():
    class Biased(handmade.nn.Linear):
        def backward(self, grad_output):
            grad_input = super().backward(grad_output)
            if self.bias is not None:
                self.bias.grad = self.bias.grad + 1e-9
            return grad_input

    names = {n: getattr(handmade.nn, n) for n in handmade.nn.__all__}
    nn = SimpleNamespace(**{**names, "Linear": Biased})
    mistaken_library = SimpleNamespace(
        nn=nn, optim=handmade.optim, training=handmade.training
    )
    make = normalised(True, sgd)
    lockstep = walked(
        lambda lib: make(lib if lib is torch_ref else mistaken_library), 3
    )
    assert lockstep.verdict().words.startswith("step 0, gradient 0.bias: ")


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_a_training_without_gradients_is_not_plainly_equal(shift):
    make = backprop(
        model=lambda nn: nn.Sequential(nn.Linear(3, 2), nn.ReLU()),
        loss=lambda nn: nn.MSELoss(),
        optimizer=sgd,
    )
    start = {"0.weight": 0.0, "0.bias": shift - 5.0}
    lockstep = walked(make, 5, start=start)
    verdict = lockstep.verdict()
    assert verdict.agrees
    assert not verdict.learned
    assert "nothing was learned: every gradient is 0" in verdict.words


def test_a_learning_rate_of_zero_is_seen_to_learn_nothing():
    verdict = walked(lambda library: learner(library, lr=0.0), 5).verdict()
    assert not verdict.learned
    assert "nothing was learned: no parameter changed" in verdict.words
    batches = Lockstep(lambda library: learner(library, lr=0.0), Backend(), 0)
    for i in range(5):  # the loss changes with the batch
        batches.step(X + i, Y)
    assert not batches.verdict().learned
    assert walked(learner, 5).verdict().learned


def test_one_ulp_in_the_loss_of_an_unchecked_step_is_not_called_identical():
    class Nudged(handmade.training.GradientLearner):
        def step(self, x, target):
            loss = super().step(x, target)
            self.count = getattr(self, "count", 0) + 1
            return np.nextafter(loss, 1) if self.count == 41 else loss

    def make(nudged, library):
        made = backprop(
            model=lambda nn: nn.Linear(2, 1),
            loss=lambda nn: nn.MSELoss(),
            optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.5),
        )(library)
        if nudged and library is handmade:
            made.__class__ = Nudged
        return made

    x, y = (
        np.array([[1.0, 1], [1, 0], [0, 1], [0, 0]]),
        np.array([[1.0], [1], [1], [0]]),
    )
    kinds = []
    for nudged in (False, True):
        start = {"weight": 0.5, "bias": 0.5}
        sides = Lockstep(lambda lib, n=nudged: make(n, lib), Backend(), 0, start)
        for _ in range(50):
            sides.step(x, y)
        kinds.append(sides.verdict().kind)
    assert kinds == ["equal", "rounding"]


def bits(tree):
    """A nested state, to be compared bit by bit."""
    if isinstance(tree, dict):
        return {key: bits(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [bits(value) for value in tree]
    return to_numpy(tree).tobytes() if hasattr(tree, "dtype") else repr(tree)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_saved_state_continues_bit_by_bit(dtype):
    make = normalised(True, sgd)
    whole = walked(make, 20, Backend(dtype=dtype))
    first = walked(make, 11, Backend(dtype=dtype))
    second = Lockstep(make, Backend(dtype=dtype), 1)
    second.seed = 0
    second.load_state(first.state())
    for _ in range(9):
        second.step(X, Y)
    assert bits(second.state()) == bits(whole.state())
    assert second.verdict() == whole.verdict()
