"""However long the stretches are in which both sides walk, every step is the same."""

import time
from itertools import chain

import numpy as np
import pytest

import handmade
import torch_ref
from compare import registry
from compare.backend import Backend, to_numpy
from compare.dataloader import Batches
from compare.experiment import Data, backprop
from compare.judging import Diverged
from compare.lockstep import Lockstep
from compare.notes import LONGEST, room
from compare.pair import Pair

COUNT = 40
X = np.random.default_rng(0).normal(size=(COUNT, 6, 3))
Y = np.random.default_rng(1).normal(size=(COUNT, 6, 2))
OPTIMIZERS = {
    "SGD": lambda optim, p: optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda optim, p: optim.Adam(p),
    "NAdam": lambda optim, p: optim.NAdam(p),
    "Rprop": lambda optim, p: optim.Rprop(p),
}


def maker(optimizer="SGD", **wrong):
    """A net that drops units, normalises and has a schedule; on one side, mistakes."""

    def make(library):
        made = backprop(
            model=lambda nn: nn.Sequential(
                nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2)
            ),
            loss=lambda nn: nn.MSELoss(),
            optimizer=OPTIMIZERS[optimizer],
            scheduler=lambda optim, o: optim.lr_scheduler.ExponentialLR(o, 0.99),
        )(library)
        if library is handmade and wrong:
            made.__class__ = type("Mistaken", (type(made),), wrong)
        return made

    return make


def walked(make, lengths, backend=None, stop=COUNT):
    """Both sides after stretches of these lengths, again and again; their steps."""
    lockstep, steps = Lockstep(make, backend or Backend(), 0), []
    while len(steps) < stop:
        for length in lengths:
            there = slice(len(steps), min(len(steps) + length, stop))
            if len(steps) < stop:
                steps += lockstep.stretch(X[there], Y[there])
    return lockstep, steps


def bits(tree):
    """A state, to be compared bit by bit."""
    if isinstance(tree, dict):
        return {key: bits(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [bits(value) for value in tree]
    return to_numpy(tree).tobytes() if hasattr(tree, "dtype") else repr(tree)


@pytest.mark.parametrize("lengths", [[5, 1, 16, 9], [COUNT]], ids=["some", "all"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("array", ["numpy", "torch"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_and_state_do_not_depend_on_the_stretches(
    optimizer, array, dtype, lengths
):
    backend = Backend(array, "cpu", dtype)
    single, wanted = walked(maker(optimizer), [1], backend)
    lockstep, steps = walked(maker(optimizer), lengths, backend)
    assert steps == wanted
    assert bits(lockstep.state()) == bits(single.state())
    assert lockstep.verdict(6).agrees


def once_wrong(at, size):
    """A learner that is wrong in one step, by its own count of steps."""

    def gradients(self):
        found = super(type(self), self).gradients()
        if self.scheduler.last_epoch == at + 1:
            found["0.weight"] = found["0.weight"] * (1 + size)
        return found

    return maker(gradients=gradients)


@pytest.mark.parametrize("at", [0, 7, 13, 32, 39])
@pytest.mark.parametrize("size", [1e-11, 1e-3])
def test_a_mistake_within_a_stretch_is_found_in_its_step(at, size):
    single, wanted = walked(once_wrong(at, size), [1])
    lockstep, steps = walked(once_wrong(at, size), [17])
    assert lockstep.verdict(6).words.startswith(f"step {at}, gradient 0.weight: ")
    assert lockstep.verdict(6) == single.verdict(6)
    assert steps == wanted
    assert bits(lockstep.state()) == bits(single.state())


def test_paths_that_part_within_a_stretch_are_judged_as_in_single_steps():
    def make(library):
        return library.search.RandomDescent(
            library.nn.Linear(3, 2), library.nn.MSELoss(), scale=2e-4, tries=1
        )

    found = []
    for lengths in ([1], [20]):
        lockstep = Lockstep(make, Backend(dtype="float32"), 2)
        steps = []
        for first in range(0, 60, lengths[0]):
            batches = (
                np.stack([X[0]] * lengths[0]),
                np.stack([1000 + Y[0]] * lengths[0]),
            )
            steps += lockstep.stretch(*batches)
            assert len(steps) == first + lengths[0]
        found.append((lockstep, steps))
    (single, wanted), (lockstep, steps) = found
    assert single.parted is not None
    assert steps == wanted
    assert bits(lockstep.state()) == bits(single.state())
    assert lockstep.verdict(6) == single.verdict(6)


@pytest.mark.parametrize("side", ["handmade", "torch_ref"])
@pytest.mark.parametrize("array", ["numpy", "torch"])
def test_a_side_that_walks_again_comes_to_the_same_bits(array, side):
    lockstep = Lockstep(maker("Adam"), Backend(array), 0)
    list(lockstep.stretch(X[:9], Y[:9]))
    list(lockstep.stretch(X[9:30], Y[9:30]))
    for place in (20, 3):
        assert not lockstep._is_kept(place)
        again, row = lockstep._left(side, place), lockstep.notes[side].left(place)
        for tensors, wanted in zip(again, row, strict=True):
            assert bits(tensors) == bits(wanted)
            assert tensors


def explodes(at):
    """Both sides' inputs at a step are so large that squares overflow."""
    x = X.copy()
    x[at, 0, 0] = np.inf
    return x


@pytest.mark.parametrize("at", [0, 5, 20])
def test_what_diverges_within_a_stretch_leaves_no_later_trace(at):
    found = []
    for length in (1, 30):
        lockstep, steps = Lockstep(maker(), Backend(), 0), []
        walks = (
            lockstep.stretch(x, y)
            for x, y in zip(*(_cut(a, length) for a in (explodes(at), Y)), strict=True)
        )
        with pytest.raises(Diverged) as error:
            _each(chain.from_iterable(walks), steps)
        found.append((str(error.value), steps, bits(lockstep.state())))
    assert found[0] == found[1]
    assert len(found[0][1]) == at
    assert found[0][0].startswith(f"step {at}: ")


def failing(library, step):
    """The usual learner, which on one side steps in its own way."""

    def make(given):
        made = maker()(given)
        if given is library:
            made.__class__ = type("Failing", (type(made),), {"step": step})
        return made

    return make


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_a_side_that_fails_after_it_diverged_leaves_no_later_trace(library):
    def step(self, x, target):
        if np.isnan(to_numpy(self.parameters()["0.weight"])).any():
            self.model(x)  # its averages move
            raise RuntimeError("weights are none")
        return super(type(self), self).step(x, target)

    found = []
    for length in (1, 30):
        lockstep = Lockstep(failing(library, step), Backend(), 0)
        batches = zip(_cut(explodes(5), length), _cut(Y, length), strict=True)
        with pytest.raises(Diverged):
            _each(chain.from_iterable(lockstep.stretch(*b) for b in batches), [])
        found.append(bits(lockstep.state()))
    assert found[0] == found[1]


def _cut(batches, length):
    """The first 30 of them in parts of this length."""
    return [batches[first : first + length] for first in range(0, 30, length)]


def _each(walk, steps):
    """Keep every step before the next is asked for."""
    for step in walk:
        steps.append(step)


@pytest.mark.parametrize("library", [handmade, torch_ref])
def test_a_step_that_fails_within_a_stretch_shows_those_before_it(library):
    def step(self, x, target):
        if self.scheduler.last_epoch == 7:
            raise RuntimeError("no more")
        return super(type(self), self).step(x, target)

    lockstep, steps = Lockstep(failing(library, step), Backend(), 0), []
    with pytest.raises(RuntimeError, match="no more"):
        _each(lockstep.stretch(X, Y), steps)
    assert steps == walked(maker(), [1], stop=7)[1]


# How long they are


def pair(lesson="digits_mlp", alone=True, **how):
    _, experiment = registry.load(lesson)
    name = next(iter(experiment.learners))
    return Pair(experiment, name, 0, Backend(**how), 200, alone)


def lengths(pair, monkeypatch):
    """The lengths of all stretches of a walk."""
    found, stretch = [], Lockstep.stretch

    def noted(self, x, target):
        found.append(len(x))
        return stretch(self, x, target)

    monkeypatch.setattr(Lockstep, "stretch", noted)
    assert [step.number for step in pair.walk()] == [*range(200)]
    return found


def test_a_stretch_ends_where_metrics_are_due(monkeypatch):
    monkeypatch.setattr("compare.lockstep.SECONDS", 1e9)
    walk = pair()
    ends = np.cumsum(lengths(walk, monkeypatch)) - 1
    due = {step for step in range(200) if step % 10 == 0 or step == 199}
    assert due <= {*ends.tolist()}
    assert len(ends) < 40


def test_slow_steps_are_shown_one_by_one(monkeypatch):
    step = handmade.training.GradientLearner.step

    def slow(self, x, target):
        time.sleep(0.002)
        return step(self, x, target)

    monkeypatch.setattr("compare.lockstep.SECONDS", 0.003)
    monkeypatch.setattr(handmade.training.GradientLearner, "step", slow)
    assert {*lengths(pair("or_gate"), monkeypatch)} == {1}


def test_ranks_that_share_a_batch_change_sides_after_every_step(monkeypatch):
    assert {*lengths(pair(alone=False), monkeypatch)} == {1}


def test_what_a_stretch_may_have_grows_no_further_than_the_longest():
    lockstep, _ = walked(maker(), [1], stop=8)
    assert lockstep._calm == LONGEST


def test_large_steps_are_few():
    assert room(1) == 64
    assert room(2**18) == 8
    assert room(2**30) == 1


@pytest.mark.parametrize("batch_size", [4, None])
def test_batches_taken_at_once_are_those_taken_one_by_one(batch_size):
    data = Data(x=np.arange(22.0).reshape(11, 2), target=np.arange(11))
    one, other = (Batches(data, batch_size, np.random.default_rng(0)) for _ in "ab")
    x, target = one.take(7)
    for i in range(7):
        wanted = next(other)
        np.testing.assert_array_equal(x[i], wanted[0])
        np.testing.assert_array_equal(target[i], wanted[1])
    np.testing.assert_array_equal(one.order, other.order)
    assert one.numbers == 3 * (batch_size or 11)
