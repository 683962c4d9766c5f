"""Lessons on several ranks under torchrun: each learns from its part of every batch."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import distributed as dist

import handmade
from compare.experiment import Experiment, MakeLearner
from compare.lockstep import Diverged, Step
from compare.run_config import Interrupted, RunConfig, process_settings
from compare.trainer import Progress, Result, TrialRun, run
from handmade.distributed import DataParallelLearner
from torch_ref.distributed import Communicator

TIMEOUT = timedelta(seconds=60)
"""How long a rank waits for the others before it gives up."""
COMMAND = "torchrun --nproc-per-node 2 -m compare run NAME --distributed"
SET_BY_TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
LOST = ("gloo", "nccl", "peer", "timed out", "timeout", "socket", "store")
"""What torch's words hold where it was the connection that failed."""


class RankLost(Interrupted):
    """Another rank has ended or does not answer: stops a run from outside."""


@contextmanager
def ranks(device: str) -> Iterator[Communicator]:
    """The ranks that torchrun started, joined: over gloo, on CUDA over nccl.

    Args:
        device: "cpu" or "cuda"; on CUDA each rank of a machine has a device of its own.

    Raises:
        ValueError: torchrun did not start this process, or there are too few devices.
        RankLost: another rank has ended before all had joined.
    """
    if missing := [name for name in SET_BY_TORCHRUN if name not in os.environ]:
        raise ValueError(
            f"--distributed is started by torchrun, which sets {', '.join(missing)}: "
            f"{COMMAND}"
        )
    if device == "cuda":
        torch.cuda.set_device(_own_device())
    with _noticed():
        dist.init_process_group("nccl" if device == "cuda" else "gloo", timeout=TIMEOUT)
    try:
        yield Communicator()
    finally:
        gc.collect()  # a DDP replica that outlives its group may abort the process
        dist.destroy_process_group()


def spread(
    lesson: str, experiment: Experiment, communicator: Communicator, seed: int
) -> Experiment:
    """The same lesson, every batch dealt out to all ranks.

    Args:
        lesson: its name.
        experiment: itself.
        communicator: of the ranks.
        seed: of the first data to be drawn.

    Raises:
        ValueError: a learner has no gradients to average, its loss is no mean of equal
            parts, or a batch cannot be dealt out evenly; nothing is written yet.
    """
    try:
        _require_even(experiment, communicator.size, seed)
        learners = {
            name: _spread(name, make, communicator)
            for name, make in experiment.learners.items()
        }
    except ValueError as error:
        if communicator.rank > 0:
            _let_rank_0_speak()
        raise ValueError(f"{lesson}: {error}") from None
    others = {
        data: partial(_spread_later, lesson, make, communicator, seed)
        for data, make in experiment.other_data.items()
    }
    return replace(experiment, learners=learners, other_data=others)


def _spread_later(
    lesson: str,
    make: Callable[[], Experiment],
    communicator: Communicator,
    seed: int,
) -> Experiment:
    """The lesson on other data, spread once it is asked for."""
    return spread(lesson, make(), communicator, seed)


def run_spread(
    communicator: Communicator,
    lesson: str,
    experiment: Experiment,
    settings: RunConfig,
    progress: Progress | None = None,
    source: str = "",
) -> Result | None:
    """Train a `spread` lesson: rank 0 logs and judges, the others write nothing.

    Args:
        communicator: of the ranks.
        lesson: the name of its folder.
        experiment: the lesson, spread.
        settings: where and how.
        progress: as for `compare.trainer.run`.
        source: likewise.

    Returns:
        What the run came to; None on all ranks but 0.

    Raises:
        RankLost: another rank has ended or hangs; the run is closed properly before.
    """

    def watched(steps: Iterator[Step], label: str, total: int) -> Iterator[Step]:
        with _noticed():
            yield from progress(steps, label, total) if progress else steps

    with _noticed():
        if communicator.rank == 0:
            before = signal.getsignal(signal.SIGTERM)
            _turn_deaf()  # `run` itself listens, and goes back to this
            result = run(lesson, experiment, settings, watched, source=source)
            with suppress(ValueError):
                signal.signal(signal.SIGTERM, before)
            return result
        with process_settings(settings):
            _follow(experiment.on(settings.data), settings)
    return None


def _follow(experiment: Experiment, settings: RunConfig) -> None:
    """Take every step that rank 0 takes; what it meets, all ranks meet."""
    steps = settings.steps_of(experiment)
    seeds = 1 if settings.fast else experiment.seeds
    try:
        for seed in range(settings.seed, settings.seed + seeds):
            for name in experiment.learners:
                for _ in TrialRun(experiment, name, seed, settings, steps).train():
                    pass
    except Diverged:
        return


def _let_rank_0_speak() -> None:
    """Wait until rank 0 has ended: torchrun ends all others as soon as one has."""
    with suppress(RuntimeError):
        dist.barrier()


def _turn_deaf() -> None:
    """Let torchrun's SIGTERM not come before the last words: this process ends now."""
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


class _Wing:
    """A library whose `GradientLearner` deals its batches out to all ranks."""

    def __init__(self, library: Any, communicator: Communicator) -> None:
        self._library = library
        learner = partial(
            library.distributed.DataParallelLearner, communicator=communicator
        )
        names = {**vars(library.training), "GradientLearner": learner}
        self.training = SimpleNamespace(**names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)


def _spread(name: str, make: MakeLearner, communicator: Communicator) -> MakeLearner:
    """The learner, made from libraries that deal batches out."""

    def made(library: Any) -> Any:
        return make(_Wing(library, communicator))

    learner: Any = made(handmade)
    if not isinstance(learner, DataParallelLearner):
        raise ValueError(
            f"--distributed averages gradients, but the learner {name!r} is a "
            f"{type(learner).__name__}; it takes those that `backprop` makes"
        )
    return made


def _require_even(experiment: Experiment, size: int, seed: int) -> None:
    """Refuse batches that cannot be dealt out in equal parts."""
    for name in experiment.learners:
        count = experiment.batch_size
        if count is None:
            data = experiment.data_of(name)(np.random.default_rng([seed, 1]))
            count = len(data.x)
        if count % size:
            raise ValueError(
                f"a batch of {count} examples cannot be dealt out evenly to {size} "
                f"ranks; take a number of ranks that divides it"
            )


def _own_device() -> int:
    """The number of this rank's CUDA device.

    Raises:
        ValueError: there are fewer devices than ranks on this machine.
    """
    number, count = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if number >= count:
        raise ValueError(
            f"rank {number} of this machine has no CUDA device of its own: there are "
            f"{count}; start at most as many ranks on it"
        )
    return number


@contextmanager
def _noticed() -> Iterator[None]:
    """Say of a failed connection what it means.

    Raises:
        RankLost: another rank has ended or hangs.
    """
    who = f"rank {os.environ['RANK']} of {os.environ['WORLD_SIZE']}"
    try:
        yield
    except RankLost:
        _turn_deaf()
        raise
    except Interrupted:
        _turn_deaf()
        raise RankLost(
            f"{who} stops, as torchrun ends all ranks once one has ended"
        ) from None
    except RuntimeError as error:
        words = str(error).partition("\n")[0]
        if not any(word in words.lower() for word in LOST):
            raise
        _turn_deaf()
        raise RankLost(
            f"{who} stops, as another rank has ended or did not answer within "
            f"{TIMEOUT.seconds} s ({words})"
        ) from error
