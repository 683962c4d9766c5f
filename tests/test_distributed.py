"""Ranks that share a batch take the step that one process takes on the whole of it."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import handmade
from handmade.distributed import DataParallelLearner, averaged, part

RNG = np.random.default_rng(0)
X, DIGIT = RNG.normal(size=(24, 5)), RNG.integers(0, 3, 24)


# Ranks as threads: what is written by hand needs no more than a sum


class Threads:
    """Adds up over threads, and counts how often it is asked to."""

    def __init__(self, size):
        self.size, self.barrier = size, threading.Barrier(size, timeout=20)
        self.given, self.calls = [None] * size, 0

    def all_reduce(self, rank, array):
        self.given[rank] = array
        self.calls += rank == 0
        self.barrier.wait()
        total = sum(self.given)
        self.barrier.wait()
        return total


class Rank:
    """What one thread is given to add up with."""

    def __init__(self, threads, rank):
        self.threads, self.rank, self.size = threads, rank, threads.size

    def all_reduce(self, array):
        return self.threads.all_reduce(self.rank, array)


def on_ranks(size, work, make=lambda rank: rank):
    """What `work` gives of what `make` makes on each rank, and what adds them up."""
    threads, found, errors = Threads(size), [None] * size, []
    # One after the other: all threads draw their weights from one generator.
    made = [make(Rank(threads, rank)) for rank in range(size)]

    def run(rank):
        try:
            found[rank] = work(made[rank])
        except Exception as error:
            errors.append(error)
            threads.barrier.abort()

    running = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(30)
    for error in errors:
        if not isinstance(error, threading.BrokenBarrierError):
            raise error
    return found, threads


def net(nn):
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


def sgd(parameters):
    return handmade.optim.SGD(parameters, lr=0.3, momentum=0.9)


def learner(kind=handmade.training.GradientLearner, model=net, **more):
    handmade.manual_seed(1)
    built = model(handmade.nn)
    made = kind(built, handmade.nn.CrossEntropyLoss(), sgd, **more)
    return made.to(np.zeros(1))


def walked(made, steps=20):
    return [made.step(X, DIGIT) for _ in range(steps)], made.parameters()


def parallel(**more):
    """Makes the learner of a rank."""
    return lambda rank: learner(DataParallelLearner, communicator=rank, **more)


def spread(size, steps=20, **more):
    """The losses and parameters of each rank after these steps."""
    return on_ranks(size, lambda made: walked(made, steps), parallel(**more))[0]


def clip(parameters):
    return handmade.nn.utils.clip_grad_norm_(parameters, 0.1)


def plateau(optimizer):
    return handmade.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)


@pytest.mark.parametrize("more", [{}, {"clip": clip, "scheduler": plateau}])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 8])
def test_all_ranks_take_the_step_that_one_process_takes(size, more):
    losses, parameters = walked(learner(**more))
    for own_losses, own in spread(size, **more):
        np.testing.assert_allclose(own_losses, losses, rtol=1e-13)
        for name, array in parameters.items():
            np.testing.assert_allclose(own[name], array, rtol=1e-12, atol=1e-13)


def test_a_step_costs_one_all_reduce_however_many_parameters_there_are():
    _, threads = on_ranks(2, lambda made: made.step(X, DIGIT), parallel())
    assert threads.calls == 1


def normed(nn):
    return nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Linear(7, 3))


def test_batch_norm_goes_by_the_part_but_all_ranks_hold_the_same_statistics():
    losses, _ = walked(learner(model=normed))
    (own_losses, first), (_, second) = spread(2, model=normed)
    assert abs(own_losses[-1] - losses[-1]) > 1e-6  # not what one process gives
    for name, array in first.items():
        assert_array_equal(array, second[name])
    # A mean of means of equal parts is the mean, as long as the weights are the same.
    (_, first), _ = spread(2, 1, model=normed)
    _, parameters = walked(learner(model=normed), 1)
    np.testing.assert_allclose(first["1.running_mean"], parameters["1.running_mean"])


def test_averaged_keeps_shapes_dtype_and_what_it_was_given():
    arrays = [np.float32([[1, 2]]), np.float32(3), np.zeros((0, 2), np.float32)]
    before = [array.copy() for array in arrays]
    found, _ = on_ranks(2, lambda rank: averaged([a * 1 for a in arrays], rank))
    for means in found:
        for mean, array in zip(means, arrays, strict=True):
            assert mean.dtype == np.float32
            assert_array_equal(mean, array)
    for array, old in zip(arrays, before, strict=True):
        assert_array_equal(array, old)


def test_a_parameter_that_no_gradient_reaches_is_left_alone():
    def idle(nn):
        model = net(nn)
        model.idle = nn.Parameter(np.ones(2, np.float32))
        return model

    for _, parameters in spread(2, model=idle):
        assert_array_equal(parameters["idle"], np.ones(2))


class Two:
    rank, size = 1, 2


def test_parts_are_equal_and_in_the_order_of_the_ranks():
    assert part(np.arange(6), Two()).tolist() == [3, 4, 5]


@pytest.mark.parametrize("shape", [(5, 2), (0, 2), ()])
def test_a_batch_that_cannot_be_dealt_out_evenly_is_refused(shape):
    rows = shape[0] if shape else 0
    words = f"a batch of {rows} examples cannot be dealt out evenly to 2 ranks"
    with pytest.raises(ValueError, match=words):
        part(np.zeros(shape), Two())


def test_nothing_to_average_is_refused():
    with pytest.raises(ValueError, match="at least one array"):
        averaged([], Two())


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda nn: nn.MSELoss(reduction="sum"), "MSELoss must have reduction='mean'"),
        (
            lambda nn: nn.WeightedSum([(1.0, nn.L1Loss(reduction="sum"))]),
            "L1Loss must have reduction='mean'",
        ),
        (
            lambda nn: nn.CrossEntropyLoss(np.ones(3)),
            "CrossEntropyLoss must have no weight",
        ),
    ],
)
def test_a_loss_that_is_no_mean_of_equal_parts_is_refused(loss, words):
    nn = handmade.nn
    with pytest.raises(ValueError, match=words):
        DataParallelLearner(nn.Linear(5, 3), loss(nn), sgd, communicator=Two())


def test_an_ignored_target_is_refused_as_the_parts_would_count_unlike():
    made = learner(DataParallelLearner, communicator=Two())
    target = DIGIT.copy()
    target[3] = -100
    with pytest.raises(ValueError, match="no target may be ignore_index -100"):
        made.step(X, target)
