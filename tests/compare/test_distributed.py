"""Ranks with a share of the batch take the step of one process on the whole batch."""

import csv
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from typer.testing import CliRunner

import handmade
import torch_ref
from compare import checkpoint, distributed, registry
from compare.cli import app
from compare.run_config import RunConfig
from handmade.distributed import DataParallelLearner, averaged, part

RNG = np.random.default_rng(0)
X, DIGIT = RNG.normal(size=(24, 5)), RNG.integers(0, 3, 24)


# Ranks as threads: the hand-written side only needs a sum over them


class Threads:
    """Adds up over threads, and counts the sums."""

    def __init__(self, size):
        self.size, self.barrier = size, threading.Barrier(size, timeout=200)
        self.given, self.calls = [None] * size, 0

    def all_reduce(self, rank, array):
        self.given[rank] = array
        self.calls += rank == 0
        self.barrier.wait()
        total = sum(self.given)
        self.barrier.wait()
        return total


class Rank:
    """The communicator of one thread."""

    def __init__(self, threads, rank):
        self.threads, self.rank, self.size = threads, rank, threads.size

    def all_reduce(self, array):
        return self.threads.all_reduce(self.rank, array)


def on_ranks(size, work, make=lambda rank: rank):
    """The results of `work(make(communicator))` on each rank, and the threads."""
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


def train(made, steps=20):
    return [made.step(X, DIGIT) for _ in range(steps)], made.parameters()


def parallel(**more):
    """Makes the learner of a rank."""
    return lambda rank: learner(DataParallelLearner, communicator=rank, **more)


def spread(size, steps=20, **more):
    """The losses and parameters of each rank after these steps."""
    return on_ranks(size, lambda made: train(made, steps), parallel(**more))[0]


def clip(parameters):
    return handmade.nn.utils.clip_grad_norm_(parameters, 0.1)


def plateau(optimizer):
    return handmade.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)


@pytest.mark.parametrize("more", [{}, {"clip": clip, "scheduler": plateau}])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 8])
def test_all_ranks_take_the_step_that_one_process_takes(size, more):
    losses, parameters = train(learner(**more))
    for own_losses, own in spread(size, **more):
        np.testing.assert_allclose(own_losses, losses, rtol=1e-13)
        for name, array in parameters.items():
            np.testing.assert_allclose(own[name], array, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("micro_batches", [2, 3, 5])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_ranks_with_micro_batches_take_the_same_step(size, micro_batches):
    losses, parameters = train(learner(clip=clip))
    for own_losses, own in spread(size, clip=clip, micro_batches=micro_batches):
        np.testing.assert_allclose(own_losses, losses, rtol=1e-12)
        for name, array in parameters.items():
            np.testing.assert_allclose(own[name], array, rtol=1e-12, atol=1e-13)


def test_a_step_costs_one_all_reduce_however_many_parameters_there_are():
    for micro_batches in (1, 3):
        make = parallel(micro_batches=micro_batches)
        _, threads = on_ranks(2, lambda made: made.step(X, DIGIT), make)
        assert threads.calls == 1


def normed(nn):
    return nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Linear(7, 3))


def test_batch_norm_goes_by_the_part_but_all_ranks_hold_the_same_statistics():
    losses, _ = train(learner(model=normed))
    (own_losses, first), (_, second) = spread(2, model=normed)
    assert abs(own_losses[-1] - losses[-1]) > 1e-6  # not what one process gives
    for name, array in first.items():
        assert_array_equal(array, second[name])
    # A mean of means of equal parts is the mean, as long as the weights are the same.
    (_, first), _ = spread(2, 1, model=normed)
    _, parameters = train(learner(model=normed), 1)
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


LIBRARIES = {"handmade": (handmade, np.asarray), "torch_ref": (torch_ref, torch.tensor)}
in_both_libraries = pytest.mark.parametrize(
    ("library", "give"), LIBRARIES.values(), ids=[*LIBRARIES]
)


@in_both_libraries
@pytest.mark.parametrize("shape", [(5, 2), (0, 2), ()])
def test_a_batch_without_equal_shares_is_refused(library, give, shape):
    rows = shape[0] if shape else 0
    words = f"a batch of {rows} examples cannot be dealt out evenly to 2 ranks"
    with pytest.raises(ValueError, match=words):
        library.distributed.part(give(np.zeros(shape)), Two())


@in_both_libraries
def test_nothing_to_average_is_refused(library, give):
    with pytest.raises(ValueError, match="at least one array"):
        library.distributed.averaged([], Two())


@in_both_libraries
@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda nn, w: nn.MSELoss(reduction="sum"), "MSELoss must have reduction="),
        (
            lambda nn, w: nn.WeightedSum([(1.0, nn.L1Loss(reduction="sum"))]),
            "L1Loss must have reduction='mean'",
        ),
        (lambda nn, w: nn.NLLLoss(w), "NLLLoss must have no weight"),
        (lambda nn, w: nn.CrossEntropyLoss(w), "CrossEntropyLoss must have no weight"),
    ],
)
def test_a_loss_that_is_no_mean_of_equal_parts_is_refused(library, give, loss, words):
    criterion = loss(library.nn, give(np.ones(3)))
    with pytest.raises(ValueError, match=words):
        library.distributed.DataParallelLearner(
            library.nn.Linear(5, 3),
            criterion,
            lambda parameters: library.optim.SGD(parameters, lr=0.1),
            communicator=Two(),
        )


@in_both_libraries
def test_an_ignored_target_is_refused_as_the_parts_would_count_unlike(library, give):
    made = library.distributed.DataParallelLearner(
        library.nn.Linear(5, 3),
        library.nn.CrossEntropyLoss(),
        lambda parameters: library.optim.SGD(parameters, lr=0.1),
        communicator=Two(),
    )
    target = np.where(np.arange(24) == 3, -100, DIGIT)
    with pytest.raises(ValueError, match="no target may be ignore_index -100"):
        made.step(give(X.astype(np.float32)), give(target))


def test_the_communicator_needs_a_process_group():
    with pytest.raises(ValueError, match="init_process_group was not called"):
        torch_ref.distributed.Communicator()


# Lessons


class Three:
    rank, size = 0, 3


@pytest.mark.parametrize(
    ("lesson", "words"),
    [
        ("digits_mlp", "digits_mlp: a batch of 64 examples has no equal shares for 3"),
        ("or_gate", "or_gate: a batch of 4 examples has no equal shares for 3"),
    ],
)
def test_a_lesson_whose_batch_is_not_divisible_is_refused(lesson, words):
    with pytest.raises(ValueError, match=words):
        distributed.spread(*registry.load(lesson), Three(), RunConfig())


def test_a_lesson_without_gradients_to_average_is_refused():
    words = "digits_clusters: .* the learner 'ten' is a KMeans; it takes those that"
    with pytest.raises(ValueError, match=words):
        distributed.spread(*registry.load("digits_clusters"), Three(), RunConfig())


def test_without_torchrun_the_command_says_how_to_start_it(monkeypatch):
    for name in distributed.SET_BY_TORCHRUN:
        monkeypatch.delenv(name, raising=False)
    answer = CliRunner().invoke(app, ["run", "or_gate", "--distributed"])
    assert answer.exit_code == 2
    assert "torchrun --nproc-per-node 2 -m compare run NAME" in answer.output


def test_there_is_a_device_for_each_rank_or_an_error(monkeypatch):
    for name, value in dict.fromkeys(distributed.SET_BY_TORCHRUN, "1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with (
        pytest.raises(ValueError, match="rank 1 of this machine has no CUDA device"),
        distributed.ranks("cuda"),
    ):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_one_rank_alone_is_one_process(monkeypatch, tmp_path):
    said = ("0", "0", "1", "127.0.0.1", str(free_port()))
    for name, value in zip(distributed.SET_BY_TORCHRUN, said, strict=True):
        monkeypatch.setenv(name, value)
    found = []
    for words in ([], ["--distributed"]):
        words = ["run", "batch_norm", "--fast", "--logdir", str(tmp_path), *words]
        answer = CliRunner().invoke(app, words)
        assert answer.exit_code == 0, answer.output
        found.append(curves(newest(tmp_path)))
    assert found[0] == found[1]
    assert not torch.distributed.is_initialized()


# Ranks as processes

FATE = """
import os, time
from datetime import timedelta
from pathlib import Path
from compare import distributed
from compare.experiments.digits_mlp import EXPERIMENT
from compare.lockstep import Lockstep

distributed.TIMEOUT = timedelta(seconds=3)
step = Lockstep.step

def last(self, x, target):
    if os.environ.get("RANK") == "1" and self.steps == 3:
        Path(__file__).with_name("began").write_text(str(time.time()))
        {fate}
    return step(self, x, target)

Lockstep.step = last
"""


def newest(logdir: Path) -> Path:
    return max(logdir.glob("*/*"), key=lambda folder: folder.stat().st_mtime_ns)


def curves(folder: Path) -> list[list[str]]:
    with (folder / "curves.csv").open(newline="") as file:
        return list(csv.reader(file))


def on_two_processes(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "compare", "run", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, "--distributed"],
        text=True,
        capture_output=True,
        timeout=500,
        check=False,
        env=environment,
    )


def numbers(tree: dict) -> dict[str, np.ndarray]:
    model = tree["trials"][0]["lockstep"]
    return {
        f"{side} {name}": array
        for side in ("handmade", "torch_ref")
        for name, array in model[side]["model"].items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--accumulate", "3")], ids=["", "accumulate"])
def test_two_processes_give_what_one_gives_on_the_whole_batch(tmp_path, more):
    words = ["digits_mlp", "--steps", "25", "--logdir"]
    answer = on_two_processes(*words, tmp_path / "two", "--array", "torch", *more)
    single = CliRunner().invoke(app, ["run", *words, str(tmp_path / "one")])
    assert (
        answer.stdout.count("digits_mlp  equal up to rounding: ") == 1
    )  # only rank 0 prints
    assert single.output.count("digits_mlp  equal up to rounding: ") == 1
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["digits_mlp"]
    assert len([*(tmp_path / "two").glob("*/*")]) == 1
    two, one = (curves(newest(tmp_path / name)) for name in ("two", "one"))
    for ours, theirs in zip(two[1:], one[1:], strict=True):
        # The losses of both sides.
        losses = np.array([ours[3:5], theirs[3:5]], float)
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)
    two, one = (
        numbers(checkpoint.load(newest(tmp_path / name) / checkpoint.NAME))
        for name in ("two", "one")
    )
    for name, array in one.items():
        scale = np.abs(array).max()
        np.testing.assert_allclose(two[name], array, rtol=0, atol=1e-12 * scale)


@pytest.mark.slow
def test_both_sides_average_the_statistics_of_micro_batches(tmp_path):
    words = ["batch_norm", "--fast", "--accumulate", "2", "--logdir", tmp_path]
    answer = on_two_processes(*words)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fate", "why"),
    [
        ("os._exit(3)", "rank 1 has ended"),
        ("os.kill(os.getpid(), 9)", "rank 1 has ended"),
        ("time.sleep(1000)", "another rank did not answer within 3 s"),
    ],
)
def test_a_rank_that_dies_or_hangs_ends_the_others_with_a_message(fate, why, tmp_path):
    lesson = tmp_path / "own.py"
    lesson.write_text(FATE.format(fate=fate), encoding="utf-8")
    answer = on_two_processes(lesson, "--logdir", tmp_path / "runs")
    ended = time.time()
    assert answer.returncode == 1
    assert f"error: own: rank 0 of 2 stops: {why}" in answer.stderr
    assert ended - float((tmp_path / "began").read_text()) < 10
    folder = newest(tmp_path / "runs")
    assert [row[2] for row in curves(folder)[1:]] == ["0", "1", "2"]
    words = CliRunner().invoke(app, ["run", "--resume", str(folder)]).output
    assert "only single-process runs can be resumed" in " ".join(words.split())
